//! The smallest round trip (§5.5.7), and `ProbeRTT`, which looks for it (§5.3.4).

use super::super::Ack;
use super::super::path_model::UNIT;
use super::cycle::Acks;
use super::{Bbr, Bounds, LEAST_SEGMENTS, State};
use crate::time::{Duration, Instant};

/// A smallest round trip not undercut for so long is looked for (`ProbeRTTInterval`, §2.16.2).
const PROBE_INTERVAL: Duration = Duration::from_secs(5);
/// It counts so long (`MinRTTFilterLen`, §2.16.1).
const WINDOW: Duration = Duration::from_secs(10);
/// Little is sent for so long at least (`ProbeRTTDuration`, §2.16.2).
const PROBE_TIME: Duration = Duration::from_millis(200);

/// Filters of the round trip, and the state of a probe.
#[derive(Debug)]
pub(super) struct MinRtt {
    /// The smallest of the last ten seconds.
    least: Duration,
    least_at: Instant,
    /// The smallest since the last probe.
    since_probe: Duration,
    since_probe_at: Instant,
    expired: bool,
    /// Earliest end of the probe, once little is in flight.
    probe_end: Option<Instant>,
    probe_round: bool,
}

impl MinRtt {
    pub(super) fn new(now: Instant, rtt: Option<Duration>) -> MinRtt {
        let rtt = rtt.unwrap_or(Duration::MAX);
        MinRtt {
            least: rtt,
            least_at: now,
            since_probe: rtt,
            since_probe_at: now,
            expired: false,
            probe_end: None,
            probe_round: false,
        }
    }

    pub(super) fn get(&self) -> Option<Duration> {
        Some(self.least).filter(|&least| least < Duration::MAX)
    }

    /// `UpdateMinRTT`. An equal round trip puts off no probe, but refreshes what is known (as in Linux; the
    /// draft's comparisons forget the second).
    pub(super) fn take(&mut self, now: Instant, rtt: Option<Duration>) {
        self.expired = now > self.since_probe_at + PROBE_INTERVAL;
        // To the microsecond, as Linux measures it.
        let rtt = rtt.map(|rtt| Duration::from_micros(rtt.as_nanos() / 1_000));
        if let Some(rtt) = rtt.filter(|&rtt| rtt < self.since_probe || self.expired) {
            self.since_probe = rtt;
            self.since_probe_at = now;
        }
        if self.since_probe <= self.least || now > self.least_at + WINDOW {
            self.least = self.since_probe;
            self.least_at = self.since_probe_at;
        }
    }
}

impl Bbr {
    /// `CheckProbeRTT`.
    pub(super) fn check_probe_rtt(&mut self, ack: &Ack) {
        if self.state != State::ProbeRtt && self.min_rtt.expired && !self.restarts {
            self.save_cwnd();
            self.state = State::ProbeRtt;
            self.min_rtt.probe_end = None;
            self.cycle.acks = Acks::Stopping;
            self.start_round();
        }
        if self.state == State::ProbeRtt {
            self.handle_probe_rtt(ack);
        }
        self.restarts &= ack.sample.is_none_or(|sample| sample.delivered == 0);
    }

    fn handle_probe_rtt(&mut self, ack: &Ack) {
        if self.min_rtt.probe_end.is_some() {
            self.min_rtt.probe_round |= self.round.started;
            if self.min_rtt.probe_round {
                self.check_probe_rtt_done(ack.now);
            }
        } else if ack.pipe.1 <= self.probe_rtt_cwnd() {
            self.min_rtt.probe_end = Some(ack.now + PROBE_TIME);
            self.min_rtt.probe_round = false;
            self.start_round();
        }
    }

    /// `CheckProbeRTTDone` and `ExitProbeRTT`.
    pub(super) fn check_probe_rtt_done(&mut self, now: Instant) {
        if self.min_rtt.probe_end.is_none_or(|end| now <= end) {
            return;
        }
        self.min_rtt.since_probe_at = now;
        self.restore_cwnd();
        self.short_term = Bounds::NONE;
        if self.full_pipe.reached {
            self.start_down(now);
            self.start_cruise();
        } else {
            self.enter_startup();
        }
    }

    /// `ProbeRTTCwnd`.
    pub(super) fn probe_rtt_cwnd(&self) -> u64 {
        self.bdp(self.bandwidth(), UNIT / 2).max(LEAST_SEGMENTS * self.mss)
    }
}
