//! Accurate ECN of a sender (RFC 9768): its copies of the peer's counters, and what the path did to them.

use crate::wire::{Ecn, EcnBytes, Flags, Segment};

/// Bytes delivered as ECN-capable of which the peer has counted none, until the path is taken for one that clears the
/// field; in segments.
const UNCOUNTED: u64 = 20;
/// Fewer packets than this do not turn the counter round.
const TURN: u64 = 8;

/// Copies of the peer's counters.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not one state")]
pub struct EcnFeedback {
    /// Low bits of `s.cep`.
    packets: u8,
    /// `s.e1b`, `s.e0b` and `s.ceb`, by codepoint.
    bytes: [u32; 4],
    /// Options arrive; or they were zeroed on the way, and are ignored.
    options: bool,
    ignores_options: bool,
    /// Bytes already taken for marked by the counter of packets, which options have not confirmed.
    ahead: u64,
    /// TSval of the feedback heard last.
    stamp: Option<u32>,
    /// No counter arrived yet.
    is_first: bool,
    /// Bytes delivered since the peer's counters last moved.
    uncounted: u64,
    /// Marks are answered: they seem to be real.
    pub responds: bool,
}

/// News of an acknowledgment's feedback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EcnNews {
    /// Bytes newly told of as marked.
    pub marked: u64,
    /// The path changes or clears ECN: nothing more may be sent as capable.
    pub mangled: bool,
}

impl EcnFeedback {
    /// At the end of the handshake: `segment` is the SYN-ACK, or the segment that acknowledges it. Neither of both SYNs
    /// was sent as ECN-capable, and a path on which one arrives as such changes the field (§3.2.2.3).
    pub fn starting(segment: &Segment) -> (EcnFeedback, EcnNews) {
        let mut feedback = EcnFeedback {
            packets: 5,
            bytes: [0, 1, 1, 0],
            options: false,
            ignores_options: false,
            ahead: 0,
            stamp: segment.timestamps.map(|stamps| stamps.value),
            is_first: true,
            uncounted: 0,
            responds: true,
        };
        let mut news = EcnNews::default();
        let is_syn = segment.flags.has(Flags::SYN);
        let is_pure = segment.sequence_len() == 0 && segment.sack_blocks().is_empty();
        if is_syn || is_pure {
            let ace = segment.flags.ace();
            let changed = [Ecn::Ect0, Ecn::Ect1, Ecn::Ce].map(|ecn| Flags::of_handshake(ecn).ace());
            news.mangled = changed.contains(&ace);
            let is_marked = ace == changed[2];
            // §3.2.2.2: of the SYN-ACK's mark the client counts a packet, of the SYN's the server does not.
            feedback.packets += u8::from(is_marked && !is_syn);
            news.marked = u64::from(is_marked);
            // Table 4, note 1: the client is in no mode of ECN.
            if ace == 0 && !is_syn {
                feedback.responds = false;
                news.mangled = true;
            }
        }
        // §3.2.3.2.3, §3.2.3.2.4: absent, or zeroed on the way.
        if let Some(bytes) = segment.ecn_bytes() {
            feedback.options = true;
            feedback.ignores_options = [Ecn::Ect0, Ecn::Ect1].iter().any(|ecn| bytes.count(*ecn) == Some(0));
        }
        (feedback, news)
    }

