//! Linux's quick-ACK mode: when a receiver acknowledges every segment at once although it may wait. RFC
//! 9293 §3.8.6.3 leaves that open; numbers are from `net/ipv4/tcp_input.c`.

use super::config::Config;
use crate::time::{Duration, Instant};

/// `TCP_MAX_QUICKACKS`
const MOST: u32 = 16;
/// Without room for more in half the window (`tcp_incr_quickack`).
const FEWEST: u32 = 2;
/// `TCP_ATO_MIN`: data that leave so soon after others came are an answer, which the next
/// acknowledgment may wait for.
const ANSWER_TIME: Duration = Duration::from_millis(40);

/// Acknowledgments that leave at once from now on.
#[derive(Debug)]
pub(super) struct QuickAcks {
    enabled: bool,
    /// In a row after a start.
    batch: u32,
    left: u32,
    last_data: Option<Instant>,
    /// The application answers what it reads (`icsk_ack.pingpong`).
    interactive: bool,
}

impl QuickAcks {
    pub(super) fn new(config: &Config) -> QuickAcks {
        let half_window = config.receive_window / (2 * u64::from(config.mss));
        let batch = half_window.clamp(FEWEST.into(), MOST.into()) as u32;
        QuickAcks { enabled: config.quickack, batch, left: 0, last_data: None, interactive: false }
    }

    /// True if the mode holds now.
    pub(super) fn holds(&self) -> bool {
        self.left > 0 && !self.interactive
    }

    /// Data arrived in order: the first of all, or the first after a pause longer than the timeout.
    pub(super) fn on_data(&mut self, now: Instant, rto: Duration) {
        let pause = self.last_data.replace(now).map(|last| now - last);
        if self.enabled && pause.is_none_or(|pause| pause > rto) {
            self.left = self.left.max(self.batch);
        }
    }

    /// The peer sent something again that is here already.
    pub(super) fn start(&mut self) {
        if self.enabled {
            self.left = self.left.max(self.batch);
            self.interactive = false;
        }
    }

    /// Data left on this connection.
    pub(super) fn on_data_sent(&mut self, now: Instant) {
        self.interactive |= self.last_data.is_some_and(|last| now - last < ANSWER_TIME);
    }

    /// A delayed acknowledgment waited in vain for an answer to ride on (`tcp_delack_timer_handler`).
    pub(super) fn on_timer(&mut self) {
        self.interactive = false;
    }

    /// A pending acknowledgment left.
    pub(super) fn on_ack_sent(&mut self) {
        self.left = self.left.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTO: Duration = Duration::from_millis(200);

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    fn window(segments: u64) -> QuickAcks {
        let config = Config::default();
        let receive_window = segments * u64::from(config.mss);
        QuickAcks::new(&Config { receive_window, ..config })
    }

    /// Number of acknowledgments that leave at once.
    fn batch(quick: &mut QuickAcks) -> usize {
        std::iter::from_fn(|| quick.holds().then(|| quick.on_ack_sent())).take(100).count()
    }

    #[test]
    fn the_first_and_those_after_a_pause_or_a_duplicate_are_quick() {
        let mut quick = window(1_000);
        quick.on_data(at(0), RTO);
        assert_eq!(batch(&mut quick), 16);
        quick.on_data(at(200), RTO);
        assert_eq!(batch(&mut quick), 0, "a pause of the timeout is none");
        quick.on_data(at(401), RTO);
        assert_eq!(batch(&mut quick), 16);
        quick.start();
        assert_eq!(batch(&mut quick), 16);
    }

    #[test]
    fn a_small_window_has_fewer() {
        for (segments, expected) in [(2, 2), (8, 4), (32, 16), (64, 16)] {
            let mut quick = window(segments);
            quick.on_data(at(0), RTO);
            assert_eq!(batch(&mut quick), expected, "{segments}");
        }
    }

    #[test]
    fn prompt_answers_end_the_mode_until_one_fails_to_come() {
        let mut quick = window(1_000);
        quick.on_data(at(0), RTO);
        quick.on_data_sent(at(40));
        assert!(quick.holds(), "too late for an answer");
        quick.on_data_sent(at(39));
        assert!(!quick.holds());
        quick.on_timer();
        assert!(quick.holds());
        quick.on_data_sent(at(39));
        quick.start();
        assert!(quick.holds(), "a duplicate");
    }

    #[test]
    fn the_key_switches_it_off() {
        let mut quick = QuickAcks::new(&Config { quickack: false, ..Config::default() });
        quick.on_data(at(0), RTO);
        quick.start();
        assert!(!quick.holds());
    }
}
