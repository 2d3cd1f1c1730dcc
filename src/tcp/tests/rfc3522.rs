//! RFC 3522 (Eifel): timestamps show whether a retransmission was unfounded, and what is taken back.

use super::{Script, blocks, ms, sack, segment, stamped, syn_ack, with_stamps};
use crate::congestion::testing::choice;
use crate::facts::SenderEvent;
use crate::tcp::{Config, Recovery};
use crate::wire::{Flags, SynOptions};

const ACK: Flags = Flags::ACK;
const RECOVERIES: [Recovery; 2] = [Recovery::Sack, Recovery::Rack];

/// A sender with SACK and timestamps whose first ten segments left at 10 ms, stamped 11.
fn sender(recovery: Recovery) -> Script {
    let config = Config { timestamps: true, recovery, min_rto: ms(300), ..sack() };
    let offer = SynOptions { mss: Some(1012), sack_permitted: true, ..SynOptions::default() };
    let mut script = Script::open_with(&config, with_stamps(syn_ack(offer), 7, 1));
    script.write(10_000);
    assert_eq!(script.take().len(), 10);
    script
}

/// RFC 3522 §3.2 (Eifel): the echo is older than the retransmission, so the original arrived; the
/// window and threshold come back, and what was marked lost is not sent again.
#[test]
fn eifel_takes_back_a_spurious_timeout() {
    takes_back_a_spurious_timeout(&stamped());
}

/// The same with CUBIC, in Linux's segments and in the RFC's real numbers.
#[test]
fn eifel_takes_back_what_cubic_gave_up() {
    for arithmetic in [0.0, 1.0] {
        let congestion = choice("cubic", &[("arithmetic", arithmetic)]);
        takes_back_a_spurious_timeout(&Config { congestion, ..stamped() });
    }
}

fn takes_back_a_spurious_timeout(config: &Config) {
    let offer = SynOptions { mss: Some(1012), ..SynOptions::default() };
    let mut script = Script::open_with(config, with_stamps(syn_ack(offer), 7, 1));
    script.write(4_000);
    script.take();
    script.recv(210, "A 1..1001 ack 1");
    assert_eq!(script.tcp.snapshot().cwnd, 1_000);
    // A delay spike: the original's acknowledgment, with the stamp of 10 ms, comes at 250.
    script.send(250, with_stamps(segment(ACK, 1, 1001, 0), 8, 11));
    assert_eq!(script.tcp.snapshot().cwnd, 10_000);
    assert_eq!(script.tcp.snapshot().ssthresh, None);
    assert_eq!(script.tcp.stats(script.now).spurious, 1);
    script.send(260, with_stamps(segment(ACK, 1, 4001, 0), 8, 11));
    script.silent(10_000);
    let signals: Vec<SenderEvent> = script.tcp.take_signals().into_iter().map(|(_, signal)| signal).collect();
    assert!(signals.contains(&SenderEvent::SpuriousTimeout), "{signals:?}");
}

/// RFC 3522 §3.2: an echo of the retransmission proves nothing; the timeout stands.
#[test]
fn eifel_believes_a_real_timeout() {
    let offer = SynOptions { mss: Some(1012), ..SynOptions::default() };
    let mut script = Script::open_with(&stamped(), with_stamps(syn_ack(offer), 7, 1));
    script.write(4_000);
    script.take();
    script.recv(210, "A 1..1001 ack 1");
    script.send(250, with_stamps(segment(ACK, 1, 1001, 0), 8, 211));
    // Slow start from one segment, ssthresh = max(4 / 2, 2) segments.
    assert_eq!(script.tcp.snapshot().cwnd, 2_000);
    assert_eq!(script.tcp.snapshot().ssthresh, Some(2_000));
    assert_eq!(script.take(), ["A 1001..2001 ack 1", "A 2001..3001 ack 1"]);
    assert_eq!(script.tcp.stats(script.now).spurious, 0);
}

