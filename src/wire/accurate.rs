//! Accurate ECN on the wire (RFC 9768): three flags of the header as a counter, and an option that counts bytes.

use super::{Ecn, Flags};

/// Bits of a counter in the option (§3.2.3).
const FIELD: u32 = 0x00ff_ffff;

/// The `AccECN` option (RFC 9768 §3.2.3): bytes that arrived with each codepoint, the low 24 bits, as many fields as
/// it was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EcnBytes {
    order: EcnOrder,
    len: u8,
    fields: [[u8; 3]; 3],
}

/// The orders of its fields, each with a kind of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EcnOrder {
    /// ECT(0), CE, ECT(1).
    #[default]
    Ect0First,
    /// ECT(1), CE, ECT(0).
    Ect1First,
}

impl Flags {
    /// Accurate ECN, or the lowest bit of the historic nonce sum (RFC 9768 §3.1.1).
    pub const AE: Flags = Flags(0x100);
    /// The flags of the counter: what a SYN with the offer says.
    pub const ACE: Flags = Flags::ECN.with(Flags::AE);

    /// The counter's flags with this value, of which three bits count (§3.2.2).
    pub const fn of_ace(count: u8) -> Flags {
        // CWR and ECE lie side by side, AE above them.
        Flags((count as u16 & 0b111) << 6)
    }

    /// Value of the counter.
    pub const fn ace(self) -> u8 {
        (self.of(Flags::ACE).0 >> 6) as u8
    }

    /// The handshake encoding of a SYN's or SYN-ACK's ECN field (tables 2 and 3).
    pub const fn of_handshake(ecn: Ecn) -> Flags {
        Flags::of_ace(match ecn {
            Ecn::NotEct => 0b010,
            Ecn::Ect1 => 0b011,
            Ecn::Ect0 => 0b100,
            Ecn::Ce => 0b110,
        })
    }
}

impl EcnOrder {
    /// Number of the option.
    pub const fn kind(self) -> u8 {
        match self {
            EcnOrder::Ect0First => 172,
            EcnOrder::Ect1First => 174,
        }
    }

    /// The order of the option with that number.
    pub fn of_kind(kind: u8) -> Option<EcnOrder> {
        [EcnOrder::Ect0First, EcnOrder::Ect1First].into_iter().find(|order| order.kind() == kind)
    }

    /// The codepoint whose bytes stand in field `place`.
    pub const fn codepoint(self, place: usize) -> Ecn {
        match (self, place) {
            (_, 1) => Ecn::Ce,
            (EcnOrder::Ect0First, 0) | (EcnOrder::Ect1First, 2) => Ecn::Ect0,
            _ => Ecn::Ect1,
        }
    }
}

impl EcnBytes {
    /// Most bytes of the option, without padding.
    pub const MOST: u32 = 11;

    /// An option with the first `len` fields of this order, at most three, of the counters that `count` gives.
    pub fn new(order: EcnOrder, len: usize, count: impl Fn(Ecn) -> u32) -> EcnBytes {
        let mut option = EcnBytes { order, ..EcnBytes::default() };
        for place in 0..len.min(3) {
            let [_, a, b, c] = count(order.codepoint(place)).to_be_bytes();
            option.push([a, b, c]);
        }
        option
    }

    /// An option of this order with fields as they stand on the wire, of which three count.
    pub(super) fn of_wire(order: EcnOrder, fields: &[[u8; 3]]) -> EcnBytes {
        let mut option = EcnBytes { order, ..EcnBytes::default() };
        for field in fields {
            option.push(*field);
        }
        option
    }

    fn push(&mut self, field: [u8; 3]) {
        if let Some(free) = self.fields.get_mut(usize::from(self.len)) {
            *free = field;
            self.len += 1;
        }
    }

    /// The order of its fields.
    pub const fn order(&self) -> EcnOrder {
        self.order
    }

    /// Its fields, as they stand on the wire.
    pub fn fields(&self) -> &[[u8; 3]] {
        &self.fields[..usize::from(self.len)]
    }

    /// The counter of `codepoint`, if it has that.
    pub fn count(&self, codepoint: Ecn) -> Option<u32> {
        let place = (0..self.fields().len()).find(|&place| self.order.codepoint(place) == codepoint)?;
        let [a, b, c] = self.fields[place];
        Some(u32::from_be_bytes([0, a, b, c]))
    }

    /// Bytes in a header, with padding to a multiple of four.
    pub const fn wire_len(&self) -> u32 {
        (2 + 3 * self.len as u32).next_multiple_of(4)
    }

    /// By how much a counter grew from `before` to `after`, of which 24 bits are known; `None` if it rather fell, as
    /// in feedback that was overtaken.
    pub const fn growth(before: u32, after: u32) -> Option<u32> {
        let grown = after.wrapping_sub(before) & FIELD;
        if grown <= FIELD / 2 { Some(grown) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9768 §3.2.2: AE is the most significant bit of the three, ECE the least.
    #[test]
    fn the_counter_is_three_flags() {
        for count in 0..=255 {
            assert_eq!(Flags::of_ace(count).ace(), count % 8);
        }
        assert_eq!(Flags::of_ace(0b100), Flags::AE);
        assert_eq!(Flags::of_ace(0b010), Flags::CWR);
        assert_eq!(Flags::of_ace(0b001), Flags::ECE);
        assert_eq!(Flags::of_ace(0b111), Flags::ACE);
    }

    /// RFC 9768 §3.2.3, table 5.
    #[test]
    fn fields_stand_in_the_order_of_their_kind_and_are_left_out_from_the_end() {
        let count = |ecn: Ecn| match ecn {
            Ecn::Ect0 => 0x01_0203,
            Ecn::Ce => 0x9904_0506,
            _ => 7,
        };
        for (order, kind, first) in
            [(EcnOrder::Ect0First, 172, Ecn::Ect0), (EcnOrder::Ect1First, 174, Ecn::Ect1)]
        {
            assert_eq!((order.kind(), EcnOrder::of_kind(kind)), (kind, Some(order)));
            for (len, bytes) in [(0, 4), (1, 8), (2, 8), (3, 12)] {
                let option = EcnBytes::new(order, len, count);
                assert_eq!(option.wire_len(), bytes);
                assert_eq!(option.count(first), (len > 0).then(|| count(first)));
                assert_eq!(option.count(Ecn::Ce), (len > 1).then_some(0x04_0506), "24 bits");
            }
        }
        assert_eq!(EcnBytes::new(EcnOrder::Ect0First, 1, count).fields(), [[1, 2, 3]]);
        assert_eq!(EcnOrder::of_kind(173), None);
    }

    #[test]
    fn counters_wrap_and_do_not_fall() {
        assert_eq!(EcnBytes::growth(0xff_fff0, 0x10), Some(0x20));
        assert_eq!(EcnBytes::growth(5, 5), Some(0));
        assert_eq!(EcnBytes::growth(100, 90), None);
    }
}
