//! Runs the trials of a plan on several threads and hands the outcomes on in trial order. It knows
//! no file formats; the order of the outcomes does not depend on the number of threads.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, mpsc};
use std::time::Instant as WallClock;

use cpu_time::ThreadTime;

use crate::engine::Halt;
use crate::facts::Outcome;
use crate::scenario::{Plan, Scenario, ScenarioError, Trial, build};

/// Trials that may run ahead of the one that is handed on next, for each thread: a waiting trial
/// keeps its series in memory.
const AHEAD: usize = 2;

/// Interval at which a waiting thread looks whether the run still goes on.
const MOMENT: std::time::Duration = std::time::Duration::from_millis(100);

/// Time for which [`pace`] tries a cell.
const TRIAL_RUN: std::time::Duration = std::time::Duration::from_millis(250);

/// A finished trial.
#[derive(Debug)]
pub struct Finished {
    /// Cell, number and seed of the trial.
    pub trial: Trial,
    /// Outcome of the trial.
    pub outcome: Outcome,
    /// Wall time in seconds.
    pub wall_s: f64,
}

/// Function that runs a trial: its outcome, or `None` if it was abandoned because the last argument, asked
/// now and then, said no.
pub type Execute =
    dyn Fn(&Arc<Scenario>, Trial, &mut dyn FnMut() -> bool) -> Result<Option<Outcome>, Hitch> + Sync;

/// Reason for which a trial could not be run to its end.
#[derive(Debug)]
pub enum Hitch {
    /// The system did not let it.
    System(io::Error),
    /// Its world cannot go on.
    Halted(Halt),
}

impl From<io::Error> for Hitch {
    fn from(error: io::Error) -> Hitch {
        Hitch::System(error)
    }
}

/// Something that an interpreter around this library does before and after each trial on the trial's thread. It hands
/// over a call that the trial makes every thousand events or so, where it can let others have their turn.
pub type Surround = fn(&Scenario, &mut dyn FnMut(&dyn Fn()));

static SURROUND: OnceLock<Surround> = OnceLock::new();

/// From now on trials are surrounded so; the first that is said stays.
pub fn surround(surround: Surround) {
    let _ = SURROUND.set(surround);
}

/// Runs a trial so.
pub fn surrounded<T>(scenario: &Scenario, run: impl FnOnce(&dyn Fn()) -> T) -> T {
    let Some(surround) = SURROUND.get() else { return run(&|| {}) };
    let (mut run, mut result) = (Some(run), None);
    surround(scenario, &mut |pause| result = run.take().map(|run| run(pause)));
    result.expect("what surrounds a trial runs it")
}

/// Runs trials in virtual time, each with at most about `memory` bytes.
pub fn in_virtual_time(
    memory: u64,
) -> impl Fn(&Arc<Scenario>, Trial, &mut dyn FnMut() -> bool) -> Result<Option<Outcome>, Hitch> + Sync {
    move |scenario, trial, go_on| {
        let result = surrounded(scenario, |pause| {
            let mut world = build(scenario, trial);
            world.limit_memory(memory);
            world.run(&mut || {
                pause();
                go_on()
            })
        });
        match result {
            Ok(outcome) => Ok(Some(outcome)),
            Err(Halt::Abandoned) => Ok(None),
            Err(halt) => Err(Hitch::Halted(halt)),
        }
    }
}

/// Prediction about a trial from a moment of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Pace {
    /// Wall seconds that it takes about.
    Seconds(f64),
    /// It fills the memory it may take, with what.
    Fills(String),
    /// Nothing: no time passed in it.
    Unknown,
}

/// Tries a moment of the first trial of a cell, which may fill so many bytes with what it sends.
pub fn pace(plan: &Plan, cell: usize, memory: u64) -> Pace {
    let Ok(scenario) = plan.scenario(cell).map(Arc::new) else { return Pace::Unknown };
    let tried = catch_unwind(AssertUnwindSafe(|| match moment(&scenario, plan.trial(cell, 0), memory) {
        (Err(Halt::Exhausted(what)), _) if what.grows => Pace::Fills(what.to_string()),
        // Many connections are no sign of growth.
        (Err(Halt::Exhausted(_)), _) => moment(&scenario, plan.trial(cell, 0), u64::MAX).1,
        (_, pace) => pace,
    }));
    // A panic here is a bug that the run itself reports.
    tried.unwrap_or(Pace::Unknown)
}

