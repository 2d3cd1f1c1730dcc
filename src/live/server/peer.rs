//! One connection as its tasks know it: where it is written, and what they wait for.

use std::rc::Rc;

use tokio::sync::Notify;

use crate::live::socket::Socket;

/// A connection.
#[derive(Debug)]
pub(super) struct Peer {
    /// Written by the hub itself where no path is emulated.
    pub socket: Option<Rc<Socket>>,
    /// True if several messages may go in one write.
    pub framed: bool,
    /// The number of its emulated path, if it has one.
    pub path: Option<u64>,
    /// True if that is another than everybody's.
    pub is_shaped: bool,
    /// Rouses its writer: there is something to write, or it is closing.
    pub writer: Rc<Notify>,
    /// Rouses its listener: what it waited for has come.
    pub heard: Rc<Notify>,
    /// Ends it: it takes too long to read its last words, it is broken, or its client has come back on
    /// another connection.
    pub overdue: Rc<Notify>,
    /// Key with which its client comes back.
    pub key: Option<Key>,
}

/// Digest of what a client shows when it comes back.
pub type Key = [u8; 32];

/// Key of a client that may come back, and the number of messages that it has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The key.
    pub key: Key,
    /// The number.
    pub seen: u64,
    /// True if the client knows that it is in the place of another connection.
    pub returns: bool,
}

impl Peer {
    pub fn new(socket: Option<Rc<Socket>>, framed: bool, key: Option<Key>) -> Peer {
        Peer {
            socket,
            framed,
            path: None,
            is_shaped: false,
            writer: Rc::default(),
            heard: Rc::default(),
            overdue: Rc::default(),
            key,
        }
    }
}
