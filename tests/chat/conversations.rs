//! Conversations captured from the original programs, replayed to the byte without sockets or clocks:
//! the five servers' words, their times and their limits.

use crate::hall::{Hall, frame, moment, unsigned};
use testbed::chat::protocol::{JSON_LINES, PIPE, RELIABLE, ROOMS, SLASH, Settings};
use testbed::time::Duration;

const S: Duration = Duration::from_secs(1);

#[test]
fn program_1_line_by_line() {
    let mut hall = Hall::default();
    let alice = hall.open(JSON_LINES);
    hall.receive(alice, b"{\"type\": \"join\", \"username\": \"alice\"}\n");
    hall.hears(alice, &["{\"type\": \"welcome\", \"message\": \"Welcome to the chat, alice!\", \"users\": [\"alice\"], \"timestamp\": 1795210215.500000}\n"]);
    let bob = hall.open(JSON_LINES);
    // Any JSON spacing, members that nobody knows, a timestamp as the README shows it.
    hall.receive(bob, b"{\"username\":\" bob \",\"timestamp\":1795210164,\"type\":\"join\"}\n");
    hall.hears(bob, &["{\"type\": \"welcome\", \"message\": \"Welcome to the chat, bob!\", \"users\": [\"alice\", \"bob\"], \"timestamp\": 1795210215.500000}\n"]);
    hall.hears(alice, &["{\"type\": \"user_joined\", \"username\": \"bob\", \"message\": \"bob joined the chat\", \"timestamp\": 1795210215.500000}\n"]);
    hall.receive(alice, b"{\"type\": \"chat\", \"message\": \"Hello everyone!\"}\n");
    let chat = "{\"type\": \"chat\", \"username\": \"alice\", \"message\": \"Hello everyone!\", \"timestamp\": 1795210215.500000}\n";
    hall.hears(alice, &[chat]);
    hall.hears(bob, &[chat]);
    hall.receive(
        bob,
        b"{\"type\": \"ping\"}\n{\"type\": \"chat\", \"message\": \" \\t \"}\n{\"type\": \"odd\"}\n",
    );
    hall.hears(bob, &["{\"type\": \"pong\"}\n"]);
    // Escaped as the original does, because its client decodes in chunks.
    hall.receive(bob, "{\"type\": \"chat\", \"message\": \"ü😀\"}\n".as_bytes());
    let chat = "{\"type\": \"chat\", \"username\": \"bob\", \"message\": \"\\u00fc\\ud83d\\ude00\", \"timestamp\": 1795210215.500000}\n";
    hall.hears(alice, &[chat]);
    hall.hears(bob, &[chat]);
    let third = hall.open(JSON_LINES);
    hall.receive(third, b"{\"type\": \"join\", \"username\": \"alice\"}\n");
    hall.hears(third, &["{\"type\": \"error\", \"message\": \"Username already taken\"}\n"]);
    assert!(!hall.is_open(third));
    hall.close(alice);
    hall.hears(bob, &["{\"type\": \"user_left\", \"username\": \"alice\", \"message\": \"alice left the chat\", \"timestamp\": 1795210215.500000}\n"]);
}

