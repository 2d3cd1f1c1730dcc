//! Controllers that are classes in Python. The engine hears of them what it hears of any other; an exception, a
//! window that is none, or a call without end becomes a failure, which ends the trial alone.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use testbed::congestion::{
    self, Ack, Algorithm, CongestionController, Loss, Parameter, Path, Values, script,
};
use testbed::embed::folders::surround;
use testbed::units::Rate;

use crate::watchdog::limited;
use crate::{error, news, number};

/// Classes by the address of the algorithm that stands for them, which lives as long as the program.
static CLASSES: RwLock<Option<HashMap<usize, Arc<Class>>>> = RwLock::new(None);

/// A class of controllers.
#[derive(Debug)]
struct Class {
    class: Py<PyAny>,
    /// Parameters that a scenario may set, and if each is a whole number.
    parameters: Vec<(&'static str, bool)>,
    /// File with its source.
    file: String,
    /// Limit of a call in milliseconds.
    limit_ms: u64,
}

/// Makes a class known by name. `about` is one sentence for `testbed list`; `parameters` are the names and defaults
/// of its keyword arguments.
#[pyfunction]
#[pyo3(name = "_register")]
#[pyo3(signature = (name, class, about, parameters, file, call_limit_s))]
pub fn register(
    name: String,
    class: Py<PyAny>,
    about: String,
    parameters: Vec<(String, f64, bool)>,
    file: String,
    call_limit_s: f64,
) -> PyResult<()> {
    let algorithm = adopt(name, class, about, parameters, file, call_limit_s);
    congestion::replace(algorithm).map_err(PyValueError::new_err)
}

/// An algorithm that stands for a class. Results hold its name for ever, and a scenario that was read before a class
/// was defined again still means the first; so neither is ever freed, nor the class, nor what the class holds: a
/// class for each time that one is defined or a script is read.
fn adopt(
    name: String,
    class: Py<PyAny>,
    about: String,
    parameters: Vec<(String, f64, bool)>,
    file: String,
    call_limit_s: f64,
) -> &'static Algorithm {
    let declared: Vec<Parameter> = parameters
        .iter()
        .map(|(name, default, _)| Parameter {
            name: name.clone().leak(),
            default: *default,
            values: Values::Range(f64::MIN, f64::MAX),
            summary: "an argument of its class",
        })
        .collect();
    let declared: &'static [Parameter] = declared.leak();
    let algorithm: &'static Algorithm = Box::leak(Box::new(Algorithm {
        name: name.leak(),
        summary: about.leak(),
        parameters: declared,
        build,
    }));
    let whole = parameters.iter().map(|(_, _, whole)| *whole);
    let class = Class {
        class,
        parameters: declared.iter().map(|parameter| parameter.name).zip(whole).collect(),
        file,
        limit_ms: (call_limit_s * 1e3) as u64,
    };
    let mut classes = CLASSES.write().unwrap_or_else(PoisonError::into_inner);
    classes.get_or_insert_default().insert(std::ptr::from_ref(algorithm) as usize, Arc::new(class));
    algorithm
}

fn class_of(algorithm: &'static Algorithm) -> Option<Arc<Class>> {
    let classes = CLASSES.read().unwrap_or_else(PoisonError::into_inner);
    classes.as_ref()?.get(&(std::ptr::from_ref(algorithm) as usize)).cloned()
}

/// Longest time for which a trial keeps the interpreter: Python's own interval between threads.
const TURN: Duration = Duration::from_millis(5);

/// Limit of the time in which a script is read, in milliseconds: large packages take seconds to import.
const READING_LIMIT_MS: u64 = 60_000;

/// From now on `python:FILE:CLASS` is read, and a trial with classes of Python keeps the interpreter: to take and
/// leave it for each call would cost more than the call. Where no Python runs it lets others have it now and then.
pub fn read_scripts() {
    script::read_with(|word, file, class, text| {
        Python::attach(|py| {
            let loader = py.import("testbed._controllers").and_then(|module| module.getattr("_load"));
            let loaded = loader.and_then(|loader| {
                limited(py, READING_LIMIT_MS, || loader.call1((file, class, text))?.extract())
            });
            let (class, about, parameters, path, limit): (Py<PyAny>, String, Vec<_>, String, f64) = loaded
                .map_err(|error| {
                    if error.is_instance_of::<error::CallLimit>(py) {
                        format!("reading it took more than {} s", READING_LIMIT_MS / 1000)
                    } else {
                        error::line_of(py, &error, file)
                    }
                })?;
            Ok(adopt(word.to_owned(), class, about, parameters, path, limit))
        })
    });
    surround(|scenario, trial| {
        if scenario.groups.iter().any(|group| class_of(group.tcp.congestion.algorithm).is_some()) {
            Python::attach(|py| {
                let since = Cell::new(Instant::now());
                trial(&|| {
                    if since.get().elapsed() >= TURN {
                        py.detach(|| {});
                        since.set(Instant::now());
                    }
                });
            });
        } else {
            trial(&|| {});
        }
    });
}

