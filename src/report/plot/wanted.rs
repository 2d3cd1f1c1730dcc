//! Figures that a scenario asks for by `[[plot]]`: its run draws them into `plots/`, beside those of the page.

use std::fs;

use super::select::{self, Refusal, Unfit, View};
use super::{Pictures, data, existing_picture, named, single};
use crate::report::error::ReportError;
use crate::report::parallel;
use crate::scenario::{self, PictureFormat, Plan, PlotProblem, PlotSpec, ScenarioError};
use crate::tables::results::Results;
use crate::tables::{self, Study, Warning};

const PREFIX: &str = "plot-";

/// Figures of a study by the names of their files, without an ending. A number keeps two of one figure apart.
pub fn of(study: &Study) -> impl Iterator<Item = (String, PlotSpec)> {
    let name = |(n, spec): (usize, PlotSpec)| (format!("{PREFIX}{}-{}", n + 1, spec.figure), spec);
    scenario::plots(&study.scenario).into_iter().enumerate().map(name)
}

/// True if a file may be one of these.
pub fn is_name(name: &str) -> bool {
    let parts = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(number, figure)| {
        number.parse::<u32>().is_ok() && named::NAMED.iter().any(|named| named.name == figure)
    })
}

/// Draws all of them. One that is there stays where files of the run are `missing`; one that has nothing to show is
/// warned of.
pub fn draw_all(results: &Results, missing: &[String], pictures: &mut Pictures) -> Result<(), ReportError> {
    let all: Vec<(String, PlotSpec)> = of(&results.study).collect();
    let drawn = parallel::map(&all, |(name, spec)| draw(results, name, spec, missing));
    for ((name, _), drawn) in all.into_iter().zip(drawn) {
        match drawn {
            Ok(Some(boxes)) if !boxes.is_empty() => {
                pictures.boxes.0.extend(boxes.chars());
                pictures.boxes.1.push(name.clone());
            }
            Ok(Some(_)) => {}
            Ok(None) => pictures.kept.push(name.clone()),
            Err(error @ (ReportError::Unfit { .. } | ReportError::NoAxis { .. })) => {
                let text = format!("{name} is not drawn: {error} ({})", error.help());
                pictures.undrawn.push(Warning { text, cells: Vec::new() });
                continue;
            }
            Err(error) => return Err(error),
        }
        pictures.all.extend(existing_picture(&results.path(""), &name));
    }
    Ok(())
}

/// Draws one; returns the characters that are boxes, or nothing if it stays as it is.
fn draw(
    results: &Results,
    name: &str,
    spec: &PlotSpec,
    missing: &[String],
) -> Result<Option<String>, ReportError> {
    if !missing.is_empty() && existing_picture(&results.path(""), name).is_some() {
        return Ok(None);
    }
    // The page shows the first two.
    let mut formats = vec![PictureFormat::Svg, PictureFormat::Png];
    formats.extend(spec.format.iter().filter(|format| **format == PictureFormat::Pdf));
    let path = |format: PictureFormat| results.path(format!("plots/{name}.{}", format.ending()));
    let files: Vec<_> = formats.into_iter().map(|format| (format, path(format))).collect();
    let sheet = single::sheet(&mut results.clone(), spec);
    if sheet.is_err() {
        for (_, path) in files.iter().filter(|(_, path)| path.exists()) {
            fs::remove_file(path).map_err(ReportError::io("remove", path))?;
        }
    }
    let (sheet, view) = sheet?;
    let departure = data::departure(&results.study);
    single::write(&sheet, &departure, &view.frame, files).map(|drawn| Some(drawn.boxes))
}

/// Refuses figures of a plan that its results cannot have. Cells, axes and times that `--set` took away are no fault of
/// the file.
pub fn check(plan: &Plan) -> Result<(), Box<ScenarioError>> {
    if plan.plots.is_empty() {
        return Ok(());
    }
    let study = tables::study(plan, String::new(), plan.texts.sets.clone());
    let groups: Vec<String> = plan.base.groups.iter().map(|group| group.name.clone()).collect();
    let mut problems = Vec::new();
    for (plot, spec) in plan.plots.iter().enumerate() {
        let Err((key, error)) = check_one(spec, &study, plan, &groups) else { continue };
        if ["figure", "width", "font"].contains(&key) || study.changes().next().is_none() {
            problems.push(PlotProblem { plot, key, message: error.to_string(), help: error.help() });
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Box::new(plan.refuse_plots(problems))) }
}

fn check_one(spec: &PlotSpec, study: &Study, plan: &Plan, groups: &[String]) -> Result<(), Refusal> {
    let named = single::find(spec)?;
    View::of(spec, study)?;
    select::chosen_cells(study, &spec.cells).map_err(|error| ("cells", error))?;
    if let Some(group) = spec.groups.iter().find(|group| !groups.contains(group)) {
        let unfit = Unfit::new(
            format!("there is no group \"{group}\""),
            format!("there are {}", select::enumerated(groups)),
        );
        return Err(("groups", unfit.into()));
    }
    if named.needs_capture && plan.base.record.pcap.iter().all(|(name, _)| name.starts_with("link.")) {
        let flow = spec.flows.first().cloned().or_else(|| plan.base.flow_names().next()).unwrap_or_default();
        let unfit = Unfit::new(
            format!("{} needs a capture of a flow, and this scenario has none", named.name),
            format!("add `pcap = [\"{flow}\"]` to [record]"),
        );
        return Err(("figure", unfit.into()));
    }
    Ok(())
}
