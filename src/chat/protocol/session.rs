//! The two sides of a conversation on a real connection, each a state machine without sockets:
//! bytes and time in; requests, events and bytes out.
//!
//! Three of the six dialects have no framing: to them one read is one message and one write is
//! one message. Therefore [`ServerSession::receive`] takes exactly what one read returned, and each
//! item of [`ServerSession::poll_send`] is meant for a write of its own. Where the bytes cross a
//! stream that merges (an emulated path), whoever carries them keeps these borders.

use std::fmt;
use std::rc::Rc;

use super::{After, Heard, Malformed, Timestamp};
use crate::chat::message::{Event, Request};
use crate::time::{Duration, Instant};

/// Time of an event: `now` measures spans, `at` is the time that texts show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Never runs backwards.
    pub now: Instant,
    /// Civil time.
    pub at: Timestamp,
    /// Time zone of a wall clock here: seconds east of Greenwich.
    pub zone_s: i32,
}

impl Moment {
    /// An instant of a world, in whose zone the day begins at midnight UTC.
    pub fn of_world(now: Instant) -> Moment {
        Moment { now, at: Timestamp::of_world(now), zone_s: 0 }
    }
}

/// An event's encoding in each form, made once and shared by all who hear it.
#[derive(Debug, Default)]
pub struct Encodings {
    /// Number of this event of the server; no two have the same.
    pub serial: u64,
    /// By form. There are a few of them.
    forms: Vec<(&'static str, Rc<[u8]>)>,
}

impl Encodings {
    /// None yet, of event number `serial`.
    pub fn new(serial: u64) -> Encodings {
        Encodings { serial, ..Encodings::default() }
    }

    /// The encoding in the form of this name, which `encode` appends if nobody has asked for it before. An
    /// event that the form does not show is empty.
    #[inline]
    pub fn get(&mut self, form: &'static str, encode: impl FnOnce(&mut Vec<u8>)) -> &Rc<[u8]> {
        let place = self.forms.iter().position(|(other, _)| *other == form).unwrap_or_else(|| {
            let mut bytes = Vec::with_capacity(512);
            encode(&mut bytes);
            self.forms.push((form, bytes.into()));
            self.forms.len() - 1
        });
        &self.forms[place].1
    }
}

/// One thing that a client asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The room answers it.
    Room(Request),
    /// The session answers it, with this.
    Session(Rc<[u8]>),
    /// The session answers it once it is served, or passes over so many bytes.
    Note(usize),
}

impl Ask {
    /// True of the many words of a file under way, which weigh less than others: see `server::limit`.
    pub fn is_of_flow(&self) -> bool {
        matches!(self, Ask::Room(Request::File(request)) if request.is_of_flow())
    }

    /// Bytes of what it says.
    pub fn text_bytes(&self) -> usize {
        match self {
            Ask::Room(Request::File(request)) => request.bytes(),
            Ask::Room(request) => request.text().map_or(0, str::len),
            Ask::Session(answer) => answer.len(),
            Ask::Note(bytes) => *bytes,
        }
    }
}

/// Requests of one read, in order. An answer of the session itself (a prompt, a usage, an unknown command)
/// stands among the rest, so that it waits for its turn and counts against the client's rate as all does.
#[derive(Debug, Default)]
pub struct Asked(Vec<Ask>);

impl Asked {
    /// Something for the room.
    pub fn push(&mut self, request: Request) {
        self.0.push(Ask::Room(request));
    }

    /// Something that the session answers, with these bytes.
    pub fn answer(&mut self, bytes: Rc<[u8]>) {
        self.0.push(Ask::Session(bytes));
    }

    /// Something that the session answers by itself once it is served, or so many bytes that it passes over.
    pub fn note(&mut self, bytes: usize) {
        self.0.push(Ask::Note(bytes));
    }

    /// Takes it out, in order.
    pub fn drain(&mut self) -> impl Iterator<Item = Ask> {
        self.0.drain(..)
    }

    /// Number of requests.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there is no request.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The server's side of one connection.
pub trait ServerSession: fmt::Debug {
    /// The connection has opened as the `connected`th that is open now.
    fn open(&mut self, _moment: Moment, _connected: usize, _out: &mut Asked) {}

    /// Takes what one read returned and appends what it asks.
    fn receive(&mut self, moment: Moment, bytes: &[u8], out: &mut Asked) -> Result<(), Malformed>;

    /// The oldest of the things that it has read is being served: what acknowledges it may go.
    fn on_served(&mut self, _moment: Moment) {}

    /// The oldest of the things that it has read was not done and will not be: nothing acknowledges
    /// it, and should it come again, it is a new one.
    fn on_refused(&mut self, moment: Moment) {
        self.on_served(moment);
    }

    /// The room tells it something. What is sent for it is then in [`poll_send`](Self::poll_send);
    /// what others of its form have encoded already is in `encodings`.
    fn tell(&mut self, moment: Moment, event: &Event, encodings: &mut Encodings) -> After;

    /// The client has closed its side: what waits for its acknowledgments goes now, because there will be none.
    fn on_end_of_file(&mut self) {}

    /// True if its messages keep their borders when several go in one write.
    fn is_framed(&self) -> bool;

    /// True if its client knows what [`Event::File`] is.
    fn takes_files(&self) -> bool {
        false
    }

    /// True if its client shows [`Event::Hint`].
    fn takes_hints(&self) -> bool {
        false
    }

    /// True if its client opens [`Event::Sealed`].
    fn opens_envelopes(&self) -> bool {
        false
    }

    /// True if it wants [`Event::People`] at every change of the list.
    fn wants_people(&self) -> bool {
        false
    }

    /// True if a newcomer with a nick that is taken gets a number instead of a refusal, which would only
    /// make its client come again.
    fn numbers_duplicates(&self) -> bool {
        false
    }

