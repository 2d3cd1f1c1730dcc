//! Limits and intervals of the dialect `reliable`, as options of a server.

use super::network::above_zero;
use super::output::Failure;
use crate::chat::protocol::Timing;
use crate::time::Duration;

/// Shortest of its timers: the server would do nothing else.
const LEAST: Duration = Duration::from_millis(10);

/// A span that is no shorter than that.
fn timer(text: &str) -> Result<Duration, String> {
    let span = above_zero(text)?;
    if span < LEAST { Err(format!("it must be at least {LEAST}")) } else { Ok(span) }
}

/// Those of its original's configuration.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Dialect reliable")]
pub struct Reliable {
    /// Interval at which the server looks for silent clients of `reliable`
    #[arg(long, value_name = "TIME", default_value_t = Timing::default().look, value_parser = timer)]
    look_each: Duration,
    /// Silence after which such a client is asked for a sign of life
    #[arg(long, value_name = "TIME", default_value_t = Timing::default().heartbeat, value_parser = timer)]
    heartbeat: Duration,
    /// Silence after which it counts as gone
    #[arg(long, value_name = "TIME", default_value_t = Timing::default().dead, value_parser = timer)]
    dead_after: Duration,
    /// Time for the first acknowledgment; later ones have their round trip
    #[arg(long, value_name = "TIME", default_value_t = Timing::default().ack_timeout, value_parser = timer)]
    ack_timeout: Duration,
    /// Least time for an acknowledgment
    #[arg(long, value_name = "TIME", default_value_t = Timing::default().min_rto, value_parser = timer)]
    min_rto: Duration,
    /// Most time for an acknowledgment, doubled after each that did not come
    #[arg(long, value_name = "TIME", default_value_t = Timing::default().max_rto, value_parser = timer)]
    max_rto: Duration,
    /// Times that a message is sent again before its client counts as gone
    #[arg(long, value_name = "N", default_value_t = Timing::default().retransmissions)]
    max_retransmissions: u32,
    /// Messages that may be on their way to such a client at first
    #[arg(long, value_name = "N", default_value_t = Timing::default().window, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    initial_window: u32,
    /// Messages on their way up to which that number doubles in a round trip
    #[arg(long, value_name = "N", default_value_t = Timing::default().threshold, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    slow_start_threshold: u32,
}

impl Reliable {
    /// An error if one contradicts another.
    pub fn check(&self) -> Result<(), Failure> {
        let pairs = [
            (("--heartbeat", self.heartbeat), ("--dead-after", self.dead_after), false),
            (("--min-rto", self.min_rto), ("--max-rto", self.max_rto), true),
            (("--ack-timeout", self.ack_timeout), ("--max-rto", self.max_rto), true),
        ];
        let is_wrong = |lesser: Duration, greater: Duration, or_equal: bool| {
            lesser > greater || (lesser == greater && !or_equal)
        };
        for ((lesser, least), (greater, most), or_equal) in pairs {
            if is_wrong(least, most, or_equal) {
                let relation = if or_equal { "at most" } else { "less than" };
                let problem = format!("{lesser} {least} and {greater} {most} contradict each other");
                return Err(Failure::usage(problem, format!("let {lesser} be {relation} {greater}")));
            }
        }
        Ok(())
    }

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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Options {
        #[command(flatten)]
        reliable: Reliable,
    }

    fn given(words: &[&str]) -> Result<Reliable, String> {
        let options =
            Options::try_parse_from([&["serve"], words].concat()).map_err(|error| error.to_string())?;
        match options.reliable.check() {
            Ok(()) => Ok(options.reliable),
            Err(Failure::Usage { problem, .. }) => Err(problem),
            Err(_) => Err("another failure".to_owned()),
        }
    }

    #[test]
    fn timers_that_contradict_each_other_are_refused() {
        assert_eq!(given(&[]).expect("sound").timing(), Timing::default());
        assert!(given(&["--min-rto=60s", "--look-each=10ms", "--heartbeat=29s"]).is_ok());
        for words in [
            &["--heartbeat=30s"][..],
            &["--dead-after=9s"],
            &["--min-rto=61s"],
            &["--max-rto=2s"],
            &["--ack-timeout=61s"],
        ] {
            let problem = given(words).expect_err("a contradiction");
            assert!(
                problem.contains("contradict") && problem.contains(&words[0].replace('=', " ")),
                "{problem}"
            );
        }
        let problem = given(&["--look-each=9ms"]).expect_err("too short");
        assert!(problem.contains("at least 10ms"), "{problem}");
    }
}
