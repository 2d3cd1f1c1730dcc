//! One connection fed by hand: `send` gives it a segment, `recv` asserts what it answers and when.

use std::collections::VecDeque;

use crate::tcp::{Config, Connection, Event, State};
use crate::time::Instant;
use crate::wire::{Flags, Options, Payload, SackBlocks, Segment, SeqNumber, SynOptions, Timestamps};

use super::{at, connection, line};

/// The initial sequence number of the connection under test.
pub const OWN_ISS: u32 = 1_000;
/// The initial sequence number of the imagined peer.
pub const PEER_ISS: u32 = 5_000;

/// A connection, the time, and what it sent that no test line has asked for yet.
pub struct Script {
    /// The connection under test.
    pub tcp: Connection,
    /// The time.
    pub now: Instant,
    out: VecDeque<(Instant, Segment)>,
    log: Vec<String>,
}

/// The peer's segment of `len` bytes at `seq`, both numbers relative to the initial ones, with a
/// window of 60 000.
pub fn segment(flags: Flags, seq: u32, ack: u32, len: u32) -> Segment {
    Segment {
        seq: SeqNumber(PEER_ISS.wrapping_add(seq)),
        ack: SeqNumber(OWN_ISS.wrapping_add(ack)),
        window: 60_000,
        flags,
        payload: Payload::zeros(len),
        ..Segment::default()
    }
}

/// `segment` with this timestamp and this echo.
pub fn with_stamps(segment: Segment, value: u32, echo: u32) -> Segment {
    Segment { timestamps: Some(Timestamps { value, echo }), ..segment }
}

/// The peer has everything before `ack`, and these ranges.
pub fn blocks(ack: u32, ranges: &[(u32, u32)]) -> Segment {
    let mut blocks = SackBlocks::default();
    for &(start, end) in ranges {
        assert!(blocks.push(SeqNumber(OWN_ISS + start), SeqNumber(OWN_ISS + end)), "room for a block");
    }
    Segment { options: Options::Sack(blocks), ..segment(Flags::ACK, 1, ack, 0) }
}

impl Script {
    /// A connection that opens at time 0.
    pub fn connect(config: &Config) -> Script {
        Script::new(connection(config, OWN_ISS, false))
    }

    /// A connection that listens.
    pub fn listen(config: &Config) -> Script {
        Script::new(connection(config, OWN_ISS, true))
    }

    fn new(tcp: Connection) -> Script {
        let mut script = Script { tcp, now: Instant::ZERO, out: VecDeque::new(), log: Vec::new() };
        script.drain();
        script
    }

    /// An open connection that connected to a peer with this SYN-ACK; its handshake is over.
    pub fn open_with(config: &Config, syn_ack: Segment) -> Script {
        let mut script = Script::connect(config);
        script.take();
        script.send(10, syn_ack);
        script.recv(10, "A 1..1 ack 1");
        script.events();
        script
    }

    /// An open connection whose peer offers MSS 1000 and nothing else.
    pub fn established(config: &Config) -> Script {
        Script::open_with(config, syn_ack(SynOptions { mss: Some(1000), ..SynOptions::default() }))
    }

    /// An open connection whose peer also permits SACK.
    pub fn established_with_sack(config: &Config) -> Script {
        let offer = SynOptions { mss: Some(1000), sack_permitted: true, ..SynOptions::default() };
        Script::open_with(config, syn_ack(offer))
    }

    /// A connection in `state`, at 10 ms; nothing waits to be sent, no event to be told.
    pub fn in_state(config: &Config, state: State) -> Script {
        let mut script = match state {
            State::Listen | State::SynReceived => Script::listen(config),
            State::SynSent => Script::connect(config),
            _ => Script::established(config),
        };
        let fin = segment(Flags::FIN.with(Flags::ACK), 1, 1, 0);
        match state {
            State::SynReceived => script.send(10, syn(SynOptions::default())),
            State::FinWait1 => script.close(),
            State::FinWait2 => {
                script.close();
                script.send(10, segment(Flags::ACK, 1, 2, 0));
            }
            State::CloseWait => script.send(10, fin),
            State::Closing => {
                script.close();
                script.send(10, fin);
            }
            State::LastAck => {
                script.send(10, fin);
                script.close();
            }
            State::TimeWait => {
                script.close();
                script.send(10, Segment { ack: SeqNumber(OWN_ISS + 2), ..fin });
            }
            State::Closed => {
                script.tcp.abort();
                script.drain();
            }
            State::Listen | State::SynSent | State::Established => {}
        }
        assert_eq!(script.tcp.state(), state, "the way into {state:?}");
        script.out.clear();
        script.events();
        script
    }

