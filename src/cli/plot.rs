//! `testbed plot`: the pictures and the page again, or one figure, from the tables alone.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::list;
use super::output::{Failure, print};
use crate::report;
use crate::scenario::{PlotOption, PlotSpec};

/// Draw the pictures of result folders again, or one figure of them
///
/// Writes each picture as .svg and as .png, and report.html anew, from the tables alone. Prints the paths of the
/// pictures that the page shows. With --figure it writes that one figure instead, for the chosen cells, flows and
/// time, in the size asked for, and leaves all else as it is.
#[derive(Debug, Args)]
pub struct Plot {
    /// Result folders
    #[arg(required_unless_present = "figure", value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Draw from files that were changed since the run wrote them, and say so on the page; tables that rest on others,
    /// such as summary.csv, are computed anew
    #[arg(long)]
    force: bool,
    /// Figure to draw into figures/ of each folder; `list` names all
    #[arg(long, value_name = "NAME")]
    figure: Option<String>,
    #[command(flatten)]
    choice: Choice,
    /// File, or folder, to write to
    #[arg(long, value_name = "FILE", requires = "figure", help_heading = "Options of --figure")]
    out: Option<PathBuf>,
}

/// Part of the results that a figure shows, and its looks: the keys of `[[plot]]` with their values, but for the
/// figure itself, which has its own place.
#[derive(Debug)]
struct Choice(Vec<(&'static str, Vec<String>)>);

/// The keys of `[[plot]]` that stand under the heading.
fn choices() -> impl Iterator<Item = PlotOption> {
    PlotSpec::options().into_iter().filter(|option| option.name != FIGURE)
}

const FIGURE: &str = "figure";

impl Args for Choice {
    fn augment_args(command: Command) -> Command {
        let command = command.next_help_heading("Options of --figure");
        let command = choices().fold(command, |command, option| {
            let arg =
                Arg::new(option.name).long(option.name).help(sentence(option.doc)).value_name(option.value);
            let action = if option.many { ArgAction::Append } else { ArgAction::Set };
            let arg = arg.action(action).requires(FIGURE);
            command.arg(if option.commas { arg.value_delimiter(',') } else { arg })
        });
        let untitled = Arg::new(NO_TITLE).long("no-title").action(ArgAction::SetTrue).requires(FIGURE);
        let untitled = untitled.help("Leave the heading out; its words go to stderr, for a caption");
        command.arg(untitled.conflicts_with(TITLE))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Choice::augment_args(command)
    }
}

const TITLE: &str = "title";
const NO_TITLE: &str = "no_title";

impl FromArgMatches for Choice {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Choice, clap::Error> {
        let given = |option: PlotOption| {
            let values = matches.get_many::<String>(option.name)?;
            Some((option.name, values.cloned().collect()))
        };
        let mut all: Vec<_> = choices().filter_map(given).collect();
        if matches.get_flag(NO_TITLE) {
            all.push((TITLE, vec![String::new()]));
        }
        Ok(Choice(all))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Choice::from_arg_matches(matches)?;
        Ok(())
    }
}

/// A key's sentence as help has it.
fn sentence(doc: &str) -> String {
    let mut letters = doc.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

impl Plot {
    /// Draws, and names the pictures that the page has.
    pub fn execute(self) -> Result<(), Failure> {
        if let Some(figure) = self.figure.clone() {
            return self.draw(figure);
        }
        for dir in &self.dirs {
            let report = report::plot(dir, self.force)?;
            for warning in report.findings.warnings.iter().filter(|warning| warning.cells.is_empty()) {
                eprintln!("warning: {}: {warning}", dir.display());
            }
            if let Some(notice) = &report.notice {
                eprintln!("warning: {}: {notice}", dir.display());
            }
            for picture in &report.pictures {
                print(&format!("{}\n", dir.join(picture).display()))?;
            }
        }
        Ok(())
    }

    /// Draws one figure of each folder, and names its files.
    fn draw(self, figure: String) -> Result<(), Failure> {
        let Plot { dirs, force, choice: Choice(mut given), out, .. } = self;
        if figure == "list" {
            return print(&list::pictures());
        }
        if dirs.is_empty() {
            return Err(Failure::usage(
                "no result folder is named",
                format!("write testbed plot DIR --figure {figure}"),
            ));
        }
        if dirs.len() > 1 && out.is_some() {
            let help = "name one folder, or leave --out out";
            return Err(Failure::usage("--out would be written once for each folder", help));
        }
        given.push((FIGURE, vec![figure]));
        let spec = PlotSpec::of_options(&given).map_err(|[problem, help]| Failure::usage(problem, help))?;
        for dir in &dirs {
            let drawn = report::draw(dir, &spec, out.as_deref(), force)?;
            if spec.title.as_deref() == Some("") {
                eprintln!("caption: {}", drawn.caption);
            }
            if !drawn.boxes.is_empty() {
                eprintln!("warning: the font of PNG and PDF lacks {}", drawn.boxes);
            }
            for file in drawn.files {
                print(&format!("{}\n", file.display()))?;
            }
        }
        Ok(())
    }
}
