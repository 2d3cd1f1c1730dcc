//! Requests that were written, and the conclusions from the server's answers about them.

use std::collections::VecDeque;

use crate::chat::message::{Event, Request};

/// Requests written over one connection and not known to have been served.
///
/// A server serves in order: an answer to one request shows that all before it were served, whether
/// the dialect answers those or not.
#[derive(Debug, Default)]
pub struct Unanswered {
    /// Requests, and how many of the same kind in a row.
    runs: VecDeque<(Request, u64)>,
    /// True if the server shows speakers their own messages to everyone.
    echoes: bool,
}

impl Unanswered {
    /// Nothing yet, towards a server that echoes, or may.
    pub fn new(echoes: bool) -> Unanswered {
        Unanswered { runs: VecDeque::new(), echoes }
    }

    /// Something is about to be written.
    pub fn push(&mut self, request: &Request) {
        match self.runs.back_mut() {
            Some((last, count)) if std::mem::discriminant(last) == std::mem::discriminant(request) => {
                *count += 1;
            }
            _ => self.runs.push_back((request.clone(), 1)),
        }
    }

    /// The last of it was not written after all.
    pub fn take_back(&mut self) {
        if let Some(last) = self.runs.len().checked_sub(1) {
            self.take_one(last);
        }
    }

    /// True if the event answers a request, which is crossed out then with all before it.
    pub fn hear(&mut self, event: &Event) -> bool {
        self.echoes |= matches!(event, Event::Said { .. });
        let Some(answered) = self.runs.iter().position(|(request, _)| answers(event, request)) else {
            return false;
        };
        self.runs.drain(..answered);
        self.take_one(0);
        true
    }

    fn take_one(&mut self, run: usize) {
        self.runs[run].1 -= 1;
        if self.runs[run].1 == 0 {
            self.runs.remove(run);
        }
    }

    /// Number of requests that may have been lost with the connection.
    pub fn count(&self) -> u64 {
        self.runs.iter().map(|(_, count)| count).sum()
    }

    /// Number of messages without an echo from a server that echoes.
    pub fn without_echo(&self) -> u64 {
        let said = self.runs.iter().filter(|(request, _)| matches!(request, Request::Say { .. }));
        if self.echoes { said.map(|(_, count)| count).sum() } else { 0 }
    }
}

fn answers(event: &Event, request: &Request) -> bool {
    match event {
        Event::Said { .. } => matches!(request, Request::Say { .. }),
        Event::Told { .. } => matches!(request, Request::Tell { .. }),
        Event::SaidIn { .. } => matches!(request, Request::SayIn { .. }),
        Event::Created { .. } => matches!(request, Request::Create { .. } | Request::Enter { .. }),
        Event::Invited { .. } => matches!(request, Request::Invite { .. }),
        Event::Closed { .. } => matches!(request, Request::Close { .. }),
        Event::Entered { .. } => matches!(request, Request::Enter { .. }),
        Event::Exited { .. } => matches!(request, Request::Exit { .. }),
        Event::People { .. } => matches!(request, Request::People),
        Event::Rooms { .. } => matches!(request, Request::Rooms),
        Event::NickChanged { .. } => matches!(request, Request::Rename { .. }),
        Event::Hidden => matches!(request, Request::Hide),
        Event::Revealed => matches!(request, Request::Reveal),
        Event::Pong => matches!(request, Request::Ping),
        // Of whatever is the oldest: it failed, whichever it was.
        Event::Refused(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::message::Refusal;

    fn say() -> Request {
        Request::Say { text: "hi".into() }
    }

    fn said() -> Event {
        Event::Said { from: "kim".into(), text: "hi".into() }
    }

    #[test]
    fn an_answer_crosses_out_what_was_asked_before() {
        let mut unanswered = Unanswered::default();
        for request in [say(), say(), Request::People, say()] {
            unanswered.push(&request);
        }
        assert_eq!((unanswered.count(), unanswered.without_echo()), (4, 0));
        assert!(unanswered.hear(&Event::People { names: std::sync::Arc::default() }));
        assert_eq!(unanswered.count(), 1);
        assert!(unanswered.hear(&said()) && unanswered.count() == 0);
        assert!(!unanswered.hear(&said()));
    }

    #[test]
    fn who_echoes_once_is_to_echo_all() {
        let mut unanswered = Unanswered::default();
        for _ in 0..3 {
            unanswered.push(&say());
        }
        unanswered.hear(&said());
        assert_eq!((unanswered.count(), unanswered.without_echo()), (2, 2));
        unanswered.hear(&Event::Refused(Refusal::TextTooLong));
        unanswered.take_back();
        assert_eq!((unanswered.count(), unanswered.without_echo()), (0, 0));
    }
}
