//! LEDBAT++ (draft-irtf-iccrg-ledbat-plus-plus-06), the form of LEDBAT (RFC 6817) for transfers in the
//! background: the window grows until the queue's delay reaches a target, and gives way to whatever fills the
//! queue further.
//!
//! Unlike RFC 6817 and as LEDBAT++ has it, the delay is one of round trips, since a sender hears of no
//! one-way delays here; the gain depends on the base delay, the decrease is multiplicative, and the sender
//! slows down now and then, so that all of them see the base delay and a latecomer has no advantage.

use super::reno::halved;
use super::{Ack, Beliefs, CongestionController, Loss, Parameter, Path, Values};
use crate::time::{Duration, Instant};

pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "target",
        default: 60.0,
        values: Values::Range(1.0, 10_000.0),
        summary: "the delay in queues that is aimed at, in milliseconds (value of LEDBAT++; RFC 6817 allows 100)",
    },
    Parameter {
        name: "slowdown_interval",
        default: 9.0,
        values: Values::Range(0.0, 1e6),
        summary: "time between two slowdowns, as a multiple of the duration of the last one (value of LEDBAT++); 0 for none",
    },
];

/// The window grows by 1 / `min(MOST_PARTS, ceil(2 * target / base))` of what Reno's does.
const MOST_PARTS: f64 = 16.0;
/// Least window and initial window in segments.
const LEAST_SEGMENTS: u64 = 2;
/// Part of the target that ends the first slow start.
const SLOW_START_PART: f64 = 0.75;
/// Round trips from the end of the first slow start to the first slowdown, and of the window's rest in each.
const ROUNDS: u64 = 2;
/// Round trips of which the least is the current one (RFC 6817: `CURRENT_FILTER`), to see past delayed acknowledgments.
const CURRENT: usize = 4;
/// Minutes of which the least round trip is the base delay (RFC 6817: `BASE_HISTORY`).
const HISTORY: usize = 10;
const MINUTE: Duration = Duration::from_secs(60);

/// LEDBAT++'s window, in bytes, and its view of the path.
#[derive(Debug)]
pub struct Ledbat {
    mss: u64,
    target: Duration,
    slowdown_interval: f64,
    cwnd: f64,
    ssthresh: u64,
    /// The latest round trips, and the least of each of the last minutes, latest first.
    current: [Duration; CURRENT],
    minutes: [Duration; HISTORY],
    minute_end: Instant,
    slowdown: Slowdown,
    /// Window and threshold before the last reduction, in case it proves unfounded.
    before: (f64, u64),
}

/// Stage of the slowdowns.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Slowdown {
    /// The first, when the first slow start is over.
    AfterStart,
    /// One at this time.
    At(Instant),
    /// It began then, and the window rests until then.
    Rests(Instant, Instant),
    /// It began then; the window grows back.
    GrowsBack(Instant),
    /// None.
    Never,
}

impl Ledbat {
    pub(super) fn new(path: &Path) -> Ledbat {
        let cwnd = path.initial_window.min(LEAST_SEGMENTS * path.mss) as f64;
        let slowdown_interval = path.parameters.number("slowdown_interval");
        Ledbat {
            mss: path.mss,
            target: Duration::from_secs_f64(path.parameters.number("target") / 1e3),
            slowdown_interval,
            cwnd,
            ssthresh: u64::MAX,
            current: [Duration::MAX; CURRENT],
            minutes: [Duration::MAX; HISTORY],
            minute_end: path.now + MINUTE,
            slowdown: if slowdown_interval > 0.0 { Slowdown::AfterStart } else { Slowdown::Never },
            before: (cwnd, u64::MAX),
        }
    }

    fn hear_rtt(&mut self, now: Instant, rtt: Duration) {
        while now >= self.minute_end {
            self.minutes.rotate_right(1);
            self.minutes[0] = Duration::MAX;
            self.minute_end += MINUTE;
        }
        self.minutes[0] = self.minutes[0].min(rtt);
        self.current.rotate_right(1);
        self.current[0] = rtt;
    }

    /// The round trip without queues.
    fn base(&self) -> Option<Duration> {
        self.minutes.iter().min().copied().filter(|&base| base < Duration::MAX)
    }

    /// The delay in queues, as a multiple of the target.
    fn off_target(&self, base: Duration) -> f64 {
        let current = self.current.iter().min().copied().unwrap_or(base);
        current.saturating_sub(base).as_secs_f64() / self.target.as_secs_f64()
    }

    fn gain(&self, base: Duration) -> f64 {
        let parts = (2.0 * self.target.as_secs_f64() / base.as_secs_f64().max(1e-9)).ceil();
        1.0 / parts.clamp(1.0, MOST_PARTS)
    }

    fn in_slow_start(&self) -> bool {
        self.cwnd() < self.ssthresh
    }

