//! Linux's timers (`kernel/time/timer.c`): they wait for whole ticks, and lie on a wheel whose slots
//! are the coarser the longer the wait. A timer goes off at the end of its slot, never early.

use crate::rng::Rng;
use crate::time::{Duration, Instant};

/// `LVL_START(1)`: waits shorter than so many ticks have slots of one.
const FINE: u64 = 63;
/// `TCP_TIMEOUT_MIN_US`
const LEAST_WAIT: Duration = Duration::from_millis(2);
/// `LVL_CLK_SHIFT`: the slots of each further level are eight times as long.
const COARSER: u64 = 8;
/// Ticks of the coarsest slot that a wait of minutes can have: the wheel's phase lies within.
const PERIOD: u64 = COARSER.pow(4);

/// The clock that the timers of one host wait by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wheel {
    /// Zero for a clock that is exact.
    tick: Duration,
    /// Age of the host's clock when the world began.
    phase: Duration,
}

impl Wheel {
    /// A wheel of a host that was started at some instant.
    pub(super) fn new(tick: Duration, rng: &mut Rng) -> Wheel {
        let phase = Duration::from_nanos(rng.below((tick.as_nanos() * PERIOD).max(1)));
        Wheel { tick, phase }
    }

    /// Addition of Linux to the waits of RACK and of its tail probes (`TCP_TIMEOUT_MIN_US`).
    pub(super) fn margin(self) -> Duration {
        if self.tick.is_zero() { Duration::ZERO } else { LEAST_WAIT }
    }

    /// Instant at which a timer goes off that is armed at `now`: after whole ticks (`usecs_to_jiffies`), at the end
    /// of a slot (`__calc_wheel_index`).
    pub(super) fn after(self, now: Instant, wait: Duration) -> Instant {
        if self.tick.is_zero() {
            return now + wait;
        }
        let ticks = wait.as_nanos().div_ceil(self.tick.as_nanos());
        let (mut slot, mut reach) = (1, FINE);
        while ticks >= reach && slot < PERIOD {
            (slot, reach) = (slot * COARSER, reach * COARSER);
        }
        let slot = self.tick.saturating_mul(slot).as_nanos();
        let end = now.saturating_add(self.tick.saturating_mul(ticks));
        let into = end.saturating_add(self.phase).as_nanos() % slot;
        if into == 0 { end } else { end.saturating_add(Duration::from_nanos(slot - into)) }
    }
}

/// A timer that is armed far more often than it ends, so that it looks for its slot only then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timer {
    end: Instant,
    /// Zero once the end is that of a slot.
    wait: Duration,
}

impl Timer {
    /// Not armed.
    pub(super) const OFF: Timer = Timer { end: Instant::MAX, wait: Duration::ZERO };

    /// A timer that is armed at `now`.
    pub(super) fn new(now: Instant, wait: Duration) -> Timer {
        Timer { end: now + wait, wait }
    }

    /// True if it goes off some time.
    pub(super) fn is_armed(self) -> bool {
        self.end != Instant::MAX
    }

    /// Time at which to call [`expires`](Timer::expires); [`Instant::MAX`] for never.
    pub(super) fn end(self) -> Instant {
        self.end
    }

    /// True if it goes off by `now`.
    #[inline]
    pub(super) fn has_ended(self, wheel: Wheel, now: Instant) -> bool {
        self.end <= now && self.at_slot(wheel).end <= now
    }

    /// The same; if not, it may be put off to the end of its slot.
    pub(super) fn expires(&mut self, wheel: Wheel, now: Instant) -> bool {
        if self.end <= now {
            *self = self.at_slot(wheel);
        }
        self.end <= now
    }

    /// Arms it for `wait`, unless it goes off before that.
    pub(super) fn bring_forward(&mut self, wheel: Wheel, now: Instant, wait: Duration) {
        let other = Timer::new(now, wait);
        if self.is_armed() {
            *self = self.at_slot(wheel);
            if other.end < self.end {
                self.end = self.end.min(other.at_slot(wheel).end);
            }
        } else {
            *self = other;
        }
    }

