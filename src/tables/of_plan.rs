//! Study of a plan: what a reader of its results needs to know of it.

use std::collections::BTreeMap;

use super::figures::Nature;
use super::{Axis, Claim, InputFile, Study, figures};
use crate::scenario::{self, FilePrint, Plan, RecordTrials, ScenarioError, Topology, WORKLOADS, Workload};

/// Study of a plan that was read from a text, and changed by `--set`.
pub fn study(plan: &Plan, text: String, overrides: Vec<String>) -> Study {
    let base = &plan.base;
    let mss = base.groups.iter().map(|group| u32::from(group.tcp.mss)).max().unwrap_or(1448);
    Study {
        name: plan.name().to_owned(),
        title: base.title.clone(),
        expect: Some(base.expect.clone()).filter(|text| !text.is_empty()),
        axes: plan
            .axes
            .iter()
            .map(|axis| Axis { key: axis.key.clone(), values: axis.values.clone() })
            .collect(),
        trials: plan.trials(),
        seed: base.seed,
        duration: base.duration,
        warmup: base.warmup,
        mss,
        group_mss: (base.groups.iter())
            .map(|group| (group.name.clone(), u32::from(group.tcp.mss)))
            .filter(|(_, other)| *other != mss)
            .collect(),
        measures: measures(plan),
        mixed: has_mixed_controllers(plan),
        random: plan.random,
        policed: has_policers(plan),
        l4s: has_l4s(plan),
        backwards: (0..plan.cells())
            .filter_map(|cell| plan.scenario(cell).ok())
            .any(|cell| cell.groups.iter().flat_map(|group| &group.path).any(|hop| hop.backwards)),
        recorded: base.record.trials == RecordTrials::All,
        files: plan.files().iter().map(|(name, file)| (name.clone(), input_file(file))).collect(),
        claims: plan.claims.iter().map(claim).collect(),
        overrides,
        topology: Some(Topology::of(plan)),
        live: false,
        scenario: text,
    }
}

/// The groups by the measures of their workloads.
fn measures(plan: &Plan) -> BTreeMap<String, Vec<String>> {
    // Cells differ in their workloads only where an axis says so.
    let varied = plan.axes.iter().any(|axis| axis.key.starts_with("clients."));
    let cells = if varied { plan.cells() } else { 1 };
    let mut measures: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for cell in (0..cells).filter_map(|cell| plan.scenario(cell).ok()) {
        for group in cell.groups.iter().filter(|group| group.count > 0) {
            for measure in group.app.measures() {
                let groups = measures.entry(measure.name().to_owned()).or_default();
                if !groups.contains(&group.name) {
                    groups.push(group.name.clone());
                }
            }
        }
    }
    measures
}

fn claim(claim: &scenario::Claim) -> Claim {
    let table = |values: &[(String, String)]| values.iter().cloned().collect();
    let [at_least, at_most] = claim.bounds();
    Claim {
        figure: claim.figure.clone(),
        group: claim.group.clone(),
        cells: table(&claim.cells),
        ratio_to: table(&claim.ratio_to),
        at_least,
        at_most,
    }
}

/// Refuses claims on figures that the plan's results do not have; the machine's speed is nobody's claim.
pub fn check_claims(plan: &Plan) -> Result<(), Box<ScenarioError>> {
    if plan.claims.is_empty() {
        return Ok(());
    }
    let study = study(plan, String::new(), Vec::new());
    let figures: Vec<&str> = figures::summarised(&study).map(|figure| figure.column).collect();
    let of_groups: Vec<&str> = figures::of_groups(&study).map(|figure| figure.column).collect();
    let shares = figures::FIGURES.iter().filter(|figure| figure.unit == "%");
    let shares: Vec<&str> = shares.map(|figure| figure.column).collect();
    let names = scenario::ClaimNames {
        figures: &figures,
        of_groups: &of_groups,
        shares: &shares,
        missing: &|figure| missing(figure, &study),
    };
    plan.check_claims(&names).map_err(Box::new)
}

/// Mend of a claim on a figure that exists, but not in results of this study.
fn missing(name: &str, study: &Study) -> Option<String> {
    let figure = figures::FIGURES.iter().find(|figure| figure.column == name)?;
    if (figure.has)(study) || figure.nature == Nature::Machine {
        return None;
    }
    let mut changed = study.clone();
    if !study.recorded {
        changed.recorded = true;
        if (figure.has)(&changed) {
            return Some("keep the series of all trials: `trials = \"all\"` in [record]".to_owned());
        }
    }
    let has_with = |workload: &&Workload| {
        let mut changed = changed.clone();
        changed
            .measures
            .extend(workload.measures().iter().map(|measure| (measure.name().to_owned(), vec![])));
        (figure.has)(&changed)
    };
    let kinds: Vec<String> =
        WORKLOADS.iter().filter(has_with).map(|workload| format!("`{}`", workload.name)).collect();
    let kinds = (!kinds.is_empty()).then(|| kinds.join(" or "))?;
    Some(format!("it is a figure of {kinds}, which no group of clients has as the `kind` of its `app`"))
}

fn input_file(file: &FilePrint) -> InputFile {
    InputFile { bytes: file.bytes, sha256: file.sha256.clone() }
}

/// True if a link has a policer, which no axis can take away.
fn has_policers(plan: &Plan) -> bool {
    let later = plan.base.schedule.iter().flat_map(|change| change.links.iter().map(|(_, ways)| ways));
    let cell = plan.scenario(0).ok();
    let first = cell.iter().flat_map(|cell| cell.links.iter().map(|link| &link.directions));
    later.chain(first).flatten().any(|config| config.policer.is_some())
}

/// True if a link has a queue for L4S, in the first cell or by an axis.
fn has_l4s(plan: &Plan) -> bool {
    const KIND: &str = "dualpi2";
    let cell = plan.scenario(0).ok();
    let first = cell.iter().flat_map(|cell| cell.links.iter().flat_map(|link| &link.directions));
    first.map(|config| config.queue.discipline.name).any(|kind| kind == KIND)
        || plan.axes.iter().flat_map(|axis| &axis.values).any(|value| value.contains(KIND))
}

/// True if clients of one cell differ in their controller. A group with one of its own may agree with
/// the others by chance, but not in the first and in the last cell.
fn has_mixed_controllers(plan: &Plan) -> bool {
    let ends = [0, plan.cells() - 1];
    ends.into_iter().filter_map(|cell| plan.scenario(cell).ok()).any(|cell| {
        let names = cell.groups.iter().map(|group| group.tcp.congestion.algorithm.name);
        names.clone().any(|name| Some(name) != names.clone().next())
    })
}
