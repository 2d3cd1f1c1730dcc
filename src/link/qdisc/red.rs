//! RED (Floyd and Jacobson 1993), in the words and with the defaults of tc-red(8): packets are dropped at the
//! entrance, or marked, by a chance that grows with the *average* queue from one threshold to another; beyond it
//! all are. The queue is that of waiting bytes, without the packet in transmission.
//!
//! Unlike tc, which counts chances and weights in powers of two, the chance is exact; the weight is tc's.

use super::{Capacity, Fifo, Parameter, ParameterKind, Qdisc, Queue, Queued, ecn};
use crate::rng::Rng;
use crate::time::{Duration, Instant};

pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "min",
        kind: ParameterKind::Size(0, 1 << 30),
        default: ("0B", 0),
        summary: "the average queue from which packets are dropped by chance; \"0B\" means a third of max",
    },
    Parameter {
        name: "max",
        kind: ParameterKind::Size(0, 1 << 30),
        default: ("0B", 0),
        summary: "the average queue from which all are; \"0B\" means a quarter of the limit, at least twice min",
    },
    Parameter {
        name: "probability",
        kind: ParameterKind::Chance,
        default: ("2%", 20_000_000),
        summary: "the chance just below max, for a packet long after the last drop",
    },
    Parameter {
        name: "avpkt",
        kind: ParameterKind::Size(1, 65_535),
        default: ("1000B", 1_000),
        summary: "the size of an average packet, in which a limit in packets is turned into bytes",
    },
    Parameter {
        name: "burst",
        kind: ParameterKind::Count(0, 100_000),
        default: ("0", 0),
        summary: "packets that may come at once, at least min / avpkt; 0 means (2 min + max) / (3 avpkt)",
    },
    Parameter {
        name: "bandwidth",
        kind: ParameterKind::Rate,
        default: ("10mbit", 10_000_000),
        summary: "how fast the average falls while nothing waits: as if packets left at this rate",
    },
    ecn(false),
    Parameter {
        name: "adaptive",
        kind: ParameterKind::Switch,
        default: ("false", 0),
        summary: "move the probability so that the average stays in the middle of min and max (Floyd 2001)",
    },
];

/// Adaptive RED: time between two steps, and the range of the probability (tc's and Floyd's).
const STEP_TIME: Duration = Duration::from_millis(500);
const RANGE: (f64, f64) = (0.01, 0.5);

/// One queue under RED.
#[derive(Debug)]
pub(super) struct Red {
    /// Thresholds in bytes.
    min: f64,
    max: f64,
    /// The chance just below the upper one.
    probability: f64,
    /// Weight of one arrival in the average.
    weight: f64,
    /// Transmission time of an average packet.
    slot: Duration,
    ecn: bool,
    adaptive: bool,
    fifo: Fifo,
    /// In bytes.
    average: f64,
    /// Packets that passed since the last drop, while the average lies between the thresholds.
    passed: Option<u32>,
    /// Instant at which the last packet left the queue.
    idle: Option<Instant>,
    next_step: Instant,
}

impl Red {
    pub(super) fn new(queue: &Queue) -> Red {
        let [min, max, chance, packet, burst, bandwidth, ecn, adaptive] = queue.parameters[..] else {
            panic!("the parameters of red")
        };
        let limit = match queue.capacity {
            Capacity::Packets(packets) => packets.saturating_mul(packet),
            Capacity::Bytes(bytes) => bytes,
        };
        let max = if max > 0 { max } else { (limit / 4).max(2 * min).max(1) };
        let min = if min > 0 { min } else { max / 3 };
        // tc refuses a burst that does not reach the lower threshold.
        let burst = if burst > 0 { burst } else { (2 * min + max) / (3 * packet) }.max(min / packet);
        Red {
            min: min as f64,
            max: max as f64,
            probability: chance as f64 / 1e9,
            weight: weight(burst, min as f64 / packet as f64),
            slot: Duration::from_nanos((packet * 8_000_000_000 / bandwidth.max(1)).max(1)),
            ecn: ecn > 0,
            adaptive: adaptive > 0,
            fifo: Fifo::default(),
            average: 0.0,
            passed: None,
            idle: Some(Instant::ZERO),
            next_step: Instant::ZERO + STEP_TIME,
        }
    }

    /// A packet arrives (1993, figure 2): the average moves towards the queue or, after a time without one, falls as
    /// if so many average packets had met an empty queue.
    fn note_arrival(&mut self, now: Instant) {
        match self.idle.take() {
            Some(since) => {
                let slots = (now - since).as_nanos() / self.slot.as_nanos();
                self.average *= power(1.0 - self.weight, slots);
            }
            None => self.average += self.weight * (self.fifo.bytes as f64 - self.average),
        }
    }

