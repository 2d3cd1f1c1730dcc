//! RFC 6675: loss recovery from SACK blocks; RFC 2018: the blocks themselves; and the exam question
//! about all forms of recovery.

use super::{OWN_ISS, Pair, Script, blocks, ms, plain, sack, segment};
use crate::tcp::{Config, Recovery, State};
use crate::wire::{Flags, Segment};

const ACK: Flags = Flags::ACK;

/// A sender with `segments` of data of which ten are in flight, at 10 ms.
fn sender(config: &Config, segments: u64) -> Script {
    let mut script = Script::established_with_sack(config);
    script.write(segments * 1000);
    script.take();
    script
}

/// §4 `IsLost`: three SACKed segments above a hole make it lost; two do not.
#[test]
fn three_sacked_segments_make_a_hole_lost() {
    let mut script = sender(&sack(), 10);
    script.send(20, blocks(1, &[(1001, 2001)]));
    script.send(21, blocks(1, &[(1001, 3001)]));
    script.silent(21);
    script.send(22, blocks(1, &[(1001, 4001)]));
    script.recv(22, "A 1..1001 ack 1");
    assert_eq!(script.tcp.snapshot().cwnd, 5_000);
}

/// §4 `IsLost`: lost acknowledgments do not matter, the bytes count.
#[test]
fn one_acknowledgment_with_three_segments_is_enough() {
    let mut script = sender(&sack(), 10);
    script.send(20, blocks(1, &[(4001, 7001)]));
    // Four are lost (1 to 4), three arrived, three more are on their way: pipe is 3, and the
    // window of 5 has room for two of the four.
    assert_eq!(script.take(), ["A 1..1001 ack 1", "A 1001..2001 ack 1"]);
}

/// §4 `NextSeg` rules 1 and 2, §5 step C: lost segments first, in order, each once, then new data,
/// as `pipe` leaves room in the window.
#[test]
fn holes_come_first_and_then_new_data_as_pipe_allows() {
    let mut script = sender(&sack(), 30);
    script.send(20, blocks(1, &[(2001, 3001)]));
    assert_eq!(script.take(), ["A 10001..11001 ack 1"], "limited transmit");
    script.send(20, blocks(1, &[(2001, 3001), (4001, 5001)]));
    assert_eq!(script.take(), ["A 11001..12001 ack 1"]);
    // The third: segments 1 and 2 are lost (three SACKed above), 4 is not (two above).
    // pipe = 12 - 2 lost - 3 SACKed = 7 > 5: only the first retransmission goes (step 4.3).
    script.send(20, blocks(1, &[(6001, 7001), (2001, 3001), (4001, 5001)]));
    assert_eq!(script.take(), ["A 1..1001 ack 1"]);
    // 8, 9, 10 arrive: 4 and 6 are lost too, one each: pipe 8 - 1 - 1, 6 - 1 - 1, 4 - 1.
    script.send(21, blocks(1, &[(6001, 8001), (2001, 3001), (4001, 5001)]));
    assert!(script.take().is_empty());
    script.send(22, blocks(1, &[(6001, 9001), (2001, 3001), (4001, 5001)]));
    assert_eq!(script.take(), ["A 1001..2001 ack 1"]);
    script.send(23, blocks(1, &[(6001, 10001), (2001, 3001), (4001, 5001)]));
    assert_eq!(script.take(), ["A 3001..4001 ack 1"]);
    script.send(24, blocks(1, &[(6001, 11001), (2001, 3001), (4001, 5001)]));
    assert_eq!(script.take(), ["A 5001..6001 ack 1"]);
    script.send(25, blocks(1, &[(6001, 12001), (2001, 3001), (4001, 5001)]));
    assert_eq!(script.take(), ["A 12001..13001 ack 1"], "no hole is sent a second time");
}

/// §4 `NextSeg` rule 3: with nothing new to send, a hole not yet lost is sent.
#[test]
fn with_nothing_new_a_doubtful_hole_is_sent() {
    let mut script = sender(&sack(), 10);
    // Segments 1 to 6 but 1 and 5 arrived, and 10: 5 has one SACKed segment above, 7 to 9 too.
    script.send(20, blocks(1, &[(9001, 10001), (5001, 6001), (1001, 4001)]));
    // 1 is lost; pipe = 10 - 5 SACKed - 1 lost = 4, with the retransmission 5 of 5.
    script.recv(20, "A 1..1001 ack 1");
    // 1 arrived; pipe = 4, room for one: 5, which is not lost yet, is the first doubtful one.
    script.send(30, blocks(1001 + 3000, &[(9001, 10001), (5001, 6001)]));
    assert_eq!(script.take(), ["A 4001..5001 ack 1"]);
}

