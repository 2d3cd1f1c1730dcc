//! Counts of what chance does to packets, against what the scenario says; and against the tables of the run.

use super::findings::{Finding, Findings, Rule};
use super::terms::{Loss, Place};
use crate::facts::LinkOutcome;
use crate::time::Instant;

/// A count is a finding where sound chance makes it, or one further off, less than once in 10⁹ audits: Hoeffding's
/// bound n·KL(k/n ‖ p) (*Probability Inequalities*, JASA 58, 1963, theorem 1), which holds whatever each packet's
/// own chance is.
const SURPRISE: f64 = 21.4;

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
    pub loss: Tally,
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

    /// Hits, and those expected, if they are too far apart; `share` of the packets count on their own.
    fn surprise(&self, share: f64) -> Option<(f64, f64)> {
        if self.n <= 0.0 {
            return None;
        }
        let (q, p) = (self.hits / self.n, self.expected / self.n);
        let part = |q: f64, p: f64| if q > 0.0 { q * libm::log(q / p) } else { 0.0 };
        let divergence = if (q - p).abs() < 1e-12 { 0.0 } else { part(q, p) + part(1.0 - q, 1.0 - p) };
        (self.n * share * divergence > SURPRISE).then_some((self.hits, self.expected))
    }
}

impl Tallies {
    /// Holds counts against chances.
    pub fn judge(&self, place: &Place, end: Instant, findings: &mut Findings) {
        let share = place.epochs.iter().map(|(_, terms)| match terms.loss {
            // Of a chain with this correlation, so many packets say as much as one.
            Loss::Bursts(_, correlation) if correlation > 0.0 => (1.0 - correlation) / (1.0 + correlation),
            _ => 1.0,
        });
        let share = share.fold(1.0, f64::min);
        let judged = !place.epochs.iter().any(|(_, terms)| terms.loss == Loss::Any);
        let more_ahead = self.ahead.hits > self.ahead.expected;
        for (tally, share, rule, what, holds) in [
            (self.loss.without(place.listed), share, Rule::Loss, "lost", judged),
            (self.duplicate, 1.0, Rule::Duplicate, "doubled", true),
            (self.damage, 1.0, Rule::Damage, "damaged", true),
            (self.ahead, 1.0, Rule::Delay, "ahead of the delay", more_ahead),
        ] {
            if let Some((hits, expected)) = tally.surprise(share).filter(|_| holds) {
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
