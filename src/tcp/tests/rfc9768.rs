//! RFC 9768 §3.1, §3.2.2.1 to §3.2.2.4: the handshake of accurate ECN, and paths that change the field. Lines of segments show ECE as E, CWR as C and AE as X.

use super::{Script, accurate, ecn, plain, segment, syn, syn_ack};
use crate::facts::SenderEvent;
use crate::tcp::{Config, EcnMode, State};
use crate::wire::{Ecn, EcnBytes, EcnOrder, Flags, Options, Segment, SynOptions};

const ACK: Flags = Flags::ACK;
const FIELDS: [Ecn; 4] = [Ecn::NotEct, Ecn::Ect1, Ecn::Ect0, Ecn::Ce];

pub(super) fn offer() -> SynOptions {
    SynOptions { mss: Some(1000), ..SynOptions::default() }
}

/// The peer's SYN, or with ACK its SYN-ACK, with these three flags.
pub(super) fn handshake(answers: bool, ace: u8) -> Segment {
    let segment = if answers { syn_ack(offer()) } else { syn(offer()) };
    Segment { flags: segment.flags.with(Flags::of_ace(ace)), ..segment }
}

/// Peer's SYN-ACK with counters in an option.
pub(super) fn answer() -> Segment {
    let counted = Some(EcnBytes::new(EcnOrder::Ect0First, 3, |ecn| u32::from(ecn != Ecn::Ce)));
    Segment { options: Options::Syn(SynOptions { counted, ..offer() }), ..handshake(true, 0b010) }
}

pub(super) fn open_with(config: &Config, answer: Segment) -> Script {
    let mut script = Script::connect(config);
    script.take();
    script.send(10, answer);
    script.take();
    script.events();
    script
}

/// A segment with this counter.
pub(super) fn counting(ace: u8, segment: Segment) -> Segment {
    Segment { flags: segment.flags.with(Flags::of_ace(ace)), ..segment }
}

pub(super) fn arriving(ecn: Ecn, segment: Segment) -> Segment {
    Segment { ecn, ..segment }
}

pub(super) fn signals(script: &mut Script, kind: SenderEvent) -> usize {
    script.tcp.take_signals().iter().filter(|(_, event)| *event == kind).count()
}

pub(super) fn cwnd(script: &Script) -> u64 {
    script.tcp.snapshot().cwnd
}

/// Table 2, first block: all three flags offer; the answer tells how the SYN arrived.
#[test]
fn an_offer_has_all_flags_and_its_answer_tells_how_it_arrived() {
    let mut client = Script::connect(&accurate());
    let sent = client.recv(0, "SECX 0..1");
    assert_eq!((sent.ecn, sent.ecn_bytes()), (Ecn::NotEct, None), "§3.2.3.2.1: no option on a SYN");
    for (ecn, letters) in FIELDS.into_iter().zip(["SAC", "SAEC", "SAX", "SACX"]) {
        let mut server = Script::listen(&accurate());
        server.send(10, arriving(ecn, handshake(false, 0b111)));
        let sent = server.recv(10, &format!("{letters} 0..1 ack 1"));
        let option = sent.ecn_bytes().expect("§3.2.3.2.1: an option on the SYN-ACK");
        assert_eq!([Ecn::Ect0, Ecn::Ce, Ecn::Ect1].map(|ecn| option.count(ecn)), [Some(1), Some(0), Some(1)]);
    }
}

/// Mode that data and echoes show: the ECN field of new data, and the flags of the answer to a marked packet.
fn mode(script: &mut Script, at: u64) -> EcnMode {
    script.write(1000);
    let data = script.take_segments().pop().expect("data").1;
    script.send(at, arriving(Ecn::Ce, segment(ACK, 1, 1001, 1000)));
    script.wait(at + 40);
    let echo = script.take_segments().pop().expect("an answer").1;
    match (data.ecn, echo.flags.ace()) {
        (Ecn::NotEct, 0) => EcnMode::Off,
        (Ecn::Ect0, 0b001) => EcnMode::Classic,
        (Ecn::Ect0, 0b110) => EcnMode::Accurate,
        other => panic!("{other:?}"),
    }
}

