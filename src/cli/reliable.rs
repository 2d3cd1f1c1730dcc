//! Limits and intervals of the dialect `reliable`, as options of a server.

use super::network::above_zero;
use crate::chat::protocol::Timing;
use crate::time::Duration;

/// Those of its original's configuration.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Dialect reliable")]
pub struct Reliable {
    /// Interval at which the server looks for silent clients of `reliable`
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = above_zero)]
    look_each: Duration,
    /// Silence after which such a client is asked for a sign of life
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = above_zero)]
    heartbeat: Duration,
    /// Silence after which it counts as gone
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = above_zero)]
    dead_after: Duration,
    /// Time for the first acknowledgment; later ones have their round trip
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = above_zero)]
    ack_timeout: Duration,
    /// Least time for an acknowledgment
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = above_zero)]
    min_rto: Duration,
    /// Most time for an acknowledgment, doubled after each that did not come
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = above_zero)]
    max_rto: Duration,
    /// Times that a message is sent again before its client counts as gone
    #[arg(long, value_name = "N", default_value_t = 3)]
    max_retransmissions: u32,
    /// Messages that may be on their way to such a client at first
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    initial_window: u32,
    /// Messages on their way up to which that number doubles in a round trip
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    slow_start_threshold: u32,
}

impl Reliable {
    /// The same for the dialect.
    pub fn timing(&self) -> Timing {
        Timing {
            look: self.look_each,
            heartbeat: self.heartbeat,
            dead: self.dead_after,
            ack_timeout: self.ack_timeout,
            min_rto: self.min_rto,
            max_rto: self.max_rto,
            retransmissions: self.max_retransmissions,
            window: self.initial_window,
            threshold: self.slow_start_threshold,
        }
    }
}
