//! RFC 9293 §3.7 and §3.8: windows, probes, silly windows, delayed acknowledgments and Nagle.

use super::{End, Fate, Pair, Reading, Script, at, ms, plain, segment};
use crate::congestion::Choice;
use crate::congestion::testing::choice;
use crate::tcp::{Config, Connection, DelayedAck, State};
use crate::wire::{Flags, Segment};

const ACK: Flags = Flags::ACK;

/// The peer's bare acknowledgment with a window.
fn ack(ack: u32, window: u16) -> Segment {
    Segment { window, ..segment(ACK, 1, ack, 0) }
}

/// §3.8.6: no more than the window is ever in flight.
#[test]
fn the_senders_flight_stays_within_the_window() {
    let mut script = Script::established(&plain());
    script.send(20, ack(1, 2_500));
    script.write(50_000);
    // Two whole segments; 500 more are no half of the largest window (60 000).
    assert_eq!(script.take(), ["A 1..1001 ack 1", "A 1001..2001 ack 1"]);
}

/// §3.8.6: data that comes beyond the window is not taken.
#[test]
fn data_beyond_the_window_is_cut_off() {
    let mut script = Script::established(&Config { receive_window: 2_000, ..plain() });
    script.send(20, segment(ACK, 1, 1, 3_000));
    assert_eq!(script.tcp.received(), 2_000);
    script.send(30, segment(ACK, 2_001, 1, 100));
    assert_eq!(script.tcp.received(), 2_000);
    assert!(script.take().iter().all(|line| line.ends_with("ack 2001")));
}

/// §3.10.7.4: only a newer segment moves the window (SND.WL1, SND.WL2).
#[test]
fn an_old_segment_does_not_move_the_window() {
    let mut script = Script::established(&plain());
    script.write(3_000);
    script.take();
    script.send(20, segment(ACK, 1, 3_001, 100));
    script.send(30, Segment { window: 1_000, ..segment(ACK, 101, 3_001, 100) });
    script.send(40, Segment { window: 50_000, ..segment(ACK, 1, 2_001, 100) });
    script.take();
    script.write(5_000);
    assert_eq!(script.take(), ["A 3001..4001 ack 201"]);
}

/// §3.8.6.1: a closed window is probed after a timeout, then at doubling intervals, for ever as
/// long as the peer answers (MUST-37); the timeout of later data is not doubled by it.
#[test]
fn a_closed_window_is_probed_with_back_off() {
    let mut script = Script::established(&plain());
    script.send(20, ack(1, 0));
    script.write(5_000);
    for (millis, _) in [(220, 0), (620, 1), (1_420, 2), (3_020, 3), (6_220, 4)] {
        script.recv(millis, "A 0..0 ack 1");
        script.send(millis, ack(1, 0));
    }
    script.silent(12_000);
    // An hour later the probes are at most max_rto apart, and the connection lives.
    for second in (20..3_600).step_by(10) {
        script.wait(second * 1_000);
        if !script.take().is_empty() {
            script.send(second * 1_000, ack(1, 0));
        }
    }
    assert_eq!(script.tcp.state(), State::Established);
    script.send(3_600_000, ack(1, 60_000));
    assert_eq!(script.take().len(), 5);
    // The data is lost: its timeout is 200 ms as ever.
    script.recv(3_600_200, "A 1..1001 ack 1");
}

/// §3.8.3: silence ends a connection whose window is closed as it ends any other, after at least 100
/// seconds; §3.8.6.1: answers do not, however few they are.
#[test]
fn a_closed_window_whose_peer_is_silent_ends_the_connection() {
    let mut script = Script::established(&plain());
    script.send(20, ack(1, 0));
    script.write(1_000);
    script.wait(120_000);
    assert_eq!(script.tcp.state(), State::Established);
    // One answer, and the count begins anew.
    script.send(120_001, ack(1, 0));
    script.wait(1_000_000);
    assert_eq!(script.tcp.state(), State::Established);
    script.wait(4_000_000);
    assert_eq!(script.tcp.state(), State::Closed);
    assert_eq!(script.events(), [crate::tcp::Event::Closed]);
    let probes = script.take().len();
    assert!((20..=30).contains(&probes), "{probes}");
}

