//! One load: who says how much when, and what was heard of it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration as Span;

use tokio::task::LocalSet;
use tokio::time::sleep_until;

use super::{Outcome, join, tag};
use crate::chat::marker;
use crate::chat::message::{Event, Request};
use crate::live::client::{Client, Target};
use crate::live::clock::Clock;
use crate::time::{Duration, Instant};

/// A load.
#[derive(Clone, Debug)]
pub struct Load {
    /// The test's name.
    pub name: String,
    /// People; at least two, or nobody hears anything.
    pub clients: u32,
    /// Number of them who speak.
    pub speakers: u32,
    /// Texts of each speaker.
    pub texts: u32,
    /// Between two texts of one speaker.
    pub every: Duration,
    /// Bytes of a text.
    pub size: usize,
}

/// Time that the last texts may take.
const DRAIN: Span = Span::from_secs(10);

/// Record that all people of a load share.
struct Ledger {
    outcome: Outcome,
    /// The number of the first text.
    first: u32,
    /// Intended time of each text, and its length.
    meant: Vec<(Instant, usize)>,
    /// Deliveries, by text and hearer.
    heard: BTreeSet<(u32, u32)>,
    /// Deliveries that will not happen.
    refused: u64,
    /// Number of people here, alone nobody hears anything; and number of those who have not said everything.
    present: u32,
    speaking: u32,
}

/// Runs a load against a server; `tick` is told how much of it has
/// been heard, of how much.
pub async fn run(target: &Target, load: &Load, clock: Clock, tick: impl Fn(u64, u64)) -> Outcome {
    let ledger = Rc::new(RefCell::new(Ledger {
        outcome: Outcome::new(&load.name),
        first: tag(clock),
        meant: Vec::new(),
        heard: BTreeSet::new(),
        refused: 0,
        present: load.clients,
        speaking: load.speakers.min(load.clients),
    }));
    let run = ledger.borrow().first;
    let is_private = target.dialect.client().manner().is_private;
    let mut people = Vec::new();
    for n in 0..load.clients {
        let nick = format!("probe{run:08x}n{n}");
        match join(target, &nick, clock).await {
            Ok(client) => people.push((n, nick, client)),
            Err(problem) => ledger.borrow_mut().outcome.problem(problem),
        }
    }
    // To one person where texts are private, to all others elsewhere.
    let audience = if is_private { 1 } else { u64::from(load.clients.max(1)) - 1 };
    let speakers = load.speakers.min(load.clients);
    ledger.borrow_mut().outcome.expected = u64::from(speakers) * u64::from(load.texts) * audience;
    if people.len() < load.clients as usize {
        // Figures of a smaller crowd would be those of another test.
        return ledger.borrow().outcome.clone();
    }
    let started = clock.now();
    let nicks: Vec<String> = people.iter().map(|(_, nick, _)| nick.clone()).collect();
    let local = LocalSet::new();
    for (n, _, client) in people {
        let partner = is_private.then(|| nicks[(n as usize + 1) % nicks.len()].clone());
        let texts = if n < speakers { load.texts } else { 0 };
        // Speakers are spread over an interval, so that they do not all speak at once.
        let offset = load.every.as_nanos() * u64::from(n) / u64::from(speakers.max(1));
        let first = clock.now() + Duration::from_nanos(offset) + Duration::from_millis(100);
        let person = Person { number: n, client, partner, texts, first, load: load.clone() };
        local.spawn_local(person.live(Rc::clone(&ledger), clock));
    }
    local
        .run_until(async {
            let mut all_said_at = None;
            loop {
                tokio::time::sleep(Span::from_millis(20)).await;
                let ledger = ledger.borrow();
                let (done, expected) = (ledger.outcome.succeeded, ledger.outcome.expected);
                tick(done, expected);
                if ledger.speaking == 0 && all_said_at.is_none() {
                    all_said_at = Some(clock.now());
                }
                let patience = Duration::from_nanos(DRAIN.as_nanos() as u64);
                let given_up = all_said_at.is_some_and(|at| clock.now() > at + patience);
                let never = ledger.refused * audience;
                if done + never >= expected || given_up || ledger.present < 2 {
                    break;
                }
            }
        })
        .await;
    drop(local);
    let mut outcome = ledger.borrow().outcome.clone();
    outcome.seconds = (clock.now() - started).as_secs_f64();
    outcome
}

impl Ledger {
    /// Somebody's connection has ended.
    fn gone(&mut self, speaks: bool, why: &str) {
        self.outcome.problem(why);
        self.present -= 1;
        self.speaking -= u32::from(speaks);
    }

    /// A text was not taken.
    fn refuse(&mut self, why: &dyn std::fmt::Display) {
        self.outcome.problem(format!("a text was refused: {why}"));
        self.refused += 1;
    }
}

struct Person {
    number: u32,
    client: Client,
    /// Person it talks to, if not to everyone.
    partner: Option<String>,
    texts: u32,
    first: Instant,
    load: Load,
}

impl Person {
    async fn live(mut self, ledger: Rc<RefCell<Ledger>>, clock: Clock) {
        let mut said = 0;
        let mut events = Vec::new();
        loop {
            let at = self.first + Duration::from_nanos(self.load.every.as_nanos() * u64::from(said));
            let speaks = said < self.texts;
            tokio::select! {
                open = self.client.next(&mut events) => {
                    self.hear(&mut events, &ledger, clock);
                    match open {
                        Ok(true) => {}
                        Ok(false) => return ledger.borrow_mut().gone(speaks, "the server closed a connection"),
                        Err(error) => {
                            return ledger.borrow_mut().gone(speaks, &format!("a connection broke: {error}"));
                        }
                    }
                }
                () = sleep_until(clock.wall(at)), if speaks => {
                    said += 1;
                    self.say(at, &ledger);
                    ledger.borrow_mut().speaking -= u32::from(said == self.texts);
                }
            }
        }
    }

    fn say(&mut self, meant: Instant, ledger: &RefCell<Ledger>) {
        let mut ledger = ledger.borrow_mut();
        let id = ledger.first.wrapping_add(ledger.meant.len() as u32);
        let text = marker::compose(id, self.load.size);
        ledger.meant.push((meant, text.len()));
        let request = match &self.partner {
            Some(partner) => Request::Tell { to: partner.clone(), text: text.into() },
            None => Request::Say { text: text.into() },
        };
        if let Err(error) = self.client.ask(&request) {
            ledger.refuse(&error);
        }
    }

    fn hear(&self, events: &mut Vec<Event>, ledger: &RefCell<Ledger>, clock: Clock) {
        let now = clock.now();
        let mut ledger = ledger.borrow_mut();
        for event in events.drain(..) {
            let text = match &event {
                Event::Message { text, .. } | Event::Direct { text, .. } => text,
                Event::Refused(refusal) => {
                    ledger.refuse(refusal);
                    continue;
                }
                _ => continue,
            };
            let Some(id) = marker::read(text.as_bytes()) else { continue };
            let place = id.wrapping_sub(ledger.first) as usize;
            let Some(&(meant, bytes)) = ledger.meant.get(place) else { continue };
            if !ledger.heard.insert((self.number, id)) {
                ledger.outcome.duplicates += 1;
                continue;
            }
            ledger.outcome.succeeded += 1;
            ledger.outcome.bytes += bytes as u64;
            ledger.outcome.latency.saturating_record((now.saturating_since(meant).as_nanos() / 1_000).max(1));
        }
    }
}
