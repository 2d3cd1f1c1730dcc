//! Ways out of slow start before a loss: HyStart as Linux's CUBIC has it, and HyStart++ (RFC 9406).

use super::round::Round;
use super::{Ack, Parameter, Path, Values};
use crate::time::{Duration, Instant};

/// The words of a controller's parameter `slow_start`, in the order of [`Watch::of`].
const WAYS: &[&str] = &["standard", "hystart", "hystart++"];

/// Least and largest growth of the round trip that ends a round of slow start (RFC 9406 §4.3; Linux's
/// `HYSTART_DELAY_MIN`, `HYSTART_DELAY_MAX`), and the part of the round trip between.
const LEAST_GROWTH: Duration = Duration::from_millis(4);
const MOST_GROWTH: Duration = Duration::from_millis(16);
const GROWTH_PART: u64 = 8;
/// RTT samples that tell of a round (`N_RTT_SAMPLE`, `HYSTART_MIN_SAMPLES`).
const SAMPLES: u32 = 8;
/// Linux: a window below so many segments is left alone (`hystart_low_window`).
const LOW_WINDOW: u64 = 16;
/// Linux: acknowledgments no further apart are a train (`hystart_ack_delta_us`), and the time that hosts may
/// take of one.
const TRAIN_GAP: Duration = Duration::from_millis(2);
const TRAIN_SLACK: Duration = Duration::from_millis(1);
/// RFC 9406 §4.3: growth in conservative slow start, and its rounds.
const CONSERVATIVE_PART: u64 = 4;
const CONSERVATIVE_ROUNDS: u32 = 5;

/// The parameter `slow_start` of a controller whose default is the word at `place`.
pub(super) const fn parameter(place: usize) -> Parameter {
    Parameter {
        name: "slow_start",
        default: place as f64,
        values: Values::Words(WAYS),
        summary: "what ends slow start beside loss: nothing, longer round trips and trains of ACKs (HyStart, Linux's CUBIC), or longer round trips in two steps (HyStart++, RFC 9406)",
    }
}

/// Advice on how to grow at an acknowledgment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Grow by what is acknowledged.
    Go,
    /// Grow by so small a part of it.
    Slower(u64),
    /// Slow start is over.
    End,
}

/// Watcher of the round trips of slow start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watch {
    /// None: only loss ends slow start.
    #[default]
    Blind,
    /// HyStart.
    HyStart(HyStart),
    /// HyStart++.
    PlusPlus(PlusPlus),
}

impl Watch {
    /// Watch that the scenario chose by the controller's parameter `slow_start`.
    pub(super) fn of(path: &Path) -> Watch {
        match path.parameters.word("slow_start") {
            "hystart" => Watch::HyStart(HyStart { paced: path.paced, ..HyStart::default() }),
            "hystart++" => Watch::PlusPlus(PlusPlus::default()),
            _ => Watch::Blind,
        }
    }

    /// Takes in an acknowledgment of slow start with a window of so many segments. `initial` tells that no
    /// loss has set a threshold yet.
    pub fn hear(&mut self, segments: u64, initial: bool, ack: &Ack) -> Advice {
        match self {
            Watch::HyStart(hystart) => {
                if hystart.ends(segments, ack) {
                    Advice::End
                } else {
                    Advice::Go
                }
            }
            Watch::PlusPlus(plus_plus) if initial => plus_plus.hear(ack),
            // RFC 9406 §4.3: a SHOULD.
            Watch::Blind | Watch::PlusPlus(_) => Advice::Go,
        }
    }

    /// Slow start begins anew after a timeout.
    pub fn restart(&mut self) {
        if let Watch::HyStart(hystart) = self {
            *hystart = HyStart { paced: hystart.paced, ..HyStart::default() };
        }
    }
}

/// Growth of the round trip that matters.
fn threshold(rtt: Duration) -> Duration {
    (rtt / GROWTH_PART).max(LEAST_GROWTH).min(MOST_GROWTH)
}

