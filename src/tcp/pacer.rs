//! Spreads packets at the rate a controller asks for.

use crate::time::Instant;
use crate::units::Rate;

/// The earliest departure of the next packet.
#[derive(Debug, Default)]
pub struct Pacer {
    next: Instant,
}

impl Pacer {
    /// When the next packet may leave.
    pub fn next_departure(&self) -> Instant {
        self.next
    }

    /// A packet of `bytes` left at `now`. Idle time is not saved up: no bursts after a pause.
    pub fn on_sent(&mut self, now: Instant, bytes: u64, rate: Rate) {
        self.next = self.next.max(now).saturating_add(rate.time_for(bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    #[test]
    fn spaces_packets_by_their_size_over_the_rate() {
        let rate: Rate = "12mbit".parse().expect("a rate");
        let mut pacer = Pacer::default();
        let start = Instant::ZERO + Duration::from_secs(1);
        pacer.on_sent(start, 1500, rate);
        assert_eq!(pacer.next_departure(), start + Duration::from_millis(1));
        pacer.on_sent(start, 1500, rate);
        assert_eq!(pacer.next_departure(), start + Duration::from_millis(2));
    }
}