/// §5: the window is reduced once per episode, which ends when what was sent before is acknowledged.
#[test]
fn one_episode_reduces_once_and_ends_at_the_recovery_point() {
    let mut pair = Pair::open(&Config { initial_window: 20, ..sack() });
    pair.drop_exactly(&[(3, 0), (7, 0), (11, 0), (12, 0)]);
    pair.client.write_zeros(200_000);
    pair.drive_until(ms(5_000), |pair| pair.server.received() > 20_000);
    assert_eq!(pair.retransmitted(), [3, 7, 11, 12]);
    let stats = pair.client.stats(pair.now);
    assert_eq!((stats.recovery_episodes, stats.timeouts, stats.retransmits), (1, 0, 4));
}

/// §5.1: a timeout resends what is missing, and not what SACK has reported.
#[test]
fn a_timeout_keeps_what_sack_said() {
    let mut script = sender(&sack(), 10);
    script.send(20, blocks(1, &[(2001, 4001)]));
    script.take();
    script.recv(210, "A 1..1001 ack 1");
    script.send(220, blocks(1001, &[(2001, 4001)]));
    assert_eq!(script.take(), ["A 1001..2001 ack 1", "A 4001..5001 ack 1"]);
}

/// RFC 2018 §8: if what was reported turns out to be discarded, a timeout sends it all again.
#[test]
fn a_timeout_survives_a_peer_that_reneged() {
    let mut script = sender(&sack(), 3);
    script.send(20, blocks(1, &[(1001, 3001)]));
    script.recv(210, "A 1..1001 ack 1");
    script.send(220, segment(ACK, 1, 1001, 0));
    script.silent(400);
    script.wait(2_000);
    let again = script.take();
    assert_eq!(again[0], "A 1001..2001 ack 1");
    script.send(2_001, segment(ACK, 1, 2001, 0));
    assert_eq!(script.take(), ["A 2001..3001 ack 1"]);
}

/// RFC 2018 §3: a block may begin and end anywhere. What it covers of a segment has arrived, and what it
/// leaves is sent again; nothing is counted twice or lost.
#[test]
fn a_block_that_ends_inside_a_segment_counts_for_what_it_covers() {
    for config in [sack(), Config { recovery: Recovery::Rack, ..sack() }] {
        let mut script = sender(&config, 10);
        script.send(20, blocks(1, &[(1_501, 2_601), (3_001, 8_301)]));
        script.wait(205);
        assert_eq!(
            script.take(),
            ["A 1..1001 ack 1", "A 1001..1501 ack 1", "A 2601..3001 ack 1"],
            "{:?}",
            config.recovery
        );
        // 8301..9001 was sent before nothing that arrived.
        script.send(206, blocks(8_301, &[(9_001, 10_001)]));
        script.wait(1_000);
        assert_eq!(script.take()[0], "A 8301..9001 ack 1");
        script.send(1_001, segment(ACK, 1, 10_001, 0));
        assert_eq!(script.tcp.snapshot().flight, 0);
    }
}

/// The same block in pieces, again, and grown: nothing is counted twice.
#[test]
fn overlapping_reports_add_up() {
    let mut script = sender(&sack(), 10);
    // Byte by byte, in a way; together 2001..3501, which is news of two segments, not of six.
    for range in
        [(2_001, 2_301), (2_601, 2_701), (2_201, 2_801), (2_001, 3_501), (3_001, 3_501), (2_500, 2_600)]
    {
        script.send(20, blocks(1, &[range]));
    }
    script.silent(209);
    // All else is sent again after a timeout.
    script.recv(210, "A 1..1001 ack 1");
    script.send(220, segment(ACK, 1, 1_001, 0));
    assert_eq!(script.take(), ["A 1001..2001 ack 1", "A 3501..4001 ack 1"]);
    script.send(230, segment(ACK, 1, 3_601, 0));
    script.send(240, segment(ACK, 1, 10_001, 0));
    assert_eq!(script.tcp.snapshot().flight, 0);
}

