//! A trial in steps, for `testbed.gym`.

use std::path::PathBuf;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use testbed::congestion::{Algorithm, script};
use testbed::embed::folders;
use testbed::embed::steps::{self, Seen};
use testbed::time::Duration;
use testbed::units::Rate;

use crate::error::{self, TestbedError};

/// Figures of one step, as `testbed.gym` has them: delivered (Mbit/s), round-trip time, its smallest and its smoothed
/// value (ms), share lost (%), in flight and window (segments), timeouts.
type Observation = (f64, f64, f64, f64, f64, f64, f64, f64);

/// A trial that goes on step by step. A world is one thread's own, and so is this.
#[pyclass(unsendable, module = "testbed")]
pub struct Steps {
    steps: steps::Steps,
    step_s: f64,
    mss: f64,
}

#[pymethods]
impl Steps {
    #[new]
    #[pyo3(signature = (file, text, sets, group, step_s, inner))]
    fn new(
        py: Python<'_>,
        file: PathBuf,
        text: Option<String>,
        mut sets: Vec<String>,
        group: &str,
        step_s: f64,
        inner: Option<String>,
    ) -> PyResult<Steps> {
        if !(1e-6..=86_400.0).contains(&step_s) {
            return Err(PyValueError::new_err(format!("a step of {step_s} s: write seconds, such as 0.01")));
        }
        let is_watched = inner.is_some();
        if let Some(name) = inner {
            if Algorithm::by_name(&name).is_none() && !script::is_named(&name) {
                let words = format!("there is no congestion controller \"{name}\"");
                return Err(PyValueError::new_err(words));
            }
            // As the scenario's own, so that it has its parameters, and the ECN that it needs.
            sets.push(format!("clients.{group}.tcp.congestion={name}"));
        }
        let plan = py.detach(|| folders::plan(&file, text.as_deref(), &sets));
        let (plan, _) = plan.map_err(|problem| error::raised(py, problem))?;
        if plan.cells() > 1 {
            let axes: Vec<&str> = plan.axes.iter().map(|axis| axis.key.as_str()).collect();
            let axes = axes.join(", ");
            return Err(PyValueError::new_err(format!("the scenario varies {axes}: set each to one value")));
        }
        let scenario = plan.scenario(0).map_err(|problem| error::raised(py, problem.into()))?;
        let steps = steps::Steps::new(scenario, group, is_watched, Duration::from_secs_f64(step_s));
        let steps = steps.map_err(PyValueError::new_err)?;
        Ok(Steps { mss: steps.mss() as f64, steps, step_s })
    }

    /// Begins a trial with this seed.
    fn reset(&mut self, seed: u64) -> Observation {
        let seen = self.steps.reset(seed);
        self.observed(seen)
    }

    /// Sets the window in segments, and the pacing rate in Mbit/s, where they are given; goes on for a step. What was
    /// seen of it, and if the trial is over.
    fn step(&mut self, window: Option<f64>, rate_mbit: Option<f64>) -> PyResult<(Observation, bool)> {
        let window = match window {
            None => None,
            Some(segments) if segments.is_finite() => Some((segments.clamp(1.0, 1e6) * self.mss) as u64),
            Some(segments) => return Err(PyValueError::new_err(format!("a window of {segments} segments"))),
        };
        let rate = match rate_mbit {
            None => None,
            Some(mbit) if mbit.is_finite() => {
                Rate::from_bits_per_second((mbit.clamp(1e-3, 1e6) * 1e6) as u64)
            }
            Some(mbit) => return Err(PyValueError::new_err(format!("a rate of {mbit} Mbit/s"))),
        };
        // A step takes microseconds: less than to leave the interpreter and come back.
        let seen = self.steps.step(window, rate).map_err(TestbedError::new_err)?;
        Ok((self.observed(seen), seen.is_over))
    }

    /// Time of the trial that has passed, in seconds.
    #[getter]
    fn now_s(&self) -> f64 {
        self.steps.now().as_secs_f64()
    }

    /// Length of the trial in seconds.
    #[getter]
    fn duration_s(&self) -> f64 {
        self.steps.duration().as_secs_f64()
    }
}

impl Steps {
    fn observed(&self, seen: Seen) -> Observation {
        let all = seen.delivered + seen.lost;
        (
            seen.delivered as f64 * 8e-6 / self.step_s,
            seen.rtt_s * 1e3,
            seen.min_rtt_s * 1e3,
            seen.srtt_s * 1e3,
            if all == 0 { 0.0 } else { 100.0 * seen.lost as f64 / all as f64 },
            seen.flight as f64 / self.mss,
            seen.window as f64 / self.mss,
            f64::from(seen.timeouts),
        )
    }
}
