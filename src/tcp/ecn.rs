//! Explicit congestion notification (RFC 3168 §6.1): what the sending half remembers of its answers to marks.

/// Use of ECN that the ends may agree on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EcnMode {
    /// None: it is neither offered nor accepted.
    #[default]
    Off,
    /// RFC 3168: a mark is echoed until its answer has arrived, and answered once in a window of data.
    Classic,
}

/// Answers of a sender to congestion, as far as its peer hears of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EcnSender {
    /// New data may be marked: both SYNs agreed to it.
    pub capable: bool,
    /// The next new data says that the window was reduced.
    pub cwr_due: bool,
    /// What was sent when the window was last reduced, for whatever reason. Until more than that is
    /// acknowledged the peer cannot have heard of it, and its echoes say nothing new.
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
