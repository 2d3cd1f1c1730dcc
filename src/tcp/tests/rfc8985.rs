//! RFC 8985: losses found by time (RACK), and probes of a silent tail (TLP).

use super::{Pair, Script, blocks, ms, sack, segment};
use crate::tcp::{Config, Recovery};
use crate::wire::{Flags, Segment};

const ACK: Flags = Flags::ACK;

fn rack() -> Config {
    Config { recovery: Recovery::Rack, ..sack() }
}

/// A sender whose first `segments` of 1000 bytes left at 10 ms, all at one instant. The round trip of
/// the handshake was 10 ms, and stays the smallest.
fn sender(segments: u64) -> Script {
    let mut script = Script::established_with_sack(&rack());
    script.write(segments * 1000);
    assert_eq!(script.take().len() as u64, segments.min(10));
    script
}

/// §6.2: one later segment that arrived is enough after a quarter of the round trip; of segments that
/// left at one instant, the one sent last is the later one.
#[test]
fn one_later_segment_is_enough_in_time() {
    let mut script = sender(2);
    script.send(22, blocks(1, &[(1001, 2001)]));
    script.silent(24);
    script.wait(25);
    // It left at 10 ms, what came last took 12 ms, and a quarter of 10 ms is for reordering.
    assert_eq!(script.take(), ["A 1..1001 ack 1"], "at 24.5 ms");
}

/// §6.2 step 5: what was sent after the newest arrival may be on its way.
#[test]
fn what_was_sent_later_is_not_overtaken() {
    let mut script = sender(3);
    script.send(22, blocks(1, &[(1001, 2001)]));
    script.wait(30);
    assert_eq!(script.take(), ["A 1..1001 ack 1"], "the first, and not the third");
}

/// §6.2 step 4: what is overtaken by less than the reordering window is not sent again.
#[test]
fn reordering_is_waited_out() {
    let mut script = sender(2);
    script.send(22, blocks(1, &[(1001, 2001)]));
    script.send(23, segment(ACK, 1, 2001, 0));
    script.silent(5_000);
    assert_eq!(script.tcp.snapshot().cwnd, 10_000);
}

/// §6.2 step 4: three SACKed segments make the window zero, as long as no reordering was seen.
#[test]
fn three_sacked_segments_need_no_time() {
    let mut script = sender(4);
    script.send(22, blocks(1, &[(1001, 4001)]));
    script.recv(22, "A 1..1001 ack 1");
}

/// §6.2 steps 3 and 4: once a segment came late but undamaged, three SACKed ones need time as well.
#[test]
fn after_reordering_three_sacked_segments_need_time() {
    let mut script = sender(2);
    script.send(20, blocks(1, &[(1001, 2001)]));
    script.send(21, segment(ACK, 1, 2001, 0));
    script.write(4_000);
    script.take();
    script.send(31, blocks(2001, &[(3001, 6001)]));
    script.silent(33);
    script.wait(34);
    assert_eq!(script.take(), ["A 2001..3001 ack 1"], "at 33.5 ms");
}

/// §6.2 step 4: nor does a repair that is under way wait.
#[test]
fn during_recovery_no_time_is_given() {
    let mut script = sender(10);
    script.send(20, blocks(1, &[(1001, 4001)]));
    assert_eq!(script.take(), ["A 1..1001 ack 1"]);
    // 5 is missing, 6 has arrived: it is lost, and leaves as the window allows.
    script.send(21, blocks(1, &[(5001, 6001), (1001, 4001)]));
    script.send(22, blocks(1, &[(5001, 7001), (1001, 4001)]));
    assert_eq!(script.take(), ["A 4001..5001 ack 1"]);
}

/// §6.2 step 5: a lost retransmission is found by what was sent after it. RFC 6675 and RFC 6582 leave
/// it to the timeout.
#[test]
fn only_rack_finds_a_lost_retransmission_without_a_timeout() {
    for (recovery, timeouts) in [(Recovery::Sack, 1), (Recovery::Rack, 0), (Recovery::NewReno, 1)] {
        let mut pair = Pair::open(&Config { recovery, initial_window: 20, ..sack() });
        pair.drop_exactly(&[(5, 0), (5, 1)]);
        pair.client.write_zeros(200_000);
        pair.drive_until(ms(10_000), |pair| pair.server.received() == 200_000);
        assert_eq!(pair.client.stats(pair.now).timeouts, timeouts, "{recovery:?}");
        let copies = pair.client_data().iter().filter(|sent| sent.1 == 5).count();
        assert_eq!(copies, 3, "{recovery:?}");
    }
}

