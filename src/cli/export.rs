//! `testbed export`: tables for programs that read columns with types.

use std::path::PathBuf;

use clap::Args;

use super::output::Failure;

/// Ways to Parquet files from a testbed that was built without.
pub const WITHOUT: &str = "build one with it: cargo build --release --features parquet; in Python, pandas writes a table: \
                           results.trials.to_parquet(FILE)";

/// Write the tables and series of result folders as Parquet files
///
/// Each table is a file in DIR/parquet, and so are the series of all trials together: integers, numbers and texts
/// have their types, and what does not exist is null. The next run, resumed run or merge into the folder removes
/// them, and the next export to a folder those of the last. Not every testbed is built with it; the command then
/// says what to do.
#[derive(Debug, Args)]
pub struct Export {
    /// Result folders
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Folder to write to; with several result folders, the one that gets a folder for each
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Export {
    /// Writes the files, and names them.
    #[cfg(feature = "parquet")]
    pub fn execute(self) -> Result<(), Failure> {
        use std::sync::atomic::Ordering;

        use super::output::print;
        use super::places::place_of;
        use crate::report;

        const LAST_WORDS: &str = "interrupted: the files that were named are whole";
        self.check_places()?;
        let stop = super::run::stop_on_interrupt(LAST_WORDS)?;
        let go_on = || {
            if !stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            eprintln!("{LAST_WORDS}");
            Err(Failure::Interrupted)
        };
        for dir in &self.dirs {
            let out = match &self.out {
                None => dir.join(report::EXPORTED),
                Some(out) => place_of(dir, &self.dirs, out),
            };
            let doubt = report::export(dir, &out, go_on, |path| print(&format!("{}\n", path.display())))?;
            if let Some(doubt) = doubt {
                eprintln!("warning: {doubt}");
            }
        }
        Ok(())
    }

    /// Says what is missing.
    #[cfg(not(feature = "parquet"))]
    pub fn execute(self) -> Result<(), Failure> {
        self.check_places()?;
        Err(Failure::other("this testbed was built without Parquet", WITHOUT))
    }

    /// Refuses folders whose files would be written to one place.
    fn check_places(&self) -> Result<(), Failure> {
        let Some(out) = &self.out else { return Ok(()) };
        super::places::check_apart(&self.dirs, out, "export one folder at a time")
    }
}
