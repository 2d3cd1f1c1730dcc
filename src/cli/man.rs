//! `testbed man`: manual pages.

use std::path::PathBuf;

use clap::Args;

use super::output::{Failure, print};

/// Print the manual page, or write those of all commands into a folder
///
/// `testbed man | man -l -` shows it; `testbed man ~/.local/share/man/man1` installs them, so that `man testbed-run`
/// finds its own.
#[derive(Debug, Args)]
pub struct Man {
    /// Folder for testbed.1, testbed-run.1 and so on; it is made if it is not there
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Man {
    /// Prints or writes them.
    pub fn execute(self) -> Result<(), Failure> {
        let command = super::definition();
        let Some(dir) = self.dir else {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page).expect("memory takes all");
            return print(&String::from_utf8_lossy(&page));
        };
        let written = std::fs::create_dir_all(&dir).and_then(|()| clap_mangen::generate_to(command, &dir));
        written.map_err(|error| {
            Failure::other(format!("cannot write {}: {error}", dir.display()), "name another folder")
        })
    }
}
