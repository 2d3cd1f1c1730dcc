//! A constant window: the sliding window of the textbooks, and a probe for links (one window per
//! round trip shows what the path does to it).

use super::{Ack, CongestionController, Loss, Parameter, Path, Values};

pub(super) const PARAMETERS: &[Parameter] = &[Parameter {
    name: "window",
    default: 10.0,
    values: Values::Range(1.0, 1e6),
    summary: "the window in segments",
}];

/// A window that never changes.
#[derive(Debug)]
pub struct Fixed {
    cwnd: u64,
}

impl Fixed {
    pub(super) fn new(path: &Path) -> Fixed {
        Fixed { cwnd: path.parameters.number("window") as u64 * path.mss }
    }
}

impl CongestionController for Fixed {
    fn cwnd(&self) -> u64 {
        self.cwnd
    }

    fn on_ack(&mut self, _: &Ack) {}

    fn on_loss(&mut self, _: &Loss) {}

    fn on_timeout(&mut self, _: &Loss) {}
}
