//! Transfers without clients: what may be asked, and who hears of what.

use super::super::tests::{ALICE, BOB, CAROL, ask, three};
use super::*;
use crate::chat::files::PART;
use crate::chat::message::Request;
use crate::chat::room::Rules;

fn company() -> Room {
    let mut room = three(Rules { file_bytes: 100_000, ..Rules::default() });
    room.takes_files(ALICE);
    room.takes_files(BOB);
    room
}

fn about(name: &str, size: u64) -> About {
    About { name: name.into(), size, sum: "0123456789abcdef".repeat(4).into() }
}

fn says(room: &mut Room, client: ClientId, request: FileRequest) -> Vec<(Vec<u32>, Event)> {
    ask(room, client, Request::File(request))
}

fn offer(room: &mut Room, nick: &str, about: About) -> Vec<(Vec<u32>, Event)> {
    says(room, ALICE, FileRequest::Offer { to: Recipient::Person(nick.to_owned()), about })
}

/// Bob asks for the part that begins here.
fn wants(room: &mut Room, from: u64) -> Vec<(Vec<u32>, Event)> {
    says(room, BOB, FileRequest::Ask { file: 1, from })
}

/// As many characters as 8192 bytes take, or those of a part that is too short or too long.
fn characters(data: usize) -> Name {
    if data == 0 { "".into() } else { ("A".repeat(data - 1) + "=").into() }
}

/// Alice gives bob a part of so many characters.
fn gives(room: &mut Room, from: u64, data: usize) -> Vec<(Vec<u32>, Event)> {
    let data = characters(data);
    says(room, ALICE, FileRequest::Part { file: 1, reader: BOB.0, from, data })
}

fn asked(from: u64) -> (Vec<u32>, Event) {
    (vec![ALICE.0], Event::File(FileEvent::Asked { file: 1, reader: BOB.0, nick: "bob".into(), from }))
}

fn ended(to: ClientId, nick: &str, how: FileEnd) -> (Vec<u32>, Event) {
    (vec![to.0], Event::File(FileEvent::Ended { file: 1, nick: nick.into(), how }))
}

/// The reason for which alice's offer is refused.
fn refusal(heard: &[(Vec<u32>, Event)]) -> String {
    match heard {
        [(to, Event::File(FileEvent::Refused { why, .. }))] if *to == [ALICE.0] => why.to_string(),
        other => panic!("{other:?}"),
    }
}

const WHOLE: usize = (PART as usize).div_ceil(3) * 4;

#[test]
fn an_offer_is_heard_by_its_reader_under_a_safe_name() {
    let mut room = company();
    let heard = offer(&mut room, "BOB", about("../../.ssh/<b>keys\n", 9));
    let safe = about("_b_keys_", 9);
    let announced = FileEvent::Announced { file: 1, people: 1, about: safe.clone() };
    let offered = FileEvent::Offered { file: 1, from: "alice".into(), room: None, about: safe };
    assert_eq!(heard, [(vec![ALICE.0], Event::File(announced)), (vec![BOB.0], Event::File(offered))]);
}

#[test]
fn one_whose_client_takes_no_files_offers_none_and_nobody_says_that_another_has_left() {
    let mut room = company();
    let to = || Recipient::Person("bob".to_owned());
    let heard = says(&mut room, CAROL, FileRequest::Offer { to: to(), about: about("a", 9) });
    assert!(matches!(&heard[..], [(_, Event::File(FileEvent::Refused { .. }))]), "{heard:?}");
    offer(&mut room, "bob", about("a", 9));
    assert_eq!(says(&mut room, BOB, FileRequest::End { file: 1, how: FileEnd::Gone }), []);
    let long = says(
        &mut room,
        ALICE,
        FileRequest::Offer { to: to(), about: About { sum: "x".repeat(99).into(), ..about("b", 1) } },
    );
    assert!(
        matches!(&long[..], [(_, Event::File(FileEvent::Refused { about, .. }))] if about.sum.is_empty()),
        "{long:?}"
    );
}

#[test]
fn what_cannot_be_sent_is_refused_with_the_reason() {
    let mut room = company();
    assert!(refusal(&offer(&mut room, "bob", about("a", 100_001))).contains("at most 100000 bytes"));
    assert_eq!(refusal(&offer(&mut room, "dave", about("a", 1))), "User 'dave' not found");
    assert!(refusal(&offer(&mut room, "alice", about("a", 1))).contains("yourself"));
    assert!(refusal(&offer(&mut room, "carol", about("a", 1))).contains("takes no files"));
    let unsound = About { sum: "x".into(), ..about("a", 1) };
    assert!(refusal(&offer(&mut room, "bob", unsound)).contains("SHA-256"));
    for _ in 0..OFFERS_EACH {
        assert_eq!(offer(&mut room, "bob", about("a", 100_000)).len(), 2);
    }
    assert!(refusal(&offer(&mut room, "bob", about("a", 1))).contains("already"));
    let mut closed = three(Rules::default());
    closed.takes_files(BOB);
    closed.takes_files(ALICE);
    assert!(refusal(&offer(&mut closed, "bob", about("a", 0))).contains("no files"));
}

