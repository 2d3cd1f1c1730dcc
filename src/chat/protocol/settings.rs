//! Settings that the dialects leave open.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::chat::names;
use crate::time::Duration;

/// Settings that the dialects leave open.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Settings {
    /// True if `slash` gives names (`User 1`) instead of asking for them.
    pub assign_names: bool,
    /// Number of names given; shared by all copies of these settings.
    pub names_given: Arc<AtomicU64>,
    /// True if `pipe` lists [`EVERYONE`](super::EVERYONE), whom its graphical client can only
    /// write to if it is in the list.
    pub list_everyone: bool,
    /// True if `rooms` sends nothing but ASCII, for its older client, which ends at any other character.
    pub rooms_ascii: bool,
    /// True if clients of `rooms` may post to rooms that they are not in, as in the original.
    pub outsiders_post: bool,
    /// Bytes of the longest text. A longer one is refused whole, before it is cut to what one read takes.
    pub max_text: usize,
    /// True if clients of `json-lines` know all its words before they have shown it.
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
