//! RFC 7323: window scaling, timestamps and PAWS.

use super::{Pair, Script, at, ms, plain, segment, stamped, syn_ack, with_stamps};
use crate::congestion::Choice;
use crate::tcp::{Config, RtoFloor, State};
use crate::wire::{Flags, Segment, SynOptions, Timestamps};

const ACK: Flags = Flags::ACK;

fn offer(window_scale: Option<u8>) -> SynOptions {
    SynOptions { mss: Some(1012), window_scale, sack_permitted: false, counted: None }
}

/// An open connection with timestamps whose peer's SYN-ACK had the value 100.
fn open() -> Script {
    Script::open_with(&stamped(), with_stamps(syn_ack(offer(None)), 100, 1))
}

fn echo(segment: &Segment) -> u32 {
    segment.timestamps.expect("timestamps").echo
}

/// §2.2: the shift is offered such that the receive window fits, and never in vain above 14.
#[test]
fn the_shift_fits_the_receive_window() {
    for (window, shift) in [(60_000, 0), (65_536, 1), (4 << 20, 7), (1 << 40, 14)] {
        let config = Config { window_scale: true, receive_window: window, ..plain() };
        let syn = super::connection(&config, 1, false).poll_transmit(at(0)).expect("a SYN");
        assert_eq!(syn.syn_options().window_scale, Some(shift));
        // §2.2: the window of a SYN itself is not scaled.
        assert_eq!(u64::from(syn.window), window.min(65_535));
    }
}

/// §2.2: both must offer; if only one does, no window is scaled.
#[test]
fn scaling_needs_both_offers() {
    for (ours, theirs, expected) in
        [(true, Some(2), 240), (true, None, 60), (false, Some(2), 60), (true, Some(0), 60)]
    {
        let config = Config { window_scale: ours, congestion: Choice::named("none"), ..plain() };
        let mut script = Script::open_with(&config, syn_ack(offer(theirs)));
        script.write(1_000_000);
        // The SYN's own window counts unscaled.
        assert_eq!(script.take().len(), 60);
        script.send(20, segment(ACK, 1, 1, 0));
        assert_eq!(script.take().len() + 60, expected, "{ours} {theirs:?}");
    }
}

/// §2.3: a shift above 14 counts as 14.
#[test]
fn a_shift_above_fourteen_counts_as_fourteen() {
    let config = Config { window_scale: true, congestion: Choice::named("none"), ..plain() };
    let mut script = Script::open_with(&config, syn_ack(offer(Some(200))));
    script.send(20, Segment { window: 2, ..segment(ACK, 1, 1, 0) });
    script.write(1_000_000);
    assert_eq!(script.take().len(), 32, "2 << 14 bytes");
}

/// §2.2: large windows are really used.
#[test]
fn a_scaled_window_fills_a_long_path() {
    let config =
        Config { window_scale: true, receive_window: 1 << 20, congestion: Choice::named("none"), ..plain() };
    let mut pair = Pair::open(&config);
    pair.client.write_zeros(8 << 20);
    pair.run_for(ms(500));
    assert!(pair.client.snapshot().flight > 1_000_000, "{}", pair.client.snapshot().flight);
}

/// §3.2: timestamps are used only if both SYNs carried them.
#[test]
fn timestamps_need_both_offers() {
    let mut script = Script::open_with(&stamped(), syn_ack(offer(None)));
    script.write(10);
    assert_eq!(script.take_segments()[0].1.timestamps, None);
    let mut script = Script::open_with(&plain(), with_stamps(syn_ack(offer(None)), 100, 1));
    script.write(10);
    assert_eq!(script.take_segments()[0].1.timestamps, None);
    let mut script = open();
    script.write(10);
    assert_eq!(script.take_segments()[0].1.timestamps, Some(Timestamps { value: 11, echo: 100 }));
}

/// §4.3 case A: a delayed acknowledgment echoes the earliest segment it covers.
#[test]
fn a_delayed_acknowledgment_echoes_the_first_segment() {
    let mut script = open();
    script.send(20, with_stamps(segment(ACK, 1, 1, 1000), 201, 11));
    script.send(25, with_stamps(segment(ACK, 1001, 1, 1000), 202, 11));
    assert_eq!(echo(&script.recv(25, "A 1..1 ack 2001")), 201);
}

/// §4.3 case B: a hole in the sequence: the echo stays that of the last segment in order.
#[test]
fn a_segment_beyond_a_gap_is_not_echoed() {
    let mut script = open();
    script.send(20, with_stamps(segment(ACK, 1001, 1, 1000), 205, 11));
    assert_eq!(echo(&script.recv(20, "A 1..1 ack 1")), 100);
}

