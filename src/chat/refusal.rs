//! Why a request is not granted, and in which words.

use std::fmt;
use std::sync::Arc;

/// As in [`message`](super::message).
type Name = Arc<str>;

/// Why a request is not granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The nick is empty, or has characters that cannot be seen.
    NickInvalid,
    /// The nick is too long.
    NickTooLong,
    /// The nick is a name of the server's own.
    NickReserved,
    /// The nick would pass for something else in one of the dialects.
    NickMisleads,
    /// Somebody else has it.
    NickTaken,
    /// No more people are let in.
    Full,
    /// It asks for something that only people who are in may ask.
    NotJoined,
    /// It is in already.
    AlreadyJoined,
    /// Nobody has this nick.
    NoSuchPerson(Name),
    /// The room's name is empty, too long, has characters that cannot be seen, or would pass for
    /// something else.
    RoomInvalid,
    /// There are too many rooms.
    TooManyRooms,
    /// This person owns as many rooms as one may.
    TooManyOwnRooms,
    /// There is no such room, or a private one of which it is not to know.
    NoSuchRoom(Name),
    /// There is such a room already.
    RoomExists(Name),
    /// It is a member already.
    AlreadyMember(Name),
    /// This person is a member of this room already.
    MemberAlready(Name, Name),
    /// It is no member.
    NotMember(Name),
    /// The room is not its own.
    NotOwner(Name),
    /// It is in no room or in several, and has named none.
    WhichRoom,
    /// So much waits for this person, who is away, that no more is kept.
    TooMuchWaits(Name),
    /// The text is too long.
    TextTooLong,
    /// The name is registered, and no password was shown.
    PasswordNeeded,
    /// Only registered names come in, and this one could be with a password.
    PasswordRegisters,
    /// The name is registered, and a password is shown only when one comes in.
    LeaveForPassword,
    /// Only registered names are here, and one registers only when one comes in.
    LeaveToRegister,
    /// The server cannot do it at present, for this reason.
    NotNow(Name),
    /// In the words of a server whose reasons we do not know.
    Other(Name),
}

impl Refusal {
    /// Whether another nick would do.
    pub fn is_of_nick(&self) -> bool {
        use Refusal::{NickInvalid, NickMisleads, NickReserved, NickTaken, NickTooLong};
        matches!(self, NickInvalid | NickTooLong | NickReserved | NickMisleads | NickTaken)
    }
}

impl fmt::Display for Refusal {
    /// "Invalid username" and "Username already taken" are program 1's own words, which its client shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NickInvalid => f.write_str("Invalid username"),
            Refusal::NickTooLong => f.write_str("Invalid username: it is too long"),
            Refusal::NickReserved => f.write_str("Invalid username: the server has this name itself"),
            Refusal::NickMisleads => f.write_str("Invalid username: use letters, digits, _ and -"),
            Refusal::NickTaken => f.write_str("Username already taken"),
            Refusal::Full => f.write_str("Server is full"),
            Refusal::NotJoined => f.write_str("Join first"),
            Refusal::AlreadyJoined => f.write_str("Already joined"),
            Refusal::NoSuchPerson(nick) if nick.is_empty() => f.write_str("Say to whom: there is no name"),
            Refusal::NoSuchPerson(nick) => write!(f, "User '{nick}' not found"),
            Refusal::RoomInvalid => f.write_str("Invalid room name: use letters, digits, _ and -"),
            Refusal::TooManyRooms => {
                f.write_str("The server has as many rooms as it allows: join one of them")
            }
            Refusal::TooManyOwnRooms => {
                f.write_str("You own as many rooms as one may: close one with /close ROOM")
            }
            Refusal::NotOwner(room) => write!(f, "Room '{room}' is not yours: only its owner may close it"),
            Refusal::WhichRoom => f.write_str("Say which room: /invite NAME ROOM"),
            Refusal::TooMuchWaits(nick) => {
                write!(f, "'{nick}' is away, and no more messages are kept until they are read")
            }
            Refusal::NoSuchRoom(room) | Refusal::NotMember(room) if room.is_empty() => {
                f.write_str("Say which room: there is no name")
            }
            Refusal::NoSuchRoom(room) => write!(
                f,
                "There is no room '{room}' that you may enter: ask a member for /invite, or found it with \
                 /create"
            ),
            Refusal::RoomExists(room) => {
                write!(f, "Room '{room}', or one that looks like it, already exists")
            }
            Refusal::AlreadyMember(room) => write!(f, "Already a member of room '{room}'"),
            Refusal::MemberAlready(nick, room) => {
                write!(f, "'{nick}' is already a member of room '{room}'")
            }
            Refusal::NotMember(room) => write!(f, "Not a member of room '{room}'"),
            Refusal::TextTooLong => f.write_str("Message too long"),
            Refusal::PasswordNeeded => f.write_str("This name needs its password: write NAME:PASSWORD"),
            Refusal::PasswordRegisters => {
                f.write_str("Names need a password here: write NAME:PASSWORD, which registers a new one")
            }
            Refusal::LeaveForPassword => {
                f.write_str("This name is registered: leave, and come back as NAME:PASSWORD")
            }
            Refusal::LeaveToRegister => {
                f.write_str("A name is registered when one comes in: leave, and come back as NAME:PASSWORD")
            }
            Refusal::NotNow(why) => write!(f, "Not done: {why}"),
            Refusal::Other(words) => f.write_str(words),
        }
    }
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
const PLAIN: [Refusal; 17] = [
    Refusal::NickInvalid,
    Refusal::NickTooLong,
    Refusal::NickReserved,
    Refusal::NickMisleads,
    Refusal::NickTaken,
    Refusal::Full,
    Refusal::NotJoined,
    Refusal::AlreadyJoined,
    Refusal::RoomInvalid,
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
const NAMING: [fn(Name) -> Refusal; 8] = [
    Refusal::NoSuchPerson,
    Refusal::NoSuchRoom,
    Refusal::RoomExists,
    Refusal::AlreadyMember,
    Refusal::NotMember,
    Refusal::NotOwner,
    Refusal::TooMuchWaits,
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
