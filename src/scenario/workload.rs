//! What the synthetic people of a scenario do: bulk transfers and chat.

use crate::time::Duration;
use crate::wire::Direction;

/// What every member of a group runs.
#[derive(Clone, Debug, PartialEq)]
pub enum AppSpec {
    /// One transfer, as fast as the connection goes.
    Bulk(BulkSpec),
    /// A person in the chat.
    Chat(ChatSpec),
}

/// A bulk transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkSpec {
    /// Who sends: `Up` is the client.
    pub direction: Direction,
    /// Bytes to send; `None` sends until the end of the trial.
    pub size: Option<u64>,
}

/// A person in the chat.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatSpec {
    /// Mean time between two messages of one person; bursts count as one message each.
    pub interval: Duration,
    /// How messages are spread over time.
    pub arrivals: Arrivals,
    /// How long the text of a message is.
    pub size: Size,
    /// Who hears a message.
    pub to: Audience,
    /// Comings and goings; `None` stays from start to end.
    pub churn: Option<Churn>,
}

/// How messages are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// Independent of one another: exponential gaps.
    Poisson,
    /// At even intervals, with a random phase for each person.
    Periodic,
    /// Bursts at exponential gaps; the mean interval is that between bursts.
    Bursts {
        /// Messages in a burst.
        size: u32,
        /// Time between two messages of a burst.
        gap: Duration,
    },
}

/// The length of a message's text in bytes, before the dialect wraps it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Size {
    /// Always the same.
    Fixed(u64),
    /// Every length between the two, both included, equally often.
    Uniform {
        /// The shortest.
        min: u64,
        /// The longest.
        max: u64,
    },
    /// Many short ones, few long ones.
    Exponential {
        /// The mean.
        mean: u64,
    },
    /// What texts of people look like: a bell curve over the logarithm of the length.
    LogNormal {
        /// The mean of the lengths themselves.
        mean: u64,
        /// The standard deviation of the lengths themselves.
        deviation: u64,
    },
}

/// Who hears a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody in the chat but the sender.
    Everyone,
    /// One other person, drawn anew for each message.
    One,
    /// Everybody in the sender's room. People are spread over rooms round-robin by their number
    /// in the group.
    Room {
        /// How many rooms there are.
        rooms: u32,
    },
}

/// Comings and goings of a person: exponentially distributed times with these means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Churn {
    /// Mean time in the chat.
    pub stay: Duration,
    /// Mean time away before connecting again.
    pub away: Duration,
}

/// What holds for the chat as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChatRules {
    /// What is spoken on the wire.
    pub dialect: Dialect,
    /// How many past messages a newcomer is told.
    pub history: u32,
}

/// A protocol of the chat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// One JSON object per line.
    #[default]
    JsonLines,
}

impl Dialect {
    /// What scenario files call it.
    pub const fn name(self) -> &'static str {
        match self {
            Dialect::JsonLines => "json-lines",
        }
    }
}

impl Default for ChatRules {
    fn default() -> ChatRules {
        ChatRules { dialect: Dialect::JsonLines, history: 0 }
    }
}
