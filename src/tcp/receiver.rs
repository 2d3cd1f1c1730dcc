//! The receiving half: reassembly, window and acknowledgments. It knows nothing of the sending half.

mod gaps;

use super::assembler::Assembler;
use super::config::{Config, DelayedAck};
use super::echo::Echo;
use super::quickack::QuickAcks;
use super::rtt::RttEstimator;
use super::wheel::{Timer, Wheel};
use crate::time::{Duration, Instant};
use crate::wire::{Payload, Segment, SeqNumber, Timestamps};
use gaps::Compression;

/// A range without a byte.
const NOTHING: (u64, u64) = (0, 0);

/// Received data, and the acknowledgments due for them.
#[derive(Debug)]
pub struct Receiver {
    /// Initial receive sequence number.
    irs: SeqNumber,
    assembler: Assembler,
    /// Offset of the peer's FIN, once seen.
    fin_at: Option<u64>,
    capacity: u64,
    /// Right edge of the window last offered; it never moves back (RFC 9293 §3.8.6.2.2).
    right_edge: u64,
    /// Shift of our window field (RFC 7323 §2).
    pub(super) window_shift: u8,
    delayed_ack: Option<DelayedAck>,
    /// Data segments not yet acknowledged.
    unacknowledged: u32,
    /// An acknowledgment leaves at once, or when what arrives at this instant has been read.
    ack_now: bool,
    ack_when_read: bool,
    quick: QuickAcks,
    compression: Compression,
    /// Time at which a delayed acknowledgment is due.
    delayed: Timer,
    pub(super) wheel: Wheel,
    /// RFC 7323 §4.3: TS.Recent, and Last.ACK.sent.
    ts_recent: u32,
    last_ack_sent: u64,
    /// Acknowledgment and window last sent, until something comes or is read.
    said: Option<(SeqNumber, u16)>,
    /// The timestamp of a duplicate that waits to be answered.
    echo_once: Option<u32>,
    mss: u64,
    /// Duplicates are reported: both ends agreed on SACK (RFC 2883 §4).
    reports_duplicates: bool,
    /// Duplicate that was not reported yet; an empty range is none.
    duplicate: (u64, u64),
    /// Echo of the ECN field of what arrived.
    pub(super) echo: Echo,
}

impl Receiver {
    /// The half for a peer whose SYN had the number `irs`.
    pub fn new(config: &Config, irs: SeqNumber, wheel: Wheel) -> Receiver {
        // The SYN has offset 0, so the first byte of data has offset 1.
        Receiver {
            irs,
            assembler: Assembler::new(1),
            fin_at: None,
            capacity: config.receive_window,
            right_edge: 1 + config.receive_window.min(65_535),
            window_shift: 0,
            delayed_ack: config.delayed_ack,
            unacknowledged: 0,
            ack_now: false,
            ack_when_read: false,
            quick: QuickAcks::new(config),
            compression: Compression::OFF,
            delayed: Timer::OFF,
            wheel,
            ts_recent: 0,
            last_ack_sent: 1,
            said: None,
            echo_once: None,
            mss: config.mss.into(),
            reports_duplicates: false,
            duplicate: NOTHING,
            echo: Echo::Nothing,
        }
    }

    /// The offset expected next, the peer's FIN included.
    pub fn next(&self) -> u64 {
        self.assembler.next() + u64::from(self.has_finished())
    }

    /// True if everything up to the peer's FIN is here.
    pub fn has_finished(&self) -> bool {
        self.fin_at == Some(self.assembler.next())
    }

    /// The absolute offset of a wire number.
    pub fn offset(&self, seq: SeqNumber) -> Option<u64> {
        seq.offset(self.irs, self.next())
    }

    /// True if `len` bytes at `seq` are the next in order and within the window.
    #[inline]
    pub fn is_next(&self, seq: SeqNumber, len: u32) -> bool {
        let next = self.assembler.next();
        self.fin_at.is_none() && seq == self.irs.at(next) && next + u64::from(len) <= self.right_edge
    }

    /// RFC 9293 §3.10.7.4: whether `[start, start + len)` touches the window. Unlike there, and as
    /// in Linux, an empty segment may stand right behind it: so does every acknowledgment of a peer
    /// that has filled the window and whose last segments were lost.
    pub fn is_acceptable(&self, start: u64, len: u32) -> bool {
        let next = self.next();
        if len == 0 {
            return next <= start && start <= self.right_edge.max(next);
        }
        start < self.right_edge && start + u64::from(len) > next
    }

