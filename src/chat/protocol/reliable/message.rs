//! The JSON objects in the frames, and their checksums.

use std::borrow::Cow;
use std::io::Write as _;

use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

use crate::chat::protocol::Timestamp;
use crate::chat::protocol::json::push_string;

/// A message in either variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<'a> {
    pub id: Cow<'a, str>,
    pub kind: Cow<'a, str>,
    pub sender: Cow<'a, str>,
    pub content: Cow<'a, str>,
    pub timestamp: Number,
    /// `priority` and `sequence_number` of the eight-member variant.
    pub order: Option<(i64, i64)>,
}

/// Content of a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Parsed<'a> {
    Message(Message<'a>),
    /// The tester's own format, with its `id`.
    Test(String),
    /// Something that is dropped without an answer, as the original does; why.
    Dropped(&'static str),
}

/// Exactly the members of one of the variants; the checksum may be absent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members<'a> {
    #[serde(borrow)]
    msg_id: Cow<'a, str>,
    #[serde(borrow)]
    msg_type: Cow<'a, str>,
    #[serde(borrow)]
    sender: Cow<'a, str>,
    #[serde(borrow)]
    content: Cow<'a, str>,
    timestamp: Number,
    #[serde(default)]
    checksum: Value,
    #[serde(default, deserialize_with = "present")]
    priority: Option<i64>,
    #[serde(default, deserialize_with = "present")]
    sequence_number: Option<i64>,
}

/// A member that may be absent, but not null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    i64::deserialize(deserializer).map(Some)
}

/// Understands a frame.
pub fn parse(frame: &[u8]) -> Parsed<'_> {
    let Ok(members) = serde_json::from_slice::<Members>(frame) else { return parse_test(frame) };
    let order = match (members.priority, members.sequence_number) {
        (None, None) => None,
        (Some(priority), Some(number)) => Some((priority, number)),
        _ => return Parsed::Dropped("half of the eight-member variant"),
    };
    let message = Message {
        id: members.msg_id,
        kind: members.msg_type,
        sender: members.sender,
        content: members.content,
        timestamp: members.timestamp,
        order,
    };
    match members.checksum.as_str().unwrap_or_default() {
        "" => Parsed::Message(message),
        given if *given.as_bytes() == message.checksum() => Parsed::Message(message),
        _ => Parsed::Dropped("a wrong checksum"),
    }
}

/// The tester's own format has `type` where messages have `msg_type`.
fn parse_test(frame: &[u8]) -> Parsed<'static> {
    let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(frame) else {
        return Parsed::Dropped("no JSON object");
    };
    if object.contains_key("type") && !object.contains_key("msg_type") {
        return Parsed::Test(object.get("id").and_then(Value::as_str).unwrap_or_default().to_owned());
    }
    Parsed::Dropped("a member is missing, twice there, of another type, or unknown")
}

/// The content of an acknowledgment.
pub fn acknowledging(id: &str) -> String {
    format!("{{\"ack_for\": {}}}", quoted(id))
}

/// `text` as a JSON string in ASCII.
pub fn quoted(text: &str) -> String {
    let mut json = Vec::with_capacity(text.len() + 2);
    push_string(text, &mut json);
    json.iter().map(|&byte| char::from(byte)).collect()
}

/// Identifier of the message that an acknowledgment's content means; none has an empty id.
pub fn acknowledged(content: &str) -> Cow<'_, str> {
    #[derive(Deserialize)]
    struct AckFor<'a> {
        #[serde(borrow)]
        ack_for: Cow<'a, str>,
    }
    serde_json::from_str(content).map(|AckFor { ack_for }| ack_for).unwrap_or_default()
}

