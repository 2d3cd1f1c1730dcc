//! RFC 9293 §3.10.7 and RFC 5961: which segments count, which are answered, and what resets.

use super::{Fate, PEER_ISS, Pair, Script, ms, plain, segment, syn, syn_ack};
use crate::tcp::{Config, Event, Recovery, State};
use crate::wire::{Flags, Segment, SeqNumber, SynOptions, Timestamps};

/// §3.10.7.2: a listening end ignores resets and resets acknowledgments.
#[test]
fn listen_ignores_resets_and_resets_acknowledgments() {
    let mut script = Script::listen(&plain());
    script.send(10, segment(Flags::RST, 0, 0, 0));
    script.silent(10);
    script.send(20, segment(Flags::ACK, 7, 70, 0));
    script.recv(20, "R 70..70");
    assert_eq!(script.tcp.state(), State::Listen);
}

/// §3.10.7.3: an opening end resets what acknowledges something else, and believes a reset only
/// if that acknowledges its SYN.
#[test]
fn syn_sent_takes_only_what_acknowledges_its_syn() {
    let mut script = Script::in_state(&plain(), State::SynSent);
    script.send(10, segment(Flags::ACK, 5, 9, 0));
    script.recv(10, "R 9..9");
    script.send(20, segment(Flags::RST.with(Flags::ACK), 0, 9, 0));
    script.send(30, segment(Flags::RST, 0, 1, 0));
    script.send(40, segment(Flags::ACK, 1, 1, 0));
    script.silent(40);
    assert_eq!(script.tcp.state(), State::SynSent);
    script.send(50, segment(Flags::RST.with(Flags::ACK), 0, 1, 0));
    assert_eq!((script.tcp.state(), script.events()), (State::Closed, vec![Event::Closed]));
}

/// §3.10.7.4, fifth check: SYN-RECEIVED resets an acknowledgment of something else.
#[test]
fn syn_received_resets_a_wrong_acknowledgment() {
    let mut script = Script::in_state(&plain(), State::SynReceived);
    script.send(20, segment(Flags::ACK, 1, 77, 0));
    script.recv(20, "R 77..77");
    assert_eq!(script.tcp.state(), State::SynReceived);
}

/// §3.10.7.4, first check: SYN-RECEIVED answers a repeated SYN with where it is. A bare acknowledgment would be
/// dropped by its sender (§3.10.7.3), so that it is a SYN-ACK, as Linux's (`tcp_check_req`); rarely, and the next one
/// by the timer comes a whole timeout later.
#[test]
fn syn_received_answers_a_repeated_syn_with_a_syn_ack() {
    let mut script = Script::in_state(&plain(), State::SynReceived);
    script.send(600, syn(SynOptions::default()));
    script.recv(600, "SA 0..1 ack 1");
    script.send(700, syn(SynOptions::default()));
    script.silent(700);
    script.recv(1_600, "SA 0..1 ack 1");
    // Right behind the timer's, one is enough: RFC 9768 takes two that were lost for a path that spoils ECN.
    script.send(1_610, syn(SynOptions::default()));
    script.silent(1_610);
    script.send(1_700, segment(Flags::ACK, 1, 1, 0));
    assert_eq!(script.tcp.state(), State::Established);
}

/// RFC 5961 §3.2: a reset counts only with exactly the number expected; elsewhere in the window it
/// is challenged, outside it is ignored.
#[test]
fn only_an_exact_reset_resets() {
    for state in [
        State::SynReceived,
        State::Established,
        State::FinWait1,
        State::FinWait2,
        State::CloseWait,
        State::Closing,
        State::LastAck,
        State::TimeWait,
    ] {
        let mut script = Script::in_state(&plain(), state);
        let next = if [State::CloseWait, State::Closing, State::LastAck, State::TimeWait].contains(&state) {
            2
        } else {
            1
        };
        script.send(20, segment(Flags::RST, next + 5, 0, 0));
        let challenge = script.take();
        assert_eq!(challenge.len(), 1, "{state:?} challenges");
        assert!(challenge[0].starts_with("A ") && challenge[0].ends_with(&format!(" ack {next}")));
        script.send(30, segment(Flags::RST, next + 60_001, 0, 0));
        script.send(40, segment(Flags::RST, u32::MAX, 0, 0));
        script.silent(40);
        assert_eq!(script.tcp.state(), state);
        script.send(50, segment(Flags::RST, next, 0, 0));
        script.silent(50);
        assert_eq!(script.tcp.state(), State::Closed, "{state:?} believes an exact reset");
    }
}

