//! Next transmission of a sender: lost segments first, then new data as far as the congestion window, the
//! peer's window, Nagle's algorithm and pacing allow.

use super::super::config::IdleWindow;
use super::super::recovery::{Episode, Frto};
use super::{Sender, Transmission};
use crate::congestion::Restart;
use crate::facts::{Limit, SenderEvent};
use crate::time::Instant;

impl Sender {
    /// Next transmission, if anything may be sent now; asked if it [has](Sender::has_nothing) something.
    /// Follow it with [`Sender::on_sent`]. Until `opened` that can only be the SYN.
    #[inline]
    pub fn next(&mut self, now: Instant, opened: bool) -> Option<Transmission> {
        if !opened || self.is_out_of_line() {
            return self.next_out_of_line(now, opened);
        }
        let next = self.next_new(now);
        self.closing &= next.is_some();
        let next = if self.pace.is_some() { self.paced(now, next) } else { next };
        next.map(|next| Transmission { fills: self.is_filled_by(next), ..next })
    }

    /// True if it would not send if it might.
    #[inline]
    pub fn has_nothing(&self) -> bool {
        self.nxt == self.end() && !self.is_out_of_line()
    }

    /// It has nothing to send.
    #[inline]
    pub fn note_idle(&mut self, now: Instant) {
        self.closing = false;
        self.note_lack();
        self.clockwork.set_limit(&mut self.stats, now, Limit::Application);
    }

    /// True if something may go before new data: a repair, a probe, the SYN.
    #[inline]
    fn is_out_of_line(&self) -> bool {
        self.scoreboard.has_lost()
            || self.recovery.episode() == Episode::Recovery
            || self.probe_due
            || self.tail.due
            || self.nxt == 0
    }

    #[inline(never)]
    fn next_out_of_line(&mut self, now: Instant, opened: bool) -> Option<Transmission> {
        if !opened {
            // Before the SYN is acknowledged nothing else may follow.
            self.closing = false;
            let lost_syn = self.scoreboard.has_lost();
            let unsent_syn = self.nxt == 0;
            return (lost_syn || unsent_syn).then(|| Transmission::of(0, 1));
        }
        let next = self.candidate(now);
        self.closing &= next.is_some();
        self.paced(now, next)
    }

    fn candidate(&mut self, now: Instant) -> Option<Transmission> {
        if self.recovery.frto.holds_repeats() {
            let new = if self.nxt < self.end() { self.next_new(now) } else { None };
            if new.is_some() || self.recovery.frto == Frto::Deciding {
                return new;
            }
            // Nothing to try it with.
            self.recovery.frto = Frto::Off;
        }
        if self.scoreboard.has_lost() {
            let again = self.next_retransmission();
            if again.is_none() {
                self.clockwork.set_limit(&mut self.stats, now, Limit::CongestionWindow);
            }
            return again;
        }
        if self.probe_due {
            return Some(self.probe());
        }
        if std::mem::take(&mut self.tail.due) {
            return self.tail_probe();
        }
        if self.nxt == self.end() {
            self.note_lack();
            self.clockwork.set_limit(&mut self.stats, now, Limit::Application);
            return self.next_doubtful();
        }
        self.next_new(now).or_else(|| self.next_doubtful())
    }

    /// Transmission that is due, unless pacing holds it.
    fn paced(&mut self, now: Instant, next: Option<Transmission>) -> Option<Transmission> {
        if next.is_some() && self.is_paced(now) {
            self.clockwork.set_limit(&mut self.stats, now, Limit::CongestionWindow);
            return None;
        }
        next
    }

    fn next_retransmission(&mut self) -> Option<Transmission> {
        let again = self.again(self.scoreboard.next_lost()?);
        // The first retransmission of an episode does not wait for room (RFC 6675 §5 step 4.3).
        let room = self.pipe() + u64::from(again.len) <= self.cwnd() || self.pipe() == 0;
        (self.recovery.must_retransmit || room).then_some(again)
    }

    /// RFC 6675 §4 `NextSeg` rule 3: with nothing new to send in a recovery, or no room for it in the
    /// peer's window, what may yet be lost.
    fn next_doubtful(&self) -> Option<Transmission> {
        // Without room the search would be for nothing.
        if self.recovery.episode() != Episode::Recovery || !self.uses_sack() || self.pipe() >= self.cwnd() {
            return None;
        }
        let again = self.again(self.scoreboard.next_doubtful()?);
        (self.pipe() + u64::from(again.len) <= self.cwnd()).then_some(again)
    }

