//! The vocabulary between room and dialects: what clients ask, what they hear, and who hears it.
//!
//! Every dialect translates to and from these words, so a request means the same whichever program
//! it came from. Where a dialect shows a request's author something else than it shows the others
//! (an echo, a copy, a confirmation), there are two events.

use std::borrow::Cow;
use std::slice;
use std::sync::Arc;

use super::files::{FileEvent, FileRequest, Recipient};
use super::printable::printable;

pub use super::refusal::Refusal;

/// A client of the room; the caller numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u32);

/// A nick, the name of a room, or a text: shared, because many events repeat it.
pub type Name = Arc<str>;

/// A list of names as it was at one moment; copied only if it changes while somebody looks.
pub type Names = Arc<Vec<Name>>;

/// Request of a client to the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// To come in under a nick.
    Join {
        /// The nick it would like.
        nick: String,
    },
    /// To go. A lost connection counts as this, too.
    Leave,
    /// To speak to everyone.
    Say {
        /// The text.
        text: Name,
    },
    /// To speak to one person.
    Tell {
        /// That person's nick.
        to: String,
        /// The text.
        text: Name,
    },
    /// To found a room and be its first member.
    Create {
        /// The room's name.
        room: String,
        /// True of a room that only the invited enter and see.
        private: bool,
    },
    /// To let somebody enter a private room, and tell that person of any room.
    Invite {
        /// That person's nick.
        to: String,
        /// The room's name; the only one that it is in if absent.
        room: Option<String>,
    },
    /// To end a room that it owns.
    Close {
        /// The room's name.
        room: String,
    },
    /// To become a member of a room.
    Enter {
        /// The room's name.
        room: String,
        /// True if the room is founded where it does not exist.
        create: bool,
    },
    /// To be a member no longer.
    Exit {
        /// The room's name.
        room: String,
    },
    /// To speak to the members of a room.
    SayIn {
        /// The room's name.
        room: String,
        /// The text.
        text: Name,
    },
    /// To speak to the members of a room, be it a member itself or not (program 3's way).
    Post {
        /// The room's name.
        room: String,
        /// The text.
        text: Name,
    },
    /// To know who is here.
    People,
    /// To know which rooms there are.
    Rooms,
    /// To change its nick.
    Rename {
        /// The new nick.
        nick: String,
    },
    /// To stay out of the list of people; nothing else changes.
    Hide,
    /// To be back in the list, at its end.
    Reveal,
    /// To see that the room is alive.
    Ping,
    /// To know the commands.
    Help,
    /// About a file that is sent.
    File(FileRequest),
    /// To show to somebody that it is writing.
    Hint(Recipient),
    /// To give one person what only the two pages read.
    Seal {
        /// That person's nick.
        to: String,
        /// Envelope, which the server does not understand.
        envelope: Name,
    },
}

/// Event that a client hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// You are in.
    Welcome {
        /// Your nick as the room understood it.
        nick: Name,
        /// People present, in the order of joining, you last.
        people: Names,
    },
    /// You are not let in.
    Rejected(Refusal),
    /// Refusal of your request.
    Refused(Refusal),
    /// Somebody came in.
    Joined {
        /// The person.
        nick: Name,
    },
    /// Somebody went.
    Left {
        /// The person.
        nick: Name,
    },
    /// You are out.
    Bye,
    /// Somebody spoke to everyone.
    Message {
        /// The person.
        from: Name,
        /// Text of the message.
        text: Name,
    },
    /// You spoke to everyone; some dialects show it to the author, too.
    Said {
        /// You.
        from: Name,
        /// Text of the message.
        text: Name,
    },
    /// Somebody spoke to you alone.
    Direct {
        /// The person.
        from: Name,
        /// Text of the message.
        text: Name,
    },
    /// You spoke to one person.
    Told {
        /// To whom.
        to: Name,
        /// Text of the message.
        text: Name,
    },
    /// Somebody spoke in a room that you are a member of.
    RoomMessage {
        /// Name of the room.
        room: Name,
        /// The person.
        from: Name,
        /// Text of the message.
        text: Name,
    },
    /// You spoke in a room that you are a member of.
    SaidIn {
        /// Name of the room.
        room: Name,
        /// You.
        from: Name,
        /// Text of the message.
        text: Name,
    },
    /// You founded a room.
    Created {
        /// Its name.
        room: Name,
    },
    /// You became a member of a room.
    Entered {
        /// Its name.
        room: Name,
    },
    /// You are a member of a room no longer.
    Exited {
        /// Its name.
        room: Name,
    },
    /// Somebody invites you into a room.
    Invitation {
        /// The room's name.
        room: Name,
        /// The person.
        from: Name,
    },
    /// You invited somebody into a room.
    Invited {
        /// The room's name.
        room: Name,
        /// The person invited.
        to: Name,
    },
    /// A room has ended, and with it your membership.
    Closed {
        /// Its name.
        room: Name,
        /// The person that ended it.
        by: Name,
    },
    /// List of the people present, in the order of joining.
    People {
        /// Their nicks, without those who hide.
        names: Names,
    },
    /// List of the rooms that the client may know of.
    Rooms {
        /// Their names, in alphabetical order.
        names: Names,
    },
    /// Somebody has another nick.
    Renamed {
        /// The old one.
        from: Name,
        /// The new one.
        to: Name,
    },
    /// You have another nick.
    NickChanged {
        /// The new one.
        to: Name,
    },
    /// You are out of the list.
    Hidden,
    /// You are in the list again.
    Revealed,
    /// The server itself says something: an administrator's words, a nick that was changed.
    Notice {
        /// Text of the message.
        text: Name,
    },
    /// Message to everyone from before you came.
    Past {
        /// Time of the message, in nanoseconds since 1970.
        unix_nanos: u64,
        /// The person.
        from: Name,
        /// Text of the message.
        text: Name,
    },
    /// The room is alive.
    Pong,
    /// The commands; each dialect knows its own.
    Help,
    /// About a file that is sent: only clients that take files hear it.
    File(FileEvent),
    /// Somebody is writing to you, or in this room: only pages hear it.
    Hint(Name, Option<Name>),
    /// Somebody gives you an envelope, which only the two pages read: only pages that do hear it.
    Sealed(Name, Name),
    /// You gave one person an envelope.
    SealedTo(Name),
}

