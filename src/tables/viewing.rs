//! Video as its viewers saw it: sums over chunks, of all viewers or of a group.

use std::collections::BTreeMap;

use super::goodput::Completions;

/// A chunk, as far as figures are about it.
#[derive(Clone, Copy, Debug)]
pub struct Chunk {
    pub bitrate_mbit: f64,
    /// True if it came.
    pub came: bool,
    pub played_s: f64,
    pub stall_s: f64,
    pub startup_s: Option<f64>,
}

/// Chunks by viewer, each in the order of requests.
#[derive(Clone, Debug, Default)]
pub struct Viewing {
    viewers: BTreeMap<String, Vec<Chunk>>,
}

impl Viewing {
    /// Adds the next chunk of a viewer.
    pub fn add(&mut self, viewer: &str, chunk: Chunk) {
        match self.viewers.get_mut(viewer) {
            Some(chunks) => chunks.push(chunk),
            None => {
                self.viewers.insert(viewer.to_owned(), vec![chunk]);
            }
        }
    }

    /// Mean bitrate of the chunks that came.
    pub fn bitrate_mbit(&self) -> Option<f64> {
        let came = self.chunks().filter(|chunk| chunk.came);
        Completions::among(came.map(|chunk| Some(chunk.bitrate_mbit))).mean()
    }

    /// Seconds in which playback stood still, per viewer.
    pub fn stall_s(&self) -> Option<f64> {
        self.per_viewer(|chunks| chunks.iter().map(|chunk| chunk.stall_s).sum())
    }

    /// Part of the time since the start-up in which playback stood still, 0 to 1.
    pub fn stall_fraction(&self) -> Option<f64> {
        let sum = |of: fn(&Chunk) -> f64| self.chunks().map(of).sum::<f64>();
        let (stalled, played) = (sum(|chunk| chunk.stall_s), sum(|chunk| chunk.played_s));
        (stalled + played > 0.0).then(|| stalled / (stalled + played))
    }

    /// Mean start-up delay; `None` unless playback began for all.
    pub fn startup_s(&self) -> Option<f64> {
        Completions::among(self.viewers.values().map(|chunks| chunks.last()?.startup_s)).mean()
    }

    /// Changes of the bitrate from one chunk to the next, per viewer.
    pub fn switches(&self) -> Option<f64> {
        self.per_viewer(|chunks| {
            let differ = |pair: &&[Chunk]| pair[0].bitrate_mbit.total_cmp(&pair[1].bitrate_mbit).is_ne();
            chunks.windows(2).filter(differ).count() as f64
        })
    }

    fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        self.viewers.values().flatten()
    }

    fn per_viewer(&self, of: fn(&[Chunk]) -> f64) -> Option<f64> {
        Completions::among(self.viewers.values().map(|chunks| Some(of(chunks)))).mean()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_means_over_viewers_and_chunks() {
        let chunk = |bitrate_mbit, came, played_s, stall_s, startup_s| Chunk {
            bitrate_mbit,
            came,
            played_s,
            stall_s,
            startup_s,
        };
        let mut viewing = Viewing::default();
        assert_eq!((viewing.stall_s(), viewing.stall_fraction(), viewing.startup_s()), (None, None, None));
        viewing.add("a-1", chunk(1.0, true, 4.0, 0.0, Some(0.5)));
        viewing.add("a-2", chunk(1.0, true, 2.0, 4.0, Some(1.5)));
        viewing.add("a-1", chunk(3.0, true, 6.0, 0.0, Some(0.5)));
        viewing.add("a-1", chunk(1.0, false, 4.0, 0.0, Some(0.5)));
        assert_eq!(viewing.bitrate_mbit(), Some(5.0 / 3.0), "of those that came");
        assert_eq!((viewing.stall_s(), viewing.stall_fraction()), (Some(2.0), Some(0.2)));
        assert_eq!((viewing.switches(), viewing.startup_s()), (Some(1.0), Some(1.0)));
        viewing.add("a-3", chunk(1.0, false, 0.0, 0.0, None));
        assert_eq!(viewing.startup_s(), None, "for one it did not begin");
    }
}
