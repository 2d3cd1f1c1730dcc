//! RFC 3168 §6.1: explicit congestion notification. Lines of segments show ECE as E and CWR as C.

use super::{End, Fate, Pair};
use super::{Script, at, ecn, ms, plain, segment, syn, syn_ack, with_stamps};
use crate::facts::SenderEvent;
use crate::tcp::{Config, Recovery};
use crate::wire::{Ecn, Flags, Segment, SynOptions};

const ACK: Flags = Flags::ACK;
const ECHO: Flags = Flags::ACK.with(Flags::ECE);

fn offer() -> SynOptions {
    SynOptions { mss: Some(1000), ..SynOptions::default() }
}

/// The peer's SYN, or with ACK its SYN-ACK, with these flags of ECN.
fn handshake(answers: bool, flags: Flags) -> Segment {
    let segment = if answers { syn_ack(offer()) } else { syn(offer()) };
    Segment { flags: segment.flags.with(flags), ..segment }
}

/// An open connection whose SYN-ACK sets ECN up, with `window` segments in the congestion window.
fn open(window: u32) -> Script {
    open_with(&Config { initial_window: window, ..ecn() })
}

fn open_with(config: &Config) -> Script {
    Script::open_with(config, handshake(true, Flags::ECE))
}

fn marked(segment: Segment) -> Segment {
    Segment { ecn: Ecn::Ce, ..segment }
}

/// Number of reductions for marks.
fn reductions(script: &mut Script) -> usize {
    script.tcp.take_signals().iter().filter(|(_, event)| *event == SenderEvent::EcnReduction).count()
}

fn cwnd(script: &Script) -> u64 {
    script.tcp.snapshot().cwnd
}

/// §6.1.1: both flags in the SYN, ECE alone in the answer; none of them is sent as ECN-capable.
#[test]
fn a_syn_offers_with_both_flags_and_its_answer_accepts_with_one() {
    let mut client = Script::connect(&ecn());
    assert_eq!(client.recv(0, "SEC 0..1").ecn, Ecn::NotEct);
    let mut server = Script::listen(&ecn());
    server.send(10, handshake(false, Flags::ECN));
    assert_eq!(server.recv(10, "SAE 0..1 ack 1").ecn, Ecn::NotEct);
}

/// §6.1.1: without both flags in the SYN there is no ECN-setup SYN-ACK, nor from a host that does not want it.
#[test]
fn only_an_offer_with_both_flags_is_accepted() {
    for (config, flags) in
        [(ecn(), Flags(0)), (ecn(), Flags::ECE), (ecn(), Flags::CWR), (plain(), Flags::ECN)]
    {
        let mut server = Script::listen(&config);
        server.send(10, handshake(false, flags));
        server.recv(10, "SA 0..1 ack 1");
        server.send(20, segment(ACK, 1, 1, 0));
        server.write(1000);
        assert_eq!(server.recv(20, "A 1..1001 ack 1").ecn, Ecn::NotEct, "{flags:?}");
    }
}

/// §6.1.1: a SYN-ACK with ECE alone accepts; one with both flags is that of a host that returns what it does not
/// know.
#[test]
fn only_an_answer_with_ece_alone_is_believed() {
    for (flags, expected) in [
        (Flags::ECE, Ecn::Ect0),
        (Flags(0), Ecn::NotEct),
        (Flags::ECN, Ecn::NotEct),
        (Flags::CWR, Ecn::NotEct),
    ] {
        let mut script = Script::open_with(&ecn(), handshake(true, flags));
        script.write(1000);
        assert_eq!(script.recv(10, "A 1..1001 ack 1").ecn, expected, "{flags:?}");
    }
}

/// §6.1.1.1: a SYN that was not answered goes again without the offer, and then no data is ECN-capable, whatever
/// the answer says; what the peer marks is echoed all the same.
#[test]
fn a_repeated_syn_offers_nothing() {
    let mut script = Script::connect(&ecn());
    script.recv(0, "SEC 0..1");
    script.recv(1000, "S 0..1");
    script.send(1010, handshake(true, Flags::ECE));
    script.recv(1010, "A 1..1 ack 1");
    script.write(1000);
    assert_eq!(script.recv(1010, "A 1..1001 ack 1").ecn, Ecn::NotEct);
    script.send(1020, marked(segment(ACK, 1, 1, 1000)));
    script.recv(1020, "AE 1001..1001 ack 1001");
}

