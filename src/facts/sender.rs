//! State and events of a connection and of its sender.

use crate::time::Duration;
use crate::units::Rate;

/// Least window of controllers that limit nothing.
pub const NO_WINDOW: u64 = u64::MAX / 4;

/// Event of a connection, as its application hears it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEvent {
    /// It is open both ways. A server hears of a new connection through this.
    Connected,
    /// There is something to read.
    Readable,
    /// There is room to write again, after a short write.
    Writable,
    /// The peer will send no more; what it sent has been announced.
    PeerClosed,
    /// It is gone, in order or by a reset; no further events follow.
    Closed,
}

/// Event of a sender: a mark in pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenderEvent {
    /// Fast retransmit: a recovery episode began.
    FastRetransmit,
    /// The episode ended.
    RecoveryExit,
    /// The retransmission timer expired.
    Timeout,
    /// A fast retransmit was found to be unfounded, and its reduction was taken back.
    SpuriousRecovery,
    /// The same of a timeout.
    SpuriousTimeout,
    /// A zero window was probed.
    WindowProbe,
    /// The window was reduced because packets were marked (RFC 3168).
    EcnReduction,
    /// The path changes or clears the ECN field, or the peer does not know of it: data are no longer sent as
    /// ECN-capable (RFC 9768 §3.2.2.3).
    EcnRefused,
}

words! {
    SenderEvent {
        FastRetransmit = "fast_retransmit",
        RecoveryExit = "recovery_exit",
        Timeout = "timeout",
        SpuriousRecovery = "spurious_recovery",
        SpuriousTimeout = "spurious_timeout",
        WindowProbe = "window_probe",
        EcnReduction = "ecn_reduction",
        EcnRefused = "ecn_refused",
    }
}

/// Reason why a sender does not send more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit {
    /// The application has nothing to send.
    #[default]
    Application,
    /// The receiver's window is full.
    ReceiveWindow,
    /// The congestion window is full, or pacing holds the next packet: what is studied.
    CongestionWindow,
}

words! {
    Limit {
        Application = "application",
        ReceiveWindow = "receive_window",
        CongestionWindow = "congestion_window",
    }
}

/// Phase of a controller or of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Doubling each round trip.
    SlowStart,
    /// Growing slowly.
    CongestionAvoidance,
    /// In fast recovery (said by the connection).
    Recovery,
    /// After a retransmission timeout, until the lost window is repaired (said by the connection).
    Loss,
    /// No phases: a constant or absent window.
    Steady,
    /// BBR: doubling the rate each round trip.
    Startup,
    /// BBR: draining the queue of the start.
    Drain,
    /// BBR v1: around the bandwidth it knows.
    ProbeBandwidth,
    /// BBR v3: sending less than the bandwidth, until what queues is drained.
    ProbeDown,
    /// BBR v3: at the bandwidth.
    ProbeCruise,
    /// BBR v3: filling the pipe for a round trip before it asks for more.
    ProbeRefill,
    /// BBR v3: asking for more.
    ProbeUp,
    /// BBR: sending little, to see the round trip without a queue.
    ProbeRtt,
}

words! {
    Phase {
        SlowStart = "slow_start",
        CongestionAvoidance = "congestion_avoidance",
        Recovery = "recovery",
        Loss = "loss",
        Steady = "steady",
        Startup = "startup",
        Drain = "drain",
        ProbeBandwidth = "probe_bw",
        ProbeDown = "probe_bw_down",
        ProbeCruise = "probe_bw_cruise",
        ProbeRefill = "probe_bw_refill",
        ProbeUp = "probe_bw_up",
        ProbeRtt = "probe_rtt",
    }
}

/// A controller's beliefs about the path, for series and plots.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Beliefs {
    /// The bottleneck's rate for this flow.
    pub bandwidth: Option<Rate>,
    /// The round-trip time without queues.
    pub min_rtt: Option<Duration>,
    /// Share of data that queues mark, 0 to 1, as it is averaged (α of RFC 8257), and that of the last round trip.
    pub alpha: Option<f64>,
    /// See `alpha`.
    pub marked: Option<f64>,
}

/// State of a sender at one instant.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Congestion window in bytes; [`NO_WINDOW`] or more where the controller has none.
    pub cwnd: u64,
    /// Slow start threshold in bytes; `None` while it is arbitrarily high.
    pub ssthresh: Option<u64>,
    /// Bytes in flight.
    pub flight: u64,
    /// Smoothed round-trip time.
    pub srtt: Option<Duration>,
    /// Retransmission timeout, back-off included.
    pub rto: Duration,
    /// Phase of the sender.
    pub phase: Phase,
    /// Rate at which its packets are spread, if they are.
    pub pacing: Option<Rate>,
    /// Beliefs of its controller.
    pub beliefs: Beliefs,
}

impl Snapshot {
    /// The congestion window in bytes, if the controller has one.
    pub fn window(&self) -> Option<u64> {
        Some(self.cwnd).filter(|&cwnd| cwnd < NO_WINDOW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_as_what_wrote_them() {
        assert!(SenderEvent::ALL.iter().all(|event| event.name().parse() == Ok(*event)));
        assert!(Limit::ALL.iter().all(|limit| limit.name().parse() == Ok(*limit)));
        assert!(Phase::ALL.iter().all(|phase| phase.name().parse() == Ok(*phase)));
        assert_eq!("Timeout".parse::<SenderEvent>(), Err(crate::facts::UnknownWord));
    }
}
