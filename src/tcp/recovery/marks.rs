//! Explicit congestion notification (RFC 3168 §6.1.2): echoes of marks are answered as losses are, once in a
//! window of data for both.

use super::{Doubt, Episode, LossRecovery, Scoreboard};
use crate::congestion::{CongestionController, Loss};
use crate::facts::SenderEvent;
use crate::time::Instant;

/// Answers of a sender to congestion, as far as its peer hears of them.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct EcnSender {
    /// New data may be marked: both SYNs agreed to it.
    pub capable: bool,
    /// The next new data says that the window was reduced.
    pub cwr_due: bool,
    /// End of the data sent when the window was last reduced, for whatever reason. Until more is acknowledged
    /// the peer cannot have heard of it, and its echoes say nothing new.
    point: u64,
    /// That reduction answered a mark.
    marked: bool,
}

impl EcnSender {
    /// True if an echo in an acknowledgment up to `ack` tells of marks since the last reduction.
    pub fn is_news(&self, ack: u64) -> bool {
        self.capable && ack > self.point
    }

    /// True while losses belong to the window of data whose marks were answered (§6.1.2: one reduction for
    /// both).
    #[inline]
    pub fn has_reduced(&self, una: u64) -> bool {
        self.marked && una <= self.point
    }

    /// End of that window.
    pub fn point(&self) -> u64 {
        self.point
    }

    /// The window was reduced with everything below `nxt` sent: for a mark, or for a loss or a timeout.
    pub fn on_reduced(&mut self, nxt: u64, marked: bool) {
        self.cwr_due = self.capable;
        self.point = nxt;
        self.marked = marked;
    }
}

impl LossRecovery {
    /// Tells the controller of a loss, unless marks of the same window of data were answered already (RFC
    /// 3168 §6.1.2): true if it did.
    pub(in super::super) fn reduce(
        &mut self,
        controller: &mut dyn CongestionController,
        loss: &Loss,
        (una, nxt): (u64, u64),
    ) -> bool {
        let reduces = !self.ecn.has_reduced(una);
        if reduces {
            self.ecn.on_reduced(nxt, false);
            controller.on_loss(&self.counted_from(controller, loss));
        }
        reduces
    }

    /// The loss with what it reduces in place of what was in flight ([`ReduceFrom`](super::super::config)).
    pub(super) fn counted_from(&self, controller: &dyn CongestionController, loss: &Loss) -> Loss {
        let window = if self.reduces_window { controller.cwnd() } else { 0 };
        Loss { flight: loss.flight.max(window), ..loss.clone() }
    }

    /// An acknowledgment up to `ack` echoes a mark. Nothing follows while losses are repaired: the window was
    /// reduced for them.
    #[inline(never)]
    pub(in super::super) fn on_echo(
        &mut self,
        now: Instant,
        scoreboard: &Scoreboard,
        controller: Option<&mut (dyn CongestionController + 'static)>,
        (ack, nxt): (u64, u64),
        flight: u64,
    ) {
        let Some(controller) = controller else { return };
        if !self.ecn.is_news(ack) {
            return;
        }
        // An earlier reduction is not taken back in the face of congestion (as Linux, which forgets
        // `prior_ssthresh`).
        self.doubt = Doubt::default();
        if self.episode == Episode::Open {
            self.ecn.on_reduced(nxt, true);
            self.signals.push((now, SenderEvent::EcnReduction));
            let loss = scoreboard.loss(now, 0, flight, true);
            controller.on_ecn(&self.counted_from(controller, &loss));
        }
    }
}