/// §4.3 case C: the segment that fills the hole is echoed, although it is older than the others.
#[test]
fn a_segment_that_fills_the_gap_is_echoed() {
    let mut script = open();
    script.send(20, with_stamps(segment(ACK, 1001, 1, 1000), 205, 11));
    script.send(30, with_stamps(segment(ACK, 1, 1, 1000), 203, 11));
    script.take_segments().pop().map(|(_, last)| assert_eq!(echo(&last), 203)).expect("an answer");
}

/// §4.3: what rides on our own data moves Last.ACK.sent like a bare acknowledgment.
#[test]
fn piggybacked_acknowledgments_move_the_echo() {
    let mut script = open();
    script.send(20, with_stamps(segment(ACK, 1, 1, 1000), 201, 11));
    script.write(10);
    assert_eq!(echo(&script.recv(20, "A 1..11 ack 1001")), 201);
    script.send(30, with_stamps(segment(ACK, 1001, 11, 1000), 207, 21));
    script.write(10);
    assert_eq!(echo(&script.recv(30, "A 11..21 ack 2001")), 207);
}

/// §5.3 R1 (PAWS): an older timestamp makes a segment unacceptable: it is answered and dropped,
/// data, acknowledgment and all.
#[test]
fn an_older_timestamp_is_refused() {
    let mut script = open();
    script.write(1_000);
    script.take();
    script.send(20, with_stamps(segment(ACK, 1, 1, 500), 300, 11));
    script.send(21, with_stamps(segment(ACK, 501, 1_001, 500), 299, 11));
    script.recv(21, "A 1001..1001 ack 501");
    assert_eq!((script.tcp.received(), script.tcp.snapshot().flight), (500, 1_000));
    // An empty segment only if it is older than a retransmission timeout.
    script.send(22, with_stamps(segment(ACK, 501, 1_001, 0), 1, 11));
    script.recv(22, "A 1001..1001 ack 501");
    assert_eq!(script.tcp.snapshot().flight, 1_000);
}

/// §5.3 R1 excepts resets: they may have no or an old timestamp (§5.2).
#[test]
fn an_old_timestamp_does_not_save_from_a_reset() {
    let mut script = open();
    script.send(20, with_stamps(segment(Flags::RST, 1, 0, 0), 3, 0));
    assert_eq!(script.tcp.state(), State::Closed);
}

/// §3.2: a segment without the negotiated timestamp is dropped in silence, whatever it carries; a reset
/// needs none.
#[test]
fn a_segment_without_the_negotiated_timestamp_is_dropped() {
    let mut script = open();
    script.write(1_000);
    script.take();
    script.send(20, segment(ACK, 1, 1_001, 1_000));
    script.send(21, segment(ACK.with(Flags::FIN), 1_001, 1_001, 1_000));
    script.silent(100);
    assert_eq!((script.tcp.received(), script.tcp.snapshot().flight), (0, 1_000));
    script.send(101, with_stamps(segment(ACK, 1, 1_001, 1_000), 190, 11));
    assert_eq!((script.tcp.received(), script.tcp.snapshot().flight), (1_000, 0));
    script.send(102, segment(Flags::RST, 1_001, 0, 0));
    assert_eq!(script.tcp.state(), State::Closed);
}

/// §3.2: once negotiated, timestamps are in every segment, resets included.
#[test]
fn a_reset_carries_timestamps() {
    let mut script = open();
    script.wait(50);
    script.tcp.abort();
    script.drain();
    assert_eq!(script.recv(50, "R 1..1").timestamps, Some(Timestamps { value: 51, echo: 100 }));
    let mut script = Script::open_with(&plain(), syn_ack(offer(None)));
    script.tcp.abort();
    script.drain();
    assert_eq!(script.recv(10, "R 1..1").timestamps, None);
}

/// §5.2: timestamps wrap like sequence numbers: a small one after a large one is newer.
#[test]
fn timestamps_wrap() {
    let mut script = Script::open_with(&stamped(), with_stamps(syn_ack(offer(None)), u32::MAX - 5, 1));
    script.send(20, with_stamps(segment(ACK, 1, 1, 500), 3, 11));
    assert_eq!(script.tcp.received(), 500);
    script.send(30, with_stamps(segment(ACK, 501, 1, 500), u32::MAX - 2, 11));
    assert_eq!(script.tcp.received(), 500);
}

/// §4.1 with RFC 6298: the echo measures the round trip of whichever copy arrived.
#[test]
fn round_trips_stay_right_through_losses() {
    let config = Config { timestamps: true, ..super::sack() };
    let mut pair = Pair::open(&config);
    pair.drop_exactly(&[(3, 0), (9, 0), (9, 1), (30, 0), (50, 0)]);
    pair.client.write_zeros(400_000);
    pair.drive_until(ms(20_000), |pair| pair.server.received() == 400_000);
    let srtt = pair.client.snapshot().srtt.expect("a sample");
    assert!(srtt >= ms(100) && srtt <= ms(145), "{srtt}: 100 ms and a delayed acknowledgment at most");
}

