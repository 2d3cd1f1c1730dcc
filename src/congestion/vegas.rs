//! Vegas (Brakmo and Peterson, "TCP Vegas: End to end congestion avoidance on a global Internet", IEEE JSAC
//! 13(8), 1995) in the form and with the constants of Linux (`net/ipv4/tcp_vegas.c`): once a round trip, the
//! window moves by a segment so that a few of its segments, and no more, wait in queues.
//!
//! As in Linux and unlike the paper: losses are found and answered as Reno's, slow start grows in every round
//! trip, and the round trip that counts is the least of the last one, so that delayed acknowledgments do not.

use super::reno::Reno;
use super::round::Round;
use super::{Ack, Beliefs, CongestionController, Loss, Parameter, Path, Restart, Values, Watch};
use crate::time::{Duration, Instant};

pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "alpha",
        default: 2.0,
        values: Values::Range(0.0, 1000.0),
        summary: "the window grows while fewer segments than this are queued (Brakmo and Peterson §IV; value of Linux)",
    },
    Parameter {
        name: "beta",
        default: 4.0,
        values: Values::Range(0.0, 1000.0),
        summary: "the window shrinks while more segments than this are queued (likewise)",
    },
    Parameter {
        name: "gamma",
        default: 1.0,
        values: Values::Range(0.0, 1000.0),
        summary: "slow start ends when more segments than this are queued (likewise)",
    },
];

/// Round trips measured in a round that tell of it; of fewer all may be of delayed acknowledgments.
const SAMPLES: u32 = 3;
/// Least window in segments.
const LEAST_SEGMENTS: u64 = 2;

/// Vegas's view of the path, and the Reno that it falls back to.
#[derive(Debug)]
pub struct Vegas {
    mss: u64,
    alpha: u64,
    beta: u64,
    gamma: u64,
    reno: Reno,
    /// The least round trip: the one without queues.
    base: Option<Duration>,
    round: Round,
    delivered: u64,
    repairs: bool,
}

impl Vegas {
    pub(super) fn new(path: &Path) -> Vegas {
        let [alpha, beta, gamma] =
            ["alpha", "beta", "gamma"].map(|name| path.parameters.number(name).round() as u64);
        Vegas {
            mss: path.mss,
            alpha,
            beta,
            gamma,
            reno: Reno::with(path, 0.5, Watch::Blind),
            base: None,
            round: Round::default(),
            delivered: 0,
            repairs: false,
        }
    }

    fn in_slow_start(&self) -> bool {
        self.reno.ssthresh().is_some_and(|threshold| self.cwnd() < threshold)
    }

    /// At the end of a round of this least round trip.
    fn adjust(&mut self, rtt: Duration, base: Duration, ack: &Ack) {
        let (rtt, base) = (rtt.as_nanos().max(1), base.as_nanos().max(1));
        let (cwnd, threshold) = (self.cwnd(), self.reno.ssthresh().unwrap_or(u64::MAX));
        let part =
            |bytes: u64, of: u64, whole: u64| (u128::from(bytes) * u128::from(of) / u128::from(whole)) as u64;
        // Expected less actual rate times the base round trip, in whole segments.
        let queued = part(cwnd / self.mss, rtt - base, base);
        let (least, slow_start) = (LEAST_SEGMENTS * self.mss, self.in_slow_start());
        if slow_start && queued > self.gamma {
            // Contents of the path at the actual rate, rounded up.
            let held = (part(cwnd / self.mss, base, rtt) + 1) * self.mss;
            let cwnd = cwnd.min(held).max(least);
            self.reno.set(cwnd, cwnd.min(threshold));
        } else if slow_start {
            self.reno.on_ack(ack);
        } else if queued > self.beta {
            let cwnd = cwnd.saturating_sub(self.mss).max(least);
            self.reno.set(cwnd, cwnd.min(threshold));
        } else if queued < self.alpha && ack.may_grow() {
            self.reno.set(cwnd + self.mss, threshold);
        }
    }

    /// Begins to measure anew: earlier round trips tell nothing of segments that leave from now on.
    fn forget(&mut self) {
        self.round = Round::since(self.delivered);
    }
}

impl CongestionController for Vegas {
    fn cwnd(&self) -> u64 {
        self.reno.cwnd()
    }

    fn on_ack(&mut self, ack: &Ack) {
        self.delivered = ack.delivered;
        self.base = match (self.base, ack.rtt) {
            (Some(base), Some(rtt)) => Some(base.min(rtt)),
            (base, rtt) => base.or(rtt),
        };
        let over = self.round.hear(ack);
        if self.repairs || ack.in_recovery {
            self.reno.on_ack(ack);
            return;
        }
        match (over.map(|round| round.least_of(SAMPLES)), self.base) {
            (Some(Some(rtt)), Some(base)) => self.adjust(rtt.max(base), base, ack),
            (Some(_), _) => self.reno.on_ack(ack),
            (None, _) if self.in_slow_start() => self.reno.on_ack(ack),
            (None, _) => {}
        }
    }

    fn on_loss(&mut self, loss: &Loss) {
        self.repairs = true;
        self.reno.on_loss(loss);
    }

    fn on_timeout(&mut self, loss: &Loss) {
        self.repairs = true;
        self.reno.on_timeout(loss);
    }

    /// As a loss, but nothing is repaired.
    fn on_ecn(&mut self, loss: &Loss) {
        self.reno.on_loss(loss);
        self.forget();
    }

    fn on_recovered(&mut self, _: Instant) {
        self.repairs = false;
        self.forget();
    }

