//! A scenario with what was set from outside, ready to be run trial by trial.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use serde::Deserialize;

use super::trouble::{Trouble, troubles};
use crate::engine::World;
use crate::facts::Outcome;
use crate::scenario::{Plan, RecordTrials, Scenario, ScenarioError, Trial, build, written_in};
use crate::time::{Duration, Instant};

/// Memory that a trial may fill.
pub(super) const MEMORY: u64 = 512 << 20;

/// Texts that make an experiment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Texts {
    /// Name of the scenario's file.
    pub file: String,
    /// Its text.
    pub text: String,
    /// Keys set as by `--set`, in order.
    pub sets: Vec<String>,
    /// Texts of the files that it names.
    pub files: BTreeMap<String, String>,
}

/// An experiment.
#[derive(Debug)]
pub struct Lab {
    pub(super) plan: Plan,
    texts: Texts,
}

impl Lab {
    /// Reads the texts of an experiment. The error holds everything that is wrong.
    pub fn open(texts: Texts) -> Result<Lab, Vec<Trouble>> {
        let Texts { file, text, sets, files } = &texts;
        match Plan::parse_with(file, text, sets, &mut |name| loaded(files, name)) {
            Ok(plan) => Ok(Lab { plan, texts }),
            Err(error) => Err(troubles(&error.texts, &error.problems)),
        }
    }

    /// The plan of the experiment.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The scenario's text with what was set written into it; nothing where that found no place.
    pub fn written(&self) -> Option<String> {
        let Texts { file, text, sets, files } = &self.texts;
        if sets.is_empty() {
            return Some(text.clone());
        }
        written_in(file, text, sets, &mut |name| loaded(files, name))
    }

    /// Runs a trial, exactly as the command line does. Words say why it could not be.
    pub fn run(&self, cell: usize, number: u32) -> Result<Outcome, String> {
        finish(self.world(cell, number, &|_| ())?)
    }

    /// Runs a trial and keeps a sample at each `interval`, which changes nothing but the number of events.
    pub(super) fn observe(&self, cell: usize, number: u32, interval: Duration) -> Result<Outcome, String> {
        finish(self.world(cell, number, &|scenario| sample(scenario, interval))?)
    }

    /// Runs a trial to a time and keeps samples as [`observe`](Lab::observe) does.
    pub(super) fn begin(
        &self,
        cell: usize,
        number: u32,
        interval: Duration,
        until: Duration,
    ) -> Result<Outcome, String> {
        let mut world = self.world(cell, number, &|scenario| {
            sample(scenario, interval);
            // A measurement from a later time on would not be there yet.
            scenario.warmup = Duration::ZERO;
        })?;
        world.limit_memory(MEMORY);
        world.advance(Instant::ZERO.saturating_add(until));
        if let Some(halt) = world.halted() {
            return Err(halt.to_string());
        }
        let mut outcome = world.measurement();
        world.conclude(&mut outcome);
        Ok(outcome)
    }

    /// The world of a trial at its start, of a scenario that is altered before.
    pub(super) fn world(
        &self,
        cell: usize,
        number: u32,
        alter: &dyn Fn(&mut Scenario),
    ) -> Result<World, String> {
        if cell >= self.plan.cells() || number >= self.plan.trials() {
            return Err(format!("there is no trial {number} of cell {cell}"));
        }
        let mut scenario = self.scenario(cell).map_err(|error| error.render(false))?;
        // Captures would fill memory, and no picture or table shows them.
        scenario.record.pcap.clear();
        scenario.record.qlog = false;
        alter(&mut scenario);
        Ok(build(&Arc::new(scenario), self.trial(cell, number)))
    }

    /// The scenario of a cell.
    pub fn scenario(&self, cell: usize) -> Result<Scenario, ScenarioError> {
        self.plan.scenario(cell)
    }

    /// A trial of a cell, with its seed.
    pub fn trial(&self, cell: usize, number: u32) -> Trial {
        self.plan.trial(cell, number)
    }
}

fn sample(scenario: &mut Scenario, interval: Duration) {
    scenario.record.interval = interval;
    scenario.record.trials = RecordTrials::All;
}

fn finish(mut world: World) -> Result<Outcome, String> {
    world.limit_memory(MEMORY);
    world.run(&mut || true).map_err(|halt| halt.to_string())
}

fn loaded(files: &BTreeMap<String, String>, name: &str) -> io::Result<Vec<u8>> {
    files.get(name).map(|text| text.clone().into_bytes()).ok_or_else(|| io::ErrorKind::NotFound.into())
}
