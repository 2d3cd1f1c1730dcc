//! RFC 9768 §3.2: feedback of accurate ECN, and its answers.

use super::rfc9768::{answer, arriving, counting, cwnd, handshake, open_with, signals};
use super::{End, Fate, Pair};
use super::{Script, accurate, at, ecn, ms, plain, segment, with_stamps};
use crate::congestion::Choice;
use crate::facts::SenderEvent;
use crate::tcp::{Config, DelayedAck, EcnMode, Recovery};
use crate::wire::{Ecn, EcnBytes, EcnOrder, Flags, Options, Segment, SynOptions};

const ACK: Flags = Flags::ACK;

/// An open client, with `window` segments in the congestion window.
fn open(window: u32) -> Script {
    open_with(&Config { initial_window: window, ..accurate() }, answer())
}

/// End of the `n`th segment of the first data: the first of all carries counters, which take 12 bytes.
fn end(n: u32) -> u32 {
    1000 * n - 11
}

/// An acknowledgment with an option: bytes marked, and bytes of ECT(0).
fn told(ace: u8, ack: u32, marked: u32, ect0: u32) -> Segment {
    let bytes = EcnBytes::new(EcnOrder::Ect0First, 2, |ecn| if ecn == Ecn::Ce { marked } else { ect0 });
    Segment { options: Options::Counted(bytes, Default::default()), ..counting(ace, segment(ACK, 1, ack, 0)) }
}

/// §3.2, §3.2.1: packets are counted from 5, control packets among them, bytes from 1; new data are told of.
#[test]
fn packets_and_bytes_are_counted() {
    let mut script = open(10);
    script.send(20, arriving(Ecn::Ect0, segment(ACK, 1, 1, 1000)));
    script.send(21, arriving(Ecn::Ect0, segment(ACK, 1001, 1, 1000)));
    let first = script.take_segments().pop().expect("an acknowledgment").1;
    let option = first.ecn_bytes().expect("an option");
    assert_eq!((first.flags.ace(), option.fields().len(), option.count(Ecn::Ect0)), (5, 3, Some(2001)));
    script.send(30, arriving(Ecn::Ce, segment(ACK, 2001, 1, 500)));
    script.write(1000);
    let second = script.take_segments();
    let told = second[0].1.ecn_bytes().expect("an option");
    assert_eq!((second[0].1.flags.ace(), told.count(Ecn::Ce)), (6, Some(500)));
    // A marked acknowledgment counts as a packet, and no bytes.
    script.send(40, arriving(Ecn::Ce, segment(ACK, 2501, 1001, 0)));
    script.send(50, arriving(Ecn::Ect0, segment(ACK, 2501, 1001, 1000)));
    script.wait(90);
    let last = script.take_segments().pop().expect("an acknowledgment").1;
    let told = last.ecn_bytes().expect("an option");
    assert_eq!((last.flags.ace(), told.count(Ecn::Ce), told.count(Ecn::Ect0)), (7, Some(500), Some(3001)));
}

/// §3.2.2.5.1: the first mark is acknowledged at once, and then every second one; the delayed acknowledgment goes on.
#[test]
fn marks_are_acknowledged_soon() {
    let config = Config {
        delayed_ack: Some(DelayedAck { segments: 50, timeout: ms(40), adaptive: false, stretch: false }),
        ..accurate()
    };
    let mut script = open_with(&config, answer());
    let mut acknowledged = vec![];
    for (n, ecn) in
        [Ecn::Ect0, Ecn::Ce, Ecn::Ce, Ecn::Ce, Ecn::Ce, Ecn::Ect0, Ecn::Ect0, Ecn::Ce].into_iter().enumerate()
    {
        script.send(20 + n as u64, arriving(ecn, segment(ACK, 1 + 1000 * n as u32, 1, 1000)));
        acknowledged.push(!script.take().is_empty());
    }
    assert_eq!(acknowledged, [false, true, false, true, false, false, false, true]);
}

/// §3.2.2.2, §3.2.2.5: the counter goes round after eight packets, and stands in every segment.
#[test]
fn the_counter_goes_round() {
    let mut script = open(10);
    let mut counts = vec![];
    for n in 0..10 {
        script.send(20 + n, arriving(Ecn::Ce, segment(ACK, 1 + 1000 * n as u32, 1, 1000)));
        counts.extend(script.take_segments().iter().map(|(_, sent)| sent.flags.ace()));
    }
    assert_eq!(counts, [6, 0, 2, 4, 6], "the first, and every second");
}

