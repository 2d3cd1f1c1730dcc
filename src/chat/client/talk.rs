//! How a person talks: what a scenario says about it.

use crate::time::Duration;

/// How a person talks.
#[derive(Clone, Debug, PartialEq)]
pub struct Talk {
    /// The mean time from one message to the next; with bursts, from the start of one to that of the
    /// next.
    pub interval: Duration,
    /// How messages are spread over time.
    pub arrivals: Arrivals,
    /// How long the texts are.
    pub size: SizeDistribution,
    /// Who is spoken to.
    pub to: Addressee,
    /// Over how many rooms people are spread, if they speak in rooms; at least one.
    pub rooms: u32,
    /// Whether people go and come back.
    pub churn: Option<Churn>,
}

/// How messages are spread over time.
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

/// How long texts are, in bytes. Every draw is clamped to what a text can be:
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

/// Who is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressee {
    /// Everyone who is here.
    Everyone,
    /// One other person, another one each time.
    One,
    /// The members of the person's room.
    Room,
}

/// How people go and come back, with exponential times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Churn {
    /// The mean time that a person stays.
    pub stay: Duration,
    /// The mean time that it is away.
    pub away: Duration,
}
