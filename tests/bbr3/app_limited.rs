//! A.6, A.7, A.20, A.22: applications that send less than the path bears.

use testbed::facts::Phase;

use crate::bench::{Bench, L0, L1, Load, Losses, News, ceiling, stays};

/// Enough for 100 ms at most, so that another load takes effect at once.
const AHEAD: Load = Load::JustInTime(16_000.0);

/// A.6: 60 % of the link from the start of a probe, and 5 % loss a round trip later. What was sent under the
/// application's limit lowers no bound (the pseudocode; the text of the case wants it "appropriately").
#[test]
fn a6_loss_ends_a_probe_even_if_the_application_limits() {
    let mut bench = Bench::new(L1, AHEAD, 1);
    assert!(bench.enter(15.0, Phase::ProbeUp));
    let bound = bench.last().get("inflight_longterm");
    bench.set_load(Load::Rate(0.6 * ceiling(L1.0)));
    bench.run_to(bench.now + 0.1);
    assert_eq!(bench.last().phase, Phase::ProbeUp);
    bench.set_losses(Losses::Random(0.05));
    let from = bench.now;
    assert!(bench.wait_for(15.0, |row| row.phase != Phase::ProbeUp));
    bench.set_losses(Losses::None);
    let rows = bench.rows();
    let first = rows.iter().find(|row| row.at > from && row.news == News::Lost).expect("a loss");
    let after = rows.iter().find(|row| row.at > from && row.phase != Phase::ProbeUp).expect("it ended");
    assert_eq!((after.phase, after.news), (Phase::ProbeDown, News::Lost));
    assert!(after.get("round_count") - first.get("round_count") <= 3.0);
    assert!(after.segment.expect("lost").app_limited);
    assert_eq!(after.get("inflight_longterm"), bound);
    assert_eq!(after.get("prev_probe_too_high"), 1.0);
}

/// A.7: 40 s at 4 Mbit/s from the start, or at 8 Mbit/s from the start of a probe: only `ProbeRTT` interrupts.
#[test]
fn a7_without_loss_a_limit_by_the_application_ends_neither_startup_nor_a_probe() {
    let mut bench = Bench::new(L1, Load::Rate(4e6 / 8.0), 1);
    bench.run_to(40.0);
    let rows = bench.rows();
    let phases: Vec<Phase> = stays(&rows).iter().map(|stay| stay.phase).collect();
    assert!(phases.len() > 10, "{phases:?}");
    for (i, phase) in phases.iter().enumerate() {
        assert_eq!(*phase, if i % 2 == 0 { Phase::Startup } else { Phase::ProbeRtt }, "{phases:?}");
    }

    let mut bench = Bench::new(L1, AHEAD, 1);
    assert!(bench.enter(15.0, Phase::ProbeUp));
    let from = bench.now;
    bench.set_load(Load::Rate(8e6 / 8.0));
    bench.run_to(40.0);
    let rows = bench.rows();
    let mut probes = 0;
    for pair in stays(&rows).windows(2).filter(|pair| pair[1].from >= from) {
        if pair[0].phase == Phase::ProbeUp {
            probes += 1;
            assert_eq!(pair[1].phase, Phase::ProbeRtt, "{} s", pair[1].from);
        }
    }
    assert!(probes >= 3, "{probes} probes");
}

/// A.20: 4 Mbit/s from the start: `ProbeRTT` after 5 s returns to Startup.
#[test]
fn a20_probe_rtt_in_startup_returns_to_startup() {
    let mut bench = Bench::new(L1, Load::Rate(4e6 / 8.0), 1);
    bench.run_to(8.0);
    let rows = bench.rows();
    let stays = stays(&rows);
    let phases: Vec<Phase> = stays.iter().map(|stay| stay.phase).collect();
    assert_eq!(phases, [Phase::Startup, Phase::ProbeRtt, Phase::Startup]);
    assert!((5.0..5.2).contains(&stays[1].from), "{} s", stays[1].from);
    let (before, after) = (&rows[stays[1].rows.start - 1], &rows[stays[2].rows.start]);
    assert_eq!(after.get("pacing_gain"), 709.0 / 256.0);
    assert!(after.cwnd >= before.cwnd, "{} {}", before.cwnd, after.cwnd);
}

/// A.22: silent for 500 ms from the start of the refill, or at 0.5 Mbit/s.
#[test]
fn a22_a_refill_that_the_application_limits_lowers_no_bandwidth() {
    for load in [Load::Silent, Load::Rate(0.5e6 / 8.0)] {
        let mut bench = Bench::new(L0, AHEAD, 1);
        assert!(bench.enter(15.0, Phase::ProbeRefill));
        let start = bench.last();
        bench.set_load(load);
        // The first packet since then is of what was ahead.
        assert!(bench.enter(bench.now + 0.5, Phase::ProbeUp));
        let up = bench.now - start.at;
        assert!((0.04..0.05).contains(&up), "{load:?}: {up} s");
        bench.run_to(start.at + 0.5);
        let rows = bench.rows();
        for row in rows.iter().filter(|row| row.at >= start.at) {
            assert_eq!(row.get("max_bw"), start.get("max_bw"), "{load:?}: {row:?}");
        }
        bench.set_load(AHEAD);
        bench.run_to(bench.now + 5.0);
        let ended = stays(&bench.rows()).windows(2).any(|pair| {
            pair[1].from > start.at && (pair[0].phase, pair[1].phase) == (Phase::ProbeUp, Phase::ProbeDown)
        });
        assert!(ended, "{load:?}: later probes end as usual");
    }
}

/// A.22, with nothing ahead as the refill begins: it lasts until a round trip after the silence.
#[test]
fn a22_silence_prolongs_a_refill() {
    let mut bench = Bench::new(L0, AHEAD, 1);
    assert!(bench.enter(5.0, Phase::ProbeCruise));
    bench.set_load(Load::Rate(0.9 * ceiling(L0.0)));
    assert!(bench.enter(5.0, Phase::ProbeRefill));
    let start = bench.last();
    bench.set_load(Load::Silent);
    let resumes = bench.now + 0.5;
    bench.run_to(resumes);
    assert_eq!(bench.last().phase, Phase::ProbeRefill);
    bench.set_load(AHEAD);
    assert!(bench.enter(resumes + 0.5, Phase::ProbeUp));
    assert!((0.04..0.05).contains(&(bench.now - resumes)), "{} s", bench.now - resumes);
    assert_eq!(bench.last().get("max_bw"), start.get("max_bw"));
}
