//! Runs of labs in memory: nothing is written anywhere, so that no key lies in a student's folder.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::cli::memory::share;
use crate::cli::output::{Failure, processors};
use crate::cli::progress::Progress;
use crate::runner::{self, Ending, Finished, Sink};
use crate::scenario::{Plan, Trial};
use crate::tables::{Means, Memory, Results, Study, TrialRow, bottleneck, study};

/// Takes trials into memory.
struct Shelf<'a> {
    study: &'a Study,
    memory: &'a mut Memory,
    bar: &'a Progress<'a>,
    /// First trial whose controller could not go on, in words.
    failed: &'a mut Option<String>,
}

impl Sink<Infallible> for Shelf<'_> {
    fn take(&mut self, finished: Finished) -> Result<(), Infallible> {
        self.bar.advance();
        let Trial { cell, number, seed } = finished.trial;
        let row = TrialRow {
            cell,
            trial: number,
            seed: seed.0,
            outcome: &finished.outcome,
            wall_s: finished.wall_s,
        };
        self.memory.take(self.study, &row).expect("memory refuses nothing");
        Ok(())
    }

    fn fail(&mut self, _: Trial, reason: &str) -> bool {
        self.bar.advance();
        self.failed.get_or_insert(reason.to_owned());
        true
    }
}

/// The results of a plan, by so many threads. Each takes the memory of a processor's share, however many there are.
pub fn in_memory(
    plan: &Plan,
    text: String,
    sets: &[String],
    jobs: usize,
    stop: &AtomicBool,
    quiet: bool,
) -> Result<Results, Failure> {
    let study = study(plan, text, sets.to_vec());
    let bar = Progress::new(plan.name(), plan.every_trial().count() as u64, 0, "trials", quiet);
    let (mut memory, mut failed) = (Memory::of(&study), None);
    let shelf = Shelf { study: &study, memory: &mut memory, bar: &bar, failed: &mut failed };
    let execute = runner::in_virtual_time(share(processors()).0);
    let ending = runner::run(plan, &|_| false, jobs, &execute, stop, shelf);
    bar.finish();
    match ending {
        Ok(Ending::Complete) => {}
        Ok(Ending::Stopped) => return Err(Failure::Interrupted),
        Err(error) => return Err(Failure::other(error, "")),
    }
    if let Some(reason) = failed {
        return Err(Failure::other(reason, "mend the controller"));
    }
    let unread = |error| Failure::other(error, "");
    let mut results = Results::load(Arc::new(memory.clone()), &study).map_err(unread)?;
    bottleneck::settle(&mut [&mut results]).map_err(unread)?;
    let means = Means::of(&results).and_then(|means| means.files(&results)).map_err(unread)?;
    for (name, text) in means {
        *memory.file(Path::new(&name)) = text.into_bytes();
    }
    Results::load(Arc::new(memory), &study).map_err(unread)
}