/// §6.1.1: a host that received a SYN without the offer does not send as ECN-capable, even if the first had it.
#[test]
fn a_syn_without_the_offer_takes_the_first_back() {
    let mut server = Script::listen(&ecn());
    server.send(10, handshake(false, Flags::ECN));
    server.recv(10, "SAE 0..1 ack 1");
    server.send(500, handshake(false, Flags(0)));
    server.send(600, segment(ACK, 1, 1, 0));
    server.take();
    server.write(1000);
    assert_eq!(server.recv(600, "A 1..1001 ack 1").ecn, Ecn::NotEct);
}

/// §6.1.1 with RFC 9293 §3.5: both open at once, and each answers the other's offer.
#[test]
fn simultaneous_opens_agree() {
    let mut script = Script::connect(&ecn());
    script.recv(0, "SEC 0..1");
    script.send(10, handshake(false, Flags::ECN));
    script.recv(10, "SAE 0..1 ack 1");
    script.send(20, handshake(true, Flags::ECE));
    script.take();
    script.write(1000);
    assert_eq!(script.recv(20, "A 1..1001 ack 1").ecn, Ecn::Ect0);
}

/// §6.1.4, §6.1.5, §6.1.6: of all segments only new data is ECN-capable.
#[test]
fn acknowledgments_retransmissions_and_probes_are_not_capable() {
    let mut script = open(10);
    script.send(20, segment(ACK, 1, 1, 1000));
    script.send(20, segment(ACK, 1001, 1, 1000));
    assert_eq!(script.recv(20, "A 1..1 ack 2001").ecn, Ecn::NotEct);
    script.write(1000);
    assert_eq!(script.recv(20, "A 1..1001 ack 2001").ecn, Ecn::Ect0);
    assert_eq!(script.recv(220, "A 1..1001 ack 2001").ecn, Ecn::NotEct, "after a timeout");
    script.send(230, Segment { window: 0, ..segment(ACK, 2001, 1001, 0) });
    script.write(1000);
    script.wait(5_000);
    let probes = script.take_segments();
    assert!(!probes.is_empty() && probes.iter().all(|(_, probe)| probe.ecn == Ecn::NotEct), "{probes:?}");
    script.send(5_000, segment(ACK, 2001, 1001, 0));
    assert_eq!(script.recv(5_000, "AC 1001..2001 ack 2001").ecn, Ecn::Ect0);
    script.close();
    assert_eq!(script.recv(5_000, "FA 2001..2002 ack 2001").ecn, Ecn::NotEct, "no data");
}

/// §6.1.3: every acknowledgment echoes a mark until CWR arrives, data that goes the other way included.
#[test]
fn a_mark_is_echoed_until_the_answer() {
    let mut script = open(10);
    script.send(20, marked(segment(ACK, 1, 1, 1000)));
    // At once, as Linux; the RFC leaves that open.
    script.recv(20, "AE 1..1 ack 1001");
    script.send(30, segment(ACK, 1001, 1, 1000));
    script.send(30, segment(ACK, 2001, 1, 1000));
    script.recv(30, "AE 1..1 ack 3001");
    script.write(1000);
    script.recv(30, "AE 1..1001 ack 3001");
    script.recv(230, "AE 1..1001 ack 3001");
    script.send(240, segment(ACK.with(Flags::CWR), 3001, 1001, 1000));
    script.recv(240, "A 1001..1001 ack 4001");
    script.send(250, segment(ACK, 4001, 1001, 1000));
    script.recv(290, "A 1001..1001 ack 5001");
}

/// §6.1.3: an answer that is itself marked is a new mark.
#[test]
fn a_marked_answer_keeps_the_echo() {
    let mut script = open(10);
    script.send(20, marked(segment(ACK, 1, 1, 1000)));
    script.recv(20, "AE 1..1 ack 1001");
    script.send(30, marked(segment(ACK.with(Flags::CWR), 1001, 1, 1000)));
    script.recv(70, "AE 1..1 ack 2001");
}

