//! Chosen figures against a chosen axis of the sweep.

pub mod box_plot;
pub mod heat_map;
pub mod model_curves;

use super::compare::{self, Terms};
use super::select::{Unfit, View};
use super::sheet::Sheet;
use super::sources::Sources;
use crate::report::error::ReportError;
use crate::tables::figures::{self, Figure};

/// Panels at most, where figures are chosen.
const MAX_PANELS: usize = 8;

/// A panel for each of the chosen figures, or one for the most telling.
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let study = &sources.results.study;
    let view = sources.view;
    let Some(x) = view.x.or_else(|| compare::x_axis(study)) else { return Ok(None) };
    if let Some(by) = view.by {
        others_are_fixed(sources, x, by)?;
    }
    let (mut figures, most) = figures(view)?;
    let telling = view.y.is_empty() && view.models.is_empty();
    if view.y.is_empty() && !telling {
        figures.retain(|figure| figure.column == model_curves::Models::COLUMN);
    }
    let models = model_curves::of(sources, x, &figures[..figures.len().min(most)])?;
    let terms = Terms { by: view.by, figures, telling, most, models, ..Terms::of(x) };
    Ok(compare::sheet(study, sources.cells, &view.frame, &terms))
}

/// Refuses cells that differ in an axis that is not shown: they would lie on one another.
pub fn others_are_fixed(sources: &Sources<'_>, x: usize, by: usize) -> Result<(), Unfit> {
    let study = &sources.results.study;
    let varies = |axis: usize| {
        let mut values = sources.cells.iter().filter(|cell| cell.n > 0).map(|cell| &cell.values[axis]);
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let Some(other) = (0..study.axes.len()).find(|&axis| axis != x && axis != by && varies(axis)) else {
        return Ok(());
    };
    let axis = &study.axes[other];
    let value = axis.values.first().map_or("", String::as_str);
    Err(Unfit::new(
        format!("{} varies, too, and is neither `x` nor `by`", axis.key),
        format!("choose one value with `cells` ({}={value}), or leave `by` out", axis.key),
    ))
}

/// The chosen figures, or all in the order in which they tell; and how many of them a sheet shows.
pub fn figures(view: &View) -> Result<(Vec<&'static Figure>, usize), Unfit> {
    match view.y.len() {
        0 => Ok((figures::ranked(|figure| Some(figure.panel?.rank)), 1)),
        n if n > MAX_PANELS => {
            let problem = format!("{n} figures are too many for one sheet");
            Err(Unfit::new(problem, format!("name at most {MAX_PANELS} in `y`")))
        }
        n => Ok((view.y.clone(), n)),
    }
}
