//! Outcome of a connection.

use super::{Limit, Measure};
use crate::time::Duration;

/// One connection with its two directions.
#[derive(Clone, Debug)]
pub struct FlowOutcome {
    /// `<group>-<n>`, with `.k` behind it for a client's k-th reconnection.
    pub name: String,
    /// The `[[clients]]` entry it belongs to.
    pub group: String,
    /// The controller's name.
    pub congestion: &'static str,
    /// Measures of its workload.
    pub measures: &'static [Measure],
    /// True if it began in time, so that a transfer of a given size has a completion time or failed to end.
    pub began: bool,
    /// True if it began before the measured interval and did not end within it.
    pub lasting: bool,
    /// Figures of each direction; `None` where no data went. If none went either way, as in a
    /// connection that was never made, the client's has its timeouts.
    pub directions: [Option<DirectionOutcome>; 2],
}

impl FlowOutcome {
    /// True if its workload has a measure.
    pub fn measures(&self, measure: Measure) -> bool {
        self.measures.contains(&measure)
    }
}

/// One direction of a connection, over the measured interval unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct DirectionOutcome {
    /// True if any data went.
    pub carried: bool,
    /// In-order application bytes handed to the receiver.
    pub bytes_delivered: u64,
    /// The part of the interval in which the flow existed.
    pub active: Duration,
    /// Data segments sent, retransmissions included.
    pub segments_sent: u64,
    /// Segments sent again.
    pub retransmits: u64,
    /// Episodes of fast recovery entered.
    pub recovery_episodes: u64,
    /// Expiries of the retransmission timer, those of a SYN among them; also those of the other end, if
    /// that sends no data.
    pub timeouts: u64,
    /// Time average of the smoothed RTT; `None` before the first sample.
    pub srtt_mean: Option<Duration>,
    /// Time average of the congestion window in bytes; `None` where the controller has no window.
    pub cwnd_mean: Option<f64>,
    /// From start to the acknowledgment of the last byte, of transfers of finite size.
    pub completion: Option<Duration>,
    /// Limit that held the sender back for most of the interval.
    pub limited_by: Limit,
    /// The links on its way, as indices into [`Outcome::links`](super::Outcome::links).
    pub links: Vec<u32>,
}
