//! Wi-Fi (IEEE 802.11): frames leave in exchanges, several at a time, and those that fail are sent again.
//!
//! An exchange is a wait for the medium (DIFS and a back-off), one transmission of up to so many frames (an
//! A-MPDU), and its block acknowledgment; each frame fails with a chance of its own, and is part of the next
//! exchange until it arrives or was tried too often. The far end hands frames on in order (its reorder buffer), so that
//! one that fails holds up those behind it. Overheads are those of the model of Høiland-Jørgensen et
//! al. (*Ending the Anomaly*, USENIX ATC 2017), with the constants of 802.11-2020 for 5 GHz and one VHT stream.
//!
//! Unlike 802.11, each direction has a medium of its own, on which it is alone: there are no collisions, and so the
//! contention window never doubles. A station that finds the medium idle backs off all the same.

use std::collections::VecDeque;

use super::chance::{Chance, Streams};
use super::notes::note;
use super::qdisc::Queued;
use super::{Fate, Link, Waiting};
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::units::{Probability, Rate};
use crate::wire::FlowId;

/// A link of Wi-Fi; its rate is that of the physical layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wifi {
    /// Frames of one transmission, at most.
    pub aggregate: u32,
    /// Time of one transmission's frames, at most, unless it has one alone.
    pub airtime: Duration,
    /// The chance that a frame fails, each time it is sent.
    pub error: Probability,
    /// Times that it is sent again, before it is given up.
    pub retries: u32,
}

impl Wifi {
    /// Linux's ath9k sends up to 32 frames or 4 ms; 7 repeats are one more than the standard's short retry
    /// limit, which counts attempts.
    pub const DEFAULT: Wifi =
        Wifi { aggregate: 32, airtime: Duration::from_millis(4), error: Probability::NEVER, retries: 7 };

    /// Frames of one block acknowledgment: none is sent that is so far ahead of the oldest unsettled one (§10.25).
    pub const WINDOW: u32 = 64;
}

/// SIFS, and DIFS: two slots more (§17.4.4).
const SLOT: Duration = Duration::from_micros(9);
const SIFS: Duration = Duration::from_micros(16);
const DIFS: Duration = Duration::from_micros(34);
/// Slots of back-off: 0 … `CWmin`, each as likely.
pub(super) const BACKOFFS: u64 = 16;
/// Training and signal fields of a VHT transmission of one stream (§21.3.4).
const PREAMBLE: Duration = Duration::from_micros(40);
/// 32 bytes at 24 Mbit/s with a preamble of 20 µs.
const BLOCK_ACK: Duration = Duration::from_micros(32);
/// `QoS` header (26), LLC and SNAP (8) and check sequence (4); behind them a delimiter (4), and up to 3 of padding.
const MAC_BYTES: u32 = 38;
const DELIMITER: u32 = 4;

/// A transmitter at work.
#[derive(Debug)]
pub(super) struct Station {
    backoff: Rng,
    errors: Streams,
    /// Frames from the oldest unsettled one on, in order.
    frames: VecDeque<Frame>,
}

#[derive(Debug)]
struct Frame {
    item: Queued,
    /// Start of the first exchange that it was part of, and how many there were.
    begun: Instant,
    tries: u32,
    fate: Settled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settled {
    NotYet,
    Arrived,
    GivenUp,
}

/// Account of exchanges.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Exchanges {
    pub count: u64,
    /// Time that they took, and bits of their frames with all that is around them.
    pub span: Duration,
    pub bits: u64,
    /// Frames sent, and those that failed.
    pub tries: u64,
    pub failed: u64,
    /// Frames settled, and those given up.
    pub settled: u64,
    pub given_up: u64,
    /// Frames of the largest.
    pub largest: u64,
}

impl Exchanges {
    pub(super) fn add(&mut self, other: &Exchanges) {
        self.count += other.count;
        self.span += other.span;
        self.bits += other.bits;
        self.tries += other.tries;
        self.failed += other.failed;
        self.settled += other.settled;
        self.given_up += other.given_up;
        self.largest = self.largest.max(other.largest);
    }
}

/// Frames chosen for a transmission.
struct Aggregate {
    wifi: Wifi,
    rate: Option<Rate>,
    frames: u32,
    bits: u64,
}

impl Aggregate {
    /// Time of its frames.
    fn time(&self, bits: u64) -> Duration {
        let nanos = self.rate.map_or(0, |rate| {
            (u128::from(bits) * 1_000_000_000).div_ceil(u128::from(rate.bits_per_second()))
        });
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX / 4))
    }

    /// True if a packet of `size` bytes can be part of it; then it is.
    fn admit(&mut self, size: u32) -> bool {
        let bits = self.bits + on_air(size);
        let fits = self.frames < self.wifi.aggregate && self.time(bits) <= self.wifi.airtime;
        let admitted = fits || self.frames == 0;
        if admitted {
            (self.frames, self.bits) = (self.frames + 1, bits);
        }
        admitted
    }
}

/// Bits of a packet's frame within an A-MPDU.
pub(super) fn on_air(size: u32) -> u64 {
    u64::from((size + MAC_BYTES).next_multiple_of(4) + DELIMITER) * 8
}

