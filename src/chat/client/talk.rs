//! Talk of a person, as a scenario describes it.

use crate::time::Duration;

/// Talk of a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Talk {
    /// The mean time from one message to the next; with bursts, from the start of one to that of the
    /// next.
    pub interval: Duration,
    /// Distribution of messages over time.
    pub arrivals: Arrivals,
    /// Length of the texts.
    pub size: SizeDistribution,
    /// Recipients of the messages.
    pub to: Addressee,
    /// Over how many rooms people are spread, if they speak in rooms; at least one.
    pub rooms: u32,
    /// Absences of people; `None` if they stay.
    pub churn: Option<Churn>,
}

/// Distribution of messages over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// Independently: exponential times between messages.
    Poisson,
    /// At equal distances, from a random point of the first interval on.
    Periodic,
    /// In bursts of `size` messages `gap` apart. The pauses between bursts are exponential, with
    /// the mean that keeps the mean interval; a burst that lasts longer than the interval is followed
    /// by the next at once.
    Bursts {
        /// Messages in a burst; at least one.
        size: u32,
        /// From message to message within a burst.
        gap: Duration,
    },
}

/// Length of texts, in bytes. Every draw is clamped to the length that a text can have:
/// [`marker::LEN`](crate::chat::marker::LEN) to [`marker::MAX_TEXT`](crate::chat::marker::MAX_TEXT).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SizeDistribution {
    /// Always the same.
    Constant(u64),
    /// Equally likely from `low` to `high`, both included.
    Uniform {
        /// The shortest.
        low: u64,
        /// The longest.
        high: u64,
    },
    /// Many short ones, few long ones: exponential with this mean.
    Exponential {
        /// The mean.
        mean: f64,
    },
    /// Log-normal with this mean and standard deviation (of the sizes, not of their logarithms).
    Lognormal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        sd: f64,
    },
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