    /// Moves from one stage of the slowdowns to the next; true while the window rests.
    fn slow_down(&mut self, now: Instant, srtt: Duration) -> bool {
        match self.slowdown {
            Slowdown::AfterStart if !self.in_slow_start() => {
                self.slowdown = Slowdown::At(now + srtt * ROUNDS);
            }
            Slowdown::At(time) if now >= time && !self.in_slow_start() => {
                self.ssthresh = self.cwnd();
                self.cwnd = (LEAST_SEGMENTS * self.mss) as f64;
                self.slowdown = Slowdown::Rests(now, now + srtt * ROUNDS);
            }
            Slowdown::Rests(began, until) if now >= until => {
                self.slowdown = Slowdown::GrowsBack(began);
            }
            Slowdown::GrowsBack(began) if !self.in_slow_start() => {
                let pause = (now - began).as_secs_f64() * self.slowdown_interval;
                self.slowdown = Slowdown::At(now + Duration::from_secs_f64(pause));
            }
            _ => {}
        }
        matches!(self.slowdown, Slowdown::Rests(..))
    }

    fn reduce(&mut self, loss: &Loss) {
        self.before = (self.cwnd, self.ssthresh);
        self.ssthresh = halved(self.cwnd(), loss.flight, self.mss);
    }
}

impl CongestionController for Ledbat {
    fn cwnd(&self) -> u64 {
        self.cwnd as u64
    }

    fn on_ack(&mut self, ack: &Ack) {
        if let Some(rtt) = ack.rtt {
            self.hear_rtt(ack.now, rtt);
        }
        if ack.in_recovery || self.slow_down(ack.now, ack.srtt) {
            return;
        }
        let Some(base) = self.base() else { return };
        let (gain, delay) = (self.gain(base), self.off_target(base));
        let (bytes, mss, may_grow) = (ack.bytes as f64, self.mss as f64, ack.may_grow());
        if self.in_slow_start() {
            if self.ssthresh == u64::MAX && delay > SLOW_START_PART {
                self.ssthresh = self.cwnd();
            } else if may_grow {
                self.cwnd = (self.cwnd + gain * bytes).min(self.ssthresh as f64);
            }
            return;
        }
        // In a round trip: a segment times the gain, or less the excess of the delay times the window, of which
        // at most half goes.
        let step = if delay < 1.0 { gain * mss } else { gain * mss - self.cwnd * (delay - 1.0) };
        if step < 0.0 || may_grow {
            let step = step.max(-self.cwnd / 2.0) * (bytes / self.cwnd).min(1.0);
            self.cwnd = (self.cwnd + step).max((LEAST_SEGMENTS * self.mss) as f64);
            // Slow start must not regain what delay took.
            self.ssthresh = self.ssthresh.min(self.cwnd());
        }
    }

    fn on_loss(&mut self, loss: &Loss) {
        self.reduce(loss);
        self.cwnd = self.ssthresh as f64;
    }

    fn on_timeout(&mut self, loss: &Loss) {
        if loss.new_episode {
            self.reduce(loss);
        }
        self.cwnd = self.mss as f64;
    }

    fn on_spurious(&mut self) {
        self.cwnd = self.cwnd.max(self.before.0);
        self.ssthresh = self.before.1;
    }

    fn on_idle(&mut self) {
        self.cwnd = self.cwnd.min((LEAST_SEGMENTS * self.mss) as f64);
    }

    fn ssthresh(&self) -> Option<u64> {
        Some(self.ssthresh)
    }

