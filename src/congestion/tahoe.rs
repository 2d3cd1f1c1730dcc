//! Tahoe (Jacobson, "Congestion avoidance and control", 1988): as Reno, but every loss, however
//! detected, restarts slow start from one segment.

use super::reno::Reno;
use super::{Ack, CongestionController, Loss, Path, Watch};

/// Reno without fast recovery.
#[derive(Debug)]
pub struct Tahoe(Reno);

impl Tahoe {
    pub(super) fn new(path: &Path) -> Tahoe {
        Tahoe(Reno::with(path, 0.5, Watch::Blind))
    }
}

impl CongestionController for Tahoe {
    fn cwnd(&self) -> u64 {
        self.0.cwnd()
    }

    fn on_ack(&mut self, ack: &Ack) {
        // Without fast recovery, slow start runs through the repair as well.
        self.0.on_ack(&Ack { in_recovery: false, ..ack.clone() });
    }

    fn on_loss(&mut self, loss: &Loss) {
        self.0.on_timeout(loss);
    }

    fn on_timeout(&mut self, loss: &Loss) {
        self.0.on_timeout(loss);
    }

    fn on_spurious(&mut self) {
        self.0.on_spurious();
    }

    fn on_idle(&mut self) {
        self.0.on_idle();
    }

    fn on_decay(&mut self, timeouts: u32) {
        self.0.on_decay(timeouts);
    }

    fn ssthresh(&self) -> Option<u64> {
        self.0.ssthresh()
    }
}