/// §3.8.6.1: a probe carries no number that would have to be repaired: sending goes on where it
/// was when the window opens.
#[test]
fn sending_goes_on_after_a_probe() {
    let mut script = Script::established(&plain());
    script.write(1_000);
    script.recv(10, "A 1..1001 ack 1");
    script.send(20, ack(1_001, 0));
    script.write(2_000);
    script.recv(220, "A 1000..1000 ack 1");
    script.send(230, ack(1_001, 5_000));
    assert_eq!(script.take(), ["A 1001..2001 ack 1", "A 2001..3001 ack 1"]);
}

/// §3.8.6.1: a lost window update stops a connection only until the next probe.
#[test]
fn a_lost_window_update_is_survived() {
    let config = Config { receive_window: 10_000, ..plain() };
    let mut pair = Pair::open(&config);
    pair.reading[1] = Reading::Hold;
    pair.client.write_zeros(30_000);
    pair.run_for(ms(2_000));
    assert_eq!(pair.server.received(), 10_000);
    let opened = pair.now;
    pair.faults(move |sent| {
        let update = sent.from == End::Server && sent.at == opened;
        if update { Fate::Drop } else { Fate::Pass }
    });
    pair.reading[1] = Reading::Discard;
    pair.flush();
    assert_eq!(pair.log.last().map(|sent| sent.fate), Some(Fate::Drop), "an update was sent and lost");
    pair.drive_until(ms(10_000), |pair| pair.server.received() == 30_000);
}

/// §3.8.6.2.1: with a small window the sender waits for half of the largest one, and overrides
/// that after a timeout.
#[test]
fn the_sender_avoids_silly_windows() {
    let mut script = Script::established(&plain());
    script.send(20, ack(1, 400));
    script.write(5_000);
    script.silent(219);
    script.recv(220, "A 1..401 ack 1");
}

/// §3.8.6.2.1: half of the largest window is enough even if it is less than a segment.
#[test]
fn half_of_a_tiny_window_is_worth_sending() {
    let peer = Segment {
        window: 600,
        ..super::syn_ack(crate::wire::SynOptions { mss: Some(1000), ..<_>::default() })
    };
    let mut script = Script::open_with(&plain(), peer);
    script.write(5_000);
    script.recv(10, "A 1..601 ack 1");
    script.send(20, ack(601, 299));
    script.silent(21);
    script.send(30, ack(601, 300));
    script.recv(30, "A 601..901 ack 1");
}

/// §3.8.6.2.2: the receiver opens its window only by a segment or half its buffer, and says so
/// then without being asked.
#[test]
fn the_receiver_avoids_silly_windows() {
    let mut script = Script::established(&Config { receive_window: 4_000, ..plain() });
    for i in 0..4 {
        let piece = Segment {
            payload: crate::wire::Payload::shared(vec![7; 1000]),
            ..segment(ACK, 1 + 1000 * i, 1, 0)
        };
        script.send(20, piece);
    }
    let windows: Vec<u16> = script.take_segments().iter().map(|(_, s)| s.window).collect();
    assert_eq!(windows, [2_000, 0]);
    script.tcp.read();
    script.drain();
    script.silent(30);
    script.tcp.read();
    script.drain();
    assert_eq!(script.recv(30, "A 1..1 ack 4001").window, 2_000);
}

/// §3.8.6: the right edge of the window never moves back.
#[test]
fn the_window_never_shrinks() {
    let mut pair = Pair::open(&Config { receive_window: 7_777, mss: 300, ..plain() });
    pair.reading[1] = Reading::Hold;
    pair.client.write_zeros(40_000);
    for i in 0..200u64 {
        pair.run_for(ms(37));
        if i % 3 == 0 {
            pair.server.read();
        }
        if i % 7 == 0 {
            pair.server.discard();
        }
    }
    assert_eq!(pair.server.received(), 40_000);
    let edges: Vec<u32> = pair
        .log
        .iter()
        .filter(|sent| sent.from == End::Server)
        .map(|sent| sent.segment.ack.0 + u32::from(sent.segment.window))
        .collect();
    assert!(edges.windows(2).all(|pair| pair[0] <= pair[1]), "{edges:?}");
}