/// §6.1.5: marks on data outside the window say nothing.
#[test]
fn a_mark_outside_the_window_is_not_echoed() {
    let mut script = open(10);
    script.send(20, segment(ACK, 1, 1, 1000));
    script.send(30, marked(segment(ACK, 1, 1, 1000)));
    script.recv(30, "A 1..1 ack 1001");
    script.send(40, marked(segment(ACK, 100_001, 1, 1000)));
    script.recv(40, "A 1..1 ack 1001");
}

/// §6.1.1: without agreement marks and flags mean nothing.
#[test]
fn a_connection_without_ecn_ignores_marks_and_echoes() {
    let mut script = Script::established(&Config { initial_window: 10, ..plain() });
    script.send(20, marked(segment(ACK, 1, 1, 1000)));
    script.recv(60, "A 1..1 ack 1001");
    script.write(10_000);
    script.send(70, segment(ECHO, 1001, 2001, 0));
    assert_eq!((reductions(&mut script), cwnd(&script)), (0, 12_000));
    assert!(script.take_segments().iter().all(|(_, sent)| sent.flags.of(Flags::ECN) == Flags(0)));
}

/// §6.1.2: an echo halves the window as a loss does, nothing is sent again, and the next new data says so.
#[test]
fn an_echo_is_answered_as_a_loss_and_with_cwr() {
    let mut script = open(10);
    script.write(30_000);
    script.take();
    script.send(100, segment(ECHO, 1, 1001, 0));
    assert_eq!((reductions(&mut script), cwnd(&script)), (1, 5_000));
    for n in 2..=5 {
        script.send(100 + n, segment(ECHO, 1, 1000 * n as u32 + 1, 0));
    }
    script.silent(105);
    script.send(106, segment(ECHO, 1, 6001, 0));
    let first = script.recv(106, "AC 10001..11001 ack 1");
    assert_eq!(first.ecn, Ecn::Ect0);
    script.send(107, segment(ECHO, 1, 7001, 0));
    script.recv(107, "A 11001..12001 ack 1");
}

/// §6.1.2: once for a window of data: not until something is acknowledged that left after the reduction, and
/// not by an acknowledgment that was overtaken.
#[test]
fn a_window_is_reduced_once_for_all_its_marks() {
    let mut script = open(10);
    script.write(60_000);
    script.take();
    for n in 1..=10 {
        script.send(100 + n, segment(ECHO, 1, 1000 * n as u32 + 1, 0));
    }
    assert_eq!((reductions(&mut script), cwnd(&script)), (1, 5_000));
    script.take();
    // The answer was marked itself.
    script.send(200, segment(ECHO, 1, 11_001, 0));
    assert_eq!((reductions(&mut script), cwnd(&script)), (1, 2_000));
    script.send(201, segment(ECHO, 1, 9_001, 0));
    script.send(202, segment(ECHO, 1, 12_001, 0));
    assert_eq!(reductions(&mut script), 0);
}

/// §6.1.2: an acknowledgment with an echo does not raise the window.
#[test]
fn an_echo_does_not_raise_the_window() {
    let mut script = open(10);
    script.write(60_000);
    for n in 1..=10 {
        script.send(100 + n, segment(ECHO, 1, 1000 * n as u32 + 1, 0));
    }
    assert_eq!(cwnd(&script), 5_000);
    script.send(200, segment(ACK, 1, 15_001, 0));
    assert_eq!(cwnd(&script), 6_000, "then it goes on");
}

/// §6.1.2: a loss in a window whose marks were answered is repaired without a further reduction; a mark in a
/// window whose loss was answered, neither.
#[test]
fn a_loss_and_a_mark_of_one_window_are_one_reduction() {
    let lose = |script: &mut Script, flags: Flags, from: u64| {
        for n in 0..3 {
            script.send(from + n, segment(flags, 1, 1001, 0));
        }
    };
    let mut script = open(10);
    script.write(60_000);
    script.take();
    script.send(100, segment(ECHO, 1, 1001, 0));
    lose(&mut script, ECHO, 101);
    assert_eq!((reductions(&mut script), cwnd(&script)), (1, 5_000));
    assert!(script.take().iter().any(|line| line.starts_with("A 1001..2001")), "repaired");

    let mut script = open(10);
    script.write(60_000);
    script.take();
    script.send(100, segment(ACK, 1, 1001, 0));
    lose(&mut script, ACK, 101);
    let halved = cwnd(&script);
    assert_eq!((reductions(&mut script), halved), (0, 5_000));
    script.send(110, segment(ECHO, 1, 1001, 0));
    script.send(120, segment(ECHO, 1, 12_001, 0));
    assert_eq!((reductions(&mut script), cwnd(&script)), (0, halved), "not before what left since");
}

