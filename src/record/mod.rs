//! What a trial leaves behind: plain data, filled by the engine and turned into files by the
//! report. It does not know who calls it.

use crate::time::{Duration, Instant};
pub use crate::wire::Direction;

/// Everything known of a finished trial.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Connections, in order of their opening.
    pub flows: Vec<FlowOutcome>,
    /// Links with their directions, in the scenario's order.
    pub links: Vec<LinkOutcome>,
    /// Messages; `None` in scenarios without chat.
    pub messages: Option<MessageOutcome>,
    /// Samples over time, if they were asked for.
    pub series: Option<Series>,
    /// Events that the engine handled.
    pub events: u64,
    /// Length of the measured interval.
    pub measured: Duration,
    /// How late things happened on the wall clock; empty in virtual time, where nothing is late.
    pub lateness: Vec<Lateness>,
}

/// By how much later than they were due one kind of things happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lateness {
    /// `network` or `applications`.
    pub kind: &'static str,
    /// How many there were.
    pub count: u64,
    /// Median, 99th percentile and maximum.
    pub p50: Duration,
    /// See [`p50`](Lateness::p50).
    pub p99: Duration,
    /// See [`p50`](Lateness::p50).
    pub max: Duration,
}

/// One connection with its two directions.
#[derive(Clone, Debug)]
pub struct FlowOutcome {
    /// `<group>-<n>`, with `.k` behind it for a client's k-th reconnection.
    pub name: String,
    /// The `[[clients]]` entry it belongs to.
    pub group: String,
    /// The controller's name.
    pub congestion: &'static str,
    /// Whether it is a bulk transfer.
    pub bulk: bool,
    /// Whether it is a transfer of a given size that began in time, so that it has a completion time
    /// or failed to end.
    pub finite: bool,
    /// Whether it began before the measured interval and did not end within it.
    pub lasting: bool,
    /// Figures of each direction; `None` where no data went. If none went either way, as in a
    /// connection that was never made, the client's has its timeouts.
    pub directions: [Option<DirectionOutcome>; 2],
}

/// One direction of a connection, over the measured interval unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct DirectionOutcome {
    /// Whether any data went.
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
    /// What held the sender back for most of the interval.
    pub limited_by: LimitedBy,
    /// The links on its way, as indices into [`Outcome::links`].
    pub links: Vec<u32>,
}

/// What holds a sender back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LimitedBy {
    /// The application had nothing to send.
    #[default]
    Application,
    /// The receiver's window was full.
    ReceiveWindow,
    /// The congestion window was full: what is studied.
    CongestionWindow,
}

/// One direction of a link. Counts are of the whole trial, so that conservation can be checked;
/// times and utilisation are of the measured interval.
#[derive(Clone, Debug)]
pub struct LinkOutcome {
    /// Its name in the scenario; per-client links are summed under one name.
    pub name: String,
    /// Which way.
    pub direction: Direction,
    /// Whether all clients on it share one instance, rather than having one each.
    pub shared: bool,
    /// Packets that arrived at its entrance.
    pub offered: u64,
    /// Packets handed on intact.
    pub delivered: u64,
    /// Packets dropped by the loss model or the drop list.
    pub dropped_loss: u64,
    /// Packets that the queue dropped: for want of room, or because its discipline chose to.
    pub dropped_queue: u64,
    /// Packets damaged and handed on; the receiver's checksum drops them.
    pub dropped_corrupt: u64,
    /// Extra copies made.
    pub duplicated: u64,
    /// Packets handed on after one that entered later.
    pub reordered: u64,
    /// Packets still inside at the end.
    pub in_flight: u64,
    /// Busy share of the rate; `None` without a rate.
    pub utilisation: Option<f64>,
    /// The rate at the end, summed over nothing: that of one instance.
    pub rate_mbit: Option<f64>,
    /// Queueing delay (mean, 99th percentile, maximum); `None` without a rate or packets.
    pub queue: Option<QueueOutcome>,
    /// What was asked for against what happened.
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
    /// `loss_percent`, `delay_mean_ms`, `delay_p99_ms`, `rate_mbit`, `queue_max_packets` or
    /// `queue_max_bytes`.
    pub quantity: &'static str,
    /// What the scenario asked for.
    pub configured: f64,
    /// What happened.
    pub realised: f64,
    /// The interval that sampling error allows around `configured` (about four standard errors).
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Whether `realised` lies within it; `None` where too little passed to tell.
    pub pass: Option<bool>,
}