    /// Lets time pass to `millis`, living through every timer on the way.
    pub fn wait(&mut self, millis: u64) {
        let end = at(millis);
        assert!(self.now <= end, "a script that goes forward");
        loop {
            let next = self.tcp.poll_timeout();
            if next > end {
                break;
            }
            assert!(next >= self.now || self.tcp.poll_timeout() <= self.now, "a timer in the past");
            self.now = self.now.max(next);
            self.tcp.handle_timeout(self.now);
            self.drain();
            assert!(self.tcp.poll_timeout() > self.now, "a timer that stays due");
        }
        self.now = end;
    }

    /// The peer's segment arrives at `millis`.
    #[expect(clippy::needless_pass_by_value, reason = "a script makes its segments on the spot")]
    pub fn send(&mut self, millis: u64, segment: Segment) {
        self.wait(millis);
        let text = line(&segment, SeqNumber(PEER_ISS), SeqNumber(OWN_ISS));
        self.log.push(format!("{millis:6} <- {text}"));
        self.tcp.handle_segment(self.now, &segment);
        self.drain();
    }

    /// Writes zeros; what may be sent is.
    pub fn write(&mut self, bytes: u64) {
        assert_eq!(self.tcp.write_zeros(bytes), bytes, "room for the data of a test");
        self.drain();
    }

    /// Closes; what may be sent is.
    pub fn close(&mut self) {
        self.tcp.close();
        self.drain();
    }

    /// Asserts that the next segment it sent left at `millis` and looks like `expected`.
    #[track_caller]
    pub fn recv(&mut self, millis: u64, expected: &str) -> Segment {
        if self.now < at(millis) {
            self.wait(millis);
        }
        let Some((when, segment)) = self.out.pop_front() else {
            panic!("nothing was sent by {millis} ms, expected {expected}")
        };
        let text = line(&segment, SeqNumber(OWN_ISS), SeqNumber(PEER_ISS));
        assert_eq!((when.as_nanos() / 1_000_000, text.as_str()), (millis, expected));
        segment
    }

    /// Asserts that nothing (more) was sent until `millis`.
    #[track_caller]
    pub fn silent(&mut self, millis: u64) {
        self.wait(millis);
        if let Some((when, segment)) = self.out.front() {
            panic!("{when}: sent {}", line(segment, SeqNumber(OWN_ISS), SeqNumber(PEER_ISS)));
        }
    }

    /// Takes all that was sent and not asked for, as lines.
    pub fn take(&mut self) -> Vec<String> {
        let lines = self.out.iter().map(|(_, s)| line(s, SeqNumber(OWN_ISS), SeqNumber(PEER_ISS))).collect();
        self.out.clear();
        lines
    }

    /// Takes all that was sent: (milliseconds, segment).
    pub fn take_segments(&mut self) -> Vec<(u64, Segment)> {
        self.out.drain(..).map(|(when, s)| (when.as_nanos() / 1_000_000, s)).collect()
    }

    /// The events since the last call.
    pub fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.tcp.poll_event()).collect()
    }

    /// Takes what the connection wants to send now.
    pub fn drain(&mut self) {
        for count in 0.. {
            assert!(count < 100_000, "a connection that never stops sending");
            let Some(segment) = self.tcp.poll_transmit(self.now) else { break };
            let text = line(&segment, SeqNumber(OWN_ISS), SeqNumber(PEER_ISS));
            self.log.push(format!("{:6} -> {text}", self.now.as_nanos() / 1_000_000));
            self.out.push_back((self.now, segment));
        }
    }
}

/// The peer's SYN-ACK with these offers.
pub fn syn_ack(options: SynOptions) -> Segment {
    Segment {
        flags: Flags::SYN.with(Flags::ACK),
        options: Options::Syn(options),
        ..segment(Flags::ACK, 0, 1, 0)
    }
}

/// The peer's SYN with these offers.
pub fn syn(options: SynOptions) -> Segment {
    Segment {
        flags: Flags::SYN,
        ack: SeqNumber(0),
        options: Options::Syn(options),
        ..segment(Flags::ACK, 0, 0, 0)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{:?} at {}; the script so far:", self.tcp.state(), self.now);
            for text in &self.log {
                eprintln!("{text}");
            }
        }
    }
}