/// As Linux: a timeout that turns out to be unfounded does not take back the answer to a mark before it.
#[test]
fn the_answer_to_a_mark_is_not_taken_back() {
    let config = Config { timestamps: true, initial_window: 10, ..ecn() };
    let answer = syn_ack(SynOptions { mss: Some(1012), ..SynOptions::default() });
    let answer = Segment { flags: answer.flags.with(Flags::ECE), ..answer };
    let mut script = Script::open_with(&config, with_stamps(answer, 100, 1));
    script.write(10_000);
    script.send(100, with_stamps(segment(ECHO, 1, 1001, 0), 101, 11));
    assert_eq!(cwnd(&script), 5_000);
    script.wait(1_000);
    assert_eq!((cwnd(&script), script.tcp.snapshot().ssthresh), (1_000, Some(5_000)), "after a timeout");
    script.send(1_001, with_stamps(segment(ACK, 1, 3001, 0), 102, 11));
    assert!(cwnd(&script) <= 5_000, "{}", cwnd(&script));
}

/// §6.1.2: CWR tells of every reduction, for a loss or a timeout as well.
#[test]
fn cwr_follows_a_timeout_and_a_fast_retransmit() {
    let mut script = open(2);
    script.write(20_000);
    assert_eq!(script.take().len(), 2);
    script.recv(210, "A 1..1001 ack 1");
    script.send(220, segment(ACK, 1, 2001, 0));
    script.recv(220, "AC 2001..3001 ack 1");
    script.recv(220, "A 3001..4001 ack 1");

    let mut script = open(10);
    script.write(60_000);
    script.take();
    for n in 0..4 {
        script.send(100 + n, segment(ACK, 1, 1, 0));
    }
    script.send(110, segment(ACK, 1, 10_001, 0));
    let sent = script.take_segments();
    let first = sent.iter().position(|(_, sent)| sent.flags.has(Flags::CWR)).expect("CWR");
    let is_new = |sent: &Segment| sent.seq.0.wrapping_sub(super::OWN_ISS) > 12_000;
    assert_eq!(sent.iter().position(|(_, sent)| is_new(sent)), Some(first));
    assert_eq!(sent.iter().filter(|(_, sent)| sent.flags.has(Flags::CWR)).count(), 1);
}

/// §6.1.2, with RACK as in Linux: on the way down to half, one segment leaves for two that arrive.
#[test]
fn with_rack_the_window_comes_down_in_proportion() {
    let config = Config { recovery: Recovery::Rack, sack: true, initial_window: 20, ..ecn() };
    let mut script = Script::open_with(
        &config,
        Segment {
            options: super::syn_ack(SynOptions { sack_permitted: true, ..offer() }).options,
            ..handshake(true, Flags::ECE)
        },
    );
    script.write(60_000);
    script.take();
    for n in 1..=10 {
        script.send(100 + n, segment(ECHO, 1, 1000 * n as u32 + 1, 0));
    }
    let sent = script.take().len();
    assert!((4..=6).contains(&sent), "{sent} for ten");
}

/// A pair behind a queue that marks every data segment in one round trip: what was marked arrives, nothing is
/// sent twice, and both ends settle.
#[test]
fn a_transfer_with_marks_repeats_nothing() {
    let mut pair = Pair::open(&Config { timestamps: true, sack: true, recovery: Recovery::Rack, ..ecn() });
    pair.faults(|sent| match sent.number {
        20..=30 | 100 => Fate::Mark,
        _ => Fate::Pass,
    });
    pair.client.write_zeros(300_000);
    pair.drive_until(ms(60_000), |pair| pair.server.received() == 300_000);
    assert!(pair.retransmitted().is_empty());
    let answers = pair.log.iter().filter(|sent| sent.segment.flags.has(Flags::CWR)).count();
    assert_eq!(answers, 2, "one for each burst");
    let last = pair.log.iter().rfind(|sent| sent.from == End::Server).expect("an acknowledgment");
    assert!(!last.segment.flags.has(Flags::ECE) && last.at > at(0));
}
