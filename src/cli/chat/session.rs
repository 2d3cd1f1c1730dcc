//! One connection, from joining to its end.

use std::collections::VecDeque;
use std::time::Duration as Span;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::commands::help;
use super::screen::{Screen, Typed};
use crate::chat::message::{Event, Name, Request};
use crate::chat::protocol::commands::{self, Command};
use crate::chat::protocol::{Kind, without_password};
use crate::cli::output::Failure;
use crate::live::client::Client;
use crate::live::clock::Clock;
use crate::units::plural;

/// How long a server may take over a goodbye.
const GOODBYE: Span = Span::from_secs(1);
/// How long a script waits until all that it said is sent and acknowledged.
const SETTLES: Span = Span::from_secs(60);
/// How often that is looked at.
const LOOK: Span = Span::from_millis(20);

/// What a session does when one connection has ended.
pub enum End {
    /// The person has left.
    Left,
    /// The server does not want this person.
    Rejected(String),
    /// The connection was lost; what is to be said again.
    Lost(String, VecDeque<Request>),
}

/// What was said and heard, over all connections.
#[derive(Debug, Default)]
pub struct Count {
    said: u64,
    heard: u64,
    /// What was typed and came to nothing.
    refused: u64,
    /// What was not sent or acknowledged at the end.
    unsettled: u64,
    /// How often it was connected.
    pub connections: u32,
}

/// Who talks, and where it is shown and typed.
pub struct Person<'a> {
    /// Nick, with the password if there is one.
    pub nick: &'a str,
    /// How long to listen after the end of the input.
    pub linger: Span,
    pub kind: Kind,
    pub clock: Clock,
    pub screen: Screen,
    pub typed: Typed,
    pub count: Count,
    /// What was said before the last loss and not acknowledged.
    pub again: VecDeque<Request>,
}