/// State of HyStart (Ha and Rhee, "Taming the elephants: New TCP slow start", 2011) with Linux's constants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HyStart {
    round: Round,
    start: Instant,
    /// The last acknowledgment of the train that began with the round.
    train: Instant,
    paced: bool,
}

impl HyStart {
    fn ends(&mut self, segments: u64, ack: &Ack) -> bool {
        if segments < LOW_WINDOW || ack.min_rtt == Duration::MAX {
            return false;
        }
        if self.round.hear(ack).is_some() {
            (self.start, self.train) = (ack.now, ack.now);
        }
        self.is_train_long(ack)
            || self.round.least_of(SAMPLES).is_some_and(|rtt| rtt > ack.min_rtt + threshold(ack.min_rtt))
    }

    /// Acknowledgments close together for half the round trip mean that the path is full; those of paced
    /// packets may take all of it.
    fn is_train_long(&mut self, ack: &Ack) -> bool {
        if ack.now - self.train > TRAIN_GAP {
            return false;
        }
        self.train = ack.now;
        let whole = ack.min_rtt + TRAIN_SLACK;
        ack.now - self.start > if self.paced { whole } else { whole / 2 }
    }
}

/// State of HyStart++ (RFC 9406 §4.2). Unlike there, growth by one acknowledgment has no limit L, because
/// slow start here has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlusPlus {
    round: Round,
    last: Option<Duration>,
    /// `cssBaselineMinRtt` and rounds left of conservative slow start, while that lasts.
    conservative: Option<(Duration, u32)>,
}

