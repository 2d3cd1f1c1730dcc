//! PIE (RFC 8033): packets are dropped at the entrance, or marked, by chance. A proportional-integral controller
//! moves the probability, every [`UPDATE`], by how far the queueing delay is from its target and how it changes.
//!
//! As in Linux, the delay is that of the packet sent last, zero when nothing waits (§5.2). Departures from the
//! RFC: none drops in proportion to size, and it is never switched off (§5.3 is optional).

use super::{Fifo, Parameter, ParameterKind, Qdisc, Queued, ecn, span};
use crate::rng::Rng;
use crate::time::{Duration, Instant};

pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "target",
        kind: ParameterKind::Span,
        default: ("15ms", 15_000_000),
        summary: "the queueing delay that is aimed at (QDELAY_REF, RFC 8033 §4.2)",
    },
    Parameter {
        name: "burst",
        kind: ParameterKind::Span,
        default: ("150ms", 150_000_000),
        summary: "for so long a queue that begins drops nothing (MAX_BURST, RFC 8033 §4.4)",
    },
    ecn(false),
];

/// Between two updates of the probability (`T_UPDATE`, §4.2).
const UPDATE: Duration = Duration::from_millis(15);
/// Weights of the delay and of its change, per second (§4.2).
const ALPHA: f64 = 0.125;
const BETA: f64 = 1.25;
/// The weights are the smaller the smaller the probability is: below the first, divided by the second (§4.2).
const SCALES: [(f64, f64); 6] =
    [(1e-6, 2048.0), (1e-5, 512.0), (1e-4, 128.0), (1e-3, 32.0), (1e-2, 8.0), (0.1, 2.0)];
/// From this probability on it grows by no more than that at a time (§5.5).
const HIGH: f64 = 0.1;
const STEP: f64 = 0.02;
/// Factor of decay at each update while nothing waits (§4.2).
const DECAY: f64 = 0.98;
/// Below it a drop is as good as none: an idle queue forgets.
const LEAST: f64 = 1e-12;
/// Packets between two drops, times the probability: never fewer than the first, never more than the second (§5.4).
const APART: (f64, f64) = (0.85, 8.5);
/// Above this probability marks do not help any more, and packets are dropped (`mark_ecnth`, §5.1).
const MOST_MARKED: f64 = 0.1;
/// Bytes of a packet of usual size; so little in the queue is never too much (`MEAN_PKTSIZE`, §4.1).
const USUAL: u64 = 1500;

/// One queue under PIE.
#[derive(Debug)]
pub(super) struct Pie {
    target: Duration,
    burst: Duration,
    /// Marks rather than drops.
    ecn: bool,
    fifo: Fifo,
    probability: f64,
    /// The delay now and at the last update.
    delay: Duration,
    delay_then: Duration,
    /// Rest of the time in which nothing is dropped.
    allowance: Duration,
    /// The sum of probabilities since the last drop.
    owed: f64,
    next_update: Instant,
}

impl Pie {
    pub(super) fn new(values: &[u64]) -> Pie {
        let (target, burst) = (span(values[0]), span(values[1]));
        Pie {
            target,
            burst,
            ecn: values[2] > 0,
            fifo: Fifo::default(),
            probability: 0.0,
            delay: Duration::ZERO,
            delay_then: Duration::ZERO,
            allowance: burst,
            owed: 0.0,
            next_update: Instant::ZERO + UPDATE,
        }
    }

    /// Makes up for the updates that were due by `now`: between two events nothing changes.
    fn catch_up(&mut self, now: Instant) {
        while self.next_update <= now {
            if self.is_at_rest() {
                // Further updates change nothing.
                let missed = (now - self.next_update).as_nanos() / UPDATE.as_nanos() + 1;
                self.next_update += UPDATE * missed;
                return;
            }
            self.update();
            self.next_update += UPDATE;
        }
    }

    fn is_at_rest(&self) -> bool {
        self.probability == 0.0
            && self.delay.is_zero()
            && self.delay_then.is_zero()
            && self.allowance == self.burst
    }

