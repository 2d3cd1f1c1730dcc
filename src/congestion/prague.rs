//! Prague (draft-briscoe-iccrg-prague-congestion-control-04, and its authors' Linux): DCTCP for the Internet, the
//! sender of L4S (RFC 9330). It sends ECT(1), paces, counts its window in fractions of a segment and grows by every
//! unmarked acknowledgment, so that a queue is steered by few marks at any time instead of all marks at times. Paths
//! with a round trip below 25 ms grow and shrink as if they had that one. A loss halves, as Reno's. With a peer that
//! has RFC 3168 only it is Reno, marks included.
//!
//! Unlike the draft, marks count in the round trip in which they come: the first takes half the average share of marks
//! from the window, as there, and the end of the round trip what its own share asks beyond, up to three times the
//! average. `DualPI2` marks in pulses as a classic flow fills its queue, and the average alone, which trails them, left
//! 1.5 to 1.8 times the rate of that flow; without a bound, a step that marks whole round trips took a tenth of the
//! rate. Bottlenecks that are classic queues are not guessed at (`prague_ecn_fallback`, off there too).

use super::alpha::Alpha;
use super::round::Round;
use super::{Ack, Beliefs, CongestionController, Loss, Marking, Parameter, Path, SlowStart, Values};
use crate::time::{Duration, Instant};
use crate::units::Rate;

pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "rtt_virt",
        default: 25.0,
        values: Values::Range(0.0, 1000.0),
        summary: "ms: paths with shorter round trips grow and shrink as if they had this one; 0 is never",
    },
    Parameter {
        name: "rtt_transition",
        default: 4.0,
        values: Values::Range(0.0, 1e6),
        summary: "round trips after slow start from which rtt_virt holds; 500 in the authors' Linux",
    },
];

/// Least window in segments.
const LEAST_SEGMENTS: f64 = 2.0;
/// A round trip's share of marks counts up to so many times the average.
const MOST_ANSWERED: f64 = 3.0;
/// A burst may last for 1 / 2^12 of a second.
const BURST_SHIFT: u32 = 12;

/// A window in bytes and fractions of them.
#[derive(Debug)]
pub struct Prague {
    mss: u64,
    window: f64,
    slow_start: SlowStart,
    initial_window: u64,
    alpha: Alpha,
    /// A mark was seen: there is a queue that marks.
    saw_mark: bool,
    /// Beginning of the present virtual round trip, and half of what it took from the window, of 1.
    began: Instant,
    answered: f64,
    /// Round trips since slow start, by packets.
    round: Round,
    rounds: f64,
    rtt: Option<Duration>,
    /// Losses are repaired, during which the window stays.
    repairs: bool,
    /// Marks are counted; else the peer has RFC 3168 only.
    counts: bool,
    /// Before the last loss.
    before: (f64, SlowStart),
    rtt_virt: Duration,
    transition: f64,
}

impl Prague {
    pub(super) fn new(path: &Path) -> Prague {
        let (window, slow_start) = (path.initial_window as f64, SlowStart::new());
        Prague {
            mss: path.mss,
            window,
            slow_start,
            initial_window: path.initial_window,
            alpha: Alpha::new(),
            saw_mark: false,
            began: path.now,
            answered: 0.0,
            round: Round::since(0),
            rounds: 0.0,
            rtt: path.rtt,
            repairs: false,
            counts: path.counts_marks,
            before: (window, slow_start),
            rtt_virt: Duration::from_nanos((path.parameters.number("rtt_virt") * 1e6) as u64),
            transition: path.parameters.number("rtt_transition"),
        }
    }

    fn is_in_slow_start(&self) -> bool {
        self.window < self.slow_start.ssthresh() as f64
    }

    /// Round trip by which it grows and shrinks (draft §2.4.4).
    fn virtual_rtt(&self) -> Duration {
        let rtt = self.rtt.unwrap_or(self.rtt_virt);
        if self.rounds < self.transition { rtt } else { rtt.max(self.rtt_virt) }
    }

    /// Draft §2.4.3: a segment for each virtual round trip, in as many parts as there are acknowledgments without a
    /// mark.
    fn grow(&mut self, ack: &Ack) {
        if !ack.may_grow() || self.repairs {
            return;
        }
        let unmarked = ack.bytes.saturating_sub(ack.marked);
        let mut left = unmarked;
        if self.is_in_slow_start() {
            let mut window = self.window as u64;
            left = self.slow_start.grow(&mut window, self.mss, unmarked, ack);
            self.window = self.window.max(window as f64);
        }
        let (rtt, virt) = (self.rtt.unwrap_or_default(), self.virtual_rtt());
        let part = rtt.as_nanos() as f64 / virt.as_nanos().max(1) as f64;
        self.window += part * part * left as f64 * self.mss as f64 / self.window;
    }

