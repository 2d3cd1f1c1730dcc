//! Datagrams: what happened to them on links and in flows.

use super::Direction;
use crate::time::{Duration, Instant};

/// A packet outside of connections (UDP, RFC 768; ICMP echo, RFC 792: both have eight bytes of header).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Its number in its flow and direction, from 0; that of an answer is the question's.
    pub number: u32,
    /// Bytes of data.
    pub payload: u32,
    /// Time at which it was sent, as RTP's timestamp tells.
    pub sent: Instant,
}

impl Datagram {
    /// Bytes of the headers: IPv4 without options (RFC 791), and UDP or ICMP.
    pub const HEADERS: u32 = 28;
}

/// Datagrams among the packets of links, since the start of the trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Datagrams {
    /// Dropped by the loss model or another impairment.
    pub lost: u64,
    /// Dropped by the queue.
    pub queue: u64,
    /// Dropped by a policer.
    pub policer: u64,
    /// Extra copies.
    pub duplicated: u64,
    /// Still inside.
    pub inside: u64,
}

impl Datagrams {
    /// Sums those of two links.
    pub fn add(&mut self, other: &Datagrams) {
        self.lost += other.lost;
        self.queue += other.queue;
        self.policer += other.policer;
        self.duplicated += other.duplicated;
        self.inside += other.inside;
    }

    /// Panics unless sent + duplicated = delivered + damaged + dropped + inside.
    pub fn check_conservation(&self, sent: u64, delivered: u64, damaged: u64) {
        let Datagrams { lost, queue, policer, duplicated, inside } = self;
        assert!(
            sent + duplicated == delivered + damaged + lost + queue + policer + inside,
            "datagrams are gained or lost: sent {sent} + duplicated {duplicated} is not delivered {delivered} \
             + damaged {damaged} + lost {lost} + dropped by queues {queue} + by policers {policer} + inside {inside}"
        );
    }
}

/// One direction of a flow of datagrams: those sent within the measured interval.
#[derive(Clone, Debug, PartialEq)]
pub struct DatagramOutcome {
    /// Index into [`Outcome::flows`](super::Outcome::flows).
    pub flow: u32,
    /// Direction of the datagrams.
    pub direction: Direction,
    /// Sent.
    pub sent: u64,
    /// Of these, arrived intact, each once.
    pub delivered: u64,
    /// Bytes of data in those.
    pub bytes: u64,
    /// Arrived behind one with a higher number.
    pub reordered: u64,
    /// One-way delays: mean, median, 99th percentile and maximum in milliseconds; `None` if none arrived.
    pub delay_ms: Option<[f64; 4]>,
    /// Mean of the interarrival jitter (RFC 3550 section 6.4.1); `None` unless two arrived.
    pub jitter: Option<Duration>,
    /// Quality of speech, where that is what the datagrams carry.
    pub voice: Option<Voice>,
}

impl DatagramOutcome {
    /// Share of the datagrams that did not arrive; `None` if none was sent.
    pub fn loss(&self) -> Option<f64> {
        (self.sent > 0).then(|| (self.sent - self.delivered) as f64 / self.sent as f64)
    }
}

/// Quality of speech by the E-model (ITU-T G.107).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Voice {
    /// Rating factor.
    pub r: f64,
    /// Mean opinion score, 1 to 4.5.
    pub mos: f64,
}

/// An echo request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeOutcome {
    /// Index into [`Outcome::flows`](super::Outcome::flows).
    pub flow: u32,
    /// Its number in the flow, from 0.
    pub number: u32,
    /// Time at which it was sent.
    pub sent: Instant,
    /// Time until its first answer; `None` if none came.
    pub rtt: Option<Duration>,
}
