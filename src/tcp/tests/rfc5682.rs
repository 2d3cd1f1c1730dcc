//! RFC 5682 (F-RTO): what arrives after a timeout shows, without timestamps, whether it was spurious.

use super::{Script, blocks, plain, sack, segment};
use crate::facts::SenderEvent;
use crate::tcp::{Config, Recovery};
use crate::wire::{Flags, Segment};

const ACK: Flags = Flags::ACK;

fn frto(recovery: Recovery) -> Config {
    let base = if recovery == Recovery::NewReno { plain() } else { sack() };
    Config { frto: true, recovery, ..base }
}

const ALL: [Recovery; 3] = [Recovery::Sack, Recovery::Rack, Recovery::NewReno];

/// A sender whose window of four segments left at 10 ms, with `more` bytes to be sent after them, and whose
/// first was sent again at the timeout.
fn timed_out(config: &Config, more: u64) -> Script {
    let config = Config { initial_window: 4, ..config.clone() };
    let mut script = Script::established_with_sack(&config);
    script.write(4_000 + more);
    assert_eq!(script.take().len(), 4);
    let mut waited = 200;
    while script.tcp.stats(script.now).timeouts == 0 {
        waited += 1;
        script.wait(waited);
    }
    // With RACK a probe of the tail went before.
    assert_eq!(script.take().pop().as_deref(), Some("A 1..1001 ack 1"));
    script
}

fn end(script: &mut Script) -> (u64, Option<u64>, u64) {
    let now = script.tcp.snapshot();
    (now.cwnd, now.ssthresh, script.tcp.stats(script.now).spurious)
}

/// §3.1 steps 2b and 3b: the first new acknowledgment lets two new segments go instead of repeats, and the next
/// one, of old data that was not sent again, takes the timeout back.
#[test]
fn a_late_flight_is_not_sent_again() {
    for recovery in [Recovery::Sack, Recovery::NewReno] {
        let mut script = timed_out(&frto(recovery), 10_000);
        let start = script.now.as_nanos() / 1_000_000;
        script.send(start + 20, segment(ACK, 1, 1001, 0));
        assert_eq!(script.take(), ["A 4001..5001 ack 1", "A 5001..6001 ack 1"], "{recovery:?}");
        script.send(start + 21, segment(ACK, 1, 2001, 0));
        let (cwnd, ssthresh, spurious) = end(&mut script);
        assert!(cwnd >= 4_000 && ssthresh.is_none() && spurious == 1, "{recovery:?}: {cwnd} {ssthresh:?}");
        script.send(start + 22, segment(ACK, 1, 4001, 0));
        assert!(script.take().iter().all(|line| !line.starts_with("A 2001") && !line.starts_with("A 3001")));
        let kinds: Vec<_> = script.tcp.take_signals().into_iter().map(|signal| signal.1).collect();
        assert!(kinds.contains(&SenderEvent::SpuriousTimeout), "{kinds:?}");
    }
}

/// §3.1 step 3a: if the new data is reported instead, the old is lost, and repaired.
#[test]
fn a_lost_flight_is_sent_again_after_the_new_data_tells() {
    let mut script = timed_out(&frto(Recovery::Sack), 10_000);
    let start = script.now.as_nanos() / 1_000_000;
    script.send(start + 20, segment(ACK, 1, 1001, 0));
    assert_eq!(script.take(), ["A 4001..5001 ack 1", "A 5001..6001 ack 1"]);
    script.send(start + 30, blocks(1001, &[(4001, 5001)]));
    assert_eq!(script.take(), ["A 1001..2001 ack 1"]);
    assert_eq!(end(&mut script).2, 0);
    // Acknowledgments from now on answer repeats.
    script.send(start + 31, segment(ACK, 1, 3001, 0));
    assert_eq!(end(&mut script).2, 0);
}

/// §3.1 step 2: duplicates before the first new acknowledgment say nothing, and hold nothing.
#[test]
fn duplicates_before_the_answer_are_waited_out() {
    let mut script = timed_out(&frto(Recovery::NewReno), 10_000);
    let start = script.now.as_nanos() / 1_000_000;
    script.send(start + 10, segment(ACK, 1, 1, 0));
    script.send(start + 20, segment(ACK, 1, 1001, 0));
    assert_eq!(script.take()[0], "A 4001..5001 ack 1");
}

/// §3.1 step 2a and the advice of step 2b: without new data, or room for it, the repair goes on as usual.
#[test]
fn without_new_data_or_room_the_repair_goes_on() {
    for (more, window) in [(0, 60_000), (10_000, 3_000)] {
        for recovery in ALL {
            let mut script = timed_out(&frto(recovery), more);
            let start = script.now.as_nanos() / 1_000_000;
            script.send(start + 20, Segment { window, ..segment(ACK, 1, 1001, 0) });
            assert_eq!(script.take()[0], "A 1001..2001 ack 1", "{recovery:?}, {more}");
        }
    }
}

/// As Linux, with SACK: the very first acknowledgment may show it, by SACK or cumulatively.
#[test]
fn with_sack_the_first_acknowledgment_may_tell() {
    for recovery in [Recovery::Sack, Recovery::Rack] {
        for answer in [segment(ACK, 1, 2001, 0), blocks(1, &[(1001, 2001)])] {
            let mut script = timed_out(&frto(recovery), 0);
            let start = script.now.as_nanos() / 1_000_000;
            script.send(start + 20, answer);
            assert_eq!(end(&mut script).2, 1, "{recovery:?}");
        }
    }
    // Without, the repeat may have filled a gap (`tcp_clean_rtx_queue`).
    let mut script = timed_out(&frto(Recovery::NewReno), 0);
    let start = script.now.as_nanos() / 1_000_000;
    script.send(start + 20, segment(ACK, 1, 2001, 0));
    assert_eq!(end(&mut script).2, 0);
}

/// `tcp_enter_loss`: a timeout of a repair is no reason for doubt; a second in a row begins anew.
#[test]
fn only_a_timeout_of_its_own_is_doubted() {
    let mut script = timed_out(&frto(Recovery::Sack), 10_000);
    let start = script.now.as_nanos() / 1_000_000;
    script.wait(start + 401);
    assert_eq!(script.take(), ["A 1..1001 ack 1"], "the second timeout");
    script.send(start + 420, segment(ACK, 1, 1001, 0));
    assert_eq!(script.take()[0], "A 4001..5001 ack 1", "new data after both");

    let mut script = Script::established_with_sack(&frto(Recovery::Sack));
    script.write(20_000);
    script.take();
    script.send(20, blocks(1, &[(1001, 5001)]));
    assert_eq!(script.take()[0], "A 1..1001 ack 1", "a recovery");
    script.wait(600);
    script.take();
    assert!(script.tcp.stats(script.now).timeouts > 0);
    script.send(610, blocks(1, &[(1001, 7001)]));
    assert_eq!(end(&mut script).2, 0);
}

/// Without the algorithm repeats go at once, and nothing is taken back.
#[test]
fn without_it_a_late_flight_is_sent_again() {
    let mut script = timed_out(&Config { frto: false, ..frto(Recovery::Sack) }, 10_000);
    let start = script.now.as_nanos() / 1_000_000;
    script.send(start + 20, segment(ACK, 1, 1001, 0));
    assert_eq!(script.take(), ["A 1001..2001 ack 1", "A 2001..3001 ack 1"]);
    script.send(start + 21, segment(ACK, 1, 4001, 0));
    assert_eq!(end(&mut script).2, 0);
}
