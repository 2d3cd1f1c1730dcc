//! The Python module `testbed._testbed`: glue between the package and Python, and nothing else. All that can be
//! written in Python is, in `testbed/` beside it.

mod controller;
mod environment;
mod error;
mod folders;
mod news;
mod number;
mod watchdog;

use pyo3::prelude::*;

#[pymodule]
fn _testbed(module: &Bound<'_, PyModule>) -> PyResult<()> {
    controller::read_scripts();
    module.add_function(wrap_pyfunction!(folders::command, module)?)?;
    module.add_function(wrap_pyfunction!(folders::run, module)?)?;
    module.add_function(wrap_pyfunction!(folders::read, module)?)?;
    module.add_function(wrap_pyfunction!(folders::draw, module)?)?;
    module.add_function(wrap_pyfunction!(folders::compare, module)?)?;
    module.add_function(wrap_pyfunction!(controller::register, module)?)?;
    module.add_class::<news::Ack>()?;
    module.add_class::<news::Loss>()?;
    module.add_class::<news::Path>()?;
    module.add_class::<environment::Steps>()?;
    error::add(module)
}