    /// Takes in the feedback of an acknowledgment that reported so many bytes as delivered, of segments of at most `mss`.
    /// `is_capable` tells that they were sent as ECN-capable.
    pub fn hear(&mut self, segment: &Segment, delivered: u64, mss: u64, is_capable: bool) -> EcnNews {
        let mut news = EcnNews::default();
        let stamp = segment.timestamps.map(|stamps| stamps.value);
        let is_newer =
            stamp.zip(self.stamp).is_some_and(|(new, old)| new.wrapping_sub(old).cast_signed() > 0);
        // §3.2.2.2: feedback that may have been superseded is ignored.
        if delivered == 0 && !is_newer {
            return news;
        }
        self.stamp = stamp;
        let ace = segment.flags.ace();
        // §3.2.2.4: as the first counter, zero means that something clears the flags.
        if std::mem::take(&mut self.is_first) && ace == 0 {
            self.responds = false;
            return EcnNews { mangled: true, marked: 0 };
        }
        let least = u64::from(ace.wrapping_sub(self.packets) & 7);
        self.packets = ace;
        let option = segment.ecn_bytes().filter(|_| !self.ignores_options);
        let grown = option.map_or(0, |bytes| self.take_option(&bytes));
        let counted = option.and_then(|bytes| bytes.count(Ecn::Ce)).is_some();
        news.marked = if counted {
            let grown = grown.saturating_sub(self.ahead);
            self.ahead = 0;
            grown
        } else {
            let bytes = self.packets_marked(least, delivered.div_ceil(mss.max(1))) * mss;
            let bytes = if delivered > 0 { bytes.min(delivered.max(mss)) } else { bytes };
            self.ahead += if self.options && !self.ignores_options { bytes } else { 0 };
            bytes
        };
        if is_capable && self.options && !self.ignores_options {
            self.uncounted = if option.is_some() || least > 0 { 0 } else { self.uncounted + delivered };
            news.mangled = self.uncounted > UNCOUNTED * mss;
        }
        news
    }

    /// Takes over the fields of an option; returns by how much the count of marked bytes grew.
    fn take_option(&mut self, option: &EcnBytes) -> u64 {
        self.options = true;
        let mut marked = 0;
        for ecn in [Ecn::Ect0, Ecn::Ect1, Ecn::Ce] {
            let place = &mut self.bytes[ecn as usize];
            if let Some(grown) = option.count(ecn).and_then(|count| EcnBytes::growth(*place, count)) {
                *place = place.wrapping_add(grown);
                marked = u64::from(grown) * u64::from(ecn == Ecn::Ce);
            }
        }
        marked
    }

