//! One end of a connection: the state machine of RFC 9293 §3.10 between the two halves. Feed it
//! segments and timeouts, then drain what it wants to send and tell; it never calls out.

use std::sync::Arc;

use super::config::Config;
use super::receiver::Receiver;
use super::recovery::Signal;
use super::sender::{Sender, Transmission, timestamp};
use super::state::State;
use super::stats::Stats;
use crate::congestion::Phase;
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::wire::{Flags, Options, Payload, Segment, SeqNumber, SynOptions, Timestamps};

/// Bytes that timestamps take from each segment (RFC 7323 appendix A).
const TIMESTAMP_BYTES: u16 = 12;
/// Twice the maximum segment lifetime (RFC 9293 §3.4.2; Linux's 60 s).
const TIME_WAIT: Duration = Duration::from_secs(60);

/// One end of a TCP connection.
#[derive(Debug)]
pub struct Connection {
    state: State,
    config: Arc<Config>,
    sender: Sender,
    receiver: Receiver,
    /// The controller's random stream, until the connection opens.
    rng: Option<Rng>,
    events: Events,
    /// A reset to send, if one is due.
    reset: Option<Segment>,
    time_wait_until: Instant,
}

/// What happened to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is open both ways.
    Connected,
    /// There is something to read.
    Readable,
    /// A short write can be continued.
    Writable,
    /// The peer sends no more.
    PeerClosed,
    /// It is gone.
    Closed,
}

/// A set of pending [`Event`]s.
#[derive(Debug, Default)]
struct Events(u8);

/// What a connection looks like from outside at one instant.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Congestion window in bytes.
    pub cwnd: u64,
    /// Slow start threshold in bytes.
    pub ssthresh: Option<u64>,
    /// Bytes in flight.
    pub flight: u64,
    /// Smoothed round-trip time.
    pub srtt: Option<Duration>,
    /// Retransmission timeout, back-off included.
    pub rto: Duration,
    /// What the sender is doing.
    pub phase: Phase,
}

impl Connection {
    /// Opens actively: a SYN waits to be sent.
    pub fn connect(config: Arc<Config>, iss: SeqNumber, rng: Rng) -> Connection {
        Connection::new(State::SynSent, config, iss, rng)
    }

    /// Opens passively: waits for a SYN.
    pub fn listen(config: Arc<Config>, iss: SeqNumber, rng: Rng) -> Connection {
        Connection::new(State::Listen, config, iss, rng)
    }

