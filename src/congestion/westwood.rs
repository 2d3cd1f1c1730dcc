//! Westwood+ (Mascolo and others, "TCP Westwood: Bandwidth estimation for enhanced transport over wireless
//! links", ACM MOBICOM 2001; with one sample a round trip as in Grieco and Mascolo, 2004) as Linux has it
//! (`net/ipv4/tcp_westwood.c`): Reno, but a loss leaves the window that the measured bandwidth fills without
//! a queue, instead of half of it. Losses that are not congestion then cost little.
//!
//! As in Linux and unlike the paper, the window falls by half during the repair, and rises to that window when
//! the repair is over. Bytes are counted as they are delivered, not estimated from duplicate acknowledgments.

use super::reno::Reno;
use super::{Ack, Beliefs, CongestionController, Loss, Path, Watch};
use crate::time::{Duration, Instant};
use crate::units::Rate;

/// Least time over which bandwidth is measured (`TCP_WESTWOOD_RTT_MIN`).
const LEAST_WINDOW: Duration = Duration::from_millis(50);
/// Weight of what was known in each of the two filters, in eighths.
const KEPT: u64 = 7;
/// Least window in segments.
const LEAST_SEGMENTS: u64 = 2;

/// Reno, and what Westwood+ believes of the path.
#[derive(Debug)]
pub struct Westwood {
    mss: u64,
    reno: Reno,
    /// The latest round trip, and the least one.
    rtt: Option<Duration>,
    least: Option<Duration>,
    /// After a timeout the path may be another one.
    forgets_least: bool,
    /// Since when bytes are counted, and how many had been delivered then and lately.
    since: Instant,
    counted: u64,
    delivered: u64,
    /// Bytes a second after one filter and after both, once there is a first sample.
    bandwidth: Option<(u64, u64)>,
    repairs: bool,
}

impl Westwood {
    pub(super) fn new(path: &Path) -> Westwood {
        Westwood {
            mss: path.mss,
            reno: Reno::with(path, 0.5, Watch::Blind),
            rtt: None,
            least: None,
            forgets_least: false,
            since: path.now,
            counted: 0,
            delivered: 0,
            bandwidth: None,
            repairs: false,
        }
    }

    /// Takes a sample of the bandwidth if a round trip has passed.
    fn measure(&mut self, now: Instant) {
        let span = now.saturating_since(self.since);
        if self.rtt.is_none_or(|rtt| span <= rtt.max(LEAST_WINDOW)) {
            return;
        }
        let bytes = u128::from(self.delivered - self.counted);
        let sample = (bytes * 1_000_000_000 / u128::from(span.as_nanos())) as u64;
        let blend = |known: u64, new: u64| (KEPT * known + new) / (KEPT + 1);
        self.bandwidth = Some(self.bandwidth.map_or((sample, sample), |(once, twice)| {
            let once = blend(once, sample);
            (once, blend(twice, once))
        }));
        (self.since, self.counted) = (now, self.delivered);
    }

    /// The window that the bandwidth fills without a queue, in whole segments.
    fn filled(&self) -> u64 {
        let (bandwidth, rtt) = (self.bandwidth.unwrap_or_default().1, self.least.unwrap_or_default());
        let bytes = (u128::from(bandwidth) * u128::from(rtt.as_nanos()) / 1_000_000_000) as u64;
        (bytes / self.mss).max(LEAST_SEGMENTS) * self.mss
    }
}

impl CongestionController for Westwood {
    fn cwnd(&self) -> u64 {
        self.reno.cwnd()
    }

    fn on_ack(&mut self, ack: &Ack) {
        self.rtt = ack.rtt.or(self.rtt);
        self.measure(ack.now);
        self.delivered = ack.delivered;
        if let Some(rtt) = self.rtt {
            let known = if std::mem::take(&mut self.forgets_least) { None } else { self.least };
            self.least = Some(known.map_or(rtt, |least| least.min(rtt)));
        }
        self.reno.on_ack(ack);
    }

    fn on_loss(&mut self, loss: &Loss) {
        self.repairs = true;
        self.reno.on_loss(loss);
    }

    fn on_timeout(&mut self, loss: &Loss) {
        self.repairs = false;
        self.reno.on_timeout(loss);
        if loss.new_episode {
            self.reno.set(self.cwnd(), self.filled());
            self.forgets_least = true;
        }
    }

    fn on_recovered(&mut self, _: Instant) {
        if std::mem::take(&mut self.repairs) {
            self.reno.set(self.filled(), self.filled());
        }
    }

    /// No repair follows: at once, and never to more than there was.
    fn on_ecn(&mut self, loss: &Loss) {
        let cwnd = self.filled().min(self.cwnd());
        self.reno.on_loss(loss);
        self.reno.set(cwnd, cwnd);
    }

    fn on_spurious(&mut self) {
        self.reno.on_spurious();
    }

    fn on_idle(&mut self) {
        self.reno.on_idle();
    }

