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
    /// Rouses its writer: there is something to write, or it is closing.
    pub writer: Rc<Notify>,
    /// Rouses its listener: what it waited for has come.
    pub heard: Rc<Notify>,
    /// Ends it: it takes too long to read its last words.
    pub overdue: Rc<Notify>,
}

impl Peer {
    pub fn new(socket: Option<Rc<Socket>>, framed: bool) -> Peer {
        Peer {
            socket,
            framed,
            path: None,
            writer: Rc::default(),
            heard: Rc::default(),
            overdue: Rc::default(),
        }
    }
}
