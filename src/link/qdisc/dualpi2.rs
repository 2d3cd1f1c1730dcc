//! `DualPI2` (RFC 9332), in the words and with the defaults of tc-dualpi2(8): two queues before one transmitter, one
//! for L4S (ECT(1) and CE), one for all others. A proportional-integral controller steers one probability by the
//! longer wait; packets of the classic queue are dropped or marked with its square, those of the other marked with it
//! times the coupling factor, so that senders of both kinds have about the same window. L4S packets that wait longer
//! than a threshold are marked as well.
//!
//! As in Linux, packets are judged as they leave. Unlike there, their luck is drawn as they come.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use super::{Parameter, ParameterKind, Qdisc, Queued, span};
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::wire::Ecn;

pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "target",
        kind: ParameterKind::Span,
        default: ("15ms", 15_000_000),
        summary: "the wait of the classic queue that is aimed at (RFC 9332 §A.1)",
    },
    Parameter {
        name: "tupdate",
        kind: ParameterKind::Span,
        default: ("16ms", 16_000_000),
        summary: "time between two updates of the probability",
    },
    Parameter {
        name: "alpha",
        kind: ParameterKind::Gain,
        default: ("0.16", 160_000),
        summary: "by how much the probability grows in each update, for each second above the target",
    },
    Parameter {
        name: "beta",
        kind: ParameterKind::Gain,
        default: ("3.2", 3_200_000),
        summary: "by how much it grows for each second that the wait grew",
    },
    Parameter {
        name: "coupling_factor",
        kind: ParameterKind::Count(1, 255),
        default: ("2", 2),
        summary: "probability of a mark in the L4S queue, as a multiple of the one whose square drops (RFC 9332 §2.1)",
    },
    Parameter {
        name: "step_thresh",
        kind: ParameterKind::Span,
        default: ("1ms", 1_000_000),
        summary: "the wait from which every L4S packet is marked",
    },
    Parameter {
        name: "c_protection",
        kind: ParameterKind::Chance,
        default: ("10%", 100_000_000),
        summary: "share of the rate that the classic queue has at least, by weighted round robin",
    },
    Parameter {
        name: "drop_on_overload",
        kind: ParameterKind::Switch,
        default: ("true", 1),
        summary: "drop L4S packets as well, by the square, once their marks reach 100 %; else the queue overflows",
    },
];

/// Bytes of a packet of usual size: with less than two of them nothing is dropped or marked by chance.
const USUAL: i64 = 1500;

/// Both queues.
#[derive(Debug)]
pub(super) struct DualPi2 {
    target: Duration,
    update: Duration,
    /// Gains in hertz, as for one update.
    alpha: f64,
    beta: f64,
    coupling: f64,
    step: Duration,
    drops_in_overload: bool,
    /// Weights of the classic queue and of the other, and the credit of the former, in bytes times weights.
    weights: (f64, f64),
    credit: f64,
    classic: Lane,
    low: Lane,
    /// The last packet that came is in the classic queue.
    last_is_classic: bool,
    probability: f64,
    /// The longer wait at the last update.
    delay: Duration,
    next_update: Instant,
}

/// Packets with their luck: two numbers from 0 to 1.
#[derive(Debug, Default)]
struct Lane {
    packets: VecDeque<(Queued, [f64; 2])>,
    bytes: i64,
}

impl Lane {
    fn push(&mut self, item: Queued, luck: [f64; 2]) {
        self.bytes += i64::from(item.packet.size());
        self.packets.push_back((item, luck));
    }

    fn count_out(&mut self, item: Option<(Queued, [f64; 2])>) -> Option<(Queued, [f64; 2])> {
        self.bytes -= item.as_ref().map_or(0, |(item, _)| i64::from(item.packet.size()));
        item
    }

    fn pop(&mut self) -> Option<(Queued, [f64; 2])> {
        let first = self.packets.pop_front();
        self.count_out(first)
    }

    fn pop_last(&mut self) -> Option<Queued> {
        let last = self.packets.pop_back();
        self.count_out(last).map(|(item, _)| item)
    }

    /// Wait of its first packet so far.
    fn delay(&self, now: Instant) -> Duration {
        self.packets.front().map_or(Duration::ZERO, |(item, _)| now.saturating_since(item.entered))
    }

    fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }
}

/// Fate of a packet that leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Pass,
    Mark,
    Drop,
}

impl DualPi2 {
    pub(super) fn new(values: &[u64]) -> DualPi2 {
        let [target, update, alpha, beta, coupling, step, share, overload] = values[..] else {
            panic!("the parameters of dualpi2")
        };
        let classic = share as f64 / 1e9;
        let mut dual = DualPi2 {
            target: span(target),
            update: span(update),
            alpha: alpha as f64 / 1e6,
            beta: beta as f64 / 1e6,
            coupling: coupling as f64,
            step: span(step),
            drops_in_overload: overload > 0,
            weights: (classic, 1.0 - classic),
            credit: 0.0,
            classic: Lane::default(),
            low: Lane::default(),
            last_is_classic: true,
            probability: 0.0,
            delay: Duration::ZERO,
            next_update: Instant::ZERO + span(update),
        };
        dual.reset_credit();
        dual
    }

