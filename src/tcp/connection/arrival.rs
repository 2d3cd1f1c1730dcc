//! A segment arrives: the checks of RFC 9293 §3.10.7, in its order.

use super::super::config::EcnMode;
use super::super::echo::{Echo, EcnCounters};
use super::super::negotiated::Negotiated;
use super::super::receiver::Receiver;
use super::super::state::State;
use super::{Connection, Event, STRAY_INTERVAL, TIME_WAIT};
use crate::time::{Duration, Instant};
use crate::wire::{Ecn, Flags, Payload, Segment, SeqNumber, Timestamps};

impl Connection {
    /// A segment arrived (RFC 9293 §3.10.7).
    #[inline]
    pub fn handle_segment(&mut self, now: Instant, segment: &Segment) {
        match self.predicted(segment) {
            Some(ack) => self.handle_predicted(now, ack, segment),
            None => self.handle_unpredicted(now, segment),
        }
    }

    #[inline(never)]
    fn handle_unpredicted(&mut self, now: Instant, segment: &Segment) {
        #[cfg(test)]
        {
            self.unpredicted += 1;
        }
        match self.state {
            // §3.10.7.1: a peer that missed our reset learns of it.
            State::Closed => {
                if !segment.flags.has(Flags::RST) {
                    self.urgent = Some(reset_for(segment));
                }
            }
            State::Listen => self.handle_in_listen(segment),
            State::SynSent => self.handle_in_syn_sent(now, segment),
            _ => self.handle_in_window(now, segment),
        }
    }

    /// Header prediction (Jacobson 1988): what the segment acknowledges, if it is the next one of an open
    /// connection, with data and acknowledgment only. Such a segment passes every check.
    #[inline]
    fn predicted(&self, segment: &Segment) -> Option<u64> {
        let in_time = match segment.timestamps {
            Some(stamps) => self.sender.agreed.timestamps && !self.receiver.is_old_duplicate(stamps),
            None => !self.sender.agreed.timestamps,
        };
        let is_next = self.state == State::Established
            && segment.flags.0 & !Flags::PSH.0 == self.expected.0
            && segment.ecn != Ecn::Ce
            && self.receiver.is_next(segment.seq, segment.payload.len())
            && in_time;
        if is_next { self.sender.acknowledged_by(segment.ack) } else { None }
    }

    /// Remainder of the long way for such a segment.
    #[inline]
    fn handle_predicted(&mut self, now: Instant, ack: u64, segment: &Segment) {
        let start = self.receiver.next();
        self.note_timestamp(start, segment);
        let is_empty = segment.payload.is_empty();
        let window_moved = self.sender.update_window(start, ack, segment.window, false);
        self.sender.handle_ack(now, ack, segment, is_empty && !window_moved);
        if !is_empty {
            self.receive(now, start, &segment.payload, false);
        }
    }

    #[inline]
    fn receive(&mut self, now: Instant, start: u64, payload: &Payload, fin: bool) {
        if self.receiver.receive(now, start, payload, fin, &self.sender.rtt) {
            self.events.set(Event::Readable);
        }
    }

    /// §3.10.7.2
    fn handle_in_listen(&mut self, segment: &Segment) {
        if segment.flags.has(Flags::RST) {
            return;
        }
        if segment.flags.has(Flags::ACK) {
            self.urgent = Some(reset_for(segment));
        } else if segment.flags.has(Flags::SYN) {
            self.accept_syn(segment);
            self.state = State::SynReceived;
        }
    }

    /// §3.10.7.3
    fn handle_in_syn_sent(&mut self, now: Instant, segment: &Segment) {
        let ack = segment.flags.has(Flags::ACK);
        if ack && (segment.ack != self.sender.iss.add(1) || self.sender.nxt == 0) {
            if !segment.flags.has(Flags::RST) {
                self.urgent = Some(reset_for(segment));
            }
            return;
        }
        if segment.flags.has(Flags::RST) {
            if ack {
                self.finish();
            }
            return;
        }
        if !segment.flags.has(Flags::SYN) {
            return;
        }
        self.accept_syn(segment);
        if ack {
            self.sender.handle_ack(now, 1, segment, false);
            self.establish(now, segment);
            self.acknowledge_syn_ack();
        } else {
            // Both opened at once (§3.5): our SYN goes out again, now with an acknowledgment.
            self.state = State::SynReceived;
            self.sender.scoreboard.mark_all_lost(now);
        }
    }

