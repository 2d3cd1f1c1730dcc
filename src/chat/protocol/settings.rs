//! What the dialects leave open.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::chat::names;
use crate::time::Duration;

/// What the dialects leave open.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Settings {
    /// Whether `slash` gives names (`User 1`) instead of asking for them.
    pub assign_names: bool,
    /// How many it has given; shared by all copies of these settings.
    pub names_given: Arc<AtomicU64>,
    /// Whether `pipe` lists [`EVERYONE`](super::EVERYONE), whom its graphical client can only
    /// write to if it is in the list.
    pub list_everyone: bool,
    /// Whether `rooms` sends nothing but ASCII, for its older client, which ends at any other character.
    pub rooms_ascii: bool,
    /// Whether who speaks `rooms` may post to rooms that it is not in, as in the original.
    pub outsiders_post: bool,
    /// Bytes of the longest text. A longer one is refused whole, before it is cut to what one read takes.
    pub max_text: usize,
    /// Whether clients of `json-lines` know all its words before they have shown it.
    pub extended: bool,
    /// `pipe`'s pause between its welcome and the list of users.
    pub welcome_pause: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            assign_names: false,
            names_given: Arc::default(),
            list_everyone: false,
            rooms_ascii: false,
            outsiders_post: true,
            max_text: 32_768,
            extended: false,
            welcome_pause: Duration::from_millis(50),
        }
    }
}

impl Settings {
    /// The next name that `slash` gives, if it does.
    pub(super) fn next_name(&self) -> Option<String> {
        self.assign_names.then(|| names::given(self.names_given.fetch_add(1, Ordering::Relaxed) + 1))
    }
}