/// §3.2 step 2: a timeout in the course of the repair does not overwrite the time of the first
/// retransmission, and what arrives late of that one shows that the loss was real.
#[test]
fn a_timeout_within_a_repair_leaves_the_first_stamp() {
    for recovery in RECOVERIES {
        let mut script = sender(recovery);
        for end in [2001, 3001, 4001, 10_001] {
            script.send(20, with_stamps(blocks(1, &[(1001, end)]), 17, 11));
        }
        assert_eq!(script.take(), ["A 1..1001 ack 1"], "{recovery:?}: stamped 21");
        assert_eq!(script.tcp.snapshot().ssthresh, Some(5_000));
        script.wait(600);
        assert_eq!(script.take(), ["A 1..1001 ack 1"], "{recovery:?}: the timeout");
        script.send(610, with_stamps(segment(ACK, 1, 10_001, 0), 607, 21));
        let end = script.tcp.snapshot();
        assert_eq!(end.ssthresh, Some(5_000), "{recovery:?}");
        assert!(end.cwnd <= 5_000, "{recovery:?}: {}", end.cwnd);
        assert_eq!(script.tcp.stats(script.now).spurious, 0, "{recovery:?}");
    }
}

/// §3.2 step 2: nor does a second timeout overwrite the time of the first.
#[test]
fn a_second_timeout_leaves_the_stamp_of_the_first() {
    let offer = SynOptions { mss: Some(1012), ..SynOptions::default() };
    let mut script = Script::open_with(&stamped(), with_stamps(syn_ack(offer), 7, 1));
    script.write(1_000);
    script.take();
    script.recv(210, "A 1..1001 ack 1");
    script.recv(610, "A 1..1001 ack 1");
    // The copy of 210 ms arrived: the first timeout was right.
    script.send(620, with_stamps(segment(ACK, 1, 1001, 0), 8, 211));
    assert!(script.tcp.snapshot().cwnd <= 2_000, "{}", script.tcp.snapshot().cwnd);
    assert_eq!(script.tcp.stats(script.now).spurious, 0);
}

/// §3.2 step 4, where the segment sent again first is not the oldest outstanding: only an
/// acknowledgment that covers it can tell. Here the oldest was repaired in the episode before.
#[test]
fn an_acknowledgment_of_something_else_tells_nothing() {
    for recovery in RECOVERIES {
        let mut script = sender(recovery);
        for end in [3001, 4001, 5001] {
            script.send(20, with_stamps(blocks(1, &[(2001, end)]), 17, 11));
        }
        // 1 and 2 are lost and sent again, stamped 21; more follows.
        script.write(20_000);
        script.send(21, with_stamps(blocks(1, &[(2001, 10_001)]), 18, 11));
        script.take();
        script.send(30, with_stamps(blocks(1001, &[(2001, 10_001)]), 27, 21));
        script.send(31, with_stamps(segment(ACK, 1, 10_001, 0), 28, 21));
        assert_eq!(script.tcp.stats(script.now).spurious, 0, "{recovery:?}");
    }
}

/// §3.2 step 4: nor does an acknowledgment that another overtook, which left before the copy arrived;
/// and an echo of zero is none (RFC 7323 §3.2).
#[test]
fn an_overtaken_acknowledgment_and_an_empty_echo_tell_nothing() {
    for recovery in RECOVERIES {
        let mut script = sender(recovery);
        for end in [2001, 3001, 4001, 10_001] {
            script.send(20, with_stamps(blocks(1, &[(1001, end)]), 17, 11));
        }
        assert_eq!(script.take(), ["A 1..1001 ack 1"], "{recovery:?}: stamped 21");
        script.send(30, with_stamps(segment(ACK, 1, 10_001, 0), 28, 0));
        assert_eq!(script.tcp.stats(script.now).spurious, 0, "{recovery:?}: no echo");
        script.send(31, with_stamps(blocks(1, &[(1001, 9001)]), 17, 11));
        assert_eq!(script.tcp.stats(script.now).spurious, 0, "{recovery:?}: overtaken");
    }
}

/// RFC 3522: a timestamp clock that wraps between a segment and its acknowledgment still tells.
#[test]
fn wrapped_timestamps_still_measure() {
    // 2³² ms less 300.
    let start = super::at((1 << 32) - 300);
    let mut pair = super::Pair::with(&stamped(), &stamped(), (1, 2), start);
    pair.client.write_zeros(200_000);
    pair.drop_exactly(&[(5, 0), (5, 1), (40, 0)]);
    pair.drive_until(ms(20_000), |pair| pair.server.received() == 200_000);
    let srtt = pair.client.snapshot().srtt.expect("a sample");
    assert!(srtt >= ms(100) && srtt < ms(200), "{srtt}");
    assert_eq!(pair.client.stats(pair.now).spurious, 0);
}
