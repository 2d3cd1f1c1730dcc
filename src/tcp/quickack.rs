//! Linux's quick-ACK mode: when a receiver acknowledges every segment at once although it may wait. RFC
//! 9293 §3.8.6.3 leaves that open. And how long it may wait otherwise. Numbers are from `net/ipv4/tcp_input.c`.

use super::config::Config;
use crate::time::{Duration, Instant};

/// `TCP_MAX_QUICKACKS`
const MOST: u32 = 16;
/// Without room for more in half the window (`tcp_incr_quickack`).
const FEWEST: u32 = 2;
/// `TCP_ATO_MIN`: data that leave so soon after others came are an answer, which the next
/// acknowledgment may wait for.
const ANSWER_TIME: Duration = Duration::from_millis(40);

/// `TCP_DELACK_MAX`
const LONGEST: Duration = Duration::from_millis(200);

/// Acknowledgments that leave at once from now on.
#[derive(Debug)]
pub(super) struct QuickAcks {
    enabled: bool,
    /// In a row after a start.
    batch: u32,
    left: u32,
    last_data: Option<Instant>,
    /// Time for which an acknowledgment waits (`icsk_ack.ato`), at least; whether it adapts.
    timeout: Duration,
    least: Duration,
    adaptive: bool,
    /// The application answers what it reads (`icsk_ack.pingpong`).
    interactive: bool,
}

impl QuickAcks {
    pub(super) fn new(config: &Config) -> QuickAcks {
        let half_window = config.receive_window / (2 * u64::from(config.mss));
        let batch = half_window.clamp(FEWEST.into(), MOST.into()) as u32;
        let waits = config.delayed_ack;
        let least = waits.map_or(ANSWER_TIME, |delayed| delayed.timeout);
        QuickAcks {
            enabled: config.quickack,
            batch,
            left: 0,
            last_data: None,
            timeout: least,
            least,
            adaptive: waits.is_some_and(|delayed| delayed.adaptive),
            interactive: false,
        }
    }

    /// True if the mode holds now.
    pub(super) fn holds(&self) -> bool {
        self.left > 0 && !self.interactive
    }

    /// Data arrived in order: the first of all, or the first after a pause longer than the timeout.
    #[inline(always)]
    pub(super) fn on_data(&mut self, now: Instant, rto: Duration) {
        let pause = self.last_data.replace(now).map(|last| now - last);
        if self.enabled && pause.is_none_or(|pause| pause > rto) {
            self.left = self.left.max(self.batch);
        }
        if let Some(pause) = pause.filter(|_| self.adaptive) {
            // `tcp_event_data_recv`: a running mean of the gaps, with half the weight on the last.
            if pause <= self.least / 2 {
                self.timeout = self.timeout / 2 + self.least / 2;
            } else if pause < self.timeout {
                self.timeout = (self.timeout / 2 + pause).min(rto);
            }
        }
    }

    /// Time for which an acknowledgment may wait, of a peer at this round trip (`tcp_send_delayed_ack`).
    pub(super) fn timeout(&self, rtt: Option<Duration>) -> Duration {
        let longest = rtt.map_or(LONGEST, |rtt| rtt.max(self.least)).min(LONGEST.max(self.least));
        self.timeout.min(longest)
    }

    /// The peer sent something again that is here already.
    pub(super) fn start(&mut self) {
        if self.enabled {
            self.left = self.left.max(self.batch);
            self.interactive = false;
            self.timeout = self.least;
        }
    }

    /// Data left on this connection.
    #[inline(always)]
    pub(super) fn on_data_sent(&mut self, now: Instant) {
        self.interactive |= self.last_data.is_some_and(|last| now - last < ANSWER_TIME);
    }

    /// A delayed acknowledgment waited in vain for an answer to ride on (`tcp_delack_timer_handler`).
    pub(super) fn on_timer(&mut self, rto: Duration) {
        if self.interactive || !self.adaptive {
            self.timeout = self.least;
        } else {
            self.timeout = (self.timeout * 2).min(rto);
        }
        self.interactive = false;
    }

    /// A pending acknowledgment left.
    pub(super) fn on_ack_sent(&mut self) {
        if self.left == 1 {
            self.timeout = self.least;
        }
        self.left = self.left.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::DelayedAck;

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
        quick.on_timer(RTO);
        assert!(quick.holds());
        quick.on_data_sent(at(39));
        quick.start();
        assert!(quick.holds(), "a duplicate");
    }

    fn is(quick: &QuickAcks, rtt: u64, expected: u64) {
        assert_eq!(quick.timeout(Some(Duration::from_millis(rtt))), Duration::from_millis(expected));
    }

    #[test]
    fn the_timeout_follows_the_gaps_and_doubles_in_vain() {
        let mut quick = window(1_000);
        quick.on_data(at(0), RTO);
        batch(&mut quick);
        is(&quick, 1_000, 40);
        // 40 / 2 + 30, and again.
        quick.on_data(at(30), RTO);
        is(&quick, 1_000, 50);
        quick.on_data(at(60), RTO);
        is(&quick, 1_000, 55);
        is(&quick, 52, 52);
        is(&quick, 10, 40);
        // A gap as long as the timeout is none that an acknowledgment could wait for.
        quick.on_data(at(115), RTO);
        is(&quick, 1_000, 55);
        quick.on_data(at(135), RTO);
        quick.on_data(at(155), RTO);
        assert!(quick.timeout(None) < Duration::from_millis(45), "segments in quick succession");
        for expected in [87, 175, 200, 200] {
            quick.on_timer(RTO);
            assert_eq!(quick.timeout(None).as_nanos() / 1_000_000, expected);
        }
        quick.start();
        is(&quick, 1_000, 40);
    }

    #[test]
    fn a_timeout_that_does_not_adapt_stays() {
        let config = Config::default();
        let delayed_ack = config.delayed_ack.map(|delayed| DelayedAck { adaptive: false, ..delayed });
        let mut quick = QuickAcks::new(&Config { delayed_ack, ..config });
        quick.on_data(at(0), RTO);
        quick.on_data(at(30), RTO);
        quick.on_timer(RTO);
        is(&quick, 1_000, 40);
    }

    #[test]
    fn the_key_switches_it_off() {
        let mut quick = QuickAcks::new(&Config { quickack: false, ..Config::default() });
        quick.on_data(at(0), RTO);
        quick.start();
        assert!(!quick.holds());
    }
}