/// Recipients of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// One client.
    One(ClientId),
    /// A whole list, or all of it but one.
    Group {
        /// The list, shared with the room rather than copied.
        members: Arc<Vec<ClientId>>,
        /// Client among them that does not hear it.
        but: Option<ClientId>,
    },
}

/// An event and who hears it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Recipients of the event.
    pub to: Audience,
    /// Event that they hear.
    pub event: Event,
}

/// The text of a request, borrowed as the request is.
macro_rules! carried {
    ($request:expr) => {
        match $request {
            Request::Say { text }
            | Request::Tell { text, .. }
            | Request::SayIn { text, .. }
            | Request::Post { text, .. }
            | Request::Seal { envelope: text, .. } => Some(text),
            _ => None,
        }
    };
}

impl Request {
    /// The text that it carries to other people.
    pub fn text(&self) -> Option<&str> {
        carried!(self).map(|text| &**text)
    }

    /// The same, to be changed.
    pub fn text_mut(&mut self) -> Option<&mut Name> {
        carried!(self)
    }

    /// The request with a text that does nothing but be read; see `chat::printable`.
    pub fn printable(mut self) -> Request {
        if let Some(text) = self.text_mut()
            && let Cow::Owned(changed) = printable(text)
        {
            *text = changed.into();
        }
        self
    }
}

/// The text of an event, borrowed as the event is.
macro_rules! text_of {
    ($event:expr) => {
        match $event {
            Event::Message { text, .. }
            | Event::Said { text, .. }
            | Event::Direct { text, .. }
            | Event::Told { text, .. }
            | Event::RoomMessage { text, .. }
            | Event::SaidIn { text, .. }
            | Event::Past { text, .. }
            | Event::Notice { text } => Some(text),
            _ => None,
        }
    };
}

impl Event {
    /// True of something said by somebody else (an echo to its author is not that).
    pub fn is_message(&self) -> bool {
        use Event::{Direct, Message, RoomMessage, Sealed};
        matches!(self, Message { .. } | Direct { .. } | RoomMessage { .. } | Sealed(..))
    }

    /// The text that it carries.
    pub fn text(&self) -> Option<&str> {
        text_of!(self).map(|text| &**text)
    }

    /// The same, to be changed.
    pub fn text_mut(&mut self) -> Option<&mut Name> {
        text_of!(self)
    }

    /// True if the event changes the list of people.
    pub fn changes_people(&self) -> bool {
        use Event::{Hidden, Joined, Left, Renamed, Revealed};
        matches!(self, Joined { .. } | Left { .. } | Renamed { .. } | Hidden | Revealed)
    }
}

impl Audience {
    /// The clients, in the order in which they became members.
    pub fn iter(&self) -> impl Iterator<Item = ClientId> {
        let (members, but) = match self {
            Audience::One(client) => (slice::from_ref(client), None),
            Audience::Group { members, but } => (members.as_slice(), *but),
        };
        members.iter().copied().filter(move |&client| Some(client) != but)
    }

    /// Number of clients.
    pub fn count(&self) -> usize {
        self.iter().count()
    }
}
