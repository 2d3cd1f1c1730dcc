//! Claims of the file about bytes: headers, and series that nobody asked for.

use super::REFERENCE;
use crate::support::{finish, plan, shipped, world};

#[test]
pub fn packets_have_headers_of_40_bytes() {
    for (timestamps, expected) in [(true, 1448 + 12 + 40), (false, 1448 + 40)] {
        let text = format!(
            "duration = \"1s\"\n[link.w]\nrate = \"10mbit\"\ndelay = \"1ms\"\n[tcp]\ntimestamps = {timestamps}\n\
             [[clients]]\nname = \"u\"\npath = [\"w\"]\napp = {{ kind = \"bulk\" }}\n"
        );
        let sizes = std::sync::Arc::new(std::sync::Mutex::new(0));
        let seen = std::sync::Arc::clone(&sizes);
        let mut world = world(&text, 1);
        let largest =
            move |_: testbed::time::Instant, packet: &testbed::wire::Packet, _: &mut testbed::rng::Rng| {
                let mut seen = seen.lock().expect("nobody panicked");
                *seen = packet.size().max(*seen);
                testbed::link::Verdict::Pass
            };
        world.push_impairment(0, Box::new(largest));
        finish(world);
        assert_eq!(*sizes.lock().expect("nobody panicked"), expected, "timestamps {timestamps}");
    }
}

#[test]
pub fn segments_have_64_to_9000_bytes() {
    let read = |mss: u32| {
        let text = REFERENCE.replace("mss              = 1448", &format!("mss              = {mss}"));
        testbed::scenario::Plan::parse_with("x.toml", &text, &[], &mut shipped)
            .map(|plan| plan.base.groups[0].tcp.mss)
    };
    assert!(read(63).is_err() && read(9001).is_err());
    assert_eq!([64, 9000].map(|mss| read(mss).expect("sound")), [64, 9000]);
}

#[test]
pub fn unasked_series_stay_small() {
    for (duration_s, count, cells) in [(60, 10, 1), (60, 50, 24), (10, 50, 24), (3600, 1, 1)] {
        let values: Vec<String> = (0..cells).map(|n| format!("\"{n}.5%\"")).collect();
        let text = format!(
            "duration = \"{duration_s}s\"\n[link.w]\nrate = \"10mbit\"\n[[clients]]\nname = \"u\"\ncount = {count}\n\
             path = [\"w\"]\napp = {{ kind = \"bulk\" }}\n[sweep]\n\"link.w.loss\" = [{}]\n",
            values.join(", ")
        );
        let interval = scenario_of(&text).record.interval.as_nanos() / 1_000_000;
        let (samples, rows) = (duration_s * 1000 / interval, (count + 2) * cells);
        let decade = 10u64.pow(interval.ilog10());
        assert!([1, 2, 5].contains(&(interval / decade)) && interval.is_multiple_of(decade), "{interval} ms");
        assert!(samples * rows <= 1_000_000 || samples < 2 * 480 + 480, "{samples} samples of {rows}");
        assert!(samples >= 480, "{samples} samples");
    }
}

/// The first cell of a text.
fn scenario_of(text: &str) -> testbed::scenario::Scenario {
    plan(text).scenario(0).expect("a sound cell")
}
