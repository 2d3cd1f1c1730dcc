//! Profiles: which TCP a configuration begins as. Each setting may differ from it.

use super::config::{Config, DelayedAck, EcnMode, IdleWindow, PrrMode, Recovery, ReduceFrom, RtoFloor};
use crate::congestion::Choice;
use crate::time::Duration;

/// A TCP that settings begin as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Linux 6.18 with its default settings.
    #[default]
    Linux,
    /// The letter of RFC 9293, 5681, 6298 and 6675.
    Rfc,
    /// The TCP of lectures: one segment at first, an acknowledgment for each, NewReno.
    Textbook,
    /// ns-3.44 with its default settings.
    Ns3,
}

impl Profile {
    /// The settings of this profile, with Reno.
    pub fn config(self) -> Config {
        match self {
            Profile::Linux => linux(),
            Profile::Rfc => rfc(),
            Profile::Textbook => textbook(),
            Profile::Ns3 => ns3(),
        }
    }
}

impl Default for Config {
    /// Linux's settings, with Reno.
    fn default() -> Config {
        Profile::default().config()
    }
}

fn linux() -> Config {
    Config {
        congestion: Choice::named("reno"),
        mss: 1448,
        initial_window: 10,
        recovery: Recovery::Rack,
        prr: PrrMode::Rack,
        delayed_ack: Some(DelayedAck {
            segments: 2,
            timeout: Duration::from_millis(40),
            adaptive: true,
            stretch: true,
        }),
        quickack: true,
        pacing: false,
        byte_counting: true,
        carried_growth: false,
        min_rto: Duration::from_millis(200),
        rto_floor: RtoFloor::Variance,
        max_rto: Duration::from_secs(120),
        tick: Duration::from_millis(4),
        nagle: false,
        timestamps: true,
        sack: true,
        dsack: true,
        sack_compression: true,
        frto: true,
        syn_linear_timeouts: 4,
        tolerated_syns: 1,
        reduce_from: ReduceFrom::Window,
        idle_window: IdleWindow::Halve,
        window_scale: true,
        limited_transmit: true,
        ecn: EcnMode::Off,
        receive_window: 4 << 20,
        send_buffer: 8 << 20,
    }
}

fn rfc() -> Config {
    Config {
        // RFC 5681 §3.1, of segments of 1096 to 2190 bytes.
        initial_window: 3,
        recovery: Recovery::Sack,
        // RFC 9293 §3.8.6.3: less than half a second, and one for every second segment.
        delayed_ack: Some(DelayedAck {
            segments: 2,
            timeout: Duration::from_millis(200),
            adaptive: false,
            stretch: false,
        }),
        quickack: false,
        // RFC 5681 §3.1: at most a segment for each acknowledgment.
        byte_counting: false,
        // RFC 6298 §2.4, §2.5.
        min_rto: Duration::from_secs(1),
        rto_floor: RtoFloor::Rto,
        max_rto: Duration::from_secs(60),
        // RFC 9293 §3.7.4: a SHOULD.
        nagle: true,
        ..classic()
    }
}

/// Linux's, without what neither those RFCs nor ns-3 have.
fn classic() -> Config {
    Config {
        tick: Duration::ZERO,
        dsack: false,
        sack_compression: false,
        frto: false,
        syn_linear_timeouts: 0,
        tolerated_syns: 0,
        reduce_from: ReduceFrom::Flight,
        idle_window: IdleWindow::Initial,
        ..linux()
    }
}

fn textbook() -> Config {
    Config {
        // Without timestamps, so that packets have 1500 bytes.
        mss: 1460,
        initial_window: 1,
        recovery: Recovery::NewReno,
        delayed_ack: None,
        quickack: false,
        min_rto: Duration::from_secs(1),
        rto_floor: RtoFloor::Rto,
        max_rto: Duration::from_secs(60),
        timestamps: false,
        sack: false,
        limited_transmit: false,
        ..classic()
    }
}

fn ns3() -> Config {
    Config {
        recovery: Recovery::Sack,
        prr: PrrMode::Doubled,
        delayed_ack: Some(DelayedAck {
            segments: 2,
            timeout: Duration::from_millis(200),
            adaptive: false,
            stretch: false,
        }),
        quickack: false,
        // `TcpLinuxReno` and `TcpCubic`; `TcpNewReno` halves what is in the network.
        reduce_from: ReduceFrom::Window,
        carried_growth: true,
        min_rto: Duration::from_secs(1),
        rto_floor: RtoFloor::Rto,
        ..classic()
    }
}