impl Message<'_> {
    /// The first eight bytes of SHA-256 over the members, nothing between them.
    pub fn digest(&self) -> [u8; 8] {
        let mut hash = Sha256::new();
        for part in [&self.id, &self.kind, &self.sender, &self.content] {
            hash.update(part.as_bytes());
        }
        hash.update(python_number(&self.timestamp));
        if let Some((priority, number)) = self.order {
            hash.update(format!("{priority}{number}"));
        }
        let mut digest = [0; 8];
        digest.copy_from_slice(&hash.finalize()[..8]);
        digest
    }

    /// The same in hexadecimal, as it goes over the wire.
    pub fn checksum(&self) -> [u8; 16] {
        let mut text = [0; 16];
        for (digits, byte) in text.chunks_exact_mut(2).zip(self.digest()) {
            for (digit, half) in digits.iter_mut().zip([byte >> 4, byte & 15]) {
                *digit = b"0123456789abcdef"[usize::from(half)];
            }
        }
        text
    }

    /// Appends the frame: as Python prints it for the six members, compact for the eight.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        let (comma, colon) = if self.order.is_some() { (",", ":") } else { (", ", ": ") };
        let mut member = |name: &str, value: &dyn Fn(&mut Vec<u8>)| {
            out.extend_from_slice(if out.len() == start + 4 { "{" } else { comma }.as_bytes());
            push_string(name, out);
            out.extend_from_slice(colon.as_bytes());
            value(out);
        };
        member("msg_id", &|out| push_string(&self.id, out));
        member("msg_type", &|out| push_string(&self.kind, out));
        member("sender", &|out| push_string(&self.sender, out));
        member("content", &|out| push_string(&self.content, out));
        member("timestamp", &|out| out.extend_from_slice(python_number(&self.timestamp).as_bytes()));
        member("checksum", &|out| {
            out.push(b'"');
            out.extend_from_slice(&self.checksum());
            out.push(b'"');
        });
        if let Some((priority, number)) = self.order {
            member("priority", &|out| drop(write!(out, "{priority}")));
            member("sequence_number", &|out| drop(write!(out, "{number}")));
        }
        out.push(b'}');
        let length = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }
}

/// Seconds since 1970 with microseconds, as Python's clock has them.
pub fn seconds(at: Timestamp) -> Number {
    let micros = at.unix_nanos() / 1_000;
    Number::from_f64(micros as f64 / 1e6).unwrap_or_else(|| Number::from(0))
}