/// Table 2: a client with each kind of server; §3.1.3: 101 is accepted as if the SYN had arrived unchanged.
#[test]
fn a_client_falls_back_to_what_its_server_has() {
    for (ace, expected) in [
        (0b010, EcnMode::Accurate),
        (0b101, EcnMode::Accurate),
        (0b001, EcnMode::Classic),
        (0b000, EcnMode::Off),
        (0b111, EcnMode::Off),
    ] {
        let mut script = open_with(&accurate(), handshake(true, ace));
        assert_eq!(mode(&mut script, 20), expected, "{ace:03b}");
    }
}

/// Table 2: a server with each kind of client; §3.1.3: what means nothing yet is accurate ECN.
#[test]
fn a_server_falls_back_to_what_its_client_has() {
    for (ace, reply, expected) in [
        (0b111, 0b010, EcnMode::Accurate),
        (0b011, 0b001, EcnMode::Classic),
        (0b000, 0b000, EcnMode::Off),
        (0b001, 0b010, EcnMode::Accurate),
        (0b010, 0b010, EcnMode::Accurate),
        (0b100, 0b010, EcnMode::Accurate),
        (0b101, 0b010, EcnMode::Accurate),
        (0b110, 0b010, EcnMode::Accurate),
    ] {
        let mut server = Script::listen(&accurate());
        server.send(10, handshake(false, ace));
        let sent = server.take_segments().pop().expect("an answer").1;
        assert_eq!(sent.flags.ace(), reply, "{ace:03b}");
        let last = if expected == EcnMode::Accurate { 0b010 } else { 0 };
        server.send(20, counting(last, segment(ACK, 1, 1, 0)));
        assert_eq!(mode(&mut server, 30), expected, "{ace:03b}");
    }
}

/// Table 2: hosts with RFC 3168 or nothing answer an offer of accurate ECN as what they know.
#[test]
fn older_servers_take_the_offer_for_what_they_know() {
    for (config, reply) in [(ecn(), 0b001), (plain(), 0b000)] {
        let mut server = Script::listen(&config);
        server.send(10, handshake(false, 0b111));
        assert_eq!(server.take_segments().pop().expect("an answer").1.flags.ace(), reply);
    }
}

/// §3.1.4.1: the first repeat of a SYN offers it once more, the second does not; an answer counts all the same.
#[test]
fn a_second_repeat_of_a_syn_offers_nothing() {
    let mut script = Script::connect(&accurate());
    script.recv(0, "SECX 0..1");
    script.recv(1000, "SECX 0..1");
    script.recv(3000, "S 0..1");
    script.send(3010, answer());
    script.take();
    script.write(1000);
    assert_eq!(script.take_segments()[0].1.ecn, Ecn::Ect0, "a client may go on");
}

/// §3.2.3.2.2, §3.1.5: a repeated SYN-ACK has no option, the next no flags, and then nothing is sent as capable.
#[test]
fn repeated_syn_acks_give_up_option_and_flags() {
    let mut server = Script::listen(&accurate());
    server.send(10, handshake(false, 0b111));
    assert!(server.recv(10, "SAC 0..1 ack 1").ecn_bytes().is_some());
    assert!(server.recv(1010, "SAC 0..1 ack 1").ecn_bytes().is_none());
    server.recv(3010, "SA 0..1 ack 1");
    server.send(3020, counting(0b010, segment(ACK, 1, 1, 0)));
    server.write(1000);
    let data = server.take_segments().pop().expect("data").1;
    assert_eq!((data.ecn, data.flags.ace()), (Ecn::NotEct, 5), "feedback goes on");
}

/// §3.1.5: the answer tells of the latest SYN; one without the offer ends what is sent as capable.
#[test]
fn a_repeated_syn_is_answered_as_it_arrived() {
    let mut server = Script::listen(&accurate());
    server.send(10, handshake(false, 0b111));
    server.take();
    server.send(500, arriving(Ecn::Ect1, handshake(false, 0)));
    server.wait(1010);
    let again = server.take_segments().pop().expect("an answer").1;
    assert_eq!((again.flags.has(Flags::SYN), again.flags.ace()), (true, 0b011));
    server.send(1020, counting(0b010, segment(ACK, 1, 1, 0)));
    server.write(1000);
    assert_eq!(server.take_segments()[0].1.ecn, Ecn::NotEct);
}