/// In CPU time, so that what else runs on the machine shortens no moment.
fn moment(scenario: &Arc<Scenario>, trial: Trial, memory: u64) -> (Result<Outcome, Halt>, Pace) {
    let started = ThreadTime::now();
    let mut world = build(scenario, trial);
    world.limit_memory(memory);
    let result = world.run(&mut || started.elapsed() < TRIAL_RUN);
    let share =
        if result.is_ok() { 1.0 } else { world.now().as_secs_f64() / scenario.duration.as_secs_f64() };
    let pace =
        if share > 0.0 { Pace::Seconds(started.elapsed().as_secs_f64() / share) } else { Pace::Unknown };
    (result, pace)
}

/// Receiver of the trials of a run, on the thread that called [`run`].
pub trait Sink<E> {
    /// Takes a finished trial. An error ends the run.
    fn take(&mut self, finished: Finished) -> Result<(), E>;

    /// Hears of a trial whose controller could not go on, and why: true if the others go on without it.
    fn fail(&mut self, _trial: Trial, _reason: &str) -> bool {
        false
    }

    /// Called several times a second while nothing finishes: whether a trial could be taken. An error
    /// ends the run.
    fn watch(&mut self) -> Result<(), E> {
        Ok(())
    }
}

impl<E, F: FnMut(Finished) -> Result<(), E>> Sink<E> for F {
    fn take(&mut self, finished: Finished) -> Result<(), E> {
        self(finished)
    }
}

/// Reason for which a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum RunError<E> {
    /// The sink refused a trial.
    #[error("{0}")]
    Sink(E),
    /// A cell that was not validated beforehand is impossible.
    #[error("{0}")]
    Scenario(Box<ScenarioError>),
    /// The system did not let any thread start.
    #[error("cannot start a thread: {0}")]
    Threads(io::Error),
    /// The system did not let a trial run.
    #[error("cell {}, trial {}: {error}", .trial.cell, .trial.number)]
    System {
        /// The trial.
        trial: Trial,
        /// Error of the system.
        error: io::Error,
    },
    /// Time does not pass in a trial.
    #[error("cell {}, trial {}: {halt}", .trial.cell, .trial.number)]
    Halted {
        /// The trial.
        trial: Trial,
        /// Reason of the halt.
        halt: Halt,
    },
    /// The program broke one of its own rules.
    #[error(
        "cell {}, trial {} (seed {}) broke a rule of the program itself: {message}",
        .trial.cell, .trial.number, .trial.seed.0
    )]
    Bug {
        /// The trial.
        trial: Trial,
        /// Message of the panic.
        message: String,
    },
}

/// End of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All trials were handed on.
    Complete,
    /// `stop` was set; what had finished in order was handed on.
    Stopped,
}

/// Runs all trials of `plan` but those that are `skipped` (cell, number) on `jobs` threads, each by `execute`.
/// `sink` receives them in the order of cells and numbers, on the calling thread. Set `stop` to end
/// early. Where the system allows fewer threads, fewer do all the work.
pub fn run<E>(
    plan: &Plan,
    skipped: &(dyn Fn((usize, u32)) -> bool + Sync),
    jobs: usize,
    execute: &Execute,
    stop: &AtomicBool,
    mut sink: impl Sink<E>,
) -> Result<Ending, RunError<E>> {
    let todo = || plan.every_trial().filter(|trial| !skipped(*trial));
    // A thread without a trial would only take memory; one there is, and it may run ahead.
    let jobs = todo().take(jobs.max(1)).count();
    let board = Board {
        state: Mutex::new(State { todo: todo().enumerate(), handed_on: 0 }),
        moved: Condvar::new(),
        ahead: jobs * AHEAD,
        stop,
        given_up: AtomicBool::new(false),
    };
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for started in 0..jobs.max(1) {
            let (board, sender) = (&board, sender.clone());
            let thread = std::thread::Builder::new().spawn_scoped(scope, move || {
                while let Some((place, (cell, number))) = board.take() {
                    let result = run_trial(plan, plan.trial(cell, number), execute, || board.goes_on());
                    if sender.send((place, result)).is_err() {
                        break;
                    }
                }
            });
            match thread {
                Ok(_) => {}
                Err(error) if started == 0 => return Err(RunError::Threads(error)),
                Err(_) => break,
            }
        }
        drop(sender);
        let result = hand_on(&receiver, &board, &mut sink);
        board.give_up();
        result
    })
}

type Attempt = Result<Option<Finished>, Failure>;

enum Failure {
    Scenario(Box<ScenarioError>),
    Hitch(Trial, Hitch),
    Bug(Trial, String),
}