    /// Arms it for an instant that no wheel puts off, as Linux's timers of high resolution, unless it goes off before.
    pub(super) fn bring_forward_exactly(&mut self, wheel: Wheel, end: Instant) {
        if self.is_armed() {
            *self = self.at_slot(wheel);
        }
        if end < self.end {
            *self = Timer { end, wait: Duration::ZERO };
        }
    }

    /// The timer with the end of its slot.
    fn at_slot(self, wheel: Wheel) -> Timer {
        if self.wait.is_zero() {
            return self;
        }
        let armed = Instant::from_nanos(self.end.as_nanos() - self.wait.as_nanos());
        Timer { end: wheel.after(armed, self.wait), wait: Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    const TICK: Duration = Duration::from_millis(4);

    fn millis(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn at(n: u64) -> Instant {
        Instant::ZERO + millis(n)
    }

    #[test]
    fn waits_are_whole_ticks() {
        let wheel = Wheel { tick: TICK, phase: Duration::ZERO };
        for (wait, end) in [(1, 4), (220, 220), (221, 224), (224, 224)] {
            assert_eq!(wheel.after(at(0), millis(wait)), at(end));
        }
    }

    #[test]
    fn slots_are_coarser_where_waits_are_longer() {
        let wheel = Wheel { tick: TICK, phase: Duration::ZERO };
        // Waits, and the slot that each ends in: 1, 8, 64 ticks.
        for (wait, slot) in [(40, 4), (248, 4), (252, 32), (2_012, 32), (2_016, 256), (16_128, 2_048)] {
            let end = wheel.after(at(1), millis(wait));
            assert_eq!(end.as_nanos() % millis(slot).as_nanos(), 0, "{wait}");
            let late = end - (at(1) + millis(wait));
            assert!(late < millis(slot), "{wait}: {late} late");
        }
    }

    #[test]
    fn hosts_differ_and_nothing_is_early() {
        let mut first = Vec::new();
        for seed in 0..64 {
            let wheel = Wheel::new(TICK, &mut Seed(seed).stream("wheel"));
            let late = wheel.after(at(10), millis(300)) - at(310);
            assert!(late < millis(32), "seed {seed}: {late}");
            first.push(late.as_millis_f64());
        }
        let mean = first.iter().sum::<f64>() / 64.0;
        assert!((12.0..20.0).contains(&mean), "half a slot: {mean}");
    }

    #[test]
    fn a_timer_that_ends_is_put_off_once() {
        let wheel = Wheel { tick: TICK, phase: millis(1) };
        let mut timer = Timer::new(at(1), millis(299));
        assert!(!timer.expires(wheel, at(299)));
        assert!(!timer.expires(wheel, at(300)));
        // 75 ticks from 1 ms on, and on to the next multiple of 32 ms of a clock that is 1 ms ahead.
        assert_eq!(timer.end(), at(319));
        assert!(!timer.expires(wheel, at(318)) && timer.expires(wheel, at(319)));
    }

    /// Ticks of any length that a scenario may have, and waits of any length, neither panic nor end early.
    #[test]
    fn odd_ticks_and_waits_end_in_time() {
        for tick in [1, 3_000, 1_000_000, 1_000_000_000] {
            let tick = Duration::from_nanos(tick);
            let wheel = Wheel::new(tick, &mut Seed(1).stream("wheel"));
            for wait in [0, 1, 999, 200_000_000, 3_600_000_000_000_000] {
                let wait = Duration::from_nanos(wait);
                let late = wheel.after(at(5), wait) - (at(5) + wait);
                assert!(
                    late <= tick * 2 + Duration::from_nanos(wait.as_nanos() / 7),
                    "{tick} {wait}: {late}"
                );
            }
        }
    }

    #[test]
    fn without_a_tick_timers_are_exact() {
        let wheel = Wheel::new(Duration::ZERO, &mut Seed(1).stream("wheel"));
        assert_eq!(wheel.after(at(3), Duration::from_micros(1_234)), at(3) + Duration::from_micros(1_234));
    }
}
