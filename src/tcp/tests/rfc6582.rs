//! RFC 6582: `NewReno`, loss recovery without SACK.

use super::{Pair, Script, ms, plain, segment};
use crate::facts::SenderEvent;
use crate::tcp::Config;
use crate::wire::Flags;

const ACK: Flags = Flags::ACK;

/// A sender with `segments` of data of which ten are in flight, at 10 ms.
fn sender(segments: u64) -> Script {
    let mut script = Script::established(&plain());
    script.write(segments * 1000);
    script.take();
    script
}

fn duplicates(script: &mut Script, millis: u64, ack: u32, count: usize) {
    for _ in 0..count {
        script.send(millis, segment(ACK, 1, ack, 0));
    }
}

/// §3.2 step 2, RFC 5681 §3.2: the third duplicate acknowledgment resends the segment, not the
/// second, and halves the window once.
#[test]
fn the_third_duplicate_resends() {
    let mut script = sender(10);
    duplicates(&mut script, 20, 1, 2);
    script.silent(20);
    duplicates(&mut script, 20, 1, 1);
    script.recv(20, "A 1..1001 ack 1");
    assert_eq!(script.tcp.snapshot().cwnd, 5_000);
    assert_eq!(script.tcp.snapshot().ssthresh, Some(5_000));
    duplicates(&mut script, 20, 1, 6);
    script.silent(20);
    assert_eq!(script.tcp.snapshot().cwnd, 5_000);
}

/// RFC 5681 §2: what carries data or moves the window is no duplicate acknowledgment.
#[test]
fn only_bare_acknowledgments_are_duplicates() {
    let mut script = sender(10);
    for i in 0..6 {
        script.send(20, segment(ACK, 1 + 10 * i, 1, 10));
    }
    for i in 0..6 {
        script.send(21, crate::wire::Segment { window: 50_000 + i, ..segment(ACK, 61, 1, 0) });
    }
    assert!(script.take().iter().all(|line| line.starts_with("A 10001..10001")));
}

/// §3.2 step 3: each partial acknowledgment resends the next hole, without waiting for duplicates;
/// the full acknowledgment ends it at ssthresh.
#[test]
fn a_partial_acknowledgment_resends_the_next_hole() {
    let mut script = sender(10);
    duplicates(&mut script, 20, 1, 3);
    script.recv(20, "A 1..1001 ack 1");
    script.send(30, segment(ACK, 1, 3_001, 0));
    script.recv(30, "A 3001..4001 ack 1");
    script.send(40, segment(ACK, 1, 6_001, 0));
    script.recv(40, "A 6001..7001 ack 1");
    script.silent(49);
    script.send(50, segment(ACK, 1, 10_001, 0));
    assert_eq!(script.tcp.snapshot().cwnd, 5_000);
    let signals: Vec<SenderEvent> = script.tcp.take_signals().into_iter().map(|signal| signal.1).collect();
    assert_eq!(signals, [SenderEvent::FastRetransmit, SenderEvent::RecoveryExit]);
}

/// §3.2 steps 2 and 3: further duplicates inflate the window, and new data goes out; a partial
/// acknowledgment deflates it by what it covers less a segment.
#[test]
fn the_window_inflates_and_deflates() {
    let mut script = sender(30);
    // Limited transmit: one new segment each for the first two.
    duplicates(&mut script, 20, 1, 2);
    assert_eq!(script.take(), ["A 10001..11001 ack 1", "A 11001..12001 ack 1"]);
    duplicates(&mut script, 20, 1, 1);
    assert_eq!(script.take(), ["A 1..1001 ack 1"]);
    // ssthresh 5, inflated to 8 by three duplicates; 12 are outstanding, so that the fourth after
    // the third leaves room for none and the fifth for one.
    duplicates(&mut script, 21, 1, 4);
    assert!(script.take().is_empty());
    duplicates(&mut script, 21, 1, 2);
    assert_eq!(script.take(), ["A 12001..13001 ack 1", "A 13001..14001 ack 1"]);
    // Nine duplicates: window 14, 14 outstanding. The partial acknowledgment covers five, and the
    // window falls to 14 - 5 + 1 = 10 with 9 outstanding: the hole again and one new segment.
    script.send(30, segment(ACK, 1, 5_001, 0));
    assert_eq!(script.take(), ["A 5001..6001 ack 1", "A 14001..15001 ack 1"]);
}

