//! `testbed verify --packets`: packets of trials that run again, held against the numbers of their scenario.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::audit::{
    Audit, Auditor, Bursts, Capacity, Finding, LinkTerms, Loss, Order, Place, Queue, Rate, Terms,
};
use crate::cli::output::one_line;
use crate::engine::Halt;
use crate::facts::{Direction, Measure, Outcome};
use crate::link::config::{Config, JitterDistribution, LossModel, Pattern};
use crate::runner::{self, Hitch};
use crate::scenario::{Group, Scenario, Trial, build};
use crate::time::{Duration, Instant};
use crate::units::{self, Probability, plural};

#[cfg(test)]
mod tests;

/// Findings of a folder that are named; of more, their number says enough.
const NAMED: usize = 10;

/// Audits of a folder's trials, whichever thread makes them.
#[derive(Debug, Default)]
pub(super) struct Book {
    audits: Mutex<BTreeMap<(usize, u32), Audit>>,
    unjudged: Mutex<BTreeMap<&'static str, BTreeSet<String>>>,
}

/// Outcome for a folder.
#[derive(Debug, Serialize)]
pub(super) struct Packets {
    /// Trials whose packets were looked at, and their packets.
    trials: usize,
    #[serde(rename = "packets")]
    seen: u64,
    /// Number of findings.
    pub count: u64,
    findings: Vec<Located>,
    /// Rules that were not judged, each with the links that it is of.
    not_judged: BTreeMap<&'static str, BTreeSet<String>>,
}

#[derive(Debug, Serialize)]
struct Located {
    cell: usize,
    trial: u32,
    #[serde(flatten)]
    finding: Finding,
}

impl Book {
    /// Runs trials in virtual time, and audits their packets as they go.
    pub fn audit(
        self: &Arc<Book>,
        memory: u64,
    ) -> impl Fn(&Arc<Scenario>, Trial, &mut dyn FnMut() -> bool) -> Result<Option<Outcome>, Hitch> + Sync + use<>
    {
        let book = Arc::clone(self);
        move |scenario, trial, go_on| {
            let terms = terms(scenario);
            let mut all = book.unjudged.lock().unwrap_or_else(PoisonError::into_inner);
            for place in &terms.places {
                for words in place.unjudged() {
                    all.entry(words).or_default().insert(place.name.clone());
                }
            }
            for group in scenario.groups.iter().filter(|group| counts_datagrams(group)) {
                all.entry("figures of datagrams").or_default().insert(group.name.clone());
            }
            drop(all);
            let auditor = Rc::new(RefCell::new(Auditor::new(terms)));
            let result = runner::surrounded(scenario, |pause| {
                let mut world = build(scenario, trial);
                world.limit_memory(memory);
                let reader = Rc::clone(&auditor);
                world.log(Box::new(move |entry| reader.borrow_mut().take(entry)));
                let outcome = world.run(&mut || {
                    pause();
                    go_on()
                });
                outcome.map(|outcome| (outcome, world.now()))
            });
            match result {
                Ok((outcome, end)) => {
                    let auditor = Rc::into_inner(auditor).expect("the world that held the other is gone");
                    let audit = auditor.into_inner().finish(end, &outcome);
                    let mut audits = book.audits.lock().unwrap_or_else(PoisonError::into_inner);
                    audits.insert((trial.cell, trial.number), audit);
                    Ok(Some(outcome))
                }
                Err(Halt::Abandoned) => Ok(None),
                Err(halt) => Err(Hitch::Halted(halt)),
            }
        }
    }

    /// All findings in the order of the trials.
    pub fn close(&self) -> Packets {
        let audits = std::mem::take(&mut *self.audits.lock().unwrap_or_else(PoisonError::into_inner));
        let not_judged = std::mem::take(&mut *self.unjudged.lock().unwrap_or_else(PoisonError::into_inner));
        let mut packets =
            Packets { trials: audits.len(), seen: 0, count: 0, findings: Vec::new(), not_judged };
        for ((cell, trial), audit) in audits {
            packets.seen += audit.packets;
            packets.count += audit.count;
            let located = |finding| Located { cell, trial, finding };
            packets.findings.extend(audit.findings.into_iter().map(located));
        }
        packets
    }
}

