//! ECN field of the IP header (RFC 3168 §5).

/// The four codepoints, with their bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Ecn {
    /// The transport does not understand marks.
    #[default]
    NotEct = 0b00,
    /// It does, and answers them as those of an L4S queue (RFC 9331).
    Ect1 = 0b01,
    /// It does, and answers each as a loss.
    Ect0 = 0b10,
    /// Congestion experienced: a queue marked the packet instead of dropping it.
    Ce = 0b11,
}

impl Ecn {
    /// Sets CE; false if the transport would not understand that.
    #[inline]
    pub fn mark(&mut self) -> bool {
        let understands = *self != Ecn::NotEct;
        if understands {
            *self = Ecn::Ce;
        }
        understands
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3168 §5: CE is set where ECT was, stays, and comes nowhere else.
    #[test]
    fn only_what_understands_marks_is_marked() {
        for (before, after, marked) in [
            (Ecn::NotEct, Ecn::NotEct, false),
            (Ecn::Ect1, Ecn::Ce, true),
            (Ecn::Ect0, Ecn::Ce, true),
            (Ecn::Ce, Ecn::Ce, true),
        ] {
            let mut ecn = before;
            assert_eq!((ecn.mark(), ecn), (marked, after), "{before:?}");
        }
    }
}