/// §3.2.3.3: counters that never changed are left out, ECT(1) comes first where it arrives, and an acknowledgment
/// without news has no option.
#[test]
fn options_hold_what_changed_in_the_order_that_takes_least() {
    for (ecn, kind, len) in [(Ecn::Ect0, 172, 1), (Ecn::Ect1, 174, 1), (Ecn::Ce, 172, 2)] {
        let mut script = open(10);
        // The first data carry all counters, for a test of the path.
        script.write(1000);
        assert_eq!(script.take_segments()[0].1.ecn_bytes().map(|bytes| bytes.fields().len()), Some(3));
        script.send(20, arriving(ecn, segment(ACK, 1, 1001, 1000)));
        script.wait(60);
        let option =
            script.take_segments().pop().expect("an acknowledgment").1.ecn_bytes().expect("an option");
        assert_eq!((option.order().kind(), option.fields().len()), (kind, len), "{ecn:?}");
        script.write(1000);
        assert_eq!(script.take_segments()[0].1.ecn_bytes(), None, "nothing new");
    }
}

/// §3.2.3.3: SACK comes first: two blocks leave room for two counters, and a third block gives way.
#[test]
fn options_share_the_room_with_sack_blocks() {
    let config = Config { sack: true, recovery: Recovery::Sack, timestamps: true, ..accurate() };
    let Options::Syn(syn) = answer().options else { panic!("a SYN") };
    let syn = SynOptions { sack_permitted: true, mss: Some(1012), ..syn };
    let answer = Segment { options: Options::Syn(syn), ..answer() };
    let mut script = open_with(&config, with_stamps(answer, 100, 1));
    script.write(1000);
    script.take();
    for (n, from) in [2001u32, 4001, 6001].into_iter().enumerate() {
        let ecn = if n == 0 { Ecn::Ect1 } else { Ecn::Ce };
        script.send(20 + n as u64, arriving(ecn, with_stamps(segment(ACK, from, 1001, 1000), 101, 11)));
    }
    let last = script.take_segments().pop().expect("an acknowledgment").1;
    assert_eq!(last.sack_blocks().len(), 2);
    assert_eq!(last.ecn_bytes().map(|bytes| bytes.fields().len()), Some(2));
    assert!(last.header_len() <= 60, "{} bytes", last.header_len());
    // Data beside it give way to the options.
    script.write(5000);
    let data = script.take_segments().pop().expect("data").1;
    assert!(data.wire_len() <= 20 + 20 + 1012, "{} bytes", data.wire_len());
}

/// §3.1.5: an answer is told by no flag, only new data are capable, and the window falls once for all marks of a
/// window of data.
#[test]
fn marks_are_answered_once_in_a_window() {
    let mut script = open(10);
    script.write(60_000);
    assert!(script.take_segments().iter().all(|(_, sent)| sent.ecn == Ecn::Ect0));
    for n in 1..=10 {
        script.send(100 + n, told(5 + n as u8, end(n as u32), 1000 * n as u32, 1));
    }
    assert_eq!((signals(&mut script, SenderEvent::EcnReduction), cwnd(&script)), (1, 4_000));
    assert!(script.take_segments().iter().all(|(_, sent)| sent.flags.ace() == 5), "the counter, and no CWR");
    script.send(200, told(0, end(11), 11_000, 1));
    assert_eq!((signals(&mut script, SenderEvent::EcnReduction), cwnd(&script)), (1, 2_000));
    script.send(201, told(0, end(12), 11_000, 1001));
    assert_eq!(signals(&mut script, SenderEvent::EcnReduction), 0, "no news");
}

/// §3.2.2.2: an acknowledgment that another overtook tells nothing.
#[test]
fn overtaken_feedback_is_ignored() {
    let mut script = open(10);
    script.write(60_000);
    script.send(100, told(5, 5_001, 0, 5_001));
    script.send(101, told(4, 3_001, 0, 3_001));
    assert_eq!(signals(&mut script, SenderEvent::EcnReduction), 0);
    script.send(102, told(5, 6_001, 0, 6_001));
    assert_eq!(signals(&mut script, SenderEvent::EcnReduction), 0);
}

/// §3.2.2.3, RFC 3168 §18: a path that clears the field is noticed by counters that stand still.
#[test]
fn a_path_that_clears_the_field_is_noticed() {
    let run = |clears: bool| {
        let config = Config { timestamps: true, sack: true, recovery: Recovery::Rack, ..accurate() };
        let mut pair = Pair::open(&config);
        pair.faults(
            move |sent| {
                if clears && sent.from == End::Client { Fate::Field(Ecn::NotEct) } else { Fate::Pass }
            },
        );
        pair.client.write_zeros(300_000);
        pair.drive_until(ms(60_000), |pair| pair.server.received() == 300_000);
        let last = pair
            .log
            .iter()
            .rfind(|sent| sent.number > 0 && sent.segment.flags.ace() > 0)
            .expect("data")
            .segment
            .ecn;
        let refused =
            pair.client.take_signals().iter().filter(|(_, event)| *event == SenderEvent::EcnRefused).count();
        (last, refused)
    };
    assert_eq!(run(false), (Ecn::Ect0, 0));
    assert_eq!(run(true).1, 1, "noticed once");
}