/// Methods that a class may have beside the three that it must have.
const OPTIONAL: [&str; 5] = ["on_ecn", "on_recovered", "on_spurious", "on_idle", "on_decay"];
const ECN: usize = 0;
const RECOVERED: usize = 1;
const SPURIOUS: usize = 2;
const IDLE: usize = 3;
const DECAY: usize = 4;

/// An object of a class, with what it said last.
#[derive(Debug)]
struct Scripted {
    class: Arc<Class>,
    /// Absent if it could not be made.
    object: Option<Object>,
    cwnd: u64,
    ssthresh: Option<u64>,
    pacing: Option<Rate>,
    failure: Option<String>,
}

#[derive(Debug)]
struct Object {
    object: Py<PyAny>,
    on_ack: Py<PyAny>,
    on_loss: Py<PyAny>,
    on_timeout: Py<PyAny>,
    optional: [Option<Py<PyAny>>; 5],
    /// If it has these attributes.
    has_ssthresh: bool,
    has_pacing: bool,
    /// The window as it was read last: most calls leave it as it is.
    cwnd: Option<Py<PyAny>>,
}

/// Reason for which a call failed.
enum Fault {
    Raised(PyErr),
    Said(String),
}

impl From<PyErr> for Fault {
    fn from(error: PyErr) -> Fault {
        Fault::Raised(error)
    }
}

fn build(path: &Path) -> Box<dyn CongestionController> {
    let class = class_of(path.algorithm).expect("an algorithm of Python has its class");
    let mut scripted = Scripted {
        class,
        object: None,
        cwnd: path.initial_window,
        ssthresh: None,
        pacing: None,
        failure: None,
    };
    Python::attach(|py| {
        let limit = scripted.class.limit_ms;
        let class = Arc::clone(&scripted.class);
        let made = limited(py, limit, || {
            scripted.object = Some(Object::make(py, &class, path)?);
            scripted.look(py)
        });
        scripted.note(py, "__init__", made);
    });
    Box::new(scripted)
}

impl Object {
    fn make(py: Python<'_>, class: &Class, path: &Path) -> PyResult<Object> {
        let arguments = PyDict::new(py);
        for (name, is_whole) in &class.parameters {
            let value = path.parameters.number(name);
            if *is_whole && value.fract() == 0.0 {
                arguments.set_item(name, value as i64)?;
            } else {
                arguments.set_item(name, value)?;
            }
        }
        let object = class.class.bind(py).call((news::Path::of(path),), Some(&arguments))?;
        let method = |name| object.getattr_opt(name).map(|method| method.map(Bound::unbind));
        let [ecn, recovered, spurious, idle, decay] = OPTIONAL.map(method);
        Ok(Object {
            on_ack: object.getattr("on_ack")?.unbind(),
            on_loss: object.getattr("on_loss")?.unbind(),
            on_timeout: object.getattr("on_timeout")?.unbind(),
            optional: [ecn?, recovered?, spurious?, idle?, decay?],
            has_ssthresh: object.hasattr("ssthresh")?,
            has_pacing: object.hasattr("pacing_rate")?,
            cwnd: None,
            object: object.unbind(),
        })
    }
}

impl Scripted {
    /// Reads what the object says now.
    fn look(&mut self, py: Python<'_>) -> Result<(), Fault> {
        let Some(object) = &mut self.object else { return Ok(()) };
        let bound = object.object.bind(py);
        let cwnd = bound.getattr(intern!(py, "cwnd"))?;
        if object.cwnd.as_ref().is_none_or(|before| !before.is(&cwnd)) {
            self.cwnd = number::window(&cwnd, "cwnd").map_err(Fault::Said)?;
            object.cwnd = Some(cwnd.unbind());
        }
        if object.has_ssthresh {
            let value = bound.getattr(intern!(py, "ssthresh"))?;
            self.ssthresh = number::threshold(&value, "ssthresh").map_err(Fault::Said)?;
        }
        if object.has_pacing {
            let value = bound.getattr(intern!(py, "pacing_rate"))?;
            self.pacing = number::rate(&value, "pacing_rate").map_err(Fault::Said)?;
        }
        Ok(())
    }

