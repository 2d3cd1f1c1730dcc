//! Windows, where Ctrl-C is the only signal, the line editor keeps the console's modes, and neither open files
//! nor their size have a limit that a process could raise.

use std::fs::FileType;
use std::io;
use std::process::{Child, Command};

/// A file that is there on every system, and empty.
pub const NOTHING: &str = "NUL";

/// From now on Ctrl-C does not kill, unless it is at a terminal the line editor's business; waits for it.
pub fn interrupted(at_terminal: bool) -> io::Result<impl Future<Output = ()> + use<>> {
    let mut ctrl_c = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        match at_terminal {
            true => std::future::pending().await,
            false => drop(ctrl_c.recv().await),
        }
    })
}

/// Nothing is to be done.
pub fn outlive_large_files() {}

/// As many as are wanted.
pub fn raise_open_files(wanted: u64) -> u64 {
    wanted
}

/// Processes have no groups.
pub fn set_apart(_: &mut Command) {}

/// Ends a process; those that it has begun are not known.
pub fn end_with_children(child: &mut Child) {
    let _ = child.kill();
}

/// Temporary files have the rights of their folder.
pub fn share(_: &mut tempfile::Builder<'_, '_>) {}

/// Pipes have a place of their own and lie in no folder.
pub fn is_named_pipe(_: FileType) -> bool {
    false
}

/// The console at standard input.
#[derive(Debug)]
pub struct Terminal;

impl Terminal {
    /// The console as it is now.
    pub fn here() -> io::Result<Terminal> {
        Ok(Terminal)
    }

    /// The line editor has done it.
    pub fn keep_quiet(&self) -> io::Result<()> {
        Ok(())
    }
}