/// RFC 5961 §4.2: a SYN in an open connection is challenged, whatever its number.
#[test]
fn a_syn_in_an_open_connection_is_challenged() {
    for offset in [0, 1, 500, 70_000] {
        let mut script = Script::established(&plain());
        let syn = Segment { seq: SeqNumber(PEER_ISS + offset), ..syn(SynOptions::default()) };
        script.send(20, syn);
        script.recv(20, "A 1..1 ack 1");
        assert_eq!(script.tcp.state(), State::Established);
    }
}

/// §3.10.7.4, first check: an unacceptable segment is answered with where we are, and dropped.
#[test]
fn unacceptable_segments_are_answered_and_dropped() {
    for state in [State::Established, State::FinWait1, State::FinWait2] {
        // Below the window, at its right edge, beyond it, and half the number space away.
        for seq in [u32::MAX - 300, 60_001, 65_000, 1 << 31] {
            let mut script = Script::in_state(&plain(), state);
            script.send(20, segment(Flags::ACK, seq, 1, 100));
            let answer = script.take();
            assert_eq!(answer.len(), 1, "{state:?} {seq}");
            assert!(answer[0].ends_with(" ack 1"), "{answer:?}");
            assert_eq!(script.tcp.received(), 0);
        }
    }
}

/// §3.10.7.4: what an empty segment outside the window acknowledges counts, while our own losses are repaired.
#[test]
fn an_old_empty_segment_still_acknowledges() {
    let mut script = Script::established(&plain());
    script.write(3_000);
    script.send(20, segment(Flags::ACK, 0, 2_001, 0));
    assert_eq!(script.tcp.snapshot().flight, 1_000);
}

/// §3.10.7.4, first check: an old duplicate of data brings an acknowledgment at once.
#[test]
fn an_old_duplicate_is_acknowledged_again() {
    let mut script = Script::established(&plain());
    script.send(20, segment(Flags::ACK, 1, 1, 500));
    script.recv(60, "A 1..1 ack 501");
    script.send(70, segment(Flags::ACK, 1, 1, 500));
    script.recv(70, "A 1..1 ack 501");
    assert_eq!(script.tcp.received(), 500);
}

/// §3.10.7.4: a segment that overlaps what is here is cut to what is new, at both ends.
#[test]
fn overlapping_segments_are_trimmed_to_the_window() {
    let mut script = Script::established(&Config { receive_window: 1_000, ..plain() });
    script.send(20, segment(Flags::ACK, 1, 1, 400));
    script.send(30, segment(Flags::ACK, 201, 1, 5_000));
    assert_eq!(script.tcp.received(), 1_000);
}

/// §3.10.7.4, fifth check: an acknowledgment of what was never sent is answered and dropped, its
/// data with it.
#[test]
fn an_acknowledgment_of_the_future_is_refused() {
    let mut script = Script::established(&plain());
    script.send(20, segment(Flags::ACK, 1, 500, 100));
    script.recv(20, "A 1..1 ack 1");
    assert_eq!(script.tcp.received(), 0);
}

/// §3.10.7.4: a segment without ACK is dropped once the connection is open.
#[test]
fn segments_without_ack_are_dropped() {
    let mut script = Script::established(&plain());
    script.send(20, segment(Flags::default(), 1, 0, 100));
    script.silent(200);
    assert_eq!(script.tcp.received(), 0);
}

