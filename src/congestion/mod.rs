//! Congestion control: the policy that students write, which decides how much may be in flight.
//!
//! A controller hears of acknowledgments, losses and timeouts and answers with a window in bytes.
//! It knows no sequence numbers, no links and no clock; the connection owns bytes in flight, loss
//! detection, recovery episodes, retransmission timers and pacing. A new controller is one file
//! here and one line in [`ALGORITHMS`], or a program of its own that [registers](register) it.

mod alpha;
mod bbr;
mod bbr3;
mod cubic;
mod dctcp;
mod fixed;
mod hystart;
mod ledbat;
mod news;
mod none;
mod parameters;
mod path_model;
mod prague;
mod registry;
mod reno;
mod round;
pub mod script;
mod slow_start;
mod tahoe;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod vegas;
mod westwood;

use std::fmt;

pub use crate::facts::{Beliefs, NO_WINDOW, Phase};
pub use hystart::{Advice, Watch};
pub use news::{Ack, Loss, LostSegment, Path, Restart, Sample};
pub use parameters::{Parameter, Parameters, Values};
pub use registry::{algorithms, generation, register, registered, replace};
pub use slow_start::SlowStart;

use crate::rng::Seed;
use crate::time::Instant;
use crate::units::Rate;

/// Use that a controller makes of explicit congestion notification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Marking {
    /// Marks are answered once in a window of data, much as losses are; it goes without as well.
    #[default]
    Classic,
    /// It needs the number of marks ([`Ack::marked`]), and answers losses apart from them (RFC 8257).
    Counted,
    /// The same as an L4S sender, whose data are ECT(1) (RFC 9331); its window grows on after an answer.
    Scalable,
}

/// The congestion controller of one sender. All windows are in bytes.
pub trait CongestionController: fmt::Debug + Send {
    /// The congestion window: how many bytes may be in flight now.
    fn cwnd(&self) -> u64;

    /// An acknowledgment brought news, by SACK too; [`Ack::may_grow`] tells whether a window may grow by it.
    fn on_ack(&mut self, ack: &Ack);

    /// Loss was detected without a timeout: called once per recovery episode (RFC 6582 §3.2).
    fn on_loss(&mut self, loss: &Loss);

    /// A segment was found lost: called for each, after `on_loss` or `on_timeout` and before the `on_ack` of
    /// what told, if the controller [wants](CongestionController::wants_losses) that.
    fn on_lost(&mut self, _now: Instant, _lost: &LostSegment) {}

    /// The retransmission timer expired. `loss.new_episode` is false when the same window's losses
    /// were already answered by `on_loss` or by an earlier timeout.
    fn on_timeout(&mut self, loss: &Loss);

    /// The episode that `on_loss` or `on_timeout` began is over: what was outstanding then is acknowledged.
    fn on_recovered(&mut self, _now: Instant) {}

    /// The use that it makes of ECN, and needs.
    fn marking(&self) -> Marking {
        Marking::Classic
    }

    /// The network marked packets instead of dropping them: at most once per window of data.
    fn on_ecn(&mut self, loss: &Loss) {
        self.on_loss(loss);
    }

    /// The last `on_loss` or `on_timeout` turned out to be unfounded (RFC 5682, RFC 3708).
    fn on_spurious(&mut self) {}

    /// Nothing was sent for longer than a retransmission timeout: what the window once proved no
    /// longer holds, and sending resumes with at most the initial window (RFC 5681 §4.1).
    fn on_idle(&mut self) {}

    /// The same where the window halves for each timeout of the pause instead, down to the initial one at most
    /// (Linux's `tcp_cwnd_restart`); a controller without this way goes the other.
    fn on_decay(&mut self, _timeouts: u32) {
        self.on_idle();
    }

    /// A segment is about to leave with nothing else in the network.
    fn on_restart(&mut self, _restart: Restart) {}

    /// The rate at which the connection must spread its payload; `None` sends as the window opens.
    fn pacing_rate(&self) -> Option<Rate> {
        None
    }