fn hand_on<E, I>(
    receiver: &mpsc::Receiver<(usize, Attempt)>,
    board: &Board<'_, I>,
    sink: &mut impl Sink<E>,
) -> Result<Ending, RunError<E>> {
    let mut waiting: BTreeMap<usize, Option<Finished>> = BTreeMap::new();
    let mut next = 0;
    let mut abandoned = false;
    loop {
        let (place, attempt) = match receiver.recv_timeout(MOMENT) {
            Ok(attempt) => attempt,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                sink.watch().map_err(RunError::Sink)?;
                continue;
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        };
        match attempt {
            Ok(Some(finished)) => {
                waiting.insert(place, Some(finished));
            }
            Err(Failure::Hitch(trial, Hitch::Halted(Halt::Controller(reason))))
                if sink.fail(trial, &reason) =>
            {
                waiting.insert(place, None);
            }
            Ok(None) => abandoned = true,
            Err(Failure::Scenario(error)) => return Err(RunError::Scenario(error)),
            Err(Failure::Hitch(trial, Hitch::System(error))) => {
                return Err(RunError::System { trial, error });
            }
            Err(Failure::Hitch(trial, Hitch::Halted(halt))) => return Err(RunError::Halted { trial, halt }),
            Err(Failure::Bug(trial, message)) => return Err(RunError::Bug { trial, message }),
        }
        while let Some(finished) = waiting.remove(&next) {
            if let Some(finished) = finished {
                sink.take(finished).map_err(RunError::Sink)?;
            }
            next += 1;
            board.hand_on(next);
        }
    }
    let stopped = abandoned || board.stop.load(Ordering::Relaxed);
    Ok(if stopped { Ending::Stopped } else { Ending::Complete })
}

/// Runs one trial; `None` if it was abandoned.
#[expect(clippy::disallowed_methods, reason = "`wall_s` is how long a trial took here")]
fn run_trial(plan: &Plan, trial: Trial, execute: &Execute, mut go_on: impl FnMut() -> bool) -> Attempt {
    let started = WallClock::now();
    let scenario = plan.scenario(trial.cell).map_err(|error| Failure::Scenario(Box::new(error)))?;
    let scenario = Arc::new(scenario);
    let run = || execute(&scenario, trial, &mut go_on);
    let result = catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Failure::Bug(trial, message.unwrap_or_else(|| "unknown".to_owned()))
    })?;
    let outcome = result.map_err(|hitch| Failure::Hitch(trial, hitch))?;
    let wall_s = started.elapsed().as_secs_f64();
    Ok(outcome.map(|outcome| Finished { trial, outcome, wall_s }))
}

/// State that the threads share: the list of trials, and how far they may run ahead.
struct Board<'a, I> {
    state: Mutex<State<I>>,
    moved: Condvar,
    ahead: usize,
    stop: &'a AtomicBool,
    given_up: AtomicBool,
}

struct State<I> {
    todo: I,
    handed_on: usize,
}

impl<I> Board<'_, I> {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed) && !self.given_up.load(Ordering::Relaxed)
    }

    /// The first `next` trials have been handed on.
    fn hand_on(&self, next: usize) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).handed_on = next;
        self.moved.notify_all();
    }

    fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
        self.moved.notify_all();
    }
}

impl<I: Iterator<Item = (usize, (usize, u32))>> Board<'_, I> {
    /// The next trial with its place in the order; waits while too many wait to be handed on.
    fn take(&self) -> Option<(usize, (usize, u32))> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.goes_on() {
            return None;
        }
        let taken = state.todo.next()?;
        while self.goes_on() && taken.0 >= state.handed_on + self.ahead {
            // The time-out is for a stop that nobody announces.
            state = self.moved.wait_timeout(state, MOMENT).unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = r#"
duration = "1s"
trials = 2
link.wire.delay = "20ms"
[[clients]]
name = "upload"
path = ["wire"]
app = { kind = "bulk" }
"#;

    #[test]
    fn without_a_thread_there_is_one() {
        let plan = Plan::parse("two.toml", TWO, &[]).expect("a sound scenario");
        let (stop, mut taken) = (AtomicBool::new(false), 0);
        let take = |_: Finished| -> Result<(), io::Error> {
            taken += 1;
            Ok(())
        };
        let ending = run(&plan, &|_| false, 0, &in_virtual_time(64 << 20), &stop, take);
        assert!(matches!(ending, Ok(Ending::Complete)), "{ending:?}");
        assert_eq!(taken, 2);
    }
}
