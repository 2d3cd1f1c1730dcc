//! Result folders for an interpreter: a run, a folder as it lies there, a figure, a comparison, and the command line.

pub use crate::cli::embedded::{Findings, Order, Problem, command, compare, draw, plan, read, run};
pub use crate::runner::{Surround, surround};
pub use crate::scenario::PlotSpec;
