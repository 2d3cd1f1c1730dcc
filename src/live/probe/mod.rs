//! The tester: clients that say numbered texts by their own clock and count who hears them.
//!
//! The load is open-loop: each text has an instant at which it was meant to be said, whatever the
//! server does, and its latency counts from there (no coordinated omission). A text carries its
//! number, so that the same counting serves every dialect; numbers begin anywhere, so that several
//! testers at one server do not take each other's texts for their own.

mod load;

use std::time::Duration as Span;

use hdrhistogram::Histogram;

pub use load::{Load, run};

use super::client::{Client, Target};
use super::clock::Clock;
use crate::chat::message::{Event, Request};
use crate::rng::Seed;

/// Result of one test.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// Messages expected, or connections that were to be made.
    pub expected: u64,
    /// Number of those that arrived or were made.
    pub succeeded: u64,
    /// Texts heard more than once by the same person.
    pub duplicates: u64,
    /// Latencies in microseconds.
    pub latency: Histogram<u64>,
    /// Bytes of text heard.
    pub bytes: u64,
    /// Seconds from the first to the last.
    pub seconds: f64,
    /// Reasons of the first few failures.
    pub problems: Vec<String>,
}

impl Outcome {
    /// Nothing yet.
    pub fn new(name: &str) -> Outcome {
        Outcome {
            name: name.to_owned(),
            expected: 0,
            succeeded: 0,
            duplicates: 0,
            latency: Histogram::new_with_bounds(1, 600_000_000, 3).expect("sound bounds"),
            bytes: 0,
            seconds: 0.0,
            problems: Vec::new(),
        }
    }

    /// The part that succeeded, 0 to 1; 1 if nothing was to be done.
    pub fn success(&self) -> f64 {
        if self.expected == 0 { 1.0 } else { self.succeeded as f64 / self.expected as f64 }
    }

    /// True if anything went wrong.
    pub fn failed(&self) -> bool {
        self.success() < 1.0 || self.duplicates > 0 || !self.problems.is_empty()
    }

    fn problem(&mut self, text: impl Into<String>) {
        let text = text.into();
        if self.problems.len() < 5 && !self.problems.contains(&text) {
            self.problems.push(text);
        }
    }
}

/// A number that no other test has, here or elsewhere, as far as clocks and processes differ.
fn tag(clock: Clock) -> u32 {
    let seed = clock.moment().at.unix_nanos() ^ u64::from(std::process::id()).rotate_right(16);
    Seed(seed).stream("probe").next_u64() as u32
}

/// Time within which a server must let somebody in.
const JOIN_WITHIN: Span = Span::from_secs(10);

/// Connects and joins as `nick`.
pub async fn join(target: &Target, nick: &str, clock: Clock) -> Result<Client, String> {
    let connected = Client::connect(target, clock).await;
    let mut client = connected.map_err(|error| format!("cannot connect to {}: {error}", target.address))?;
    client.ask(&Request::Join { nick: nick.to_owned() }).map_err(|error| error.to_string())?;
    let welcomed = async {
        let mut events = Vec::new();
        loop {
            let open = client.next(&mut events).await.map_err(|error| error.to_string())?;
            for event in events.drain(..) {
                match event {
                    Event::Welcome { .. } => return Ok(()),
                    Event::Rejected(refusal) => return Err(format!("{nick} was refused: {refusal}")),
                    _ => {}
                }
            }
            if !open {
                return Err(format!("the server closed the connection before {nick} was in"));
            }
        }
    };
    let late = || format!("{nick} was not let in within {} s", JOIN_WITHIN.as_secs());
    tokio::time::timeout(JOIN_WITHIN, welcomed).await.map_err(|_| late())??;
    Ok(client)
}

/// Makes connections one after the other, each until it is in.
pub async fn connectivity(target: &Target, attempts: u32, clock: Clock) -> Outcome {
    let mut outcome = Outcome::new("connectivity");
    let started = clock.now();
    let tag = tag(clock);
    for n in 0..attempts {
        outcome.expected += 1;
        let asked = clock.now();
        match join(target, &format!("probe{tag:08x}c{n}"), clock).await {
            Ok(mut client) => {
                outcome.succeeded += 1;
                outcome.latency.saturating_record((clock.now() - asked).as_nanos() / 1_000);
                leave(&mut client).await;
            }
            Err(problem) => outcome.problem(problem),
        }
        tokio::time::sleep(Span::from_millis(20)).await;
    }
    outcome.seconds = (clock.now() - started).as_secs_f64();
    outcome
}

/// Says goodbye, and waits a little for the server's.
async fn leave(client: &mut Client) {
    if client.ask(&Request::Leave).is_ok() {
        let mut events = Vec::new();
        let farewell = async { while let Ok(true) = client.next(&mut events).await {} };
        let _ = tokio::time::timeout(Span::from_millis(200), farewell).await;
    }
}
