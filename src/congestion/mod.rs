//! Congestion control: the policy that students write, which decides how much may be in flight.
//!
//! A controller hears of acknowledgments, losses and timeouts and answers with a window in bytes.
//! It knows no sequence numbers, no links and no clock; the connection owns bytes in flight, loss
//! detection, recovery episodes, retransmission timers and pacing. A new controller is one file
//! here and one line in [`ALGORITHMS`], or a program of its own that [registers](register) it.

mod cubic;
mod fixed;
mod none;
mod parameters;
mod reno;
mod slow_start;
mod tahoe;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::OnceLock;

pub use crate::facts::{NO_WINDOW, Phase};
pub use parameters::{Parameter, Parameters, Values};
pub use slow_start::SlowStart;

use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::units::Rate;

/// The congestion controller of one sender. All windows are in bytes.
pub trait CongestionController: fmt::Debug + Send {
    /// The congestion window: how many bytes may be in flight now.
    fn cwnd(&self) -> u64;

    /// New data was acknowledged; `ack.in_recovery` tells whether lost data is being repaired.
    fn on_ack(&mut self, ack: &Ack);

    /// Loss was detected without a timeout: called once per recovery episode (RFC 6582 §3.2).
    fn on_loss(&mut self, loss: &Loss);

    /// The retransmission timer expired. `loss.new_episode` is false when the same window's losses
    /// were already answered by `on_loss` or by an earlier timeout.
    fn on_timeout(&mut self, loss: &Loss);

    /// The network marked packets instead of dropping them: at most once per window of data.
    fn on_ecn(&mut self, loss: &Loss) {
        self.on_loss(loss);
    }

    /// The last `on_loss` or `on_timeout` turned out to be unfounded (RFC 5682, RFC 3708).
    fn on_spurious(&mut self) {}

    /// Nothing was sent for longer than a retransmission timeout: what the window once proved no
    /// longer holds, and sending resumes with at most the initial window (RFC 5681 §4.1).
    fn on_idle(&mut self) {}

    /// The rate at which the connection must spread its packets; `None` sends as the window opens.
    fn pacing_rate(&self) -> Option<Rate> {
        None
    }

    /// The slow start threshold, if there is one, for plots.
    fn ssthresh(&self) -> Option<u64> {
        None
    }

    /// Phase of the controller, for plots.
    fn phase(&self) -> Phase {
        match self.ssthresh() {
            Some(threshold) if self.cwnd() < threshold => Phase::SlowStart,
            Some(_) => Phase::CongestionAvoidance,
            None => Phase::Steady,
        }
    }
}

/// Facts that a controller learns from an acknowledgment of new data.
#[derive(Clone, Debug)]
pub struct Ack {
    /// Time of its arrival.
    pub now: Instant,
    /// Bytes newly acknowledged or, with byte counting off, at most one segment (RFC 3465).
    pub bytes: u64,
    /// Bytes in flight before this acknowledgment.
    pub flight: u64,
    /// The round-trip time it measured, if it measured one.
    pub rtt: Option<Duration>,
    /// The smoothed round-trip time (RFC 6298).
    pub srtt: Duration,
    /// The smallest round-trip time seen.
    pub min_rtt: Duration,
    /// Bytes delivered around the flight of the newest segment acknowledged, and the time that
    /// took; see [`Ack::delivery_rate`].
    pub delivered: Option<(u64, Duration)>,
    /// True if the window was not full: the application or the receiver's window held data back,
    /// so the path proved nothing about a larger window (RFC 7661).
    pub app_limited: bool,
    /// True if it arrived within a recovery episode, or in the window of data after a mark was answered.
    pub in_recovery: bool,
}

impl Ack {
    /// Rate at which the path delivered data over the last round trip, if that is known.
    pub fn delivery_rate(&self) -> Option<Rate> {
        let (bytes, time) = self.delivered?;
        let nanos = time.as_nanos();
        if nanos == 0 {
            return None;
        }
        Rate::from_bits_per_second((u128::from(bytes) * 8_000_000_000 / u128::from(nanos)) as u64)
    }
}

/// Facts that a controller learns of a loss.
#[derive(Clone, Debug)]
pub struct Loss {
    /// Time of its detection.
    pub now: Instant,
    /// Bytes found lost.
    pub bytes: u64,
    /// Bytes in flight just before: `FlightSize` of RFC 5681.
    pub flight: u64,
    /// True if this starts a new episode: data sent since the last reduction was lost.
    pub new_episode: bool,
}

/// Facts about the path from which a controller is built.
#[derive(Clone, Debug)]
pub struct Path {
    /// Maximum segment size in bytes.
    pub mss: u64,
    /// The initial window in bytes (RFC 6928).
    pub initial_window: u64,
    /// A random stream of its own.
    pub rng: Rng,
    /// Parameters that the scenario set for it.
    pub parameters: Parameters,
}