/// RFC 2018 §3: a FIN beyond a gap is reported, and a report of it counts: only what is missing is sent
/// again.
#[test]
fn a_fin_beyond_a_gap_is_reported_and_not_sent_again() {
    let mut script = Script::established_with_sack(&sack());
    let fin = ACK.with(Flags::FIN);
    script.send(20, segment(fin, 501, 1, 100));
    script.recv(20, "A 1..1 ack 1 sack 501..602");
    script.send(21, segment(fin, 601, 1, 0));
    script.recv(21, "A 1..1 ack 1 sack 501..602");
    let mut script = Script::established_with_sack(&sack());
    script.send(20, segment(fin, 601, 1, 0));
    script.recv(20, "A 1..1 ack 1 sack 601..602");
    script.send(30, segment(ACK, 1, 1, 600));
    script.recv(30, "A 1..1 ack 602");

    let mut script = Script::established_with_sack(&sack());
    script.tcp.write_zeros(3_000);
    script.close();
    assert_eq!(script.take()[2..], ["A 2001..3001 ack 1", "FA 3001..3002 ack 1"]);
    script.send(20, blocks(1, &[(1_001, 3_002)]));
    script.wait(1_000);
    assert!(script.take().iter().all(|line| line == "A 1..1001 ack 1"));
    script.send(1_001, segment(ACK, 1, 3_002, 0));
    assert_eq!(script.tcp.state(), State::FinWait2);
}

/// §5: blocks that lie outside what is outstanding are ignored.
#[test]
fn impossible_blocks_are_ignored() {
    let mut script = sender(&sack(), 10);
    script.send(20, blocks(1, &[(20_001, 90_001), (5001, 5001), (4001, 2001)]));
    script.send(21, blocks(1, &[(u32::MAX - 5_000 - OWN_ISS, 1)]));
    script.silent(100);
    assert_eq!(script.tcp.stats(script.now).recovery_episodes, 0);
}

/// RFC 2018 §4: the first block holds the segment that came last, the next ones the blocks reported
/// before, at most three; what is acknowledged is reported no more.
#[test]
fn blocks_report_the_newest_first() {
    let mut script = Script::established_with_sack(&sack());
    let mut arrive = |seq: u32, expected: &str| {
        script.send(20, segment(ACK, seq, 1, 100));
        assert_eq!(script.take(), [expected]);
    };
    arrive(201, "A 1..1 ack 1 sack 201..301");
    arrive(401, "A 1..1 ack 1 sack 401..501,201..301");
    arrive(601, "A 1..1 ack 1 sack 601..701,401..501,201..301");
    arrive(801, "A 1..1 ack 1 sack 801..901,601..701,401..501");
    // It joins the one that was forgotten and the one beside it.
    arrive(301, "A 1..1 ack 1 sack 201..501,801..901,601..701");
    arrive(1, "A 1..1 ack 101 sack 201..501,801..901,601..701");
    arrive(101, "A 1..1 ack 501 sack 801..901,601..701");
    arrive(501, "A 1..1 ack 701 sack 801..901");
    arrive(701, "A 1..1 ack 901");
}

/// RFC 2018 §4: blocks that had to give way are reported again as soon as there is room, the newest
/// first.
#[test]
fn blocks_that_gave_way_are_reported_again() {
    let mut script = Script::established_with_sack(&sack());
    for seq in [3001, 5001, 7001, 9001] {
        script.send(20, segment(ACK, seq, 1, 1000));
    }
    script.send(20, segment(ACK, 11_001, 1, 1000));
    script.take();
    script.send(30, segment(ACK, 8001, 1, 1000));
    script.recv(30, "A 1..1 ack 1 sack 7001..10001,11001..12001,5001..6001");
    script.send(31, segment(ACK, 10_001, 1, 1000));
    script.recv(31, "A 1..1 ack 1 sack 7001..12001,5001..6001,3001..4001");
    script.send(32, segment(ACK, 1, 1, 2000));
    script.recv(32, "A 1..1 ack 2001 sack 7001..12001,5001..6001,3001..4001");
}

/// RFC 2018 §4 rule 1: the first block is whole, even if it had been forgotten.
#[test]
fn a_forgotten_block_is_reported_whole_again() {
    let mut script = Script::established_with_sack(&sack());
    for seq in [1001, 1101, 1201, 3001, 5001, 7001] {
        script.send(20, segment(ACK, seq, 1, 100));
    }
    script.take();
    script.send(30, segment(ACK, 1101, 1, 100));
    script.recv(30, "A 1..1 ack 1 sack 1001..1301,7001..7101,5001..5101");
}

/// RFC 2018 §2: no blocks to a peer that did not permit them, nor if we did not.
#[test]
fn no_blocks_without_permission() {
    for mut script in [Script::established(&sack()), Script::established_with_sack(&plain())] {
        script.send(20, segment(ACK, 201, 1, 100));
        script.recv(20, "A 1..1 ack 1");
    }
}

