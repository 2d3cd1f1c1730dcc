//! RFC 9293: opening and closing a connection. What segments do to it is in `rfc9293_segments.rs`,
//! windows, probes and acknowledgments are in `rfc9293_flow.rs`.

use super::{End, Fate, OWN_ISS, Pair, Script, at, ms, plain, segment, syn, syn_ack};
use crate::tcp::{Config, Event, State};
use crate::wire::{Flags, SynOptions};

const FIN: Flags = Flags::FIN.with(Flags::ACK);

/// §3.5, figure 6: the basic three-way handshake.
#[test]
fn three_segments_open_a_connection() {
    let mut pair = Pair::new(&plain());
    pair.run_for(ms(500));
    assert_eq!(pair.lines(End::Client), ["0 S 0..1", "100 A 1..1 ack 1"]);
    assert_eq!(pair.lines(End::Server), ["50 SA 0..1 ack 1"]);
    assert_eq!((pair.client.state(), pair.server.state()), (State::Established, State::Established));
    assert_eq!(pair.events, [[Event::Connected], [Event::Connected]]);
}

/// §3.5: data written before the connection opens follows the handshake at once.
#[test]
fn early_data_rides_on_the_handshakes_last_segment() {
    let mut pair = Pair::new(&plain());
    pair.client.write_zeros(300);
    pair.run_for(ms(500));
    assert_eq!(pair.lines(End::Client)[1], "100 A 1..301 ack 1");
    assert_eq!(pair.server.received(), 300);
}

/// §3.5, figure 7: both ends open at once, and one connection results.
#[test]
fn simultaneous_open_makes_one_connection() {
    let mut script = Script::connect(&plain());
    script.recv(0, "S 0..1");
    script.send(10, syn(SynOptions { mss: Some(1000), ..SynOptions::default() }));
    assert_eq!(script.tcp.state(), State::SynReceived);
    script.recv(10, "SA 0..1 ack 1");
    // The peer's SYN-ACK repeats its SYN, which is old, and acknowledges ours, which opens.
    script.send(20, syn_ack(SynOptions::default()));
    script.silent(20);
    assert_eq!(script.tcp.state(), State::Established);
    assert_eq!(script.events(), [Event::Connected]);
    // Its window is not scaled, and counts.
    script.write(2_000);
    assert_eq!(script.take(), ["A 1..1001 ack 1", "A 1001..2001 ack 1"]);
}

/// §3.5, figure 7: a SYN-ACK that acknowledges something else opens nothing.
#[test]
fn a_crossing_syn_ack_must_acknowledge_the_syn() {
    let mut script = Script::in_state(&plain(), State::SynReceived);
    let other = crate::wire::SeqNumber(OWN_ISS + 7);
    script.send(20, crate::wire::Segment { ack: other, ..syn_ack(SynOptions::default()) });
    script.recv(20, "A 1..1 ack 1");
    assert_eq!(script.tcp.state(), State::SynReceived);
}

/// §3.5, figure 7, from both sides: two opening ends meet, after one round trip.
#[test]
fn two_opening_ends_meet_within_a_round_trip() {
    let mut a = super::connection(&plain(), 1, false);
    let mut b = super::connection(&plain(), 900, false);
    for round in 0..2 {
        let now = at(round * 50);
        let from_a: Vec<_> = std::iter::from_fn(|| a.poll_transmit(now)).collect();
        let from_b: Vec<_> = std::iter::from_fn(|| b.poll_transmit(now)).collect();
        let then = at(round * 50 + 50);
        for segment in &from_a {
            b.handle_segment(then, segment);
        }
        for segment in &from_b {
            a.handle_segment(then, segment);
        }
    }
    assert_eq!((a.state(), b.state()), (State::Established, State::Established));
}

/// §3.8.1: a lost SYN and a lost SYN-ACK are sent again.
#[test]
fn lost_syns_are_sent_again() {
    let mut pair = Pair::new(&plain());
    let mut left = [1, 1];
    pair.faults(move |sent| {
        let left = &mut left[sent.from as usize];
        if sent.segment.flags.has(Flags::SYN) && *left > 0 {
            *left -= 1;
            Fate::Drop
        } else {
            Fate::Pass
        }
    });
    pair.client.write_zeros(5_000);
    pair.drive_until(ms(20_000), |pair| pair.server.received() == 5_000);
    // SYN at 0 is lost, at 1 s arrives; its answer is lost. The client tries again at 3 s (its
    // timeout doubled), the server at 1.05 + 1 s, which comes first.
    assert_eq!(pair.lines(End::Client)[..2], ["0 S 0..1", "1000 S 0..1"]);
    assert_eq!(pair.lines(End::Server)[..2], ["1050 SA 0..1 ack 1", "2050 SA 0..1 ack 1"]);
}