    /// With nothing waiting, the queue with the larger weight will begin.
    fn reset_credit(&mut self) {
        self.credit = USUAL as f64 * (self.weights.0 - self.weights.1);
    }

    /// Makes up for the updates that were due by `now`: between two events only the waits grow.
    fn catch_up(&mut self, now: Instant) {
        while self.next_update <= now {
            if self.probability == 0.0
                && self.delay.is_zero()
                && self.low.is_empty()
                && self.classic.is_empty()
            {
                // Further updates change nothing.
                let missed = (now - self.next_update).as_nanos() / self.update.as_nanos() + 1;
                self.next_update += self.update * missed;
                return;
            }
            self.steer(self.classic.delay(self.next_update).max(self.low.delay(self.next_update)));
            self.next_update += self.update;
        }
    }

    /// RFC 9332 figure 6: the base probability follows the longer wait and its change.
    fn steer(&mut self, delay: Duration) {
        let seconds = |span: Duration| span.as_nanos() as f64 / 1e9;
        let off = seconds(delay) - seconds(self.target);
        let change = seconds(delay) - seconds(self.delay);
        // Without drops, marks end at 100 %, so that the windows of both kinds stay alike while the queue overflows.
        let most = if self.drops_in_overload { 1.0 } else { 1.0 / self.coupling };
        self.probability = (self.probability + self.alpha * off + self.beta * change).clamp(0.0, most);
        self.delay = delay;
    }

    /// Packet whose turn it is, its luck, whether it is L4S, and what its leaving does to the credit.
    fn next(&mut self) -> Option<(Queued, [f64; 2], bool, f64)> {
        let both = !self.low.is_empty() && !self.classic.is_empty();
        let is_low = !self.low.is_empty() && (self.classic.is_empty() || self.credit <= 0.0);
        let (lane, change) =
            if is_low { (&mut self.low, self.weights.0) } else { (&mut self.classic, -self.weights.1) };
        let Some((item, luck)) = lane.pop() else {
            self.reset_credit();
            return None;
        };
        let change = if both { change * f64::from(item.packet.size()) } else { 0.0 };
        Some((item, luck, is_low, change))
    }

    /// RFC 9332 figures 4 and 5.
    fn fate(&self, item: &Queued, luck: [f64; 2], is_low: bool, waiting: i64) -> Fate {
        let understands = item.packet.segment.ecn != Ecn::NotEct;
        let coupled = self.probability * self.coupling;
        let is_overload = coupled > 1.0;
        let hits = luck[0] < self.probability && luck[1] < self.probability;
        if waiting < 2 * USUAL {
            Fate::Pass
        } else if is_low {
            match () {
                () if is_overload && self.drops_in_overload && hits => Fate::Drop,
                () if luck[0] < coupled => Fate::Mark,
                () => Fate::Pass,
            }
        } else {
            match () {
                () if hits && (is_overload || !understands) => Fate::Drop,
                () if hits => Fate::Mark,
                () => Fate::Pass,
            }
        }
    }
}

impl Qdisc for DualPi2 {
    fn enqueue(&mut self, now: Instant, mut packet: Queued, chance: &mut Rng) -> Option<Queued> {
        self.catch_up(now);
        let luck = [chance.uniform(), chance.uniform()];
        packet.low = matches!(packet.packet.segment.ecn, Ecn::Ect1 | Ecn::Ce);
        self.last_is_classic = !packet.low;
        let lane = if packet.low { &mut self.low } else { &mut self.classic };
        lane.push(packet, luck);
        None
    }

    fn each(&self, visit: &mut dyn FnMut(&Queued)) {
        [&self.low, &self.classic]
            .into_iter()
            .flat_map(|lane| &lane.packets)
            .for_each(|(item, _)| visit(item));
    }

    /// The newest, of whatever queue.
    fn shed(&mut self) -> Option<Queued> {
        let (first, second) = if self.last_is_classic {
            (&mut self.classic, &mut self.low)
        } else {
            (&mut self.low, &mut self.classic)
        };
        first.pop_last().or_else(|| second.pop_last())
    }

    fn dequeue(&mut self, now: Instant, dropped: &mut Vec<Queued>) -> Option<Queued> {
        self.catch_up(now);
        loop {
            let waiting = self.classic.bytes + self.low.bytes;
            let (mut item, luck, is_low, change) = self.next()?;
            match self.fate(&item, luck, is_low, waiting) {
                Fate::Drop => {
                    dropped.push(item);
                    continue;
                }
                Fate::Mark => drop(item.mark()),
                Fate::Pass => {}
            }
            if is_low && now.saturating_since(item.entered) > self.step {
                item.mark();
            }
            self.credit += change;
            return Some(item);
        }
    }
}
