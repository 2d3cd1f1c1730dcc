//! One end of a connection: the state machine of RFC 9293 §3.10 between the two halves. Feed it
//! segments and timeouts, then drain what it wants to send and tell; it never calls out.

mod arrival;
mod ecn;
mod output;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use output::Output;

use super::config::Config;
use super::receiver::Receiver;
use super::sender::Sender;
use super::state::State;
use super::stats::Stats;
use super::wheel::Wheel;
use crate::congestion::Choice;
use crate::facts::{SenderEvent, Snapshot, StreamEvent as Event};
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::wire::{Flags, Payload, Segment, SeqNumber};

/// Twice the maximum segment lifetime (RFC 9293 §3.4.2; Linux's 60 s).
const TIME_WAIT: Duration = Duration::from_secs(60);
/// Between two answers to empty segments that do not belong here.
const STRAY_INTERVAL: Duration = Duration::from_millis(500);

/// One end of a TCP connection.
///
/// * Input: [`handle_segment`](Connection::handle_segment) and
///   [`handle_timeout`](Connection::handle_timeout); from the application
///   [`write`](Connection::write), [`read`](Connection::read), [`discard`](Connection::discard),
///   [`sink`](Connection::sink), [`close`](Connection::close) and [`abort`](Connection::abort).
/// * Output, after any of these and in this order: [`poll_event`](Connection::poll_event) until there is none,
///   [`poll_transmit`](Connection::poll_transmit) until there is none, then
///   [`poll_timeout`](Connection::poll_timeout).
/// * Everything else only tells how it stands.
#[derive(Debug)]
pub struct Connection {
    state: State,
    config: Arc<Config>,
    sender: Sender,
    receiver: Receiver,
    /// The controller's random stream, until the connection opens.
    rng: Option<Rng>,
    events: Events,
    /// Segment that goes before all others: a reset, or with accurate ECN the acknowledgment of a SYN-ACK.
    urgent: Option<Segment>,
    /// Flags of a segment that header prediction takes; with accurate ECN none is.
    expected: Flags,
    time_wait_until: Instant,
    /// From when on an empty stray segment is answered again.
    strays_from: Instant,
    /// Segments that went the long way.
    #[cfg(test)]
    unpredicted: u32,
}

/// A set of pending [`Event`]s.
#[derive(Debug, Default)]
struct Events(u8);

/// Memory that a connection's sender takes, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// The stream itself; of zeros, only their number is kept.
    pub text: u64,
    /// Memory that its pieces' records take.
    pub structure: u64,
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
        // Of a copy, so that the controller's draws do not depend on it.
        let wheel = Wheel::new(config.tick, &mut rng.clone());
        Connection {
            state,
            sender: Sender::new(Arc::clone(&config), iss, wheel),
            receiver: Receiver::new(&config, SeqNumber(0), wheel),
            config,
            rng: Some(rng),
            events: Events::default(),
            urgent: None,
            expected: Flags::ACK,
            time_wait_until: Instant::MAX,
            strays_from: Instant::ZERO,
            #[cfg(test)]
            unpredicted: 0,
        }
    }

    /// State of the connection.
    pub fn state(&self) -> State {
        self.state
    }

    /// Picture of the connection at present.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            cwnd: self.sender.cwnd(),
            ssthresh: self.sender.ssthresh().filter(|&threshold| threshold != u64::MAX),
            flight: self.sender.flight(),
            srtt: self.sender.rtt.smoothed(),
            rto: self.sender.rtt.rto(),
            phase: self.sender.phase(),
            pacing: self.sender.pacing(),
            beliefs: self.sender.beliefs(),
        }
    }

    /// The sender has another controller from now on; one that is not open yet begins with it.
    pub fn set_controller(&mut self, now: Instant, choice: &Choice, rng: Rng) {
        self.sender.set_controller(now, choice, rng);
    }

    /// Reason for which the sender's controller cannot go on.
    pub fn failure(&self) -> Option<&str> {
        self.sender.failure()
    }

    /// The sender's counters up to `now`.
    pub fn stats(&mut self, now: Instant) -> &Stats {
        self.sender.stats(now)
    }

    /// Segments sent again so far.
    pub fn retransmits(&self) -> u64 {
        self.sender.stats.retransmits
    }

    /// In-order bytes received so far.
    pub fn received(&self) -> u64 {
        self.receiver.received()
    }

    /// Bytes received so far, each once, those beyond a gap among them.
    pub fn arrived(&self) -> u64 {
        self.receiver.arrived()
    }

    /// Bytes that the application wrote so far.
    pub fn written(&self) -> u64 {
        self.sender.buffer.end() - 1
    }

    /// Memory of written data that are not acknowledged.
    pub fn held(&self) -> Held {
        let (text, chunks) = self.sender.buffer.held();
        // A chunk with the header of its shared text.
        let structure = chunks as u64 * 64 + self.sender.scoreboard.memory();
        Held { text, structure }
    }

    /// True if everything written has been acknowledged, the close included.
    pub fn is_drained(&self) -> bool {
        self.sender.fin_acknowledged()
    }

    /// True if [`take_signals`](Connection::take_signals) has anything.
    pub fn has_signals(&self) -> bool {
        self.sender.recovery.has_signals()
    }

    /// Takes what happened to the sender since the last call, for records.
    pub fn take_signals(&mut self) -> Vec<(Instant, SenderEvent)> {
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

    /// From now on everything is [discarded](Connection::discard) at the next
    /// [`poll_transmit`](Connection::poll_transmit), and [`Event::Readable`] no longer occurs.
    pub fn sink(&mut self) {
        self.receiver.sink();
    }

    /// True if [`sink`](Connection::sink) was called.
    pub fn is_sink(&self) -> bool {
        self.receiver.is_sink()
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
            self.urgent = Some(Segment {
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

    /// Time to call [`handle_timeout`](Connection::handle_timeout), or later;
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
        self.sender.handle_timeout(now, self.state == State::SynSent);
        self.receiver.handle_timeout(now, self.sender.rtt.rto());
        if self.time_wait_until <= now || self.sender.gave_up() {
            self.finish();
        }
    }

    /// True if an acknowledgment may not wait for what else arrives at this instant.
    pub fn is_urgent(&self) -> bool {
        self.receiver.is_urgent()
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