/// §3.5: the handshake's last segment is lost; the SYN-ACK again brings it back.
#[test]
fn a_lost_final_acknowledgment_of_the_handshake_is_repeated() {
    let mut pair = Pair::new(&plain());
    let mut lost = false;
    pair.faults(move |sent| {
        let hit = !lost && sent.from == End::Client && !sent.segment.flags.has(Flags::SYN);
        lost |= hit;
        if hit { Fate::Drop } else { Fate::Pass }
    });
    pair.run_for(ms(3_000));
    assert_eq!(pair.server.state(), State::Established);
    assert_eq!(pair.lines(End::Client), ["0 S 0..1", "100 A 1..1 ack 1", "1100 A 1..1 ack 1"]);
}

/// §3.7.1: without an MSS option the peer takes 536 bytes.
#[test]
fn a_peer_without_mss_option_gets_536_bytes() {
    let mut script = Script::open_with(&plain(), syn_ack(SynOptions::default()));
    script.write(2_000);
    assert_eq!(script.take()[0], "A 1..537 ack 1");
}

/// §3.7.1: segments are as large as the smaller of both offers, and the SYN says our own.
#[test]
fn the_smaller_mss_rules() {
    for (own, peer, expected) in [(1000, 700, 700), (700, 1000, 700), (64, 9000, 64), (9000, 9000, 9000)] {
        let config = Config { mss: own, ..plain() };
        let offer = SynOptions { mss: Some(peer), ..SynOptions::default() };
        let mut syn = super::connection(&config, OWN_ISS, false);
        let sent = syn.poll_transmit(at(0)).expect("a SYN");
        assert_eq!(sent.syn_options().mss, Some(own));
        let mut script = Script::open_with(&config, syn_ack(offer));
        script.write(20_000);
        assert_eq!(script.take_segments()[0].1.payload.len(), expected);
    }
}

/// §3.6, figure 12: the normal close.
#[test]
fn one_end_closes_then_the_other() {
    let mut pair = Pair::open(&plain());
    pair.client.close();
    pair.run_for(ms(100));
    assert_eq!((pair.client.state(), pair.server.state()), (State::FinWait2, State::CloseWait));
    assert!(pair.events[1].contains(&Event::PeerClosed));
    pair.server.close();
    pair.run_for(ms(100));
    assert_eq!((pair.client.state(), pair.server.state()), (State::TimeWait, State::Closed));
    // §3.4.2: TIME-WAIT lasts twice the maximum segment lifetime.
    pair.run_for(ms(59_800));
    assert_eq!(pair.client.state(), State::TimeWait);
    pair.run_for(ms(400));
    assert_eq!(pair.client.state(), State::Closed);
    assert_eq!(pair.events[0].iter().filter(|&&e| e == Event::Closed).count(), 1);
}

/// §3.6, figure 13: both close at once.
#[test]
fn both_ends_close_at_once() {
    let mut pair = Pair::open(&plain());
    pair.client.close();
    pair.server.close();
    pair.run_for(ms(60));
    assert_eq!((pair.client.state(), pair.server.state()), (State::Closing, State::Closing));
    pair.run_for(ms(60));
    assert_eq!((pair.client.state(), pair.server.state()), (State::TimeWait, State::TimeWait));
}

/// §3.6 case 1: after its own close an end still receives until the peer closes.
#[test]
fn a_half_closed_connection_carries_data_the_other_way() {
    let mut pair = Pair::open(&plain());
    pair.client.close();
    pair.run_for(ms(100));
    assert_eq!(pair.client.write_zeros(10), 0, "no writing after the close");
    pair.server.write_zeros(30_000);
    pair.server.close();
    pair.drive_until(ms(5_000), |pair| pair.client.received() == 30_000);
    pair.run_for(ms(200));
    assert_eq!((pair.client.state(), pair.server.state()), (State::TimeWait, State::Closed));
}

