//! Spreads packets at the rate a controller asks for, or at that of Linux's internal pacing.

use crate::time::{Duration, Instant};
use crate::units::Rate;

/// Linux's pacing sends at once what a millisecond holds (`sk_pacing_shift` 10), but at least two
/// segments (`tcp_min_tso_segs`).
const UNIT_SHIFT: u32 = 10;
const LEAST_UNIT: u64 = 2;

/// The earliest departure of the next packet.
#[derive(Debug, Default)]
pub struct Pacer {
    next: Instant,
    /// Packets that may follow the last without a pause.
    unit_left: u64,
}

/// Pace at which packets leave.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// On average.
    pub rate: Rate,
    /// Packets that leave together.
    pub unit: u64,
}

impl Pacer {
    /// Time from which the bucket holds another unit.
    pub fn departure(&self) -> Instant {
        self.next
    }

    /// Time at which the next packet may leave.
    pub fn next_departure(&self) -> Instant {
        if self.unit_left > 0 { Instant::ZERO } else { self.next }
    }

    /// A packet of `bytes` left at `now`. Idle time is not saved up: no bursts after a pause.
    pub fn on_sent(&mut self, now: Instant, bytes: u64, pace: Pace) {
        if self.unit_left == 0 || self.next < now {
            self.unit_left = pace.unit;
        }
        self.unit_left -= 1;
        self.next = self.next.max(now).saturating_add(pace.rate.time_for(bytes));
    }
}

impl Pace {
    /// At `rate`, with `quantum` bytes at once, but at least a segment.
    pub fn of(rate: Rate, quantum: u64, mss: u64) -> Pace {
        Pace { rate, unit: (quantum / mss).max(1) }
    }

    /// TCP-internal pacing as Linux does it (`tcp_update_pacing_rate`): two windows a round trip while
    /// the window is below half the threshold, 1.2 windows beyond.
    pub fn internal(cwnd: u64, ssthresh: Option<u64>, srtt: Duration, mss: u64) -> Option<Pace> {
        let percent = if ssthresh.is_some_and(|threshold| cwnd < threshold / 2) { 200 } else { 120 };
        let bits = u128::from(cwnd) * 8 * percent * 10_000_000 / u128::from(srtt.as_nanos()).max(1);
        let rate = Rate::from_bits_per_second(u64::try_from(bits).ok()?)?;
        let unit = (rate.bits_per_second() >> (UNIT_SHIFT + 3)) / mss;
        Some(Pace { rate, unit: unit.max(LEAST_UNIT) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::from_nanos(1_000_000_000);

    #[test]
    fn spaces_packets_by_their_size_over_the_rate() {
        let pace = Pace::of("12mbit".parse().expect("a rate"), 0, 1448);
        let mut pacer = Pacer::default();
        pacer.on_sent(START, 1500, pace);
        assert_eq!(pacer.next_departure(), START + Duration::from_millis(1));
        pacer.on_sent(START, 1500, pace);
        assert_eq!(pacer.next_departure(), START + Duration::from_millis(2));
    }

    #[test]
    fn internal_pacing_sends_pairs_at_a_fifth_more_than_a_window_a_round_trip() {
        let srtt = Duration::from_millis(100);
        let pace = Pace::internal(10 * 1448, Some(10 * 1448), srtt, 1448).expect("a pace");
        assert_eq!((pace.rate.bits_per_second(), pace.unit), (10 * 1448 * 8 * 12, 2));
        let early = Pace::internal(10 * 1448, None, srtt, 1448).expect("a pace");
        assert_eq!(early.rate.bits_per_second(), 10 * 1448 * 8 * 12);
        let slow_start = Pace::internal(10 * 1448, Some(u64::MAX), srtt, 1448).expect("a pace");
        assert_eq!(slow_start.rate.bits_per_second(), 10 * 1448 * 8 * 20);
        let mut pacer = Pacer::default();
        pacer.on_sent(START, 1448, pace);
        assert!(pacer.next_departure() <= START, "the second of a pair follows at once");
        pacer.on_sent(START, 1448, pace);
        assert_eq!(pacer.next_departure(), START + pace.rate.time_for(1448) * 2);
    }
}