/// §3.10.5: abort resets the peer in every state that knows one.
#[test]
fn abort_sends_a_reset() {
    for (state, expected) in [
        (State::SynReceived, vec!["R 1..1"]),
        (State::Established, vec!["R 1..1"]),
        (State::FinWait1, vec!["R 2..2"]),
        (State::FinWait2, vec!["R 2..2"]),
        (State::CloseWait, vec!["R 1..1"]),
        (State::Listen, vec![]),
        (State::SynSent, vec![]),
    ] {
        let mut script = Script::in_state(&plain(), state);
        script.tcp.abort();
        script.drain();
        assert_eq!(script.take(), expected, "{state:?}");
        assert_eq!(script.tcp.state(), State::Closed);
        script.silent(300_000);
    }
}

/// §3.10.7.1: a closed end resets what still comes, so that a peer whose reset was lost learns it;
/// it never answers a reset.
#[test]
fn a_closed_end_resets_what_still_comes() {
    let mut script = Script::in_state(&plain(), State::Closed);
    script.send(20, segment(Flags::ACK, 1, 1, 100));
    script.recv(20, "R 1..1");
    script.send(30, segment(Flags::default(), 1, 0, 100));
    script.recv(30, "RA 4294966296..4294966296 ack 101");
    script.send(40, segment(Flags::RST, 1, 1, 0));
    script.silent(1_000);
}

/// §3.10.5 and §3.10.7.4 together: an abort ends the other side too, once its reset arrives.
#[test]
fn an_aborted_connection_ends_on_both_sides() {
    let mut pair = Pair::open(&plain());
    pair.server.write_zeros(100_000);
    pair.run_for(ms(20));
    pair.client.abort();
    pair.run_for(ms(200));
    assert_eq!(pair.server.state(), State::Closed);
    assert_eq!(pair.events[1].last(), Some(&Event::Closed));
}

/// §3.10.7.4: the options of a repeated SYN-ACK change nothing; its window is not scaled.
#[test]
fn a_repeated_syn_ack_does_not_blow_up_the_window() {
    let offer = SynOptions { mss: Some(1000), window_scale: Some(7), ..SynOptions::default() };
    let config =
        Config { window_scale: true, congestion: crate::congestion::Choice::named("none"), ..plain() };
    let mut script = Script::open_with(&config, syn_ack(offer));
    script.send(20, syn_ack(offer));
    script.recv(20, "A 1..1 ack 1");
    script.write(1_000_000);
    assert_eq!(script.take().len(), 60, "60 000 bytes, not 60 000 shifted by seven");
}

/// RFC 5961 §7: two ends that disagree about their numbers do not answer each other's empty
/// segments for ever; one with data is always answered.
#[test]
fn empty_segments_out_of_the_window_are_answered_twice_a_second_at_most() {
    let mut script = Script::in_state(&plain(), State::Established);
    for at in [100, 110, 599] {
        script.send(at, segment(Flags::ACK, 100_000_000, 1, 0));
    }
    script.recv(100, "A 1..1 ack 1");
    script.silent(599);
    script.send(600, segment(Flags::ACK, 100_000_000, 1, 0));
    script.recv(600, "A 1..1 ack 1");
    script.send(610, segment(Flags::ACK, 100_000_000, 1, 5));
    script.recv(610, "A 1..1 ack 1");
    script.send(620, segment(Flags::ACK, 100_000_000, 1, 5));
    script.recv(620, "A 1..1 ack 1");
}

/// Unlike §3.10.7.4, as in Linux: an acknowledgment right behind a full window counts, for its
/// sender has nothing else to say when what filled the window was lost.
#[test]
fn an_empty_segment_right_behind_the_window_counts() {
    let mut script = Script::in_state(&plain(), State::Established);
    let window = plain().receive_window as u32;
    script.send(100, segment(Flags::ACK, 1 + window, 1, 0));
    script.silent(100);
    script.send(110, segment(Flags::ACK, 2 + window, 1, 0));
    script.recv(110, "A 1..1 ack 1");
}

