//! Linux's timers (`kernel/time/timer.c`): they wait for whole ticks, and lie on a wheel whose slots
//! are the coarser the longer the wait. A timer goes off at the end of its slot, never early.

use crate::rng::Rng;
use crate::time::{Duration, Instant};

/// `LVL_START(1)`: waits shorter than so many ticks have slots of one.
const FINE: u64 = 63;
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

    /// Ticks that Linux adds to short waits (`TCP_TIMEOUT_MIN`).
    pub(super) fn margin(self) -> Duration {
        self.tick * 2
    }

    /// Instant at which a timer goes off that is armed now.
    pub(super) fn after(self, now: Instant, wait: Duration) -> Instant {
        let wait = whole(wait, self.tick);
        self.slot(now + wait, wait)
    }

    /// Arms `timer` for `wait`, unless it ends before that.
    pub(super) fn bring_forward(self, timer: &mut Instant, now: Instant, wait: Duration) {
        if now + wait < *timer {
            *timer = (*timer).min(self.after(now, wait));
        }
    }

    /// Instant at which a timer goes off that was armed to end after `wait` at `end`.
    pub(super) fn slot(self, end: Instant, wait: Duration) -> Instant {
        if self.tick.is_zero() {
            return end;
        }
        let mut slot = self.tick;
        let mut reach = self.tick * FINE;
        while wait >= reach && slot < self.tick * PERIOD {
            (slot, reach) = (slot * COARSER, reach * COARSER);
        }
        let over = (end.as_nanos() + self.phase.as_nanos()) % slot.as_nanos();
        if over == 0 { end } else { end + Duration::from_nanos(slot.as_nanos() - over) }
    }

    /// True if `timer`, armed for `wait`, goes off at `now`; else it is put off to the end of its slot.
    ///
    /// Timers are armed far more often than they expire, so that only those that end are rounded.
    pub(super) fn expires(self, timer: &mut Instant, wait: Duration, now: Instant) -> bool {
        if *timer > now {
            return false;
        }
        *timer = self.slot(*timer, wait);
        *timer <= now
    }
}

/// The least number of whole ticks that `span` fits into (`usecs_to_jiffies`).
pub(super) fn whole(span: Duration, tick: Duration) -> Duration {
    if tick.is_zero() {
        return span;
    }
    tick.saturating_mul(span.as_nanos().div_ceil(tick.as_nanos()))
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
        assert_eq!(whole(millis(221), TICK), millis(224));
        assert_eq!(whole(millis(220), TICK), millis(220));
        assert_eq!(whole(millis(221), Duration::ZERO), millis(221));
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
        let mut timer = at(300);
        assert!(!wheel.expires(&mut timer, millis(299), at(299)));
        assert!(!wheel.expires(&mut timer, millis(299), at(300)));
        assert_eq!(timer, at(319));
        assert!(wheel.expires(&mut timer, millis(299), at(319)));
    }

    #[test]
    fn without_a_tick_timers_are_exact() {
        let wheel = Wheel::new(Duration::ZERO, &mut Seed(1).stream("wheel"));
        assert_eq!(wheel.after(at(3), Duration::from_micros(1_234)), at(3) + Duration::from_micros(1_234));
    }
}
