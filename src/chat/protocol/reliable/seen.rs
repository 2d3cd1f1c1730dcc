//! Messages that have come before. The original's identifiers end in four random digits, so within
//! a second two different messages can have the same one; a repetition has the same checksum, too,
//! which covers identifier, content and time.

use std::collections::{BTreeSet, VecDeque};

/// So many are remembered.
const REMEMBERED: usize = 1_024;

/// The messages that came last.
#[derive(Debug, Default)]
pub struct Seen {
    known: BTreeSet<[u8; 8]>,
    /// The same in the order of coming.
    order: VecDeque<[u8; 8]>,
}

impl Seen {
    /// True if the message with this digest comes for the first time; from now on it is known.
    pub fn is_new(&mut self, digest: [u8; 8]) -> bool {
        if !self.known.insert(digest) {
            return false;
        }
        self.order.push_back(digest);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }

    /// Should the message with this digest come again, it comes for the first time.
    pub fn forget(&mut self, digest: [u8; 8]) {
        if self.known.remove(&digest) {
            self.order.retain(|&other| other != digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::Message;
    use super::*;

    fn message(content: &str) -> [u8; 8] {
        let message = Message {
            id: "chat_1700000000_1234".into(),
            kind: "chat".into(),
            sender: "alice".into(),
            content: content.into(),
            timestamp: 1.into(),
            order: None,
        };
        message.digest()
    }

    #[test]
    fn a_repetition_is_known_and_a_colliding_identifier_is_none() {
        let mut seen = Seen::default();
        assert!(seen.is_new(message("one")));
        assert!(seen.is_new(message("two")));
        assert!(!seen.is_new(message("one")));
        assert!(!seen.is_new(message("two")));
        seen.forget(message("one"));
        assert!(seen.is_new(message("one")) && !seen.is_new(message("one")));
    }

    #[test]
    fn memory_is_bounded() {
        let mut seen = Seen::default();
        for n in 0..3 * REMEMBERED {
            assert!(seen.is_new(message(&n.to_string())));
        }
        assert_eq!((seen.known.len(), seen.order.len()), (REMEMBERED, REMEMBERED));
        assert!(!seen.is_new(message(&(3 * REMEMBERED - 1).to_string())));
    }
}
