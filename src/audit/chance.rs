//! Counts of what chance does to packets, against what the scenario says; and against the tables of the run.

use super::findings::{Finding, Findings, Rule};
use super::terms::{Bursts, Place};
use crate::facts::LinkOutcome;
use crate::time::Instant;

/// A count is a finding where sound chance makes it, or one further off, less than once in 10⁹ audits, by the bound
/// e⌈δ ln n⌉e^−δ on n·KL(k/n ‖ p) ≥ δ: it holds for up to n = 10⁹ tries of a chance, also if earlier tries decide about
/// later ones (Garivier and Cappé, *The KL-UCB Algorithm*, COLT 2011, theorem 10). Of a chance that changes with time,
/// the number of tries is taken as given (Hoeffding, JASA 58, 1963, theorem 1).
const SURPRISE: f64 = 30.0;

/// Trials of chance, and hits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    n: f64,
    expected: f64,
    hits: f64,
}

/// Counts of one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Tallies {
    /// Loss of each packet on its own.
    pub loss: Tally,
    /// Loss in bursts: of packets behind one that passed, and behind one that was lost.
    pub worse: Tally,
    pub still_bad: Tally,
    pub duplicate: Tally,
    pub damage: Tally,
    /// Packets that skip the delay, of which chance lets at most so many.
    pub ahead: Tally,
    pub entered: u64,
    pub left: u64,
    /// Of these, damaged here.
    pub left_damaged: u64,
    pub lost: u64,
    pub listed: u64,
    pub policed: u64,
    /// Dropped by the queue.
    pub dropped: u64,
    pub marked: u64,
    pub copies: u64,
}

impl Tally {
    /// A packet that meets a chance.
    pub fn try_one(&mut self, chance: f64) {
        self.n += 1.0;
        self.expected += chance;
    }

    /// It met none, as it turns out.
    pub fn untry_one(&mut self, chance: f64) {
        self.n -= 1.0;
        self.expected -= chance;
    }

    pub fn hit(&mut self) {
        self.hits += 1.0;
    }

    /// Without up to so many hits that are not chance's, as far as there are too many.
    fn without(self, others: u64) -> Tally {
        let hits = (self.hits - others as f64).max(self.hits.min(self.expected));
        Tally { hits, ..self }
    }

    /// Hits, and those expected, if they are too far apart.
    fn surprise(&self) -> Option<(f64, f64)> {
        if self.n <= 0.0 {
            return None;
        }
        let (q, p) = (self.hits / self.n, self.expected / self.n);
        let part = |q: f64, p: f64| if q > 0.0 { q * libm::log(q / p) } else { 0.0 };
        let divergence = if (q - p).abs() < 1e-12 { 0.0 } else { part(q, p) + part(1.0 - q, 1.0 - p) };
        (self.n * divergence > SURPRISE).then_some((self.hits, self.expected))
    }
}

impl Tallies {
    /// Holds counts against chances.
    pub fn judge(&self, place: &Place, end: Instant, findings: &mut Findings) {
        let more_ahead = self.ahead.hits > self.ahead.expected;
        for (tally, rule, what, holds) in [
            (self.loss.without(place.listed), Rule::Loss, "lost", true),
            (self.worse, Rule::Loss, "lost behind one that passed", true),
            (self.still_bad, Rule::Loss, "lost behind one that was lost", true),
            (self.duplicate, Rule::Duplicate, "doubled", true),
            (self.damage, Rule::Damage, "damaged", true),
            (self.ahead, Rule::Delay, "ahead of the delay", more_ahead),
        ] {
            if let Some((hits, expected)) = tally.surprise().filter(|_| holds) {
                findings.push(Finding {
                    rule,
                    place: place.name.clone(),
                    time_s: end.as_secs_f64(),
                    packet: None,
                    found: format!("{hits} of {} packets were {what}", tally.n),
                    expected: format!("its chances make {expected:.1}"),
                });
            }
        }
    }

    /// Holds counts against those of the link's row.
    pub fn compare(
        &self,
        place: &Place,
        inside: u64,
        link: &LinkOutcome,
        end: Instant,
        findings: &mut Findings,
    ) {
        let counters = &link.counters;
        for (what, found, counted) in [
            ("came", self.entered, counters.offered),
            ("left intact", self.left - self.left_damaged, counters.delivered),
            ("left damaged", self.left_damaged, counters.dropped_corrupt),
            ("were lost", self.lost, counters.dropped_loss),
            ("were dropped by the policer", self.policed, counters.dropped_policer),
            ("were dropped by the queue", self.dropped, counters.dropped_queue),
            ("were marked", self.marked, counters.marked),
            ("are copies", self.copies, counters.duplicated),
            ("are inside at the end", inside, link.in_flight),
        ] {
            if found != counted {
                findings.push(Finding {
                    rule: Rule::Conservation,
                    place: place.name.clone(),
                    time_s: end.as_secs_f64(),
                    packet: None,
                    found: format!("{found} packets {what}"),
                    expected: format!("links.csv counts {counted}"),
                });
            }
        }
        let (gains, goes) =
            (self.entered + self.copies, self.left + self.lost + self.policed + self.dropped + inside);
        if gains != goes {
            findings.push(Finding {
                rule: Rule::Conservation,
                place: place.name.clone(),
                time_s: end.as_secs_f64(),
                packet: None,
                found: format!("{gains} packets came or were copied"),
                expected: format!("{goes} left, were dropped or are inside"),
            });
        }
    }
}

/// States of a link that loses in bursts, as losses tell them.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// Instant at which the last packet came, and true if it was lost.
    last: Option<(Instant, bool)>,
    /// State that it met, if that is known.
    state: State,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// The first, which is good.
    #[default]
    First,
    Good,
    Bad,
}

impl Chain {
    /// A packet comes.
    pub fn meet(&mut self, at: Instant, bursts: &Bursts, place: &Place, tallies: &mut Tallies) {
        let goes_on = |before| place.change(before, at, |old, new| old.loss == new.loss).is_none();
        self.state = match self.last.filter(|(before, _)| goes_on(*before)) {
            None => State::First,
            Some((_, false)) => State::Good,
            Some((_, true)) => State::Bad,
        };
        match self.state {
            State::First => {}
            State::Good => tallies.worse.try_one(bursts.worsen),
            State::Bad => tallies.still_bad.try_one(1.0 - bursts.recover),
        }
        self.last = Some((at, false));
    }

    /// The packet that came last is lost; false if it cannot be.
    pub fn lose(&mut self, tallies: &mut Tallies) -> bool {
        if let Some((_, lost)) = &mut self.last {
            *lost = true;
        }
        match self.state {
            State::First => return false,
            State::Good => tallies.worse.hit(),
            State::Bad => tallies.still_bad.hit(),
        }
        true
    }
}