    /// The state of its own acknowledgments, if the dialect has any.
    fn account(&self) -> Option<Account> {
        None
    }

    /// The next bytes for the socket, one write each; `None` until something else happens.
    fn poll_send(&mut self) -> Option<Rc<[u8]>>;

    /// True if it must join within the usual time; a client that only tests the connection need not.
    fn must_join(&self) -> bool {
        true
    }

    /// Bytes that wait here, for the peer's acknowledgments or the right time; they count towards the bound
    /// of its queue.
    fn waiting_bytes(&self) -> usize {
        0
    }

    /// Time at which it wants to be woken.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// True if that is about the client's silence, which means nothing while nothing is read.
    fn minds_silence(&self) -> bool {
        false
    }

    /// Its time has come: it may repeat what was not acknowledged, send a heartbeat, take what was read for
    /// whole and append what that asks, or give up.
    fn handle_timeout(&mut self, _moment: Moment, _out: &mut Asked) -> After {
        After::Stay
    }

    /// True if its client may come back on another connection: nobody is told that it is gone until it has not
    /// come for a while.
    fn outlives_connection(&self) -> bool {
        false
    }

    /// The client has come back, after so many messages; what it has not seen is sent again, and nothing of the
    /// connection before matters. False, and nothing is changed, if that cannot be.
    fn resume(&mut self, _moment: Moment, _seen: u64) -> bool {
        false
    }

    /// The client will send no more: appends what the rest of its bytes asks.
    fn finish(&mut self, _moment: Moment, _out: &mut Asked) {}
}

/// The state of a session that repeats what was not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Account {
    /// Congestion window, in messages.
    pub cwnd: f64,
    /// Slow-start threshold, in messages.
    pub ssthresh: f64,
    /// Retransmission timeout.
    pub rto: Duration,
    /// Smoothed round trip, after the first sample.
    pub srtt: Option<Duration>,
    /// Messages not acknowledged yet.
    pub pending: usize,
    /// Messages sent again so far.
    pub retransmissions: u64,
    /// `slow_start`, `congestion_avoidance` or `fast_recovery`.
    pub state: &'static str,
}

/// The client's side of one connection.
///
/// A request made before the server has let it in waits until then, where the dialect could not tell
/// it from the name.
pub trait ClientSession: fmt::Debug {
    /// Manner of its dialect's servers.
    fn manner(&self) -> Manner {
        Manner::default()
    }

    /// An error if the dialect has no words for a request, or this server does not know it;
    /// [`ask`](Self::ask) refuses those.
    fn speaks(&self, request: &Request) -> Result<(), NotSaid>;

    /// Asks something of the server; what is sent for it is then in [`poll_send`](Self::poll_send).
    fn ask(&mut self, moment: Moment, request: &Request) -> Result<(), NotSaid>;

    /// Asks for a sign that the server has answered all before it, which is unsettled until it comes.
    /// Nothing where the farewell is such a sign.
    fn fence(&mut self, _moment: Moment) {}

    /// Takes what one read returned and appends what it tells.
    fn receive(&mut self, moment: Moment, bytes: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed>;

    /// Takes what one read returned and appends only what a synthetic person must know of it: a busy room makes
    /// everybody hear everything.
    fn listen(&mut self, moment: Moment, bytes: &[u8], out: &mut Vec<Heard>) -> Result<(), Malformed> {
        let mut events = Vec::new();
        let result = self.receive(moment, bytes, &mut events);
        out.extend(events.iter().filter_map(Heard::of));
        result
    }

    /// The next bytes for the socket, one write each.
    fn poll_send(&mut self) -> Option<Rc<[u8]>>;

    /// The least time between two writes: a server without frames takes what one read brings for
    /// one message.
    fn gap(&self) -> Duration {
        Duration::ZERO
    }

    /// Requests that the server has not acknowledged, oldest first, to be asked again after a
    /// reconnection; always empty where the dialect has no acknowledgments.
    fn unacknowledged(&self) -> Vec<Request> {
        Vec::new()
    }

    /// Number of requests that it has still to send, or the server to acknowledge.
    fn unsettled(&self) -> usize {
        0
    }

    /// Time at which it wants to be woken.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Its time has come.
    fn handle_timeout(&mut self, _moment: Moment) -> After {
        After::Stay
    }
}

/// Evidence that a dialect's servers give of having served a request, and its consequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent abilities, not one state")]
pub struct Manner {
    /// True if each request is acknowledged, so that nothing need be guessed from the answers.
    pub acknowledges: bool,
    /// Requests that may be on their way to the server at once.
    pub in_flight: usize,
    /// True if speakers hear their own messages to everyone.
    pub echoes: bool,
    /// True if a message that is cut short is none; without frames it is one.
    pub is_framed: bool,
    /// True if original servers know private messages only.
    pub is_private: bool,
    /// True if the server prompts for each text, which costs a round trip and a message more.
    pub is_prompted: bool,
}

impl Default for Manner {
    fn default() -> Manner {
        Manner {
            acknowledges: false,
            in_flight: 1,
            echoes: false,
            is_framed: false,
            is_private: false,
            is_prompted: false,
        }
    }
}

/// Reason for which a request is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSaid {
    /// The dialect has no words for it.
    #[error("this dialect has no words for that")]
    NoWords,
    /// The server says it unasked.
    #[error("this dialect shows the list by itself, whenever it changes")]
    ByItself,
    /// The dialect has words for it that this server has shown not to know.
    #[error("this server does not know that")]
    Unknown,
    /// A server takes no longer message than this, in bytes; a longer one would end the connection.
    #[error("that is too long: a message has at most {0} bytes")]
    TooLong(usize),
}
