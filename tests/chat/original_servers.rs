//! Our clients towards the original servers, which know less than ours and drop, ignore or say aloud
//! what they do not know.

use crate::hall::{Hall, frames, hears, moment, sent, unsigned};
use serde_json::Value;
use testbed::chat::message::{Event, Refusal, Request};
use testbed::chat::protocol::{ClientSession, Dialect, JSON_LINES, NotSaid, PIPE, RELIABLE, ROOMS, SLASH};
use testbed::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);

/// Somebody who has asked to come in at 1 s.
fn joining(kind: &'static dyn Dialect) -> Box<dyn ClientSession> {
    let mut client = kind.client();
    client.ask(moment(S), &Request::Join { nick: "kim".to_owned() }).expect("known");
    client
}

fn tell() -> Request {
    Request::Tell { to: "bob".to_owned(), text: "psst".into() }
}

fn unknown() -> Event {
    Event::Refused(Refusal::Other(NotSaid::Unknown.to_string().into()))
}

/// Program 0's server: what it is sent, and its acknowledgments of the types that it knows.
fn serve(client: &mut dyn ClientSession, at: Duration, seen: &mut Vec<Value>) -> Vec<Event> {
    let mut told = Vec::new();
    while let Some(bytes) = client.poll_send() {
        for message in frames(&bytes) {
            if ["chat", "heartbeat", "join", "leave"].map(Value::from).contains(&message["msg_type"]) {
                let content = format!("{{\"ack_for\": {}}}", message["msg_id"]);
                told.extend(hears(client, at, &unsigned("ack_1_1", "ack", "server", &content)));
            }
            seen.push(message);
        }
    }
    told
}

#[test]
fn program_0s_server_says_nothing_aloud_that_was_not_meant_for_all() {
    let (mut client, mut seen) = (joining(RELIABLE), Vec::new());
    serve(&mut *client, S, &mut seen);
    for (n, request) in [tell(), Request::People, Request::Rooms].into_iter().enumerate() {
        let (mut client, mut seen) = (joining(RELIABLE), Vec::new());
        serve(&mut *client, S, &mut seen);
        client.ask(moment(S), &request).expect("known");
        assert_eq!(serve(&mut *client, S, &mut seen), [], "{n}");
        // It is sent again in time, and a sign of life behind it shows at once that it is dropped.
        let due = client.poll_timeout().expect("it waits") - Instant::ZERO;
        assert_eq!(due, S * 4);
        client.handle_timeout(moment(due));
        assert_eq!(serve(&mut *client, due, &mut seen), [unknown()], "{n}");
        let times = seen.iter().filter(|message| message["msg_type"] == "private_message").count();
        assert_eq!((times, client.unacknowledged().len()), (4, 0), "{n}");
        assert!(!seen.iter().any(|message| message["msg_type"] == "chat"), "{n}: {seen:?}");
        // The connection goes on, and it is not asked again.
        assert_eq!(client.ask(moment(due), &Request::People), Err(NotSaid::Unknown));
        client.ask(moment(due), &Request::Say { text: "hello".into() }).expect("known");
        serve(&mut *client, due, &mut seen);
        assert_eq!(
            (seen.last().expect("a chat")["content"].as_str(), client.unsettled()),
            (Some("hello"), 0)
        );
    }
}

#[test]
fn program_0s_server_is_not_sent_a_text_twice_before_its_own_timeout() {
    let (mut client, mut seen) = (joining(RELIABLE), Vec::new());
    // A round trip of nothing at all.
    serve(&mut *client, S, &mut seen);
    client.ask(moment(S * 2), &Request::Say { text: "hello".into() }).expect("known");
    assert_eq!(client.poll_timeout(), Some(Instant::ZERO + S * 5));
    // Its acknowledgments are late enough for a server that notes a message after sending it.
    sent(&mut *client);
    hears(&mut *client, S * 2, &unsigned("chat_1_1", "chat", "server", "[bob]: hi"));
    assert_eq!((client.poll_timeout(), client.poll_send()), (Some(Instant::ZERO + S * 2 + MS * 10), None));
}

