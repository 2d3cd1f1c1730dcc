//! The JSON objects in the frames, and their checksums.

use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};

use crate::chat::protocol::Timestamp;
use crate::chat::protocol::json::push_string;

/// A message in either variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub id: String,
    pub kind: String,
    pub sender: String,
    pub content: String,
    pub timestamp: Number,
    /// `priority` and `sequence_number` of the eight-member variant.
    pub order: Option<(i64, i64)>,
}

/// What a frame holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Parsed {
    Message(Message),
    /// The tester's own format, with its `id`.
    Test(String),
    /// Something that is dropped without an answer, as the original does; why.
    Dropped(&'static str),
}

/// Understands a frame.
pub fn parse(frame: &[u8]) -> Parsed {
    let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(frame) else {
        return Parsed::Dropped("no JSON object");
    };
    if object.contains_key("type") && !object.contains_key("msg_type") {
        let id = object.get("id").and_then(Value::as_str).unwrap_or_default();
        return Parsed::Test(id.to_owned());
    }
    let Some(message) = read(&object) else {
        return Parsed::Dropped("a member is missing, of another type, or unknown");
    };
    match object.get("checksum").and_then(Value::as_str).unwrap_or_default() {
        "" => Parsed::Message(message),
        given if given == message.checksum() => Parsed::Message(message),
        _ => Parsed::Dropped("a wrong checksum"),
    }
}

/// Exactly the members of one of the variants; the checksum may be absent.
fn read(object: &Map<String, Value>) -> Option<Message> {
    const SIX: [&str; 6] = ["msg_id", "msg_type", "sender", "content", "timestamp", "checksum"];
    const EIGHT: [&str; 2] = ["priority", "sequence_number"];
    let eight = object.contains_key(EIGHT[0]) || object.contains_key(EIGHT[1]);
    let known = |name: &str| SIX.contains(&name) || (eight && EIGHT.contains(&name));
    if !object.keys().all(|name| known(name)) {
        return None;
    }
    let text = |name: &str| object.get(name)?.as_str().map(str::to_owned);
    let order =
        if eight { Some((object.get(EIGHT[0])?.as_i64()?, object.get(EIGHT[1])?.as_i64()?)) } else { None };
    Some(Message {
        id: text("msg_id")?,
        kind: text("msg_type")?,
        sender: text("sender")?,
        content: text("content")?,
        timestamp: object.get("timestamp")?.as_number()?.clone(),
        order,
    })
}

impl Message {
    /// The first 16 hexadecimal digits of SHA-256 over the members, nothing between them.
    pub fn checksum(&self) -> String {
        let mut hash = Sha256::new();
        for part in [&self.id, &self.kind, &self.sender, &self.content, &python_number(&self.timestamp)] {
            hash.update(part);
        }
        if let Some((priority, number)) = self.order {
            hash.update(format!("{priority}{number}"));
        }
        hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
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
        member("checksum", &|out| push_string(&self.checksum(), out));
        if let Some((priority, number)) = self.order {
            member("priority", &|out| out.extend_from_slice(priority.to_string().as_bytes()));
            member("sequence_number", &|out| out.extend_from_slice(number.to_string().as_bytes()));
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

    fn message(id: &str, kind: &str, sender: &str, content: &str, timestamp: &str) -> Message {
        Message {
            id: id.to_owned(),
            kind: kind.to_owned(),
            sender: sender.to_owned(),
            content: content.to_owned(),
            timestamp: serde_json::from_str(timestamp).expect("a number"),
            order: None,
        }
    }

    #[test]
    fn checksums_are_those_of_the_original() {
        let chat = message("chat_1700000000_1234", "chat", "alice", "hello", "1700000000.25");
        assert_eq!(chat.checksum(), "54de4146ca145777");
        assert_eq!(message("a", "chat", "b", "c", "1700000000.0").checksum(), "24e157e4fbda24ea");
        assert_eq!(message("a", "chat", "b", "c", "1700000000").checksum(), "20e06178343bdc53");
        let eight = Message { order: Some((1, 42)), ..chat };
        assert_eq!(eight.checksum(), "2b16c6af0baaa7b8");
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
}