/// A number as Python's `str` prints it: the shortest decimal that reads back, an exponent of at
/// least two digits from 1e16 up and below 1e-4, integers as they are.
pub fn python_number(number: &Number) -> String {
    let Some(value) = number.as_f64().filter(|_| number.is_f64()) else { return number.to_string() };
    let text = format!("{value:?}");
    match text.split_once('e') {
        None => text,
        Some((digits, exponent)) => {
            let (sign, digits_of) = match exponent.strip_prefix('-') {
                Some(rest) => ('-', rest),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{digits_of:0>2}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<'a>(
        id: &'a str,
        kind: &'a str,
        sender: &'a str,
        content: &'a str,
        timestamp: &str,
    ) -> Message<'a> {
        Message {
            id: id.into(),
            kind: kind.into(),
            sender: sender.into(),
            content: content.into(),
            timestamp: serde_json::from_str(timestamp).expect("a number"),
            order: None,
        }
    }

    #[test]
    fn ids_are_escaped_as_everything_is() {
        assert_eq!(acknowledging("chat_1_2"), r#"{"ack_for": "chat_1_2"}"#);
        assert_eq!(acknowledging("a\":\"\u{2b3}"), r#"{"ack_for": "a\":\"\u02b3"}"#);
        assert_eq!(acknowledged(&acknowledging("a\":\"\u{2b3}")), "a\":\"\u{2b3}");
    }

    #[test]
    fn checksums_are_those_of_the_original() {
        let chat = message("chat_1700000000_1234", "chat", "alice", "hello", "1700000000.25");
        assert_eq!(chat.checksum(), *b"54de4146ca145777");
        assert_eq!(message("a", "chat", "b", "c", "1700000000.0").checksum(), *b"24e157e4fbda24ea");
        assert_eq!(message("a", "chat", "b", "c", "1700000000").checksum(), *b"20e06178343bdc53");
        let eight = Message { order: Some((1, 42)), ..chat };
        assert_eq!(eight.checksum(), *b"2b16c6af0baaa7b8");
        let mut frame = Vec::new();
        eight.encode(&mut frame);
        assert_eq!(frame[..4], [0, 0, 0, 0xb0]);
    }

    #[test]
    fn a_frame_is_the_captured_one() {
        let text = r#"{"msg_id": "chat_1795210065_4806", "msg_type": "chat", "sender": "alice", "content": "hello everyone", "timestamp": 1795210065.5584364, "checksum": "4661720c74de6827"}"#;
        let Parsed::Message(message) = parse(text.as_bytes()) else { panic!("a message") };
        let mut frame = Vec::new();
        message.encode(&mut frame);
        assert_eq!(frame[..4], [0, 0, 0, 0xa7]);
        assert_eq!(std::str::from_utf8(&frame[4..]), Ok(text));
    }

    #[test]
    fn numbers_are_printed_as_python_does() {
        for (json, python) in [
            ("1.50", "1.5"),
            ("1700000000.0", "1700000000.0"),
            ("17", "17"),
            ("1e16", "1e+16"),
            ("0.0001", "0.0001"),
            ("0.0000001", "1e-07"),
            ("1.25e-5", "1.25e-05"),
            ("123456789012345.6", "123456789012345.6"),
            ("-3.0", "-3.0"),
        ] {
            assert_eq!(python_number(&serde_json::from_str(json).expect("a number")), python, "{json}");
        }
    }

    #[test]
    fn every_digit_of_a_clock_survives() {
        // As Python's clock prints them: each is the shortest of its number and must come back.
        for n in 0..20_000u32 {
            let text = format!("{:?}", 1_795_210_065.0 + f64::from(n) * 1.003_000_4e-3);
            assert_eq!(python_number(&serde_json::from_str(&text).expect("a number")), text);
        }
    }

    #[test]
    fn what_the_original_drops_is_dropped() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        for bad in [
            "[]",
            "{",
            "{}",
            "\u{0}",
            deep.as_str(),
            r#"{"msg_id":"a","msg_type":"chat","sender":"b","content":"c"}"#,
            r#"{"msg_id":"a","msg_type":"chat","sender":"b","content":"c","timestamp":1,"extra":1}"#,
            r#"{"msg_id":"a","msg_type":"chat","sender":"b","content":"c","timestamp":1,"priority":1}"#,
            r#"{"msg_id":"a","msg_type":"chat","sender":"b","content":"c","timestamp":1,"checksum":"0"}"#,
            r#"{"msg_id":"a","msg_type":"chat","sender":"b","content":"c","timestamp":1,"priority":null,"sequence_number":null}"#,
            r#"{"msg_id":"a","msg_id":"a","msg_type":"chat","sender":"b","content":"c","timestamp":1}"#,
            r#"{"msg_id":1,"msg_type":"chat","sender":"b","content":"c","timestamp":1}"#,
        ] {
            assert!(matches!(parse(bad.as_bytes()), Parsed::Dropped(_)), "{bad:.80}");
        }
        let unsigned =
            r#"{"msg_id":"a","msg_type":"chat","sender":"b","content":"c","timestamp":1,"checksum":""}"#;
        assert!(matches!(parse(unsigned.as_bytes()), Parsed::Message(_)));
        let test = br#"{"id": "test_msg_0_1", "type": "chat", "username": "tester", "content": "x", "timestamp": 1}"#;
        assert_eq!(parse(test), Parsed::Test("test_msg_0_1".to_owned()));
    }

    #[test]
    fn an_acknowledgment_without_an_id_acknowledges_nothing() {
        assert_eq!(acknowledged(r#"{"ack_for": "chat_1_2"}"#), "chat_1_2");
        assert_eq!(acknowledged(r#"{"more": [1], "ack_for": "a\u0062"}"#), "ab");
        for bad in ["", "{}", "[]", r#"{"ack_for": 1}"#, r#"{"ack_for": null}"#, "chat_1_2"] {
            assert_eq!(acknowledged(bad), "", "{bad}");
        }
    }
}
