//! Times of crossings: delay, wait and transmission.

use super::{Crossing, Life};
use crate::audit::chance::Tallies;
use crate::audit::findings::{Findings, Rule};
use crate::audit::pace::{SLACK, Schedule};
use crate::audit::terms::{LinkTerms, Place, Rate};
use crate::time::{Duration, Instant};

impl Crossing {
    /// Transmission of the packet that is next, as its arrival and those before it make it, and its arrival at the far
    /// end.
    pub(super) fn foreseen(&self, life: &Life, place: &Place) -> (Schedule, Instant) {
        let schedule = self.schedule.with(life.entered, life.size, place);
        let due = schedule.end() + place.at(life.entered).delay;
        (schedule, due.max(self.last_left))
    }

    pub(super) fn judge_exactly(&mut self, life: &Life, at: Instant, place: &Place, findings: &mut Findings) {
        let (mut schedule, due) = self.foreseen(life, place);
        if at != due {
            let terms = place.at(life.entered);
            let rule = if at < due && terms.rate != Rate::Endless && at >= life.entered + terms.delay {
                Rule::Rate
            } else {
                Rule::Delay
            };
            let found = format!("it leaves {} after it came", at.saturating_since(life.entered));
            let expected =
                format!("delay, rate and the packets before it make {}", due.saturating_since(life.entered));
            findings.packet(rule, &place.name, (at, life.packet), found, expected);
            schedule = Schedule::free_at(before(at, terms.delay));
        }
        self.schedule = schedule;
        self.buffer.depart(schedule.end(), (life.packet, life.size), place, findings);
    }

    pub(super) fn judge_roughly(
        &mut self,
        life: &Life,
        at: Instant,
        place: &Place,
        tallies: &mut Tallies,
        findings: &mut Findings,
    ) {
        let key = (at, life.packet);
        let terms = place.at(life.entered);
        let took = nanos(at) - nanos(life.entered);
        // A transmission begins when the last has ended, or at some time since the packet came.
        let (begins, ends) = if self.shown {
            (life.entered.max(self.departed), before(at, terms.delay))
        } else {
            (life.entered, at)
        };
        let sent = place.least_transmission(life.size, begins, ends);
        let mut least = terms.least.as_nanos() as f64 + sent;
        if terms.ahead > 0.0 && took < least - SLACK {
            tallies.ahead.hit();
            least = sent;
        } else if place.takes_all_or_nothing() && took > least {
            let found = format!("it leaves {} after it came", at.saturating_since(life.entered));
            findings.packet(Rule::Delay, &place.name, key, found, format!("the delay is {}", terms.delay));
        }
        if took < least - SLACK || place.takes_all_or_nothing() && least <= 0.0 && took > 0.0 {
            let found = format!("it leaves {} after it came", at.saturating_since(life.entered));
            let expected = format!("it takes at least {}", Duration::from_nanos(least as u64));
            findings.packet(Rule::Delay, &place.name, key, found, expected);
        }
        if self.shown {
            self.judge_departure(life, ends, sent, place, findings);
        }
    }

    /// A transmission that takes `sent` nanoseconds at least ends at `at`.
    fn judge_departure(
        &mut self,
        life: &Life,
        at: Instant,
        sent: f64,
        place: &Place,
        findings: &mut Findings,
    ) {
        let rate = place.at(at).rate;
        let change = place.change(self.departed, at, LinkTerms::is_as_fast);
        let follows = match rate {
            Rate::Even(_) => self.transmitter.follows(nanos(at), sent),
            Rate::Bucket(bits, burst) => {
                let cost = |bytes: f64| bytes * 8e9 / bits as f64;
                let (own, depth) = (cost(life.size.into()), cost((burst as f64).max(life.size.into())));
                if let Some(change) = change {
                    // Else those that wait would all leave at once.
                    self.bucket.empty(nanos(change), depth);
                }
                let holds = self.bucket.take(nanos(at), own, depth);
                // One that was under way at the change ends as it began, and the bucket is empty then.
                if !holds && change.is_some() {
                    self.bucket.empty(nanos(at), depth);
                }
                holds || change.is_some()
            }
            Rate::Endless | Rate::Trace | Rate::Wifi => true,
        };
        if !follows {
            let key = (at + place.at(life.entered).delay, life.packet);
            findings.packet(Rule::Rate, &place.name, key, "it leaves", format!("{rate} lets it go later"));
        }
        self.departed = self.departed.max(at);
        self.buffer.depart(at, (life.packet, life.size), place, findings);
    }
}

fn nanos(at: Instant) -> f64 {
    at.as_nanos() as f64
}

fn before(at: Instant, span: Duration) -> Instant {
    Instant::from_nanos(at.as_nanos().saturating_sub(span.as_nanos()))
}
