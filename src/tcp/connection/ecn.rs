//! ECN in the handshake: what a SYN offers and its answer accepts (RFC 3168 §6.1.1, RFC 9768 §3.1).

use super::super::config::EcnMode;
use super::super::negotiated::{contradicts, sets_up_ecn};
use super::super::state::State;
use super::Connection;
use crate::wire::{EcnBytes, Flags, Segment};

impl Connection {
    /// The offer of ECN and its answer. A SYN that was not answered goes again without it, for something on the path
    /// may drop it for that: RFC 3168 §6.1.1.1 at once, RFC 9768 §3.1.4.1 from the second repeat on.
    pub(super) fn syn_flags(&mut self, answer: bool) -> Flags {
        let repeats = self.syn_repeats();
        if answer {
            let accepted = match (self.sender.agreed.ecn, self.receiver.echo.counters()) {
                (EcnMode::Accurate, Some(counters)) if repeats < 2 => counters.handshake(),
                (EcnMode::Classic, _) => Flags::ECE,
                _ => Flags::default(),
            };
            // RFC 9768 §3.1.5: after an answer without ECN a server sends nothing as capable.
            self.sender.agreed.ect &= accepted != Flags::default();
            return Flags::SYN.with(Flags::ACK).with(accepted);
        }
        let offer = match self.config.ecn {
            EcnMode::Classic if repeats == 0 => Flags::ECN,
            EcnMode::Accurate if repeats < 2 => Flags::ACE,
            _ => Flags::default(),
        };
        Flags::SYN.with(offer)
    }

    /// Number of times that our SYN left before.
    fn syn_repeats(&self) -> u64 {
        if self.sender.nxt == 0 { 0 } else { 1 + self.sender.stats.retransmits }
    }

    /// RFC 9768 §3.2.3.2: the first SYN-ACK tries whether options pass.
    pub(super) fn syn_counters(&mut self, answer: bool) -> Option<EcnBytes> {
        let is_first = answer && self.syn_repeats() == 0;
        self.receiver.echo.counters().filter(|_| is_first).map(|counters| counters.all())
    }

    /// A SYN or SYN-ACK arrived once more.
    pub(super) fn note_repeated_syn(&mut self, segment: &Segment) {
        let agreed = &mut self.sender.agreed;
        if self.state == State::SynReceived && contradicts(agreed.ecn, self.config.ecn, segment) {
            self.abort();
            return;
        }
        match self.receiver.echo.counters() {
            // RFC 9768 §3.1.5: the latest is told of. A server sends nothing as ECN-capable if one offered nothing.
            Some(counters) => {
                counters.note_handshake(segment.ecn);
                if segment.flags.has(Flags::ACK) {
                    self.acknowledge_syn_ack();
                } else {
                    agreed.ect &= segment.flags.of(Flags::ACE) != Flags(0);
                }
            }
            // RFC 3168 §6.1.1: a SYN that does not offer ECN takes back one that did.
            None if self.state == State::SynReceived => agreed.ect &= sets_up_ecn(segment),
            None => {}
        }
    }

    /// With accurate ECN, RFC 9768 §3.2.2.1: an acknowledgment without data tells how the SYN-ACK arrived.
    pub(super) fn acknowledge_syn_ack(&mut self) {
        self.receiver.demand_ack();
        if self.sender.agreed.ecn != EcnMode::Accurate {
            return;
        }
        let (ack, window) = self.receiver.acknowledge();
        let seq = self.sender.iss.at(self.sender.nxt);
        let mut segment = Segment { seq, ack, window, flags: Flags::ACK, ..Segment::default() };
        if let Some(counters) = self.receiver.echo.counters() {
            counters.write_handshake(&mut segment);
        }
        self.urgent = Some(segment);
    }
}