    /// True if the packet is dropped or marked. Between the thresholds the chance grows with the packets that passed,
    /// so that drops are spread evenly rather than in clusters (1993, section 7, method 2).
    fn hits(&mut self, chance: &mut Rng) -> bool {
        if self.average < self.min {
            self.passed = None;
            return false;
        }
        if self.average >= self.max {
            self.passed = Some(0);
            return true;
        }
        let passed = self.passed.map_or(0, |passed| passed + 1);
        let once = self.probability * (self.average - self.min) / (self.max - self.min);
        let left = 1.0 - f64::from(passed) * once;
        let hits = left <= 0.0 || chance.uniform() < once / left;
        self.passed = Some(if hits { 0 } else { passed });
        hits
    }

    /// Floyd, Gummadi and Shenker 2001, as in Linux: up by a step, down by a tenth.
    fn adapt(&mut self, now: Instant) {
        while self.adaptive && self.next_step <= now {
            self.next_step += STEP_TIME;
            let place = (self.average - self.min) / (self.max - self.min);
            if place > 0.6 && self.probability <= RANGE.1 {
                self.probability += (self.probability / 4.0).min(0.01);
            } else if place < 0.4 && self.probability >= RANGE.0 {
                self.probability *= 0.9;
            }
        }
    }
}

impl Qdisc for Red {
    fn enqueue(&mut self, now: Instant, mut packet: Queued, chance: &mut Rng) -> Option<Queued> {
        self.adapt(now);
        self.note_arrival(now);
        if self.hits(chance) && !(self.ecn && packet.mark()) {
            if self.fifo.bytes == 0 {
                self.idle = Some(now);
            }
            return Some(packet);
        }
        self.fifo.push(packet);
        None
    }

    fn each(&self, visit: &mut dyn FnMut(&Queued)) {
        self.fifo.each(visit);
    }

    fn shed(&mut self) -> Option<Queued> {
        self.fifo.pop_last()
    }

    fn dequeue(&mut self, now: Instant, _: &mut Vec<Queued>) -> Option<Queued> {
        let item = self.fifo.pop()?;
        if self.fifo.bytes == 0 {
            self.idle = Some(now);
        }
        Some(item)
    }
}

/// The largest power of a half that lets `burst` packets into an empty queue before the average reaches `min`
/// packets (1993, section 6; `tc_red_eval_ewma`).
fn weight(burst: u64, min: f64) -> f64 {
    let room = burst as f64 + 1.0 - min;
    let holds = |w: &f64| room <= (1.0 - power(1.0 - w, burst)) / w;
    (1..32).map(|n| 1.0 / f64::from(1u32 << n)).find(holds).unwrap_or(1.0 / f64::from(1u32 << 31))
}

/// By squaring: the library's differs from platform to platform.
fn power(mut base: f64, mut n: u64) -> f64 {
    let mut product = 1.0;
    while n > 0 && product > 0.0 {
        if n % 2 == 1 {
            product *= base;
        }
        base *= base;
        n /= 2;
    }
    product
}

#[cfg(test)]
mod tests {
    use super::super::testing::{capable, ms, queued};
    use super::super::{Discipline, Queue};
    use super::*;
    use crate::rng::Seed;

    /// With thresholds of 20 and 60 packets of 1000 bytes.
    fn red(change: &[(&str, u64)]) -> Red {
        let discipline = Discipline::by_name("red").expect("a line of the table");
        let mut parameters = discipline.defaults();
        for (name, value) in [("min", 20_000), ("max", 60_000)].iter().chain(change) {
            let place = PARAMETERS.iter().position(|parameter| parameter.name == *name);
            parameters[place.expect("a parameter")] = *value;
        }
        Red::new(&Queue { discipline, parameters, ..Capacity::Bytes(240_000).into() })
    }

    fn chance() -> Rng {
        Seed(7).stream("red")
    }

    /// Packets between two hits, with the average held at so many packets.
    fn gaps(red: &mut Red, packets: f64, hits: usize) -> Vec<u32> {
        let mut chance = chance();
        let mut gap = || {
            red.average = packets * 1000.0;
            let passed = (1..1_000_000).find(|_| red.hits(&mut chance));
            passed.expect("a hit")
        };
        (0..hits).map(|_| gap()).collect()
    }