/// §3.1.5: offers of both forms in one handshake reset it.
#[test]
fn a_handshake_with_both_forms_is_reset() {
    for (first, second) in [(0b111, 0b011), (0b011, 0b111)] {
        let mut server = Script::listen(&accurate());
        server.send(10, handshake(false, first));
        server.take();
        server.send(500, handshake(false, second));
        let reset = server.take_segments().pop().expect("a reset").1;
        assert!(reset.flags.has(Flags::RST), "{first:03b} {second:03b}");
        assert_eq!(server.tcp.state(), State::Closed);
    }
}

/// §3.1.2, "Simultaneous Open": each answers the other's offer.
#[test]
fn simultaneous_opens_agree() {
    let mut script = Script::connect(&accurate());
    script.recv(0, "SECX 0..1");
    script.send(10, handshake(false, 0b111));
    script.recv(10, "SAC 0..1 ack 1");
    script.send(20, handshake(true, 0b010));
    script.take();
    script.write(1000);
    assert_eq!(script.take_segments()[0].1.ecn, Ecn::Ect0);
}

/// Table 3: an acknowledgment of its own tells how the SYN-ACK arrived, before any data; a marked one counts once.
#[test]
fn the_acknowledgment_of_a_syn_ack_tells_how_it_arrived() {
    for (ecn, ace, count) in
        [(Ecn::NotEct, 0b010, 5), (Ecn::Ect1, 0b011, 5), (Ecn::Ect0, 0b100, 5), (Ecn::Ce, 0b110, 6)]
    {
        let mut script = Script::connect(&accurate());
        script.take();
        script.tcp.write_zeros(1000);
        script.send(10, arriving(ecn, answer()));
        let sent = script.take_segments();
        assert_eq!(sent[0].1.flags.ace(), ace, "{ecn:?}");
        assert!(sent[0].1.payload.is_empty() && sent[0].1.ecn_bytes().is_some());
        // And once more for each repeat.
        script.send(1010, arriving(ecn, answer()));
        let again = script.take_segments();
        assert!(
            again.iter().any(|(_, again)| again.flags.ace() == ace && again.payload.is_empty()),
            "{ecn:?}"
        );
        script.write(1000);
        script.send(1100, counting(5, segment(ACK, 1, 1001, 0)));
        script.send(1110, segment(ACK, 1, 2001, 1000));
        script.wait(1150);
        let last = script.take_segments().pop().expect("an acknowledgment").1;
        assert_eq!(last.flags.ace(), count, "{ecn:?}");
    }
}

/// §3.2.2.3: neither SYN nor SYN-ACK was sent as capable; a path on which one arrives as such is not trusted with data.
#[test]
fn a_path_that_changes_the_field_of_handshakes_is_noticed() {
    for (ace, capable) in [(0b010, true), (0b011, false), (0b100, false), (0b110, false)] {
        let mut script =
            open_with(&accurate(), Segment { options: answer().options, ..handshake(true, ace) });
        assert_eq!(signals(&mut script, SenderEvent::EcnRefused), usize::from(!capable), "{ace:03b}");
        script.write(1000);
        let expected = if capable { Ecn::Ect0 } else { Ecn::NotEct };
        assert_eq!(script.take_segments()[0].1.ecn, expected, "client, {ace:03b}");

        let mut server = Script::listen(&accurate());
        server.send(10, handshake(false, 0b111));
        server.send(20, counting(ace, segment(ACK, 1, 1, 0)));
        server.take();
        server.write(1000);
        assert_eq!(server.take_segments()[0].1.ecn, expected, "server, {ace:03b}");
    }
}

/// Table 4, note 1: a client without the mode answers with zero; nothing is sent as capable, nor is feedback answered.
#[test]
fn a_client_that_answers_with_zero_has_no_ecn() {
    let mut server = Script::listen(&Config { initial_window: 10, ..accurate() });
    server.send(10, handshake(false, 0b111));
    server.send(20, segment(ACK, 1, 1, 0));
    server.take();
    server.write(10_000);
    assert!(server.take_segments().iter().all(|(_, sent)| sent.ecn == Ecn::NotEct));
    server.send(30, counting(7, segment(ACK, 1, 2001, 0)));
    assert_eq!((signals(&mut server, SenderEvent::EcnReduction), cwnd(&server)), (0, 12_000));
}
