//! Next segment of a connection: chosen first, then written where it will travel.

use super::super::echo::Echo;
use super::super::receiver::Receiver;
use super::super::sender::{Transmission, timestamp};
use super::super::state::State;
use super::{Connection, STRAY_INTERVAL};
use crate::time::Instant;
use crate::wire::{Ecn, Flags, Options, Payload, Segment, SeqNumber, SynOptions, Timestamps};

/// Next output of a connection, decided before a segment is made of it.
#[derive(Clone, Copy, Debug)]
pub enum Output {
    /// A piece of sequence space.
    Sequence(Transmission),
    /// An acknowledgment alone.
    Ack,
    /// A segment before all others: a reset, or the acknowledgment of a SYN-ACK.
    Urgent,
}

impl Output {
    /// True if nothing can follow it at once.
    #[inline]
    pub fn is_last(self) -> bool {
        match self {
            Output::Ack => true,
            Output::Sequence(transmission) => transmission.fills,
            Output::Urgent => false,
        }
    }
}

impl Connection {
    /// The next segment to send, if any. Call until there is none.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Segment> {
        let output = self.poll_output(now)?;
        let mut segment = Segment::default();
        self.write_segment(now, output, &mut segment);
        Some(segment)
    }

    /// Output that [`poll_transmit`](Connection::poll_transmit) would send, to be
    /// [written](Connection::write_segment) at once: most questions are answered with nothing, and then no
    /// segment is made.
    #[inline(always)]
    pub fn poll_output(&mut self, now: Instant) -> Option<Output> {
        if self.urgent.is_some() {
            return Some(Output::Urgent);
        }
        self.receiver.drain_sink();
        if self.sender.has_nothing() {
            self.sender.note_idle(now);
        } else if let Some(transmission) = self.next_transmission(now) {
            return Some(Output::Sequence(transmission));
        }
        let may_ack = || !matches!(self.state, State::Listen | State::Closed | State::SynSent);
        (self.receiver.ack_due(now) && may_ack()).then_some(Output::Ack)
    }

    #[inline(always)]
    fn next_transmission(&mut self, now: Instant) -> Option<Transmission> {
        // A SYN-ACK that was never acknowledged comes first even after a close.
        let opened = match self.state {
            State::Listen | State::Closed | State::TimeWait => return None,
            State::SynSent | State::SynReceived => false,
            _ => self.sender.una > 0,
        };
        self.sender.option_bytes = self.receiver.option_bytes(self.sender.agreed.sack).into();
        self.sender.next(now, opened)
    }

    /// Writes what [`poll_output`](Connection::poll_output) chose into a default or [cleared](Segment::clear) segment
    /// that lies where it will travel: to move a segment that was just written costs more than to write it.
    #[inline(always)]
    pub fn write_segment(&mut self, now: Instant, output: Output, segment: &mut Segment) {
        match output {
            Output::Ack => {
                segment.flags = Flags::ACK;
                self.acknowledge(now, self.sender.nxt, segment);
            }
            Output::Sequence(transmission) if transmission.is_syn() => {
                *segment = self.transmit_syn(now, transmission);
            }
            Output::Sequence(transmission) => self.transmit(now, transmission, segment),
            Output::Urgent => {
                *segment = self.urgent.take().unwrap_or_default();
                // RFC 7323 §3.2: a SHOULD for resets.
                segment.timestamps = self.sender.agreed.timestamps.then(|| self.stamps(now));
            }
        }
    }

    fn transmit_syn(&mut self, now: Instant, syn: Transmission) -> Segment {
        let answer = self.state != State::SynSent;
        let options = SynOptions {
            mss: Some(self.config.mss_option()),
            // An answer offers only what was offered (RFC 7323 §1.3, RFC 2018 §2).
            window_scale: (if answer { self.sender.agreed.window_scale } else { self.config.window_scale })
                .then(|| Receiver::shift_for(self.config.receive_window)),
            sack_permitted: if answer { self.sender.agreed.sack } else { self.config.sack },
            counted: self.syn_counters(answer),
        };
        let stamps = if answer { self.sender.agreed.timestamps } else { self.config.timestamps };
        let ack = if answer { self.receiver.acknowledge().0 } else { SeqNumber(0) };
        let flags = self.syn_flags(answer);
        let segment = Segment {
            seq: self.sender.iss,
            ack,
            window: self.receiver.syn_window(),
            flags,
            ecn: Ecn::NotEct,
            timestamps: stamps.then(|| self.stamps(now)),
            options: Options::Syn(options),
            payload: Payload::default(),
        };
        self.sender.on_sent(now, syn);
        if answer {
            self.strays_from = now + STRAY_INTERVAL;
        }
        segment
    }

    #[inline(always)]
    fn transmit(&mut self, now: Instant, transmission: Transmission, segment: &mut Segment) {
        let fin = self.sender.carries_fin(transmission);
        let data = transmission.len - u32::from(fin);
        let mut flags = Flags::ACK;
        if fin {
            flags = flags.with(Flags::FIN);
        }
        if data > 0 {
            let end = transmission.start + u64::from(data);
            if end == self.sender.buffer.end() {
                flags = flags.with(Flags::PSH);
            }
            // RFC 3168 §6.1.2, §6.1.5: only new data is sent as ECN-capable and tells of reductions.
            let codepoint = self.sender.recovery.ecn.codepoint;
            if codepoint != Ecn::NotEct && transmission.start == self.sender.nxt {
                segment.ecn = codepoint;
                if std::mem::take(&mut self.sender.recovery.ecn.cwr_due) {
                    flags = flags.with(Flags::CWR);
                }
            }
            segment.payload = self.sender.buffer.read(transmission.start, data);
            self.receiver.on_data_sent(now);
        }
        segment.flags = flags;
        self.acknowledge(now, transmission.start, segment);
        self.sender.on_sent(now, transmission);
    }

    /// The fields that every segment of an open connection has.
    #[inline(always)]
    fn acknowledge(&mut self, now: Instant, offset: u64, segment: &mut Segment) {
        segment.seq = self.sender.iss.at(offset);
        (segment.ack, segment.window) = self.receiver.acknowledge();
        if self.sender.agreed.timestamps {
            segment.timestamps = Some(self.stamps(now));
        }
        if self.sender.agreed.sack
            && let Some(blocks) = self.receiver.take_sack_blocks()
        {
            segment.options = Options::Sack(blocks);
        }
        if !matches!(self.receiver.echo, Echo::Nothing) {
            self.receiver.echo.write(segment);
        }
    }

    fn stamps(&mut self, now: Instant) -> Timestamps {
        Timestamps { value: timestamp(now), echo: self.receiver.take_echo() }
    }
}
