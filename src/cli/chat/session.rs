//! One connection, from joining to its end.

mod leave;

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::time::Duration as Span;

use tokio::sync::mpsc::error::TryRecvError;
use tokio::time::{Instant, sleep_until};

use super::awaited::Awaited;
use super::commands::usages;
use super::count::Count;
use super::end::{End, exposes_password, has_left, is_strange, says_kicked, silent};
use super::files::Files;
use super::progress::Progress;
use super::rooms::Rooms;
use super::screen::{Screen, Typed};
use super::unanswered::Unanswered;
use crate::chat::message::{Event, Refusal, Request};
use crate::chat::protocol::commands::{self, Command};
use crate::chat::protocol::{Manner, without_password};
use crate::cli::output::Failure;
use crate::live::client::Client;
use crate::live::clock::Clock;
use crate::units::plural;

/// Time for which a script waits for a server that takes, acknowledges and answers nothing.
const SETTLES: Span = Span::from_secs(50);
/// Silence of a server after which other dialects are tried.
const SOUNDS_AFTER: Span = Span::from_secs(4);
/// Time within which a server must let somebody in.
const JOINS_WITHIN: Span = Span::from_secs(20);
/// A connection that has lasted so long was no failed attempt.
const STEADY: Span = Span::from_secs(10);

/// Person who talks, and the screen of the conversation.
pub struct Person<'a> {
    /// Nick, with the password if there is one.
    nick: &'a str,
    /// Time to listen after the end of the input.
    linger: Span,
    manner: Manner,
    pub clock: Clock,
    pub screen: Screen,
    pub typed: Typed,
    pub count: Count,
    /// Requests that wait, first those that a lost connection has not taken.
    waiting: VecDeque<Request>,
    /// The last that was handed to the connection.
    last: Option<Request>,
    unanswered: Unanswered,
    rooms: Rooms,
    awaited: Awaited,
    pub files: Files,
    /// True if the last turn was one for files.
    is_for_files: bool,
    /// True if a server has ever let this person in.
    pub was_in: bool,
    /// True if the server's last words were those to a person whom an administrator disconnects.
    is_kicked: bool,
    /// Time to listen once all is said: the input has ended, or the person leaves.
    over: Option<Span>,
}

