//! Effect of an acknowledgment on the sending half.

use super::super::config::{EcnMode, Recovery};
use super::super::recovery::AckFacts;
use super::super::rtt::Position;
use super::control::Before;
use super::{Delivered, Sender, timestamp};
use crate::time::{Duration, Instant};
use crate::wire::{Segment, SeqNumber};

impl Sender {
    /// The offset that the wire number `ack` stands for, if it acknowledges what is outstanding or nothing.
    #[inline]
    pub fn acknowledged_by(&self, ack: SeqNumber) -> Option<u64> {
        // No window is as large as half the circle of numbers.
        let advance = u64::from(ack.0.wrapping_sub(self.iss.at(self.una).0));
        (advance <= self.flight() && self.una > 0).then_some(self.una + advance)
    }

    /// Takes in the acknowledgment of `segment`, already known not to lie beyond `nxt`; one below `una`
    /// was overtaken.
    /// `bare` tells that it carries nothing else: no data, no SYN or FIN, no new window.
    #[inline]
    pub fn handle_ack(&mut self, now: Instant, ack: u64, segment: &Segment, bare: bool) {
        if ack == self.nxt && self.is_told_nothing(ack, segment) {
            // An answer to a window probe, at most.
            self.expiries = 0;
        } else {
            self.handle_news(now, ack, segment, bare);
        }
    }

    /// True if nothing is outstanding, and neither an episode in doubt nor a probe of the tail awaits news: the
    /// half that only receives is not asked anything more.
    #[inline]
    fn is_told_nothing(&self, ack: u64, segment: &Segment) -> bool {
        self.una == self.nxt
            && self.tail.is_answered()
            // Duplicates are reported even then.
            && segment.sack_blocks().is_empty()
            && !self.recovery.is_unfounded_by(ack, self.echo_of(segment))
    }

    /// The timestamp that a segment echoes.
    fn echo_of(&self, segment: &Segment) -> Option<u32> {
        segment.timestamps.filter(|_| self.agreed.timestamps).map(|stamps| stamps.echo)
    }

    fn handle_news(&mut self, now: Instant, ack: u64, segment: &Segment, bare: bool) {
        #[cfg(test)]
        {
            self.news += 1;
        }
        self.integrate(now);
        let flight = self.flight();
        let before = Before {
            flight,
            pipe: self.pipe(),
            lost: self.scoreboard.lost(),
            una: self.una,
            episode: self.recovery.episode(),
        };
        if ack > self.una || flight == 0 {
            // Progress, or the answer to a window probe.
            self.expiries = 0;
        }
        let mut delivered = Delivered::default();
        if self.agreed.sack {
            self.take_sack_blocks(now, ack, segment, &mut delivered);
        }
        let advanced = ack.saturating_sub(self.una);
        if advanced > 0 {
            self.scoreboard.acknowledge(ack, now, &mut delivered);
            self.una = ack;
            self.buffer.release(ack);
            if self.fin_acknowledged() {
                self.clockwork.close(&mut self.stats, now);
            }
        }
        self.take_rtt(now, advanced > 0, segment, &delivered);
        let (use_sack, echo) = (self.uses_sack(), self.echo_of(segment));
        self.recovery.on_ack(
            now,
            &mut self.scoreboard,
            self.controller.as_deref_mut(),
            AckFacts {
                ack,
                una: self.una,
                nxt: self.nxt,
                advanced,
                flight,
                newly_sacked: delivered.sacked,
                duplicate: bare && advanced == 0 && flight > 0,
                mss: self.agreed.mss,
                use_sack,
                // Without SACK the segment sent again may have filled a gap (`tcp_clean_rtx_queue`).
                revived: delivered.revived && (use_sack || !delivered.repeated),
                echo,
            },
            &mut self.stats,
        );
        if self.agreed.ecn != EcnMode::Off {
            self.hear_marks(now, (ack, flight), segment, &mut delivered);
        }
        self.tell_controller(now, before, &delivered);
        // Unlike RFC 6298 §5.3, as Linux does with RACK (`tcp_clean_rtx_queue`): news of what was sent
        // before the oldest segment went again shows that its answer cannot be late yet.
        if advanced > 0 || delivered.before_head && self.scoreboard.has_rack() {
            self.arm_timer(now);
        }
        self.ask_controller();
        if self.reduces_in_proportion {
            self.steer_recovery(flight, &delivered, advanced > 0);
        }
        if self.scoreboard.has_rack() {
            let news = advanced > 0 || delivered.sacked > 0 || !bare;
            self.answer_tail_probe(now, flight, news, delivered.twice);
            if advanced > 0 || !self.is_tail_quiet() {
                self.arm_tail_probe(now);
            }
        }
    }

