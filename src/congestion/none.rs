//! No congestion control: what the Internet ran before 1988. The receiver's window alone limits the
//! sender, with the same loss detection and retransmission as every other controller.

use super::{Ack, CongestionController, Loss};

/// A window without a limit of its own.
#[derive(Debug)]
pub struct Unlimited;

impl CongestionController for Unlimited {
    fn cwnd(&self) -> u64 {
        // Half the range, so that sums with it cannot overflow.
        u64::MAX / 2
    }

    fn on_ack(&mut self, _: &Ack) {}

    fn on_loss(&mut self, _: &Loss) {}

    fn on_timeout(&mut self, _: &Loss) {}
}