    #[test]
    fn thresholds_and_weight_have_the_defaults_of_tc() {
        let red = red(&[("min", 0), ("max", 0)]);
        assert_eq!((red.min, red.max, red.probability), (20_000.0, 60_000.0, 0.02));
        // tc_red_eval_ewma(20000, 33, 1000) is 4, and 5 for the example of tc-red(8): min 30000, burst 55.
        assert_eq!((red.weight, weight(55, 30.0)), (1.0 / 16.0, 1.0 / 32.0));
        let wide = Queue { capacity: Capacity::Packets(240), ..queue_of(&red_defaults()) };
        assert_eq!((Red::new(&wide).max,), (60_000.0,), "packets of avpkt");
    }

    fn red_defaults() -> Vec<u64> {
        Discipline::by_name("red").expect("a line of the table").defaults()
    }

    fn queue_of(parameters: &[u64]) -> Queue {
        let discipline = Discipline::by_name("red").expect("a line of the table");
        Queue { discipline, parameters: parameters.to_vec(), ..Queue::default() }
    }

    /// 1993, section 6: a queue of q from the n-th arrival on brings the average to q (1 − (1 − w)^n).
    #[test]
    fn the_average_follows_the_queue_slowly_and_falls_while_nothing_waits() {
        let mut red = red(&[]);
        red.idle = None;
        red.fifo.bytes = 10_000;
        for n in 1..100 {
            red.note_arrival(ms(0));
            let law = 10_000.0 * (1.0 - power(15.0 / 16.0, n));
            assert!((red.average - law).abs() < 1e-6, "{n}: {} instead of {law}", red.average);
        }
        // 8 ms are ten packets of 1000 bytes at 10 Mbit/s.
        let before = red.average;
        red.fifo.bytes = 0;
        red.idle = Some(ms(100));
        red.note_arrival(ms(108));
        assert!((red.average - before * power(15.0 / 16.0, 10)).abs() < 1e-9, "{}", red.average);
    }

    /// 1993, section 7: gaps are uniform from 1 to 1/p, so that none is longer and their mean is about half.
    #[test]
    fn drops_are_spread_evenly_at_the_chance_of_the_average() {
        for (packets, once) in [(40.0, 0.01), (59.999, 0.02), (30.0, 0.005)] {
            let gaps = gaps(&mut red(&[]), packets, 4_000);
            let most = f64::from(*gaps.iter().max().expect("gaps"));
            let mean = gaps.iter().map(|gap| f64::from(*gap)).sum::<f64>() / gaps.len() as f64;
            assert!(most <= 1.0 / once + 1.0, "{packets}: {most}");
            let law = f64::midpoint(1.0 / once, 1.0);
            // Four standard errors of a uniform gap.
            let slack = 4.0 / once / 12f64.sqrt() / 4_000f64.sqrt();
            assert!((mean - law).abs() < slack, "{packets}: {mean:.2} instead of {law:.2} ± {slack:.2}");
        }
    }

    #[test]
    fn below_min_nothing_is_dropped_and_above_max_everything() {
        let mut red = red(&[]);
        let mut chance = chance();
        red.average = 19_999.0;
        assert!((0..10_000).all(|_| !red.hits(&mut chance)));
        red.average = 60_000.0;
        assert!((0..100).all(|_| red.hits(&mut chance)));
    }

    #[test]
    fn with_ecn_what_understands_marks_is_marked_instead() {
        for ecn in [0, 1] {
            let mut red = red(&[("ecn", ecn)]);
            red.idle = None;
            red.average = 1e9;
            let mut chance = chance();
            assert_eq!(red.enqueue(ms(0), capable(0, 0, 1500, ms(0)), &mut chance).is_none(), ecn == 1);
            assert!(red.enqueue(ms(0), queued(0, 1, 1500, ms(0)), &mut chance).is_some());
            let sent = red.dequeue(ms(1), &mut Vec::new());
            assert_eq!(sent.map(|item| item.marked), (ecn == 1).then_some(true));
        }
    }

    #[test]
    fn adaptive_red_moves_the_probability_until_the_average_is_in_the_middle() {
        let mut red = red(&[("adaptive", 1)]);
        let mut after = |packets: f64, from: u64| {
            red.average = packets * 1000.0;
            red.adapt(ms(from + 500));
            red.probability
        };
        let steps = [after(50.0, 0), after(40.0, 500), after(30.0, 1000)];
        // Of 2 %: a quarter more, the same, a tenth less.
        assert_eq!(steps.map(|chance| (chance * 1e6).round() as u64), [25_000, 25_000, 22_500]);
    }
}