#[test]
fn program_1s_server_is_found_out_by_a_ping() {
    for request in [Request::People, Request::Rooms, tell(), Request::Hide, Request::Reveal] {
        let mut client = joining(JSON_LINES);
        hears(&mut *client, S, b"{\"type\": \"welcome\", \"users\": [\"kim\"]}\n");
        client.ask(moment(S), &request).expect("known");
        client.ask(moment(S), &Request::Ping).expect("known");
        assert_eq!(sent(&mut *client)[2..], ["{\"type\": \"ping\"}\n", "{\"type\": \"ping\"}\n"]);
        let pong = b"{\"type\": \"pong\"}\n";
        assert_eq!(hears(&mut *client, S, pong), [unknown()], "{request:?}");
        assert_eq!(hears(&mut *client, S, pong), [Event::Pong]);
        assert_eq!(client.ask(moment(S), &request), Err(NotSaid::Unknown));
    }
    // One that answers is asked without.
    let mut client = joining(JSON_LINES);
    hears(&mut *client, S, b"{\"type\": \"welcome\", \"users\": [\"kim\"]}\n");
    client.ask(moment(S), &Request::Rooms).expect("known");
    let told = hears(&mut *client, S, b"{\"type\": \"rooms\", \"rooms\": []}\n{\"type\": \"pong\"}\n");
    assert!(matches!(told[..], [Event::Rooms { .. }]), "{told:?}");
    sent(&mut *client);
    client.ask(moment(S), &Request::People).expect("known");
    assert_eq!(sent(&mut *client).len(), 1);
}

/// Its reader takes one line of each read and drops the rest.
#[test]
fn program_1s_server_is_sent_its_lines_apart_until_it_shows_that_it_is_another() {
    let (mut client, apart) = (joining(JSON_LINES), MS * 10);
    assert_eq!(client.gap(), apart);
    hears(&mut *client, S, b"{\"type\": \"welcome\", \"users\": [\"kim\"]}\n");
    client.ask(moment(S), &Request::Say { text: "hello".into() }).expect("known");
    assert_eq!(client.gap(), apart);
    client.ask(moment(S), &Request::Rooms).expect("known");
    hears(&mut *client, S, b"{\"type\": \"pong\"}\n");
    assert_eq!(client.gap(), apart);
    // Ours says so in its welcome, and is not asked by a ping either.
    let (mut client, mut hall) = (joining(JSON_LINES), Hall::default());
    let id = hall.open(JSON_LINES);
    hall.receive(id, sent(&mut *client).concat().as_bytes());
    let welcome = hall.next(id).expect("a welcome");
    hears(&mut *client, S, &welcome);
    client.ask(moment(S), &Request::Rooms).expect("known");
    assert_eq!((client.gap(), sent(&mut *client).len()), (Duration::ZERO, 1));
}

#[test]
fn program_3s_server_confirms_no_second_hide_and_nobody_waits_for_it() {
    let mut client = joining(ROOMS);
    hears(&mut *client, S, b"Connected to the server");
    let (hide, reveal) = (b"Enter nickname to hide", b"Enter nickname to show");
    for (request, prompt, word, within) in [
        (Request::Hide, hide, "You are now invisible!", S * 5),
        (Request::Hide, hide, "", MS * 100),
        (Request::Reveal, reveal, "You are now visible to other users!", S * 5),
        (Request::Reveal, reveal, "", MS * 100),
    ] {
        client.ask(moment(S), &request).expect("known");
        hears(&mut *client, S, prompt);
        assert_eq!(client.poll_timeout(), Some(Instant::ZERO + S + within), "{request:?}");
        hears(&mut *client, S, word.as_bytes());
        client.handle_timeout(moment(S + within));
        assert_eq!((client.poll_timeout(), client.unsettled()), (None, 0), "{request:?}");
    }
}

