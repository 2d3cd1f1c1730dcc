//! `testbed chat`: a person at a terminal, or a script.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{BufRead as _, IsTerminal as _};
use std::time::Duration as Span;

use clap::Args;
use tokio::sync::mpsc;

use super::output::{Failure, print};
use crate::chat::message::{Event, Request};
use crate::chat::protocol::commands::{self, Command};
use crate::chat::protocol::{Kind, clock_text};
use crate::live::client::Client;
use crate::live::clock::Clock;

/// Talk on a chat server, in any dialect
///
/// Lines are said to everyone; lines that begin with a slash are commands, /help lists them. When the
/// connection is lost it is made again, and what was not acknowledged is said again, once. Lines may
/// come from a script: at the end of the input it leaves.
#[derive(Debug, Args)]
pub struct Chat {
    /// The name under which to join; NAME:PASSWORD where the server keeps accounts
    nick: String,
    /// The server [default: the dialect's usual port of 127.0.0.1]
    #[arg(long, value_name = "ADDR")]
    address: Option<String>,
    /// The dialect to speak
    #[arg(long, value_name = "NAME", default_value = "json-lines")]
    dialect: String,
    /// How often to connect again after a loss, waiting 1 s, 2 s, 4 s and so on
    #[arg(long, value_name = "N", default_value_t = 5)]
    reconnects: u32,
    /// How long to listen after the end of the input
    #[arg(long, value_name = "TIME", default_value = "300ms")]
    linger: crate::time::Duration,
}

const HELP: &str = "/list, /whisper NAME TEXT (or /msg), /nick NAME, /rooms, /create ROOM, /join ROOM, \
                    /leave ROOM, /room ROOM TEXT, /hide, /reveal, /ping, /stats, /help, /quit (or /exit, /q)";

/// How long a server may take over a goodbye.
const GOODBYE: Span = Span::from_secs(1);

/// What a session does when one connection has ended.
enum End {
    /// The person has left.
    Left,
    /// The server does not want this person.
    Rejected(String),
    /// The connection was lost; what is to be said again.
    Lost(String, VecDeque<Request>),
}

#[derive(Default)]
struct Count {
    said: u64,
    heard: u64,
    connections: u32,
}

