//! Shared parts of the conformance tests: a pair of connections over scripted faults, and one
//! connection fed with hand-made segments. Both keep a log that is printed when a test fails.

mod gaps;
mod pair;
mod properties;
mod rfc2883;
mod rfc3168;
mod rfc3522;
mod rfc5681;
mod rfc5682;
mod rfc6298;
mod rfc6582;
mod rfc6675;
mod rfc7323;
mod rfc8985;
mod rfc9293;
mod rfc9293_flow;
mod rfc9293_segments;
mod rfc9768;
mod rfc9768_feedback;
mod rfc9937;
mod script;
mod sending;
mod timers;

use pair::{End, Fate, Pair, Reading};
use script::{OWN_ISS, PEER_ISS, Script, blocks, segment, syn, syn_ack, with_stamps};

use crate::rng::Seed;
use crate::tcp::{Config, Connection, DelayedAck, EcnMode, IdleWindow, Recovery, ReduceFrom, RtoFloor};
use crate::time::{Duration, Instant};
use crate::wire::{Flags, Segment, SeqNumber};

/// Milliseconds as a span.
pub const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Milliseconds since the start as an instant.
pub const fn at(n: u64) -> Instant {
    Instant::from_nanos(n * 1_000_000)
}

/// RFC 9293 and RFC 6298 to the letter: segments of 1000 bytes, no options, NewReno.
pub fn plain() -> Config {
    Config {
        mss: 1000,
        recovery: Recovery::NewReno,
        timestamps: false,
        sack: false,
        window_scale: false,
        delayed_ack: Some(DelayedAck { segments: 2, timeout: ms(40), adaptive: false, stretch: false }),
        quickack: false,
        dsack: false,
        sack_compression: false,
        frto: false,
        syn_linear_timeouts: 0,
        tolerated_syns: 0,
        reduce_from: ReduceFrom::Flight,
        idle_window: IdleWindow::Initial,
        rto_floor: RtoFloor::Rto,
        receive_window: 60_000,
        // Exact, so that scripts may count milliseconds.
        tick: Duration::ZERO,
        ..Config::default()
    }
}

/// As [`plain`], with SACK and RFC 6675.
pub fn sack() -> Config {
    Config { sack: true, recovery: Recovery::Sack, ..plain() }
}

/// As [`plain`], with ECN.
pub fn ecn() -> Config {
    Config { ecn: EcnMode::Classic, ..plain() }
}

/// As [`plain`], with accurate ECN.
pub fn accurate() -> Config {
    Config { ecn: EcnMode::Accurate, ..plain() }
}

/// As [`plain`], with timestamps.
pub fn stamped() -> Config {
    Config { timestamps: true, ..plain() }
}

/// A connection that opens, or waits if `listens`.
pub fn connection(config: &Config, iss: u32, listens: bool) -> Connection {
    let rng = Seed(1).stream("controller");
    let open = if listens { Connection::listen } else { Connection::connect };
    open(std::sync::Arc::new(config.clone()), SeqNumber(iss), rng)
}

/// A segment in one line, numbers relative to the initial ones: `SA 0..1 ack 1`,
/// `FA 1..102 ack 1 sack 2001..3001`. PSH, windows and timestamps are left out.
pub fn line(segment: &Segment, iss: SeqNumber, peer: SeqNumber) -> String {
    let letters = [
        (Flags::SYN, 'S'),
        (Flags::FIN, 'F'),
        (Flags::RST, 'R'),
        (Flags::ACK, 'A'),
        (Flags::ECE, 'E'),
        (Flags::CWR, 'C'),
        (Flags::AE, 'X'),
    ];
    let mut out: String =
        letters.iter().filter(|(flag, _)| segment.flags.has(*flag)).map(|&(_, letter)| letter).collect();
    let start = segment.seq.0.wrapping_sub(iss.0);
    out += &format!(" {start}..{}", start.wrapping_add(segment.sequence_len()));
    if segment.flags.has(Flags::ACK) {
        out += &format!(" ack {}", segment.ack.0.wrapping_sub(peer.0));
    }
    for (i, (from, to)) in segment.sack_blocks().iter().enumerate() {
        let word = if i == 0 { " sack " } else { "," };
        out += &format!("{word}{}..{}", from.0.wrapping_sub(peer.0), to.0.wrapping_sub(peer.0));
    }
    out
}
