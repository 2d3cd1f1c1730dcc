//! Chunks of video of a trial, and the time that their viewers played and waited.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::facts::ChunkOutcome;
use crate::time::{Duration, Instant};

/// All chunks of a world.
#[derive(Debug)]
pub struct Chunks {
    all: Vec<Chunk>,
    views: BTreeMap<Arc<str>, View>,
    interval: (Instant, Instant),
}

#[derive(Debug)]
struct Chunk {
    outcome: ChunkOutcome,
    /// Ends of playback if no more comes, as of the request and of the arrival; `None` before it begins or while it
    /// stalls after the arrival.
    dry: [Option<Instant>; 2],
    /// Request of the next.
    next: Option<Instant>,
}

/// A viewer.
#[derive(Debug)]
struct View {
    began: Instant,
    startup: Option<Duration>,
    /// Its latest chunk.
    last: usize,
}

impl Chunks {
    /// None yet; figures are of `interval`.
    pub fn new(interval: (Instant, Instant)) -> Chunks {
        Chunks { all: Vec::new(), views: BTreeMap::new(), interval }
    }

    /// A chunk is asked for; playback ends at `dry` without it. Returns its number.
    pub fn ask(&mut self, outcome: ChunkOutcome, dry: Option<Instant>) -> u32 {
        let (place, request) = (self.all.len(), outcome.request);
        let view = (self.views.entry(Arc::clone(&outcome.client)))
            .and_modify(|view| self.all[view.last].next = Some(request))
            .or_insert(View { began: request, startup: None, last: place });
        view.last = place;
        self.all.push(Chunk { outcome, dry: [dry, None], next: None });
        u32::try_from(place).expect("fewer than 2^32 chunks")
    }

    /// The last byte of chunk `number` came at `now`; playback ends at `dry` without the next.
    pub fn arrive(&mut self, number: u32, now: Instant, dry: Option<Instant>) {
        if now > self.interval.1 {
            return;
        }
        let chunk = &mut self.all[number as usize];
        chunk.outcome.completion = Some(now - chunk.outcome.request);
        chunk.dry[1] = dry;
        if let Some(view) = self.views.get_mut(&chunk.outcome.client)
            && dry.is_some()
        {
            view.startup.get_or_insert(now - view.began);
        }
    }

    /// Number of chunks.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// Those that were the latest of their viewers at some time of the measured interval.
    pub fn outcomes(&self) -> Vec<ChunkOutcome> {
        let (from, to) = self.interval;
        let end = |chunk: &Chunk| chunk.next.unwrap_or(to);
        let counts = |chunk: &&Chunk| end(chunk) > from && chunk.outcome.request < to;
        let outcome = |chunk: &Chunk| {
            let Chunk { outcome, dry: [before, after], .. } = chunk;
            let (request, end) = (outcome.request, end(chunk));
            let arrival = outcome.completion.map_or(end, |took| request + took);
            let within = |since: Instant, until: Instant| until.min(to).saturating_since(since.max(from));
            // While nothing has played, nothing can stall.
            let dry = before.map_or(arrival, |dry| dry.clamp(request, arrival));
            let stands = if before.is_some() && after.is_none() { end } else { arrival };
            ChunkOutcome {
                played: if before.is_some() { within(request, dry) } else { Duration::ZERO }
                    + after.map_or(Duration::ZERO, |dry| within(arrival, dry.min(end))),
                stalled: within(dry, stands),
                startup: self.views[&outcome.client].startup,
                ..outcome.clone()
            }
        };
        self.all.iter().filter(counts).map(outcome).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Instant {
        Instant::ZERO + Duration::from_secs_f64(seconds)
    }

    fn chunk(number: u32, request: f64) -> ChunkOutcome {
        let zero = Duration::ZERO;
        ChunkOutcome {
            client: "viewer-1".into(),
            number,
            bitrate: 1_000_000,
            bytes: 500_000,
            request: at(request),
            buffer: zero,
            completion: None,
            played: zero,
            stalled: zero,
            startup: None,
        }
    }

    /// Four chunks of 4 s, asked for one after the other; playback begins with the first.
    fn watched(interval: (f64, f64)) -> Vec<(f64, f64)> {
        let mut chunks = Chunks::new((at(interval.0), at(interval.1)));
        for (number, request, dry, arrival, until) in [
            (1, 1.0, None, 3.0, Some(7.0)),
            (2, 3.0, Some(7.0), 8.0, Some(12.0)),
            (3, 8.0, Some(12.0), 10.0, Some(16.0)),
            // Too late for the end of the trial.
            (4, 10.0, Some(16.0), 25.0, Some(29.0)),
        ] {
            let id = chunks.ask(chunk(number, request), dry.map(at));
            chunks.arrive(id, at(arrival), until.map(at));
        }
        let outcomes = chunks.outcomes();
        assert!(outcomes.iter().all(|chunk| chunk.startup == Some(Duration::from_secs(2))));
        outcomes.iter().map(|chunk| (chunk.played.as_secs_f64(), chunk.stalled.as_secs_f64())).collect()
    }

    #[test]
    fn playback_and_stalls_fill_the_time_since_the_start_up() {
        assert_eq!(watched((0.0, 20.0)), [(0.0, 0.0), (4.0, 1.0), (2.0, 0.0), (6.0, 4.0)]);
    }

    #[test]
    fn a_chunk_counts_as_far_as_it_lies_in_the_measured_interval() {
        assert_eq!(watched((7.5, 18.0)), [(0.0, 0.5), (2.0, 0.0), (6.0, 2.0)]);
    }
}
