//! The figures of a trial: which there are, and how each is defined.

use super::goodput::{Completions, Goodput, directions, jain_index};
use super::latency;
use super::study::{Study, TrialRow};
use crate::facts::{DirectionOutcome, LinkOutcome};

/// A figure of a trial: a column of `trials.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub decimals: usize,
    /// Whether it is about messages and exists only in scenarios with chat.
    pub chat: bool,
}

/// The figures of a trial, in the order of `trials.csv`.
pub const FIGURES: [Column; 23] = [
    figure("goodput_mbit", 6),
    figure("goodput_up_mbit", 6),
    figure("goodput_down_mbit", 6),
    figure("utilisation", 6),
    figure("jain_index", 6),
    figure("completion_mean_s", 6),
    figure("completion_p50_s", 6),
    figure("completion_p95_s", 6),
    of_chat("messages_sent", 0),
    of_chat("deliveries_expected", 0),
    of_chat("deliveries", 0),
    of_chat("latency_mean_ms", 3),
    of_chat("latency_p50_ms", 3),
    of_chat("latency_p90_ms", 3),
    of_chat("latency_p99_ms", 3),
    of_chat("latency_p999_ms", 3),
    of_chat("latency_max_ms", 3),
    figure("segments_sent", 0),
    figure("retransmits", 0),
    figure("recovery_episodes", 0),
    figure("timeouts", 0),
    figure("events", 0),
    figure("wall_s", 3),
];

const fn figure(name: &'static str, decimals: usize) -> Column {
    Column { name, decimals, chat: false }
}

const fn of_chat(name: &'static str, decimals: usize) -> Column {
    Column { name, decimals, chat: true }
}

/// The figures that a study has.
pub fn of_study(study: &Study) -> impl Iterator<Item = Column> {
    let chat = study.chat;
    FIGURES.into_iter().filter(move |column| chat || !column.chat)
}

/// The figures of a trial, in the order of [`FIGURES`].
pub fn of_trial(row: &TrialRow<'_>) -> [Option<f64>; FIGURES.len()] {
    let outcome = row.outcome;
    let (goodput, completions) = (Goodput::of(outcome), Completions::of(outcome));
    let sum = |count: fn(&DirectionOutcome) -> u64| {
        Some(directions(outcome).map(|(_, _, way)| count(way)).sum::<u64>() as f64)
    };
    let messages = outcome.messages.as_ref();
    let percentile =
        |p: f64| messages.and_then(|m| latency::percentile(&m.latency, m.deliveries_expected, p)).map(millis);
    [
        goodput.busier(),
        goodput.up,
        goodput.down,
        utilisation(&outcome.links),
        jain_index(outcome),
        completions.mean(),
        completions.percentile(0.50),
        completions.percentile(0.95),
        messages.map(|m| m.sent as f64),
        messages.map(|m| m.deliveries_expected as f64),
        messages.map(|m| m.deliveries as f64),
        messages.filter(|m| !m.latency.is_empty()).map(|m| m.latency.mean() / 1e6),
        percentile(0.50),
        percentile(0.90),
        percentile(0.99),
        percentile(0.999),
        percentile(1.0),
        sum(|way| way.segments_sent),
        sum(|way| way.retransmits),
        sum(|way| way.recovery_episodes),
        sum(|way| way.timeouts),
        Some(outcome.events as f64),
        Some(row.wall_s),
    ]
}

/// How busy the busier direction of the slowest rated link is.
fn utilisation(links: &[LinkOutcome]) -> Option<f64> {
    let slowest = links
        .iter()
        .filter_map(|link| link.rate_mbit.map(|rate| (rate, &link.name)))
        .min_by(|a, b| a.0.total_cmp(&b.0))?;
    links.iter().filter(|link| link.name == *slowest.1).filter_map(|link| link.utilisation).reduce(f64::max)
}

fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::bulk_outcome;

    #[test]
    fn utilisation_is_of_the_slowest_link_in_its_busier_direction() {
        let mut outcome = bulk_outcome(1, "reno", 0.01);
        let mut fast = outcome.links[0].clone();
        fast.name = "fast".to_owned();
        fast.rate_mbit = Some(1e4);
        fast.utilisation = Some(0.99);
        for (link, busy) in outcome.links.iter_mut().filter(|l| l.rate_mbit.is_some()).zip([0.25, 0.75]) {
            link.utilisation = Some(busy);
        }
        outcome.links.insert(0, fast);
        assert_eq!(utilisation(&outcome.links), Some(0.75));
    }
}
