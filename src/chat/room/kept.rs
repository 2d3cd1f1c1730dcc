//! Records that outlive connections. A registered person owns rooms, is a member of them and is invited
//! into them while it is away, too, and what is said to it alone waits for it.
//!
//! A room asks its [`Keeper`] before it changes anything, so that there is nothing to be undone.

use crate::chat::message::{Name, Refusal};

/// Knows who is registered, and keeps what those are owed.
pub trait Keeper {
    /// The registered name that is meant by `nick`, if there is one; look-alikes do not count.
    fn account(&self, nick: &str) -> Option<Name>;

    /// Keeps a change before it is made, or says why that cannot be.
    fn keep(&mut self, change: Change) -> Result<(), Refusal>;
}

/// Nobody is registered, and nothing outlives anybody.
#[derive(Debug)]
pub struct Forgetful;

impl Keeper for Forgetful {
    fn account(&self, _: &str) -> Option<Name> {
        None
    }

    fn keep(&mut self, _: Change) -> Result<(), Refusal> {
        Ok(())
    }
}

/// Something that outlives the people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A registered person becomes this to a room.
    Standing {
        /// The room's name.
        room: Name,
        /// The registered person that owns it, if one does.
        owner: Option<Name>,
        /// True if it is private.
        private: bool,
        /// Account that has the standing.
        account: Name,
        /// Nothing is none.
        standing: Option<Standing>,
    },
    /// A room has ended.
    Closed {
        /// Its name.
        room: Name,
    },
    /// Something is said to a registered person that is away.
    Mail {
        /// To whom.
        to: Name,
        /// Author of the message.
        from: Name,
        /// Text of the message.
        text: Name,
    },
}

/// Standing of a person in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is in.
    Member,
    /// It may enter.
    Invited {
        /// Person who has invited it.
        by: Name,
    },
}

/// A room as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRoom {
    /// Its name.
    pub name: Name,
    /// The registered person that owns it, if one does.
    pub owner: Option<Name>,
    /// True if it is private.
    pub private: bool,
    /// Registered people, and what they are to it.
    pub people: Vec<(Name, Standing)>,
}