/// A receive window of a single segment, or less, still lets everything through.
#[test]
fn tiny_windows_and_buffers_still_transfer() {
    for (window, send_buffer, mss) in
        [(1_000, 500, 1000), (1_000, 8_000_000, 1000), (64, 64, 64), (500, 100_000, 9000), (2, 10, 64)]
    {
        let config = Config { receive_window: window, send_buffer, mss, ..plain() };
        let mut pair = Pair::open(&config);
        let mut left = 5_000.min(window * 40);
        let total = left;
        pair.drive_until(ms(600_000), |pair| {
            left -= pair.client.write_zeros(left);
            pair.flush();
            pair.server.received() == total
        });
    }
}

/// §3.8.6.3: every second full segment is acknowledged at once, a single one at the latest after
/// the timeout (here 40 ms, at most 500).
#[test]
fn acknowledgments_wait_for_a_second_segment_or_the_timeout() {
    let mut script = Script::established(&plain());
    script.send(20, segment(ACK, 1, 1, 1000));
    script.silent(59);
    script.recv(60, "A 1..1 ack 1001");
    script.send(70, segment(ACK, 1001, 1, 1000));
    script.send(75, segment(ACK, 2001, 1, 1000));
    script.recv(75, "A 1..1 ack 3001");
    script.silent(500);
}

/// Delayed acknowledgments can be switched off, or be set to another count.
#[test]
fn delayed_acknowledgments_are_settable() {
    let three = Some(DelayedAck { segments: 3, timeout: ms(100), adaptive: false, stretch: false });
    for (delayed_ack, expected) in [(None, vec![20, 21, 22, 23]), (three, vec![22, 123])] {
        let mut script = Script::established(&Config { delayed_ack, ..plain() });
        for i in 0..4 {
            script.send(20 + u64::from(i), segment(ACK, 1 + 1000 * i, 1, 1000));
        }
        script.wait(1_000);
        let times: Vec<u64> = script.take_segments().iter().map(|sent| sent.0).collect();
        assert_eq!(times, expected);
    }
}

/// With `stretch`, as in Linux, the acknowledgment of a second segment waits for what else arrives at once.
#[test]
fn a_stretched_acknowledgment_may_wait_for_what_arrives_with_it() {
    for stretch in [true, false] {
        let delayed_ack = Some(DelayedAck { segments: 2, timeout: ms(40), adaptive: false, stretch });
        let mut script = Script::established(&Config { delayed_ack, ..plain() });
        for start in [1, 1_001] {
            script.tcp.handle_segment(script.now, &segment(ACK, start, 1, 1_000));
        }
        assert_eq!(script.tcp.is_urgent(), !stretch);
        script.drain();
        assert_eq!(script.take(), ["A 1..1 ack 2001"], "and leaves in any case");
    }
}

/// §3.8.6.3: data that leaves carries the acknowledgment with it.
#[test]
fn data_carries_the_acknowledgment() {
    let mut script = Script::established(&plain());
    script.send(20, segment(ACK, 1, 1, 1000));
    script.wait(30);
    script.write(100);
    script.recv(30, "A 1..101 ack 1001");
    // The data is acknowledged, so that its retransmission does not disturb.
    script.send(40, segment(ACK, 1001, 101, 0));
    script.silent(500);
}

/// §3.7.4: with Nagle a small segment waits until nothing is unacknowledged; without it goes.
#[test]
fn nagle_holds_small_segments_back() {
    for (nagle, expected) in
        [(true, vec!["A 1..101 ack 1"]), (false, vec!["A 1..101 ack 1", "A 101..201 ack 1"])]
    {
        let mut script = Script::established(&Config { nagle, ..plain() });
        script.write(100);
        script.write(100);
        assert_eq!(script.take(), expected);
    }
}

