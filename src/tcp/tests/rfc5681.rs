//! RFC 5681, congestion control, with RFC 6928 (initial window), RFC 3042 (limited transmit) and
//! RFC 3465 (byte counting).

use super::{Pair, Script, blocks, ms, plain, sack, segment};
use crate::congestion::{Choice, Phase};
use crate::tcp::{Config, DelayedAck, State};
use crate::wire::Flags;

const ACK: Flags = Flags::ACK;

fn cwnd(script: &Script) -> u64 {
    script.tcp.snapshot().cwnd
}

/// RFC 6928 §2 and RFC 5681 §3.1: the first flight is the initial window, ten or one.
#[test]
fn the_first_flight_is_the_initial_window() {
    for window in [1, 3, 10] {
        let mut script = Script::established(&Config { initial_window: window, ..plain() });
        script.write(50_000);
        assert_eq!(script.take().len(), window as usize);
        assert_eq!(cwnd(&script), u64::from(window) * 1_000);
    }
}

/// §3.1: after a lost SYN or SYN-ACK the initial window is one segment.
#[test]
fn after_a_lost_syn_the_initial_window_is_one_segment() {
    let mut script = Script::connect(&plain());
    script.recv(0, "S 0..1");
    script.recv(1_000, "S 0..1");
    script.send(1_100, super::syn_ack(crate::wire::SynOptions { mss: Some(1000), ..<_>::default() }));
    assert_eq!(cwnd(&script), 1_000);
    let mut script = Script::in_state(&plain(), State::SynReceived);
    script.recv(1_010, "SA 0..1 ack 1");
    script.send(1_100, segment(ACK, 1, 1, 0));
    // The peer offered no MSS.
    assert_eq!(cwnd(&script), 536);
    // The peer's SYN again says that the SYN-ACK was lost.
    let mut script = Script::in_state(&plain(), State::SynReceived);
    script.send(900, super::syn(crate::wire::SynOptions::default()));
    script.recv(900, "SA 0..1 ack 1");
    script.send(1_000, segment(ACK, 1, 1, 0));
    assert_eq!(cwnd(&script), 536);
}

/// RFC 6928 §2, as Linux: one lost SYN may have been a slow one.
#[test]
fn after_more_lost_syns_than_tolerated_the_initial_window_is_one_segment() {
    for (lost, window) in [(1, 10_000), (2, 1_000)] {
        let mut script = Script::connect(&Config { tolerated_syns: 1, syn_linear_timeouts: 4, ..plain() });
        script.wait(1_000 * lost);
        script.send(
            1_000 * lost + 100,
            super::syn_ack(crate::wire::SynOptions { mss: Some(1000), ..<_>::default() }),
        );
        assert_eq!(cwnd(&script), window, "{lost} lost");
    }
}

/// §3.1: slow start adds what each acknowledgment covers, so that the window doubles each round
/// trip; without byte counting, a segment per acknowledgment.
#[test]
fn slow_start_grows_by_what_is_acknowledged() {
    for (byte_counting, after) in [(true, 20_000), (false, 15_000)] {
        let mut script = Script::established(&Config { byte_counting, ..plain() });
        script.write(50_000);
        for i in 1..=5 {
            script.send(20, segment(ACK, 1, 1 + 2_000 * i, 0));
        }
        assert_eq!(cwnd(&script), after);
        assert_eq!(script.tcp.snapshot().phase, Phase::SlowStart);
    }
}

/// §3.1: congestion avoidance adds one segment per round trip, also with delayed acknowledgments.
#[test]
fn congestion_avoidance_adds_a_segment_per_round_trip() {
    for delayed_ack in
        [None, Some(DelayedAck { segments: 2, timeout: ms(40), adaptive: false, stretch: false })]
    {
        let config = Config { initial_window: 20, delayed_ack, ..plain() };
        let mut pair = Pair::open(&config);
        pair.drop_exactly(&[(20, 0)]);
        pair.client.write_zeros(2_000_000);
        pair.drive_until(ms(3_000), |pair| pair.client.snapshot().phase == Phase::CongestionAvoidance);
        pair.run_for(ms(50));
        let before = pair.client.snapshot().cwnd;
        pair.run_for(ms(1_000));
        let grown = (pair.client.snapshot().cwnd - before) / 1_000;
        // Ten round trips; a delayed acknowledgment makes a few of them longer.
        assert!((9..=10).contains(&grown), "{grown} segments in ten round trips, {delayed_ack:?}");
    }
}