/// An open connection with SACK whose packets take 1500 bytes; the peer's SYN-ACK has `stamps`.
fn full_size(stamps: bool) -> Script {
    let config = Config { mss: 1448, timestamps: true, ..super::sack() };
    let offer = SynOptions { mss: Some(1460), sack_permitted: true, ..SynOptions::default() };
    let stamps = stamps.then_some(STAMPS);
    Script::open_with(&config, Segment { timestamps: stamps, ..syn_ack(offer) })
}

const STAMPS: Timestamps = Timestamps { value: 100, echo: 1 };

fn stamped(segment: Segment) -> Segment {
    Segment { timestamps: Some(STAMPS), ..segment }
}

/// §3.7.1: options take their bytes from the payload: 1448 beside timestamps, 1436 beside a SACK block
/// as well, 1420 beside three.
#[test]
fn sack_blocks_take_their_bytes_from_the_payload() {
    let mut script = full_size(true);
    for (blocks, payload) in [(1, 1436), (2, 1428), (3, 1420)] {
        script.send(20, stamped(segment(Flags::ACK, 2_000 * blocks, 1, 1_000)));
        script.take();
        script.write(1_448);
        let sent = script.take_segments();
        let sizes: Vec<u32> = sent.iter().map(|(_, s)| s.payload.len()).collect();
        assert_eq!(sizes, [payload, 1448 - payload]);
        assert_eq!(sent[0].1.wire_len(), 1500);
    }
}

/// §3.7.1: a peer that declines timestamps gets their bytes as payload.
#[test]
fn a_peer_without_timestamps_gets_1460_bytes() {
    let mut script = full_size(false);
    script.write(5_000);
    let sizes: Vec<u32> = script.take_segments().iter().map(|(_, s)| s.payload.len()).collect();
    assert_eq!(sizes, [1460, 1460, 1460, 620]);
}

/// §3.7.1: what was sent whole is sent again in pieces where blocks ride along now.
#[test]
fn a_repeat_beside_blocks_is_cut() {
    let mut script = full_size(true);
    script.write(1_448);
    script.tcp.close();
    script.drain();
    script.take();
    script.send(20, stamped(segment(Flags::ACK, 2_001, 1, 1_000)));
    script.take();
    script.wait(3_000);
    let sent = script.take_segments();
    assert!(sent.iter().all(|(_, s)| s.wire_len() <= 1500));
    let pieces: Vec<(u32, u32)> =
        sent[..2].iter().map(|(_, s)| (s.seq.0 - super::OWN_ISS, s.payload.len())).collect();
    assert_eq!(pieces, [(1, 1436), (1437, 12)]);
    // The rest that the answer to the last copy leaves.
    let echo = sent.last().and_then(|(_, s)| s.timestamps).expect("timestamps").value;
    let answer =
        Segment { timestamps: Some(Timestamps { echo, ..STAMPS }), ..segment(Flags::ACK, 1, 1_449, 0) };
    script.send(3_001, answer);
    script.recv(3_001, "FA 1449..1450 ack 1 sack 2001..3001");
}

/// §3.7.1, over transfers both ways through losses: no packet exceeds the MTU, and all arrives.
#[test]
fn no_packet_exceeds_the_mtu() {
    for seed in 0..12 {
        let recovery = [Recovery::Sack, Recovery::Rack, Recovery::NewReno][seed as usize % 3];
        let config = Config { mss: 1448, timestamps: true, recovery, ..super::sack() };
        let mut pair = Pair::open(&config);
        let mut luck = crate::rng::Seed(seed).stream("losses");
        let chance = crate::units::Probability::new(0.05).expect("a chance");
        pair.faults(move |_| if luck.chance(chance) { Fate::Drop } else { Fate::Pass });
        for end in [&mut pair.client, &mut pair.server] {
            end.write_zeros(300_000);
            end.close();
        }
        pair.run_for(ms(300_000));
        assert_eq!((pair.client.received(), pair.server.received()), (300_000, 300_000), "seed {seed}");
        let sizes = pair.log.iter().map(|sent| sent.segment.wire_len());
        assert_eq!(sizes.max(), Some(1500), "seed {seed}");
    }
}
