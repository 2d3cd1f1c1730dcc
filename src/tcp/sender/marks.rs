//! Effect of marks on the sending half (RFC 3168 §6.1.2, RFC 9768 §3.2).

use super::super::config::EcnMode;
use super::super::recovery::{EcnFeedback, EcnNews, Episode};
use super::{Delivered, Sender};
use crate::congestion::Marking;
use crate::facts::SenderEvent;
use crate::time::Instant;
use crate::wire::{Ecn, Flags, Segment};

impl Sender {
    /// ECN was agreed by the SYNs, ours by `segment`.
    pub(super) fn begin_ecn(&mut self, now: Instant, segment: &Segment) {
        self.choose_marking();
        if self.agreed.ecn == EcnMode::Accurate {
            let (feedback, news) = EcnFeedback::starting(segment);
            self.recovery.ecn.feedback = Some(Box::new(feedback));
            self.take_marks(now, (self.una, self.flight()), news);
        }
    }

    /// The use that the controller makes of ECN, as far as both ends agreed to it.
    pub(super) fn choose_marking(&mut self) {
        let is_accurate = self.agreed.ecn == EcnMode::Accurate;
        let marking = self.controller.as_ref().map_or(Marking::Classic, |controller| controller.marking());
        let ecn = &mut self.recovery.ecn;
        ecn.codepoint = match marking {
            _ if !self.agreed.ect => Ecn::NotEct,
            Marking::Scalable if is_accurate => Ecn::Ect1,
            _ => Ecn::Ect0,
        };
        if is_accurate {
            ecn.marking = marking;
        }
    }

    /// Feedback on marks in an acknowledgment up to `ack`, before which so much was in flight.
    #[inline(never)]
    pub(super) fn hear_marks(
        &mut self,
        now: Instant,
        (ack, flight): (u64, u64),
        segment: &Segment,
        delivered: &mut Delivered,
    ) {
        // Repeats are not sent as capable, and so the peer does not count them.
        let is_new = self.recovery.episode() == Episode::Open && !delivered.repeated;
        let ecn = &mut self.recovery.ecn;
        let is_capable = ecn.codepoint != Ecn::NotEct && is_new;
        let Some(feedback) = &mut ecn.feedback else {
            if segment.flags.has(Flags::ECE) {
                self.take_echo(now, (ack, flight));
            }
            return;
        };
        if ack < self.una {
            return;
        }
        let news = feedback.hear(segment, delivered.bytes, self.agreed.mss, is_capable);
        delivered.marked = if feedback.responds { news.marked } else { 0 };
        self.take_marks(now, (ack, flight), news);
    }

    fn take_marks(&mut self, now: Instant, (ack, flight): (u64, u64), news: EcnNews) {
        let ecn = &mut self.recovery.ecn;
        let responds = ecn.feedback.as_ref().is_some_and(|feedback| feedback.responds);
        if news.mangled && ecn.codepoint != Ecn::NotEct {
            ecn.codepoint = Ecn::NotEct;
            self.recovery.note(now, SenderEvent::EcnRefused);
        }
        if news.marked > 0 && responds {
            self.take_echo(now, (ack, flight));
        }
    }

    fn take_echo(&mut self, now: Instant, (ack, flight): (u64, u64)) {
        let points = (ack, self.nxt);
        self.recovery.on_echo(now, &self.scoreboard, self.controller.as_deref_mut(), points, flight);
    }
}
