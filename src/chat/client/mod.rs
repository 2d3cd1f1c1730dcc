//! A synthetic person: when it speaks, how much, and to whom; when it goes and comes back.
//!
//! A person keeps to its own clock and never waits for the network: when each message is *meant* to
//! be sent is a pure function of its random streams, so that a slow network cannot hide its own
//! slowness by keeping people from speaking (coordinated omission). Times, sizes, addressees and
//! absences come from separate streams; changing one leaves the others as they were.

mod person;
mod seat;
mod talk;
#[cfg(test)]
mod tests;

pub use person::{Act, Intent, Person};
pub use seat::Seat;
pub use talk::{Addressee, Arrivals, Churn, SizeDistribution, Talk};
