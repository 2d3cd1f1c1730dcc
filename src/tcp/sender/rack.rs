//! Part of RACK in a sender beside its loss detection: a silent tail is probed (RFC 8985 §7).

use super::super::recovery::Episode;
use super::super::wheel::Timer;
use super::{Sender, Transmission};
use crate::time::{Duration, Instant};

/// RFC 8985 §7.2: how long a receiver may sit on an acknowledgment (Linux's minimum RTO).
const MAX_ACK_DELAY: Duration = Duration::from_millis(200);

/// Probes of a silent tail.
#[derive(Debug)]
pub(super) struct TailProbes {
    /// Time at which the next is due.
    pub(super) timer: Timer,
    /// One is to be sent now.
    pub(super) due: bool,
    /// The one whose answer is awaited.
    sent: Option<TailProbe>,
}

/// A probe that was sent.
#[derive(Clone, Copy, Debug)]
struct TailProbe {
    /// `TLP.end_seq`: what acknowledges it.
    end: u64,
    /// `TLP.is_retrans`: whether it was old data.
    again: bool,
}

impl Default for TailProbes {
    fn default() -> TailProbes {
        TailProbes { timer: Timer::OFF, due: false, sent: None }
    }
}

impl TailProbes {
    /// True if the probe whose answer is awaited was old data that ends there.
    pub(super) fn is_probe(&self, end: u64) -> bool {
        self.sent.is_some_and(|probe| probe.again && probe.end == end)
    }

    /// True if no answer to a probe is awaited.
    pub(super) fn is_answered(&self) -> bool {
        self.sent.is_none()
    }
}

impl Sender {
    /// RFC 8985 §7.2: no episode, and nothing reported beyond a gap, which would find the losses.
    pub(super) fn is_tail_quiet(&self) -> bool {
        self.recovery.episode() == Episode::Open && !self.scoreboard.has_sacked()
    }

    /// RFC 8985 §7.2: after new data was sent or acknowledged, two round trips without news, and a
    /// last one for a delayed acknowledgment; but in place of a timeout rather than after it.
    pub(super) fn arm_tail_probe(&mut self, now: Instant) {
        self.tail.timer = Timer::OFF;
        let quiet = self.is_tail_quiet() && self.tail.sent.is_none();
        if !quiet || self.flight() == 0 {
            return;
        }
        let Some(srtt) = self.rtt.smoothed() else { return };
        let ack_delay = if self.flight() <= self.agreed.mss { MAX_ACK_DELAY } else { self.wheel.margin() };
        let wait = (srtt * 2 + ack_delay).min(self.timer.end().saturating_since(now));
        self.tail.timer = Timer::new(now, wait);
    }

    /// RFC 8985 §7.3: new data if there is any, else the last data again, with the FIN if that follows;
    /// the congestion window is exceeded by that one.
    pub(super) fn tail_probe(&mut self) -> Option<Transmission> {
        let len = self.next_len();
        let room = (self.una + self.window).saturating_sub(self.nxt);
        let fresh = len > 0 && len <= room;
        let probe = if fresh {
            Transmission::of(self.nxt, len)
        } else {
            self.again(self.scoreboard.tail(self.fin_at)?)
        };
        self.tail.sent = Some(TailProbe { end: probe.end(), again: !fresh });
        Some(probe)
    }

    /// RFC 8985 §7.4.2: an acknowledgment may answer the probe. `news` tells that it said anything at
    /// all, `twice` where a range ends that it reported as a duplicate.
    #[inline(always)]
    pub(super) fn answer_tail_probe(&mut self, now: Instant, flight: u64, news: bool, twice: u64) {
        if self.recovery.episode() != Episode::Open {
            // The loss was found another way.
            self.tail.sent = None;
        }
        let Some(probe) = self.tail.sent.filter(|probe| self.una >= probe.end) else { return };
        if !probe.again || twice == probe.end {
            // New data, or both copies arrived.
            self.tail.sent = None;
        } else if self.una > probe.end {
            // One acknowledgment for two copies: the first was lost, and the probe repaired it.
            self.tail.sent = None;
            if let Some(controller) = &mut self.controller {
                let loss = self.scoreboard.loss(now, self.agreed.mss, flight, true);
                self.recovery.reduce(&mut **controller, &loss, (self.una, self.nxt));
                controller.on_recovered(now);
                self.recovery.on_probe_repaired(now);
                self.stats.recovery_episodes += 1;
                self.ask_controller();
            }
        } else if !news {
            // A second acknowledgment: both copies arrived.
            self.tail.sent = None;
        }
    }
}
