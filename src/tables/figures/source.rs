//! Source of a trial's figures: its outcome, with what several figures share computed once.

use crate::facts::{
    ChunkOutcome, DatagramOutcome, DirectionOutcome, MessageOutcome, Outcome, RequestOutcome,
};
use crate::tables::goodput::{Completions, Goodput, directions};
use crate::tables::latency;
use crate::tables::study::TrialRow;
use crate::tables::viewing::{Chunk, Viewing};
use crate::time::Duration;

/// A trial, as its figures see it.
#[derive(Debug)]
pub struct Source<'a> {
    pub row: &'a TrialRow<'a>,
    pub goodput: Goodput,
    pub completions: Completions,
    /// Round trips of echo requests, in milliseconds.
    pub rtts: Completions,
    /// Completion times of requests, in milliseconds, and their slowdowns.
    pub requests: Completions,
    pub slowdowns: Completions,
    pub viewing: Viewing,
}

impl<'a> Source<'a> {
    pub fn of(row: &'a TrialRow<'a>) -> Source<'a> {
        let outcome = row.outcome;
        let ms = |span: Option<Duration>| span.map(Duration::as_millis_f64);
        Source {
            row,
            goodput: Goodput::of(outcome),
            completions: Completions::of(outcome),
            rtts: Completions::among(outcome.probes.iter().map(|probe| ms(probe.rtt))),
            requests: Completions::among(outcome.requests.iter().map(|request| ms(request.completion))),
            slowdowns: Completions::among(outcome.requests.iter().map(RequestOutcome::slowdown)),
            viewing: viewing(&outcome.chunks),
        }
    }

    /// Sum of a count over all directions of all flows.
    pub fn sum(&self, count: fn(&DirectionOutcome) -> u64) -> f64 {
        directions(self.row.outcome).map(|(_, _, way)| count(way)).sum::<u64>() as f64
    }

    /// Mean over flows of datagrams of a value that all have.
    pub fn mean_of_datagrams(&self, value: fn(&DatagramOutcome) -> Option<f64>) -> Option<f64> {
        Completions::among(self.row.outcome.datagrams.iter().map(value)).mean()
    }

    /// A value of the messages, if there are any.
    pub fn messages(&self, value: fn(&MessageOutcome) -> u64) -> Option<f64> {
        self.row.outcome.messages.as_ref().map(|messages| value(messages) as f64)
    }

    /// Percentile of latency over the expected deliveries, in milliseconds.
    pub fn latency(&self, share: f64) -> Option<f64> {
        let messages = self.row.outcome.messages.as_ref()?;
        let nanos = latency::percentile(&messages.latency, messages.deliveries_expected, share)?;
        Some(nanos as f64 / 1e6)
    }
}

fn viewing(chunks: &[ChunkOutcome]) -> Viewing {
    let mut viewing = Viewing::default();
    for chunk in chunks {
        let seen = Chunk {
            bitrate_mbit: chunk.bitrate as f64 / 1e6,
            came: chunk.completion.is_some(),
            played_s: chunk.played.as_secs_f64(),
            stall_s: chunk.stalled.as_secs_f64(),
            startup_s: chunk.startup.map(Duration::as_secs_f64),
        };
        viewing.add(&chunk.client, seen);
    }
    viewing
}

/// Share of the datagrams of all flows that did not arrive.
pub fn datagram_loss(outcome: &Outcome) -> Option<f64> {
    let sum = |count: fn(&DatagramOutcome) -> u64| outcome.datagrams.iter().map(count).sum::<u64>();
    let (sent, delivered) = (sum(|way| way.sent), sum(|way| way.delivered));
    (sent > 0).then(|| (sent - delivered) as f64 / sent as f64)
}

/// Mean opinion score over the flows of speech.
pub fn mean_score(outcome: &Outcome) -> Option<f64> {
    let scores = outcome.datagrams.iter().filter_map(|way| way.voice);
    Completions::among(scores.map(|voice| Some(voice.mos))).mean()
}

/// Round trips a minute under load: those of all probes but the slowest twentieth, to which lost ones belong; `None` where
/// more are lost. Unlike draft-ietf-ippm-responsiveness, a probe is one round trip, and no handshake.
pub fn responsiveness(rtts_ms: &Completions) -> Option<f64> {
    Some(60_000.0 / rtts_ms.trimmed_mean(0.95)?)
}

/// Mean latency of the deliveries that happened, in milliseconds.
pub fn mean_latency(outcome: &Outcome) -> Option<f64> {
    let messages = outcome.messages.as_ref()?;
    (!messages.latency.is_empty()).then(|| messages.latency.mean() / 1e6)
}

/// Busy share of the slowest link with a rate, in its busier direction.
pub fn utilisation(outcome: &Outcome) -> Option<f64> {
    let links = &outcome.links;
    let slowest = links
        .iter()
        .filter_map(|link| link.rate_mbit.map(|rate| (rate, &link.name)))
        .min_by(|a, b| a.0.total_cmp(&b.0))?;
    links.iter().filter(|link| link.name == *slowest.1).filter_map(|link| link.utilisation).reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::testing::bulk_outcome;

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
        assert_eq!(utilisation(&outcome), Some(0.75));
    }
}
