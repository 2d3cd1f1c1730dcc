//! RFC 3522 (Eifel) in whole worlds: what is taken back, and where nothing is spurious.

use testbed::facts::{SenderEvent, Series};
use testbed::time::Duration;

use crate::support::{finish, goodput, run, world};

/// A verdict settled by an acknowledgment of the first retransmission stays so: a later spurious
/// timeout in the same episode does not take back the reduction that a real loss brought.
#[test]
fn a_real_loss_is_not_taken_back_with_a_spurious_timeout() {
    let text = |recovery: &str| {
        format!(
            r#"
            duration = "6s"
            [link.w]
            rate = "50mbit"
            delay = "50ms"
            queue = "5000 packets"
            [tcp]
            recovery = "{recovery}"
            reduce_from = "flight"
            [[clients]]
            name = "u"
            path = ["w"]
            app = {{ kind = "bulk" }}
            tcp = {{ receive_window = "400KiB" }}
            [[drop]]
            flow = "u-1"
            segments = [4000]
            [[schedule]]
            at = "2.02s"
            set = {{ "link.w.delay" = "650ms" }}
            [[schedule]]
            at = "2.03s"
            set = {{ "link.w.delay" = "50ms" }}
            "#
        )
    };
    for recovery in ["sack", "rack", "newreno"] {
        let series = recorded(&text(recovery));
        let last = series.flows.iter().filter_map(|sample| sample.sender.ssthresh).next_back();
        assert!(last.is_some_and(|bytes| bytes <= 204_168), "{recovery}: {last:?}");
    }
}

/// On a path that cannot reorder and loses no acknowledgment, no retransmission is unfounded,
/// whatever the controller and however losses are found; and what `rack` finds sooner does not make it
/// slower.
#[test]
fn without_reordering_and_lost_acknowledgments_nothing_is_spurious() {
    let text = |controller: &str, recovery: &str, loss: &str| {
        format!(
            r#"
            duration = "12s"
            warmup = "2s"
            [link.path]
            rate = "10mbit"
            delay = "25ms"
            queue = "1000 packets"
            up = {{ loss = "{loss}" }}
            [tcp]
            congestion = "{controller}"
            recovery = "{recovery}"
            [congestion.fixed]
            window = 60
            [[clients]]
            name = "upload"
            path = ["path"]
            app = {{ kind = "bulk" }}
            "#
        )
    };
    for controller in ["none", "fixed", "reno", "cubic"] {
        for loss in ["1%", "5%"] {
            let goodput_of = |recovery: &str| {
                let text = text(controller, recovery, loss);
                let series = recorded(&text);
                let spurious = [SenderEvent::SpuriousRecovery, SenderEvent::SpuriousTimeout];
                let count = series.events.iter().filter(|event| spurious.contains(&event.kind)).count();
                assert_eq!(count, 0, "{controller}, {recovery}, {loss}");
                goodput(&run(&text, 3), 0)
            };
            goodput_of("newreno");
            let (sack, rack) = (goodput_of("sack"), goodput_of("rack"));
            assert!(rack > 0.97 * sack, "{controller} at {loss}: rack {rack:.2}, sack {sack:.2} Mbit/s");
        }
    }
}

fn recorded(text: &str) -> Series {
    let mut world = world(text, 3);
    world.record(Duration::from_millis(100));
    finish(world).series.expect("a record")
}

/// RFC 5682 and RFC 3708 in a whole world, without timestamps: the path becomes longer than the timeout, and
/// nothing is lost. F-RTO sees it at once and repeats little; without it reports of duplicates take the
/// reduction back when the repeats have arrived; without both it stands.
#[test]
fn without_timestamps_a_longer_path_is_no_loss() {
    let text = |frto: bool, dsack: bool| {
        format!(
            r#"
            duration = "8s"
            [link.w]
            rate = "50mbit"
            delay = "20ms"
            queue = "5000 packets"
            [tcp]
            timestamps = false
            frto = {frto}
            dsack = {dsack}
            [[clients]]
            name = "u"
            path = ["w"]
            app = {{ kind = "bulk" }}
            [[drop]]
            flow = "u-1"
            segments = [300]
            [[schedule]]
            at = "2s"
            set = {{ "link.w.delay" = "600ms" }}
            "#
        )
    };
    let of = |frto, dsack| {
        let text = text(frto, dsack);
        let series = recorded(&text);
        let taken_back =
            series.events.iter().filter(|event| event.kind == SenderEvent::SpuriousTimeout).count();
        let outcome = run(&text, 3);
        let direction = outcome.flows[0].directions[0].as_ref().expect("it has sent");
        (taken_back, direction.retransmits)
    };
    let [both, reports, neither] = [(true, true), (false, true), (false, false)].map(|(f, d)| of(f, d));
    assert!(both.0 > 0, "F-RTO: {both:?}");
    assert!(reports.0 > 0 && reports.1 > 3 * both.1, "reports alone: {reports:?}, F-RTO {both:?}");
    assert!(neither.0 == 0 && neither.1 > 3 * both.1, "neither: {neither:?}, F-RTO {both:?}");
}
