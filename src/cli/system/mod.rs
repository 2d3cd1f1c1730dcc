//! Parts that systems do in ways of their own: signals, terminals, limits of a process. One file for each
//! family, with the same functions.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;
