//! Reasons for which a request is not granted, and their words.

use std::sync::Arc;

/// As in [`message`](super::message).
type Name = Arc<str>;

/// Reason for which a request is not granted.
/// "Invalid username" and "Username already taken" are program 1's own words, which its client shows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no nick.
    #[error("Invalid username")]
    NickInvalid,
    /// The nick is too long.
    #[error("Invalid username: it is too long")]
    NickTooLong,
    /// The nick is a name of the server's own.
    #[error("Invalid username: the server has this name itself")]
    NickReserved,
    /// The nick has characters that cannot be seen, or would pass for something else in one of the dialects.
    #[error("Invalid username: use letters, digits, _ and -")]
    NickMisleads,
    /// Somebody else has it.
    #[error("Username already taken")]
    NickTaken,
    /// No more people are let in.
    #[error("Server is full")]
    Full,
    /// It asks for something that only people who are in may ask.
    #[error("Join first")]
    NotJoined,
    /// It is in already.
    #[error("Already joined")]
    AlreadyJoined,
    /// Nobody has this nick.
    #[error("{}", unknown_person(.0))]
    NoSuchPerson(Name),
    /// The room's name is empty, has characters that cannot be seen, or would pass for something else.
    #[error("Invalid room name: use letters, digits, _ and -")]
    RoomInvalid,
    /// The room's name is too long.
    #[error("Invalid room name: it is too long")]
    RoomTooLong,
    /// There are too many rooms.
    #[error("The server has as many rooms as it allows: join one of them")]
    TooManyRooms,
    /// This person owns as many rooms as one may.
    #[error("You own as many rooms as one may: close one with /close ROOM")]
    TooManyOwnRooms,
    /// There is no such room, or a private one of which it is not to know.
    #[error("{}", of_room(.0, format!(
        "There is no room '{0}' that you may enter: ask a member for /invite, or found it with /create", .0
    )))]
    NoSuchRoom(Name),
    /// There is such a room already.
    #[error("Room '{0}', or one that looks like it, already exists")]
    RoomExists(Name),
    /// It is a member already.
    #[error("Already a member of room '{0}'")]
    AlreadyMember(Name),
    /// This person is a member of this room already.
    #[error("'{0}' is already a member of room '{1}'")]
    MemberAlready(Name, Name),
    /// It is no member.
    #[error("{}", of_room(.0, format!("Not a member of room '{}'", .0)))]
    NotMember(Name),
    /// The room is not its own.
    #[error("Room '{0}' is not yours: only its owner may close it")]
    NotOwner(Name),
    /// It is in no room or in several, and has named none.
    #[error("Say which room: /invite NAME ROOM")]
    WhichRoom,
    /// So much waits for this person, who is away, that no more is kept.
    #[error("'{0}' is away, and no more messages are kept until they are read")]
    TooMuchWaits(Name),
    /// The text is too long.
    #[error("Message too long")]
    TextTooLong,
    /// This person's client opens no envelopes.
    #[error("'{0}' is on a client that reads no encrypted messages")]
    OpensNothing(Name),
    /// The name is registered, and no password was shown.
    #[error("This name needs its password: write NAME:PASSWORD")]
    PasswordNeeded,
    /// Only registered names come in, and this one could be with a password.
    #[error("Names need a password here: write NAME:PASSWORD, which registers a new one")]
    PasswordRegisters,
    /// The name is registered, and a password is shown only when one comes in.
    #[error("This name is registered: leave, and come back as NAME:PASSWORD")]
    LeaveForPassword,
    /// Only registered names are here, and one registers only when one comes in.
    #[error("A name is registered when one comes in: leave, and come back as NAME:PASSWORD")]
    LeaveToRegister,
    /// The server cannot do it at present, for this reason.
    #[error("Not done: {0}")]
    NotNow(Name),
    /// In the words of a server whose reasons we do not know.
    #[error("{0}")]
    Other(Name),
}

impl Refusal {
    /// True if another nick would do.
    pub fn is_of_nick(&self) -> bool {
        use Refusal::{NickInvalid, NickMisleads, NickReserved, NickTaken, NickTooLong};
        matches!(self, NickInvalid | NickTooLong | NickReserved | NickMisleads | NickTaken)
    }
}

/// Words for a person who was named, or not.
fn unknown_person(nick: &str) -> String {
    if nick.is_empty() {
        "Say to whom: there is no name".to_owned()
    } else {
        format!("User '{nick}' not found")
    }
}

/// The words, or those for a room without a name.
fn of_room(room: &str, words: String) -> String {
    if room.is_empty() { "Say which room: there is no name".to_owned() } else { words }
}

/// Stands for a name where the words around it are looked for; no name has it.
const NAME: &str = "\0";

impl Refusal {
    /// The refusal that is written in these words, which is how every dialect tells it; `None` for words
    /// that this program's server does not use.
    pub fn parse(words: &str) -> Option<Refusal> {
        let one = |make: fn(Name) -> Refusal| {
            let pattern = make(NAME.into()).to_string();
            let (before, after) = pattern.split_once(NAME)?;
            Some(make(words.strip_prefix(before)?.strip_suffix(after)?.into()))
        };
        let two = || {
            let (nick, room) = words.split_once("' is already a member of room '")?;
            Some(Refusal::MemberAlready(nick.strip_prefix('\'')?.into(), room.strip_suffix('\'')?.into()))
        };
        let plain = PLAIN.iter().find(|refusal| refusal.to_string() == words).cloned();
        plain.or_else(|| NAMING.iter().find_map(|&make| one(make))).or_else(two)
    }
}

/// Those that name nothing.
const PLAIN: [Refusal; 18] = [
    Refusal::NickInvalid,
    Refusal::NickTooLong,
    Refusal::NickReserved,
    Refusal::NickMisleads,
    Refusal::NickTaken,
    Refusal::Full,
    Refusal::NotJoined,
    Refusal::AlreadyJoined,
    Refusal::RoomInvalid,
    Refusal::RoomTooLong,
    Refusal::TooManyRooms,
    Refusal::TooManyOwnRooms,
    Refusal::WhichRoom,
    Refusal::TextTooLong,
    Refusal::PasswordNeeded,
    Refusal::PasswordRegisters,
    Refusal::LeaveForPassword,
    Refusal::LeaveToRegister,
];

/// Those with one name or reason in them.
const NAMING: [fn(Name) -> Refusal; 9] = [
    Refusal::NoSuchPerson,
    Refusal::NoSuchRoom,
    Refusal::RoomExists,
    Refusal::AlreadyMember,
    Refusal::NotMember,
    Refusal::NotOwner,
    Refusal::TooMuchWaits,
    Refusal::OpensNothing,
    Refusal::NotNow,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_understood_by_its_words() {
        let named = NAMING.iter().map(|make| make("o'neil".into()));
        let two = Refusal::MemberAlready("o'neil".into(), "den".into());
        for refusal in PLAIN.into_iter().chain(named).chain([two]) {
            assert_eq!(Refusal::parse(&refusal.to_string()), Some(refusal));
        }
        for words in ["", "hello", "User 'bob' has left the chat", "Room den created successfully!"] {
            assert_eq!(Refusal::parse(words), None, "{words:?}");
        }
    }
}