    #[inline(always)]
    fn next_new(&mut self, now: Instant) -> Option<Transmission> {
        if self.scoreboard.is_empty() && now.saturating_since(self.last_sent) > self.rtt.rto() {
            self.resume(now);
        }
        let len = self.next_len();
        let data = len.min(self.buffer.end().saturating_sub(self.nxt));
        let used = self.used();
        // A FIN that rides on data takes no room in the congestion window.
        if used > 0 && used + data.max(1) > self.cwnd() {
            self.note_full(now);
            return None;
        }
        let room = (self.una + self.window).saturating_sub(self.nxt);
        if len > room {
            // The FIN takes a number, which the window may not have.
            let leading = data > 0 && data <= room;
            return if leading {
                Some(Transmission::of(self.nxt, data))
            } else {
                self.next_into_small_window(now, len, room)
            };
        }
        // RFC 9293 §3.7.4 (Nagle): a small segment waits while anything is unacknowledged.
        if self.config.nagle && data < self.payload_limit() && self.flight() > 0 && self.fin_at.is_none() {
            self.note_lack();
            self.clockwork.set_limit(&mut self.stats, now, Limit::Application);
            return None;
        }
        Some(Transmission::of(self.nxt, len))
    }

    /// True if the segment behind `new` would not fit into the congestion window. The first of a window is not asked:
    /// the controller hears of it as it leaves.
    #[inline]
    fn is_filled_by(&self, new: Transmission) -> bool {
        let data = self.buffer.end().saturating_sub(new.end()).min(self.payload_limit());
        let used = self.used_with(new.len);
        data > 0 && used > 0 && used + data > self.cwnd() && !self.scoreboard.is_empty()
    }

    /// The congestion window holds back what is next.
    #[inline]
    fn note_full(&mut self, now: Instant) {
        self.note_usage(true);
        self.clockwork.set_limit(&mut self.stats, now, Limit::CongestionWindow);
    }

    /// Nothing is ready to be sent; if there is room, the application limits the rate. One that waits for room in a full
    /// buffer does not: Linux asks as it writes (`tcp_rate_check_app_limited`), and it is within a write.
    #[inline]
    fn note_lack(&mut self) {
        if self.pipe() < self.cwnd && !self.short_write {
            self.scoreboard.limit_by_application();
        }
    }

    /// A segment leaves with nothing outstanding.
    fn restart(&mut self, now: Instant) {
        let app_limited = self.scoreboard.is_app_limited();
        if let Some(controller) = &mut self.controller {
            controller.on_restart(Restart { now, app_limited });
            self.ask_controller();
        }
    }

    /// RFC 5681 §4.1, or `tcp_cwnd_restart`: sending resumes after a pause.
    #[inline(never)]
    fn resume(&mut self, now: Instant) {
        if self.controller.is_some() && self.last_sent > Instant::ZERO {
            // The pause counts with the window that it had.
            self.integrate(now);
            let pause = now - self.last_sent;
            let timeouts = (pause.as_nanos() - 1) / self.rtt.rto().as_nanos().max(1);
            if let Some(controller) = &mut self.controller {
                match self.config.idle_window {
                    IdleWindow::Halve => controller.on_decay(timeouts.min(64) as u32),
                    IdleWindow::Initial => controller.on_idle(),
                }
            }
            self.last_sent = now;
            self.ask_controller();
        }
    }

    /// RFC 9293 §3.8.6.2.1: avoid silly windows; wait for half the largest window, or probe.
    #[inline(never)]
    fn next_into_small_window(&mut self, now: Instant, len: u64, room: u64) -> Option<Transmission> {
        if room > 0 && room >= self.max_window / 2 {
            return Some(Transmission::of(self.nxt, room.min(len)));
        }
        self.clockwork.set_limit(&mut self.stats, now, Limit::ReceiveWindow);
        if self.flight() == 0 && !self.timer.is_armed() {
            // RFC 9293 §3.8.6.1: the first probe after a retransmission timeout.
            self.restart_timer(now);
        }
        None
    }

    /// The persist timer expired: what fits into the window or, if that is closed, a segment
    /// without data. Unlike RFC 9293 §3.8.6.1, which wants an octet of data, an old sequence
    /// number is sent, because it gets the same answer and leaves nothing to repair (as Linux).
    fn probe(&mut self) -> Transmission {
        let room = (self.una + self.window).saturating_sub(self.nxt);
        let len = room.min(self.next_len());
        if len > 0 {
            return Transmission::of(self.nxt, len);
        }
        Transmission::of(self.una - 1, 0)
    }

