//! The two sides of a conversation on a real connection, each a state machine without sockets:
//! bytes and time in; requests, events and bytes out.
//!
//! Three of the five dialects have no framing: to them one read is one message and one write is
//! one message. Therefore [`ServerSession::receive`] takes exactly what one read returned, and each
//! item of [`ServerSession::poll_send`] is meant for a write of its own. Where the bytes cross a
//! stream that merges (an emulated path), whoever carries them keeps these borders.

use std::fmt;
use std::sync::Arc;

use super::{After, Malformed, Timestamp};
use crate::chat::message::{Event, Request};
use crate::time::{Duration, Instant};

/// When something happens: `now` measures spans, `at` is what texts show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Never runs backwards.
    pub now: Instant,
    /// Civil time.
    pub at: Timestamp,
    /// What a wall clock here shows: seconds east of Greenwich.
    pub zone_s: i32,
}

/// How many different ways there are to encode an event.
pub const FORMS: usize = 10;

/// An event's encoding in each form, made once and shared by all who hear it.
#[derive(Debug, Default)]
pub struct Encodings {
    /// Which event of the server this is; no two have the same number.
    pub serial: u64,
    forms: [Option<Arc<[u8]>>; FORMS],
}

impl Encodings {
    /// None yet, of event number `serial`.
    pub fn new(serial: u64) -> Encodings {
        Encodings { serial, ..Encodings::default() }
    }

    /// The encoding in `form`, which `encode` appends if nobody has asked for it before. An event
    /// that the form does not show is empty.
    pub fn get(&mut self, form: usize, encode: impl FnOnce(&mut Vec<u8>)) -> &Arc<[u8]> {
        self.forms[form].get_or_insert_with(|| {
            let mut bytes = Vec::new();
            encode(&mut bytes);
            bytes.into()
        })
    }
}

/// The server's side of one connection.
pub trait ServerSession: fmt::Debug + Send {
    /// The connection has opened as the `connected`th that is open now.
    fn open(&mut self, _moment: Moment, _connected: usize, _out: &mut Vec<Request>) {}

    /// Takes what one read returned and appends what it asks.
    fn receive(&mut self, moment: Moment, bytes: &[u8], out: &mut Vec<Request>) -> Result<(), Malformed>;

    /// The oldest of the requests that it has read is being served: what acknowledges it may go.
    fn on_served(&mut self, _moment: Moment) {}

    /// The oldest of the requests that it has read was not served and will not be: nothing acknowledges
    /// it, and should it come again, it is a new one.
    fn on_refused(&mut self, moment: Moment) {
        self.on_served(moment);
    }

    /// How many answers wait for that.
    fn waiting_answers(&self) -> usize {
        0
    }

    /// The room tells it something. What is sent for it is then in [`poll_send`](Self::poll_send);
    /// what others of its form have encoded already is in `encodings`.
    fn tell(&mut self, moment: Moment, event: &Event, encodings: &mut Encodings) -> After;

    /// Whether its messages keep their borders when several go in one write.
    fn is_framed(&self) -> bool;

    /// Whether it wants [`Event::People`] at every change of the list.
    fn wants_people(&self) -> bool {
        false
    }

    /// Whether a newcomer whose nick is taken gets a number instead of a refusal, which would only
    /// make its client come again.
    fn numbers_duplicates(&self) -> bool {
        false
    }

    /// The state of its own acknowledgments, if the dialect has any.
    fn account(&self) -> Option<Account> {
        None
    }

    /// The next bytes for the socket, one write each; `None` until something else happens.
    fn poll_send(&mut self) -> Option<Arc<[u8]>>;

    /// Whether it must join within the usual time; who only tests the connection need not.
    fn must_join(&self) -> bool {
        true
    }

    /// How many bytes wait here, for the peer's acknowledgments or the right time; counts towards the bound of its queue.
    fn waiting_bytes(&self) -> usize {
        0
    }

    /// When it wants to be woken.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Its time has come: it may repeat what was not acknowledged, send a heartbeat, or give up.
    fn handle_timeout(&mut self, _moment: Moment) -> After {
        After::Stay
    }
}

/// The state of a session that repeats what was not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Account {
    /// Congestion window, in messages.
    pub cwnd: f64,
    /// Where slow start ends, in messages.
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
/// What is asked before the server has let it in waits until then, where the dialect could not tell
/// it from the name.
pub trait ClientSession: fmt::Debug + Send {
    /// Asks something of the server; what is sent for it is then in [`poll_send`](Self::poll_send).
    fn ask(&mut self, moment: Moment, request: &Request) -> Result<(), NotSaid>;

    /// Takes what one read returned and appends what it tells.
    fn receive(&mut self, moment: Moment, bytes: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed>;

    /// The next bytes for the socket, one write each.
    fn poll_send(&mut self) -> Option<Arc<[u8]>>;

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

    /// How many requests it has still to send, or the server to acknowledge.
    fn unsettled(&self) -> usize {
        0
    }

    /// When it wants to be woken.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Its time has come.
    fn handle_timeout(&mut self, _moment: Moment) -> After {
        After::Stay
    }
}

/// Why a request is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSaid {
    /// The dialect has no words for it.
    NoWords,
    /// A server takes no longer message than this, in bytes; a longer one would end the connection.
    TooLong(usize),
}

impl fmt::Display for NotSaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotSaid::NoWords => f.write_str("this dialect has no words for that"),
            NotSaid::TooLong(limit) => write!(f, "that is too long: a message has at most {limit} bytes"),
        }
    }
}

impl std::error::Error for NotSaid {}