    /// §4.2 and §4.4.
    fn update(&mut self) {
        let scale =
            SCALES.iter().find(|(below, _)| self.probability < *below).map_or(1.0, |(_, scale)| *scale);
        let seconds = |span: Duration| span.as_nanos() as f64 / 1e9;
        let off = seconds(self.delay) - seconds(self.target);
        let change = seconds(self.delay) - seconds(self.delay_then);
        let mut step = (ALPHA * off + BETA * change) / scale;
        if self.probability >= HIGH {
            step = step.min(STEP);
        }
        self.probability = (self.probability + step).clamp(0.0, 1.0);
        if self.delay.is_zero() && self.delay_then.is_zero() {
            self.probability *= DECAY;
        }
        if self.probability < LEAST {
            self.probability = 0.0;
        }
        self.allowance = self.allowance.saturating_sub(UPDATE);
        if self.probability == 0.0 && self.delay * 2 < self.target && self.delay_then * 2 < self.target {
            self.allowance = self.burst;
        }
        self.delay_then = self.delay;
    }

    /// True if a packet is dropped at the entrance, or marked instead (§4.1, §5.4).
    fn hits(&mut self, chance: &mut Rng) -> bool {
        let is_calm = self.delay_then * 2 < self.target && self.probability < 0.2;
        if !self.allowance.is_zero() || is_calm || self.fifo.bytes <= 2 * USUAL {
            return false;
        }
        self.owed += self.probability;
        let drops = self.owed >= APART.0 && (self.owed >= APART.1 || chance.uniform() < self.probability);
        if drops || self.probability == 0.0 {
            self.owed = 0.0;
        }
        drops
    }
}

impl Qdisc for Pie {
    fn enqueue(&mut self, now: Instant, mut packet: Queued, chance: &mut Rng) -> Option<Queued> {
        self.catch_up(now);
        if self.hits(chance) && !(self.ecn && self.probability <= MOST_MARKED && packet.mark()) {
            return Some(packet);
        }
        self.fifo.push(packet);
        None
    }

    fn each(&self, visit: &mut dyn FnMut(&Queued)) {
        self.fifo.each(visit);
    }

    fn shed(&mut self) -> Option<Queued> {
        self.owed = 0.0;
        self.fifo.pop_last()
    }