    /// Takes over what the peer's SYN says.
    fn accept_syn(&mut self, segment: &Segment) {
        let mut agreed = Negotiated::after(&self.config, segment);
        // RFC 3168 §6.1.1: no ECT after a SYN of ours that did not offer it. RFC 9768 §3.1.4.1: a client in its
        // mode may.
        agreed.ect &= self.sender.stats.retransmits == 0 || agreed.ecn == EcnMode::Accurate;
        self.receiver = Receiver::new(&self.config, segment.seq, self.receiver.wheel);
        if agreed.ecn == EcnMode::Accurate {
            let counters = EcnCounters::new(segment.ecn, segment.flags.has(Flags::ACK));
            self.receiver.echo = Echo::Counters(Box::new(counters));
            self.expected = Flags(u16::MAX);
        }
        if agreed.window_scale {
            self.receiver.window_shift = Receiver::shift_for(self.config.receive_window);
        }
        if let (true, Some(stamps)) = (agreed.timestamps, segment.timestamps) {
            self.receiver.start_timestamps(stamps);
        }
        self.receiver.agree(&self.config, agreed.sack);
        self.sender.agreed = agreed;
        self.sender.update_window(0, 0, segment.window, true);
    }

    /// `segment` acknowledged our SYN.
    fn establish(&mut self, now: Instant, segment: &Segment) {
        if let Some(rng) = self.rng.take() {
            self.sender.establish(now, rng, segment);
        }
        if self.state != State::FinWait1 {
            self.state = State::Established;
        }
        self.strays_from = Instant::ZERO;
        self.events.set(Event::Connected);
    }

    /// §3.10.7.4: every state with a window.
    fn handle_in_window(&mut self, now: Instant, segment: &Segment) {
        let Some(start) = self.receiver.offset(segment.seq) else {
            // A number from before the stream began is as unacceptable as any old one.
            self.answer_stray(now, segment);
            return;
        };
        if self.is_cross_syn_ack(start, segment) {
            if let Some(ack) = self.acceptable_ack(now, segment) {
                self.handle_ack(now, start, ack, segment);
            }
            return;
        }
        // RFC 7323 §3.2: dropped in silence (a SHOULD); resets are excepted.
        if self.sender.agreed.timestamps && segment.timestamps.is_none() && !segment.flags.has(Flags::RST) {
            return;
        }
        // RFC 7323 §5.3 R1 (PAWS), then the first check.
        let old = match segment.timestamps {
            Some(stamps) if self.sender.agreed.timestamps => {
                !segment.flags.has(Flags::RST)
                    && self.receiver.is_old_duplicate(stamps)
                    && !self.is_overtaken_ack(segment, stamps)
            }
            _ => false,
        };
        if old || !self.receiver.is_acceptable(start, segment.sequence_len()) {
            if self.is_repeated_syn(start, segment) {
                self.answer_repeated_syn(now);
            } else {
                self.answer_stray(now, segment);
            }
            if !segment.flags.has(Flags::SYN) {
                self.receiver.note_duplicate(start, start + u64::from(segment.sequence_len()));
            }
            if !old && !segment.flags.has(Flags::RST) {
                self.refuse_unacceptable(now, segment);
            }
            return;
        }
        // Second check, with RFC 5961 §3: only an exact number resets.
        if segment.flags.has(Flags::RST) {
            if start == self.receiver.next() {
                self.finish();
            } else {
                self.receiver.demand_ack();
            }
            return;
        }
        // Fourth check, with RFC 5961 §4.
        if segment.flags.has(Flags::SYN) {
            self.receiver.demand_ack();
            return;
        }
        if !segment.flags.has(Flags::ACK) {
            return;
        }
        match self.acceptable_ack(now, segment) {
            Some(ack) => self.take_in(now, start, ack, segment),
            None => self.note_timestamp(start, segment),
        }
    }

