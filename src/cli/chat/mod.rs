//! `testbed chat`: a person at a terminal, or a script.
//!
//! | file | what it does |
//! | --- | --- |
//! | `session` | one connection: what is heard, what is typed, and its end |
//! | `end` | how that ends, and whether it is tried again |
//! | `progress` | whether anything still happens on it |
//! | `unanswered` | what was written and may have been lost |
//! | `awaited` | private texts for people who are not back |
//! | `files` | files that are sent and taken |
//! | `sending` | one that is offered |
//! | `taken` | one that comes, as much as is there |
//! | `screen` | where that is shown: with an editor, or line by line |
//! | `editor` | the line being typed, and the terminal's care |
//! | `known` | people and rooms heard of, for completion |
//! | `count` | what it comes to, for a script |
//! | `words` | events as words, marks and colours |
//! | `commands` | what can be typed, where |

mod awaited;
mod commands;
mod count;
mod editor;
mod end;
mod files;
mod known;
mod progress;
mod rooms;
mod screen;
mod sending;
mod session;
mod taken;
mod unanswered;
mod words;

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration as Span;

use clap::Args;

use super::network::host_and_port;
use super::output::{Failure, one_line};
use super::signals::interrupted;
use super::tls::ClientTls;
use crate::chat::message::Refusal;
use crate::chat::protocol::without_password;
use crate::live::client::{Client, Target};
use crate::live::clock::Clock;
use end::{End, Waits, has_left, is_not_there, other_dialects};
use screen::Screen;
use session::Person;

/// Talk on a chat server, in any dialect
///
/// Lines are said to everyone; lines that begin with a slash are commands, /help lists them. At a
/// terminal the line being typed stays whole while others talk, the arrow keys bring back earlier
/// lines, Tab completes commands, people and rooms, Ctrl-C empties the line, and on an empty one
/// Ctrl-C and Ctrl-D leave; what is pasted is said line by line. When the connection is lost it is made
/// again, unless an administrator has ended it, and what was never sent or, on reliable, not
/// acknowledged is said again. /send FILE NAME offers a file, /accept takes one. Lines may come from a script: at the end of the input it
/// leaves, with 1 if a line was rejected or may have been lost, or a file did not come whole.
#[derive(Debug, Args)]
pub struct Chat {
    /// The name under which to join; NAME:PASSWORD where the server keeps accounts
    #[arg(value_parser = name)]
    nick: String,
    /// The server [default: the dialect's usual port of 127.0.0.1]
    #[arg(long, value_name = "ADDR", value_parser = host_and_port)]
    address: Option<String>,
    #[command(flatten)]
    tls: ClientTls,
    /// The dialect to speak
    #[arg(long, value_name = "NAME", default_value = "json-lines")]
    dialect: String,
    /// Number of reconnections after a loss, or to a server that is not there yet, waiting 1 s, 2 s,
    /// 4 s and so on to 32 s
    #[arg(long, value_name = "N", default_value_t = 5)]
    reconnects: u32,
    /// Folder for files that are taken with /accept; in a script, one that fails makes the exit code 1
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    files: PathBuf,
    /// Time to listen after the end of the input
    #[arg(long, value_name = "TIME", default_value = "300ms")]
    linger: crate::time::Duration,
}

