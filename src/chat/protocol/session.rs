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
use crate::time::Instant;

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

/// How many different ways there are to encode an event; see [`ServerSession::form`].
pub const FORMS: usize = 8;

/// An event's encoding in each form, made once and shared by all who hear it.
pub type Encodings = [Option<Arc<[u8]>>; FORMS];

/// The server's side of one connection.
pub trait ServerSession: fmt::Debug + Send {
    /// The connection has opened as the `connected`th that is open now.
    fn open(&mut self, moment: Moment, connected: usize);

    /// Takes what one read returned and appends what it asks.
    fn receive(&mut self, moment: Moment, bytes: &[u8], out: &mut Vec<Request>) -> Result<(), Malformed>;

    /// The room tells it something. What is sent for it is then in [`poll_send`](Self::poll_send);
    /// an encoding that is in `encodings` at [`form`](Self::form) is used, or put there.
    fn tell(&mut self, moment: Moment, event: &Event, encodings: &mut Encodings) -> After;

    /// Which encodings it can share with other sessions: below [`FORMS`].
    fn form(&self) -> usize;

    /// The next bytes for the socket, one write each; `None` until something else happens.
    fn poll_send(&mut self) -> Option<Arc<[u8]>>;

    /// How many bytes wait for the peer's acknowledgments; counts towards the bound of its queue.
    fn waiting_bytes(&self) -> usize {
        0
    }

    /// When it wants to be woken.
    fn poll_timeout(&self) -> Option<Instant>;

    /// Its time has come: it may repeat what was not acknowledged, send a heartbeat, or give up.
    fn handle_timeout(&mut self, moment: Moment) -> After;
}

/// The client's side of one connection.
pub trait ClientSession: fmt::Debug + Send {
    /// Asks something of the server; what is sent for it is then in [`poll_send`](Self::poll_send).
    fn ask(&mut self, moment: Moment, request: &Request);

    /// Takes what one read returned and appends what it tells.
    fn receive(&mut self, moment: Moment, bytes: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed>;

    /// The next bytes for the socket, one write each.
    fn poll_send(&mut self) -> Option<Arc<[u8]>>;

    /// Requests that the server has not acknowledged, oldest first, to be asked again after a
    /// reconnection; always empty where the dialect has no acknowledgments.
    fn unacknowledged(&self) -> Vec<Request> {
        Vec::new()
    }

    /// When it wants to be woken.
    fn poll_timeout(&self) -> Option<Instant>;

    /// Its time has come.
    fn handle_timeout(&mut self, moment: Moment) -> After;
}