    /// Processes a segment that passed the checks: at `start` with an acknowledgment up to `ack`.
    fn take_in(&mut self, now: Instant, start: u64, ack: u64, segment: &Segment) {
        self.note_timestamp(start, segment);
        if self.sender.agreed.ecn != EcnMode::Off {
            self.receiver.note_ecn(segment);
        }
        self.handle_ack(now, start, ack, segment);
        if segment.sequence_len() > 0 {
            self.handle_data(now, start, segment);
        }
    }

    /// Unlike RFC 7323 §5.3 R1, and as in Linux (`tcp_disordered_ack`), an empty segment that another
    /// overtook is no old duplicate within a retransmission timeout: what it acknowledges is news.
    fn is_overtaken_ack(&self, segment: &Segment, stamps: Timestamps) -> bool {
        let age = self.receiver.ts_recent().wrapping_sub(stamps.value);
        segment.sequence_len() == 0 && Duration::from_millis(age.into()) <= self.sender.rtt.rto()
    }

    /// RFC 7323 §4.3
    #[inline]
    fn note_timestamp(&mut self, start: u64, segment: &Segment) {
        if let Some(stamps) = segment.timestamps
            && self.sender.agreed.timestamps
        {
            self.receiver.note_timestamp(start, stamps);
        }
    }

    /// Both opened at once (§3.5, figure 7), and the peer's second SYN acknowledges ours: it says
    /// nothing new but that, for which §3.10.7.4 has no place (as Linux).
    fn is_cross_syn_ack(&self, start: u64, segment: &Segment) -> bool {
        start == 0
            && self.sender.una == 0
            && segment.flags.has(Flags::SYN.with(Flags::ACK))
            && !segment.flags.has(Flags::RST)
            && segment.sequence_len() == 1
            && segment.ack == self.sender.iss.add(1)
    }

    /// A SYN once more before ours was acknowledged.
    fn is_repeated_syn(&self, start: u64, segment: &Segment) -> bool {
        let only_syn = segment.flags.has(Flags::SYN) && !segment.flags.has(Flags::ACK);
        start == 0 && self.sender.una == 0 && only_syn && !segment.flags.has(Flags::RST)
    }

    /// Its sender missed our SYN-ACK, and would drop a bare acknowledgment (§3.10.7.3): the SYN-ACK goes out again, as
    /// in Linux (`tcp_check_req`), rarely, and the timer starts anew.
    fn answer_repeated_syn(&mut self, now: Instant) {
        if now >= self.strays_from {
            self.sender.repeat_syn(now);
        }
    }

    /// A segment that does not belong here is answered with where we are (§3.10.7.4). If it is empty,
    /// rarely: it may be such an answer itself, and two ends that disagree would go on for ever
    /// (RFC 5961 §7; the interval is Linux's `tcp_invalid_ratelimit`).
    fn answer_stray(&mut self, now: Instant, segment: &Segment) {
        if segment.flags.has(Flags::RST) || (segment.sequence_len() == 0 && now < self.strays_from) {
            return;
        }
        if segment.sequence_len() == 0 {
            self.strays_from = now + STRAY_INTERVAL;
        }
        self.receiver.demand_ack();
    }

