//! Result folders laid over one another in time: window, round trip and throughput of the flow that moved the most in each.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::data::{self, Flow};
use super::panel::Panel;
use super::scale::Scale;
use super::select::{self, Unfit, View};
use super::sheet::{DrawPanel, Key, Sheet, Symbol};
use super::single::{self, Drawn};
use super::sources::FIRST_TRIAL;
use super::style::{Curve, MAX_CURVES};
use super::throughput;
use crate::report::disk::Disk;
use crate::report::error::ReportError;
use crate::report::manifest::Manifest;
use crate::scenario::PlotSpec;
use crate::tables::results::Results;
use crate::tables::study::Study;

/// Height of a panel, in pixels.
const ROW: i32 = 300;

/// Axes of the panels.
const AXES: [&str; 3] = ["window (segments)", "round trip (ms)", "throughput (Mbit/s)"];

/// Points of a flow in each panel.
type Lines = [Vec<(f64, f64)>; AXES.len()];

/// Draws a flow of each chosen cell of the folders into a file; and doubts about folders that have none.
pub fn draw(dirs: &[PathBuf], spec: &PlotSpec, file: &Path) -> Result<(Drawn, Vec<String>), ReportError> {
    let format = single::format_of(file)?;
    let (mut legend, mut curves, mut view) = (Vec::new(), Vec::<Lines>::new(), View::default());
    let studies = dirs.iter().map(|dir| Manifest::read(dir).map(|manifest| manifest.study));
    let studies: Vec<Study> = studies.collect::<Result<_, ReportError>>()?;
    let end = studies.iter().map(|study| study.duration.as_secs_f64()).fold(0.0, f64::max);
    let bin = throughput::bin_width(end);
    let mut doubts = Vec::new();
    for (dir, study) in dirs.iter().zip(&studies) {
        let before = curves.len();
        let mut results = Results::load_some(Arc::new(Disk::of(dir)), study)?;
        view = View::of(spec, study).map_err(|(_, error)| error)?;
        select::retain_cells(&mut results, &spec.cells)?;
        for cell in results.cells_with_trials() {
            let Some(flow) = data::flows(&results, cell)?.into_iter().next() else { continue };
            if curves.len() == MAX_CURVES {
                let problem = format!("more than {MAX_CURVES} cells of these folders have series");
                return Err(Unfit::new(problem, "choose cells with --cells (--cells 0)").into());
            }
            let cell = study.cell_legend(cell);
            let cell = if cell.is_empty() { String::new() } else { format!(", {cell}") };
            let label = format!("{}{cell}: {}", name_of(dir, dirs), flow.label());
            legend.push(Key { label, symbol: Symbol::Line(Curve(curves.len()), false) });
            curves.push(lines(&flow, study.segment_of(&flow.name), bin, view.span));
        }
        if curves.len() == before {
            doubts.push(format!(
                "{} has no series of flows in the chosen cells, and is not drawn",
                dir.display()
            ));
        }
    }
    if curves.iter().flatten().all(Vec::is_empty) {
        let help = "run again with record.trials = \"first\", or choose other cells or another span of time";
        return Err(Unfit::new("no chosen cell of these folders has series", help).into());
    }
    let span = view.span.unwrap_or((0.0, end));
    let panels = AXES
        .iter()
        .enumerate()
        .map(|(n, axis)| panel(axis, span, curves.iter().map(|lines| lines[n].clone()).collect()));
    let mut sheet = Sheet {
        title: "The largest flow of each folder over time".to_owned(),
        subtitle: format!("{FIRST_TRIAL} · throughput in bins of {bin} s"),
        legend,
        columns: 1,
        row_height: ROW,
        panels: panels.collect(),
    };
    single::retitle(&mut sheet, spec);
    Ok((single::write(&sheet, "", &view.frame, vec![(format, file.to_owned())])?, doubts))
}

/// The last part of a folder's path, or all of it where another one ends alike.
fn name_of(dir: &Path, dirs: &[PathBuf]) -> String {
    let alike = dirs.iter().filter(|other| other.file_name() == dir.file_name()).count();
    let last = dir.file_name().filter(|_| alike == 1);
    last.map_or_else(|| dir.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn lines(flow: &Flow, segment: f64, bin: f64, span: Option<(f64, f64)>) -> Lines {
    // A sender without a window has its bytes in flight.
    let window = if flow.has_window() { &flow.cwnd } else { &flow.flight };
    let lines =
        [flow.points(window, segment), flow.points(&flow.srtt, 1.0), throughput::binned(&[flow], bin)];
    lines.map(|points| {
        let seen = |point: &(f64, f64)| span.is_none_or(|(from, to)| (from..=to).contains(&point.0));
        points.into_iter().filter(seen).collect()
    })
}

fn panel(axis: &'static str, span: (f64, f64), lines: Vec<Vec<(f64, f64)>>) -> DrawPanel {
    let values = lines.iter().flatten().map(|point| point.1).filter(|value| value.is_finite());
    let top = values.fold(0.0, f64::max);
    Box::new(move |area| {
        let chart = Panel {
            title: String::new(),
            x: Scale::linear(span.0, span.1, 10),
            y: Scale::from_zero(top, 5),
            x_label: if axis == AXES[AXES.len() - 1] { "time (s)".to_owned() } else { String::new() },
            y_label: axis.to_owned(),
        }
        .draw(area, None)?;
        lines
            .iter()
            .enumerate()
            .try_for_each(|(n, points)| chart.line(points, Curve(n).color(), 18, Curve(n).dash()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_end_alike_have_their_paths() {
        let dirs = ["p/r", "q/r", "q/s"].map(PathBuf::from);
        assert_eq!(dirs.each_ref().map(|dir| name_of(dir, &dirs)), ["p/r", "q/r", "s"]);
    }
}