/// §3.2.2.3: what is sent again is not sent as capable, and a long repair is no path that clears the field.
#[test]
fn a_long_repair_is_not_taken_for_a_path_that_clears_the_field() {
    let config =
        Config { timestamps: true, sack: true, recovery: Recovery::Rack, initial_window: 100, ..accurate() };
    let mut pair = Pair::open(&config);
    pair.faults(|sent| match (sent.from, sent.number) {
        (End::Client, 20..=59) if sent.copy == 0 => Fate::Drop,
        _ => Fate::Pass,
    });
    pair.client.write_zeros(300_000);
    pair.drive_until(ms(60_000), |pair| pair.server.received() == 300_000);
    assert!(pair.retransmitted().len() >= 40);
    assert!(!pair.client.take_signals().iter().any(|(_, event)| *event == SenderEvent::EcnRefused));
    let last = pair.log.iter().rfind(|sent| sent.number > 0).expect("data");
    assert_eq!(last.segment.ecn, Ecn::Ect0);
}

/// A transfer with marks and lost acknowledgments: every marked byte is told of, and the window falls.
#[test]
fn a_transfer_tells_of_every_marked_byte() {
    for (controller, ecn) in [("reno", Ecn::Ect0), ("dctcp", Ecn::Ect0), ("prague", Ecn::Ect1)] {
        let config = Config {
            timestamps: true,
            sack: true,
            recovery: Recovery::Rack,
            congestion: Choice::named(controller),
            ..accurate()
        };
        let mut pair = Pair::open(&config);
        let mut answers = 0;
        pair.faults(move |sent| match (sent.from, sent.number) {
            (End::Client, 20..=30 | 100..=140) => Fate::Mark,
            (End::Server, _) if sent.at > at(200) && sent.at < at(1_000) => {
                answers += 1;
                if answers % 4 == 0 { Fate::Drop } else { Fate::Pass }
            }
            _ => Fate::Pass,
        });
        pair.client.write_zeros(300_000);
        pair.drive_until(ms(60_000), |pair| pair.server.received() == 300_000);
        let data: Vec<_> = pair.log.iter().filter(|sent| sent.number > 0 && sent.copy == 0).collect();
        assert!(data.iter().all(|sent| [ecn, Ecn::Ce].contains(&sent.segment.ecn)), "{controller}");
        let told = pair.log.iter().rev().find_map(|sent| sent.segment.ecn_bytes()?.count(Ecn::Ce));
        let marked: u32 = data
            .iter()
            .filter(|sent| sent.segment.ecn == Ecn::Ce)
            .map(|sent| sent.segment.payload.len())
            .sum();
        assert_eq!(told, Some(marked), "{controller}");
        let answers = pair
            .client
            .take_signals()
            .iter()
            .filter(|(_, event)| *event == SenderEvent::EcnReduction)
            .count();
        assert!(answers >= 2, "{controller}: {answers} answers");
    }
}

/// RFC 8257 §3.4: with DCTCP a loss in a window whose marks were answered is answered as well.
#[test]
fn controllers_that_count_marks_answer_losses_apart() {
    for (controller, marked, lost) in [("reno", 4_000, 4_000), ("dctcp", 5_000, 2_000)] {
        let config = Config { initial_window: 10, congestion: Choice::named(controller), ..accurate() };
        let mut script = open_with(&config, answer());
        script.write(60_000);
        script.send(100, told(6, end(1), 1000, 1));
        assert_eq!(cwnd(&script), marked, "{controller}");
        for n in 0..3 {
            script.send(101 + n, told(6, end(1), 1000, 1));
        }
        assert_eq!(cwnd(&script), lost, "{controller}");
    }
}

/// Without a payload, without ECN and without an offer nothing changes: the option has no place in other segments.
#[test]
fn connections_without_it_send_no_option() {
    for config in [plain(), ecn()] {
        let mut script = open_with(&config, handshake(true, u8::from(config.ecn != EcnMode::Off)));
        script.send(20, arriving(Ecn::Ect0, segment(ACK, 1, 1, 1000)));
        script.wait(60);
        let sent = script.take_segments().pop().expect("an acknowledgment").1;
        assert_eq!((sent.ecn_bytes(), sent.flags.ace()), (None, 0));
    }
}