    /// Bytes that may leave at once when paced; at least a segment does.
    fn send_quantum(&self) -> u64 {
        0
    }

    /// True if the window of a recovery episode comes down in proportion (RFC 9937); false if it is the
    /// controller's own throughout.
    fn wants_prr(&self) -> bool {
        true
    }

    /// True if it wants to hear of each lost segment.
    fn wants_losses(&self) -> bool {
        false
    }

    /// True while it sends less than the path bears on purpose, so that rates of delivery say nothing.
    fn holds_back(&self) -> bool {
        false
    }

    /// Reason for which it cannot go on, which ends the trial: of a controller from outside that failed.
    fn failure(&self) -> Option<&str> {
        None
    }

    /// Beliefs about the path, for plots.
    fn beliefs(&self) -> Beliefs {
        Beliefs::default()
    }

    /// Gives each further variable by the name in its specification, for tests and traces: bytes, bytes per
    /// second, counts, and 0 or 1; infinite where there is no bound.
    fn variables(&self, _give: &mut dyn FnMut(&'static str, f64)) {}

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
    Algorithm {
        name: "bbr",
        summary: "BBR v1 as in Linux: sends at the bandwidth it measures, and drains what queues",
        parameters: &[],
        build: |path| Box::new(bbr::Bbr::new(path)),
    },
    Algorithm {
        name: "bbr3",
        summary: "BBR v3 (draft-ietf-ccwg-bbr-06): v1 that heeds loss and leaves room to others",
        parameters: &[],
        build: |path| Box::new(bbr3::Bbr::new(path)),
    },
    Algorithm {
        name: "vegas",
        summary: "Vegas (Brakmo and Peterson 1995) as in Linux: keeps a few segments in the queue, by round-trip times",
        parameters: vegas::PARAMETERS,
        build: |path| Box::new(vegas::Vegas::new(path)),
    },
    Algorithm {
        name: "westwood",
        summary: "Westwood+ (Mascolo and others 2001) as in Linux: Reno that falls to the bandwidth it measures, not to half",
        parameters: &[],
        build: |path| Box::new(westwood::Westwood::new(path)),
    },
    Algorithm {
        name: "dctcp",
        summary: "DCTCP (RFC 8257): Reno whose window falls by half the share of marked data; for a threshold that marks",
        parameters: &[],
        build: |path| Box::new(dctcp::Dctcp::new(path)),
    },
    Algorithm {
        name: "prague",
        summary: "Prague (draft-briscoe-iccrg-prague-congestion-control-04): DCTCP for the Internet, the sender of L4S",
        parameters: prague::PARAMETERS,
        build: |path| Box::new(prague::Prague::new(path)),
    },
    Algorithm {
        name: "ledbat",
        summary: "LEDBAT++ (RFC 6817, draft-irtf-iccrg-ledbat-plus-plus): takes what others leave, and waits no longer than its target",
        parameters: ledbat::PARAMETERS,
        build: |path| Box::new(ledbat::Ledbat::new(path)),
    },
];

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

    /// The algorithm called `name`. One of a script belongs to the plan that names it, and is not found here.
    pub fn by_name(name: &str) -> Option<&'static Algorithm> {
        algorithms().into_iter().find(|algorithm| algorithm.name == name)
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

    /// The use that its controllers make of ECN.
    pub fn marking(&self) -> Marking {
        // Any path will do.
        let path = Path {
            algorithm: self.algorithm,
            mss: 1448,
            initial_window: 14_480,
            sack: true,
            counts_marks: true,
            paced: false,
            carries_growth: false,
            now: Instant::ZERO,
            rtt: None,
            rng: Seed(0).stream("marking"),
            parameters: self.parameters.clone(),
        };
        self.build(path).marking()
    }

    /// Makes the controller of one sender on `path`, with the parameters of this choice.
    pub fn build(&self, path: Path) -> Box<dyn CongestionController> {
        let (algorithm, parameters) = (self.algorithm, self.parameters.clone());
        (algorithm.build)(&Path { algorithm, parameters, ..path })
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
