//! Captures of a result folder, and which flows each of them shows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::select::{Unfit, View, enumerated};
use super::trace::Trace;
use crate::report::error::ReportError;
use crate::report::layout;
use crate::tables::captures;
use crate::tables::results::Results;
use crate::tables::rows::Table;
use crate::wire::pcapng::read::{ReadError, each_segment};
use crate::wire::{Direction, FlowId};

/// Ending of the names of captures at a flow's server.
const AT_SERVER: &str = "@server";

/// End of the names of captures of a whole group, whose star no file system need take.
const OF_GROUP: &str = "-all";

/// One direction of a flow with data, in a capture.
#[derive(Clone, Debug)]
pub struct Seen {
    pub flow: String,
    group: String,
    pub direction: Direction,
    /// True if the capture is at the end that sends.
    pub at_sender: bool,
    bytes: u64,
    file: PathBuf,
    number: FlowId,
}

impl Seen {
    /// Reads its segments.
    pub fn trace(&self, results: &Results) -> Result<Trace, ReportError> {
        let trace = Trace::read(&results.read(&self.file)?, self.number, self.direction);
        trace.map_err(|error| damaged(results, &self.file, error))
    }
}

/// A connection by its name and group.
type Name = (String, String);

/// Connections of each trial in the order of their numbers, by cell and trial.
pub struct Names(BTreeMap<(usize, u32), Vec<Name>>);

impl Names {
    /// Those of all trials, as `flows.csv` has them.
    pub fn read(results: &Results) -> Result<Names, ReportError> {
        let mut names: BTreeMap<(usize, u32), Vec<Name>> = BTreeMap::new();
        results.each_row_of(Table::Flows, |cell, row| {
            let Some(trial) = row.parse("trial") else { return };
            let known = names.entry((cell, trial)).or_default();
            let name = (row.get("flow").to_owned(), row.get("group").to_owned());
            // Both directions of a flow stand together.
            if known.last() != Some(&name) {
                known.push(name);
            }
        })?;
        Ok(Names(names))
    }

    /// A flow that can be captured.
    pub fn example(&self) -> &str {
        self.0.values().flatten().next().map_or("upload-1", |name| name.0.as_str())
    }

    /// Flows of a cell that its captures show: for each wanted flow the direction with the most data at the end that
    /// sends it, or at the other if that alone was captured. Without a wish, of all flows the one with the most data.
    pub fn of_cell(&self, results: &Results, cell: usize, view: &View) -> Result<Vec<Seen>, ReportError> {
        let mut all = Vec::new();
        let trials = results.trials.of_cell(cell).map(|trial| trial.number);
        for trial in trials {
            let [folder, _] = captures::folders(&results.study, cell, trial);
            let names = self.0.get(&(cell, trial)).map_or(&[][..], Vec::as_slice);
            for file in layout::files_below(&results.path(""), &folder.to_string_lossy())? {
                all.extend(seen(results, Path::new(&file), names)?);
            }
            if !all.is_empty() {
                break;
            }
        }
        all.retain(|seen| view.groups.is_empty() || view.groups.contains(&seen.group));
        // The best of each flow comes last.
        all.sort_by(|a, b| {
            let key = |seen: &Seen| (seen.at_sender, seen.bytes);
            a.flow.cmp(&b.flow).then(key(a).cmp(&key(b)))
        });
        let best = |wish: &String| all.iter().rfind(|seen| seen.flow == *wish).cloned();
        if view.flows.is_empty() || all.is_empty() {
            return Ok(all.into_iter().max_by_key(|seen| (seen.at_sender, seen.bytes)).into_iter().collect());
        }
        if let Some(wish) = view.flows.iter().find(|wish| best(wish).is_none()) {
            let mut known: Vec<String> = all.into_iter().map(|seen| seen.flow).collect();
            known.dedup();
            let problem = format!("no capture of cell {cell} has data of \"{wish}\"");
            let help = format!("there are {}; or run again with --pcap {wish}", enumerated(&known));
            return Err(Unfit::new(problem, help).into());
        }
        Ok(view.flows.iter().filter_map(best).collect())
    }
}

/// The directions with data of the flows in a capture; of one at a link nothing.
fn seen(results: &Results, file: &Path, names: &[Name]) -> Result<Vec<Seen>, ReportError> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let (client, at_server) = match stem.strip_suffix(AT_SERVER) {
        Some(client) => (client, true),
        None => (&*stem, false),
    };
    let group = client.strip_suffix(OF_GROUP);
    let is_here = |(flow, of): &&Name| {
        group.map_or_else(
            || flow.strip_prefix(client).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
            |group| of == group,
        )
    };
    let names: Vec<&Name> = names.iter().filter(is_here).collect();
    let mut bytes: BTreeMap<FlowId, [u64; 2]> = BTreeMap::new();
    let left_out = each_segment(&results.read(file)?, |captured| {
        bytes.entry(captured.flow).or_default()[captured.direction.index()] +=
            u64::from(captured.segment.payload.len());
    });
    let left_out = left_out.map_err(|error| damaged(results, file, error))?;
    // Numbers rise as connections are opened. Of a client a capture that ends early lacks the last ones; of a group it
    // may lack any.
    if group.is_some() && left_out > 0 && bytes.len() < names.len() {
        let problem = format!(
            "{} ended before all of its {} flows were seen, so that nobody can say which these are",
            results.path(file).display(),
            names.len()
        );
        let help = "run again with a larger record.pcap_limit, or capture single flows (--pcap upload-1)";
        return Err(Unfit::new(problem, help).into());
    }
    let both = bytes.into_iter().zip(names).flat_map(|((number, bytes), (flow, group))| {
        Direction::BOTH.map(|direction| Seen {
            flow: flow.clone(),
            group: group.clone(),
            direction,
            at_sender: at_server == (direction == Direction::Down),
            bytes: bytes[direction.index()],
            file: file.to_owned(),
            number,
        })
    });
    Ok(both.filter(|seen| seen.bytes > 0).collect())
}

fn damaged(results: &Results, file: &Path, error: ReadError) -> ReportError {
    ReportError::malformed(&results.path(file), error)
}