/// Program 2's server answers what it does not know, and is not asked again; what it knows it is.
#[test]
fn program_2s_server_is_believed_that_it_does_not_know_a_command() {
    let mut client = joining(SLASH);
    let hears = |client: &mut dyn ClientSession, words: &str| {
        hears(client, S, format!("[21:30:15] [SERVER] {words}").as_bytes())
    };
    hears(&mut *client, "Please enter your username:");
    hears(&mut *client, "Welcome, kim! Type /help for available commands.");
    let create = Request::Create { room: "den".to_owned(), private: true };
    for request in [Request::Rooms, create.clone()] {
        client.ask(moment(S), &request).expect("words");
    }
    assert_eq!(sent(&mut *client), ["kim\n", "/rooms\n", "/create den --private\n"]);
    for word in ["/rooms", "/create"] {
        let words = format!("Unknown command: {word}. Type /help for available commands.");
        assert_eq!(hears(&mut *client, &words), [unknown()]);
    }
    assert_eq!(client.ask(moment(S), &create), Err(NotSaid::Unknown));
    assert_eq!(client.ask(moment(S), &Request::People), Ok(()));
}

/// Program 3's server ignores what it does not know: a list that comes first shows it, and is not shown.
#[test]
fn program_3s_server_is_found_out_by_a_list() {
    let create = Request::Create { room: "den".to_owned(), private: true };
    let list = b"Active chat members are:\n1. kim\n";
    let mut client = joining(ROOMS);
    hears(&mut *client, S, b"Connected to the server");
    client.ask(moment(S), &Request::People).expect("known");
    client.ask(moment(S), &create).expect("known");
    assert_eq!(sent(&mut *client), ["kim", "/members", "/create den --private", "/members"]);
    // Its own list, and then the other.
    assert!(matches!(hears(&mut *client, S, list)[..], [Event::People { .. }]));
    assert_eq!(hears(&mut *client, S, list), [unknown()]);
    assert_eq!(client.ask(moment(S), &create), Err(NotSaid::Unknown));
    // Ours answers first.
    let exists = Refusal::RoomExists("den".into()).to_string();
    for words in ["Room den created successfully!", &exists] {
        let mut client = joining(ROOMS);
        hears(&mut *client, S, b"Connected to the server");
        client.ask(moment(S), &create).expect("known");
        assert_eq!(hears(&mut *client, S, words.as_bytes()).len(), 1);
        assert_eq!(hears(&mut *client, S, list), []);
        sent(&mut *client);
        client.ask(moment(S), &create).expect("known");
        assert_eq!(sent(&mut *client).len(), 1, "it is asked without");
    }
}

/// Its name when it asked is not its name when the server prompts.
#[test]
fn whoever_is_renamed_hides_under_the_new_name() {
    let mut client = joining(ROOMS);
    hears(&mut *client, S, b"Connected to the server");
    client.ask(moment(S), &Request::Hide).expect("known");
    hears(&mut *client, S, b"Server: 'kim' is taken; you are kim_2");
    hears(&mut *client, S, b"Enter nickname to hide");
    assert_eq!(sent(&mut *client), ["kim", "/hide", "kim_2"]);
}

/// Answers of program 4's server merge; the one about nobody, who is asked last, ends them.
#[test]
fn program_4s_server_has_answered_all_when_it_has_answered_about_nobody() {
    let mut client = joining(PIPE);
    hears(&mut *client, S, b"WELCOME|Connected successfully!");
    client.fence(moment(S));
    assert_eq!(client.unsettled(), 0, "nothing was asked");
    client.ask(moment(S), &tell()).expect("known");
    client.fence(moment(S));
    assert_eq!(sent(&mut *client), ["kim", "bob|psst", " |"]);
    assert_eq!(client.unsettled(), 1);
    let told = hears(&mut *client, S, b"SYSTEM|User 'bob' is not online.SYSTEM|User ' ' is not online.");
    assert_eq!(told, [Event::Refused(Refusal::NoSuchPerson("bob".into()))]);
    assert_eq!(client.unsettled(), 0);
}

#[test]
fn program_4s_server_has_private_messages_only() {
    let mut client = joining(PIPE);
    let told = hears(&mut *client, S, b"SYSTEM|User 'all' is not online.");
    assert!(
        matches!(&told[..], [Event::Refused(refusal)] if refusal.to_string().contains("private messages only")),
        "{told:?}"
    );
}
