//! RFC 9937: how fast the window comes down in fast recovery.

use super::{Script, blocks, sack};
use crate::tcp::{Config, PrrMode, Recovery};
use crate::wire::Segment;

/// Twenty segments of 1000 bytes in flight at 10 ms, many more to come.
fn sender(recovery: Recovery, prr: PrrMode) -> Script {
    let config = Config { recovery, prr, initial_window: 20, ..sack() };
    let mut script = Script::established_with_sack(&config);
    script.write(100_000);
    assert_eq!(script.take().len(), 20);
    script
}

/// The window and what was sent, after the peer's segment at `millis`.
fn after(script: &mut Script, millis: u64, segment: Segment) -> (u64, Vec<String>) {
    script.send(millis, segment);
    (script.tcp.snapshot().cwnd, script.take())
}

/// Loses the first of the twenty; the third SACK begins the recovery, two segments having gone by
/// limited transmit. Returns the sender after that, at 22 ms.
fn one_lost() -> Script {
    one_lost_with(Recovery::Rack, PrrMode::Rack)
}

fn one_lost_with(recovery: Recovery, prr: PrrMode) -> Script {
    let mut script = sender(recovery, prr);
    for n in 2..=3 {
        script.send(18 + u64::from(n), blocks(1, &[(1001, n * 1000 + 1)]));
    }
    assert_eq!(script.take(), ["A 20001..21001 ack 1", "A 21001..22001 ack 1"]);
    script
}

/// §6: with more in flight than ssthresh, `ssthresh` / `RecoverFS` bytes are sent for each byte that
/// arrives: here one for two, spread over the round trip, down to ssthresh.
#[test]
fn above_ssthresh_one_is_sent_for_two_that_arrive() {
    let mut script = one_lost();
    // ssthresh is ten segments; in flight are 22 less the lost one and three that arrived.
    let (cwnd, sent) = after(&mut script, 22, blocks(1, &[(1001, 4001)]));
    assert_eq!((cwnd, sent), (19_000, vec!["A 1..1001 ack 1".to_owned()]));
    let mut sent = Vec::new();
    for n in 5..=20 {
        let (cwnd, now) = after(&mut script, 18 + u64::from(n), blocks(1, &[(1001, n * 1000 + 1)]));
        assert!(now.len() <= 1, "a burst of {} at {n}", now.len());
        sent.push(now.len());
        // CEIL(prr_delivered * ssthresh / RecoverFS) - prr_out on top of the pipe, never above.
        assert!((10_000..19_000).contains(&cwnd), "{cwnd} at {n}");
    }
    // RecoverFS is 22, the retransmission went: 17 arrived, so 17 * 10 / 22 rounded up, less one.
    assert_eq!(sent.iter().sum::<usize>(), 7);
    // No two acknowledgments in a row send, and no three send nothing.
    assert!(sent.windows(2).all(|pair| pair != [1, 1]) && sent.windows(3).all(|three| three != [0, 0, 0]));
}

/// Numbers of segments that leave at each of the seventeen acknowledgments of [`one_lost_with`].
fn sent_in_recovery(recovery: Recovery, prr: PrrMode) -> Vec<usize> {
    let mut script = one_lost_with(recovery, prr);
    (4..=20)
        .map(|n| after(&mut script, 18 + u64::from(n), blocks(1, &[(1001, n * 1000 + 1)])).1.len())
        .collect()
}

/// It needs SACK alone: RFC 6675 with it sends as RACK does.
#[test]
fn without_rack_it_sends_as_with_it() {
    let with_rack = sent_in_recovery(Recovery::Rack, PrrMode::Rack);
    assert_eq!(sent_in_recovery(Recovery::Sack, PrrMode::Always), with_rack);
    assert_eq!(sent_in_recovery(Recovery::Rack, PrrMode::Always), with_rack);
}