#[test]
fn program_2_text_by_text() {
    let mut hall = Hall::default();
    let at = |words: &str| format!("[21:30:15] {words}");
    let alice = hall.open(SLASH);
    hall.hears(
        alice,
        &[
            &at("[SERVER] Welcome to the TCP Chat Server! There are 1 clients connected."),
            &at("[SERVER] Please enter your username:"),
        ],
    );
    hall.receive(alice, b"alice\r\n");
    hall.hears(alice, &[&at("[SERVER] Welcome, alice! Type /help for available commands.")]);
    let bob = hall.open(SLASH);
    hall.next(bob);
    hall.next(bob);
    hall.receive(bob, b"\n");
    hall.hears(bob, &[&at("[SERVER] Please enter your username:")]);
    hall.receive(bob, b"bob");
    hall.hears(bob, &[&at("[SERVER] Welcome, bob! Type /help for available commands.")]);
    hall.hears(alice, &[&at("[SERVER] User 'bob' has joined the chat.")]);
    hall.receive(alice, b"  Hello everyone \n");
    hall.hears(alice, &[]);
    hall.hears(bob, &[&at("[alice] Hello everyone")]);
    // Two inputs in one read, with a newline between them.
    hall.receive(alice, b"one\n\n/WHISPER bob  two\n");
    hall.hears(bob, &[&at("[alice] one"), &at("[PRIVATE FROM alice] two")]);
    hall.hears(alice, &[&at("[PRIVATE TO bob] two")]);
    // A character in two reads; bytes that are no character.
    hall.receive(alice, b"caf\xc3");
    hall.receive(alice, b"\xa9\n");
    hall.hears(bob, &[&at("[alice] café")]);
    hall.receive(bob, b"caf\xc3");
    hall.receive(bob, b"\xa9");
    hall.hears(alice, &[&at("[bob] caf"), &at("[bob] é")]);
    hall.receive(alice, b"a\xffb\0c\n");
    hall.hears(bob, &[&at("[alice] a\u{fffd}b\u{fffd}c")]);
    // A text longer than one read of the other's client comes as several, cut between characters, and none
    // of them could pass for words of the server; the end of a long whisper does not become public.
    let carol = hall.open(SLASH);
    hall.receive(carol, b"carol");
    for id in [alice, bob, carol] {
        hall.stream(id);
    }
    let long = "ä".repeat(700);
    hall.receive(alice, format!("/whisper bob {long}\n").as_bytes());
    let first = hall.next(bob).expect("a piece");
    let second = hall.next(bob).expect("the rest");
    assert!(first.len() <= 1024 && second.len() <= 1024);
    let both = [first, second].map(|piece| {
        let text = String::from_utf8(piece.to_vec()).expect("whole characters");
        text.strip_prefix(&at("[PRIVATE FROM alice] ")).expect("a head").to_owned()
    });
    assert_eq!(both.concat(), long);
    hall.hears(carol, &[]);
    hall.stream(alice);
    hall.close(carol);
    hall.hears(alice, &[&at("[SERVER] User 'carol' has left the chat.")]);
}

#[test]
fn program_2_gives_names_that_whispers_find() {
    let mut hall = Hall::default();
    let settings = Settings { assign_names: true, ..Settings::default() };
    let first = hall.open_with(SLASH, &settings);
    let second = hall.open_with(SLASH, &settings);
    hall.close(first);
    // The second one keeps its name, and nobody else gets it.
    let third = hall.open_with(SLASH, &settings);
    assert!(String::from_utf8_lossy(&hall.stream(third)).ends_with(
        "[21:30:15] [SERVER] You have been assigned the username 'User 3'. You can change it using the /nick command."
    ));
    hall.hears(
        second,
        &[
            "[21:30:15] [SERVER] Welcome to the TCP Chat Server! There are 2 clients connected.",
            "[21:30:15] [SERVER] You have been assigned the username 'User 2'. You can change it using the /nick command.",
            "[21:30:15] [SERVER] User 'User 1' has left the chat.",
            "[21:30:15] [SERVER] User 'User 3' has joined the chat.",
        ],
    );
    hall.receive(second, b"/whisper User 3 psst");
    hall.hears(third, &["[21:30:15] [PRIVATE FROM User 2] psst"]);
    hall.hears(second, &["[21:30:15] [PRIVATE TO User 3] psst"]);
    hall.receive(second, b"/list");
    hall.hears(second, &["[21:30:15] [SERVER] Connected users (2):\n  - User 2\n  - User 3\n"]);
}

