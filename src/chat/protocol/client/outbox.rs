//! Outgoing texts of a client without frames.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::chat::protocol::session::NotSaid;

/// Most bytes that a server reads at once: a longer text would be several to it.
const LONGEST: usize = 16 * 1024;

/// One write each. Until the client is in, its server takes any text for its name, or a part of it.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    is_in: bool,
    held: VecDeque<Rc<[u8]>>,
    out: VecDeque<Rc<[u8]>>,
}

impl Outbox {
    /// True if the server has let it in.
    pub fn is_in(&self) -> bool {
        self.is_in
    }

    /// The server has let it in: what waited for that goes.
    pub fn let_in(&mut self) {
        self.is_in = true;
        self.out.append(&mut self.held);
    }

    /// Sends at once.
    pub fn send(&mut self, text: &str) {
        self.out.push_back(text.as_bytes().into());
    }

    /// Sends as soon as it is in.
    pub fn send_inside(&mut self, text: &str) -> Result<(), NotSaid> {
        fits(text)?;
        let queue = if self.is_in { &mut self.out } else { &mut self.held };
        queue.push_back(text.as_bytes().into());
        Ok(())
    }

    pub fn pop(&mut self) -> Option<Rc<[u8]>> {
        self.out.pop_front()
    }
}

/// An error if a server would not take the text for one message.
pub(super) fn fits(text: &str) -> Result<(), NotSaid> {
    if text.len() > LONGEST { Err(NotSaid::TooLong(LONGEST)) } else { Ok(()) }
}
