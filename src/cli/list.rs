//! `testbed list`: what there is to choose from.

use std::fmt::Write;
use std::path::Path;

use clap::{Args, ValueEnum};

use super::output::{Failure, beside, print};
use crate::chat::protocol::{Dialect, framed, listeners};
use crate::congestion;
use crate::link::{IMPAIRMENTS, QUEUES};
use crate::report;
use crate::scenario::{Plan, WORKLOADS, key_list, text_of};
use crate::tables::figures::{FIGURES, Figure};

/// List scenarios, networks, controllers, queues, dialects, workloads, figures and keys
#[derive(Debug, Args)]
pub struct List {
    /// Only these
    what: Option<Listing>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Listing {
    Scenarios,
    /// Networks for serve and proxy
    Networks,
    Controllers,
    Impairments,
    Queues,
    Dialects,
    Workloads,
    /// Figures of a trial; listed only when asked for
    Figures,
    /// Pictures that plot draws by their names; listed only when asked for
    Pictures,
    /// Keys of scenario files; listed only when asked for
    Keys,
}

impl List {
    /// Prints the lists.
    pub fn execute(self) -> Result<(), Failure> {
        let mut text = String::new();
        let wanted = |what| self.what.is_none_or(|only| only == what);
        if wanted(Listing::Scenarios) {
            section(&mut text, "scenarios (testbed run FILE)", &scenarios());
        }
        if wanted(Listing::Networks) {
            section(&mut text, "networks (serve, proxy --scenario FILE)", &titled(&["scenarios/networks"]));
        }
        if wanted(Listing::Controllers) {
            section(&mut text, "controllers (tcp.congestion)", &controllers());
        }
        if wanted(Listing::Impairments) {
            let rows: Vec<_> =
                IMPAIRMENTS.iter().map(|(name, about)| ((*name).to_owned(), (*about).to_owned())).collect();
            section(&mut text, "impairments", &rows);
        }
        if wanted(Listing::Queues) {
            section(&mut text, "queues (link.*.queue.kind)", &queues());
        }
        if wanted(Listing::Dialects) {
            section(&mut text, "dialects (serve --dialect; in scenarios chat.dialect)", &dialects());
        }
        if wanted(Listing::Workloads) {
            let rows: Vec<_> =
                WORKLOADS.iter().map(|line| (line.name.to_owned(), line.summary.to_owned())).collect();
            section(&mut text, "workloads (clients.*.app.kind)", &rows);
        }
        if self.what == Some(Listing::Figures) {
            section(&mut text, "figures (columns of trials.csv)", &figures(|figure| !figure.only_of_groups));
            let of_groups = figures(|figure| figure.of_group.is_some());
            section(&mut text, "figures of a group (columns of groups.csv)", &of_groups);
        }
        if self.what == Some(Listing::Pictures) {
            text += &pictures();
        }
        // Longer than all else together.
        if self.what == Some(Listing::Keys) {
            text += &key_list();
        }
        print(&text)
    }
}

fn section(text: &mut String, title: &str, rows: &[(String, String)]) {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let gap = if text.is_empty() { "" } else { "\n" };
    let _ = writeln!(text, "{gap}{title}");
    for (name, about) in rows {
        let _ = writeln!(text, "  {name:width$}  {about}");
    }
}

/// The pictures by name.
pub(super) fn pictures() -> String {
    let mut text = String::new();
    let row = |(name, words): (&str, &str)| (name.to_owned(), words.to_owned());
    section(&mut text, "pictures (plot --figure)", &report::picture_names().map(row).collect::<Vec<_>>());
    text
}

fn dialects() -> Vec<(String, String)> {
    let row = |dialect: &'static dyn Dialect| {
        let only = if framed().any(|spoken| spoken == dialect) { "" } else { ", on real sockets only" };
        (dialect.name().to_owned(), format!("{}; usual port {}{only}", dialect.summary(), dialect.port()))
    };
    listeners().map(row).collect()
}

/// The scenario files of the present folder, with their titles; those of `labs` behind the others.
fn scenarios() -> Vec<(String, String)> {
    titled(&["scenarios", "scenarios/labs"])
}

/// The scenario files of folders, with their titles.
fn titled(folders: &[&str]) -> Vec<(String, String)> {
    let below = |folder: &&str| {
        let entries = std::fs::read_dir(folder).ok()?;
        let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        files.sort();
        Some(files)
    };
    let files: Vec<_> = folders.iter().filter_map(below).flatten().collect();
    if files.is_empty() {
        return vec![("–".to_owned(), format!("there is no folder `{}` here", folders[0]))];
    }
    files.iter().map(|path| (path.display().to_string(), title(path))).collect()
}

/// The title of a scenario, or the first line of its comment where it has none.
fn title(path: &Path) -> String {
    let name = path.display().to_string();
    let read = || {
        let text = text_of(&name, std::fs::read(path)).ok()?;
        let plan = Plan::parse_with(&name, &text, &[], &mut |named| beside(path, named)).ok()?;
        let comment = text.lines().next().and_then(|line| line.strip_prefix("# "));
        let untitled = plan.base.title == plan.name();
        Some(comment.filter(|_| untitled).map_or(plan.base.title, str::to_owned))
    };
    read().unwrap_or_else(|| format!("(faulty: see `testbed check {name}`)"))
}

fn queues() -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for discipline in QUEUES {
        rows.push((discipline.name.to_owned(), discipline.summary.to_owned()));
        for parameter in discipline.parameters {
            let words = format!("{} (default {})", parameter.summary, parameter.default.0);
            rows.push((format!("  link.*.queue.{}", parameter.name), words));
        }
    }
    rows
}

fn figures(wanted: fn(&&Figure) -> bool) -> Vec<(String, String)> {
    let row = |figure: &Figure| {
        let unit = figure.column_unit();
        (figure.column.to_owned(), format!("{}, {unit}{}", figure.words, figure.better.words()))
    };
    FIGURES.iter().filter(wanted).map(row).collect()
}

fn controllers() -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for algorithm in congestion::algorithms() {
        rows.push((algorithm.name.to_owned(), algorithm.summary.to_owned()));
        for parameter in algorithm.parameters {
            rows.push((
                format!("  congestion.{}.{}", algorithm.name, parameter.name),
                format!("{} (default {})", parameter.summary, parameter.default_text()),
            ));
        }
    }
    rows
}
