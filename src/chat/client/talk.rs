//! Talk of a person, as a scenario describes it.

use crate::time::Duration;
pub use crate::traffic::{Arrivals, SizeDistribution};

/// Talk of a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Talk {
    /// The mean time from one message to the next; with bursts, from the start of one to that of the
    /// next.
    pub interval: Duration,
    /// Distribution of messages over time.
    pub arrivals: Arrivals,
    /// Length of the texts. Every draw is clamped to the length that a text can have:
    /// [`marker::LEN`](crate::chat::marker::LEN) to [`marker::MAX_TEXT`](crate::chat::marker::MAX_TEXT).
    pub size: SizeDistribution,
    /// Recipients of the messages.
    pub to: Addressee,
    /// Over how many rooms people are spread, if they speak in rooms; at least one.
    pub rooms: u32,
    /// Absences of people; `None` if they stay.
    pub churn: Option<Churn>,
}

/// Recipients of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressee {
    /// Everyone who is here.
    Everyone,
    /// One other person, another one each time.
    One,
    /// The members of the person's room.
    Room,
}

/// Absences and presences, with exponential times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Churn {
    /// The mean time that a person stays.
    pub stay: Duration,
    /// The mean time that it is away.
    pub away: Duration,
}