/// RFC 6675 alone drops at once: nothing but the retransmission until nine of 19 have arrived, then one for one.
#[test]
fn without_it_half_a_window_of_acknowledgments_sends_nothing() {
    for (recovery, prr) in [(Recovery::Sack, PrrMode::Rack), (Recovery::Rack, PrrMode::Never)] {
        let sent = sent_in_recovery(recovery, prr);
        assert_eq!(sent, [&[1][..], &[0; 9], &[1; 7]].concat(), "{recovery:?}");
    }
}

/// ns-3.44 counts a segment more for each duplicate until 22, the window, are counted: 11 acknowledgments count twice
/// and 6 once, so that 28 * 10 / 22 rounded up leave with the retransmission, where 17 * 10 / 22 would.
#[test]
fn duplicates_counted_twice_send_more() {
    assert_eq!(sent_in_recovery(Recovery::Sack, PrrMode::Doubled).iter().sum::<usize>(), 13);
    assert_eq!(sent_in_recovery(Recovery::Sack, PrrMode::Always).iter().sum::<usize>(), 8);
}

/// §6: the first retransmission of an episode waits for nothing (`prr_out` and `sndcnt` are 0).
#[test]
fn the_first_retransmission_waits_for_nothing() {
    let mut script = one_lost();
    let (_, sent) = after(&mut script, 22, blocks(1, &[(1001, 4001)]));
    assert_eq!(sent, ["A 1..1001 ack 1"]);
}

/// §6, last step: at the end of the episode the window is ssthresh, and the pipe is near it.
#[test]
fn the_episode_ends_at_ssthresh_without_a_burst() {
    let mut script = one_lost();
    for n in 4..=20 {
        script.send(18 + u64::from(n), blocks(1, &[(1001, n * 1000 + 1)]));
    }
    script.take();
    let flight = |script: &Script| script.tcp.snapshot().flight;
    let (cwnd, sent) = after(&mut script, 60, blocks(22_001, &[]));
    assert_eq!(cwnd, 10_000);
    assert!(sent.len() <= 3 && (9_000..=10_000).contains(&flight(&script)), "{sent:?}, {}", flight(&script));
}

/// Loses the first twelve of twenty: in flight is far less than ssthresh.
fn twelve_lost() -> Script {
    let mut script = sender(Recovery::Rack, PrrMode::Rack);
    script.send(30, blocks(1, &[(12_001, 13_001)]));
    script.send(32, blocks(1, &[(12_001, 14_001)]));
    script.take();
    script
}

/// §6, the conservative bound: with less in flight than ssthresh, and no word that the repairs
/// arrive, a segment is sent for each that arrives and no more.
#[test]
fn below_ssthresh_one_is_sent_for_one_that_arrives() {
    let mut script = twelve_lost();
    for n in 15..=20 {
        let (cwnd, sent) = after(&mut script, 18 + u64::from(n), blocks(1, &[(12_001, n * 1000 + 1)]));
        let hole = 1000 * (n - 15) + 1;
        assert_eq!((cwnd, sent), (8_000, vec![format!("A {hole}..{} ack 1", hole + 1000)]));
    }
}

/// §6, `SafeACK`: while the acknowledgment moves and shows no new loss, one more is sent for each, until
/// ssthresh is reached; there the window stays.
#[test]
fn safe_acknowledgments_let_it_grow_to_ssthresh() {
    let mut script = twelve_lost();
    for n in 15..=20 {
        script.send(18 + u64::from(n), blocks(1, &[(12_001, n * 1000 + 1)]));
    }
    // The two that went by limited transmit.
    script.send(39, blocks(1, &[(12_001, 22_001)]));
    assert_eq!(script.take().len(), 8);
    for (n, window, segments) in
        [(1, 9_000, 2), (2, 10_000, 2), (3, 10_000, 1), (4, 10_000, 1), (5, 10_000, 1)]
    {
        let ack = blocks(n * 1000 + 1, &[(12_001, 22_001)]);
        let (cwnd, sent) = after(&mut script, 60 + u64::from(n), ack);
        assert_eq!((cwnd, sent.len()), (window, segments), "acknowledgment {n}");
    }
}
