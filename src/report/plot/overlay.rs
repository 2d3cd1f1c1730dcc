//! Result folders laid over one another: each figure along an axis that they share, one curve per folder.

use std::path::Path;

use super::compare::{self, Terms};
use super::select::{Unfit, View, enumerated};
use super::single::{self, Drawn};
use super::{data, sweep};
use crate::report::error::ReportError;
use crate::scenario::PlotSpec;
use crate::tables::figures::Figure;
use crate::tables::{Beside, CellSummary, Overlay, Pairing, Study};

/// Draws the folders into a file: the means of their cells, or with `paired` the differences that
/// [`Beside::paired`] gives.
pub fn draw(
    beside: &Beside,
    paired: Option<&Pairing>,
    spec: &PlotSpec,
    file: &Path,
) -> Result<Drawn, ReportError> {
    let format = single::format_of(file)?;
    let Overlay { study, mut cells, own } =
        beside.overlay(paired).map_err(|[problem, help]| Unfit::new(problem, help))?;
    let view = View::of(spec, &study).map_err(|(_, error)| error)?;
    let x = view.x.unwrap_or_else(|| x_axis(&study, &cells, own));
    sort(&mut cells, |axis| axis != own && axis != x);
    let terms = Terms { differences: paired.map(|_| own), ..Terms::of(x) };
    let (mut figures, most) = match view.y.len() {
        0 => (terms.figures.clone(), terms.most),
        _ => sweep::figures(&view)?,
    };
    let is_common = |figure: &&Figure| {
        let with = || cells.iter().filter(|cell| cell.get(figure.column).is_some());
        with().any(|cell| paired.is_some() || with().any(|other| other.values[own] != cell.values[own]))
    };
    figures.retain(is_common);
    if let Some(figure) = view.y.iter().find(|figure| !is_common(figure)) {
        let known: Vec<String> = crate::tables::figures::summarised(&study)
            .filter(is_common)
            .map(|figure| figure.column.to_owned())
            .collect();
        let problem = format!("no two of the folders have a {}", figure.column);
        return Err(Unfit::new(problem, format!("they have {}", enumerated(&known))).into());
    }
    let terms = Terms { figures, most, telling: view.y.is_empty(), ..terms };
    let mut sheet = compare::sheet(&study, &cells, &view.frame, &terms).ok_or_else(|| {
        Unfit::new("the folders have no figure in common", "name columns with --y (testbed list figures)")
    })?;
    single::retitle(&mut sheet, spec);
    single::write(&sheet, &data::departure(&study), &view.frame, vec![(format, file.to_owned())])
}

/// The axis below: one that a folder sweeps and that all of them say, else the folders themselves.
fn x_axis(study: &Study, cells: &[CellSummary], own: usize) -> usize {
    let fits = |axis: usize| {
        let differs = |a: &CellSummary, b: &CellSummary| {
            a.values[own] == b.values[own] && a.values[axis] != b.values[axis]
        };
        axis != own
            && cells.iter().all(|cell| !cell.values[axis].is_empty())
            && cells.iter().any(|a| cells.iter().any(|b| differs(a, b)))
    };
    compare::x_axis_among(study, fits).unwrap_or(own)
}

/// Brings cells together that agree in the chosen axes, so that curves that belong together stand beside one another,
/// and none is left out before another of its folder.
fn sort(cells: &mut [CellSummary], chosen: impl Fn(usize) -> bool) {
    let of = |cell: &CellSummary| -> Vec<String> {
        let values = cell.values.iter().enumerate().filter(|(axis, _)| chosen(*axis));
        values.map(|(_, value)| value.clone()).collect()
    };
    let mut known: Vec<Vec<String>> = Vec::new();
    cells.sort_by_cached_key(|cell| {
        let values = of(cell);
        known.iter().position(|other| *other == values).unwrap_or_else(|| {
            known.push(values);
            known.len() - 1
        })
    });
}
