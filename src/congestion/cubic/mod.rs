//! CUBIC (RFC 9438): after a loss the window grows as a cubic function of time, fast towards the
//! window of the last loss, slowly around it, faster beyond; and never slower than Reno would.
//!
//! Two forms: `linux` counts whole segments as Linux does, which makes a period about a third shorter
//! than the formulas say; `rfc9438` has the formulas.

mod linux;
mod rfc9438;

use super::{CongestionController, Parameter, Path, Values, Watch, hystart};

pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "beta",
        default: 0.7,
        values: Values::Range(0.1, 0.95),
        summary: "what remains of the window after a loss (RFC 9438 §4.6)",
    },
    Parameter {
        name: "ecn_beta",
        default: 0.7,
        values: Values::Range(0.1, 0.95),
        summary: "the same after a mark; 0.85 in RFC 8511",
    },
    Parameter {
        name: "c",
        default: 0.4,
        values: Values::Range(0.01, 10.0),
        summary: "how steeply the window grows, in segments per second cubed (RFC 9438 §5)",
    },
    Parameter {
        name: "fast_convergence",
        default: 1.0,
        values: Values::Range(0.0, 1.0),
        summary: "1 gives way to new flows after two losses in a row (RFC 9438 §4.7), 0 does not",
    },
    Parameter {
        name: "reno_increase",
        default: 0.0,
        values: Values::Range(0.0, 1.0),
        summary: "1 grows like Reno above the window of the last loss (RFC 9438 §4.3), 0 does not; needs rfc9438",
    },
    Parameter {
        name: "arithmetic",
        default: 0.0,
        values: Values::Words(&["linux", "rfc9438"]),
        summary: "whole segments as Linux counts them, or the real numbers of RFC 9438",
    },
    hystart::parameter(1),
];

/// The parameters with their meanings, and the path's sizes in bytes.
#[derive(Debug)]
struct Settings {
    mss: u64,
    initial_window: u64,
    beta: f64,
    ecn_beta: f64,
    c: f64,
    fast_convergence: bool,
    reno_increase: bool,
    carries: bool,
    watch: Watch,
}

pub(super) fn build(path: &Path) -> Box<dyn CongestionController> {
    let settings = Settings::new(path);
    match path.parameters.word("arithmetic") {
        "rfc9438" => Box::new(rfc9438::Cubic::new(&settings)),
        _ => Box::new(linux::Cubic::new(&settings)),
    }
}

impl Settings {
    fn new(path: &Path) -> Settings {
        Settings {
            mss: path.mss,
            initial_window: path.initial_window,
            beta: path.parameters.number("beta"),
            ecn_beta: path.parameters.number("ecn_beta"),
            c: path.parameters.number("c"),
            fast_convergence: path.parameters.is_on("fast_convergence"),
            reno_increase: path.parameters.is_on("reno_increase"),
            carries: path.carries_growth,
            watch: Watch::of(path),
        }
    }
}

#[cfg(test)]
mod testing {
    use super::super::Parameters;
    use super::super::testing::path;
    use super::*;

    /// Segments of 1000 bytes, ten of them to begin with, and the parameters' defaults.
    pub fn settings() -> Settings {
        Settings::new(&Path { parameters: Parameters::defaults(PARAMETERS), ..path() })
    }
}