/// §3.2 step 2: duplicates below `recover` begin no second fast retransmit after a timeout.
#[test]
fn no_second_fast_retransmit_in_the_same_window() {
    let mut script = sender(10);
    script.recv(210, "A 1..1001 ack 1");
    script.send(220, segment(ACK, 1, 4_001, 0));
    assert_eq!(script.take(), ["A 4001..5001 ack 1", "A 5001..6001 ack 1"]);
    duplicates(&mut script, 230, 4_001, 5);
    assert_eq!(script.tcp.snapshot().cwnd, 2_000);
    assert_eq!(script.tcp.stats(script.now).recovery_episodes, 0);
}

/// §3.2 step 2: nor do those that acknowledge just what was sent before the timeout: they may answer
/// what was sent twice. Only beyond that does a duplicate tell of a loss.
#[test]
fn answers_to_what_was_sent_twice_begin_no_fast_retransmit() {
    let mut script = sender(10);
    script.recv(210, "A 1..1001 ack 1");
    script.send(220, segment(ACK, 1, 10_001, 0));
    script.write(8_000);
    script.take();
    duplicates(&mut script, 230, 10_001, 3);
    assert_eq!(script.tcp.stats(script.now).recovery_episodes, 0);
    script.send(240, segment(ACK, 1, 11_001, 0));
    duplicates(&mut script, 250, 11_001, 3);
    assert_eq!(script.tcp.stats(script.now).recovery_episodes, 1);
}

/// RFC 5681 §2: an acknowledgment that another overtook is no duplicate.
#[test]
fn overtaken_acknowledgments_are_no_duplicates() {
    let mut script = sender(10);
    script.send(20, segment(ACK, 1, 3_001, 0));
    duplicates(&mut script, 21, 1_001, 3);
    assert_eq!(script.tcp.stats(script.now).recovery_episodes, 0);
}

/// §3.2: with several losses in a window, one hole is mended per round trip, with one reduction.
#[test]
fn one_hole_is_mended_per_round_trip() {
    let mut pair = Pair::open(&Config { initial_window: 20, ..plain() });
    pair.drop_exactly(&[(3, 0), (7, 0), (11, 0)]);
    pair.client.write_zeros(20_000);
    let begin = pair.now;
    pair.drive_until(ms(5_000), |pair| pair.client.snapshot().flight == 0);
    let again: Vec<(u64, usize)> = pair
        .client_data()
        .iter()
        .filter(|sent| sent.2 > 0)
        .map(|sent| (sent.0 - begin.as_nanos() / 1_000_000, sent.1))
        .collect();
    assert_eq!(again, [(100, 3), (200, 7), (300, 11)]);
    let stats = pair.client.stats(pair.now);
    assert_eq!((stats.recovery_episodes, stats.timeouts), (1, 0));
    // 18 segments were in flight: 1 and 2 were acknowledged before the duplicates.
    assert_eq!(pair.client.snapshot().ssthresh, Some(9_000));
}

/// §3.2 step 3 and §4: unlike the "impatient" variant, each partial acknowledgment restarts the
/// timer through the retransmission it causes ("slow but steady"), as Linux does.
#[test]
fn each_partial_acknowledgment_restarts_the_timer() {
    let mut script = sender(10);
    duplicates(&mut script, 20, 1, 3);
    script.take();
    for (i, millis) in [150, 300, 450].into_iter().enumerate() {
        let ack = 1_001 + 2_000 * i as u32;
        script.send(millis, segment(ACK, 1, ack, 0));
        script.recv(millis, &format!("A {ack}..{} ack 1", ack + 1_000));
    }
    script.silent(649);
    script.recv(650, "A 5001..6001 ack 1");
}
