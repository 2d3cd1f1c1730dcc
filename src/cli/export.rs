//! `testbed export`: tables for programs that read columns with types.

use std::path::PathBuf;

use clap::Args;

use super::output::Failure;

/// Write the tables and series of result folders as Parquet files
///
/// Each table is a file in DIR/parquet, and so are the series of all trials together: integers, numbers and texts
/// have their types, and what does not exist is null. The next run of the folder removes them. It needs a testbed that
/// was built with `cargo build --release --features parquet`.
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
        use super::output::print;
        use crate::report;

        super::run::stop_on_interrupt("interrupted: the files that were named are whole")?;
        for dir in &self.dirs {
            let out = match &self.out {
                None => dir.join(report::EXPORTED),
                Some(out) if self.dirs.len() == 1 => out.clone(),
                Some(out) => out.join(folder_name(dir, &self.dirs)?),
            };
            let doubt = report::export(dir, &out, |path| print(&format!("{}\n", path.display())))?;
            if let Some(doubt) = doubt {
                eprintln!("warning: {doubt}");
            }
        }
        Ok(())
    }

    /// Says what is missing.
    #[cfg(not(feature = "parquet"))]
    pub fn execute(self) -> Result<(), Failure> {
        let Export { dirs: _, out: _ } = self;
        Err(Failure::other(
            "this testbed was built without Parquet",
            "build one with it: cargo build --release --features parquet",
        ))
    }
}

/// Name of a folder, which none of the others may have.
#[cfg(feature = "parquet")]
fn folder_name<'a>(dir: &'a std::path::Path, all: &[PathBuf]) -> Result<&'a std::ffi::OsStr, Failure> {
    match dir.file_name() {
        Some(name) if all.iter().filter(|other| other.file_name() == Some(name)).count() == 1 => Ok(name),
        _ => Err(Failure::usage(
            format!("{} has no name of its own for a folder below --out", dir.display()),
            "export one folder at a time",
        )),
    }
}