/// Time of an exchange but for its frames and its back-off.
pub(super) const OVERHEAD: Duration =
    Duration::from_nanos(DIFS.as_nanos() + PREAMBLE.as_nanos() + SIFS.as_nanos() + BLOCK_ACK.as_nanos());
/// Mean of the back-off, and its variance in square seconds.
pub(super) const MEAN_BACKOFF: Duration = Duration::from_nanos(SLOT.as_nanos() * (BACKOFFS - 1) / 2);
pub(super) const BACKOFF_VARIANCE: f64 = 81e-12 * ((BACKOFFS * BACKOFFS - 1) as f64) / 12.0;

impl Station {
    pub(super) fn new(chance: &Chance) -> Station {
        Station {
            backoff: chance.of_this_way("wifi/backoff"),
            errors: chance.streams("wifi/error"),
            frames: VecDeque::new(),
        }
    }

    /// A flow's number belongs to another from now on.
    pub(super) fn forget(&mut self, flow: FlowId) {
        self.errors.forget(flow);
    }

    pub(super) fn held(&self) -> u64 {
        self.frames.len() as u64
    }

    pub(super) fn each(&self, visit: &mut dyn FnMut(&Queued)) {
        self.frames.iter().for_each(|frame| visit(&frame.item));
    }
}

impl Link {
    /// The exchange that begins at `at`, if there is anything to send.
    pub(super) fn exchange(&mut self, at: Instant, wifi: Wifi) {
        let Some(mut station) = self.service.as_mut().and_then(|service| service.station.take()) else {
            return;
        };
        let mut aggregate = Aggregate { wifi, rate: self.serialiser.rate(), frames: 0, bits: 0 };
        self.fill(at, &mut station, &mut aggregate);
        if aggregate.frames > 0 {
            let wait = DIFS + SLOT * station.backoff.below(BACKOFFS) + PREAMBLE;
            let sent = at + wait + aggregate.time(aggregate.bits);
            let end = sent + SIFS + BLOCK_ACK;
            self.serialiser.occupy(at, end);
            let exchanges = self.measured.epoch.exchanges.get_or_insert_default();
            exchanges.count += 1;
            exchanges.span += end - at;
            exchanges.bits += aggregate.bits;
            exchanges.largest = exchanges.largest.max(aggregate.frames.into());
            self.transmit(at, &mut station, &aggregate);
            self.settle(at, sent, &mut station);
        }
        if let Some(service) = &mut self.service {
            service.station = Some(station);
        }
    }

    /// Chooses frames: first those that failed, then from the queue, as the discipline hands them out.
    fn fill(&mut self, at: Instant, station: &mut Station, aggregate: &mut Aggregate) {
        for frame in station.frames.iter().filter(|frame| frame.fate == Settled::NotYet) {
            if !aggregate.admit(frame.item.packet.size()) {
                return;
            }
        }
        while aggregate.frames < aggregate.wifi.aggregate && station.held() < Wifi::WINDOW.into() {
            let Some(item) = self.next_of_queue(at) else { return };
            let admitted = aggregate.admit(item.packet.size());
            station.frames.push_back(Frame { item, begun: at, tries: 0, fate: Settled::NotYet });
            // It is the first of the next exchange's new ones.
            if !admitted {
                return;
            }
        }
    }

    /// Draws which of the frames arrive.
    fn transmit(&mut self, at: Instant, station: &mut Station, aggregate: &Aggregate) {
        let exchanges = self.measured.epoch.exchanges.get_or_insert_default();
        let waiting = station.frames.iter_mut().filter(|frame| frame.fate == Settled::NotYet);
        for frame in waiting.take(aggregate.frames as usize) {
            if frame.tries == 0 {
                frame.begun = at;
            }
            frame.tries += 1;
            exchanges.tries += 1;
            let chance = station.errors.of(frame.item.packet.flow, &self.chance);
            if chance.chance(aggregate.wifi.error) {
                exchanges.failed += 1;
                if frame.tries > aggregate.wifi.retries {
                    frame.fate = Settled::GivenUp;
                }
            } else {
                frame.fate = Settled::Arrived;
            }
        }
    }

    /// Hands on at `sent` what is settled up to the first frame that is not.
    fn settle(&mut self, at: Instant, sent: Instant, station: &mut Station) {
        while station.frames.front().is_some_and(|frame| frame.fate != Settled::NotYet)
            && let Some(frame) = station.frames.pop_front()
        {
            let exchanges = self.measured.epoch.exchanges.get_or_insert_default();
            exchanges.settled += 1;
            if frame.fate == Settled::GivenUp {
                exchanges.given_up += 1;
                self.backlog = self.backlog.without(frame.item.packet.size());
                self.counters.dropped_loss += 1;
                note(&mut self.noted, at, &frame.item.packet, Fate::Lost);
                continue;
            }
            let waiting = Waiting {
                entered: frame.item.entered,
                start: frame.begun,
                departure: sent,
                passage: frame.item.passage,
                size: frame.item.packet.size(),
                // Frames that leave together follow no rate.
                back_to_back: false,
            };
            self.leave(at, waiting, frame.item);
        }
    }
}
