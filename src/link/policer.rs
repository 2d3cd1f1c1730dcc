//! A policer beside the queue, as tc-police(8): what exceeds rate and burst is dropped, nothing waits.

use super::Fate;
use super::Link;
use super::notes::note;
use super::propagation::Passage;
use crate::time::Instant;
use crate::units::Rate;
use crate::wire::Packet;

/// A token bucket that packets must fit into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policer {
    /// Rate at which it fills.
    pub rate: Rate,
    /// Bytes that it holds.
    pub burst: u64,
}

/// The bucket at work: full at first. Tokens are counted in billionths of a bit, in which a nanosecond fills
/// in the rate exactly.
#[derive(Debug)]
pub(super) struct Meter {
    policer: Policer,
    tokens: u128,
    filled: Instant,
}

impl Meter {
    pub(super) fn new(policer: Policer, now: Instant) -> Meter {
        Meter { policer, tokens: tokens_of(policer.burst), filled: now }
    }

    /// True if a packet of `size` bytes may pass at `now`; then it takes its tokens.
    pub(super) fn passes(&mut self, now: Instant, size: u32) -> bool {
        let elapsed = u128::from((now - self.filled).as_nanos());
        let gained = u128::from(self.policer.rate.bits_per_second()) * elapsed;
        self.tokens = (self.tokens + gained).min(tokens_of(self.policer.burst));
        self.filled = now;
        let rest = self.tokens.checked_sub(tokens_of(size.into()));
        self.tokens = rest.unwrap_or(self.tokens);
        rest.is_some()
    }
}

fn tokens_of(bytes: u64) -> u128 {
    u128::from(bytes) * 8_000_000_000
}

impl Link {
    /// True if the policer, if there is one, has tokens for a packet; they are its own then.
    #[inline]
    pub(super) fn is_let_in(&mut self, now: Instant, packet: &Packet) -> bool {
        let Some(policer) = &mut self.policer else { return true };
        let passes = policer.passes(now, packet.size());
        if passes {
            self.measured.epoch.policed_bytes += u64::from(packet.size());
        } else {
            self.counters.dropped_policer += 1;
            note(&mut self.noted, now, packet, Fate::Policed);
        }
        passes
    }

    /// The same as [`queue_up`](Link::queue_up), from places that are no hot path, past the policer.
    #[inline(never)]
    pub(super) fn take_in(&mut self, now: Instant, packet: Box<Packet>, passage: Passage, damaged: bool) {
        if self.is_let_in(now, &packet) {
            self.queue_up(now, packet, passage, damaged);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The definition of a token bucket, over every interval.
        #[test]
        fn no_interval_passes_more_than_rate_times_its_length_and_a_burst(
            bits in 1u64..100_000_000,
            burst in 40u64..100_000,
            packets in prop::collection::vec((0u64..20_000_000, 40u32..1500), 1..80),
        ) {
            let rate = Rate::from_bits_per_second(bits).expect("not zero");
            let mut meter = Meter::new(Policer { rate, burst }, Instant::ZERO);
            let mut now = 0;
            let mut passed: Vec<(u64, u128)> = Vec::new();
            for (gap, size) in packets {
                now += gap;
                let before = meter.tokens;
                if meter.passes(Instant::from_nanos(now), size) {
                    passed.push((now, tokens_of(size.into())));
                } else {
                    // It refuses only what does not fit.
                    prop_assert!(before < tokens_of(size.into()));
                }
            }
            for first in 0..passed.len() {
                let mut sum = 0;
                for &(at, tokens) in &passed[first..] {
                    sum += tokens;
                    let most = u128::from(bits) * u128::from(at - passed[first].0) + tokens_of(burst);
                    prop_assert!(sum <= most, "{sum} of {most} from packet {first} on");
                }
            }
        }
    }
}
