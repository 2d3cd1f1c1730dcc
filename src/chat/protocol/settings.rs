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
    /// Acknowledgments and signs of life of `reliable`.
    pub timing: Timing,
}

/// Limits and intervals of `reliable`, by the names of its original's configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// Interval at which the server looks for a silent client.
    pub look: Duration,
    /// Silence after which it asks for a sign of life (`HEARTBEAT_INTERVAL`).
    pub heartbeat: Duration,
    /// Silence after which it gives the client up.
    pub dead: Duration,
    /// Retransmission timeout before the first sample (`ACK_TIMEOUT`).
    pub ack_timeout: Duration,
    /// Its floor and its ceiling (`MIN_RTO`, `MAX_RTO`).
    pub min_rto: Duration,
    /// See `min_rto`.
    pub max_rto: Duration,
    /// Retransmissions of a message before the client counts as gone (`MAX_RETRANSMISSIONS`).
    pub retransmissions: u32,
    /// Messages in flight at first (`INITIAL_CWND`).
    pub window: u32,
    /// Messages in flight up to which slow start goes (`SLOW_START_THRESHOLD`).
    pub threshold: u32,
}

impl Default for Timing {
    /// Behaviour of the original, with the bounds that its README names and its code forgot.
    fn default() -> Timing {
        Timing {
            look: Duration::from_secs(5),
            heartbeat: Duration::from_secs(10),
            dead: Duration::from_secs(30),
            ack_timeout: Duration::from_secs(3),
            min_rto: Duration::from_secs(1),
            max_rto: Duration::from_secs(60),
            retransmissions: 3,
            window: 1,
            threshold: 64,
        }
    }
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
            timing: Timing::default(),
        }
    }
}

impl Settings {
    /// The next name that `slash` gives, if it does.
    pub(super) fn next_name(&self) -> Option<String> {
        self.assign_names.then(|| names::given(self.names_given.fetch_add(1, Ordering::Relaxed) + 1))
    }
}