/// §3.10.4: a close waits for the data before it. As in Linux, the FIN rides on the last segment, unless
/// that could leave when the application closed: a write sends at once.
#[test]
fn the_fin_follows_the_last_byte() {
    let mut script = Script::established(&plain());
    script.tcp.write_zeros(1_500);
    script.close();
    assert_eq!(script.take(), ["A 1..1001 ack 1", "A 1001..1501 ack 1", "FA 1501..1502 ack 1"]);

    let mut script = Script::established(&plain());
    script.tcp.write_zeros(11_500);
    script.close();
    assert_eq!(script.take().len(), 10, "a full window");
    script.send(20, segment(Flags::ACK, 1, 2001, 0));
    assert_eq!(script.take(), ["A 10001..11001 ack 1", "FA 11001..11502 ack 1"]);
}

/// §3.7.1 counts data only: the FIN rides on a last segment that is full, and neither a full congestion
/// window nor a lost copy parts them.
#[test]
fn the_fin_rides_on_a_full_last_segment() {
    let mut script = Script::established(&plain());
    script.tcp.write_zeros(11_000);
    script.close();
    assert_eq!(script.take().len(), 10, "a full window");
    script.send(20, segment(Flags::ACK, 1, 1_001, 0));
    assert_eq!(script.take(), ["FA 10001..11002 ack 1"]);
    script.send(30, segment(Flags::ACK, 1, 10_001, 0));
    script.wait(1_000);
    assert_eq!(script.take()[0], "FA 10001..11002 ack 1");
}

/// §3.8.6: a window that has room for the data but not for the FIN gets the data.
#[test]
fn a_window_without_room_for_the_fin_gets_the_data() {
    let mut script = Script::established(&plain());
    script.send(20, crate::wire::Segment { window: 1_000, ..segment(Flags::ACK, 1, 1, 0) });
    script.tcp.write_zeros(1_000);
    script.close();
    assert_eq!(script.take(), ["A 1..1001 ack 1"]);
    script.send(30, crate::wire::Segment { window: 1_000, ..segment(Flags::ACK, 1, 1_001, 0) });
    assert_eq!(script.take(), ["FA 1001..1002 ack 1"]);
}

/// §3.10.4: closed before it opened, a connection still opens, sends what was written and closes.
#[test]
fn a_close_in_syn_received_takes_effect_after_the_handshake() {
    let mut script = Script::in_state(&plain(), State::SynReceived);
    script.tcp.write_zeros(100);
    script.close();
    script.silent(20);
    script.send(20, segment(Flags::ACK, 1, 1, 0));
    script.recv(20, "FA 1..102 ack 1");
    assert_eq!(script.tcp.state(), State::FinWait1);
}

/// §3.6: a lost FIN is sent again in each state that waits for its acknowledgment.
#[test]
fn fins_are_sent_again_until_acknowledged() {
    for state in [State::FinWait1, State::Closing, State::LastAck] {
        let mut script = Script::in_state(&plain(), state);
        let ack = if state == State::FinWait1 { 1 } else { 2 };
        // The handshake measured 10 ms, so the timeout is the minimum: 200, then 400 ms.
        script.recv(210, &format!("FA 1..2 ack {ack}"));
        script.recv(610, &format!("FA 1..2 ack {ack}"));
        script.send(700, segment(Flags::ACK, ack, 2, 0));
        script.silent(20_000);
        let next = match state {
            State::FinWait1 => State::FinWait2,
            State::Closing => State::TimeWait,
            _ => State::Closed,
        };
        assert_eq!(script.tcp.state(), next, "after {state:?}");
    }
}

/// §3.10.7.4, eighth check: a FIN that also acknowledges ours goes straight to TIME-WAIT.
#[test]
fn a_fin_with_the_acknowledgment_of_ours_ends_in_time_wait() {
    let mut script = Script::in_state(&plain(), State::FinWait1);
    script.send(20, segment(FIN, 1, 2, 0));
    script.recv(20, "A 2..2 ack 2");
    assert_eq!(script.tcp.state(), State::TimeWait);
}

/// §3.10.7.4: a FIN again in TIME-WAIT is acknowledged again and restarts the wait.
#[test]
fn time_wait_answers_a_repeated_fin_and_starts_over() {
    let mut script = Script::in_state(&plain(), State::TimeWait);
    script.send(30_000, segment(FIN, 1, 2, 0));
    script.recv(30_000, "A 2..2 ack 2");
    script.silent(89_000);
    assert_eq!(script.tcp.state(), State::TimeWait);
    script.silent(90_001);
    assert_eq!(script.tcp.state(), State::Closed);
}