/// The exam question: data segments 17 and 18 are lost, and the retransmission of 17. Twenty are
/// sent at once (IW 20) at time 0, forty in all; the round trip takes 100 ms, each segment is
/// acknowledged, nothing takes time to send. Times are those of the second and third copies.
///
/// The acknowledgments of 1 to 16 come at 100 ms; slow start sends two segments for each while
/// there is data: 21 to 40. Then the duplicates of 19 and 20 come, still at 100 ms: two, not
/// enough. At 200 ms the ones of 21 to 40 come; the first is the third duplicate: recovery, 17 and
/// as the window allows 18 go out (flight is 24 and the window 36, so ssthresh is 12).
///
/// * SACK: pipe falls with each duplicate; 18 leaves at 200 ms too. At 300 ms the SACK of 18 comes,
///   17 is missing still. RFC 6675 sends nothing twice: the timer, last started when 17 was sent
///   again, brings it back after 300 ms.
/// * RACK: at 125 ms 17 and 18 are later than 19 and 20 by a quarter of the round trip: 17 leaves, and
///   by PRR 18 at 200 ms, when something has arrived. Its SACK comes at 300 ms and tells that 17, which
///   left before it, is lost again.
/// * NewReno: at 200 ms 17 alone; no acknowledgment moves, and the timeout at 500 ms sends it, then
///   the one that moves to 18, at 600 ms, opens a window of two: 18 and, because without SACK all
///   counts as lost after a timeout, 19, needlessly.
#[test]
fn exam_question_seventeen_eighteen_and_seventeen_again() {
    for recovery in [Recovery::Sack, Recovery::Rack, Recovery::NewReno] {
        let config = Config { recovery, initial_window: 20, delayed_ack: None, min_rto: ms(300), ..sack() };
        let mut pair = Pair::open(&config);
        let begin = pair.now.as_nanos() / 1_000_000;
        pair.drop_exactly(&[(17, 0), (18, 0), (17, 1)]);
        pair.client.write_zeros(40_000);
        pair.drive_until(ms(10_000), |pair| pair.server.received() == 40_000);
        let again: Vec<(u64, usize, usize)> = pair
            .client_data()
            .iter()
            .filter(|sent| sent.2 > 0)
            .map(|sent| (sent.0 - begin, sent.1, sent.2))
            .collect();
        let expected: &[(u64, usize, usize)] = match recovery {
            Recovery::Sack => &[(200, 17, 1), (200, 18, 1), (500, 17, 2)],
            Recovery::Rack => &[(125, 17, 1), (200, 18, 1), (300, 17, 2)],
            Recovery::NewReno => &[(200, 17, 1), (500, 17, 2), (600, 18, 1), (600, 19, 1)],
        };
        assert_eq!(again, expected, "{recovery:?}");
    }
}

/// §4 `NextSeg` rule 3: when the peer's window has no room for new data, what may yet be lost goes.
#[test]
fn a_full_window_lets_doubtful_segments_go() {
    let mut script = Script::established_with_sack(&sack());
    let full = |ack: u32, window: u16, ranges: &[(u32, u32)]| Segment { window, ..blocks(ack, ranges) };
    script.send(10, full(1, 6_000, &[]));
    script.write(20_000);
    assert_eq!(script.take().len(), 6, "the window holds six segments");
    // 1 and 4 are lost.
    script.send(20, full(1, 6_000, &[(1001, 2001)]));
    script.send(21, full(1, 6_000, &[(1001, 3001)]));
    script.send(22, full(1, 6_000, &[(4001, 5001), (1001, 3001)]));
    assert_eq!(script.take(), ["A 1..1001 ack 1"]);
    // One segment above 4 arrived: not enough to call it lost, but nothing else may be sent.
    script.send(30, full(3001, 3_000, &[(4001, 5001)]));
    assert_eq!(script.take(), ["A 3001..4001 ack 1"]);
}

/// §5: an acknowledgment that another overtook still reports what lies beyond gaps.
#[test]
fn an_overtaken_acknowledgment_still_reports() {
    let mut script = Script::established_with_sack(&sack());
    script.write(10_000);
    script.take();
    script.send(20, blocks(2001, &[(3001, 4001)]));
    script.send(21, blocks(2001, &[(3001, 5001)]));
    script.silent(21);
    script.send(22, blocks(1001, &[(3001, 6001)]));
    assert_eq!(script.take(), ["A 2001..3001 ack 1"], "three segments above it have arrived");
}
