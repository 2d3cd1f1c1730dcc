//! Messages that a client has not said to have seen, for the time when its connection breaks.

use std::collections::VecDeque;
use std::rc::Rc;

/// Messages sent, oldest first; those before the first were seen.
#[derive(Debug, Default)]
pub(super) struct Kept {
    first: u64,
    messages: VecDeque<Rc<[u8]>>,
    bytes: usize,
}

impl Kept {
    pub fn push(&mut self, message: Rc<[u8]>) {
        self.bytes += message.len();
        self.messages.push_back(message);
    }

    /// Forgets the first `count` of all; false, and nothing is changed, where that is impossible: fewer were
    /// sent, or more were seen before.
    pub fn on_seen(&mut self, count: u64) -> bool {
        let Some(news) = count.checked_sub(self.first).filter(|&news| news <= self.messages.len() as u64)
        else {
            return false;
        };
        let seen: usize = self.messages.drain(..news as usize).map(|message| message.len()).sum();
        self.bytes -= seen;
        self.first = count;
        true
    }

    pub fn iter(&self) -> impl Iterator<Item = &Rc<[u8]>> {
        self.messages.iter()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
