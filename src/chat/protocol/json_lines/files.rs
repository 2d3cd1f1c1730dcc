//! The words about files, in both directions.

use serde_json::Value;

use super::Spoken;
use crate::chat::files::{About, FileEnd, FileEvent, FileRequest, Recipient};
use crate::chat::protocol::json::Object;

fn about<'a>(line: Object<'a>, about: &About) -> Object<'a> {
    line.member("name", &about.name).number("size", about.size).member("sha256", &about.sum)
}

pub(super) fn recipient<'a>(line: Object<'a>, to: &Recipient) -> Object<'a> {
    match to {
        Recipient::Person(nick) => line.member("to", nick),
        Recipient::Room(room) => line.member("room", room),
    }
}

/// Recipient that a line names.
pub(super) fn recipient_of(spoken: &Spoken<'_>) -> Recipient {
    match spoken.room.text() {
        "" => Recipient::Person(spoken.to.text().to_owned()),
        room => Recipient::Room(room.to_owned()),
    }
}

pub(super) fn encode_request<'a>(line: Object<'a>, request: &FileRequest) -> Object<'a> {
    match request {
        FileRequest::Offer { to, about: file } => about(recipient(line.kind("file_offer"), to), file),
        FileRequest::Ask { file, from } => {
            line.kind("file_ask").number("file", u64::from(*file)).number("from", *from)
        }
        FileRequest::Part { file, reader, from, data } => line
            .kind("file_part")
            .number("file", u64::from(*file))
            .number("reader", u64::from(*reader))
            .number("from", *from)
            .member("data", data),
        FileRequest::End { file, how } => {
            line.kind("file_end").number("file", u64::from(*file)).member("how", how.word())
        }
    }
}

/// Request of a line of this kind, if it is one about files and says all that it must.
pub(super) fn request(kind: &str, spoken: &Spoken<'_>) -> Option<FileRequest> {
    let file = || u32::try_from(spoken.file.number()?).ok();
    Some(match kind {
        "file_offer" => {
            let to = recipient_of(spoken);
            let about = About {
                name: spoken.name.text().into(),
                size: spoken.size.number()?,
                sum: spoken.sha256.text().into(),
            };
            FileRequest::Offer { to, about }
        }
        "file_ask" => FileRequest::Ask { file: file()?, from: spoken.from.number()? },
        "file_part" => FileRequest::Part {
            file: file()?,
            reader: u32::try_from(spoken.reader.number()?).ok()?,
            from: spoken.from.number()?,
            data: spoken.data.text().into(),
        },
        "file_end" => FileRequest::End { file: file()?, how: FileEnd::parse(spoken.how.text())? },
        _ => return None,
    })
}

pub(super) fn encode_event<'a>(line: Object<'a>, event: &FileEvent) -> Object<'a> {
    match event {
        FileEvent::Offered { file, from, room, about: offered } => {
            let line = line.kind("file_offered").number("file", u64::from(*file)).member("username", from);
            let line = if let Some(room) = room { line.member("room", room) } else { line };
            about(line, offered)
        }
        FileEvent::Announced { file, people, about: announced } => {
            let line = line.kind("file_announced").number("file", u64::from(*file));
            about(line.number("people", u64::from(*people)), announced)
        }
        FileEvent::Refused { about: refused, why } => {
            about(line.kind("file_refused").member("message", why), refused)
        }
        FileEvent::Asked { file, reader, nick, from } => line
            .kind("file_asked")
            .number("file", u64::from(*file))
            .number("reader", u64::from(*reader))
            .member("username", nick)
            .number("from", *from),
        FileEvent::Part { file, from, data } => {
            line.kind("file_part").number("file", u64::from(*file)).number("from", *from).member("data", data)
        }
        FileEvent::Ended { file, nick, how } => line
            .kind("file_ended")
            .number("file", u64::from(*file))
            .member("username", nick)
            .member("how", how.word()),
    }
}

/// Event of a line of this kind, if it is one about files and says all that it must.
pub(super) fn event(kind: &str, value: &Value) -> Option<FileEvent> {
    let text = |name: &str| value[name].as_str().map(Into::into);
    let small = |name: &str| u32::try_from(value[name].as_u64()?).ok();
    let about = || Some(About { name: text("name")?, size: value["size"].as_u64()?, sum: text("sha256")? });
    Some(match kind {
        "file_offered" => FileEvent::Offered {
            file: small("file")?,
            from: text("username")?,
            room: text("room"),
            about: about()?,
        },
        "file_announced" => {
            FileEvent::Announced { file: small("file")?, people: small("people")?, about: about()? }
        }
        "file_refused" => FileEvent::Refused { about: about()?, why: text("message")? },
        "file_asked" => FileEvent::Asked {
            file: small("file")?,
            reader: small("reader")?,
            nick: text("username").unwrap_or_else(|| "".into()),
            from: value["from"].as_u64()?,
        },
        "file_part" => {
            FileEvent::Part { file: small("file")?, from: value["from"].as_u64()?, data: text("data")? }
        }
        "file_ended" => FileEvent::Ended {
            file: small("file")?,
            nick: text("username")?,
            how: FileEnd::parse(value["how"].as_str()?)?,
        },
        _ => return None,
    })
}