impl Packets {
    /// Lines below the folder's.
    pub fn in_words(&self) -> String {
        if self.trials == 0 {
            return "           no packets were looked at\n".to_owned();
        }
        let all = format!("{} in {}", plural(self.seen, "packet"), plural(self.trials as u64, "trial"));
        let mut text = match self.count {
            0 => format!("           {all} as the scenario says\n"),
            n => format!("           {} in {all}:\n", plural(n, "event").replace("event", "finding")),
        };
        for Located { cell, trial, finding } in self.findings.iter().take(NAMED) {
            let _ =
                writeln!(text, "           cell {cell}, trial {trial}, {}", one_line(&finding.to_string()));
        }
        let rules: Vec<String> = self
            .not_judged
            .iter()
            .map(|(words, places)| {
                format!("{words} ({})", places.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
            })
            .collect();
        if !rules.is_empty() {
            let _ = writeln!(text, "           not judged: {}", one_line(&rules.join("; ")));
        }
        text
    }
}

/// True for a group whose rows are of datagrams.
fn counts_datagrams(group: &Group) -> bool {
    [Measure::Datagrams, Measure::Probes, Measure::Voice].iter().any(|measure| group.app.measures_a(*measure))
}

/// Terms of a scenario.
pub(super) fn terms(scenario: &Scenario) -> Terms {
    let paths: BTreeMap<String, [Vec<u32>; 2]> = scenario
        .groups
        .iter()
        .map(|group| {
            let place = |hop: &crate::scenario::Hop, down: bool| {
                2 * hop.link as u32 + u32::from(hop.backwards != down)
            };
            let up = group.path.iter().map(|hop| place(hop, false)).collect();
            let down = group.path.iter().rev().map(|hop| place(hop, true)).collect();
            (group.name.clone(), [up, down])
        })
        .collect();
    let listed = |place: usize| {
        let here = scenario.drops.iter().filter(|list| {
            let path = &paths[&scenario.groups[list.group].name][list.direction.index()];
            path.first().is_some_and(|first| *first as usize == place)
        });
        here.map(|list| list.entries.len() as u64).sum()
    };
    let places = scenario.links.iter().enumerate().flat_map(|(number, link)| {
        Direction::BOTH.map(|direction| {
            let own = &link.directions[direction.index()];
            let changes = scenario.schedule.iter().flat_map(move |change| {
                let here = change.links.iter().filter(move |(other, _)| *other == number);
                here.map(move |(_, both)| (change.at, link_terms(&both[direction.index()])))
            });
            Place {
                name: format!("link.{} {}", link.name, direction.name()),
                epochs: std::iter::once((Instant::ZERO, link_terms(own))).chain(changes).collect(),
                listed: listed(2 * number + direction.index()),
                shared: !link.per_client,
            }
        })
    });
    let at = |span: Duration| Instant::ZERO + span;
    Terms {
        places: places.collect(),
        measured: [at(scenario.warmup), at(scenario.duration)],
        paths: paths.clone(),
    }
}

fn link_terms(config: &Config) -> LinkTerms {
    let Config { loss, duplicate, corrupt, reorder, delay, rate, pattern, wifi, policer, queue } = config;
    let jitters = !delay.jitter.is_zero();
    let least = match delay.distribution {
        _ if !jitters => delay.mean,
        JitterDistribution::Uniform => delay.mean.saturating_sub(delay.jitter),
        _ => Duration::ZERO,
    };
    let loss = match *loss {
        _ if wifi.is_some() => Loss::Any,
        LossModel::Independent(chance) => Loss::Independent(chance.as_f64()),
        LossModel::GilbertElliott { p, r, loss_bad, loss_good } => {
            let [worsen, recover, bad, good] = [p, r, loss_bad, loss_good].map(Probability::as_f64);
            Loss::Bursts(Bursts { worsen, recover, loss: [bad, good] })
        }
    };
    let rate = match (rate.map(units::Rate::bits_per_second), pattern) {
        (None, _) => Rate::Endless,
        (Some(_), _) if wifi.is_some() => Rate::Wifi,
        (Some(bits), Pattern::Even) => Rate::Even(bits),
        (Some(bits), Pattern::Bucket(burst)) => Rate::Bucket(bits, *burst),
        (Some(_), Pattern::Replay(_)) => Rate::Trace,
    };
    let name = queue.discipline.name;
    let order = match name {
        _ if jitters && delay.reorder => Order::Any,
        "droptail" | "codel" | "pie" | "red" => Order::All,
        "fq_codel" | "prio" | "drr" => Order::Flow,
        "dualpi2" => Order::FlowAndMark,
        _ => Order::Any,
    };
    let set = |key: &str| {
        let place = queue.discipline.parameters.iter().position(|parameter| parameter.name == key);
        place.is_some_and(|place| queue.parameters[place] > 0)
    };
    LinkTerms {
        delay: delay.mean,
        least,
        jitters,
        ahead: reorder.map_or(0.0, |reorder| reorder.chance.as_f64()),
        loss,
        duplicate: duplicate.as_f64(),
        corrupt: corrupt.as_f64(),
        policer: policer.map(|policer| (policer.rate.bits_per_second(), policer.burst)),
        rate,
        queue: Queue {
            capacity: match queue.capacity {
                crate::link::Capacity::Packets(most) => Capacity::Packets(most),
                crate::link::Capacity::Bytes(most) => Capacity::Bytes(most),
            },
            order,
            is_plain: matches!(name, "droptail" | "prio" | "drr"),
            marks: name == "dualpi2" || set("ecn") || set("ce_threshold"),
        },
    }
}
