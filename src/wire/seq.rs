//! 32-bit sequence numbers modulo 2³² (RFC 9293 §3.4). They have no order, only distances: inside
//! connections, stream offsets are `u64`, and this is the only place where the two meet.

use std::fmt;

/// A sequence number on the wire. Deliberately without `Ord`: numbers that wrap have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SeqNumber(pub u32);

impl SeqNumber {
    /// The number `n` further on.
    #[must_use]
    pub const fn add(self, n: u32) -> SeqNumber {
        SeqNumber(self.0.wrapping_add(n))
    }

    /// The wire number of absolute offset `offset` in a stream that started at `self`.
    #[must_use]
    pub const fn at(self, offset: u64) -> SeqNumber {
        SeqNumber(self.0.wrapping_add(offset as u32))
    }

    /// The absolute offset closest to `near` whose wire number is `self`, in a stream that started
    /// at `start`; `None` if that would lie before the stream.
    pub const fn offset(self, start: SeqNumber, near: u64) -> Option<u64> {
        // The signed distance is at most 2³¹ either way, and that picks the nearest candidate.
        let distance = self.0.wrapping_sub(start.at(near).0).cast_signed();
        near.checked_add_signed(distance as i64)
    }

    /// True if `self` comes before `other`, as far as numbers half a circle apart can tell.
    pub const fn is_before(self, other: SeqNumber) -> bool {
        self.0.wrapping_sub(other.0).cast_signed() < 0
    }
}

impl fmt::Display for SeqNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn offsets_survive_the_wire(start: u32, offset in 0u64..1 << 48, drift in -(1i64 << 30)..1 << 30) {
            let start = SeqNumber(start);
            let near = offset.saturating_add_signed(drift);
            prop_assert_eq!(start.at(offset).offset(start, near), Some(offset));
        }

        #[test]
        fn before_agrees_with_a_wide_counter(base: u64, ahead in 1u32..1 << 31) {
            let (a, b) = (SeqNumber(base as u32), SeqNumber((base as u32).wrapping_add(ahead)));
            prop_assert!(a.is_before(b) && !b.is_before(a) && !a.is_before(a));
        }
    }

    #[test]
    fn numbers_before_the_stream_have_no_offset() {
        assert_eq!(SeqNumber(99).offset(SeqNumber(100), 0), None);
    }
}