    /// Draft §2.4.2: the first mark of a virtual round trip takes α / 2.
    fn answer(&mut self) {
        if self.answered == 0.0 && !self.repairs {
            self.answered = self.alpha.value();
            self.keep(1.0 - self.answered / 2.0);
        }
    }

    /// Virtual round trips go on by the clock. Each is an observation of the share of marks, and takes what that asks
    /// beyond the average.
    fn tick(&mut self, now: Instant) {
        let virt = self.virtual_rtt();
        let passed = now.saturating_since(self.began).as_nanos() / virt.as_nanos().max(1);
        if passed == 0 {
            return;
        }
        self.began += virt * passed;
        if !self.saw_mark {
            // The average begins with the first mark.
            self.alpha.skip();
            return;
        }
        let taken = std::mem::take(&mut self.answered);
        let share = self.alpha.observe().unwrap_or(0.0).min(MOST_ANSWERED * taken);
        if taken > 0.0 && share > taken && !self.repairs {
            self.keep((1.0 - share / 2.0) / (1.0 - taken / 2.0));
        }
    }

    /// So much of the window remains.
    fn keep(&mut self, part: f64) {
        self.window = (self.window * part).max(LEAST_SEGMENTS * self.mss as f64);
        self.slow_start.end_at(self.window as u64);
    }

    fn halve(&mut self) {
        self.before = (self.window, self.slow_start);
        self.keep(0.5);
    }
}

impl CongestionController for Prague {
    fn cwnd(&self) -> u64 {
        // Whole segments leave, so the last of them counts in full.
        (self.window as u64).next_multiple_of(self.mss)
    }

    fn on_ack(&mut self, ack: &Ack) {
        self.rtt = Some(ack.srtt).filter(|rtt| !rtt.is_zero()).or(self.rtt);
        self.alpha.hear(ack);
        self.grow(ack);
        if ack.marked > 0 {
            self.saw_mark = true;
            self.answer();
        }
        if self.round.hear(ack).is_some() && !self.is_in_slow_start() {
            self.rounds += 1.0;
        }
        self.tick(ack.now);
    }

    fn marking(&self) -> Marking {
        Marking::Scalable
    }

    /// By accurate ECN it has answered; by RFC 3168 a mark is a loss.
    fn on_ecn(&mut self, _: &Loss) {
        if !self.counts {
            self.halve();
        }
    }

    fn on_loss(&mut self, _: &Loss) {
        self.halve();
        self.repairs = true;
    }

    fn on_timeout(&mut self, loss: &Loss) {
        if loss.new_episode {
            self.halve();
        }
        self.repairs = false;
        self.window = self.mss as f64;
        self.slow_start.restart();
    }

    fn on_recovered(&mut self, _: Instant) {
        self.repairs = false;
    }

    fn on_spurious(&mut self) {
        self.window = self.window.max(self.before.0);
        self.slow_start = self.before.1;
        self.repairs = false;
    }

    fn on_idle(&mut self) {
        self.window = self.window.min(self.initial_window as f64);
    }

    /// A window a round trip, twice as much in slow start.
    fn pacing_rate(&self) -> Option<Rate> {
        let rtt = self.rtt?.as_nanos().max(1) as f64;
        let doubles = self.window * 2.0 < self.slow_start.ssthresh() as f64;
        let bytes = self.window * if doubles { 2.0 } else { 1.0 };
        Rate::from_bits_per_second((bytes * 8e9 / rtt) as u64)
    }

    fn send_quantum(&self) -> u64 {
        self.pacing_rate().map_or(0, |rate| (rate.bits_per_second() / 8) >> BURST_SHIFT)
    }

    fn wants_prr(&self) -> bool {
        false
    }

    fn ssthresh(&self) -> Option<u64> {
        Some(self.slow_start.ssthresh())
    }

