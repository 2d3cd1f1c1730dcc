//! Counters and outcome of a link.

use super::Direction;

/// Packets since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Arrived at the entrance.
    pub offered: u64,
    /// Handed on, unless this link damaged them.
    pub delivered: u64,
    /// Dropped by the loss model, a drop list or another impairment.
    pub dropped_loss: u64,
    /// Dropped by the queue discipline.
    pub dropped_queue: u64,
    /// Of these, while there was room: the work of active queue management.
    pub dropped_aqm: u64,
    /// Marked instead (RFC 3168), and handed on.
    pub marked: u64,
    /// Dropped by the policer beside the queue.
    pub dropped_policer: u64,
    /// Handed on damaged by this link; the receiver's checksum drops them.
    pub dropped_corrupt: u64,
    /// Extra copies made.
    pub duplicated: u64,
    /// Handed on after one that entered later.
    pub reordered: u64,
}

/// One direction of a link. Counts are of the whole trial, so that conservation can be checked;
/// times and utilisation are of the measured interval.
#[derive(Clone, Debug)]
pub struct LinkOutcome {
    /// Its name in the scenario; per-client links are summed under one name.
    pub name: String,
    /// Direction of the packets.
    pub direction: Direction,
    /// True if all clients on it share one instance, rather than having one each.
    pub shared: bool,
    /// Packets since the start of the trial.
    pub counters: Counters,
    /// Packets still inside at the end.
    pub in_flight: u64,
    /// Busy share of the rate; `None` without a rate.
    pub utilisation: Option<f64>,
    /// The rate at the end, summed over nothing: that of one instance.
    pub rate_mbit: Option<f64>,
    /// Queueing delay (mean, 99th percentile, maximum); `None` without a rate or packets.
    pub queue: Option<QueueOutcome>,
    /// The same of packets in a queue for L4S (`dualpi2`); `None` without such packets.
    pub l4s_queue: Option<QueueOutcome>,
    /// Configured properties against realised ones.
    pub realised: Vec<Realised>,
}

/// Queueing delay of the packets that passed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueueOutcome {
    /// The mean in milliseconds.
    pub mean_ms: f64,
    /// The 99th percentile in milliseconds.
    pub p99_ms: f64,
    /// The longest in milliseconds.
    pub max_ms: f64,
}

/// One line of the proof that the emulator did what it was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Realised {
    /// `loss_percent`, `duplicate_percent`, `corrupt_percent`, `reorder_percent`, `delay_mean_ms`,
    /// `delay_p99_ms`, `rate_mbit`, `policed_mbit`, `queue_max_packets`, `queue_max_bytes`, or of Wi-Fi
    /// `wifi_error_percent`, `wifi_loss_percent`, `wifi_exchange_us` or `wifi_aggregate_frames`.
    pub quantity: &'static str,
    /// Value that the scenario asked for.
    pub configured: f64,
    /// Value that came about.
    pub realised: f64,
    /// Lower end of the interval that chance allows around `configured`.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// True if `realised` lies within it; `None` where too little passed to tell.
    pub pass: Option<bool>,
}

impl Counters {
    /// Packets that did not come out intact.
    pub fn dropped(&self) -> u64 {
        self.dropped_loss + self.dropped_queue + self.dropped_policer + self.dropped_corrupt
    }

    /// Panics unless offered + duplicated = delivered + dropped + in flight.
    pub fn check_conservation(&self, in_flight: u64, label: &str) {
        assert!(
            self.offered + self.duplicated == self.delivered + self.dropped() + in_flight,
            "{label} gains or loses packets: offered {} + duplicated {} is not delivered {} + lost {} \
             + dropped by the queue {} + by the policer {} + damaged {} + in flight {in_flight}",
            self.offered,
            self.duplicated,
            self.delivered,
            self.dropped_loss,
            self.dropped_queue,
            self.dropped_policer,
            self.dropped_corrupt,
        );
    }

    /// Sums the counters of two instances of a link.
    pub fn add(&mut self, other: &Counters) {
        self.offered += other.offered;
        self.delivered += other.delivered;
        self.dropped_loss += other.dropped_loss;
        self.dropped_queue += other.dropped_queue;
        self.dropped_aqm += other.dropped_aqm;
        self.marked += other.marked;
        self.dropped_policer += other.dropped_policer;
        self.dropped_corrupt += other.dropped_corrupt;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
    }
}