/// One line of the table of controllers.
pub struct Algorithm {
    /// Name in scenario files.
    pub name: &'static str,
    /// One sentence for `testbed list`.
    pub summary: &'static str,
    /// Parameters that `[congestion.<name>]` may set.
    pub parameters: &'static [Parameter],
    /// Makes one.
    pub build: fn(&Path) -> Box<dyn CongestionController>,
}

/// A controller with its parameters: what a scenario chose.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The line of the table.
    pub algorithm: &'static Algorithm,
    /// The values of its parameters.
    pub parameters: Parameters,
}

/// Every controller that comes with the program. To add yours, add a file and a line.
pub static ALGORITHMS: &[Algorithm] = &[
    Algorithm {
        name: "none",
        summary: "no congestion control: only the receiver's window limits the sender",
        parameters: &[],
        build: |_| Box::new(none::Unlimited),
    },
    Algorithm {
        name: "fixed",
        summary: "a constant window, whatever happens",
        parameters: fixed::PARAMETERS,
        build: |path| Box::new(fixed::Fixed::new(path)),
    },
    Algorithm {
        name: "tahoe",
        summary: "Tahoe (Jacobson 1988): every loss restarts slow start from one segment",
        parameters: &[],
        build: |path| Box::new(tahoe::Tahoe::new(path)),
    },
    Algorithm {
        name: "reno",
        summary: "Reno (RFC 5681): additive increase, multiplicative decrease by half",
        parameters: reno::PARAMETERS,
        build: |path| Box::new(reno::Reno::new(path)),
    },
    Algorithm {
        name: "cubic",
        summary: "CUBIC (RFC 9438): growth as a cubic function of the time since the last loss",
        parameters: cubic::PARAMETERS,
        build: cubic::build,
    },
];

/// Controllers from outside. Set once, before the first scenario is read: which names a scenario may use
/// is a property of the program, like [`ALGORITHMS`].
static REGISTERED: OnceLock<Vec<&'static Algorithm>> = OnceLock::new();

/// Makes controllers of other programs known by name. An error names one whose name is taken, or says
/// that this was done before.
pub fn register(algorithms: Vec<&'static Algorithm>) -> Result<(), String> {
    for (at, algorithm) in algorithms.iter().enumerate() {
        let mut others = ALGORITHMS.iter().chain(algorithms[..at].iter().copied());
        if others.any(|other| other.name == algorithm.name) {
            return Err(format!("there are two congestion controllers \"{}\"", algorithm.name));
        }
        algorithm.check()?;
    }
    REGISTERED.set(algorithms).map_err(|_| "controllers can be registered once only".to_owned())
}

/// The controllers from outside.
pub fn registered() -> &'static [&'static Algorithm] {
    REGISTERED.get().map_or(&[], Vec::as_slice)
}

/// All controllers, those from outside last.
pub fn algorithms() -> impl Iterator<Item = &'static Algorithm> {
    ALGORITHMS.iter().chain(registered().iter().copied())
}

impl Algorithm {
    /// An error if scenarios cannot name it or set its parameters.
    fn check(&self) -> Result<(), String> {
        let is_plain = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
        };
        let mut names =
            std::iter::once(self.name).chain(self.parameters.iter().map(|parameter| parameter.name));
        if let Some(name) = names.find(|name| !is_plain(name)) {
            return Err(format!(
                "a controller or parameter is called \"{name}\": use letters, digits, _ and -"
            ));
        }
        match self.parameters.iter().find(|parameter| !parameter.is_sound()) {
            Some(parameter) => {
                Err(format!("the default of {}.{} is none of its values", self.name, parameter.name))
            }
            None => Ok(()),
        }
    }

    /// The algorithm called `name`.
    pub fn by_name(name: &str) -> Option<&'static Algorithm> {
        algorithms().find(|algorithm| algorithm.name == name)
    }

    /// This algorithm with its default parameters.
    pub fn with_defaults(&'static self) -> Choice {
        Choice { algorithm: self, parameters: Parameters::defaults(self.parameters) }
    }
}

impl Choice {
    /// The algorithm called `name` with its defaults. Panics on an unknown name: for names that
    /// come from users, ask [`Algorithm::by_name`].
    pub fn named(name: &str) -> Choice {
        Algorithm::by_name(name).expect("a controller in the table").with_defaults()
    }

    /// Makes the controller of one sender.
    pub fn build(&self, mss: u64, initial_window: u64, rng: Rng) -> Box<dyn CongestionController> {
        let path = Path { mss, initial_window, rng, parameters: self.parameters.clone() };
        (self.algorithm.build)(&path)
    }
}

impl PartialEq for Algorithm {
    fn eq(&self, other: &Algorithm) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