    fn ssthresh(&self) -> Option<u64> {
        self.reno.ssthresh()
    }

    fn beliefs(&self) -> Beliefs {
        Beliefs {
            bandwidth: self
                .bandwidth
                .and_then(|(_, rate)| Rate::from_bits_per_second(rate.saturating_mul(8))),
            min_rtt: self.least,
            ..Beliefs::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ack, loss, path};
    use super::*;

    const MSS: u64 = 1_000;
    const RTT: Duration = Duration::from_millis(100);

    /// A path that delivers a segment each `gap`.
    struct Rounds {
        westwood: Westwood,
        now: Instant,
        delivered: u64,
    }

    impl Rounds {
        fn new() -> Rounds {
            Rounds { westwood: Westwood::new(&path()), now: Instant::ZERO, delivered: 0 }
        }

        fn acks(&mut self, segments: u64, gap: Duration, rtt: Duration) {
            for _ in 0..segments {
                self.now += gap;
                self.delivered += MSS;
                let (now, delivered, rtt) = (self.now, self.delivered, Some(rtt));
                self.westwood.on_ack(&Ack { now, delivered, rtt, ..ack(MSS) });
            }
        }

        /// A thousand segments a second for so long.
        fn steady(seconds: u64) -> Rounds {
            let mut rounds = Rounds::new();
            rounds.acks(1_000 * seconds, Duration::from_millis(1), RTT);
            rounds
        }

        fn rate(&self) -> u64 {
            self.westwood.bandwidth.expect("a sample").1
        }
    }

    #[test]
    fn a_steady_rate_is_measured_to_a_segment_a_round() {
        let rounds = Rounds::steady(3);
        assert!((980_000..=1_000_000).contains(&rounds.rate()), "{}", rounds.rate());
    }

    /// After n samples a step of the rate is answered by 1 - (1 + n / 8) (7 / 8)^n: both filters in a row.
    #[test]
    fn a_step_of_the_rate_passes_two_filters_of_an_eighth() {
        let mut rounds = Rounds::steady(5);
        let from = rounds.rate() as f64;
        for n in 1..=20 {
            let before = rounds.westwood.since;
            while rounds.westwood.since == before {
                rounds.acks(1, Duration::from_millis(2), RTT);
            }
            if n == 1 {
                // The first interval has both rates in it.
                continue;
            }
            let n = f64::from(n - 1);
            let answered = 1.0 - (1.0 + n / 8.0) * (7.0f64 / 8.0).powf(n);
            let expected = from + (500_000.0 - from) * answered;
            assert!(
                (rounds.rate() as f64 / expected - 1.0).abs() < 0.05,
                "{n}: {} {expected}",
                rounds.rate()
            );
        }
    }

    #[test]
    fn a_repair_ends_at_the_window_that_the_bandwidth_fills() {
        for window in [40 * MSS, 150 * MSS] {
            let mut rounds = Rounds::steady(10);
            rounds.westwood.reno.set(window, window);
            rounds.westwood.on_loss(&loss(window));
            assert_eq!(rounds.westwood.cwnd(), window / 2, "half during the repair");
            rounds.westwood.on_recovered(rounds.now);
            let filled = rounds.westwood.cwnd();
            assert!((97 * MSS..=100 * MSS).contains(&filled), "{filled}");
            assert_eq!(rounds.westwood.ssthresh(), Some(filled));
        }
    }

    #[test]
    fn a_timeout_grows_back_to_that_window_and_looks_for_the_round_trip_anew() {
        let mut rounds = Rounds::steady(10);
        rounds.westwood.on_timeout(&loss(100 * MSS));
        assert_eq!(rounds.westwood.cwnd(), MSS);
        assert!(rounds.westwood.ssthresh().is_some_and(|threshold| threshold >= 97 * MSS));
        rounds.westwood.on_recovered(rounds.now);
        assert_eq!(rounds.westwood.cwnd(), MSS, "slow start brings it back");
        rounds.acks(1, Duration::from_millis(1), RTT * 2);
        assert_eq!(rounds.westwood.beliefs().min_rtt, Some(RTT * 2));
    }

    #[test]
    fn a_mark_takes_the_queue_away_and_gives_nothing() {
        for (window, kept) in [(150, 97..=100), (40, 40..=40)] {
            let mut rounds = Rounds::steady(10);
            rounds.westwood.reno.set(window * MSS, window * MSS);
            rounds.westwood.on_ecn(&loss(window * MSS));
            assert!(kept.contains(&(rounds.westwood.cwnd() / MSS)), "{}", rounds.westwood.cwnd());
        }
    }

    #[test]
    fn without_a_sample_two_segments_are_left() {
        let mut westwood = Westwood::new(&path());
        westwood.on_loss(&loss(10 * MSS));
        westwood.on_recovered(Instant::ZERO);
        assert_eq!(westwood.cwnd(), 2 * MSS);
    }
}