    fn on_spurious(&mut self) {
        self.reno.on_spurious();
    }

    fn on_idle(&mut self) {
        self.reno.on_idle();
    }

    /// After a pause the path may be another one.
    fn on_restart(&mut self, _: Restart) {
        self.base = None;
        self.forget();
    }

    fn ssthresh(&self) -> Option<u64> {
        self.reno.ssthresh()
    }

    fn beliefs(&self) -> Beliefs {
        Beliefs { min_rtt: self.base, ..Beliefs::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Sample;
    use super::super::testing::{ack, loss, path};
    use super::*;
    use crate::congestion::Parameters;

    const MSS: u64 = 1_000;
    const RTT: Duration = Duration::from_millis(100);

    /// A path whose round trip grows by a hundredth for each segment above a hundred: 1000 segments a second.
    struct Rounds {
        vegas: Vegas,
        delivered: u64,
    }

    impl Rounds {
        fn new(values: &[(&str, f64)]) -> Rounds {
            let mut path = Path { parameters: Parameters::defaults(PARAMETERS), ..path() };
            for &(name, value) in values {
                path.parameters.set(name, value);
            }
            Rounds { vegas: Vegas::new(&path), delivered: 0 }
        }

        /// In congestion avoidance with so many segments.
        fn steady(segments: u64) -> Rounds {
            let mut rounds = Rounds::new(&[]);
            rounds.vegas.reno.set(segments * MSS, 2 * MSS);
            rounds.vegas.base = Some(RTT);
            rounds
        }

        /// A round in which the window arrives, after this round trip; returns the window in segments.
        fn round_of(&mut self, rtt: Duration) -> u64 {
            let prior_delivered = self.delivered;
            for _ in 0..self.vegas.cwnd() / MSS {
                self.delivered += MSS;
                let sample = Sample {
                    delivered: 10 * MSS,
                    interval: RTT,
                    prior_delivered,
                    pipe: 10 * MSS,
                    lost: 0,
                    app_limited: false,
                };
                let (rtt, delivered, sample) = (Some(rtt), self.delivered, Some(sample));
                self.vegas.on_ack(&Ack { delivered, rtt, sample, ..ack(MSS) });
            }
            self.vegas.cwnd() / MSS
        }

        fn round(&mut self) -> u64 {
            let queued = (self.vegas.cwnd() / MSS).saturating_sub(100);
            self.round_of(RTT + Duration::from_millis(queued))
        }
    }

    #[test]
    fn doubles_in_slow_start_and_leaves_it_for_what_the_path_holds() {
        let mut rounds = Rounds::new(&[]);
        let windows: Vec<u64> = (0..6).map(|_| rounds.round()).collect();
        // The first acknowledgment of the last round tells of 160 ms in the round before.
        assert_eq!(windows, [20, 40, 80, 160, 320, 320 * 100 / 160 + 1]);
        assert_eq!(rounds.vegas.phase(), crate::facts::Phase::CongestionAvoidance);
    }

    #[test]
    fn moves_by_a_segment_a_round_to_between_alpha_and_beta_queued() {
        for start in [95, 110] {
            let mut rounds = Rounds::steady(start);
            let mut before = start;
            for _ in 0..30 {
                let window = rounds.round();
                assert!(window.abs_diff(before) <= 1, "{before} to {window}");
                before = window;
            }
            assert!((102..=104).contains(&before), "from {start}: {before}");
        }
    }

    #[test]
    fn too_few_round_trips_are_answered_as_reno_does() {
        let mut rounds = Rounds::steady(2);
        for _ in 0..3 {
            rounds.round_of(RTT * 5);
        }
        assert_eq!(
            rounds.vegas.cwnd(),
            3 * MSS,
            "two samples a round: one segment for two rounds' first ACKs"
        );
    }

    #[test]
    fn a_loss_halves_and_the_round_of_the_repair_counts_for_nothing() {
        let mut rounds = Rounds::steady(100);
        rounds.round();
        rounds.vegas.on_loss(&loss(100 * MSS));
        assert_eq!(rounds.vegas.cwnd(), 50 * MSS);
        rounds.vegas.on_recovered(Instant::ZERO);
        rounds.delivered += MSS;
        assert_eq!(rounds.round_of(RTT * 3), 50, "ends no round since the repair");
    }

    #[test]
    fn an_unused_window_shrinks_but_does_not_grow() {
        for (rtt, expected) in [(RTT, 50), (RTT * 2, 49)] {
            let mut rounds = Rounds::steady(50);
            rounds.round_of(rtt);
            let sample = Sample {
                delivered: MSS,
                interval: RTT,
                prior_delivered: rounds.delivered,
                pipe: MSS,
                lost: 0,
                app_limited: false,
            };
            let before = rounds.vegas.cwnd();
            rounds.vegas.reno.set(50 * MSS, 2 * MSS);
            rounds.vegas.on_ack(&Ack {
                delivered: rounds.delivered + MSS,
                rtt: Some(rtt),
                sample: Some(sample),
                app_limited: true,
                ..ack(MSS)
            });
            assert_eq!(rounds.vegas.cwnd() / MSS, expected, "{rtt:?}, {before} before");
        }
    }

    #[test]
    fn a_pause_forgets_the_least_round_trip() {
        let mut rounds = Rounds::steady(50);
        rounds.vegas.on_restart(Restart { now: Instant::ZERO, app_limited: true });
        rounds.round_of(RTT * 2);
        assert_eq!(rounds.vegas.beliefs().min_rtt, Some(RTT * 2));
    }
}
