//! Linux's compression of selective acknowledgments (`__tcp_ack_snd_check`), beside RFC 5681 §4.2.

use super::{Script, sack, segment};
use crate::tcp::Config;
use crate::wire::{Flags, Segment};

fn compressing() -> Config {
    Config { sack_compression: true, ..sack() }
}

/// The peer's segment number `n` of 1000 bytes.
fn numbered(n: u32) -> Segment {
    segment(Flags::ACK, 1_000 * n + 1, 1, 1_000)
}

/// Segments 1 to 3 arrive at 20 ms, and 0 is missing: three duplicates.
fn with_a_gap(config: &Config) -> Script {
    let mut script = Script::established_with_sack(config);
    for n in 1..=3 {
        script.send(20, numbered(n));
    }
    let told =
        ["A 1..1 ack 1 sack 1001..2001", "A 1..1 ack 1 sack 1001..3001", "A 1..1 ack 1 sack 1001..4001"];
    assert_eq!(script.take(), told);
    script
}

/// Beyond the third duplicate, one acknowledgment tells of what arrives within a twentieth of a round trip of 10 ms and
/// 0.1 ms of slack; RFC 5681 §4.2 wants one for each.
#[test]
fn duplicates_beyond_the_third_leave_as_one() {
    for (sack_compression, expected) in [(true, 1), (false, 3)] {
        let mut script = with_a_gap(&Config { sack_compression, ..compressing() });
        for n in 4..=6 {
            script.send(20, numbered(n));
        }
        let at_once = script.take().len();
        script.wait(25);
        let all = at_once + script.take().len();
        assert_eq!((at_once, all), if sack_compression { (0, 1) } else { (expected, expected) });
    }
    let mut script = with_a_gap(&compressing());
    script.send(20, numbered(4));
    script.send(20, numbered(5));
    script.wait(21);
    assert_eq!(script.take(), ["A 1..1 ack 1 sack 1001..6001"]);
}

/// Data that fill a gap are acknowledged at once, and what waited with them.
#[test]
fn a_filled_gap_does_not_wait() {
    let mut script = with_a_gap(&compressing());
    script.send(20, numbered(4));
    script.send(20, numbered(0));
    assert_eq!(script.take(), ["A 1..1 ack 5001"]);
    script.silent(40);
}

/// The next gap has three duplicates of its own.
#[test]
fn each_gap_is_told_of_three_times() {
    let mut script = with_a_gap(&compressing());
    script.send(20, numbered(5));
    script.take();
    script.wait(30);
    script.take();
    script.send(30, numbered(0));
    assert_eq!(script.take(), ["A 1..1 ack 4001 sack 5001..6001"]);
    for n in 6..=9 {
        script.send(30, numbered(n));
    }
    assert_eq!(script.take().len(), 3);
}

/// `tcp_sack_new_ofo_skb`: an acknowledgment that waits leaves before it would have to tell of more blocks than fit.
#[test]
fn no_block_is_lost_by_waiting() {
    let mut script = with_a_gap(&compressing());
    script.send(20, numbered(6));
    assert!(script.take().is_empty(), "a second block fits");
    script.send(20, numbered(8));
    assert_eq!(script.take().len(), 1, "a third might not");
    script.send(20, numbered(9));
    assert!(script.take().is_empty(), "the newest block grows");
    script.send(20, numbered(4));
    assert_eq!(script.take(), ["A 1..1 ack 1 sack 1001..5001,8001..10001,6001..7001"], "the oldest");
}

/// Without SACK a duplicate says nothing but that something arrived: each leaves.
#[test]
fn duplicates_without_sack_do_not_wait() {
    let mut script = Script::established(&Config { sack: false, ..compressing() });
    for n in 1..=6 {
        script.send(20, numbered(n));
    }
    assert_eq!(script.take().len(), 6);
}