    /// True if losses are found from SACK blocks.
    pub(super) fn uses_sack(&self) -> bool {
        self.agreed.sack && self.config.recovery != Recovery::NewReno
    }

    fn take_sack_blocks(&mut self, now: Instant, ack: u64, segment: &Segment, out: &mut Delivered) {
        let blocks = segment.sack_blocks();
        if blocks.is_empty() || !self.uses_sack() {
            return;
        }
        let twice = usize::from(self.config.dsack && self.take_duplicate(ack, blocks, out));
        let ack = ack.max(self.una);
        for &(start, end) in &blocks[twice..] {
            let (Some(start), Some(end)) = (start.offset(self.iss, self.una), end.offset(self.iss, self.una))
            else {
                continue;
            };
            // Blocks below were acknowledged since.
            if ack <= start && start < end && end <= self.nxt {
                self.scoreboard.sack(start, end, now, out);
            }
        }
    }

    /// RFC 2883 §4: the first block reports a duplicate if it lies below the acknowledgment or within the second
    /// block; returns whether it does.
    #[inline(never)]
    fn take_duplicate(&mut self, ack: u64, blocks: &[(SeqNumber, SeqNumber)], out: &mut Delivered) -> bool {
        let range = |&(start, end): &(SeqNumber, SeqNumber)| {
            Some((start.offset(self.iss, self.una)?, end.offset(self.iss, self.una)?))
        };
        let Some((start, end)) = blocks.first().and_then(range) else { return false };
        let within = |(from, to)| from <= start && end <= to;
        let is_duplicate = start < ack || blocks.get(1).and_then(range).is_some_and(within);
        if !is_duplicate || start >= end || end > self.nxt {
            return is_duplicate;
        }
        let segments = (end - start).div_ceil(self.agreed.mss);
        self.twice += segments;
        // As in Linux (`tcp_dsack_seen`): more than was sent again, the network made.
        if self.twice <= self.stats.retransmits {
            out.twice = end;
            self.recovery.doubt.on_arrived_twice(end, segments as u32);
            if start >= ack {
                // The original was reported before its copy arrived (`tcp_sacktag_one`).
                self.scoreboard.note_reordering();
            }
            // A probe is sent for the time, not for what arrived before.
            if !self.tail.is_probe(end) {
                self.scoreboard.on_needless_repeat(self.una, self.nxt);
            }
        }
        true
    }

    fn take_rtt(&mut self, now: Instant, advanced: bool, segment: &Segment, delivered: &Delivered) {
        let at = Position { una: self.una, nxt: self.nxt, mss: self.agreed.mss };
        if let Some(rtt) = delivered.rtt {
            self.rtt.sample(rtt, at);
            self.scoreboard.set_rtt(self.rtt.min(), self.rtt.smoothed().unwrap_or_default());
        } else if let (true, true, Some(stamps)) = (advanced, self.agreed.timestamps, segment.timestamps) {
            // Every segment acknowledged was sent more than once: only its echo can tell which
            // copy arrived (RFC 7323 §4), to the millisecond.
            let elapsed = timestamp(now).wrapping_sub(stamps.echo);
            if stamps.echo != 0 && elapsed < 1 << 24 {
                self.rtt.sample(Duration::from_millis(elapsed.max(1).into()), at);
            }
        }
    }
}
