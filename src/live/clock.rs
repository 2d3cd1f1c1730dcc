//! The wall clock, as moments.

use std::time::{Duration as Span, Instant as Wall, SystemTime, UNIX_EPOCH};

use chrono::{Local, Offset as _};

use crate::chat::protocol::{Moment, Timestamp};
use crate::time::{Duration, Instant};

/// Farther away than anybody waits, and near enough for every platform.
const FAR: Span = Span::from_secs(86_400 * 365);

/// Counts from its making.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Wall,
    zone_s: i32,
}

impl Clock {
    /// A clock that begins now. The time zone is looked up once: a change to summer time reaches a
    /// server when it is started again.
    #[expect(clippy::disallowed_methods, reason = "this is the wall clock")]
    pub fn start() -> Clock {
        Clock { started: Wall::now(), zone_s: Local::now().offset().fix().local_minus_utc() }
    }

    /// Now.
    #[expect(clippy::disallowed_methods, reason = "this is the wall clock")]
    pub fn moment(&self) -> Moment {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = Timestamp::from_unix_nanos(u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX));
        Moment { now: self.now(), at, zone_s: self.zone_s }
    }

    /// Now, as a span since the start.
    pub fn now(&self) -> Instant {
        let elapsed = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Instant::ZERO + Duration::from_nanos(elapsed)
    }

    /// Seconds from 1970 to an instant.
    pub fn unix_seconds(&self, at: Instant) -> u64 {
        let moment = self.moment();
        (moment.at.unix_nanos() - (moment.now - at).as_nanos()) / 1_000_000_000
    }

    /// The same instant for timers of the runtime.
    pub fn wall(&self, at: Instant) -> tokio::time::Instant {
        let span = Span::from_nanos(at.saturating_since(Instant::ZERO).as_nanos());
        (self.started + span.min(FAR)).into()
    }
}