/// §3.7.4: what waited goes as one segment with the acknowledgment, a full one does not wait, nor
/// does the last before a close.
#[test]
fn nagle_gathers_small_writes() {
    let mut script = Script::established(&Config { nagle: true, ..plain() });
    script.write(100);
    script.recv(10, "A 1..101 ack 1");
    script.write(300);
    script.write(200);
    script.silent(20);
    script.send(30, segment(ACK, 1, 101, 0));
    script.recv(30, "A 101..601 ack 1");
    script.write(1_100);
    script.recv(30, "A 601..1601 ack 1");
    script.silent(31);
    script.close();
    script.recv(31, "A 1601..1701 ack 1");
    script.recv(31, "FA 1701..1702 ack 1");
}

/// §3.8.6: a FIN waits for the window like data, because it takes a number.
#[test]
fn a_fin_waits_for_the_window() {
    let mut script = Script::established(&plain());
    script.send(20, ack(1, 0));
    script.close();
    script.recv(220, "A 0..0 ack 1");
    script.send(230, ack(1, 1));
    script.recv(230, "FA 1..2 ack 1");
}

/// §3.8.6.2.1: a small window does not hold back the last data because the FIN has no room.
#[test]
fn a_small_window_without_room_for_the_fin_gets_the_data() {
    let mut script = Script::established(&plain());
    script.write(1_000);
    script.send(20, Segment { window: 0, ..segment(ACK, 1, 1_001, 0) });
    script.write(1_000);
    script.close();
    script.take();
    script.send(30, Segment { window: 1_000, ..segment(ACK, 1, 1_001, 0) });
    assert_eq!(script.take(), ["A 1001..2001 ack 1"]);
}

/// As in Linux, a FIN on data takes no room in the congestion window.
#[test]
fn the_fin_rides_on_what_fills_the_congestion_window() {
    let congestion = choice("fixed", &[("window", 10.0)]);
    let mut script = Script::established(&Config { congestion, ..plain() });
    script.write(11_000);
    script.close();
    assert_eq!(script.take().len(), 10);
    script.send(20, segment(ACK, 1, 1_001, 0));
    assert_eq!(script.take(), ["FA 10001..11002 ack 1"]);
}

/// §3.8.1 and the buffer of §3.9.1: `write` takes no more than fits, and says when to go on: with a third free, as Linux
/// does (`sk_stream_is_writeable`).
#[test]
fn a_full_send_buffer_refuses_and_then_calls_back() {
    let mut script = Script::established(&Config { send_buffer: 6_000, ..plain() });
    assert_eq!(script.tcp.write_zeros(10_000), 6_000);
    script.drain();
    assert_eq!(script.tcp.write_zeros(1), 0);
    script.send(20, segment(ACK, 1, 1_001, 0));
    assert!(script.events().is_empty());
    script.send(20, segment(ACK, 1, 2_001, 0));
    assert_eq!(script.events(), [crate::tcp::Event::Writable]);
}

/// Memory is bounded: a window's worth of data beyond a gap is the most that is held.
#[test]
fn what_is_held_beyond_a_gap_stays_within_the_window() {
    let mut script = Script::established(&Config { receive_window: 10_000, ..plain() });
    for i in 1..100 {
        script.send(20, segment(ACK, 1 + 1000 * i, 1, 1000));
    }
    script.send(30, segment(ACK, 1, 1, 1000));
    assert_eq!(script.tcp.received(), 10_000);
}

/// An idle connection has no timer at all.
#[test]
fn an_idle_connection_sleeps() {
    let mut pair = Pair::open(&Config { congestion: Choice::named("cubic"), ..plain() });
    pair.client.write_zeros(10_000);
    pair.run_for(ms(3_000));
    let sleeps = |end: &Connection| end.poll_timeout() > at(u64::from(u32::MAX));
    assert!(sleeps(&pair.client) && sleeps(&pair.server));
}