/// §3.10.7.4, eighth check: a FIN again after the peer's close is only acknowledged.
#[test]
fn a_repeated_fin_changes_no_state() {
    for state in [State::CloseWait, State::Closing, State::LastAck] {
        let mut script = Script::in_state(&plain(), state);
        script.send(20, segment(FIN, 1, 1, 0));
        let next = if state == State::CloseWait { 1 } else { 2 };
        script.recv(20, &format!("A {next}..{next} ack 2"));
        assert_eq!(script.tcp.state(), state);
    }
}

/// §3.10.7.4, eighth check: a FIN beyond a gap waits for the gap.
#[test]
fn a_fin_out_of_order_waits_for_the_data_before_it() {
    let mut script = Script::established(&plain());
    script.send(20, segment(FIN, 501, 1, 100));
    assert_eq!(script.tcp.state(), State::Established);
    script.recv(20, "A 1..1 ack 1");
    script.send(30, segment(Flags::ACK, 1, 1, 500));
    script.recv(30, "A 1..1 ack 602");
    assert_eq!(script.tcp.state(), State::CloseWait);
    assert_eq!(script.tcp.received(), 600);
}

/// §3.10.7.4, seventh check: after the peer's FIN its data counts no more.
#[test]
fn data_after_the_peers_fin_is_ignored() {
    let mut script = Script::in_state(&plain(), State::CloseWait);
    script.send(20, segment(Flags::ACK, 2, 1, 100));
    assert_eq!(script.tcp.received(), 0);
    script.recv(20, "A 1..1 ack 2");
}

/// §3.8.3 R2: a peer that never answers is given up after at least 100 seconds, a SYN (MUST-23)
/// after at least three minutes.
#[test]
fn retransmission_gives_up_but_not_early() {
    let mut script = Script::established(&plain());
    script.write(100);
    script.wait(100_000);
    assert_eq!(script.tcp.state(), State::Established);
    script.wait(3_600_000);
    assert_eq!((script.tcp.state(), script.events()), (State::Closed, vec![Event::Closed]));

    let mut script = Script::connect(&plain());
    script.wait(180_000);
    assert_eq!(script.tcp.state(), State::SynSent, "three minutes for a SYN");
    script.wait(600_000);
    assert_eq!((script.tcp.state(), script.events()), (State::Closed, vec![Event::Closed]));
}

/// §3.4: numbers wrap in the handshake, in the data and at the FIN.
#[test]
fn sequence_numbers_wrap_anywhere() {
    for back in [0, 1, 2, 500, 5_000, 60_000] {
        let iss = u32::MAX - back;
        let mut pair = Pair::with(&plain(), &plain(), (iss, iss.wrapping_sub(7)), at(0));
        let dropped = 2_000u32.wrapping_add(iss).wrapping_add(1);
        let mut once = true;
        pair.faults(move |sent| {
            let hit = once && sent.from == End::Client && sent.segment.seq.0 == dropped;
            once &= !hit;
            if hit { Fate::Drop } else { Fate::Pass }
        });
        pair.client.write_zeros(100_000);
        pair.run_for(ms(60));
        pair.server.write_zeros(50_000);
        pair.drive_until(ms(20_000), |p| p.server.received() == 100_000 && p.client.received() == 50_000);
        pair.client.close();
        pair.server.close();
        pair.drive_until(ms(20_000), |p| {
            p.client.state() == State::TimeWait && p.server.state() == State::TimeWait
        });
    }
}

/// §3.4: a transfer of more than 4 GiB passes the number space once and loses nothing.
#[test]
fn more_than_four_gigabytes_pass() {
    const BYTES: u64 = (4 << 30) + 123_456_789;
    let config = Config {
        mss: 9_000,
        congestion: crate::congestion::Choice::named("none"),
        receive_window: 64 << 20,
        window_scale: true,
        send_buffer: u64::MAX,
        ..plain()
    };
    let mut script = (super::connection(&config, 7, false), super::connection(&config, 9, true));
    let (client, server) = (&mut script.0, &mut script.1);
    client.write_zeros(BYTES);
    for round in 0.. {
        let now = at(round);
        let mut quiet = true;
        while let Some(segment) = client.poll_transmit(now) {
            server.handle_segment(now, &segment);
            quiet = false;
        }
        server.discard();
        while let Some(segment) = server.poll_transmit(now) {
            client.handle_segment(now, &segment);
            quiet = false;
        }
        if server.poll_timeout() <= now {
            server.handle_timeout(now);
        }
        if quiet && server.received() == BYTES {
            break;
        }
        assert!(round < 10_000, "stuck at {}", server.received());
    }
    assert_eq!(client.stats(at(20_000)).retransmits, 0);
}