    /// In TIME-WAIT the peer's FIN may have been sent again.
    fn refuse_unacceptable(&mut self, now: Instant, segment: &Segment) {
        if segment.flags.has(Flags::SYN) && self.sender.agreed.ecn != EcnMode::Off {
            self.note_repeated_syn(segment);
        }
        if self.state == State::TimeWait && segment.flags.has(Flags::FIN) {
            self.time_wait_until = now + TIME_WAIT;
        }
        if !segment.payload.is_empty() {
            self.receiver.on_duplicate();
        }
        // RFC 7323 §5.3 R2 rejects old segments before their time is noted. Linux takes one that ends where the
        // last acknowledgment did. Here the answer echoes it, but TS.Recent stays, so that PAWS does not refuse
        // what is still on its way.
        let len = segment.sequence_len();
        if len > 0
            && self.sender.agreed.timestamps
            && let (Some(stamps), Some(start)) = (segment.timestamps, self.receiver.offset(segment.seq))
        {
            self.receiver.echo_duplicate((start, start + u64::from(len)), stamps);
        }
        // An old segment's acknowledgment still counts while we repair our own losses.
        if segment.flags.has(Flags::ACK)
            && !segment.flags.has(Flags::SYN)
            && self.state.is_synchronized()
            && let Some(start) = self.receiver.offset(segment.seq)
            && segment.payload.is_empty()
            && let Some(ack) = self.acceptable_ack(now, segment)
        {
            self.handle_ack(now, start, ack, segment);
        }
    }

    /// Fifth check: up to where it acknowledges. Without an answer the rest of the segment does not count.
    fn acceptable_ack(&mut self, now: Instant, segment: &Segment) -> Option<u64> {
        let ack = segment.ack.offset(self.sender.iss, self.sender.una)?;
        if self.sender.una == 0 && (ack == 0 || ack > self.sender.nxt) {
            self.urgent = Some(reset_for(segment));
            return None;
        }
        if ack > self.sender.nxt {
            self.answer_stray(now, segment);
            return None;
        }
        Some(ack)
    }

    /// The acknowledgment of an acceptable segment.
    fn handle_ack(&mut self, now: Instant, start: u64, ack: u64, segment: &Segment) {
        if self.sender.una == 0 {
            // SYN-RECEIVED, perhaps already closed by the application.
            self.sender.handle_ack(now, ack, segment, false);
            self.sender.update_window(start, ack, segment.window, segment.flags.has(Flags::SYN));
            self.establish(now, segment);
            return;
        }
        // An acknowledgment that was overtaken still reports what lies beyond gaps (RFC 6675 §5).
        let overtaken = ack < self.sender.una;
        let window_moved = !overtaken && self.sender.update_window(start, ack, segment.window, false);
        let bare = segment.sequence_len() == 0 && !window_moved && !overtaken;
        self.sender.handle_ack(now, ack, segment, bare);
        if self.sender.fin_acknowledged() {
            match self.state {
                State::FinWait1 => self.state = State::FinWait2,
                State::Closing => self.enter_time_wait(now),
                State::LastAck => self.finish(),
                _ => {}
            }
        }
    }

    /// Seventh and eighth check: text and FIN.
    fn handle_data(&mut self, now: Instant, start: u64, segment: &Segment) {
        if !self.state.may_receive() {
            self.receiver.demand_ack();
            return;
        }
        self.receive(now, start, &segment.payload, segment.flags.has(Flags::FIN));
        if self.receiver.has_finished() {
            self.events.set(Event::PeerClosed);
            match self.state {
                State::Established => self.state = State::CloseWait,
                State::FinWait1 => self.state = State::Closing,
                _ => self.enter_time_wait(now),
            }
        }
    }

    fn enter_time_wait(&mut self, now: Instant) {
        self.state = State::TimeWait;
        self.time_wait_until = now + TIME_WAIT;
        self.events.set(Event::Closed);
    }

    pub(super) fn finish(&mut self) {
        if self.state != State::Closed && self.state != State::TimeWait {
            self.events.set(Event::Closed);
        }
        self.state = State::Closed;
    }
}

/// The reset that answers a segment to a connection that does not exist (RFC 9293 §3.5.2).
fn reset_for(segment: &Segment) -> Segment {
    if segment.flags.has(Flags::ACK) {
        Segment { seq: segment.ack, flags: Flags::RST, ..Segment::default() }
    } else {
        Segment {
            seq: SeqNumber(0),
            ack: segment.seq.add(segment.sequence_len()),
            flags: Flags::RST.with(Flags::ACK),
            ..Segment::default()
        }
    }
}