    /// Makes a call, unless one has failed before. False if the object has no such method.
    fn call(
        &mut self,
        name: &str,
        method: impl Fn(&Object) -> Option<&Py<PyAny>>,
        argument: impl FnOnce(Python<'_>) -> PyResult<Option<Py<PyAny>>>,
    ) -> bool {
        let Some(object) = self.object.as_ref().filter(|_| self.failure.is_none()) else { return true };
        if method(object).is_none() {
            return false;
        }
        Python::attach(|py| {
            let made = limited(py, self.class.limit_ms, || {
                let argument = argument(py)?;
                let Some(method) = self.object.as_ref().and_then(&method) else { return Ok(()) };
                match argument {
                    Some(argument) => call_with(py, method, &argument)?,
                    None => drop(method.call0(py)?),
                }
                self.look(py)
            });
            self.note(py, name, made);
        });
        true
    }

    fn note(&mut self, py: Python<'_>, call: &str, made: Result<(), Fault>) {
        self.failure = match made {
            Ok(()) => return,
            Err(Fault::Said(words)) => {
                let file = error::short(&self.class.file);
                Some(format!("{file}, after {call}: {words}"))
            }
            Err(Fault::Raised(error)) if error.is_instance_of::<error::CallLimit>(py) => {
                let place = error::line_of(py, &error, &self.class.file);
                let place = place.rsplit_once(": ").map_or("", |(place, _)| place);
                let seconds = self.class.limit_ms as f64 / 1e3;
                Some(format!("{place}: {call} took more than {seconds} s (call_limit_s)"))
            }
            Err(Fault::Raised(error)) => Some(error::line_of(py, &error, &self.class.file)),
        };
    }

    fn optional(&mut self, which: usize) -> bool {
        self.call(OPTIONAL[which], |object| object.optional[which].as_ref(), |_| Ok(None))
    }
}

/// Calls with one argument. Within the stable interface of Python 3.9 this is the way that makes no tuple.
#[expect(unsafe_code, reason = "PyO3 has this call from Python 3.12 on only")]
fn call_with(py: Python<'_>, method: &Py<PyAny>, argument: &Py<PyAny>) -> PyResult<()> {
    let end = std::ptr::null_mut::<ffi::PyObject>();
    // SAFETY: we hold the interpreter and both objects; the list of arguments ends with a null pointer; the result is
    // a new reference, or null with an exception set.
    unsafe {
        let result = ffi::PyObject_CallFunctionObjArgs(method.as_ptr(), argument.as_ptr(), end);
        Bound::from_owned_ptr_or_err(py, result).map(drop)
    }
}

impl CongestionController for Scripted {
    fn cwnd(&self) -> u64 {
        self.cwnd
    }

    fn on_ack(&mut self, ack: &Ack) {
        let news = |py: Python<'_>| Ok(Some(Py::new(py, news::Ack(ack.clone()))?.into_any()));
        self.call("on_ack", |object| Some(&object.on_ack), news);
    }

    fn on_loss(&mut self, loss: &Loss) {
        let news = |py: Python<'_>| Ok(Some(Py::new(py, news::Loss(loss.clone()))?.into_any()));
        self.call("on_loss", |object| Some(&object.on_loss), news);
    }

    fn on_timeout(&mut self, loss: &Loss) {
        let news = |py: Python<'_>| Ok(Some(Py::new(py, news::Loss(loss.clone()))?.into_any()));
        self.call("on_timeout", |object| Some(&object.on_timeout), news);
    }

    fn on_recovered(&mut self, _now: testbed::time::Instant) {
        self.optional(RECOVERED);
    }

    fn on_ecn(&mut self, loss: &Loss) {
        let news = |py: Python<'_>| Ok(Some(Py::new(py, news::Loss(loss.clone()))?.into_any()));
        if !self.call("on_ecn", |object| object.optional[ECN].as_ref(), news) {
            self.on_loss(loss);
        }
    }

    fn on_spurious(&mut self) {
        self.optional(SPURIOUS);
    }

    fn on_idle(&mut self) {
        self.optional(IDLE);
    }

    fn on_decay(&mut self, timeouts: u32) {
        let count = |py: Python<'_>| Ok(Some(timeouts.into_pyobject(py)?.into_any().unbind()));
        if !self.call("on_decay", |object| object.optional[DECAY].as_ref(), count) {
            self.on_idle();
        }
    }

    fn pacing_rate(&self) -> Option<Rate> {
        self.pacing
    }

    fn ssthresh(&self) -> Option<u64> {
        self.ssthresh
    }

    fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }
}