impl Chat {
    /// Talks until the person leaves or the input ends.
    pub fn execute(self) -> Result<(), Failure> {
        let target = self.tls.target(self.address.as_deref(), &self.dialect)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::other(format!("cannot start: {error}"), ""))?;
        let result = runtime.block_on(self.start(&target));
        // A line that is being waited for must not keep the program alive.
        runtime.shutdown_background();
        result
    }

    async fn start(&self, target: &Target) -> Result<(), Failure> {
        let clock = Clock::start();
        // Before the screen is taken: a server that is not there is said in a plain way.
        let client = self.first_connection(target, clock).await?;
        let screen = Screen::open(without_password(&self.nick))?;
        let linger = Span::from_nanos(self.linger.as_nanos());
        let mut person = Person::new(&self.nick, linger, clock, screen);
        person.files.folder.clone_from(&self.files);
        // The terminal is put right before this program obeys.
        let interrupted = interrupted(!matches!(person.screen, Screen::Lines))?;
        tokio::select! {
            result = self.talk(client, target, &mut person) => result,
            () = interrupted => Err(Failure::Interrupted),
        }
    }

    /// Connects, perhaps to a server that is only being started.
    async fn first_connection(&self, target: &Target, clock: Clock) -> Result<Client, Failure> {
        let mut waits = Waits::new(self.reconnects);
        loop {
            let error = match Client::connect(target, clock).await {
                Ok(client) => return Ok(client),
                Err(error) => error,
            };
            let problem = format!("cannot connect to {}: {error}", target.address);
            let wait = if is_not_there(&error) { waits.next() } else { None };
            let Some(wait) = wait else {
                let help = "start a server with `testbed serve`, or name another with --address HOST:PORT";
                // Somebody is there whom we do not understand or believe, and the error says why.
                let help = if error.kind() == ErrorKind::InvalidData { "" } else { help };
                return Err(Failure::other(problem, help));
            };
            eprintln!("{problem}; trying again in {} s", wait.as_secs());
            tokio::time::sleep(wait).await;
        }
    }

    /// Talks over one connection after the other.
    async fn talk(&self, first: Client, target: &Target, person: &mut Person<'_>) -> Result<(), Failure> {
        let mut client = Some(first);
        let mut waits = Waits::new(self.reconnects);
        loop {
            let lost = match client.take() {
                Some(client) => {
                    person.count.connections += 1;
                    match person.converse(client).await? {
                        End::Left => return person.account(),
                        End::Rejected(why) => return Err(self.rejected(&why)),
                        End::Kicked => {
                            let problem =
                                format!("an administrator of {} has disconnected you", target.address);
                            return Err(Failure::other(problem, ""));
                        }
                        End::Foreign(why) => {
                            return Err(Failure::other(format!("{}: {why}", target.address), ""));
                        }
                        End::Silent(why) => {
                            let help = other_dialects(&target.address, target.dialect);
                            return Err(Failure::other(format!("{}: {why}", target.address), help));
                        }
                        End::Lost { why, was_steady } => {
                            if was_steady {
                                waits = Waits::new(self.reconnects);
                            }
                            why
                        }
                    }
                }
                None => tokio::select! {
                    connected = Client::connect(target, person.clock) => match connected {
                        Ok(connected) => {
                            client = Some(connected);
                            continue;
                        }
                        Err(error) => error.to_string(),
                    },
                    () = has_left(&mut person.typed.left) => return Ok(()),
                },
            };
            let Some(wait) = waits.next() else {
                let account = person.account_of_loss();
                let account = if account.is_empty() { account } else { format!("; {account}") };
                let problem = format!("the connection to {} is lost: {lost}{account}", target.address);
                let help = if person.was_in {
                    String::new()
                } else {
                    other_dialects(&target.address, target.dialect)
                };
                return Err(Failure::other(problem, help));
            };
            person.screen.warn(&format!("connection lost ({lost}); trying again in {} s", wait.as_secs()));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = has_left(&mut person.typed.left) => return Ok(()),
            }
        }
    }

    /// Failure for a refusal of the server to let this person in.
    fn rejected(&self, why: &Refusal) -> Failure {
        let (nick, words) = (without_password(&self.nick), one_line(&why.to_string()));
        // A name with a colon is none where no password is asked for.
        let may_be_name = self.nick.contains(':') && why.is_of_nick();
        let help = match why {
            _ if may_be_name => "if this server keeps no accounts, come back as NAME alone",
            // In its original's words, which give no reason.
            Refusal::NickInvalid => "write another name: json-lines takes 1 to 20 characters",
            _ => "",
        };
        Failure::other(format!("the server does not let \"{nick}\" in: {words}"), help)
    }
}

/// Some servers wait for ever for who has no name.
fn name(text: &str) -> Result<String, String> {
    let is_one = !without_password(text).is_empty();
    if is_one { Ok(text.to_owned()) } else { Err("a name has at least one letter".to_owned()) }
}