    fn new(state: State, config: Arc<Config>, iss: SeqNumber, rng: Rng) -> Connection {
        Connection {
            state,
            sender: Sender::new(Arc::clone(&config), iss),
            receiver: Receiver::new(&config, SeqNumber(0)),
            config,
            rng: Some(rng),
            events: Events::default(),
            reset: None,
            time_wait_until: Instant::MAX,
        }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// What it looks like now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            cwnd: self.sender.cwnd(),
            ssthresh: self.sender.ssthresh().filter(|&threshold| threshold != u64::MAX),
            flight: self.sender.flight(),
            srtt: self.sender.rtt.smoothed(),
            rto: self.sender.rtt.rto(),
            phase: self.sender.phase(),
        }
    }

    /// The sender's counters up to `now`.
    pub fn stats(&mut self, now: Instant) -> &Stats {
        self.sender.stats(now)
    }

    /// In-order bytes received so far.
    pub fn received(&self) -> u64 {
        self.receiver.received()
    }

    /// Bytes that the application wrote so far.
    pub fn written(&self) -> u64 {
        self.sender.buffer.end() - 1
    }

    /// Whether everything written has been acknowledged, the close included.
    pub fn is_drained(&self) -> bool {
        self.sender.fin_acknowledged()
    }

    /// Whether [`take_signals`](Connection::take_signals) has anything.
    pub fn has_signals(&self) -> bool {
        self.sender.recovery.has_signals()
    }

    /// Takes what happened to the sender since the last call, for records.
    pub fn take_signals(&mut self) -> Vec<(Instant, Signal)> {
        self.sender.recovery.take_signals()
    }

    /// Appends data; returns how much was accepted. [`Event::Writable`] follows a short write.
    pub fn write(&mut self, payload: &Payload) -> u32 {
        if self.state.may_send() { self.sender.write(payload) } else { 0 }
    }

    /// Appends zeros; returns how many were accepted.
    pub fn write_zeros(&mut self, len: u64) -> u64 {
        if self.state.may_send() { self.sender.write_zeros(len) } else { 0 }
    }

    /// Takes the next piece of what the peer sent.
    pub fn read(&mut self) -> Option<Payload> {
        self.receiver.read()
    }

    /// Reads and drops everything; returns how much that was.
    pub fn discard(&mut self) -> u64 {
        self.receiver.discard()
    }

    /// No more will be written (RFC 9293 §3.10.4).
    pub fn close(&mut self) {
        match self.state {
            State::Listen | State::SynSent => self.finish(),
            State::SynReceived | State::Established => {
                self.sender.close();
                self.state = State::FinWait1;
            }
            State::CloseWait => {
                self.sender.close();
                self.state = State::LastAck;
            }
            _ => {}
        }
    }

    /// Resets the connection (RFC 9293 §3.10.5).
    pub fn abort(&mut self) {
        if self.state.is_synchronized() || self.state == State::SynReceived {
            self.reset = Some(Segment {
                seq: self.sender.iss.at(self.sender.nxt),
                flags: Flags::RST,
                ..Segment::default()
            });
        }
        self.finish();
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        if self.sender.take_writable() {
            self.events.set(Event::Writable);
        }
        self.events.take()
    }

    /// When to call [`handle_timeout`](Connection::handle_timeout), or later;
    /// [`Instant::MAX`] for never.
    pub fn poll_timeout(&self) -> Instant {
        if self.state == State::Closed {
            return Instant::MAX;
        }
        self.sender.poll_timeout().min(self.receiver.timeout()).min(self.time_wait_until)
    }

    /// Time has come to `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.state == State::Closed {
            return;
        }
        self.sender.handle_timeout(now);
        if self.time_wait_until <= now || self.sender.gave_up() {
            self.finish();
        }
    }

    /// The next segment to send, if any. Call until there is none.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Segment> {
        if let Some(reset) = self.reset.take() {
            return Some(reset);
        }
        match self.state {
            State::Listen | State::Closed => return None,
            State::TimeWait => {}
            State::SynSent | State::SynReceived => {
                if let Some(syn) = self.sender.next(now, false) {
                    return Some(self.transmit_syn(now, syn));
                }
                if self.state == State::SynSent {
                    return None;
                }
            }
            _ => {
                // A SYN-ACK that was never acknowledged comes first even after a close.
                let opened = self.sender.una > 0;
                if let Some(transmission) = self.sender.next(now, opened) {
                    return Some(self.transmit(now, transmission));
                }
            }
        }
        self.receiver.ack_due(now).then(|| self.pure_ack(now))
    }

    fn transmit_syn(&mut self, now: Instant, syn: Transmission) -> Segment {
        let answer = self.state != State::SynSent;
        let options = SynOptions {
            mss: Some(self.config.mss + if self.config.timestamps { TIMESTAMP_BYTES } else { 0 }),
            // An answer offers only what was offered (RFC 7323 §1.3, RFC 2018 §2).
            window_scale: (if answer { self.sender.window_scale } else { self.config.window_scale })
                .then(|| Receiver::shift_for(self.config.receive_window)),
            sack_permitted: if answer { self.sender.sack } else { self.config.sack },
        };
        let stamps = if answer { self.sender.timestamps } else { self.config.timestamps };
        let ack = if answer { self.receiver.acknowledge().0 } else { SeqNumber(0) };
        let segment = Segment {
            seq: self.sender.iss,
            ack,
            window: self.receiver.syn_window(),
            flags: if answer { Flags::SYN.with(Flags::ACK) } else { Flags::SYN },
            timestamps: stamps.then(|| self.stamps(now)),
            options: Options::Syn(options),
            payload: Payload::default(),
        };
        self.sender.on_sent(now, syn, 0);
        segment
    }

    fn transmit(&mut self, now: Instant, transmission: Transmission) -> Segment {
        if transmission.start == 0 && transmission.len == 1 {
            return self.transmit_syn(now, transmission);
        }
        let fin = self.sender.carries_fin(transmission);
        let data = transmission.len - u32::from(fin);
        let mut flags = Flags::ACK;
        if fin {
            flags = flags.with(Flags::FIN);
        }
        let payload = if data > 0 {
            let end = transmission.start + u64::from(data);
            if end == self.sender.buffer.end() {
                flags = flags.with(Flags::PSH);
            }
            self.sender.buffer.read(transmission.start, data)
        } else {
            Payload::default()
        };
        let segment = Segment {
            seq: self.sender.iss.at(transmission.start),
            flags,
            payload,
            ..self.acknowledgment(now)
        };
        let wire_bytes = u64::from(segment.header_len() + segment.payload.len() + crate::wire::IP_HEADER);
        self.sender.on_sent(now, transmission, wire_bytes);
        segment
    }

    fn pure_ack(&mut self, now: Instant) -> Segment {
        Segment { seq: self.sender.iss.at(self.sender.nxt), flags: Flags::ACK, ..self.acknowledgment(now) }
    }

    /// The fields that every segment of an open connection has.
    fn acknowledgment(&mut self, now: Instant) -> Segment {
        let (ack, window) = self.receiver.acknowledge();
        Segment {
            ack,
            window,
            timestamps: self.sender.timestamps.then(|| self.stamps(now)),
            options: if self.sender.sack { self.receiver.sack_option() } else { Options::default() },
            ..Segment::default()
        }
    }

    fn stamps(&self, now: Instant) -> Timestamps {
        Timestamps { value: timestamp(now), echo: self.receiver.timestamp_echo() }
    }

    /// A segment arrived (RFC 9293 §3.10.7).
    pub fn handle_segment(&mut self, now: Instant, segment: &Segment) {
        match self.state {
            // §3.10.7.1: a peer that missed our reset learns of it.
            State::Closed => {
                if !segment.flags.has(Flags::RST) {
                    self.reset = Some(reset_for(segment));
                }
            }
            State::Listen => self.handle_in_listen(segment),
            State::SynSent => self.handle_in_syn_sent(now, segment),
            _ => self.handle_in_window(now, segment),
        }
    }

    /// §3.10.7.2
    fn handle_in_listen(&mut self, segment: &Segment) {
        if segment.flags.has(Flags::RST) {
            return;
        }
        if segment.flags.has(Flags::ACK) {
            self.reset = Some(reset_for(segment));
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
                self.reset = Some(reset_for(segment));
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
            self.establish(now);
            self.receiver.demand_ack();
        } else {
            // Both opened at once (§3.5): our SYN goes out again, now with an acknowledgment.
            self.state = State::SynReceived;
            self.sender.scoreboard.mark_all_lost();
        }
    }

    /// Takes over what the peer's SYN says.
    fn accept_syn(&mut self, segment: &Segment) {
        let offered = segment.syn_options();
        self.receiver = Receiver::new(&self.config, segment.seq);
        let sender = &mut self.sender;
        sender.sack = self.config.sack && offered.sack_permitted;
        if let (true, Some(shift)) = (self.config.window_scale, offered.window_scale) {
            // RFC 7323 §2.3: at most 14.
            sender.window_scale = true;
            sender.window_shift = shift.min(14);
            self.receiver.window_shift = Receiver::shift_for(self.config.receive_window);
        }
        let mut option_bytes = 0;
        if let (true, Some(stamps)) = (self.config.timestamps, segment.timestamps) {
            sender.timestamps = true;
            self.receiver.start_timestamps(stamps);
            option_bytes = TIMESTAMP_BYTES;
        }
        // RFC 9293 §3.7.1: without the option, assume 536.
        let peer_mss = offered.mss.unwrap_or(536).saturating_sub(option_bytes).max(1);
        sender.mss = self.config.mss.min(peer_mss).into();
        sender.update_window(0, 0, segment.window, true);
    }

    fn establish(&mut self, now: Instant) {
        if let Some(rng) = self.rng.take() {
            self.sender.establish(now, rng);
        }
        if self.state != State::FinWait1 {
            self.state = State::Established;
        }
        self.events.set(Event::Connected);
    }

    /// §3.10.7.4: every state with a window.
    fn handle_in_window(&mut self, now: Instant, segment: &Segment) {
        let Some(start) = self.receiver.offset(segment.seq) else {
            // A number from before the stream began is as unacceptable as any old one.
            if !segment.flags.has(Flags::RST) {
                self.receiver.demand_ack();
            }
            return;
        };
        // RFC 7323 §5.3 R1 (PAWS), then the first check.
        let old = match segment.timestamps {
            Some(stamps) if self.sender.timestamps => {
                !segment.flags.has(Flags::RST) && self.receiver.is_old_duplicate(stamps)
            }
            _ => false,
        };
        if old || !self.receiver.is_acceptable(start, segment.sequence_len()) {
            if old {
                self.receiver.demand_ack();
            } else if !segment.flags.has(Flags::RST) {
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
        if let Some(stamps) = segment.timestamps
            && self.sender.timestamps
        {
            self.receiver.note_timestamp(start, stamps);
        }
        if self.handle_ack(now, start, segment) {
            self.handle_data(now, start, segment);
        }
    }

    /// An old or unexpected segment is answered with where we are (§3.10.7.4); in TIME-WAIT the
    /// peer's FIN may have been sent again.
    fn refuse_unacceptable(&mut self, now: Instant, segment: &Segment) {
        self.receiver.demand_ack();
        if self.state == State::TimeWait && segment.flags.has(Flags::FIN) {
            self.time_wait_until = now + TIME_WAIT;
        }
        // What an old segment acknowledges still counts while we repair our own losses.
        if segment.flags.has(Flags::ACK)
            && !segment.flags.has(Flags::SYN)
            && self.state.is_synchronized()
            && let Some(start) = self.receiver.offset(segment.seq)
            && segment.payload.is_empty()
        {
            self.handle_ack(now, start, segment);
        }
    }

    /// Fifth check: the acknowledgment. Returns whether the rest of the segment counts.
    fn handle_ack(&mut self, now: Instant, start: u64, segment: &Segment) -> bool {
        let Some(ack) = segment.ack.offset(self.sender.iss, self.sender.una) else { return false };
        if self.sender.una == 0 {
            // SYN-RECEIVED, perhaps already closed by the application.
            if ack == 0 || ack > self.sender.nxt {
                self.reset = Some(reset_for(segment));
                return false;
            }
            self.sender.handle_ack(now, ack, segment, false);
            self.sender.update_window(start, ack, segment.window, false);
            self.establish(now);
            return true;
        }
        if ack > self.sender.nxt {
            self.receiver.demand_ack();
            return false;
        }
        if ack < self.sender.una {
            return true;
        }
        let window_moved = self.sender.update_window(start, ack, segment.window, false);
        let bare = segment.sequence_len() == 0 && !window_moved;
        self.sender.handle_ack(now, ack, segment, bare);
        if self.sender.fin_acknowledged() {
            match self.state {
                State::FinWait1 => self.state = State::FinWait2,
                State::Closing => self.enter_time_wait(now),
                State::LastAck => self.finish(),
                _ => {}
            }
        }
        true
    }

    /// Seventh and eighth check: text and FIN.
    fn handle_data(&mut self, now: Instant, start: u64, segment: &Segment) {
        if segment.sequence_len() == 0 {
            return;
        }
        if !self.state.may_receive() {
            self.receiver.demand_ack();
            return;
        }
        let fin = segment.flags.has(Flags::FIN);
        if self.receiver.receive(now, start, &segment.payload, fin) {
            self.events.set(Event::Readable);
        }
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

    fn finish(&mut self) {
        if self.state != State::Closed && self.state != State::TimeWait {
            self.events.set(Event::Closed);
        }
        self.state = State::Closed;
    }
}

impl Events {
    fn set(&mut self, event: Event) {
        self.0 |= 1 << event as u8;
    }

    /// The earliest in the order of [`Event`].
    fn take(&mut self) -> Option<Event> {
        const ORDER: [Event; 5] =
            [Event::Connected, Event::Readable, Event::Writable, Event::PeerClosed, Event::Closed];
        if self.0 == 0 {
            return None;
        }
        let lowest = self.0.trailing_zeros();
        self.0 &= self.0 - 1;
        Some(ORDER[lowest as usize])
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
