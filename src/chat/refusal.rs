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
            Refusal::Other(words) => f.write_str(words),
        }
    }
}