/// The messages of a chat.
#[derive(Clone, Debug)]
pub struct MessageOutcome {
    /// Messages intended within the measured interval.
    pub sent: u64,
    /// How many people should have heard them.
    pub deliveries_expected: u64,
    /// How many did, by the end of the drain.
    pub deliveries: u64,
    /// Latency in nanoseconds from the intended send time to each delivery.
    pub latency: hdrhistogram::Histogram<u64>,
}

/// Samples over time of one trial.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// The sampling interval.
    pub interval: Duration,
    /// Rows by time, then flow, then direction.
    pub flows: Vec<FlowSample>,
    /// Rows by time, then link, then direction.
    pub links: Vec<LinkSample>,
    /// Events by time.
    pub events: Vec<FlowEvent>,
}

/// The state of one direction of a flow at one instant.
#[derive(Clone, Debug)]
pub struct FlowSample {
    /// When.
    pub time: Instant,
    /// Index into [`Outcome::flows`].
    pub flow: u32,
    /// Which way.
    pub direction: Direction,
    /// Congestion window in bytes; `None` where the controller has no window.
    pub cwnd: Option<u64>,
    /// Slow start threshold in bytes; `None` while it is arbitrarily high.
    pub ssthresh: Option<u64>,
    /// Bytes in flight.
    pub flight: u64,
    /// Smoothed RTT.
    pub srtt: Option<Duration>,
    /// Retransmission timeout, back-off included.
    pub rto: Duration,
    /// What the sender is doing.
    pub phase: &'static str,
    /// In-order bytes handed to the receiver since the flow began.
    pub delivered: u64,
    /// Bytes that arrived at the receiver since the flow began, each once, in whatever order.
    pub arrived: u64,
}

/// The state of one direction of a link at one instant.
#[derive(Clone, Debug)]
pub struct LinkSample {
    /// When.
    pub time: Instant,
    /// Index into [`Outcome::links`].
    pub link: u32,
    /// Bytes waiting or in transmission.
    pub backlog_bytes: u64,
    /// Packets waiting or in transmission.
    pub backlog_packets: u64,
    /// Packets dropped so far, by loss and by the queue.
    pub drops: u64,
}

/// Something that happened to a sender.
#[derive(Clone, Debug)]
pub struct FlowEvent {
    /// When.
    pub time: Instant,
    /// Index into [`Outcome::flows`].
    pub flow: u32,
    /// Which sender: `Up` is the client's.
    pub direction: Direction,
    /// What.
    pub kind: FlowEventKind,
}

/// The kinds of [`FlowEvent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowEventKind {
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
}

impl LimitedBy {
    /// The word in `limited_by` columns.
    pub const fn name(self) -> &'static str {
        match self {
            LimitedBy::Application => "application",
            LimitedBy::ReceiveWindow => "receive_window",
            LimitedBy::CongestionWindow => "congestion_window",
        }
    }
}

impl FlowEventKind {
    /// The word in the `event` column.
    pub const fn name(self) -> &'static str {
        match self {
            FlowEventKind::FastRetransmit => "fast_retransmit",
            FlowEventKind::RecoveryExit => "recovery_exit",
            FlowEventKind::Timeout => "timeout",
            FlowEventKind::SpuriousRecovery => "spurious_recovery",
            FlowEventKind::SpuriousTimeout => "spurious_timeout",
            FlowEventKind::WindowProbe => "window_probe",
        }
    }
}