    fn beliefs(&self) -> Beliefs {
        Beliefs { min_rtt: self.base(), ..Beliefs::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ack, loss, path};
    use super::*;
    use crate::congestion::Parameters;

    const MSS: u64 = 1_000;
    /// Twice the target of 60 ms are three of it: a gain of a third.
    const RTT: Duration = Duration::from_millis(40);

    struct Rounds {
        ledbat: Ledbat,
        now: Instant,
    }

    impl Rounds {
        fn new(values: &[(&str, f64)]) -> Rounds {
            let mut path = Path { parameters: Parameters::defaults(PARAMETERS), ..path() };
            for &(name, value) in values {
                path.parameters.set(name, value);
            }
            Rounds { ledbat: Ledbat::new(&path), now: Instant::ZERO }
        }

        /// Without slowdowns, in congestion avoidance with so many segments.
        fn steady(segments: u64) -> Rounds {
            let mut rounds = Rounds::new(&[("slowdown_interval", 0.0)]);
            rounds.ledbat.hear_rtt(Instant::ZERO, RTT);
            (rounds.ledbat.cwnd, rounds.ledbat.ssthresh) = ((segments * MSS) as f64, 2 * MSS);
            rounds
        }

        /// A round trip in which the window arrives; returns the change of the window in segments.
        fn round(&mut self, queued_ms: u64) -> f64 {
            let (rtt, before) = (RTT + Duration::from_millis(queued_ms), self.ledbat.cwnd);
            // The filter is of the last round trips.
            self.ledbat.current = [rtt; CURRENT];
            let segments = self.ledbat.cwnd() / MSS;
            for n in 1..=segments {
                let now = self.now + rtt * n / segments;
                self.ledbat.on_ack(&Ack { now, rtt: Some(rtt), srtt: rtt, min_rtt: RTT, ..ack(MSS) });
            }
            self.now += rtt;
            (self.ledbat.cwnd - before) / MSS as f64
        }
    }

    fn close(value: f64, expected: f64) -> bool {
        (value - expected).abs() < 0.03 * expected.abs()
    }

    #[test]
    fn starts_with_two_segments_and_grows_by_the_gain_until_three_quarters_of_the_target() {
        let mut rounds = Rounds::new(&[]);
        assert_eq!(rounds.ledbat.cwnd(), 2 * MSS);
        // The base is what was seen without a queue.
        rounds.ledbat.hear_rtt(rounds.now, RTT);
        let mut expected = 2_000.0;
        for _ in 0..8 {
            expected += (expected / 1e3_f64).floor() * 1e3 / 3.0;
            rounds.round(44);
            assert!(close(rounds.ledbat.cwnd, expected), "{} {expected}", rounds.ledbat.cwnd);
        }
        assert_eq!(rounds.ledbat.ssthresh, u64::MAX);
        rounds.round(46);
        assert!(rounds.ledbat.ssthresh < u64::MAX);
    }

    #[test]
    fn grows_by_the_gain_below_the_target_and_falls_in_proportion_above_it() {
        for (queued, expected) in [(0, 1.0 / 3.0), (59, 1.0 / 3.0), (66, 1.0 / 3.0 - 10.0), (600, -50.0)] {
            let step = Rounds::steady(100).round(queued);
            assert!(close(step, expected), "{queued} ms: {step}");
        }
    }

    #[test]
    fn what_delay_took_is_regained_by_the_gain_and_not_by_slow_start() {
        let mut rounds = Rounds::steady(100);
        rounds.ledbat.ssthresh = 100_000;
        rounds.round(120);
        let step = rounds.round(0);
        assert!(close(step, 1.0 / 3.0), "{step}");
    }

    #[test]
    fn the_gain_is_a_sixteenth_on_short_paths_and_all_on_long_ones() {
        let ledbat = Rounds::new(&[]).ledbat;
        for (base, gain) in [(1, 1.0 / 16.0), (40, 1.0 / 3.0), (60, 0.5), (120, 1.0), (500, 1.0)] {
            assert!(close(ledbat.gain(Duration::from_millis(base)), gain), "{base} ms");
        }
    }

    #[test]
    fn slows_down_two_round_trips_after_slow_start_and_then_a_tenth_of_the_time() {
        let mut rounds = Rounds::new(&[]);
        rounds.ledbat.hear_rtt(Instant::ZERO, RTT);
        (rounds.ledbat.cwnd, rounds.ledbat.ssthresh) = (50_000.0, 50_000);
        let mut slow = vec![];
        for _ in 0..2_000 {
            rounds.round(0);
            slow.push(matches!(rounds.ledbat.slowdown, Slowdown::Rests(..) | Slowdown::GrowsBack(_)));
        }
        let first = slow.iter().position(|&slow| slow).expect("one");
        assert!((2..=3).contains(&first), "{first}");
        let ends = slow.windows(2).filter(|pair| pair[0] && !pair[1]).count();
        assert!(ends > 5, "{ends}");
        let share = slow.iter().filter(|&&slow| slow).count() as f64 / slow.len() as f64;
        assert!((0.08..0.13).contains(&share), "{share}");
    }

    #[test]
    fn a_loss_halves_once_and_a_timeout_leaves_a_segment() {
        let mut ledbat = Rounds::steady(50).ledbat;
        ledbat.on_loss(&loss(50_000));
        assert_eq!((ledbat.cwnd(), ledbat.ssthresh()), (25_000, Some(25_000)));
        ledbat.on_timeout(&Loss { new_episode: false, ..loss(25_000) });
        assert_eq!((ledbat.cwnd(), ledbat.ssthresh()), (1_000, Some(25_000)));
        ledbat.on_spurious();
        assert_eq!((ledbat.cwnd(), ledbat.ssthresh()), (50_000, Some(2_000)));
    }

    #[test]
    fn the_base_delay_is_forgotten_after_ten_minutes() {
        let mut ledbat = Rounds::new(&[]).ledbat;
        ledbat.hear_rtt(Instant::ZERO, RTT);
        let at = |minutes: u64| Instant::ZERO + MINUTE * minutes;
        ledbat.hear_rtt(at(9), RTT * 2);
        assert_eq!(ledbat.base(), Some(RTT));
        ledbat.hear_rtt(at(10), RTT * 2);
        assert_eq!(ledbat.base(), Some(RTT * 2));
    }
}
