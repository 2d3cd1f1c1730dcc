//! One load: who says how much when, and what was heard of it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration as Span;

use tokio::task::LocalSet;
use tokio::time::sleep_until;

use super::{Outcome, join};
use crate::chat::marker;
use crate::chat::message::{Event, Request};
use crate::chat::protocol::Kind;
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
    /// How many of them speak.
    pub speakers: u32,
    /// Texts of each speaker.
    pub texts: u32,
    /// Between two texts of one speaker.
    pub every: Duration,
    /// Bytes of a text.
    pub size: usize,
}

/// How long the last texts may take.
const DRAIN: Span = Span::from_secs(10);

/// What all people of a load share.
struct Ledger {
    outcome: Outcome,
    /// When each text was meant to be said, and how long it is.
    meant: Vec<(Instant, usize)>,
    /// Who has heard what.
    heard: BTreeSet<(u32, u32)>,
    spoken: u32,
}

/// Runs a load against a server; `tick` is told how much of it has
/// been heard, of how much.
pub async fn run(target: &Target, load: &Load, clock: Clock, tick: impl Fn(u64, u64)) -> Outcome {
    let ledger = Rc::new(RefCell::new(Ledger {
        outcome: Outcome::new(&load.name),
        meant: Vec::new(),
        heard: BTreeSet::new(),
        spoken: 0,
    }));
    let kind = target.kind;
    let mut people = Vec::new();
    for n in 0..load.clients {
        let nick = format!("probe{}n{n}", std::process::id() % 10_000);
        match join(target, &nick, clock).await {
            Ok(client) => people.push((n, nick, client)),
            Err(problem) => ledger.borrow_mut().outcome.problem(problem),
        }
    }
    // To one person where there are no broadcasts, to all others elsewhere.
    let audience = if kind == Kind::Pipe { 1 } else { u64::from(load.clients.max(1)) - 1 };
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
        let partner = (kind == Kind::Pipe).then(|| nicks[(n as usize + 1) % nicks.len()].clone());
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
                if ledger.spoken >= speakers * load.texts && all_said_at.is_none() {
                    all_said_at = Some(clock.now());
                }
                let patience = Duration::from_nanos(DRAIN.as_nanos() as u64);
                let given_up = all_said_at.is_some_and(|at| clock.now() > at + patience);
                // Somebody who is gone never speaks.
                let last = Duration::from_nanos(load.every.as_nanos() * u64::from(load.texts));
                if done >= expected || given_up || clock.now() > started + last + patience {
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

struct Person {
    number: u32,
    client: Client,
    /// Whom it talks to, if not to everyone.
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
                        Ok(false) => {
                            ledger.borrow_mut().outcome.problem("the server closed a connection");
                            return;
                        }
                        Err(error) => {
                            ledger.borrow_mut().outcome.problem(format!("a connection broke: {error}"));
                            return;
                        }
                    }
                }
                () = sleep_until(clock.wall(at)), if speaks => {
                    said += 1;
                    self.say(at, &ledger);
                }
            }
        }
    }

    fn say(&mut self, meant: Instant, ledger: &RefCell<Ledger>) {
        let mut ledger = ledger.borrow_mut();
        let id = ledger.meant.len() as u32;
        let text = marker::compose(id, self.load.size);
        ledger.meant.push((meant, text.len()));
        ledger.spoken += 1;
        let request = match &self.partner {
            Some(partner) => Request::Tell { to: partner.clone(), text: text.into() },
            None => Request::Say { text: text.into() },
        };
        if let Err(error) = self.client.ask(&request) {
            ledger.outcome.problem(error.to_string());
        }
    }

    fn hear(&self, events: &mut Vec<Event>, ledger: &RefCell<Ledger>, clock: Clock) {
        let now = clock.now();
        let mut ledger = ledger.borrow_mut();
        for event in events.drain(..) {
            let (Event::Message { text, .. } | Event::Direct { text, .. } | Event::RoomMessage { text, .. }) =
                &event
            else {
                continue;
            };
            let Some(id) = marker::read(text.as_bytes()) else { continue };
            let Some(&(meant, bytes)) = ledger.meant.get(id as usize) else { continue };
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
