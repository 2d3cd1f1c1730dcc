//! Counters of a sender, from the start of the connection to the acknowledgment of its FIN; the
//! difference of two readings gives an interval's figures.

use crate::facts::Limit;
use crate::time::{Duration, Instant};

/// Counters of one sender.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Data segments sent, retransmissions included.
    pub segments_sent: u64,
    /// Segments sent again.
    pub retransmits: u64,
    /// Episodes of fast recovery entered.
    pub recovery_episodes: u64,
    /// Expiries of the retransmission timer.
    pub timeouts: u64,
    /// Reductions found to be unfounded.
    pub spurious: u64,
    /// Integral of the congestion window over time, in byte-nanoseconds.
    pub cwnd_integral: u128,
    /// Time over which the window has been integrated: since the connection opened.
    pub open_time: Duration,
    /// Integral of the smoothed RTT over time, in nanoseconds squared.
    pub srtt_integral: u128,
    /// Time for which there has been a smoothed RTT.
    pub srtt_time: Duration,
    /// Time spent waiting for: the application, the receiver's window, the congestion window.
    pub limited: [Duration; 3],
}

/// Keeps the time-weighted counters of [`Stats`] up to date.
#[derive(Debug, Default)]
pub(super) struct Clockwork {
    integrated: Instant,
    limit: Limit,
    limit_since: Instant,
}

impl Clockwork {
    /// Begins at `now`.
    pub fn starting(now: Instant) -> Clockwork {
        Clockwork { integrated: now, limit_since: now, limit: Limit::default() }
    }

    /// Accounts for the time since the last call, in which these values held.
    pub fn integrate(&mut self, stats: &mut Stats, now: Instant, cwnd: u64, srtt: Option<Duration>) {
        let span = now - self.integrated;
        self.integrated = now;
        stats.cwnd_integral += span.integral(cwnd);
        stats.open_time += span;
        if let Some(srtt) = srtt {
            stats.srtt_integral += span.integral(srtt.as_nanos());
            stats.srtt_time += span;
        }
    }

    /// Sets the limit that holds the sender back from now on.
    pub fn set_limit(&mut self, stats: &mut Stats, now: Instant, limit: Limit) {
        if limit != self.limit {
            self.close(stats, now);
            self.limit = limit;
        }
    }

    /// Accounts for the limit that holds now.
    pub fn close(&mut self, stats: &mut Stats, now: Instant) {
        stats.limited[self.limit as usize] += now - self.limit_since;
        self.limit_since = now;
    }
}
