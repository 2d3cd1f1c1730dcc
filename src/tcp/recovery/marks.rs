//! Explicit congestion notification (RFC 3168 §6.1.2): echoes of marks are answered as losses are, once in a
//! window of data for both.

use super::super::config::ReduceFrom;
use super::{Doubt, EcnFeedback, Episode, LossRecovery, Scoreboard};
use crate::congestion::{CongestionController, Loss, Marking};
use crate::facts::SenderEvent;
use crate::time::Instant;
use crate::wire::Ecn;

/// Answers of a sender to congestion, as far as its peer hears of them.
#[derive(Debug, Default)]
pub(in super::super) struct EcnSender {
    /// ECN field of new data: capable if both SYNs agreed to it.
    pub codepoint: Ecn,
    /// With accurate ECN (RFC 9768).
    pub feedback: Option<Box<EcnFeedback>>,
    /// With that, the use that the controller makes of it.
    pub marking: Marking,
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
        let hears = match &self.feedback {
            Some(feedback) => feedback.responds,
            None => self.codepoint != Ecn::NotEct,
        };
        hears && ack > self.point
    }

    /// True while losses belong to the window of data whose marks were answered (§6.1.2: one reduction for
    /// both).
    #[inline]
    pub fn has_reduced(&self, una: u64) -> bool {
        self.marked && una <= self.point
    }

    /// True while a window does not grow because of that.
    #[inline]
    pub fn pauses_growth(&self, una: u64) -> bool {
        self.has_reduced(una) && self.marking != Marking::Scalable
    }

    /// True if losses of that window are answered all the same.
    pub fn answers_losses(&self) -> bool {
        self.marking != Marking::Classic
    }

    /// End of that window.
    pub fn point(&self) -> u64 {
        self.point
    }

    /// The window was reduced with everything below `nxt` sent: for a mark, or for a loss or a timeout.
    pub fn on_reduced(&mut self, nxt: u64, marked: bool) {
        // RFC 9768 §3.1.5: the flag is a part of the counter.
        self.cwr_due = self.codepoint != Ecn::NotEct && self.feedback.is_none();
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
        let reduces = !self.ecn.has_reduced(una) || self.ecn.answers_losses();
        if reduces {
            self.ecn.on_reduced(nxt, false);
            controller.on_loss(&self.counted_from(controller, loss));
        }
        reduces
    }

    /// Bytes in flight, as far as a reduction counts them.
    pub(super) fn outstanding(&self, scoreboard: &Scoreboard, flight: u64) -> u64 {
        match self.reduce_from {
            ReduceFrom::Pipe => scoreboard.pipe().saturating_sub(self.dup_acked),
            ReduceFrom::Window | ReduceFrom::Flight => flight,
        }
    }

    /// The loss with what it reduces in place of what was in flight ([`ReduceFrom`]).
    pub(super) fn counted_from(&self, controller: &dyn CongestionController, loss: &Loss) -> Loss {
        let window = if self.reduce_from == ReduceFrom::Window { controller.cwnd() } else { 0 };
        Loss { flight: loss.flight.max(window), ..loss.clone() }
    }

    /// An acknowledgment up to `ack` tells of marks. Nothing follows while losses are repaired: the window was
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
            let loss = scoreboard.loss(now, 0, self.outstanding(scoreboard, flight), true);
            controller.on_ecn(&self.counted_from(controller, &loss));
        }
    }
}