impl Person<'_> {
    /// Talks until the connection or the conversation ends; `joined` is called once it is in.
    pub async fn converse(&mut self, mut client: Client, mut joined: impl FnMut()) -> Result<End, Failure> {
        if let Err(error) = client.ask(&Request::Join { nick: self.nick.to_owned() }) {
            return Ok(End::Rejected(error.to_string()));
        }
        let mut events = Vec::new();
        let mut is_in = false;
        let mut over: Option<Over> = None;
        loop {
            let ends_at = over.as_mut().and_then(|over| over.ends_at(client.unsettled() == 0));
            let sleep = async {
                match (ends_at, &over) {
                    (Some(at), _) => sleep_until(at).await,
                    (None, Some(_)) => tokio::time::sleep(LOOK).await,
                    (None, None) => std::future::pending().await,
                }
            };
            tokio::select! {
                open = client.next(&mut events) => {
                    for event in events.drain(..) {
                        if self.exposes_password(&event) {
                            return Err(Failure::other(
                                "this server keeps no accounts: NAME:PASSWORD was your name, for all to see",
                                "come back as NAME alone, and use that password nowhere else",
                            ));
                        }
                        match &event {
                            Event::Welcome { .. } => {
                                is_in = true;
                                joined();
                                // Said before the loss and not acknowledged: once more, and no more.
                                for request in self.again.drain(..) {
                                    let _ = client.ask(&request);
                                }
                            }
                            Event::Rejected(refusal) => return Ok(End::Rejected(refusal.to_string())),
                            Event::Bye => return Ok(End::Left),
                            _ => {}
                        }
                        self.hear(&event)?;
                    }
                    let lost = match open {
                        Ok(true) => continue,
                        Ok(false) => "the server closed it".to_owned(),
                        Err(error) => error.to_string(),
                    };
                    if ends_at.is_some() {
                        self.count.unsettled = client.unsettled() as u64;
                        return Ok(End::Left);
                    }
                    let unsaid = client.unacknowledged().into_iter().filter(|request| request.text().is_some());
                    return Ok(End::Lost(lost, unsaid.collect()));
                }
                line = self.typed.lines.recv(), if is_in && over.is_none() => {
                    // A person who leaves does not wait.
                    let patience = if matches!(self.screen, Screen::Lines) { SETTLES } else { Span::ZERO };
                    match line {
                        None => over = Some(Over::new(self.linger, patience)),
                        Some(line) => {
                            if self.obey(&line, &mut client)? {
                                over = Some(Over::new(Span::ZERO, patience));
                            }
                        }
                    }
                }
                () = has_left(&mut self.typed.left), if !is_in => return Ok(End::Left),
                () = sleep, if over.is_some() => {
                    if ends_at.is_none() {
                        continue;
                    }
                    self.count.unsettled = client.unsettled() as u64;
                    self.leave(client).await?;
                    return Ok(End::Left);
                }
            }
        }
    }

    fn hear(&mut self, event: &Event) -> Result<(), Failure> {
        self.count.heard += u64::from(event.is_message());
        self.count.refused += u64::from(matches!(event, Event::Refused(_)));
        self.screen.event(self.clock.moment(), event)
    }

    /// Says goodbye, after what still waits to be said, and waits for the server's.
    async fn leave(&mut self, mut client: Client) -> Result<(), Failure> {
        let mut waits = client.ask(&Request::Leave).is_ok();
        let by = Instant::now() + GOODBYE;
        let mut events = Vec::new();
        while (waits || !client.is_idle()) && Instant::now() < by {
            if let Ok(Ok(false) | Err(_)) = timeout(LOOK, client.next(&mut events)).await {
                break;
            }
            for event in events.drain(..) {
                waits &= event != Event::Bye;
                self.hear(&event)?;
            }
        }
        Ok(())
    }

    /// Whether the server takes a nick with its password for a name.
    fn exposes_password(&self, event: &Event) -> bool {
        let whole = self.nick.trim();
        let shows = |people: &[Name]| people.iter().any(|name| **name == *whole);
        whole.contains(':')
            && match event {
                Event::Welcome { nick, people } => **nick == *whole || shows(people),
                Event::People { names } => shows(names),
                _ => false,
            }
    }

    /// Does what a line says; whether it was goodbye.
    fn obey(&mut self, line: &str, client: &mut Client) -> Result<bool, Failure> {
        let line = line.trim();
        if line.is_empty() {
            return Ok(false);
        }
        let request = match commands::parse(line) {
            _ if line.eq_ignore_ascii_case("/stats") => {
                let stats = format!(
                    "{}: {} said, {} heard, {}, {} not acknowledged",
                    without_password(self.nick),
                    self.count.said,
                    self.count.heard,
                    plural(self.count.connections.into(), "connection"),
                    client.unacknowledged().len()
                );
                return self.screen.answer(&stats).map(|()| false);
            }
            None => Request::Say { text: line.into() },
            Some(Command::Ask(Request::Leave)) => return Ok(true),
            Some(Command::Ask(Request::Help)) => {
                let help = help(self.kind, self.clock.moment());
                return self.screen.answer(&help).map(|()| false);
            }
            Some(Command::Ask(request)) => request,
            Some(Command::Usage(usage)) => return self.refuse(&format!("usage: {usage}")),
            Some(Command::Unknown) => {
                let word = line.split_whitespace().next().unwrap_or_default();
                return self.refuse(&format!("there is no command {word}; /help lists them"));
            }
        };
        match client.ask(&request) {
            Ok(()) => {
                self.count.said += u64::from(request.text().is_some());
                Ok(false)
            }
            Err(error) => self.refuse(&error.to_string()),
        }
    }

    /// Answers a line that comes to nothing.
    fn refuse(&mut self, why: &str) -> Result<bool, Failure> {
        self.count.refused += 1;
        self.screen.answer(why).map(|()| false)
    }

    /// A script wants to know whether all that it said was heard; a person has seen it.
    pub fn account(&self) -> Result<(), Failure> {
        let Count { refused, unsettled, .. } = self.count;
        let problem = match &self.screen {
            Screen::Lines if refused > 0 => format!("{} came to nothing, see above", plural(refused, "line")),
            Screen::Lines if unsettled > 0 => {
                let known = if self.kind == Kind::Reliable { "acknowledged" } else { "sent" };
                format!("{} not {known}", plural(unsettled, "line"))
            }
            _ => return Ok(()),
        };
        Err(Failure::other(problem, ""))
    }
}

/// The input is over; the connection ends some time after what was said has settled.
struct Over {
    linger: Span,
    patience_until: Instant,
    ends_at: Option<Instant>,
}

impl Over {
    fn new(linger: Span, patience: Span) -> Over {
        Over { linger, patience_until: Instant::now() + patience, ends_at: None }
    }

    /// When the connection ends, as far as that is known.
    fn ends_at(&mut self, settled: bool) -> Option<Instant> {
        let now = Instant::now();
        if self.ends_at.is_none() && (settled || now >= self.patience_until) {
            self.ends_at = Some(now + self.linger);
        }
        self.ends_at
    }
}

/// Waits until the person at the terminal has left; for a script, forever.
pub async fn has_left(left: &mut watch::Receiver<bool>) {
    if left.wait_for(|&left| left).await.is_err() {
        std::future::pending::<()>().await;
    }
}
