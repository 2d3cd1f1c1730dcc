//! The sending half: what acknowledgments mean; `timer` what expired timers mean, `output` what to
//! send next, and `rack` has what RACK adds to all three. It knows nothing of the receiving half.
//! Offsets are absolute: SYN has offset 0, data starts at 1, FIN comes last.

mod ack;
mod control;
mod marks;
mod output;
mod rack;
mod timer;

use std::sync::Arc;

use super::buffer::SendBuffer;
use super::config::{Config, EcnMode, Recovery};
use super::negotiated::Negotiated;
use super::pacer::{Pace, Pacer};
use super::prr::Prr;
use super::recovery::{Episode, LossRecovery};
use super::rtt::RttEstimator;
use super::scoreboard::{Delivered, Scoreboard};
use super::stats::{Clockwork, Stats};
use super::wheel::{Timer, Wheel};
use crate::congestion::{Beliefs, CongestionController, Phase};
use crate::rng::Rng;
use crate::time::Instant;
use crate::units::Rate;
use crate::wire::{Payload, Segment, SeqNumber};
use rack::TailProbes;

/// Sending half: data to be sent and data outstanding.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not one state")]
pub struct Sender {
    config: Arc<Config>,
    /// Initial send sequence number.
    pub(super) iss: SeqNumber,
    /// Oldest unacknowledged offset, and the next to be sent.
    pub(super) una: u64,
    pub(super) nxt: u64,
    pub(super) buffer: SendBuffer,
    /// Offset of our FIN, once the application closed.
    fin_at: Option<u64>,
    /// The application has closed, and what could be sent then has not all left yet.
    closing: bool,
    /// Agreement of the handshake.
    pub(super) agreed: Negotiated,
    /// Bytes that SACK blocks take of the next segment.
    pub(super) option_bytes: u64,
    /// The peer's window, the largest it ever was, and the segment that said so (SND.WL1, WL2).
    window: u64,
    max_window: u64,
    window_from: (u64, u64),
    controller: Option<Box<dyn CongestionController>>,
    /// Window that the controller gave last, so that it is asked once for each acknowledgment and not
    /// once for each segment.
    cwnd: u64,
    pace: Option<Pace>,
    /// Internal pacing, for controllers that ask for no rate.
    paces_itself: bool,
    pub(super) scoreboard: Scoreboard,
    pub(super) recovery: LossRecovery,
    pub(super) rtt: RttEstimator,
    wheel: Wheel,
    pacer: Pacer,
    /// Time at which pacing lets the next packet go, if one waits for that.
    paced_until: Instant,
    /// Retransmission timer, or the persist timer when nothing is outstanding.
    timer: Timer,
    probe_due: bool,
    /// True if the configuration has it, and the controller wants it.
    reduces_in_proportion: bool,
    /// With that, the episode's window, and the point that the episode ends at.
    prr: Option<(u64, Prr)>,
    /// With RACK.
    tail: TailProbes,
    /// True if the back-off is that of window probes.
    probing: bool,
    /// Expiries of the timer since data was last acknowledged or a window probe was answered.
    expiries: u32,
    /// SYN-ACKs that were sent again because the peer's SYN came again.
    syns_missed: u64,
    gave_up: bool,
    last_sent: Instant,
    /// True if the window was full lately; the largest flight, and the time until which that counts.
    window_used: bool,
    max_flight: u64,
    usage_end: u64,
    short_write: bool,
    pub(super) stats: Stats,
    clockwork: Clockwork,
    /// Segments that the peer reported as having arrived twice (Linux's `dsack_dups`).
    twice: u64,
    /// Acknowledgments that were asked what they mean.
    #[cfg(test)]
    pub(super) news: u32,
}

/// A piece of sequence space to put on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmission {
    /// Offset of its first byte.
    pub start: u64,
    /// Its length in sequence space; zero for a window probe.
    pub len: u32,
    /// True if it fills the congestion window: the segment behind it need not be asked for.
    pub fills: bool,
}

impl Transmission {
    /// So many bytes from `start` on.
    #[inline]
    pub(super) fn of(start: u64, len: u64) -> Transmission {
        Transmission { start, len: len as u32, fills: false }
    }

    /// Offset after its last byte.
    #[inline]
    pub(super) fn end(self) -> u64 {
        self.start + u64::from(self.len)
    }

    /// True if it is the SYN.
    pub fn is_syn(self) -> bool {
        self.start == 0 && self.len == 1
    }
}

impl Sender {
    /// A half that will begin with a SYN numbered `iss`.
    pub fn new(config: Arc<Config>, iss: SeqNumber, wheel: Wheel) -> Sender {
        Sender {
            iss,
            una: 0,
            nxt: 0,
            buffer: SendBuffer::new(1, config.send_buffer),
            fin_at: None,
            closing: false,
            agreed: Negotiated::unknown(&config),
            option_bytes: 0,
            window: 0,
            max_window: 0,
            window_from: (0, 0),
            controller: None,
            // Nothing limits a SYN.
            cwnd: u64::MAX / 2,
            pace: None,
            paces_itself: config.pacing,
            scoreboard: Scoreboard::default(),
            recovery: LossRecovery::default(),
            rtt: RttEstimator::new(&config),
            wheel,
            pacer: Pacer::default(),
            paced_until: Instant::MAX,
            timer: Timer::OFF,
            probe_due: false,
            reduces_in_proportion: false,
            prr: None,
            tail: TailProbes::default(),
            probing: false,
            expiries: 0,
            syns_missed: 0,
            gave_up: false,
            last_sent: Instant::ZERO,
            window_used: false,
            max_flight: 0,
            usage_end: 0,
            short_write: false,
            stats: Stats::default(),
            clockwork: Clockwork::default(),
            twice: 0,
            #[cfg(test)]
            news: 0,
            config,
        }
    }