#[test]
fn program_3_text_by_text() {
    let mut hall = Hall::default();
    let alice = hall.open(ROOMS);
    let bob = hall.open(ROOMS);
    // A script's name and first command come together.
    hall.receive(alice, b"alice/members");
    hall.hears(alice, &["Connected to the server", "Active chat members are:\n1. alice\n"]);
    hall.receive(bob, b"bob\n");
    hall.hears(bob, &["Connected to the server"]);
    hall.hears(alice, &["Server: bob is online!"]);
    hall.receive(bob, b"/broadcast");
    hall.hears(bob, &["Enter your message: "]);
    hall.receive(bob, b"see /quit and /join");
    hall.hears(bob, &["Message broadcasted!"]);
    let rule = "-".repeat(14);
    hall.hears(alice, &[&format!("\n{rule}\nbob  21:30\nsee /quit and /join\n{rule}")]);
    // Not the whole message, so no command.
    for ignored in ["/quitters never win", "/members please", "/get_roomsy", "hello", "/dance"] {
        hall.receive(bob, ignored.as_bytes());
    }
    hall.hears(bob, &[]);
    hall.hears(alice, &[]);
    hall.receive(alice, b"/create_room room1/get_rooms/members");
    hall.hears(
        alice,
        &[
            "Room room1 created successfully!",
            "Rooms:\nroom1",
            "Active chat members are:\n1. alice\n2. bob\n",
        ],
    );
    // A text may hold a command's word; a line of its own is a command.
    hall.receive(alice, b"/room room1 type /quit to leave\n/get_rooms\n");
    hall.hears(alice, &["\n[room1 | 21:30]\nalice: type /quit to leave", "Rooms:\nroom1"]);
    // Posts of others are delivered.
    hall.receive(bob, b"/room room1 from outside");
    hall.hears(alice, &["\n[room1 | 21:30]\nbob: from outside"]);
    hall.hears(bob, &[]);
    // Every way to hide: the name in a read of its own, at once, or no name at all.
    for (hide, reveal) in [("/hide", "/reveal"), ("/hidebob", "/revealBOB")] {
        for (command, prompt, done) in [
            (hide, "Enter nickname to hide", "You are now invisible!"),
            (reveal, "Enter nickname to show", "You are now visible to other users!"),
        ] {
            hall.receive(bob, command.as_bytes());
            if command.len() < 8 {
                hall.receive(bob, b"bob");
            }
            hall.hears(bob, &[prompt, done]);
        }
    }
    hall.receive(bob, b"/hide");
    hall.receive(bob, b"/get_rooms");
    hall.hears(bob, &["Enter nickname to hide", "You are now invisible!", "Rooms:\nroom1"]);
    // Of somebody else it is nothing.
    hall.receive(alice, b"/hide");
    hall.receive(alice, b"bob");
    hall.receive(alice, b"/members");
    hall.hears(alice, &["Enter nickname to hide", "Active chat members are:\n1. alice\n"]);
    for (command, usage) in [
        ("/create_room", "Usage: /create_room <room>"),
        ("/join ", "Usage: /join <room>"),
        ("/leave", "Usage: /leave <room>"),
        ("/room room1", "Usage: /room <room> <message>"),
        ("/dm", "Usage: /dm <user> <message>"),
    ] {
        hall.receive(alice, command.as_bytes());
        hall.hears(alice, &[usage]);
    }
    let long = "x".repeat(3_000);
    hall.receive(alice, format!("/broadcast{long}").as_bytes());
    hall.hears(alice, &["Enter your message: ", "Message broadcasted!"]);
    let mut whole = String::new();
    while let Some(piece) = hall.next(bob) {
        assert!(piece.len() <= 1_024);
        let text = String::from_utf8(piece.to_vec()).expect("whole characters");
        let text = text.strip_prefix(&format!("\n{rule}\nalice  21:30\n")).expect("a head");
        whole += text.strip_suffix(&format!("\n{rule}")).expect("an end");
    }
    assert_eq!(whole, long);
    hall.receive(bob, b"/quit");
    hall.hears(bob, &["Server: Bye"]);
    hall.hears(alice, &["bob is offline"]);
    assert!(!hall.is_open(bob));
}

#[test]
fn program_4_text_by_text() {
    let mut hall = Hall::default();
    let ms = |n| Duration::from_millis(n);
    let alice = hall.open(PIPE);
    hall.receive(alice, b" alice\n");
    // Together they would be one message to its client.
    hall.hears(alice, &["WELCOME|Connected successfully!"]);
    hall.wait(ms(49));
    hall.hears(alice, &[]);
    hall.wait(ms(1));
    hall.hears(alice, &["USERS|alice"]);
    let bob = hall.open(PIPE);
    hall.receive(bob, b"bob");
    hall.wait(ms(50));
    hall.hears(bob, &["WELCOME|Connected successfully!", "USERS|alice,bob"]);
    hall.hears(alice, &["USERS|alice,bob"]);
    hall.receive(alice, b"bob|Hello there Bob");
    hall.hears(bob, &["MSG|alice|Hello there Bob"]);
    hall.receive(alice, b"no bar");
    hall.receive(alice, b"bob|a|b|c");
    // Behind a bar its client would show nothing.
    hall.hears(bob, &["MSG|alice|a\u{a6}b\u{a6}c"]);
    hall.receive(alice, b"nobody|hi");
    hall.hears(alice, &["SYSTEM|User 'nobody' is not online."]);
    // Longer than its client reads at once: every piece has its head.
    let long = "é".repeat(1_500);
    hall.receive(alice, format!("bob|{long}").as_bytes());
    let mut whole = String::new();
    while let Some(piece) = hall.next(bob) {
        assert!(piece.len() <= 2_048);
        let text = String::from_utf8(piece.to_vec()).expect("whole characters");
        whole += text.strip_prefix("MSG|alice|").expect("a head");
    }
    assert_eq!(whole, long);
    let other = hall.open(SLASH);
    hall.receive(other, b"dave");
    hall.hears(alice, &["USERS|alice,bob,dave"]);
    hall.stream(other);
    hall.receive(alice, b"dave|psst");
    hall.hears(other, &["[21:30:15] [PRIVATE FROM alice] psst"]);
    hall.receive(other, b"hello");
    hall.hears(alice, &["MSG|dave|hello"]);
    for (name, answer) in [
        ("alice", "ERROR|Username already taken."),
        ("a|b", "ERROR|Invalid username: use letters, digits, _ and -."),
        ("a,b", "ERROR|Invalid username: use letters, digits, _ and -."),
        (" ", "ERROR|Invalid username."),
        ("all", "ERROR|Invalid username: the server has this name itself."),
    ] {
        let refused = hall.open(PIPE);
        hall.receive(refused, name.as_bytes());
        hall.hears(refused, &[answer]);
        assert!(!hall.is_open(refused), "{name}");
    }
    // Nobody was evicted by that.
    hall.stream(bob);
    hall.receive(bob, b"all|still here?");
    hall.hears(alice, &["MSG|bob|still here?"]);
    hall.close(bob);
    hall.hears(alice, &["USERS|alice,dave"]);
}