/// §6.2 step 2: an answer that comes sooner than any round trip is one to the original, and does not
/// show that what left before the copy is lost.
#[test]
fn an_answer_too_soon_is_one_to_the_original() {
    let mut script = sender(10);
    script.send(20, blocks(1, &[(2001, 5001)]));
    // Room for one of the two that are lost.
    assert_eq!(script.take(), ["A 1..1001 ack 1"]);
    script.send(21, blocks(1, &[(2001, 7001)]));
    assert_eq!(script.take(), ["A 1001..2001 ack 1"]);
    // 2 is reported 4 ms after its copy left: 1 is given its round trip.
    script.send(25, blocks(1, &[(1001, 7001)]));
    script.silent(29);
}

/// §6.3: what was sent so lately that it cannot have been answered survives a timeout.
#[test]
fn a_timeout_leaves_the_newest_alone() {
    let mut script = sender(9);
    script.send(20, segment(ACK, 1, 1001, 0));
    // The probe of the tail at 40 ms is all that leaves; the timer then runs from there.
    assert_eq!(script.take().len(), 0);
    script.wait(40);
    assert_eq!(script.take(), ["A 8001..9001 ack 1"]);
    let timeout = script.tcp.poll_timeout().as_nanos() / 1_000_000;
    script.wait(timeout - 5);
    script.write(1_000);
    assert_eq!(script.take(), ["A 9001..10001 ack 1"]);
    script.wait(timeout + 1);
    assert_eq!(script.take(), ["A 1001..2001 ack 1"]);
    // Only the first to the ninth are missing; the tenth is still on its way and goes once.
    script.send(timeout + 11, segment(ACK, 1, 9001, 0));
    script.silent(timeout + 30);
}

/// §7.2, §7.3: after two round trips without news one new segment leaves, whatever the window says;
/// without new data, the last one again.
#[test]
fn a_silent_tail_is_probed() {
    let mut script = sender(11);
    script.silent(29);
    script.wait(30);
    assert_eq!(script.take(), ["A 10001..11001 ack 1"], "new data");
    assert_eq!(script.tcp.snapshot().cwnd, 10_000);

    let mut script = sender(2);
    script.silent(29);
    script.wait(30);
    assert_eq!(script.take(), ["A 1001..2001 ack 1"], "the last segment");
    // One probe until it is answered; then the timeout.
    script.silent(200);
}

/// §7.2: a single segment may have to wait for a delayed acknowledgment; but a probe comes in place
/// of a timeout, not after it.
#[test]
fn a_probe_of_one_segment_waits_for_a_delayed_acknowledgment() {
    let mut script = Script::established_with_sack(&Config { min_rto: ms(1_000), ..rack() });
    script.write(1_000);
    script.take();
    script.silent(229);
    script.wait(230);
    assert_eq!(script.take(), ["A 1..1001 ack 1"], "10 + 2 * 10 + 200 ms");

    let mut script = sender(1);
    script.silent(209);
    script.wait(210);
    assert_eq!(script.take(), ["A 1..1001 ack 1"], "when the timer would have expired");
    assert_eq!((script.tcp.snapshot().cwnd, script.tcp.stats(script.now).timeouts), (10_000, 0));
}

/// §7.4.2: if one acknowledgment comes for two copies, the first was lost and the window is reduced
/// as soon as that is sure.
#[test]
fn a_loss_that_the_probe_repaired_reduces_the_window() {
    let mut script = sender(4);
    script.send(20, segment(ACK, 1, 2001, 0));
    script.wait(40);
    assert_eq!(script.take(), ["A 3001..4001 ack 1"]);
    script.send(50, segment(ACK, 1, 4001, 0));
    script.write(1_000);
    assert_eq!(script.tcp.snapshot().cwnd, 10_000, "a second one may be under way");
    script.send(60, segment(ACK, 1, 5001, 0));
    assert!(script.tcp.snapshot().cwnd <= 5_000, "{}", script.tcp.snapshot().cwnd);
    assert_eq!(script.tcp.stats(script.now).recovery_episodes, 1);
}

/// §7.4.2: if two come, nothing was lost.
#[test]
fn two_acknowledgments_for_a_probe_show_that_nothing_was_lost() {
    let mut script = sender(4);
    script.send(20, segment(ACK, 1, 2001, 0));
    script.wait(40);
    script.take();
    script.send(50, segment(ACK, 1, 4001, 0));
    script.send(51, segment(ACK, 1, 4001, 0));
    script.write(1_000);
    script.send(61, segment(ACK, 1, 5001, 0));
    assert_eq!(script.tcp.snapshot().cwnd, 10_000);
    assert_eq!(script.tcp.stats(script.now).recovery_episodes, 0);
}

