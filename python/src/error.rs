//! Errors of the package as Python's exceptions, and exceptions of a script as one line that names its place.

use pyo3::create_exception;
use pyo3::exceptions::{PyBaseException, PyException, PyKeyboardInterrupt};
use pyo3::prelude::*;
use pyo3::types::PyTraceback;

use testbed::embed::folders::Problem;

create_exception!(
    testbed,
    TestbedError,
    PyException,
    "A run, a folder or a figure that cannot be had, and the mend."
);
create_exception!(
    testbed,
    ScenarioError,
    TestbedError,
    "A scenario that is wrong: the text has a caret under each place; `line` and `column` (from 1) and `file` are of the first."
);
create_exception!(
    testbed,
    CallLimit,
    PyBaseException,
    "A controller's call that took longer than its class allows (`call_limit_s`)."
);

/// Adds the exceptions to the module.
pub fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("TestbedError", py.get_type::<TestbedError>())?;
    module.add("ScenarioError", py.get_type::<ScenarioError>())?;
    module.add("CallLimit", py.get_type::<CallLimit>())
}

/// Mends in the words of the command line, and in those of [`testbed.run`](crate::folders::run).
const ARGUMENTS: [(&str, &str); 6] = [
    ("add --resume to go on with the run that is there (under its own scenario and arguments), ", ""),
    ("go on with --resume and more memory (--memory SIZE)", "allow more with memory=…"),
    ("go on with --resume or begin anew with --force", "begin anew"),
    ("go on with --resume", "begin anew with --force"),
    ("--out DIR", "out=…"),
    ("--force", "force=True"),
];

/// The exception for a problem.
pub fn raised(py: Python<'_>, problem: Problem) -> PyErr {
    match problem {
        Problem::Interrupted => PyKeyboardInterrupt::new_err(()),
        Problem::Other { problem, help } if help.is_empty() => TestbedError::new_err(problem),
        Problem::Other { problem, help } => {
            let help = ARGUMENTS.iter().fold(help, |help, (option, argument)| help.replace(option, argument));
            TestbedError::new_err(format!("{problem}\nhelp: {help}"))
        }
        Problem::Scenario { text, file, place: (line, column) } => {
            // The drawing begins in the line below the exception's name.
            let error = ScenarioError::new_err(format!("\n{text}"));
            let value = error.value(py);
            let set = value.setattr("line", line).and_then(|()| value.setattr("column", column));
            set.and_then(|()| value.setattr("file", file)).err().unwrap_or(error)
        }
    }
}

/// An exception in one line: `my_cc.py, line 12, in on_ack: ZeroDivisionError: division by zero`. The place is the
/// innermost one in `file`, or the innermost of all.
pub fn line_of(py: Python<'_>, error: &PyErr, file: &str) -> String {
    let kind = error.get_type(py).name().map_or_else(|_| "exception".to_owned(), |name| name.to_string());
    let words = error.value(py).str().map_or_else(|_| String::new(), |words| words.to_string());
    let said = if words.is_empty() { kind } else { format!("{kind}: {words}") };
    let place = error.traceback(py).and_then(|traceback| place(&traceback, file).ok().flatten());
    place.map_or_else(|| said.clone(), |place| format!("{place}: {said}"))
}

fn place(traceback: &Bound<'_, PyTraceback>, file: &str) -> PyResult<Option<String>> {
    let (mut next, mut found, mut is_own) = (Some(traceback.clone().into_any()), None, false);
    while let Some(entry) = next {
        let code = entry.getattr("tb_frame")?.getattr("f_code")?;
        let path: String = code.getattr("co_filename")?.extract()?;
        let own = path == file;
        // Frames of this package are no place in a script.
        if own || !is_own && !path.ends_with("_controllers.py") {
            let line: u32 = entry.getattr("tb_lineno")?.extract()?;
            let name: String = code.getattr("co_name")?.extract()?;
            let short = short(&path);
            found = Some(format!("{short}, line {line}, in {name}"));
            is_own |= own;
        }
        next = Some(entry.getattr("tb_next")?).filter(|entry| !entry.is_none());
    }
    Ok(found)
}

/// Name of a script without its folders. A cell of a notebook has a number for a name, which nobody sees.
pub fn short(path: &str) -> &str {
    let mut parts = path.rsplit(['/', '\\']);
    let name = parts.next().unwrap_or_default();
    let is_cell = parts.next().is_some_and(|folder| folder.starts_with("ipykernel_"));
    if is_cell { "the notebook's cell" } else { name }
}