/// §3.1 equation (4): a timeout leaves ssthresh = max(flight / 2, 2 segments) and a window of one.
#[test]
fn a_timeout_leaves_a_window_of_one_segment() {
    for (segments, threshold) in [(10, 5_000), (6, 3_000), (3, 2_000), (1, 2_000)] {
        let mut script = Script::established(&plain());
        script.write(segments * 1_000);
        script.take();
        script.recv(210, "A 1..1001 ack 1");
        let snapshot = script.tcp.snapshot();
        assert_eq!((snapshot.cwnd, snapshot.ssthresh), (1_000, Some(threshold)), "{segments}");
        // §3.1: the same segment lost again does not halve the threshold again.
        script.recv(610, "A 1..1001 ack 1");
        assert_eq!(script.tcp.snapshot().ssthresh, Some(threshold));
    }
}

/// §3.1: after a timeout slow start runs to ssthresh, then congestion avoidance.
#[test]
fn slow_start_after_a_timeout_ends_at_the_threshold() {
    let mut script = Script::established(&plain());
    script.write(60_000);
    script.take();
    script.recv(210, "A 1..1001 ack 1");
    script.send(220, segment(ACK, 1, 1_001, 0));
    script.send(230, segment(ACK, 1, 3_001, 0));
    assert_eq!(cwnd(&script), 3_000, "a segment per acknowledgment after a timeout, without SACK");
    script.send(240, segment(ACK, 1, 6_001, 0));
    script.send(250, segment(ACK, 1, 10_001, 0));
    assert_eq!(cwnd(&script), 5_000);
    script.send(260, segment(ACK, 1, 14_001, 0));
    assert_eq!(cwnd(&script), 5_000);
    script.send(270, segment(ACK, 1, 15_001, 0));
    assert_eq!(cwnd(&script), 6_000, "five segments were acknowledged in congestion avoidance");
}

/// §4.1: after a pause longer than the timeout sending restarts with the initial window at most.
#[test]
fn an_idle_window_restarts() {
    let mut script = Script::established(&Config { initial_window: 4, ..plain() });
    for i in 0..6u32 {
        script.write(4_000 << i.min(3));
        let end = script.tcp.written() as u32 + 1;
        let first = end - (4_000 << i.min(3));
        for seq in (first + 2_000..=end).step_by(2_000) {
            script.send(20 + 10 * u64::from(i), segment(ACK, 1, seq, 0));
        }
    }
    script.take();
    assert!(cwnd(&script) >= 16_000, "{}", cwnd(&script));
    script.wait(150);
    script.write(20_000);
    assert!(script.take().len() > 4, "80 ms are no pause");
    script.send(160, segment(ACK, 1, script.tcp.written() as u32 + 1, 0));
    let (window, since) = (cwnd(&script), script.now);
    let before = script.tcp.stats(since).cwnd_integral;
    script.wait(1_000);
    script.write(20_000);
    assert_eq!(script.take().len(), 4);
    // The mean window of the pause is the one that it had.
    let integral = script.tcp.stats(script.now).cwnd_integral - before;
    assert_eq!(integral, u128::from(window) * u128::from((script.now - since).as_nanos()));
}