    fn beliefs(&self) -> Beliefs {
        // Before the first mark nothing is known.
        let alpha = self.saw_mark.then(|| self.alpha.value());
        Beliefs { alpha, marked: self.alpha.last(), ..Beliefs::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ack, loss, path, sample};
    use super::*;
    use crate::congestion::Parameters;

    const MSS: u64 = 1_000;

    /// A path of so many segments a round trip of `rtt` ms, one acknowledgment for each.
    struct Rounds {
        prague: Prague,
        rtt: u64,
        now: Instant,
        delivered: u64,
    }

    impl Rounds {
        fn of(rtt: u64, window: u64, parameters: &[(&str, f64)]) -> Rounds {
            let mut path = Path { parameters: Parameters::defaults(PARAMETERS), ..path() };
            for (name, value) in parameters {
                path.parameters.set(name, *value);
            }
            let mut prague = Prague::new(&Path { initial_window: window * MSS, ..path });
            prague.slow_start.end_at(window * MSS);
            Rounds { prague, rtt, now: Instant::ZERO, delivered: 0 }
        }

        /// A round trip in which the first `marked` of a window of segments are marked.
        fn round(&mut self, marked: u64) {
            let segments = (self.prague.window / MSS as f64).round() as u64;
            let (srtt, prior) = (Duration::from_millis(self.rtt), self.delivered);
            for n in 0..segments {
                self.now += srtt / segments;
                self.delivered += MSS;
                self.prague.on_ack(&Ack {
                    now: self.now,
                    delivered: self.delivered,
                    marked: if n < marked { MSS } else { 0 },
                    srtt,
                    sample: Some(sample(0, 0, prior)),
                    ..ack(MSS)
                });
            }
        }

        fn segments(&self) -> f64 {
            self.prague.window / MSS as f64
        }
    }

    /// Draft §2.4.3, §2.4.4: a segment a round trip, and on short paths as much as a path of 25 ms adds to its rate.
    #[test]
    fn growth_is_a_segment_for_each_virtual_round_trip() {
        for (rtt, virt, law) in [(50, 25.0, 1.0), (25, 25.0, 1.0), (5, 25.0, 0.04), (5, 0.0, 1.0)] {
            let mut rounds = Rounds::of(rtt, 100, &[("rtt_virt", virt), ("rtt_transition", 0.0)]);
            let before = rounds.segments();
            (0..10).for_each(|_| rounds.round(0));
            let grown = (rounds.segments() - before) / 10.0;
            assert!((grown / law - 1.0).abs() < 0.06, "{rtt} ms: {grown} segments");
        }
    }

    /// Draft §2.4.2: the first mark ever halves, for nothing is known of the share; then it is half the average.
    #[test]
    fn a_round_trip_takes_half_the_share_of_its_marks_once() {
        let mut rounds = Rounds::of(50, 100, &[]);
        rounds.round(1);
        // Half, and a round trip's growth of what was in flight.
        assert!((50.0..52.5).contains(&rounds.segments()), "{}", rounds.segments());
        for (average, marked, kept) in [(0.1, 0.05, 0.95), (0.1, 0.2, 0.9), (0.02, 0.2, 0.97)] {
            let mut rounds = Rounds::of(50, 400, &[]);
            (rounds.prague.saw_mark, rounds.prague.alpha) = (true, Alpha::of(average));
            rounds.round((400.0 * marked) as u64);
            rounds.round(0);
            let found = rounds.segments() / 400.0;
            assert!((found - kept).abs() < 0.012, "{average}, {marked}: {found} instead of {kept}");
        }
    }

    /// W p = 2: two marks a round trip, whatever the window.
    #[test]
    fn the_window_is_two_over_the_share_of_marks() {
        for (apart, start) in [(25, 20), (25, 200), (100, 50), (100, 500)] {
            let mut rounds = Rounds::of(50, start, &[]);
            let (mut sum, mut sent) = (0.0, 0);
            for n in 0..1_200 {
                let window = rounds.segments().round() as u64;
                let marks = (sent + window) / apart - sent / apart;
                sent += window;
                rounds.round(marks);
                sum += if n >= 600 { rounds.segments() / 600.0 } else { 0.0 };
            }
            let law = 2.0 * apart as f64;
            assert!((0.8..1.2).contains(&(sum / law)), "one in {apart}: {sum} instead of {law}");
        }
    }

    #[test]
    fn a_loss_halves_and_a_mark_of_rfc_3168_too() {
        let mut rounds = Rounds::of(50, 100, &[]);
        rounds.prague.on_ecn(&loss(100 * MSS));
        assert_eq!(rounds.prague.cwnd(), 100 * MSS, "marks are counted");
        rounds.prague.on_loss(&loss(100 * MSS));
        assert_eq!(rounds.prague.cwnd(), 50 * MSS);
        rounds.round(10);
        assert_eq!(rounds.prague.cwnd(), 50 * MSS, "while losses are repaired");
        rounds.prague.on_spurious();
        assert_eq!(rounds.prague.cwnd(), 100 * MSS);
        let path = Path { parameters: Parameters::defaults(PARAMETERS), counts_marks: false, ..path() };
        let mut without = Prague::new(&path);
        without.on_ecn(&loss(10 * MSS));
        assert_eq!(without.cwnd(), 5 * MSS);
    }

    #[test]
    fn it_paces_a_window_a_round_trip_and_twice_that_in_slow_start() {
        let mut rounds = Rounds::of(50, 100, &[]);
        rounds.round(0);
        let mbit = rounds.prague.pacing_rate().expect("a rate").as_mbit();
        assert!((mbit / (rounds.segments() * 8.0 / 50.0) - 1.0).abs() < 0.01, "{mbit}");
        rounds.prague.slow_start.end_at(u64::MAX);
        assert!((rounds.prague.pacing_rate().expect("a rate").as_mbit() / mbit - 2.0).abs() < 0.01);
    }
}