    /// Packets marked of `acknowledged`, of which the counter tells the number but for multiples of eight. Without
    /// options the most that it can be (§3.2.2.5.2, appendix A.2).
    fn packets_marked(&self, least: u64, acknowledged: u64) -> u64 {
        let knows = self.options && !self.ignores_options;
        if knows || acknowledged < TURN {
            return least;
        }
        acknowledged - (acknowledged - least) % TURN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{EcnOrder, Options, Payload};

    const MSS: u64 = 1000;

    /// An acknowledgment whose counter of packets is `packets` (low bits), with an option of these marked bytes.
    fn ack(packets: u64, marked: Option<u32>) -> Segment {
        let bytes =
            |marked| EcnBytes::new(EcnOrder::Ect0First, 2, |ecn| if ecn == Ecn::Ce { marked } else { 1 });
        Segment {
            flags: Flags::ACK.with(Flags::of_ace(packets as u8)),
            options: marked
                .map_or_else(Options::default, |marked| Options::Counted(bytes(marked), Default::default())),
            ..Segment::default()
        }
    }

    fn open(option: bool) -> EcnFeedback {
        let counted = option.then(|| EcnBytes::new(EcnOrder::Ect0First, 3, |_| 1));
        let syn_ack = Segment {
            flags: Flags::SYN.with(Flags::ACK).with(Flags::of_handshake(Ecn::NotEct)),
            options: Options::Syn(crate::wire::SynOptions { counted, ..Default::default() }),
            ..Segment::default()
        };
        let (feedback, news) = EcnFeedback::starting(&syn_ack);
        assert_eq!(news, EcnNews::default());
        feedback
    }

    /// RFC 9768 §3.2.2.2 and appendix A.2: without options the number of packets decides about a turn, by the safest
    /// likely case.
    #[test]
    fn a_counter_that_may_have_turned_is_taken_for_the_most() {
        for (acknowledged, difference, marked) in [
            (2, 0, 0),
            (2, 1, 1),
            (7, 7, 7),
            (8, 0, 8),
            (9, 1, 9),
            (9, 2, 2),
            (17, 3, 11),
            (16, 0, 16),
            (15, 6, 14),
        ] {
            let mut feedback = open(false);
            feedback.hear(&ack(5, None), MSS, MSS, true);
            let news = feedback.hear(&ack(5 + difference, None), acknowledged * MSS, MSS, true);
            assert_eq!(news.marked, marked * MSS, "{difference} of {acknowledged}");
        }
    }

    /// RFC 9768 §3.2.3.2.5: options say it exactly, and what was guessed between two of them is not counted twice.
    #[test]
    fn options_say_it_exactly() {
        let mut feedback = open(true);
        assert_eq!(
            feedback.hear(&ack(5 + 8, Some(8_000)), 20 * MSS, MSS, true).marked,
            8_000,
            "a whole turn"
        );
        assert_eq!(feedback.hear(&ack(5 + 8 + 1, None), 20 * MSS, MSS, true).marked, 1_000);
        assert_eq!(feedback.hear(&ack(5 + 8 + 2, Some(9_300)), 2 * MSS, MSS, true).marked, 300);
        assert_eq!(feedback.hear(&ack(5 + 8 + 2, Some(9_300)), 2 * MSS, MSS, true).marked, 0);
    }

    /// RFC 9768 §3.2.3: 24 bits of a counter go round.
    #[test]
    fn a_counter_of_bytes_goes_round() {
        let mut feedback = open(true);
        let steps = (1u32 << 24).div_ceil(1_000_000) + 3;
        for n in 1..=steps {
            let count = n.wrapping_mul(1_000_000) & 0x00ff_ffff;
            let marked = feedback.hear(&ack(5, Some(count)), 1_000_000, MSS, true).marked;
            assert_eq!(marked, 1_000_000, "{n}");
        }
    }

    /// RFC 9768 §3.2.2.2: of two acknowledgments that say the same, neither time nor numbers tell which is newer.
    #[test]
    fn feedback_without_progress_is_not_heard() {
        let mut feedback = open(false);
        assert_eq!(feedback.hear(&ack(7, None), 2 * MSS, MSS, true).marked, 2_000);
        assert_eq!(feedback.hear(&ack(6, None), 0, MSS, true).marked, 0);
        assert_eq!(feedback.hear(&ack(8, None), 2 * MSS, MSS, true).marked, 1_000);
    }

    /// RFC 9768 §3.2.2.4.
    #[test]
    fn a_first_counter_of_zero_ends_it() {
        let mut feedback = open(false);
        let news = feedback.hear(&ack(0, None), 2 * MSS, MSS, true);
        assert!(news.mangled && !feedback.responds);
        let mut feedback = open(false);
        feedback.hear(&ack(7, None), 2 * MSS, MSS, true);
        let news = feedback.hear(&ack(8, None), 2 * MSS, MSS, true);
        assert!(!news.mangled && feedback.responds, "later it is a count");
    }

    /// RFC 9768 table 4.
    #[test]
    fn the_acknowledgment_of_a_syn_ack_tells_how_that_arrived() {
        for (ace, mangled, responds, packets) in [
            (0b000, true, false, 5),
            (0b001, false, true, 5),
            (0b010, false, true, 5),
            (0b011, true, true, 5),
            (0b100, true, true, 5),
            (0b101, false, true, 5),
            (0b110, true, true, 6),
            (0b111, false, true, 5),
        ] {
            let (feedback, news) = EcnFeedback::starting(&ack(ace, None));
            assert_eq!(
                (news.mangled, feedback.responds, feedback.packets),
                (mangled, responds, packets),
                "{ace:03b}"
            );
            assert_eq!(news.marked > 0, ace == 0b110);
            // With data it is a count.
            let data = Segment { payload: Payload::zeros(1), ..ack(ace, None) };
            assert!(!EcnFeedback::starting(&data).1.mangled, "{ace:03b}");
        }
    }

    /// RFC 9768 §3.2.3.2.4: with zeroed options only the counter of packets is left.
    #[test]
    fn zeroed_options_are_ignored() {
        let zeroed = EcnBytes::new(EcnOrder::Ect0First, 3, |_| 0);
        let first = Segment { options: Options::Counted(zeroed, Default::default()), ..ack(0b010, None) };
        let (mut feedback, _) = EcnFeedback::starting(&first);
        assert_eq!(feedback.hear(&ack(5 + 1, Some(90_000)), 9 * MSS, MSS, true).marked, 9_000);
    }
}