/// RFC 3042 §2: the first two duplicates let one new segment out each, and the window stays.
#[test]
fn limited_transmit_sends_two_new_segments() {
    for (limited_transmit, expected) in [(true, vec!["A 10001..11001 ack 1"]), (false, vec![])] {
        let mut script = Script::established(&Config { limited_transmit, ..plain() });
        script.write(30_000);
        script.take();
        script.send(20, segment(ACK, 1, 1, 0));
        assert_eq!(script.take(), expected);
        script.send(20, segment(ACK, 1, 1, 0));
        assert_eq!(script.take().len(), expected.len());
        assert_eq!(cwnd(&script), 10_000);
        // §3.2 step 2: those extra segments do not raise ssthresh.
        script.send(20, segment(ACK, 1, 1, 0));
        assert_eq!(script.tcp.snapshot().ssthresh, Some(5_000));
    }
}

/// §4.2: what is out of order, and what fills a gap, is acknowledged at once.
#[test]
fn out_of_order_data_is_acknowledged_at_once() {
    let mut script = Script::established(&plain());
    script.send(20, segment(ACK, 1001, 1, 1000));
    script.recv(20, "A 1..1 ack 1");
    script.send(21, segment(ACK, 3001, 1, 1000));
    script.recv(21, "A 1..1 ack 1");
    script.send(22, segment(ACK, 1, 1, 1000));
    script.recv(22, "A 1..1 ack 2001");
    script.send(23, segment(ACK, 2001, 1, 1000));
    script.recv(23, "A 1..1 ack 4001");
    script.silent(1_000);
}

/// RFC 3465 §2.3: after a timeout without SACK an acknowledgment counts as a segment; Linux, which has stretch
/// acknowledgments, lets it count whole (`tcp_remove_reno_sacks`), up to the threshold.
#[test]
fn after_a_timeout_an_acknowledgment_counts_as_a_segment_unless_as_in_linux() {
    for (stretch, window) in [(false, 2_000), (true, 5_000)] {
        let delayed_ack = plain().delayed_ack.map(|delayed| DelayedAck { stretch, ..delayed });
        let mut script = Script::established(&Config { delayed_ack, ..plain() });
        script.write(10_000);
        script.wait(215);
        script.send(220, segment(ACK, 1, 5_001, 0));
        assert_eq!(cwnd(&script), window, "{stretch}");
    }
}

/// ns-3 lets the acknowledgment that ends a recovery count whole, so that twelve segments make a halved window
/// of five grow by two at once (`TcpSocketBase::ProcessAck`).
#[test]
fn the_end_of_a_recovery_counts_whole_if_growth_is_carried() {
    for (carried_growth, window) in [(false, 5_000), (true, 7_000)] {
        let mut script = Script::established_with_sack(&Config { carried_growth, ..sack() });
        script.write(50_000);
        for n in 2..=10 {
            script.send(20, blocks(1, &[(1_001, 1_000 * n + 1)]));
        }
        assert_eq!(cwnd(&script), 5_000, "in the recovery");
        // Two more had left on the first duplicates.
        script.send(30, segment(ACK, 1, 12_001, 0));
        assert_eq!(cwnd(&script), window, "{carried_growth}");
    }
}

/// RFC 7661 §4: a window that was not used does not grow.
#[test]
fn an_application_limited_window_does_not_grow() {
    let mut script = Script::established(&plain());
    for i in 0..30 {
        script.write(1_000);
        script.send(20 + i, segment(ACK, 1, 1_001 + 1_000 * i as u32, 0));
    }
    assert_eq!(cwnd(&script), 10_000);
}

/// Tahoe restarts from one segment where Reno halves; `fixed` and `none` do not answer losses.
#[test]
fn controllers_answer_the_third_duplicate_each_in_its_way() {
    let unlimited = u64::MAX / 2;
    for (name, window) in
        [("reno", 5_000), ("tahoe", 1_000), ("cubic", 7_000), ("fixed", 10_000), ("none", unlimited)]
    {
        let mut script = Script::established(&Config { congestion: Choice::named(name), ..plain() });
        script.write(10_000);
        script.take();
        for _ in 0..3 {
            script.send(20, segment(ACK, 1, 1, 0));
        }
        assert_eq!(script.take(), ["A 1..1001 ack 1"], "{name}");
        assert_eq!(cwnd(&script), window, "{name}");
    }
}
