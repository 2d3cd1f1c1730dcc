//! Chosen figures against a chosen axis of the sweep.

use super::compare::{self, Terms};
use super::select::Unfit;
use super::sheet::Sheet;
use super::sources::Sources;
use crate::report::error::ReportError;
use crate::tables::figures;

/// Panels at most, where figures are chosen.
const MAX_PANELS: usize = 8;

/// A panel for each of the chosen figures, or one for the most telling.
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let study = &sources.results.study;
    let view = sources.view;
    let Some(x) = view.x.or_else(|| compare::x_axis(study)) else { return Ok(None) };
    if let Some(by) = view.by {
        // Cells that differ in an axis that is not shown would lie on one another.
        let varies = |axis: usize| {
            let mut values = sources.cells.iter().filter(|cell| cell.n > 0).map(|cell| &cell.values[axis]);
            let first = values.next();
            values.any(|value| Some(value) != first)
        };
        if let Some(other) = (0..study.axes.len()).find(|&axis| axis != x && axis != by && varies(axis)) {
            let axis = &study.axes[other];
            let value = axis.values.first().map_or("", String::as_str);
            return Err(Unfit::new(
                format!("{} varies, too, and is neither --x nor --by", axis.key),
                format!("choose one value with --cells {}={value}, or leave --by out", axis.key),
            )
            .into());
        }
    }
    let chosen = !view.y.is_empty();
    let figures = if chosen { view.y.clone() } else { figures::ranked(|figure| Some(figure.panel?.rank)) };
    if view.y.len() > MAX_PANELS {
        let problem = format!("{} figures are too many for one sheet", view.y.len());
        return Err(Unfit::new(problem, format!("name at most {MAX_PANELS} with --y")).into());
    }
    let most = if chosen { view.y.len() } else { 1 };
    Ok(compare::sheet(sources, &Terms { x, by: view.by, figures, telling: !chosen, most, in_words: true }))
}
