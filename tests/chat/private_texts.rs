//! A text to one person reaches nobody else: texts and names of several lines, however a dialect's client
//! sends them and whatever breaks their lines.

use crate::hall::{Hall, unsigned};
use testbed::chat::protocol::{Dialect, JSON_LINES, PIPE, RELIABLE, ROOMS, SLASH};

/// Ends of a line to a terminal or a text widget, and what a person may put between.
const BREAKS: [&str; 9] = ["\n", "\r", "\r\n", "\n\n \n", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}"];
const KINDS: [&dyn Dialect; 5] = [RELIABLE, JSON_LINES, SLASH, ROOMS, PIPE];

fn json(text: &str) -> String {
    serde_json::to_string(text).expect("a text")
}

/// `nick` comes in with a program of its dialect, which ends what it sends with `end`.
fn comes(hall: &mut Hall, kind: &'static dyn Dialect, nick: &str, end: &str) -> usize {
    let id = hall.open(kind);
    match kind.name() {
        "reliable" => hall.receive(id, &unsigned("join_1_1", "join", nick, nick)),
        "json-lines" => {
            let join = format!("{{\"type\": \"join\", \"username\": \"{nick}\", \"extensions\": true}}\n");
            hall.receive(id, join.as_bytes());
        }
        _ => hall.receive(id, format!("{nick}{end}").as_bytes()),
    }
    hall.wait(testbed::time::Duration::from_millis(60));
    hall.stream(id);
    id
}

/// Every way in which a program of this dialect can be made to say `text` to bob, or to the room `den`.
fn ways(kind: &'static dyn Dialect, text: &str) -> Vec<Vec<u8>> {
    let frame = |kind: &str, content: &str| unsigned("chat_1_7", kind, "mallory", content);
    let lines = |words: &[&str]| words.iter().map(|word| format!("{word}{text}").into_bytes()).collect();
    match kind.name() {
        "reliable" => vec![
            frame("private_message", &format!("@bob {text}")),
            frame("private_message", &format!("@bob{text}")),
            frame("chat", &format!("/whisper bob {text}")),
            frame("chat", &format!("/dm bob {text}")),
            frame("chat", &format!("/whisper bob{text}")),
            frame("chat", &format!("/room den {text}")),
        ],
        "json-lines" => vec![
            format!("{{\"type\": \"private\", \"to\": \"bob\", \"message\": {}}}\n", json(text)).into_bytes(),
            format!("{{\"type\": \"room\", \"room\": \"den\", \"message\": {}}}\n", json(text)).into_bytes(),
        ],
        "slash" => lines(&[
            "/whisper bob ",
            "/WHISPER bob ",
            "/msg bob",
            "/whisper bob",
            "/whisper",
            "/room den ",
            "/room den",
            "/wisper bob ",
        ]),
        "rooms" => lines(&["/dm bob ", "/dm bob", "/room den ", "/room den"]),
        _ => lines(&["bob|"]),
    }
}

#[test]
fn no_line_of_a_private_text_is_said_to_everyone() {
    let mut sent = 0;
    for (kind, lineless) in KINDS.into_iter().flat_map(|kind| [(kind, ""), (kind, "\n")]) {
        for between in BREAKS {
            let text =
                format!("{between}one{between}two{between}/three{between}[12:00:00] [eve] four{lineless}");
            for (n, way) in ways(kind, &text).into_iter().enumerate() {
                let mut hall = Hall::default();
                let eve = comes(&mut hall, JSON_LINES, "eve", "");
                let owner = comes(&mut hall, ROOMS, "owner", "");
                hall.receive(owner, b"/create_room den");
                comes(&mut hall, SLASH, "bob", "");
                let mallory = comes(&mut hall, kind, "mallory", "");
                hall.stream(eve);
                hall.receive(mallory, &way);
                let heard = String::from_utf8_lossy(&hall.stream(eve)).into_owned();
                assert_eq!(heard, "", "{kind:?}, way {n}: {:?}", String::from_utf8_lossy(&way));
                sent += 1;
            }
        }
    }
    assert_eq!(sent, 2 * 9 * (6 + 2 + 8 + 4 + 1));
}

#[test]
fn a_private_text_of_several_lines_arrives_as_one() {
    let mut hall = Hall::default();
    let bob = comes(&mut hall, SLASH, "bob", "");
    let mallory = comes(&mut hall, SLASH, "mallory", "");
    hall.stream(bob);
    hall.receive(mallory, b"/whisper bob hi\r\nsecond\n\n/etc is third\n/list");
    hall.hears(bob, &["[21:30:15] [PRIVATE FROM mallory] hi \u{23ce} second \u{23ce} /etc is third"]);
    hall.hears(
        mallory,
        &[
            "[21:30:15] [PRIVATE TO bob] hi \u{23ce} second \u{23ce} /etc is third",
            "[21:30:15] [SERVER] Connected users (2):\n  - bob\n  - mallory\n",
        ],
    );
}

#[test]
fn a_tool_that_sends_lines_may_whisper_and_speak_in_one_read() {
    let mut hall = Hall::default();
    let bob = comes(&mut hall, SLASH, "bob", "\n");
    let kim = comes(&mut hall, SLASH, "kim", "\n");
    hall.stream(bob);
    hall.receive(kim, b"/whisper bob hi\nhello all\n");
    hall.hears(bob, &["[21:30:15] [PRIVATE FROM kim] hi", "[21:30:15] [kim] hello all"]);
}

#[test]
fn a_name_of_two_lines_is_refused_and_no_part_of_it_is_said() {
    for between in BREAKS {
        for kind in [RELIABLE, JSON_LINES] {
            let mut hall = Hall::default();
            let eve = comes(&mut hall, JSON_LINES, "eve", "");
            let kim = comes(&mut hall, kind, "kim", "");
            hall.stream(eve);
            for (command, member) in [("rename", "username"), ("create_room", "room"), ("join_room", "room")]
            {
                let name = format!("a{between}b");
                if kind == JSON_LINES {
                    let line = format!("{{\"type\": \"{command}\", \"{member}\": {}}}\n", json(&name));
                    hall.receive(kim, line.as_bytes());
                } else {
                    let word = match command {
                        "rename" => "/nick",
                        "create_room" => "/create",
                        _ => "/join",
                    };
                    hall.receive(
                        kim,
                        &unsigned(&format!("{command}_1_1"), "chat", "kim", &format!("{word} {name}")),
                    );
                }
                assert_eq!(String::from_utf8_lossy(&hall.stream(eve)), "", "{kind:?} {command} {name:?}");
            }
        }
    }
}