    /// RFC 7323 §5.3: whether a timestamp is older than the newest of an in-order segment.
    pub fn is_old_duplicate(&self, stamps: Timestamps) -> bool {
        stamps.value.wrapping_sub(self.ts_recent).cast_signed() < 0
    }

    /// RFC 7323 §4.3: keeps the timestamp to echo, only of segments that span the last
    /// acknowledgment sent, so that a delayed acknowledgment echoes the segment it waited with.
    pub fn note_timestamp(&mut self, start: u64, stamps: Timestamps) {
        if start <= self.last_ack_sent && !self.is_old_duplicate(stamps) {
            self.ts_recent = stamps.value;
        }
    }

    /// Keeps the timestamp of the peer's SYN.
    pub fn start_timestamps(&mut self, stamps: Timestamps) {
        self.ts_recent = stamps.value;
    }

    /// `TS.Recent`: the timestamp of the newest segment in order.
    pub fn ts_recent(&self) -> u32 {
        self.ts_recent
    }

    /// Answers a duplicate of the last bytes acknowledged with its own timestamp, once, if that is newer.
    pub fn echo_duplicate(&mut self, (start, end): (u64, u64), stamps: Timestamps) {
        let is_last = start <= self.last_ack_sent && self.last_ack_sent <= end;
        if is_last && !self.is_old_duplicate(stamps) {
            self.echo_once = Some(stamps.value);
        }
    }

    /// The timestamp to echo in the segment that leaves now.
    pub fn take_echo(&mut self) -> u32 {
        self.echo_once.take().unwrap_or(self.ts_recent)
    }

    /// Takes in data and FIN of an acceptable segment; `rtt` is of the half that sends. True if something new
    /// can be read, of a sink never.
    #[inline(always)]
    pub fn receive(
        &mut self,
        now: Instant,
        start: u64,
        payload: &Payload,
        fin: bool,
        rtt: &RttEstimator,
    ) -> bool {
        self.said = None;
        let (before, had_gap) = (self.assembler.next(), self.assembler.has_gap());
        let end = start + u64::from(payload.len());
        let out_of_order = start != before || had_gap;
        if out_of_order {
            self.note_out_of_order(start, end);
        }
        if end > self.right_edge {
            // Beyond the window: keep what fits.
            let fits = self.right_edge.saturating_sub(start) as u32;
            self.assembler.insert(start, &payload.slice(0, fits));
        } else {
            self.assembler.insert(start, payload);
            if fin {
                self.fin_at = Some(end);
                self.assembler.note_fin(end);
            }
        }
        if start == before {
            self.quick.on_data(now, rtt.rto());
        }
        if fin || self.quick.holds() {
            self.ack_now = true;
        } else if out_of_order {
            self.acknowledge_gap(now, rtt);
        } else {
            self.delay_ack(now, rtt);
        }
        self.assembler.next() > before && !self.assembler.is_sink()
    }

    /// Both ends agreed on SACK, or not.
    pub fn agree(&mut self, config: &Config, sack: bool) {
        self.reports_duplicates = sack && config.dsack;
        self.compression.enabled = sack && config.sack_compression;
    }

    /// Takes note of the ECN field of an acceptable segment.
    pub fn note_ecn(&mut self, segment: &Segment) {
        self.ack_now |= self.echo.note(segment, self.unacknowledged > 0);
    }

    fn delay_ack(&mut self, now: Instant, rtt: &RttEstimator) {
        self.unacknowledged += 1;
        let Some(DelayedAck { segments, stretch, .. }) = self.delayed_ack else {
            self.ack_now = true;
            return;
        };
        if self.unacknowledged >= segments {
            self.ack_when_read = true;
            self.ack_now |= !stretch;
        } else {
            let wait = self.quick.timeout(rtt.smoothed());
            self.delayed.bring_forward(self.wheel, now, wait);
        }
    }

    /// True if an acknowledgment may not wait for what else arrives at this instant.
    pub fn is_urgent(&self) -> bool {
        self.ack_now
    }

    /// Data arrived a second time: the peer waits for an acknowledgment that was lost.
    pub fn on_duplicate(&mut self) {
        self.quick.start();
    }