    /// Both SYNs are acknowledged: what was negotiated is known, and the controller begins.
    /// `segment` acknowledged ours.
    pub fn establish(&mut self, now: Instant, rng: Rng, segment: &Segment) {
        if self.stats.timeouts > 0 {
            self.rtt.fall_back();
        }
        // RFC 5681 §3.1: after a lost SYN the initial window is one segment; RFC 6928 §2: after two.
        let is_lossy = self.stats.timeouts + self.syns_missed > self.config.tolerated_syns.into();
        let segments = if is_lossy { 1 } else { u64::from(self.config.initial_window) };
        // A SYN is no data segment, but its timeouts are timeouts.
        self.stats = Stats { timeouts: self.stats.timeouts, ..Stats::default() };
        self.clockwork = Clockwork::starting(now);
        self.begin_control(now, rng, segments);
        self.recovery = LossRecovery::default();
        self.recovery.wheel = self.wheel;
        self.recovery.tries_timeouts = self.config.frto;
        self.recovery.reduce_from = self.config.reduce_from;
        if self.agreed.sack && self.config.recovery == Recovery::Rack {
            self.scoreboard.use_rack();
        }
        if self.agreed.ecn != EcnMode::Off {
            self.begin_ecn(now, segment);
        }
        self.ask_controller();
    }

    /// Bytes between the oldest unacknowledged and the next offset: `FlightSize`.
    pub fn flight(&self) -> u64 {
        self.nxt - self.una
    }

    /// The congestion window; without a limit before the connection is open.
    pub fn cwnd(&self) -> u64 {
        self.cwnd
    }

    /// The slow start threshold.
    pub fn ssthresh(&self) -> Option<u64> {
        self.controller.as_ref().and_then(|controller| controller.ssthresh())
    }

    /// Rate at which its packets are spread, if they are.
    pub fn pacing(&self) -> Option<Rate> {
        self.pace.map(|pace| pace.rate)
    }

    /// Reason for which its controller cannot go on.
    pub fn failure(&self) -> Option<&str> {
        self.controller.as_ref().and_then(|controller| controller.failure())
    }

    /// Beliefs of its controller.
    pub fn beliefs(&self) -> Beliefs {
        self.controller.as_ref().map_or_else(Beliefs::default, |controller| controller.beliefs())
    }

    /// Phase of the sender.
    pub fn phase(&self) -> Phase {
        match (self.recovery.episode(), &self.controller) {
            (Episode::Recovery, _) => Phase::Recovery,
            (Episode::Loss, _) => Phase::Loss,
            (Episode::Open, Some(controller)) => controller.phase(),
            (Episode::Open, None) => Phase::Steady,
        }
    }

    /// Counters up to `now`, or to the acknowledgment of our FIN.
    pub fn stats(&mut self, now: Instant) -> &Stats {
        if !self.fin_acknowledged() {
            self.integrate(now);
            self.clockwork.close(&mut self.stats, now);
        }
        &self.stats
    }

    /// Accounts for the time since the last change of window or RTT.
    #[inline(always)]
    fn integrate(&mut self, now: Instant) {
        if self.fin_acknowledged() {
            return;
        }
        let (cwnd, srtt) = (self.cwnd(), self.rtt.smoothed());
        self.clockwork.integrate(&mut self.stats, now, cwnd, srtt);
    }

    /// Appends data; returns how much was accepted.
    pub fn write(&mut self, payload: &Payload) -> u32 {
        let accepted = self.buffer.write(payload);
        self.short_write |= accepted < payload.len();
        accepted
    }

    /// Appends zeros; returns how many were accepted.
    pub fn write_zeros(&mut self, len: u64) -> u64 {
        let accepted = self.buffer.write_zeros(len);
        self.short_write |= accepted < len;
        accepted
    }

    /// True if a short write can now be continued, with a third of the buffer free as in Linux
    /// (`sk_stream_is_writeable`); asked once per short write.
    pub fn take_writable(&mut self) -> bool {
        let ready = self.short_write && self.buffer.room() >= self.config.send_buffer / 3;
        self.short_write &= !ready;
        ready
    }

    /// No more data will be written: a FIN follows the last byte.
    pub fn close(&mut self) {
        self.fin_at.get_or_insert(self.buffer.end());
        self.closing = true;
    }

    /// True if the peer has acknowledged our FIN.
    pub fn fin_acknowledged(&self) -> bool {
        self.fin_at.is_some_and(|at| self.una > at)
    }

    /// True if the FIN belongs to `transmission`.
    pub fn carries_fin(&self, transmission: Transmission) -> bool {
        self.fin_at.is_some_and(|at| transmission.len > 0 && transmission.end() > at)
    }

    /// True if retransmission was given up.
    pub fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// Offset after the last byte that may ever be sent as things stand.
    fn end(&self) -> u64 {
        self.buffer.end() + u64::from(self.fin_at.is_some())
    }

    /// The window of an acceptable segment (RFC 9293 §3.10.7.4, fifth check).
    #[inline]
    pub fn update_window(&mut self, seq: u64, ack: u64, field: u16, is_syn: bool) -> bool {
        let newer = self.window_from.0 < seq || (self.window_from.0 == seq && self.window_from.1 <= ack);
        if !newer {
            return false;
        }
        let shift = if is_syn { 0 } else { self.agreed.window_shift };
        let window = u64::from(field) << shift;
        let changed = window != self.window;
        self.window = window;
        self.max_window = self.max_window.max(window);
        self.window_from = (seq, ack);
        changed
    }
}

/// The timestamp clock: milliseconds, starting at one, because an echo of zero means none.
pub fn timestamp(now: Instant) -> u32 {
    (now.as_nanos() / 1_000_000 + 1) as u32
}