#[test]
fn program_4s_list_fits_one_read_and_may_hold_everyone() {
    let mut hall = Hall::default();
    let settings = Settings { list_everyone: true, ..Settings::default() };
    let alice = hall.open_with(PIPE, &settings);
    hall.receive(alice, b"alice");
    hall.wait(S);
    hall.hears(alice, &["WELCOME|Connected successfully!", "USERS|alice,all"]);
    for n in 0..200 {
        let id = hall.open(JSON_LINES);
        hall.receive(id, format!("{{\"type\":\"join\",\"username\":\"guest-number-{n}\"}}\n").as_bytes());
    }
    let mut last = None;
    while let Some(list) = hall.next(alice) {
        assert!(list.starts_with(b"USERS|alice,") && list.ends_with(b",all") && list.len() <= 2_048);
        last = Some(list);
    }
    assert!(last.expect("a list").len() > 2_000);
}

/// Requests in pieces, or all at once, mean the same.
#[test]
fn frames_and_lines_may_be_cut_and_merged_anywhere() {
    let lines = [
        &b"{\"type\": \"join\", \"username\": \"alice\"}\n"[..],
        "{\"type\": \"chat\", \"message\": \"Grüße\"}\n".as_bytes(),
        b"\r\n{\"type\": \"ping\"}\n{\"type\": \"chat\", \"message\": \"b\"}\n",
    ]
    .concat();
    let framed = [
        unsigned("join_1_1000", "join", "alice", "alice"),
        unsigned("chat_1_1001", "chat", "alice", "Grüße"),
        frame(""),
        frame("no JSON"),
        unsigned("heartbeat_1_1002", "heartbeat", "alice", "ping"),
        unsigned("chat_1_1003", "chat", "alice", "b"),
    ]
    .concat();
    for (kind, stream) in [(JSON_LINES, lines), (RELIABLE, framed)] {
        let answer = |pieces: &[&[u8]]| {
            let mut hall = Hall::default();
            let bob = hall.open(SLASH);
            hall.receive(bob, b"bob");
            let alice = hall.open(kind);
            for piece in pieces {
                hall.receive(alice, piece);
            }
            assert!(hall.is_open(alice));
            (hall.stream(alice), hall.stream(bob))
        };
        let whole = answer(&[&stream]);
        assert!(String::from_utf8_lossy(&whole.1).ends_with("[alice] Grüße[21:30:15] [alice] b"));
        for cut in 0..=stream.len() {
            assert_eq!(answer(&[&stream[..cut], &stream[cut..]]), whole, "{} cut at {cut}", kind.name());
        }
        assert_eq!(answer(&stream.chunks(1).collect::<Vec<_>>()), whole);
    }
}

#[test]
fn times_of_day_are_those_of_the_zone() {
    let mut session = testbed::chat::protocol::SLASH.server(&Settings::default());
    let moment = testbed::chat::protocol::Moment { zone_s: -2 * 3_600, ..moment(S) };
    session.open(moment, 1, &mut testbed::chat::protocol::Asked::default());
    assert!(session.poll_send().is_some_and(|bytes| bytes.starts_with(b"[19:30:16] ")));
}
