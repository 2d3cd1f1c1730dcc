//! Share of marked data: a part that controllers share (RFC 8257 §3.3).

use super::Ack;

/// Weight of a new observation (`g`, RFC 8257 §3.3).
const GAIN: f64 = 1.0 / 16.0;

/// A moving average of the share of bytes that were marked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Alpha {
    /// The average, 0 to 1.
    value: f64,
    /// The share observed last.
    last: Option<f64>,
    /// Bytes delivered, and marked, since the last observation.
    delivered: u64,
    marked: u64,
}

impl Alpha {
    /// Before the first mark: as if everything were marked, so that the first answer is a halving.
    pub const fn new() -> Alpha {
        Alpha { value: 1.0, last: None, delivered: 0, marked: 0 }
    }

    /// With this average.
    #[cfg(test)]
    pub const fn of(value: f64) -> Alpha {
        Alpha { value, ..Alpha::new() }
    }

    /// The average.
    pub const fn value(&self) -> f64 {
        self.value
    }

    /// The share observed last.
    pub const fn last(&self) -> Option<f64> {
        self.last
    }

    /// Counts what an acknowledgment reported.
    pub fn hear(&mut self, ack: &Ack) {
        self.delivered += ack.bytes;
        self.marked += ack.marked;
    }

    /// Takes what was counted as an observation, and returns its share; `None` if nothing was delivered.
    pub fn observe(&mut self) -> Option<f64> {
        if self.delivered == 0 {
            return None;
        }
        let share = self.marked.min(self.delivered) as f64 / self.delivered as f64;
        self.value += (share - self.value) * GAIN;
        *self = Alpha { last: Some(share), delivered: 0, marked: 0, ..*self };
        self.last
    }

    /// Forgets what was counted.
    pub const fn skip(&mut self) {
        (self.delivered, self.marked) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::ack;
    use super::*;

    /// RFC 8257 §3.3 step 6: α ← (1 − g) α + g M.
    #[test]
    fn the_average_follows_by_a_sixteenth() {
        let mut alpha = Alpha::new();
        let mut expected = 1.0;
        for marked in [0, 250, 250, 1_000, 5_000] {
            alpha.hear(&Ack { marked, ..ack(1_000) });
            let observed = alpha.observe();
            let share = (marked as f64 / 1_000.0).min(1.0);
            expected = expected * 15.0 / 16.0 + share / 16.0;
            assert!((alpha.value() - expected).abs() < 1e-12 && observed == Some(share));
        }
        assert_eq!(alpha.observe(), None);
        assert!((alpha.value() - expected).abs() < 1e-12);
    }
}