#[test]
fn parts_go_to_those_who_ask_and_no_more_than_a_few_at_a_time() {
    let mut room = company();
    offer(&mut room, "bob", about("a", 6 * PART + 1));
    assert_eq!(gives(&mut room, 0, WHOLE), [], "nobody has asked for it");
    for n in 0..4 {
        assert_eq!(wants(&mut room, n * PART), [asked(n * PART)]);
    }
    for from in [4 * PART, 1, 7 * PART, u64::MAX] {
        assert_eq!(wants(&mut room, from), [], "a fifth, or no part");
    }
    for data in [0, 4, WHOLE - 4, WHOLE + 4] {
        assert!(matches!(&gives(&mut room, 0, data)[..], [(_, Event::Refused(_))]), "{data}");
    }
    let heard = gives(&mut room, 0, WHOLE);
    assert!(
        matches!(&heard[..], [(to, Event::File(FileEvent::Part { file: 1, from: 0, .. }))] if *to == [BOB.0])
    );
    assert_eq!(gives(&mut room, 0, WHOLE), [], "it has come already");
    assert_eq!(wants(&mut room, 4 * PART), [asked(4 * PART)]);
    let by_another = FileRequest::Part { file: 1, reader: BOB.0, from: PART, data: characters(WHOLE) };
    assert_eq!(says(&mut room, CAROL, by_another), [], "it is alice's file");
    let by_another = says(&mut room, CAROL, FileRequest::Ask { file: 1, from: 0 });
    assert_eq!(by_another, [ended(CAROL, "", FileEnd::Gone)], "it is offered to bob");
}

#[test]
fn a_sender_is_asked_for_a_few_parts_whoever_wants_them() {
    let mut room = company();
    room.takes_files(CAROL);
    for client in [ALICE, BOB, CAROL] {
        ask(&mut room, client, Request::Enter { room: "den".to_owned(), create: true });
    }
    let to = Recipient::Room("#den".to_owned());
    let heard = says(&mut room, ALICE, FileRequest::Offer { to, about: about("a", 8 * PART) });
    let people: Vec<_> = heard.iter().map(|(to, _)| to.clone()).collect();
    assert_eq!(people, [vec![ALICE.0], vec![BOB.0, CAROL.0]]);
    for n in 0..4 {
        wants(&mut room, n * PART);
        assert_eq!(
            says(&mut room, CAROL, FileRequest::Ask { file: 1, from: n * PART }).len(),
            usize::from(n < 2)
        );
    }
    // Each part that has come lets the next wish go.
    let heard = gives(&mut room, 0, WHOLE);
    assert_eq!(heard.len(), 2, "{heard:?}");
    // Carol's wishes go with her, and bob's go on.
    let heard = ask(&mut room, CAROL, Request::Leave);
    assert!(heard.contains(&ended(ALICE, "carol", FileEnd::Gone)), "{heard:?}");
    assert_eq!(room.files.desks[&ALICE].asked.iter().filter(|wish| wish.reader == BOB).count(), 3);
    let heard = says(&mut room, BOB, FileRequest::End { file: 1, how: FileEnd::Done });
    assert_eq!(heard, [ended(ALICE, "bob", FileEnd::Done)]);
    assert!(room.files.offers.is_empty() && room.files.desks.is_empty(), "nothing is kept");
}

#[test]
fn clients_that_take_no_files_read_one_line() {
    let mut room = company();
    for client in [ALICE, BOB, CAROL] {
        ask(&mut room, client, Request::Enter { room: "den".to_owned(), create: true });
    }
    let to = Recipient::Room("den".to_owned());
    let heard = says(&mut room, ALICE, FileRequest::Offer { to, about: about("a.txt", 7) });
    let text = "alice offers a.txt (7 bytes); this client takes no files".into();
    assert_eq!(heard.last(), Some(&(vec![CAROL.0], Event::Notice { text })));
    ask(&mut room, BOB, Request::Leave);
    let to = Recipient::Room("den".to_owned());
    let heard = says(&mut room, ALICE, FileRequest::Offer { to, about: about("a.txt", 7) });
    assert!(refusal(&heard).contains("nobody else"));
}

#[test]
fn each_side_hears_when_the_other_has_gone() {
    let mut room = company();
    offer(&mut room, "bob", about("a", PART));
    wants(&mut room, 0);
    let heard = ask(&mut room, ALICE, Request::Leave);
    assert!(heard.contains(&ended(BOB, "alice", FileEnd::Gone)), "{heard:?}");
    assert_eq!(wants(&mut room, 0), [ended(BOB, "", FileEnd::Gone)]);

    let mut room = company();
    offer(&mut room, "bob", about("a", PART));
    wants(&mut room, 0);
    let heard = ask(&mut room, BOB, Request::Leave);
    assert!(heard.contains(&ended(ALICE, "bob", FileEnd::Gone)), "{heard:?}");
    assert_eq!(gives(&mut room, 0, WHOLE), [], "nobody is there to get it");
    assert!(room.files.offers.is_empty() && room.files.desks.is_empty());
}

#[test]
fn an_empty_file_has_no_part() {
    let mut room = company();
    offer(&mut room, "bob", about("empty", 0));
    assert_eq!(wants(&mut room, 0), []);
    let heard = says(&mut room, BOB, FileRequest::End { file: 1, how: FileEnd::Done });
    assert_eq!(heard, [ended(ALICE, "bob", FileEnd::Done)]);
}