impl Chat {
    /// Talks until the person leaves or the input ends.
    pub fn execute(self) -> Result<(), Failure> {
        let kind = Kind::by_name(&self.dialect).ok_or_else(|| {
            let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
            let help = format!("write one of {}", names.join(", "));
            Failure::usage(format!("there is no dialect '{}'", self.dialect), help)
        })?;
        let address = self.address.clone().unwrap_or_else(|| format!("127.0.0.1:{}", kind.port()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::other(format!("cannot start: {error}"), ""))?;
        let result = runtime.block_on(self.talk(&address, kind));
        // A line that is being waited for must not keep the program alive.
        runtime.shutdown_background();
        result
    }

    async fn talk(&self, address: &str, kind: Kind) -> Result<(), Failure> {
        let clock = Clock::start();
        let mut lines = lines();
        let mut again = VecDeque::new();
        let mut count = Count::default();
        let mut attempt = 0;
        loop {
            let lost = match Client::connect(address, kind, clock).await {
                Err(error) if count.connections == 0 => {
                    let help =
                        "start a server with `testbed serve`, or name another with --address HOST:PORT";
                    return Err(Failure::other(format!("cannot connect to {address}: {error}"), help));
                }
                Err(error) => error.to_string(),
                Ok(client) => {
                    count.connections += 1;
                    match self
                        .converse(client, clock, &mut lines, &mut again, &mut count, &mut attempt)
                        .await?
                    {
                        End::Left => return Ok(()),
                        End::Rejected(why) => {
                            return Err(Failure::other(
                                format!("the server does not let {} in: {why}", self.nick),
                                "",
                            ));
                        }
                        End::Lost(why, unsaid) => {
                            again = unsaid;
                            why
                        }
                    }
                }
            };
            if attempt == self.reconnects {
                return Err(Failure::other(format!("the connection to {address} is lost: {lost}"), ""));
            }
            let wait = Span::from_secs(1 << attempt.min(5));
            attempt += 1;
            eprintln!("connection lost ({lost}); trying again in {} s", wait.as_secs());
            tokio::time::sleep(wait).await;
        }
    }

    /// One connection, from joining to its end.
    async fn converse(
        &self,
        mut client: Client,
        clock: Clock,
        lines: &mut mpsc::Receiver<String>,
        again: &mut VecDeque<Request>,
        count: &mut Count,
        attempt: &mut u32,
    ) -> Result<End, Failure> {
        // The first thing asked is always answered by the session itself.
        let _ = client.ask(&Request::Join { nick: self.nick.clone() });
        let mut events = Vec::new();
        let mut joined = false;
        let mut ends_at = None;
        loop {
            let sleep = async {
                match ends_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                open = client.next(&mut events) => {
                    for event in events.drain(..) {
                        match &event {
                            Event::Welcome { .. } => {
                                joined = true;
                                *attempt = 0;
                                // Said before the loss and not acknowledged: once more, and no more.
                                for request in again.drain(..) {
                                    let _ = client.ask(&request);
                                }
                            }
                            Event::Rejected(refusal) => return Ok(End::Rejected(refusal.to_string())),
                            Event::Bye => return Ok(End::Left),
                            _ => {}
                        }
                        count.heard += u64::from(event.is_message());
                        if let Some(words) = shown(&event) {
                            print(&format!("[{}] {}\n", clock_text(clock.moment()), printable(&words)))?;
                        }
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
                line = lines.recv(), if joined && ends_at.is_none() => {
                    match line {
                        None => {
                            ends_at = Some(tokio::time::Instant::now() + Span::from_nanos(self.linger.as_nanos()));
                        }
                        Some(line) => {
                            if self.obey(&line, &mut client, count)? {
                                ends_at = Some(tokio::time::Instant::now() + GOODBYE);
                            }
                        }
                    }
                }
                () = sleep => {
                    if client.ask(&Request::Leave).is_err() {
                        return Ok(End::Left);
                    }
                    let farewell = async { while let Ok(true) = client.next(&mut events).await {} };
                    let _ = tokio::time::timeout(GOODBYE, farewell).await;
                    return Ok(End::Left);
                }
            }
        }
    }

    /// Does what a line says; whether it was goodbye.
    fn obey(&self, line: &str, client: &mut Client, count: &mut Count) -> Result<bool, Failure> {
        let say = |words: &str| print(words).map(|()| false);
        let line = line.trim();
        if line.is_empty() {
            return Ok(false);
        }
        let request = match commands::parse(line) {
            _ if line == "/stats" => {
                return say(&format!(
                    "{}: {} said, {} heard, {} connections, {} not acknowledged\n",
                    self.nick.split(':').next().unwrap_or_default(),
                    count.said,
                    count.heard,
                    count.connections,
                    client.unacknowledged().len()
                ));
            }
            None => Request::Say { text: line.into() },
            Some(Command::Ask(Request::Help)) => return say(&format!("{HELP}\n")),
            Some(Command::Ask(request)) => request,
            Some(Command::Usage(usage)) => return say(&format!("usage: {usage}\n")),
            Some(Command::Unknown) => {
                return say(&format!("there is no command {line}; /help lists them\n"));
            }
        };
        match client.ask(&request) {
            Ok(()) => {
                count.said += u64::from(request.text().is_some());
                Ok(request == Request::Leave)
            }
            Err(error) => say(&format!("{error}\n")),
        }
    }
}

/// What is typed, line by line, from a thread of its own: reading from a terminal cannot be waited
/// for otherwise.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(256);
    std::thread::spawn(move || {
        if std::io::stdin().is_terminal() {
            eprintln!("joining; /help lists the commands, /quit leaves");
        }
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// An event in words, if a person wants to see it.
fn shown(event: &Event) -> Option<String> {
    Some(match event {
        Event::Welcome { nick, people } if people.len() > 1 => {
            format!("you are {nick}; here: {}", people.join(", "))
        }
        Event::Welcome { nick, .. } => format!("you are {nick}"),
        Event::Joined { nick } => format!("{nick} has come"),
        Event::Left { nick } => format!("{nick} has gone"),
        Event::Message { from, text } => format!("{from}: {text}"),
        Event::Past { from, text, .. } => format!("(earlier) {from}: {text}"),
        Event::Direct { from, text } => format!("{from} to you: {text}"),
        Event::Told { to, text } => format!("you to {to}: {text}"),
        Event::RoomMessage { room, from, text } => format!("#{room} {from}: {text}"),
        Event::Created { room } => format!("you have founded #{room}"),
        Event::Entered { room } => format!("you are in #{room}"),
        Event::Exited { room } => format!("you have left #{room}"),
        Event::People { names } => {
            let mut words = format!("{} here:", names.len());
            for name in names.iter() {
                let _ = write!(words, " {name}");
            }
            words
        }
        Event::Rooms { names } if names.is_empty() => "there are no rooms".to_owned(),
        Event::Rooms { names } => format!("rooms: {}", names.join(", ")),
        Event::Renamed { from, to } => format!("{from} is now {to}"),
        Event::NickChanged { to } => format!("you are now {to}"),
        Event::Hidden => "you are in no list now".to_owned(),
        Event::Revealed => "you are in the list again".to_owned(),
        Event::Pong => "pong".to_owned(),
        Event::Notice { text } => format!("* {text}"),
        Event::Refused(refusal) => format!("refused: {refusal}"),
        // One's own words are on the screen already.
        Event::Said { .. } | Event::SaidIn { .. } | Event::Rejected(_) | Event::Bye | Event::Help => {
            return None;
        }
    })
}

/// A server that does not mind its clients' terminals is minded here.
fn printable(words: &str) -> String {
    words.replace(|c: char| c.is_control() && c != '\n' && c != '\t', "\u{fffd}")
}