/// §4.3, §5.3 R2: a retransmission of the last segment, whose acknowledgment was lost, is answered with its own time.
/// One of an earlier segment is rejected first, so that its sender measures from the original's departure: in Linux
/// `tcp_sequence`, before `tcp_replace_ts_recent`.
#[test]
fn only_a_duplicate_of_the_last_segment_is_answered_with_its_own_time() {
    let mut script = open();
    script.send(100, with_stamps(segment(ACK, 1, 1, 1000), 200, 1));
    script.send(110, with_stamps(segment(ACK, 1001, 1, 1000), 210, 1));
    script.wait(150);
    script.take();
    for (millis, start, value) in [(400, 1001, 500), (410, 1, 510)] {
        script.send(millis, with_stamps(segment(ACK, start, 1, 1000), value, 1));
        let answers = script.take_segments();
        let expected = if start == 1 { 200 } else { value };
        assert_eq!(answers.iter().map(|(_, answer)| echo(answer)).collect::<Vec<_>>(), [expected]);
    }
}

/// §4.3: that answer does not move `TS.Recent`, so that what left before the retransmission is still taken; and
/// what lies beyond the window is not echoed.
#[test]
fn a_duplicate_makes_nothing_that_follows_look_old() {
    let mut script = open();
    script.send(100, with_stamps(segment(ACK, 1, 1, 1000), 200, 1));
    script.send(110, with_stamps(segment(ACK, 1, 1, 1000), 500, 1));
    script.take();
    script.send(120, with_stamps(segment(ACK, 1001, 1, 1000), 300, 1));
    assert_eq!(script.tcp.received(), 2_000);
    script.wait(200);
    script.take();
    script.send(210, with_stamps(segment(ACK, 90_001, 1, 1000), 600, 1));
    let answers = script.take_segments();
    assert_eq!(answers.iter().map(|(_, answer)| echo(answer)).collect::<Vec<_>>(), [300]);
}

/// §4.3 of the handshake: when its last acknowledgment is lost and the SYN-ACK comes again, the next one
/// echoes the copy. The listening end then measures the round trip, not its own patience.
#[test]
fn a_lost_acknowledgment_of_the_handshake_is_not_measured() {
    let config = Config { timestamps: true, sack: true, ..plain() };
    let mut pair = Pair::new(&config);
    pair.faults(|sent| {
        let early = sent.at > at(60) && sent.at < at(900);
        if sent.from == super::End::Client && early { super::Fate::Drop } else { super::Fate::Pass }
    });
    pair.run_for(ms(3_000));
    pair.server.write_zeros(100_000);
    pair.drive_until(ms(3_000), |pair| pair.client.received() == 100_000);
    let server = pair.server.snapshot();
    let srtt = server.srtt.expect("a sample");
    assert!(srtt > ms(90) && srtt < ms(110), "{srtt}");
    assert!(server.rto < ms(450), "{}", server.rto);
}

/// One segment whose acknowledgment was lost once, 100 ms of round trip: Linux 6.18 has a smoothed
/// round trip of 100.4 ms and a timeout of 304 ms.
#[test]
fn a_lost_acknowledgment_is_not_measured() {
    for segments in [1, 10] {
        let config =
            Config { rto_floor: RtoFloor::Variance, timestamps: true, sack: true, ..Config::default() };
        let mut pair = Pair::open(&config);
        let from = pair.now;
        pair.faults(move |sent| {
            let early = sent.at < from + ms(200);
            if sent.from == super::End::Server && early { super::Fate::Drop } else { super::Fate::Pass }
        });
        pair.client.write_zeros(segments * 1448);
        pair.run_for(ms(1_500));
        let client = pair.client.snapshot();
        assert_eq!(client.flight, 0, "{segments}");
        let srtt = client.srtt.expect("a sample");
        assert!(srtt >= ms(100) && srtt < ms(110), "{segments}: {srtt}");
        assert!(client.rto < ms(350), "{segments}: {}", client.rto);
    }
}

/// Unlike §5.3 R1: an empty segment that another overtook is not taken for an old duplicate, because
/// what it acknowledges is news.
#[test]
fn an_overtaken_acknowledgment_is_not_refused() {
    let mut script = open();
    script.write(4_000);
    script.take();
    script.send(100, with_stamps(segment(ACK, 1, 1001, 0), 205, 11));
    script.send(101, with_stamps(segment(ACK, 1, 2001, 0), 203, 11));
    assert_eq!(script.tcp.snapshot().flight, 2_000, "the older stamp acknowledges more");
    assert!(script.take().is_empty(), "and is not answered");
}
