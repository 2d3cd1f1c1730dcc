//! Verdicts of `testbed verify`, in words and as JSON.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::packets::Packets;
use crate::cli::output::one_line;
use crate::report::{Comparison, Difference, Manifest};
use crate::units::plural;

/// Files that are named although nothing is said of them; of more, their number says enough.
const NAMED: usize = 8;

/// Verdict about a folder.
#[derive(Debug, Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// It is what its run gives.
    Same {
        #[serde(flatten)]
        trials: Trials,
        missing: Vec<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        unjudged: Vec<String>,
    },
    /// It is not.
    Different {
        #[serde(flatten)]
        trials: Trials,
        #[serde(flatten)]
        comparison: Comparison,
    },
    /// Nobody can tell.
    Unknown { reason: String },
}

/// Numbers of trials.
#[derive(Debug, Serialize)]
pub struct Trials {
    /// Those that were run again.
    pub again: usize,
    /// Those that the folder has.
    pub finished: usize,
    /// Those that its scenario has.
    pub planned: usize,
    /// True if one more has a row without a line break, which does not count.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub torn: bool,
}

/// A line of `--json`.
#[derive(Serialize)]
pub struct Line<'a> {
    pub folder: &'a Path,
    /// Changes by `--set`, of which a seed of one's own is one.
    pub sets: Vec<String>,
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Packets of the trials that ran again, if they were looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packets: Option<Packets>,
}

impl Verdict {
    /// That of a folder of another scenario, whose text parts from the expected one at a line.
    pub fn of_another(expected: &str, manifest: &Manifest, trials: usize) -> Verdict {
        let (ours, theirs): (Vec<&str>, Vec<&str>) =
            (expected.lines().collect(), manifest.study.scenario.lines().collect());
        let line = ours.iter().zip(&theirs).take_while(|(ours, theirs)| ours == theirs).count();
        let texts = [&theirs, &ours].map(|lines| lines.get(line).copied().unwrap_or_default());
        let difference = Difference::of("its scenario", Some(line + 1), texts);
        let comparison = Comparison { differences: vec![difference], files: 1, ..Comparison::default() };
        let trials = Trials { again: 0, finished: trials, planned: trials, torn: false };
        Verdict::Different { trials, comparison }
    }
}

impl Trials {
    fn in_words(&self) -> String {
        let Trials { again, finished, planned, torn } = *self;
        let mut text = plural(finished as u64, "trial");
        if again > 0 && again < finished {
            text = format!("{again} of {text}");
        }
        if finished < planned {
            let _ = write!(text, ", of {planned} that its scenario has");
        }
        if torn {
            text.push_str("; the last row of trials.csv has no line break and does not count");
        }
        text
    }
}

impl Line<'_> {
    /// True if it was run with changes of more than seed and trials.
    pub fn is_changed(&self) -> bool {
        self.sets.iter().any(|set| !["seed=", "trials="].iter().any(|key| set.starts_with(key)))
    }

    /// True if the folder is not what its run gives, or its packets are not what its scenario says.
    pub fn is_refuted(&self) -> bool {
        matches!(self.verdict, Verdict::Different { .. }) || self.has_wrong_packets()
    }

    fn has_wrong_packets(&self) -> bool {
        self.packets.as_ref().is_some_and(|packets| packets.count > 0)
    }

    pub fn in_words(&self) -> String {
        let packets = self.packets.as_ref().map_or_else(String::new, Packets::in_words);
        self.verdict_in_words() + &packets
    }

    fn verdict_in_words(&self) -> String {
        let folder = one_line(&self.folder.display().to_string());
        let sets = self.sets.iter().fold(String::new(), |words, set| words + " --set " + &one_line(set));
        let sets = if sets.is_empty() { sets } else { format!(" ({})", sets.trim_start()) };
        match &self.verdict {
            Verdict::Same { trials, missing, unjudged } => {
                let word = if self.has_wrong_packets() { "refuted" } else { "same" };
                let mut text = format!("{word:<10} {folder}{sets}: {}", trials.in_words());
                let _ = match missing.as_slice() {
                    [] => Ok(()),
                    [one] => write!(text, "; {one} is not there"),
                    [first, ..] => write!(
                        text,
                        "; {} are not there, {first} first",
                        plural(missing.len() as u64, "file")
                    ),
                };
                if !unjudged.is_empty() {
                    let files = plural(unjudged.len() as u64, "file");
                    let _ = write!(
                        text,
                        "; not judged: page or pictures that another or an unknown build drew otherwise ({files})"
                    );
                }
                text + "\n"
            }
            Verdict::Different { trials, comparison } => {
                let files = plural(comparison.files as u64, "file");
                let mut text = format!("different  {folder}{sets}: {files}, {}\n", trials.in_words());
                for difference in &comparison.differences {
                    let _ = writeln!(text, "           {}", one_line(&difference.to_string()));
                }
                let (named, more) = comparison.others.split_at(comparison.others.len().min(NAMED));
                if !named.is_empty() {
                    let more =
                        if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
                    let _ = writeln!(text, "           also: {}{more}", one_line(&named.join(", ")));
                }
                text
            }
            Verdict::Unknown { reason } => format!("unknown    {folder}{sets}: {}\n", one_line(reason)),
        }
    }
}
