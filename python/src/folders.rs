//! Runs, result folders, figures, and the command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use testbed::embed::folders::{self, Findings, Order, PlotSpec};

use crate::{error, watchdog};

/// Interval at which a run looks for Ctrl-C and shows its progress.
const MOMENT: Duration = Duration::from_millis(50);

/// The command line with these arguments, the program's name first; its exit code. `program` begins it in a process
/// of its own.
#[pyfunction]
#[pyo3(name = "_command")]
pub fn command(py: Python<'_>, program: Vec<OsString>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| folders::command(program, arguments))
}

/// Runs a scenario, from its file or from a text, into a folder. `tell` is called with the trials that are done and
/// all of them.
#[pyfunction]
#[pyo3(name = "_run")]
#[pyo3(signature = (file, text, sets, out, jobs, memory, pictures, force, program, tell))]
#[expect(clippy::too_many_arguments, reason = "each is an argument of testbed.run")]
pub fn run<'py>(
    py: Python<'py>,
    file: PathBuf,
    text: Option<String>,
    sets: Vec<String>,
    out: PathBuf,
    jobs: Option<u16>,
    memory: Option<u64>,
    pictures: bool,
    force: bool,
    program: Option<(String, String)>,
    tell: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let order = Order { file, text, sets, out, jobs, memory, pictures, force, program };
    let (stop, done, all) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let count = |now, total| {
        all.store(total, Ordering::Relaxed);
        done.store(now, Ordering::Relaxed);
    };
    let (sender, receiver) = mpsc::channel();
    // Nobody else waits at it, which the compiler cannot know.
    let receiver = Mutex::new(receiver);
    let wait = |span| receiver.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(span);
    let mut shown = None;
    let mut show = |py: Python<'_>| -> PyResult<()> {
        let now = (done.load(Ordering::Relaxed), all.load(Ordering::Relaxed));
        match &tell {
            Some(tell) if now.1 > 0 && shown.replace(now) != Some(now) => tell.call1(py, now).map(drop),
            _ => Ok(()),
        }
    };
    // The thread that was asked stays with Python: signals are handled there and nowhere else.
    let (order, halt, count) = (&order, &stop, &count);
    let result = std::thread::scope(|scope| {
        // The thread owns the sender, which goes with it even if it panics.
        let worker = scope.spawn(move || {
            let _ = sender.send(folders::run(order, halt, count));
        });
        let result = loop {
            // A sender is gone without a word only by a mistake of ours, which has said so itself.
            match py.detach(|| wait(MOMENT)) {
                Ok(result) => break Ok(result),
                Err(mpsc::RecvTimeoutError::Disconnected) => break Err(None),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            if let Err(raised) = py.check_signals().and_then(|()| show(py)) {
                stop.store(true, Ordering::Relaxed);
                watchdog::interrupt(true);
                while matches!(py.detach(|| wait(MOMENT)), Err(mpsc::RecvTimeoutError::Timeout)) {
                    // Impatience: the run is ending already.
                    let _ = py.check_signals();
                }
                watchdog::interrupt(false);
                break Err(Some(raised));
            }
        };
        // Its panic is not ours: the answer says what is to be said.
        let _ = py.detach(|| worker.join());
        result
    });
    match result {
        Ok(result) => {
            show(py)?;
            said(py, result.map_err(|problem| error::raised(py, problem))?)
        }
        Err(Some(raised)) => Err(raised),
        Err(None) => Err(error::TestbedError::new_err("the run ended without a word: please report this")),
    }
}

/// Findings of a result folder.
#[pyfunction]
#[pyo3(name = "_read")]
pub fn read(py: Python<'_>, dir: PathBuf) -> PyResult<Bound<'_, PyDict>> {
    let findings = py.detach(|| folders::read(&dir));
    said(py, findings.map_err(|problem| error::raised(py, problem))?)
}

/// A figure of a result folder as SVG.
#[pyfunction]
#[pyo3(name = "_draw")]
#[pyo3(signature = (dir, figure, cells, flows, groups, from_s, to_s, x, y, by, width_cm, font_pt))]
#[expect(clippy::too_many_arguments, reason = "each is an argument of Results.plot")]
pub fn draw(
    py: Python<'_>,
    dir: PathBuf,
    figure: String,
    cells: Vec<String>,
    flows: Vec<String>,
    groups: Vec<String>,
    from_s: Option<f64>,
    to_s: Option<f64>,
    x: Option<String>,
    y: Vec<String>,
    by: Option<String>,
    width_cm: Option<f64>,
    font_pt: Option<f64>,
) -> PyResult<String> {
    let span = |seconds: f64| testbed::time::Duration::from_secs_f64(seconds);
    let spec = PlotSpec {
        figure,
        cells,
        flows,
        groups,
        from: from_s.map(span),
        to: to_s.map(span),
        x,
        y,
        by,
        width: width_cm,
        font: font_pt,
        ..PlotSpec::default()
    };
    py.detach(|| folders::draw(&dir, &spec)).map_err(|problem| error::raised(py, problem))
}

/// A comparison of result folders, and its doubts.
#[pyfunction]
#[pyo3(name = "_compare")]
#[pyo3(signature = (dirs, paired, form))]
pub fn compare(
    py: Python<'_>,
    dirs: Vec<PathBuf>,
    paired: Option<String>,
    form: String,
) -> PyResult<(String, Vec<String>)> {
    let compared = py.detach(|| folders::compare(&dirs, paired.as_deref(), &form));
    compared.map_err(|problem| error::raised(py, problem))
}

fn said(py: Python<'_>, findings: Findings) -> PyResult<Bound<'_, PyDict>> {
    let Findings { table, verdict, claims, warnings, failed } = findings;
    let dict = PyDict::new(py);
    dict.set_item("table", table)?;
    dict.set_item("verdict", verdict)?;
    dict.set_item("claims", claims)?;
    dict.set_item("warnings", warnings)?;
    dict.set_item("failed", failed)?;
    Ok(dict)
}