impl PlusPlus {
    fn hear(&mut self, ack: &Ack) -> Advice {
        if let Some(over) = self.round.hear(ack) {
            self.last = over.least();
            if let Some((_, rounds)) = &mut self.conservative {
                *rounds -= 1;
                if *rounds == 0 {
                    return Advice::End;
                }
            }
        }
        if let Some(rtt) = self.round.least_of(SAMPLES) {
            match (self.conservative, self.last) {
                // The growth was a jitter's.
                (Some((baseline, _)), _) if rtt < baseline => self.conservative = None,
                (None, Some(last)) if rtt >= last + threshold(last) => {
                    self.conservative = Some((rtt, CONSERVATIVE_ROUNDS));
                }
                _ => {}
            }
        }
        if self.conservative.is_some() { Advice::Slower(CONSERVATIVE_PART) } else { Advice::Go }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::ack;
    use super::super::{Sample, SlowStart};
    use super::*;

    const RTT: Duration = Duration::from_millis(80);

    /// Acknowledgments of rounds of ten segments, a few milliseconds apart.
    struct Rounds {
        watch: Watch,
        now: Instant,
        delivered: u64,
        gap: Duration,
        segments: usize,
    }

    impl Rounds {
        fn new(watch: Watch) -> Rounds {
            Rounds {
                watch,
                now: Instant::ZERO + RTT,
                delivered: 0,
                gap: Duration::from_millis(3),
                segments: 10,
            }
        }

        /// A round with this round trip: its acknowledgments.
        fn acks(&mut self, rtt: Duration) -> Vec<Ack> {
            let sample = Sample {
                delivered: 10_000,
                interval: RTT,
                prior_delivered: self.delivered,
                pipe: 10_000,
                lost: 0,
                app_limited: false,
            };
            self.now += RTT;
            let segments = self.segments;
            let mut one = |_| {
                self.now += self.gap;
                self.delivered += 1_000;
                let (now, delivered) = (self.now, self.delivered);
                let (rtt, sample) = (Some(rtt), Some(sample));
                Ack { now, delivered, rtt, min_rtt: RTT, sample, ..ack(1_000) }
            };
            (0..segments).map(&mut one).collect()
        }

        /// The advice of each acknowledgment of a round.
        fn round(&mut self, rtt: Duration) -> Vec<Advice> {
            self.acks(rtt).iter().map(|ack| self.watch.hear(20, true, ack)).collect()
        }
    }

    /// RFC 9406 §4.3: a growth of an eighth is 10 ms at 80 ms; conservative for five rounds, then over.
    #[test]
    fn hystart_plus_plus_slows_down_for_five_rounds_and_ends() {
        let mut rounds = Rounds::new(Watch::PlusPlus(PlusPlus::default()));
        for _ in 0..3 {
            assert!(rounds.round(RTT + Duration::from_millis(9)).iter().all(|&advice| advice == Advice::Go));
        }
        let longer = RTT + Duration::from_millis(25);
        let advice = rounds.round(longer);
        assert_eq!(
            advice.iter().position(|&advice| advice == Advice::Slower(4)),
            Some(7),
            "the eighth sample"
        );
        for _ in 0..4 {
            assert!(rounds.round(longer).iter().all(|&advice| advice == Advice::Slower(4)));
        }
        assert_eq!(rounds.round(longer)[0], Advice::End);
    }

    #[test]
    fn a_conservative_round_grows_by_a_quarter_of_what_is_acknowledged() {
        let mut slow_start = SlowStart::watched(Watch::PlusPlus(PlusPlus::default()));
        let (mut rounds, mut cwnd) = (Rounds::new(Watch::Blind), 20_000);
        let mut grown = vec![];
        for milliseconds in [0, 20, 20, 20] {
            let before = cwnd;
            for ack in rounds.acks(RTT + Duration::from_millis(milliseconds)) {
                assert_eq!(slow_start.grow(&mut cwnd, 1_000, 1_000, &ack), 0);
            }
            grown.push(cwnd - before);
        }
        assert_eq!(grown, [10_000, 7_000 + 750, 2_500, 2_500]);
    }

    #[test]
    fn hystart_plus_plus_resumes_when_the_growth_was_a_jitters() {
        let mut rounds = Rounds::new(Watch::PlusPlus(PlusPlus::default()));
        rounds.round(RTT);
        rounds.round(RTT + Duration::from_millis(15));
        assert_eq!(rounds.round(RTT + Duration::from_millis(2))[9], Advice::Go);
    }

    #[test]
    fn hystart_ends_at_the_ninth_sample_of_a_longer_round_trip_or_never_below_sixteen_segments() {
        let mut rounds = Rounds::new(Watch::HyStart(HyStart::default()));
        assert!(rounds.round(RTT + Duration::from_millis(10)).iter().all(|&advice| advice == Advice::Go));
        assert!(rounds.round(RTT + Duration::from_millis(11)).contains(&Advice::End));
        let short = Ack { rtt: Some(RTT * 2), min_rtt: RTT, ..ack(1_000) };
        let mut watch = Watch::HyStart(HyStart::default());
        assert!((0..100).all(|_| watch.hear(15, true, &short) == Advice::Go));
    }

    #[test]
    fn hystart_ends_when_a_train_of_acknowledgments_lasts_half_the_round_trip() {
        let mut rounds = Rounds::new(Watch::HyStart(HyStart::default()));
        (rounds.segments, rounds.gap) = (30, Duration::from_millis(2));
        // The first begins the train; of 80 ms and 1 ms for the hosts half are passed at the 21st after it.
        let ends = rounds.round(RTT).iter().position(|&advice| advice == Advice::End);
        assert_eq!(ends, Some(21));
        rounds.watch = Watch::HyStart(HyStart::default());
        rounds.gap = Duration::from_micros(2_001);
        assert!(rounds.round(RTT).iter().all(|&advice| advice == Advice::Go), "no train");
    }

    #[test]
    fn without_a_watch_slow_start_goes_on() {
        let mut rounds = Rounds::new(Watch::Blind);
        assert!((0..20).all(|_| rounds.round(RTT * 3).iter().all(|&advice| advice == Advice::Go)));
    }
}
