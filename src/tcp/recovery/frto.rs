//! F-RTO (RFC 5682 §3, with SACK, and §2 without): after a timeout new data goes before further repeats, so
//! that what arrives of the old data must have been on its way. As in Linux (`tcp_process_loss`), such an
//! arrival counts at any time until the loss is certain.

/// Progress of the algorithm after a timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Frto {
    /// No timeout, or it is settled.
    Off,
    /// Step 2: the answer to the repeat is awaited.
    Waiting,
    /// Step 2b: new data is to be sent, if there is any.
    Trying,
    /// Step 3: new data was sent, and the next acknowledgment decides.
    Deciding,
}

impl Frto {
    /// True while an arrival of old data shows that the timeout was spurious.
    pub fn is_on(self) -> bool {
        self != Frto::Off
    }

    /// True if repeats wait for a decision.
    pub fn holds_repeats(self) -> bool {
        matches!(self, Frto::Trying | Frto::Deciding)
    }

    /// The timer expired within an episode: the algorithm begins anew, unless data arrived in between
    /// (`tcp_enter_loss`).
    pub fn again(self, progressed: bool) -> Frto {
        if progressed || self == Frto::Off { Frto::Off } else { Frto::Waiting }
    }

    /// An acknowledgment of a part of the old data that did not show that: it moved on, or it reported
    /// something else.
    pub fn on_ack(&mut self, moved: bool, reported: bool) {
        *self = match *self {
            Frto::Waiting if moved => Frto::Trying,
            // Duplicates that come before the answer say nothing.
            Frto::Waiting => Frto::Waiting,
            Frto::Trying | Frto::Deciding if moved || reported => Frto::Off,
            other => other,
        };
    }

    /// New data leaves.
    pub fn on_new_data(&mut self) {
        if *self == Frto::Trying {
            *self = Frto::Deciding;
        }
    }
}