impl<'a> Person<'a> {
    /// Somebody who has said nothing yet.
    pub fn new(nick: &'a str, linger: Span, clock: Clock, (screen, typed): (Screen, Typed)) -> Person<'a> {
        Person {
            nick,
            linger,
            manner: Manner::default(),
            clock,
            screen,
            typed,
            count: Count::default(),
            waiting: VecDeque::new(),
            last: None,
            unanswered: Unanswered::default(),
            rooms: Rooms::default(),
            awaited: Awaited::default(),
            files: Files::default(),
            is_for_files: false,
            was_in: false,
            is_kicked: false,
            over: None,
        }
    }

    /// Talks until the connection or the conversation ends.
    #[expect(clippy::too_many_lines, reason = "one loop, and all that may wake it")]
    pub async fn converse(&mut self, mut client: Client) -> Result<End, Failure> {
        if let Err(error) = client.ask(&Request::Join { nick: self.nick.to_owned() }) {
            return Ok(End::Rejected(Refusal::Other(error.to_string().into())));
        }
        self.manner = client.manner();
        self.unanswered = Unanswered::new(self.manner.echoes);
        self.last = None;
        let (mut events, mut is_in) = (Vec::new(), false);
        let since = Instant::now();
        let mut progress = Progress::new();
        let mut sounds_at = (!self.was_in).then(|| since + SOUNDS_AFTER);
        let mut leaves_at = None;
        let scripted = matches!(self.screen, Screen::Lines);
        let mut is_fenced = false;
        loop {
            if is_in {
                self.hand_over(&mut client)?;
            }
            if scripted && self.over.is_some() && !is_fenced && self.is_settled(&client) {
                client.fence();
                (is_fenced, self.last) = (true, None);
            }
            let is_settled = self.is_settled(&client);
            leaves_at = match self.over {
                // A person who leaves does not wait.
                Some(linger) if is_settled || !scripted => leaves_at.or(Some(Instant::now() + linger)),
                _ => None,
            };
            let stands_since = progress.stands_since(self.mark(&client));
            let gives_up_at = (scripted && is_in && !is_settled).then(|| stands_since + SETTLES);
            let joins_by = (!is_in).then(|| since + JOINS_WITHIN);
            let wakes_at = sounds_at.filter(|_| !is_in).or(joins_by).or(leaves_at).or(gives_up_at);
            let late_at = self.awaited.is_late_at();
            // A script's lines are read as fast as they are taken; a person's are few.
            let reads_on = self.has_room(&client) || !scripted;
            tokio::select! {
                open = client.next(&mut events) => {
                    for event in events.drain(..) {
                        if exposes_password(self.nick, &event) {
                            return Err(Failure::other(
                                "this server keeps no accounts: NAME:PASSWORD was your name, for all to see",
                                "come back as NAME alone, and use that password nowhere else",
                            ));
                        }
                        match &event {
                            Event::Welcome { .. } => {
                                is_in = true;
                                self.was_in = true;
                                self.screen.begin();
                            }
                            Event::Rejected(refusal) => return Ok(End::Rejected(refusal.clone())),
                            _ => {}
                        }
                        self.hear(&event)?;
                    }
                    self.screen.offer(&usages(|request| client.speaks(request).is_ok()));
                    if !is_in && !self.was_in && open.as_ref().map_or_else(is_strange, |open| !open)
                        && let Some(spoken) = client.sound(without_password(self.nick)).await
                    {
                        return Ok(End::Foreign(spoken.to_string()));
                    }
                    let (why, may_be_steady) = match open {
                        Ok(true) => continue,
                        Ok(false) if is_in => ("the server closed it".to_owned(), true),
                        Ok(false) => ("the server closed it before it let you in".to_owned(), false),
                        Err(error) if !is_in && error.kind() == ErrorKind::InvalidData => {
                            return Ok(End::Foreign(error.to_string()));
                        }
                        Err(error) if !is_in && is_strange(&error) => return Ok(End::Silent(error.to_string())),
                        // It would be as deaf again.
                        Err(error) => (error.to_string(), error.kind() != ErrorKind::TimedOut),
                    };
                    self.take_back(&client);
                    self.count.uncertain += self.unanswered.count();
                    self.read_on(&client)?;
                    let is_done = self.over.is_some() && self.waiting.is_empty();
                    let was_steady = may_be_steady && since.elapsed() >= STEADY;
                    return Ok(if is_done {
                        End::Left
                    } else if self.is_kicked {
                        End::Kicked
                    } else {
                        End::Lost { why, was_steady }
                    });
                }
                line = self.typed.lines.recv(), if is_in && self.over.is_none() && reads_on => {
                    match line {
                        None => self.over = Some(self.linger),
                        Some(line) => self.obey(&line, &client)?,
                    }
                }
                () = self.files.read(), if is_in => self.tell_of_files()?,
                () = sleep_until(late_at.unwrap_or_else(Instant::now)), if is_in && late_at.is_some() => {
                    self.awaited.give_up().iter().try_for_each(|line| self.refuse(line))?;
                }
                () = has_left(&mut self.typed.left), if !is_in => return Ok(End::Left),
                () = sleep_until(wakes_at.unwrap_or_else(Instant::now)), if wakes_at.is_some() => {
                    if !is_in && sounds_at.take().is_some() {
                        if client.first_words().is_empty()
                            && let Some(spoken) = client.sound(without_password(self.nick)).await
                        {
                            return Ok(End::Foreign(spoken.to_string()));
                        }
                        continue;
                    }
                    if !is_in {
                        let why = silent(&client.first_words(), JOINS_WITHIN);
                        // A peer that has let this person in before is a server.
                        return Ok(if self.was_in { End::Lost { why, was_steady: false } } else { End::Silent(why) });
                    }
                    self.leave(client, is_settled).await?;
                    return Ok(End::Left);
                }
            }
        }
    }

    /// Reads what a script has ready: whether that was all decides whether a lost connection is made again.
    fn read_on(&mut self, client: &Client) -> Result<(), Failure> {
        while matches!(self.screen, Screen::Lines) && self.over.is_none() {
            match self.typed.lines.try_recv() {
                Ok(line) => self.obey(&line, client)?,
                Err(TryRecvError::Disconnected) => self.over = Some(self.linger),
                Err(TryRecvError::Empty) => break,
            }
        }
        Ok(())
    }

    /// Gives the connection what waits, as far as it takes more. What it was given and does not write
    /// can be said again after a loss, so it is given little.
    fn hand_over(&mut self, client: &mut Client) -> Result<(), Failure> {
        while self.has_room(client) {
            // Texts and files take turns.
            self.is_for_files = !self.is_for_files || self.waiting.is_empty();
            let ask = if self.is_for_files { self.files.next_ask() } else { None };
            let Some(request) = ask.or_else(|| self.waiting.pop_front()) else { break };
            if let Err(error) = client.ask(&request) {
                self.refuse(&error.to_string())?;
                continue;
            }
            // After a loss, files begin with offers: none of their words is said again.
            let is_of_file = matches!(request, Request::File(_));
            self.count.said += u64::from(request.text().is_some());
            self.awaited.handed(Instant::now(), &request);
            if !self.manner.acknowledges && !is_of_file {
                self.unanswered.push(&request);
            }
            self.last = (!is_of_file).then_some(request);
        }
        Ok(())
    }

    fn has_room(&self, client: &Client) -> bool {
        client.unsettled() < self.manner.in_flight
    }

    /// True if nothing is to be waited for: all is written, and at the end acknowledged or echoed, too.
    fn is_settled(&self, client: &Client) -> bool {
        let is_echoed = || self.unanswered.without_echo() == 0 && !self.files.is_busy();
        let is_said = self.waiting.is_empty() && self.awaited.held() == 0;
        is_said && client.unsettled() == 0 && (self.over.is_none() || is_echoed())
    }

    /// Counters that change as long as the server takes, acknowledges or answers anything.
    fn mark(&self, client: &Client) -> [u64; 4] {
        [
            self.count.said,
            client.unsettled() as u64,
            self.unanswered.count(),
            self.count.refused + self.files.moved(),
        ]
    }

    /// Takes back what a connection has not written or the server should have acknowledged. A text cut short
    /// is one to a server without frames.
    fn take_back(&mut self, client: &Client) {
        let unsaid: Vec<Request> = if self.manner.acknowledges {
            client.unacknowledged().into_iter().filter(|request| request.text().is_some()).collect()
        } else if client.unsettled() > 0 && (self.manner.is_framed || !client.is_cut()) {
            self.last.take().into_iter().inspect(|_| self.unanswered.take_back()).collect()
        } else {
            Vec::new()
        };
        for request in unsaid.into_iter().rev() {
            self.count.said -= u64::from(request.text().is_some());
            self.waiting.push_front(request);
        }
    }

    fn hear(&mut self, event: &Event) -> Result<(), Failure> {
        self.is_kicked = says_kicked(event);
        self.unanswered.hear(event);
        self.rooms.hear(self.nick, event, &mut self.waiting);
        if let Some(line) = self.awaited.hear(Instant::now(), event, &mut self.waiting) {
            self.count.said -= 1;
            return self.screen.answer(&line);
        }
        self.count.heard += u64::from(event.is_message());
        self.count.refused += u64::from(matches!(event, Event::Refused(_)));
        self.screen.event(self.clock.moment(), event)?;
        self.files.hear(event);
        self.tell_of_files()
    }

    fn tell_of_files(&mut self) -> Result<(), Failure> {
        self.files.take_lines().iter().try_for_each(|line| self.screen.answer(line))
    }

    /// Does what a line says, or has it said as soon as the connection takes it.
    fn obey(&mut self, line: &str, client: &Client) -> Result<(), Failure> {
        let line = line.trim();
        if line.is_empty() {
            return Ok(());
        }
        if let Some(done) = self.files.obey(line, |request| client.speaks(request)) {
            self.tell_of_files()?;
            return done.or_else(|why| self.refuse(&why));
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
                return self.screen.answer(&stats);
            }
            None => Request::Say { text: line.into() },
            Some(Command::Ask(Request::Leave)) => {
                self.over = Some(Span::ZERO);
                return Ok(());
            }
            Some(Command::Ask(Request::Help)) => {
                let usages = usages(|request| client.speaks(request).is_ok());
                return self.screen.answer(&usages.join("\n"));
            }
            Some(Command::Ask(request)) => request,
            Some(Command::Usage(usage)) => return self.refuse(&format!("usage: {usage}")),
            Some(Command::Unknown) => {
                let word = line.split_whitespace().next().unwrap_or_default();
                return self.refuse(&format!("there is no command {word}; /help lists them"));
            }
        };
        self.waiting.push_back(request);
        Ok(())
    }

    /// Answers a line that is not sent.
    fn refuse(&mut self, why: &str) -> Result<(), Failure> {
        self.count.refused += 1;
        self.screen.answer(why)
    }
}