/// §7.2: the probe is due two round trips after new data was sent or acknowledged; what else the peer
/// sends does not put it off.
#[test]
fn a_busy_peer_does_not_put_off_the_probe() {
    let mut script = sender(3);
    script.send(20, segment(ACK, 1, 1001, 0));
    for i in 0..4 {
        script.send(25 + 4 * i, segment(ACK, 1 + 100 * i as u32, 1001, 100));
    }
    script.wait(39);
    script.take();
    // The round trip was 10 ms each time.
    script.recv(40, "A 2001..3001 ack 401");
}

/// §7.2: nothing is probed while a gap is reported: that finds the loss.
#[test]
fn a_reported_gap_ends_the_wait_for_a_probe() {
    let mut script = sender(3);
    script.send(20, segment(ACK, 1, 1001, 0));
    script.send(21, blocks(1001, &[(2001, 3001)]));
    script.wait(60);
    // After a quarter of the round trip, and not by a probe of 2001..3001.
    assert_eq!(script.take(), ["A 1001..2001 ack 1"]);
}

/// §7.2: nor during a recovery: repairs that are lost are for the timeout.
#[test]
fn a_recovery_is_not_probed() {
    let mut script = sender(10);
    script.send(20, blocks(1, &[(1001, 8001)]));
    script.wait(23);
    script.send(30, segment(ACK, 1, 8001, 0));
    assert_eq!(script.take(), ["A 1..1001 ack 1", "A 8001..9001 ack 1", "A 9001..10001 ack 1"]);
    script.silent(200);
}

/// §7.3: new data may exceed the congestion window, but not the peer's.
#[test]
fn a_probe_stays_within_the_peers_window() {
    let mut script = sender(3);
    script.send(20, Segment { window: 2_000, ..segment(ACK, 1, 1001, 0) });
    script.write(5_000);
    script.silent(39);
    script.wait(40);
    assert_eq!(script.take(), ["A 2001..3001 ack 1"]);
}

/// §7.4: a loss that was found another way after the probe is no second loss.
#[test]
fn a_probe_before_a_recovery_reduces_nothing_more() {
    let mut script = sender(4);
    script.wait(30);
    assert_eq!(script.take(), ["A 3001..4001 ack 1"]);
    script.send(40, blocks(1, &[(1001, 4001)]));
    script.write(1_000);
    script.send(50, segment(ACK, 1, 5001, 0));
    let episodes = script.tcp.stats(script.now).recovery_episodes;
    assert_eq!((episodes, script.tcp.snapshot().ssthresh), (1, Some(2_000)));
}

/// §7.4: nor is one that a timeout found.
#[test]
fn a_probe_before_a_timeout_reduces_nothing_more() {
    let mut script = sender(3);
    script.wait(30);
    script.take();
    script.write(1_000);
    script.wait(300);
    assert_eq!(script.tcp.stats(script.now).timeouts, 1);
    script.send(310, segment(ACK, 1, 4001, 0));
    assert_eq!(script.tcp.stats(script.now).recovery_episodes, 0);
}

/// As in Linux: news of what left before the oldest segment went again shows that its answer cannot be late
/// yet, and the timeout counts from there; without RACK from the repeat (RFC 6298 §5.3).
#[test]
fn news_of_what_left_before_puts_the_timeout_off() {
    for (recovery, timeout) in [(Recovery::Rack, 250), (Recovery::Sack, 220)] {
        let mut script = Script::established_with_sack(&Config { recovery, ..rack() });
        script.write(10_000);
        script.take();
        script.send(20, blocks(1, &[(1001, 4001)]));
        assert_eq!(script.take(), ["A 1..1001 ack 1"]);
        script.send(50, blocks(1, &[(1001, 9001)]));
        script.silent(timeout - 1);
        script.recv(timeout, "A 1..1001 ack 1");
    }
}

/// §7.3 probes the last segment. Where that is a FIN alone, what comes before it goes with it: data
/// are what somebody waits for.
#[test]
fn a_probe_of_a_bare_fin_carries_the_data_before_it() {
    let mut script = sender(2);
    script.close();
    assert_eq!(script.take(), ["FA 2001..2002 ack 1"]);
    script.wait(30);
    assert_eq!(script.take(), ["FA 1001..2002 ack 1"]);
    script.send(40, segment(ACK, 1, 2002, 0));
    script.silent(10_000);
}
