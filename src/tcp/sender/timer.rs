//! The retransmission and persist timer (RFC 6298, RFC 9293 §3.8.6.1), and what else waits for an
//! instant.

use super::super::wheel::Timer;
use super::{Delivered, Sender, TailProbes};
use crate::time::Instant;

/// RFC 9293 §3.8.3: give up after so many expiries in a row (R2; Linux's `tcp_retries2`).
const MAX_BACKOFF: u32 = 15;
/// The same for a SYN, for which RFC 9293 §3.8.3 wants three minutes at least (MUST-23). Unlike
/// Linux's 6, which give up after 127 s.
const MAX_SYN_BACKOFF: u32 = 7;

impl Sender {
    /// RFC 6298 §5.2, §5.3.
    pub(super) fn arm_timer(&mut self, now: Instant) {
        self.timer = Timer::OFF;
        if self.flight() > 0 {
            self.restart_timer(now);
        }
    }

    /// A retransmission timeout from `now`.
    #[inline]
    pub(super) fn restart_timer(&mut self, now: Instant) {
        self.timer = Timer::new(now, self.rtt.rto());
    }

    /// Sends our SYN again at once: the peer's came again, so that ours was lost.
    pub fn repeat_syn(&mut self, now: Instant) {
        self.syns_missed += 1;
        self.scoreboard.mark_all_lost(now);
        self.arm_timer(now);
    }

    /// Time at which [`handle_timeout`](Sender::handle_timeout) or the next paced packet is due.
    pub fn poll_timeout(&self) -> Instant {
        // A tail probe takes the place of a timeout: Linux has one timer for both.
        let silence = if self.tail.timer.is_armed() { self.tail.timer } else { self.timer };
        silence.end().min(self.paced_until).min(self.recovery.reorder_timer)
    }

    /// The retransmission or persist timer may have expired.
    /// `is_syn_sent` tells that nothing but our SYN was ever sent or received.
    pub fn handle_timeout(&mut self, now: Instant, is_syn_sent: bool) {
        self.paced_until = Instant::MAX;
        if self.recovery.reorder_timer <= now {
            self.integrate(now);
            self.recovery.on_reorder_timeout(
                now,
                &mut self.scoreboard,
                self.controller.as_deref_mut(),
                (self.una, self.nxt),
                &mut self.stats,
            );
            self.tell_losses(now);
            self.ask_controller();
            if self.reduces_in_proportion {
                self.steer_recovery(self.flight(), &Delivered::default(), false);
            }
        }
        if self.tail.timer.is_armed() {
            if self.tail.timer.expires(self.wheel, now) {
                self.tail.timer = Timer::OFF;
                self.tail.due = true;
                self.restart_timer(now);
            }
            return;
        }
        if !self.timer.expires(self.wheel, now) {
            return;
        }
        self.timer = Timer::OFF;
        let probes = self.flight() == 0;
        let linear = if is_syn_sent { self.config.syn_linear_timeouts } else { 0 };
        let limit = if self.una == 0 { MAX_SYN_BACKOFF + linear } else { MAX_BACKOFF };
        if self.expiries >= limit {
            self.gave_up = true;
            return;
        }
        if probes {
            // Any answer keeps the connection open (§3.8.6.1); silence ends it (§3.8.3).
            self.expiries += 1;
            self.probe_due = self.nxt < self.end();
            self.probing = true;
            self.rtt.back_off();
            return;
        }
        self.integrate(now);
        self.stats.timeouts += 1;
        self.recovery.on_timeout(
            now,
            &mut self.scoreboard,
            self.controller.as_deref_mut(),
            self.nxt,
            self.nxt - self.una,
            self.expiries == 0,
        );
        self.tell_losses(now);
        self.ask_controller();
        self.prr = None;
        self.tail = TailProbes::default();
        self.expiries += 1;
        if self.expiries > linear {
            self.rtt.back_off();
        }
        self.restart_timer(now);
    }
}