    fn dequeue(&mut self, now: Instant, _: &mut Vec<Queued>) -> Option<Queued> {
        self.catch_up(now);
        let item = self.fifo.pop()?;
        self.delay = if self.fifo.bytes == 0 { Duration::ZERO } else { now - item.entered };
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{capable, ms, queued};
    use super::*;
    use crate::rng::Seed;

    fn pie() -> Pie {
        Pie::new(&[15_000_000, 150_000_000, 0])
    }

    /// Probabilities after updates with these delays in ms.
    fn probabilities(pie: &mut Pie, delays: &[u64]) -> Vec<f64> {
        let after = |delay: &u64| {
            pie.delay = Duration::from_millis(*delay);
            pie.update();
            pie.probability
        };
        delays.iter().map(after).collect()
    }

    /// RFC 8033 §4.2, by hand: (0.125 × 15 ms + 1.25 × 30 ms) / 2048, then 0.125 × 15 ms / 128 for each scale.
    #[test]
    fn the_probability_follows_the_delay_and_its_change() {
        let mut pie = pie();
        let found = probabilities(&mut pie, &[30, 30, 30]);
        let first = (0.125 * 0.015 + 1.25 * 0.030) / 2048.0;
        let second = first + 0.125 * 0.015 / 128.0;
        let third = second + 0.125 * 0.015 / 128.0;
        for (found, expected) in found.iter().zip([first, second, third]) {
            assert!((found - expected).abs() < 1e-12, "{found} instead of {expected}");
        }
        // At the target and unchanged, it stays.
        let found = probabilities(&mut pie, &[15, 15, 15]);
        assert!((found[1] - found[2]).abs() < 1e-15, "{found:?}");
    }

    /// RFC 8033 §5.1: marks up to a probability of 10 %, drops above.
    #[test]
    fn with_ecn_a_low_probability_marks_and_a_high_one_drops() {
        let hit = |ecn: u64, probability: f64, item: Queued| {
            let mut pie = Pie::new(&[15_000_000, 150_000_000, ecn]);
            pie.fifo.bytes = 1 << 20;
            (pie.probability, pie.owed, pie.allowance) = (probability, APART.1, Duration::ZERO);
            pie.delay_then = Duration::from_millis(50);
            let refused = pie.enqueue(ms(0), item, &mut Seed(1).stream("pie")).is_some();
            (refused, pie.fifo.packets.front().is_some_and(|item| item.marked))
        };
        let of = |make: fn(u32, u32, u32, Instant) -> Queued| make(0, 0, 1500, ms(0));
        assert_eq!(hit(1, 0.1, of(capable)), (false, true));
        assert_eq!(hit(1, 0.11, of(capable)), (true, false));
        assert_eq!(hit(1, 0.1, of(queued)), (true, false));
        assert_eq!(hit(0, 0.1, of(capable)), (true, false));
    }

    #[test]
    fn a_high_probability_grows_in_small_steps_and_decays_while_nothing_waits() {
        let mut pie = pie();
        pie.probability = 0.3;
        assert_eq!(probabilities(&mut pie, &[1_000]), [0.32]);
        pie.delay_then = Duration::ZERO;
        let idle = probabilities(&mut pie, &[0, 0]);
        assert!((idle[1] - (idle[0] - 0.125 * 0.015) * 0.98).abs() < 1e-12, "{idle:?}");
    }

    #[test]
    fn a_burst_is_let_through_and_a_standing_queue_is_not() {
        let mut pie = pie();
        let mut chance = Seed(1).stream("queue");
        let (mut refused, mut waits) = (vec![], vec![]);
        // Twice the rate of one packet a millisecond, for two seconds.
        for now in 0..2_000 {
            for _ in 0..2 {
                refused.extend(pie.enqueue(ms(now), queued(0, 0, 1500, ms(now)), &mut chance).map(|_| now));
            }
            let item = pie.dequeue(ms(now + 1), &mut vec![]).expect("a packet");
            waits.push(now + 1 - (item.entered - Instant::ZERO).as_nanos() / 1_000_000);
        }
        assert!(refused[0] >= 150, "the first after {} ms", refused[0]);
        let late = &refused[refused.len() / 2..];
        assert!(late.len() > 500, "half of what comes in excess: {}", late.len());
        assert!(*waits.last().expect("some") < *waits.iter().max().expect("some"), "the queue shrinks again");
    }

    /// §5.4: with a probability of 1/8, never two drops within 6 packets, never 68 packets without one.
    #[test]
    fn drops_are_neither_close_together_nor_far_apart() {
        let mut pie = pie();
        let mut chance = Seed(2).stream("queue");
        (pie.allowance, pie.probability) = (Duration::ZERO, 0.125);
        (pie.delay, pie.delay_then) = (Duration::from_millis(15), Duration::from_millis(15));
        for n in 0..3 {
            pie.fifo.push(queued(0, n, 1500, ms(0)));
        }
        let dropped: Vec<usize> = (0..100_000).filter(|_| pie.hits(&mut chance)).collect();
        let gaps: Vec<usize> = dropped.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let (least, most) = (gaps.iter().min(), gaps.iter().max());
        assert!(gaps.iter().all(|gap| (7..=68).contains(gap)), "{least:?} to {most:?}");
    }

    #[test]
    fn a_long_pause_costs_nothing_and_is_forgotten() {
        let mut pie = pie();
        pie.probability = 0.5;
        pie.catch_up(ms(3_600_000));
        assert!(pie.is_at_rest() && pie.next_update > ms(3_600_000));
    }
}