    /// Payload that fits into the next segment (RFC 9293 §3.7.1: packets do not grow by options).
    fn payload_limit(&self) -> u64 {
        self.agreed.mss.saturating_sub(self.option_bytes).max(1)
    }

    /// Sequence space of the next new segment: as much unsent data as fits, and the FIN with the last
    /// of it, for which no room is needed. As in Linux (`tcp_send_fin`), what could leave when the
    /// application closed leaves without it: a write sends at once.
    pub(super) fn next_len(&self) -> u64 {
        let data = self.buffer.end() - self.nxt.min(self.buffer.end());
        let len = data.min(self.payload_limit());
        if len < data || (self.closing && data > 0) { len } else { self.end() - self.nxt }
    }

    /// As much of the segment `[start, start + len)`, sent before, as fits into one now.
    pub(super) fn again(&self, (start, len): (u64, u32)) -> Transmission {
        let whole = Transmission::of(start, len.into());
        let data = u64::from(len) - u64::from(self.carries_fin(whole));
        if data <= self.payload_limit() {
            return whole;
        }
        Transmission::of(start, self.payload_limit())
    }

    /// Bytes that count against the congestion window.
    fn used(&self) -> u64 {
        self.used_with(0)
    }

    /// The same with so many more under way.
    #[inline]
    fn used_with(&self, more: u32) -> u64 {
        let more = u64::from(more);
        if self.config.limited_transmit || self.recovery.episode() != Episode::Open {
            // Segments reported as arrived have left the network: that is RFC 3042's allowance
            // for the first two duplicate acknowledgments, and RFC 6675's pipe.
            self.pipe_with(more)
        } else {
            self.flight() + more
        }
    }

    pub(super) fn pipe(&self) -> u64 {
        self.pipe_with(0)
    }

    #[inline]
    fn pipe_with(&self, more: u64) -> u64 {
        (self.scoreboard.pipe() + more).saturating_sub(self.recovery.dup_acked)
    }

    fn is_paced(&mut self, now: Instant) -> bool {
        if self.pace.is_none() {
            return false;
        }
        let departure = self.pacer.next_departure();
        if departure <= now {
            return false;
        }
        self.paced_until = departure;
        true
    }

    /// RFC 7661 as Linux does it: remembers for a window of data whether the window was full.
    fn note_usage(&mut self, full: bool) {
        let flight = self.flight();
        if self.una >= self.usage_end || full || (!self.window_used && flight > self.max_flight) {
            self.window_used = full;
            self.max_flight = flight;
            self.usage_end = self.nxt;
        }
    }

    /// `transmission` leaves now.
    #[inline(always)]
    pub fn on_sent(&mut self, now: Instant, transmission: Transmission) {
        let Transmission { start, len, fills } = transmission;
        self.last_sent = now;
        if let Some(pace) = self.pace {
            self.pacer.on_sent(now, len.into(), pace);
        }
        if self.probe_due {
            self.probe_due = false;
            self.recovery.note(now, SenderEvent::WindowProbe);
            self.restart_timer(now);
        }
        if len == 0 {
            return;
        }
        if start == self.nxt {
            if self.scoreboard.is_empty() {
                self.restart(now);
                // A persist timer gives way to a retransmission timer, without its back-off.
                if std::mem::take(&mut self.probing) {
                    self.rtt.reset_backoff();
                    self.expiries = 0;
                }
                self.restart_timer(now);
            }
            self.recovery.frto.on_new_data();
            self.scoreboard.on_sent(start, len, now);
            self.nxt += u64::from(len);
            if fills {
                self.closing = false;
                self.note_full(now);
            } else {
                self.note_usage(false);
            }
            if self.scoreboard.has_rack() {
                self.arm_tail_probe(now);
            }
        } else {
            let end = transmission.end();
            self.scoreboard.on_retransmitted(start, end, now);
            self.recovery.on_retransmitted(now, end);
            self.stats.retransmits += 1;
            if start == self.una {
                self.restart_timer(now);
            }
        }
        if let Some((_, prr)) = &mut self.prr {
            prr.on_sent(len.into());
        }
        self.stats.segments_sent += 1;
        if !self.timer.is_armed() {
            self.restart_timer(now);
        }
    }
}
