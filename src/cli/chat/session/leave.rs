//! End of a conversation: the goodbye, and the account of it.

use std::time::Duration as Span;

use tokio::time::{Instant, timeout_at};

use super::{Person, SETTLES};
use crate::chat::message::{Event, Request};
use crate::cli::chat::screen::Screen;
use crate::cli::output::Failure;
use crate::live::client::Client;

/// Time that a server may take over a goodbye; with `--linger` as it is, one that is silent holds nobody up for a second.
const GOODBYE: Span = Span::from_millis(600);

impl Person<'_> {
    /// Says goodbye, ends its side and waits for the server's end: then it has read everything.
    pub(super) async fn leave(&mut self, mut client: Client, is_settled: bool) -> Result<(), Failure> {
        if is_settled {
            self.last = None;
        }
        // Not every dialect has words for it.
        let _ = client.ask(&Request::Leave);
        let asks = is_settled && matches!(self.screen, Screen::Lines) && self.unanswered.count() > 0;
        let by = Instant::now() + if asks { SETTLES } else { GOODBYE };
        let (mut events, mut has_ended) = (Vec::new(), false);
        let is_read = loop {
            // The goodbye is acknowledged as all before it is.
            if client.is_idle() && !has_ended && !self.manner.acknowledges {
                let Ok(Ok(())) = timeout_at(by, client.end()).await else { break false };
                has_ended = true;
            }
            let Ok(open) = timeout_at(by, client.next(&mut events)).await else { break false };
            let mut bye = false;
            for event in events.drain(..) {
                bye |= event == Event::Bye;
                self.hear(&event)?;
            }
            // A server that echoes has not read what it does not echo.
            let is_echoed = self.unanswered.without_echo() == 0;
            match open {
                _ if bye => break is_echoed,
                Ok(true) => {}
                Ok(false) => break has_ended && is_echoed,
                Err(_) => break false,
            }
        };
        self.count.unheard = !is_settled;
        self.take_back(&client);
        self.count.unsettled = self.unsaid();
        if !is_read {
            self.count.uncertain += self.unanswered.count();
        }
        Ok(())
    }

    /// A script wants to know whether all that it said was heard; a person has seen it.
    pub fn account(&self) -> Result<(), Failure> {
        let problems = self.problems();
        if problems.is_empty() { Ok(()) } else { Err(Failure::other(problems, "")) }
    }

    /// The same, where the connection could not be made again.
    pub fn account_of_loss(&mut self) -> String {
        self.count.unsettled = self.unsaid();
        self.problems()
    }

    /// Requests that no server has taken.
    fn unsaid(&self) -> u64 {
        (self.waiting.len() + self.awaited.held()) as u64
    }

    fn problems(&self) -> String {
        let mut problems = self.count.problems(self.manner.acknowledges, self.files.failed());
        if problems.is_empty() || matches!(self.screen, Screen::Editor { .. }) {
            return String::new();
        }
        if self.over.is_none() {
            problems.push("the rest was not read".to_owned());
        }
        problems.join(", ")
    }
}
