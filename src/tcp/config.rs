//! Configuration of a connection; `profile` has the TCPs that it can begin as.

use crate::congestion::Choice;
use crate::time::Duration;
use crate::wire::{IP_HEADER, TCP_HEADER};

/// Bytes that timestamps take from each segment (RFC 7323 appendix A).
pub(super) const TIMESTAMP_BYTES: u16 = 12;

/// The settings of one end of a connection.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "options of a protocol are independent switches")]
pub struct Config {
    /// The congestion controller of this sender.
    pub congestion: Choice,
    /// Payload of a full segment in bytes, beside the timestamps if these are offered (64 … 9000):
    /// what a congestion window counts in. Packets keep within [`mss_option`](Config::mss_option)
    /// and their headers: SACK blocks take their bytes from the payload, and a peer that declines
    /// timestamps gets theirs as payload.
    pub mss: u16,
    /// The initial window in segments (RFC 6928; 1 is allowed).
    pub initial_window: u32,
    /// Method of loss detection and repair.
    pub recovery: Recovery,
    /// Episodes of repair in which the window comes down in proportion (RFC 9937).
    pub prr: PrrMode,
    /// Delayed acknowledgments (RFC 9293 §3.8.6.3); `None` acknowledges every segment.
    pub delayed_ack: Option<DelayedAck>,
    /// Linux's quick-ACK mode: the first segments, those after a pause and after a duplicate are
    /// acknowledged at once.
    pub quickack: bool,
    /// TCP-internal pacing for controllers that ask for no rate of their own (Linux with `fq`).
    pub pacing: bool,
    /// True if windows grow by bytes acknowledged (RFC 3465), false if by one segment per ACK.
    pub byte_counting: bool,
    /// Growth outlives a loss, as in ns-3: progress to the next segment is kept, and the acknowledgment that ends
    /// a recovery counts with all that it covers, with what SACK had reported before as well.
    pub carried_growth: bool,
    /// Lower bound of the retransmission timeout.
    pub min_rto: Duration,
    /// Quantity that the lower bound bounds.
    pub rto_floor: RtoFloor,
    /// Upper bound of the retransmission timeout, back-off included (RFC 6298 §2.5).
    pub max_rto: Duration,
    /// Tick of the clock that timers wait by (`CONFIG_HZ`), on Linux's timer wheel; zero for one that is
    /// exact.
    pub tick: Duration,
    /// Nagle's algorithm (RFC 9293 §3.7.4).
    pub nagle: bool,
    /// Offer timestamps (RFC 7323 §3).
    pub timestamps: bool,
    /// Offer SACK (RFC 2018); without it recovery is NewReno's.
    pub sack: bool,
    /// Duplicate SACK (RFC 2883), where SACK is agreed: report what arrived twice, and learn from such
    /// reports which repeats were not needed (RFC 3708).
    pub dsack: bool,
    /// Linux's compression of SACK: beyond the third duplicate acknowledgment, one tells of all that arrives within
    /// a millisecond.
    pub sack_compression: bool,
    /// F-RTO (RFC 5682): new data after a timeout show whether it was spurious.
    pub frto: bool,
    /// Timeouts of a SYN before the timer backs off, beyond the first (Linux's
    /// `tcp_syn_linear_timeouts`); a SYN-ACK backs off at once.
    pub syn_linear_timeouts: u32,
    /// Lost SYNs, or answers to one, that leave the initial window as it is; one more makes it one segment.
    pub tolerated_syns: u32,
    /// Quantity that a loss or a mark reduces.
    pub reduce_from: ReduceFrom,
    /// The window after a pause longer than the retransmission timeout.
    pub idle_window: IdleWindow,
    /// Offer window scaling (RFC 7323 §2).
    pub window_scale: bool,
    /// Send new data on the first two duplicate ACKs (RFC 3042).
    pub limited_transmit: bool,
    /// Explicit congestion notification (RFC 3168). Unlike Linux's default, which accepts what it never
    /// offers, `Off` does neither.
    pub ecn: EcnMode,
    /// Largest receive window in bytes.
    pub receive_window: u64,
    /// Most bytes that `write` accepts beyond what is acknowledged.
    pub send_buffer: u64,
}

/// Method of loss detection and repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// From SACK blocks (RFC 6675), if both ends offer SACK.
    Sack,
    /// From SACK blocks by time (RFC 8985): one later segment that arrived is enough after a quarter
    /// of a round trip, a lost retransmission is found without a timeout, and a probe is sent after
    /// a silent tail. What Linux does.
    Rack,
    /// From duplicate and partial acknowledgments (RFC 6582).
    NewReno,
}

/// Proportional rate reduction (RFC 9937), for controllers that want it; without it the window drops at once, and half a
/// window of acknowledgments passes before anything new is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrrMode {
    /// With RACK: Linux.
    Rack,
    /// With all that finds losses from SACK blocks.
    Always,
    /// Nowhere: RFC 6675 alone.
    Never,
    /// As `Always`, but each acknowledgment with news of SACK counts a segment too many until a window is counted: ns-3.44
    /// (`TcpPrrRecovery::DoRecovery`), so that an episode sends three quarters of a window instead of a half.
    Doubled,
}

/// Explicit congestion notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EcnMode {
    /// It is neither offered nor accepted.
    Off,
    /// RFC 3168: a mark is echoed until its answer arrives, and answered once in a window of data.
    Classic,
    /// RFC 9768: counters tell of every mark. With a peer that has only RFC 3168, that.
    Accurate,
}

/// Quantity of which a part remains after a reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReduceFrom {
    /// The congestion window, also if little of it was in flight: Linux (`tcp_reno_ssthresh`).
    Window,
    /// Bytes in flight: `FlightSize` of RFC 5681 §3.1.
    Flight,
    /// Of these what is believed to be in the network still, `pipe` of RFC 6675 §2, when the loss is known: `TcpNewReno`
    /// of ns-3.
    Pipe,
}

/// The congestion window after a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdleWindow {
    /// Half for each retransmission timeout of the pause, at least the initial one: Linux
    /// (`tcp_cwnd_restart`), RFC 2861.
    Halve,
    /// At most the initial one: RFC 5681 §4.1.
    Initial,
}

/// Quantity that the minimum RTO bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtoFloor {
    /// The whole timeout: RFC 6298 §2.4, and ns-3.
    Rto,
    /// Its variance term, so that the timeout is at least the smoothed RTT plus the floor: Linux.
    Variance,
}

/// Conditions under which an acknowledgment may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelayedAck {
    /// Acknowledge at the latest every so many full segments.
    pub segments: u32,
    /// Acknowledge at the latest after this time.
    pub timeout: Duration,
    /// The timeout follows the gaps between segments, from `timeout` up (`icsk_ack.ato` of Linux).
    pub adaptive: bool,
    /// One acknowledgment for all that arrives in order at one instant (a stretch ACK), as Linux's
    /// receiver does, which reads a burst as one (`tcp_cleanup_rbuf`). Unlike RFC 9293 §3.8.6.3,
    /// which wants one for every second segment.
    pub stretch: bool,
}

impl Config {
    /// The MSS option of a SYN (RFC 9293 §3.7.1, RFC 6691): the largest packet less both headers
    /// without options.
    pub fn mss_option(&self) -> u16 {
        self.mss + if self.timestamps { TIMESTAMP_BYTES } else { 0 }
    }

    /// Bytes of a full packet, its IP header with it.
    pub fn packet_bytes(&self) -> u32 {
        IP_HEADER + TCP_HEADER + u32::from(self.mss_option())
    }
}
