//! `testbed lab`: labs whose checker is the grader.
//!
//! A lab is one file of data in `labs/` and a line of [`LABS`]. A student's id draws its parameters; the key is
//! computed of the student's own scenario, in memory, whenever answers are judged, and is written nowhere.

mod answers;
mod bundle;
mod check;
mod contest;
mod entry;
mod expression;
mod figure;
mod grade;
mod process;
mod question;
mod run;
mod sheet;
mod sitting;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::output::{Failure, print};
use super::run::stop_on_interrupt;
use sheet::{LABS, Lab};
use sitting::Sitting;

/// Labs for a course: handouts, checks with hints, and grades
#[derive(Debug, Args)]
pub struct LabCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the labs
    List,
    /// Write a student's folder: handout, scenario, notebook, answers to fill in
    ///
    /// The parameters are drawn from the student's id: the same id gives the same folder.
    New {
        /// Number or name of the lab
        #[arg(value_name = "LAB", value_parser = lab)]
        lab: &'static Lab,
        /// The student's id
        #[arg(long, value_name = "ID", value_parser = sitting::student)]
        student: String,
        /// Folder, which must be new or empty [default: lab-LAB-ID]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Judge the answers in a student's folder stage by stage, with hints
    ///
    /// Exits with 1 until all answers are right.
    Check {
        /// The student's folder
        #[arg(value_name = "DIR", default_value = ".")]
        dir: PathBuf,
    },
    /// Grade the folders of a class: one sheet, and Gradescope's files
    ///
    /// Answers are held against each student's own parameters, and handed-in results against their own run.
    Grade(grade::Grade),
    /// Score controllers in Python on hidden cellular traces: a leaderboard
    Contest(contest::Contest),
    /// Run the controller in a folder for a contest, which begins this command itself
    #[command(hide = true)]
    Enter {
        #[arg(value_name = "LAB", value_parser = lab)]
        lab: &'static Lab,
        #[arg(long)]
        seed: u64,
        #[arg(long)]
        folder: PathBuf,
    },
}

fn lab(name: &str) -> Result<&'static Lab, String> {
    let ids = || LABS.iter().map(|lab| lab.id).collect::<Vec<_>>().join(", ");
    Lab::by_name(name).ok_or_else(|| format!("choose from {}", ids()))
}

impl LabCommand {
    /// Does what is asked.
    pub fn execute(self) -> Result<(), Failure> {
        match self.command {
            Command::List => print(&list()),
            Command::New { lab, student, out } => {
                let sitting = Sitting::of(lab, &student);
                let dir = out.unwrap_or_else(|| format!("lab-{}-{student}", lab.id).into());
                bundle::write(&sitting, &dir)?;
                print(&format!("{} is written; begin with its handout.md\n", dir.display()))
            }
            Command::Check { dir } => {
                let stop = stop_on_interrupt("interrupted")?;
                check::check(&dir, &stop)
            }
            Command::Grade(grade) => grade.execute(),
            Command::Contest(contest) => contest.execute(),
            Command::Enter { lab, seed, folder } => {
                let stop = stop_on_interrupt("interrupted")?;
                entry::enter(lab, seed, &folder, &stop)
            }
        }
    }
}

fn list() -> String {
    let line = |lab: &Lab| {
        let sheet = lab.sheet();
        format!(
            "{:20} {} ({} questions, {} min)\n",
            lab.id,
            sheet.title,
            sheet.questions().count(),
            sheet.minutes
        )
    };
    LABS.iter().map(line).collect()
}