    /// Data leaves on the same connection now.
    pub fn on_data_sent(&mut self, now: Instant) {
        self.quick.on_data_sent(now);
    }

    /// Something must be acknowledged without delay.
    pub fn demand_ack(&mut self) {
        self.ack_now = true;
    }

    /// True if an acknowledgment must leave now, even without data.
    pub fn ack_due(&self, now: Instant) -> bool {
        self.ack_now || self.ack_when_read || self.delayed.has_ended(self.wheel, now)
    }

    /// Time at which the delayed acknowledgment is due.
    pub fn timeout(&self) -> Instant {
        self.delayed.end()
    }

    /// Time has come to `now`.
    pub fn handle_timeout(&mut self, now: Instant, rto: Duration) {
        if self.delayed.expires(self.wheel, now) && self.compression.held == 0 {
            self.quick.on_timer(rto);
        }
    }

    /// A segment leaves that carries the acknowledgment and the window; returns both.
    #[inline]
    pub fn acknowledge(&mut self) -> (SeqNumber, u16) {
        match self.said {
            Some(said) if !self.ack_now => said,
            _ => self.acknowledge_anew(),
        }
    }

    fn acknowledge_anew(&mut self) -> (SeqNumber, u16) {
        let next = self.next();
        if self.ack_now || self.unacknowledged > 0 {
            self.quick.on_ack_sent();
        }
        self.ack_now = false;
        self.ack_when_read = false;
        self.unacknowledged = 0;
        self.compression.held = 0;
        self.delayed = Timer::OFF;
        self.last_ack_sent = next;
        let edge = self.possible_edge();
        // RFC 1122 §4.2.3.3: move the edge only by a full segment or half the buffer.
        if edge >= self.right_edge + self.mss.min(self.capacity / 2) {
            self.right_edge = edge;
        }
        let window = self.right_edge.saturating_sub(next);
        let field = (window >> self.window_shift).min(65_535);
        *self.said.insert((self.irs.at(next), field as u16))
    }

    /// The window field of a SYN, which is never scaled (RFC 7323 §2.2).
    pub fn syn_window(&self) -> u16 {
        self.capacity.min(65_535) as u16
    }

    fn possible_edge(&self) -> u64 {
        let limit = 65_535u64 << self.window_shift;
        let free = self.capacity.saturating_sub(self.assembler.ready_bytes());
        self.assembler.next() + free.min(limit)
    }

    /// After reading: asks for an acknowledgment if the window opened by two segments or half the
    /// buffer, which a sender may be waiting for.
    fn announce_window(&mut self) {
        let (half, offered) = (self.capacity / 2, self.right_edge.saturating_sub(self.next()));
        if offered >= half {
            return;
        }
        let gain = self.possible_edge().saturating_sub(self.right_edge);
        self.ack_now |= gain >= (2 * self.mss).min(half).max(1);
    }

    /// Takes the next piece of the stream.
    pub fn read(&mut self) -> Option<Payload> {
        let piece = self.assembler.read();
        if piece.is_some() {
            self.said = None;
            self.announce_window();
        }
        piece
    }

    /// Reads and drops everything; returns how much that was.
    #[inline]
    pub fn discard(&mut self) -> u64 {
        let bytes = self.assembler.discard();
        self.said = None;
        self.announce_window();
        bytes
    }

    /// From now on nothing is kept to be read, and [`drain_sink`](Receiver::drain_sink) discards it.
    pub fn sink(&mut self) {
        self.assembler.sink();
    }

    /// True if nothing is kept.
    pub fn is_sink(&self) -> bool {
        self.assembler.is_sink()
    }

    /// Discards what has come, if nobody wants to read it.
    #[inline]
    pub fn drain_sink(&mut self) {
        if self.assembler.is_sink() && self.assembler.ready_bytes() > 0 {
            self.discard();
        }
    }

    /// In-order bytes received since the start.
    pub fn received(&self) -> u64 {
        self.assembler.next() - 1
    }

    /// Bytes received since the start, each once, those beyond a gap among them.
    pub fn arrived(&self) -> u64 {
        self.assembler.arrived_bytes() - 1
    }

    /// The shift with which `capacity` fits into a window field.
    pub fn shift_for(capacity: u64) -> u8 {
        // RFC 7323 §2.3: at most 14.
        (0..14).find(|shift| 65_535u64 << shift >= capacity).unwrap_or(14)
    }
}
