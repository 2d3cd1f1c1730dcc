//! Sound words of every dialect, and ways to damage them.

use crate::hall::{Hall, frame, unsigned};
use testbed::chat::protocol::{Dialect, JSON_LINES, PIPE};
use testbed::rng::Rng;
use testbed::time::Duration;

/// Reads as a client sends them, the first of them its name.
pub fn reads(kind: &'static dyn Dialect) -> Vec<Vec<u8>> {
    let texts = |list: &[&str]| list.iter().map(|text| text.as_bytes().to_vec()).collect();
    match kind.name() {
        "reliable" => vec![
            unsigned("join_1_1000", "join", "alice", "alice"),
            unsigned("chat_1_1001", "chat", "alice", "Grüße an alle"),
            unsigned("ack_1_1002", "ack", "alice", "{\"ack_for\": \"broadcast_1795210215_1001\"}"),
            unsigned("heartbeat_1_1003", "heartbeat", "alice", "ping"),
            unsigned("private_1_1004", "private_message", "alice", "@bob psst"),
            unsigned("chat_1_1005", "chat", "alice", "/room den hi"),
            unsigned("leave_1_1006", "leave", "alice", "leaving"),
            frame(
                "{\"msg_id\": \"chat_1795210065_4806\", \"msg_type\": \"chat\", \"sender\": \"alice\", \"content\": \"hello everyone\", \"timestamp\": 1795210065.5584364, \"checksum\": \"4661720c74de6827\"}",
            ),
            frame(
                "{\"msg_id\":\"a\",\"msg_type\":\"chat\",\"sender\":\"b\",\"content\":\"c\",\"timestamp\":1e16,\"priority\":1,\"sequence_number\":7}",
            ),
            frame(
                "{\"id\": \"test_msg_0_1795211300\", \"type\": \"chat\", \"username\": \"tester\", \"content\": \"x\", \"timestamp\": 1}",
            ),
        ],
        "json-lines" => texts(&[
            "{\"type\": \"join\", \"username\": \"alice\"}\n",
            "{\"type\": \"chat\", \"message\": \"Grüße \\ud83d\\ude00\"}\n",
            "{\"type\": \"ping\"}\n",
            "{\"type\": \"private\", \"to\": \"bob\", \"message\": \"psst\"}\n",
            "{\"type\": \"join_room\", \"room\": \"den\"}\n{\"type\": \"room\", \"room\": \"den\", \"message\": \"hi\"}\n",
            "{\"type\": \"rename\", \"username\": \"alicia\"}\n{\"type\": \"users\"}\n",
            "{\"type\": \"hide\"}\n{\"type\": \"leave\"}\n",
        ]),
        "slash" => texts(&[
            "alice",
            "Hello everyone\n",
            "/whisper bob psst",
            "/nick alicia",
            "/list",
            "/help",
            "/help all",
            "/foo",
            "/join den",
            "/room den hi",
            "/hide",
            "/exit",
        ]),
        "rooms" => texts(&[
            "alice",
            "/members",
            "/broadcast",
            "hello",
            "/broadcasthello/quit",
            "/create_room den",
            "/join den",
            "/room den hi\n/members",
            "/leave den",
            "/hide",
            "/reveal",
            "alice",
            "/dm bob psst",
            "/get_rooms",
            "/quit",
        ]),
        _ => texts(&["alice", "bob|Hello there Bob", "all|to everyone", "nobody|x", "al_ce|a|b|c", "no bar"]),
    }
}

/// A hall with two people who listen, and a connection of `kind` that has said nothing yet.
pub fn company(kind: &'static dyn Dialect) -> (Hall, usize) {
    let mut hall = Hall::default();
    let bob = hall.open(JSON_LINES);
    hall.receive(bob, b"{\"type\": \"join\", \"username\": \"bob\"}\n");
    let carol = hall.open(PIPE);
    hall.receive(carol, b"carol");
    let id = hall.open(kind);
    (hall, id)
}

/// Everything that `kind`'s server sends in a sound conversation, one write each.
pub fn answers(kind: &'static dyn Dialect) -> Vec<Vec<u8>> {
    let (mut hall, id) = company(kind);
    for read in reads(kind) {
        hall.receive(id, &read);
        hall.receive(0, b"{\"type\": \"chat\", \"message\": \"hello\"}\n");
        hall.wait(Duration::from_secs(5));
    }
    std::iter::from_fn(|| hall.next(id)).map(|bytes| bytes.to_vec()).collect()
}

/// Changes some of the bytes, as damage, malice or another implementation would.
fn mutate(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], rng: &mut Rng) {
    const ODD: [&[u8]; 12] = [
        b"\0",
        b"\n",
        b"|",
        b"/",
        b"\"",
        b"{",
        b"[[[[[[[[",
        b"\xff\xfe",
        b"\xf0\x9f",
        "\u{2028}".as_bytes(),
        b"\\ud800",
        b"[21:30:15] [",
    ];
    let at = rng.below(bytes.len() as u64 + 1) as usize;
    match rng.below(9) {
        0 if at < bytes.len() => bytes[at] ^= 1 << rng.below(8),
        1 if at < bytes.len() => bytes[at] = rng.next_u64() as u8,
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(..at)),
        4 => drop(bytes.splice(at..at, ODD[rng.below(12) as usize].iter().copied())),
        5 => {
            let other = &corpus[rng.below(corpus.len() as u64) as usize];
            bytes.truncate(at);
            bytes.extend_from_slice(&other[rng.below(other.len() as u64 + 1) as usize..]);
        }
        6 => bytes.extend_from_slice(&corpus[rng.below(corpus.len() as u64) as usize]),
        7 => bytes.extend(std::iter::repeat_n(rng.next_u64() as u8, rng.below(5_000) as usize)),
        // Of a frame, its length.
        _ if bytes.len() > 4 => bytes[rng.below(4) as usize] = rng.next_u64() as u8,
        _ => bytes.push(rng.next_u64() as u8),
    }
}

/// The next read: something from the corpus, often damaged, sometimes noise.
pub fn read(corpus: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    if rng.below(20) == 0 {
        return (0..rng.below(200)).map(|_| rng.next_u64() as u8).collect();
    }
    let mut bytes = corpus[rng.below(corpus.len() as u64) as usize].clone();
    for _ in 0..rng.below(5) {
        mutate(&mut bytes, corpus, rng);
    }
    bytes
}
