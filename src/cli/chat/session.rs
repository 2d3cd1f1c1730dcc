//! One connection, from joining to its end.

use std::collections::VecDeque;
use std::time::Duration as Span;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::screen::{Screen, Typed};
use crate::chat::message::{Event, Request};
use crate::chat::protocol::commands::{self, Command};
use crate::cli::output::Failure;
use crate::live::client::Client;
use crate::live::clock::Clock;
use crate::units::plural;

const HELP: &str = "/list, /whisper NAME TEXT (or /msg), /nick NAME, /rooms, /create ROOM, /join ROOM, \
                    /leave ROOM, /room ROOM TEXT, /hide, /reveal, /ping, /stats, /help, /quit (or /exit, /q)";

/// How long a server may take over a goodbye.
const GOODBYE: Span = Span::from_secs(1);

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
    /// How often it was connected.
    pub connections: u32,
}

/// Who talks, and where it is shown and typed.
pub struct Person<'a> {
    /// Nick, with the password if there is one.
    pub nick: &'a str,
    /// How long to listen after the end of the input.
    pub linger: Span,
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
        // The first thing asked is always answered by the session itself.
        let _ = client.ask(&Request::Join { nick: self.nick.to_owned() });
        let mut events = Vec::new();
        let mut is_in = false;
        let mut ends_at = None;
        loop {
            let sleep = async {
                match ends_at {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                open = client.next(&mut events) => {
                    for event in events.drain(..) {
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
                        self.count.heard += u64::from(event.is_message());
                        self.screen.event(self.clock.moment(), &event)?;
                    }
                    let lost = match open {
                        Ok(true) => continue,
                        Ok(false) => "the server closed it".to_owned(),
                        Err(error) => error.to_string(),
                    };
                    if ends_at.is_some() {
                        return Ok(End::Left);
                    }
                    let unsaid = client.unacknowledged().into_iter().filter(|request| request.text().is_some());
                    return Ok(End::Lost(lost, unsaid.collect()));
                }
                line = self.typed.lines.recv(), if is_in && ends_at.is_none() => {
                    match line {
                        None => ends_at = Some(Instant::now() + self.linger),
                        Some(line) => {
                            if self.obey(&line, &mut client)? {
                                ends_at = Some(Instant::now() + GOODBYE);
                            }
                        }
                    }
                }
                () = has_left(&mut self.typed.left), if !is_in => return Ok(End::Left),
                () = sleep => {
                    if client.ask(&Request::Leave).is_err() {
                        return Ok(End::Left);
                    }
                    let farewell = async { while let Ok(true) = client.next(&mut events).await {} };
                    let _ = timeout(GOODBYE, farewell).await;
                    return Ok(End::Left);
                }
            }
        }
    }

    /// Does what a line says; whether it was goodbye.
    fn obey(&mut self, line: &str, client: &mut Client) -> Result<bool, Failure> {
        let answer = |words: &str| self.screen.answer(words).map(|()| false);
        let line = line.trim();
        if line.is_empty() {
            return Ok(false);
        }
        let request = match commands::parse(line) {
            _ if line == "/stats" => {
                return answer(&format!(
                    "{}: {} said, {} heard, {}, {} not acknowledged",
                    self.nick.split(':').next().unwrap_or_default(),
                    self.count.said,
                    self.count.heard,
                    plural(self.count.connections.into(), "connection"),
                    client.unacknowledged().len()
                ));
            }
            None => Request::Say { text: line.into() },
            Some(Command::Ask(Request::Help)) => return answer(HELP),
            Some(Command::Ask(request)) => request,
            Some(Command::Usage(usage)) => return answer(&format!("usage: {usage}")),
            Some(Command::Unknown) => {
                return answer(&format!("there is no command {line}; /help lists them"));
            }
        };
        match client.ask(&request) {
            Ok(()) => {
                self.count.said += u64::from(request.text().is_some());
                Ok(request == Request::Leave)
            }
            Err(error) => answer(&error.to_string()),
        }
    }
}

/// Waits until the person at the terminal has left; for a script, forever.
pub async fn has_left(left: &mut watch::Receiver<bool>) {
    if left.wait_for(|&left| left).await.is_err() {
        std::future::pending::<()>().await;
    }
}
