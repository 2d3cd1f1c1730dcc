//! A figure over two axes of the sweep: a field for each pair of values, darker for more, with its mean.

use plotters::style::RGBColor;

use super::super::categories::{self, TEXT};
use super::super::compare;
use super::super::data;
use super::super::panel::Panel;
use super::super::select::Unfit;
use super::super::sheet::{DrawPanel, Key, Sheet, Symbol};
use super::super::sources::Sources;
use super::super::style::{self, INK, px};

use crate::report::error::ReportError;
use crate::tables::figures::Figure;
use crate::tables::table::plain;

/// Ends of the scale, light enough and dark enough that a grey print keeps their order.
const LEAST: RGBColor = RGBColor(236, 243, 250);
const MOST: RGBColor = RGBColor(8, 64, 129);

/// The widest labels of rows, in drawing units.
const WIDEST: i32 = px(200);

/// Fields that differ by less than this share of their mean have one shade: a scale would make much of nothing.
const ALIKE: f64 = 0.01;

/// Fields of a figure: column, row, mean in the unit shown.
type Fields = Vec<(usize, usize, Option<f64>)>;

/// Error of a map along one axis, with its mend.
fn one_axis(key: &str) -> ReportError {
    let problem = format!("a heat-map has two axes, and there is {key} alone");
    let help = "name another one that varies with `x` or `by`, or draw this one with the figure sweep";
    Unfit::new(problem, help).into()
}

/// A panel for each of the chosen figures, or one for the most telling.
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let (results, study) = (sources.results, &sources.results.study);
    let Some(x) = sources.view.x.or_else(|| compare::x_axis(study)) else { return Ok(None) };
    let longest = || {
        let others = (0..study.axes.len()).filter(|&axis| axis != x && study.axes[axis].values.len() > 1);
        others.rev().max_by_key(|&axis| study.axes[axis].values.len())
    };
    let Some(y) = sources.view.by.or_else(longest) else { return Err(one_axis(&study.axes[x].key)) };
    super::others_are_fixed(sources, x, y)?;
    if x == y {
        return Err(one_axis(&study.axes[x].key));
    }
    let (columns, rows) = (study.axes[x].order(), study.axes[y].order());
    let fields = |figure: &Figure| -> Fields {
        let place = |axis: usize, order: &[usize], value: &String| {
            order.iter().position(|&n| study.axes[axis].values[n] == *value)
        };
        let field = |cell: &crate::tables::CellSummary| {
            let mean = cell.mean(figure.column).map(|mean| mean * figure.factor);
            Some((place(x, &columns, &cell.values[x])?, place(y, &rows, &cell.values[y])?, mean))
        };
        sources.cells.iter().filter(|cell| cell.n > 0).filter_map(field).collect()
    };
    let (figures, most) = super::figures(sources.view)?;
    let filled = figures.into_iter().map(|figure| (figure, fields(figure)));
    let filled: Vec<(&Figure, Fields)> =
        filled.filter(|(_, fields)| fields.iter().any(|field| field.2.is_some())).take(most).collect();
    if filled.is_empty() {
        return Ok(None);
    }
    let trials = sources.cells.iter().map(|cell| cell.n).max().unwrap_or(0);
    let means = if trials > 1 { format!("means of {trials} trials") } else { "one trial each".to_owned() };
    let grid = if filled.len() > 1 { 2 } else { 1 };
    let length = px(sources.view.frame.axis_length(grid));
    let texts = |axis: usize, order: &[usize]| -> Vec<String> {
        let axis = &study.axes[axis];
        order.iter().map(|&value| axis.bare(&axis.values[value])).collect()
    };
    let axes = [
        categories::below(&texts(x, &columns), length),
        categories::beside(&texts(y, &rows), WIDEST.min(length * 3 / 5)),
    ];
    let labels = [study.axis_title(x), study.axis_title(y)];
    let subject = match filled.as_slice() {
        [(only, _)] => only.words,
        _ => "figures",
    };
    let key = |label: &str, color: RGBColor| Key { label: label.to_owned(), symbol: Symbol::Patch(color) };
    let (scale, legend) = if filled.iter().any(|(_, fields)| range(fields).is_some()) {
        ("darker is more", vec![key("least of the panel", LEAST), key("most", MOST)])
    } else {
        ("no two fields differ by more than 1 %", Vec::new())
    };
    let panels = filled.iter().map(|(figure, fields)| -> DrawPanel {
        let panel = Panel {
            title: figure.axis_label(),
            x: axes[0].clone(),
            y: axes[1].clone(),
            x_label: labels[0].clone(),
            y_label: labels[1].clone(),
        };
        let (fields, width) = (fields.clone(), length / i32::try_from(columns.len()).unwrap_or(i32::MAX));
        Box::new(move |area| {
            let chart = panel.draw(area, None)?;
            let values = || fields.iter().filter_map(|field| field.2);
            let range = range(&fields);
            let fits = values().all(|value| style::width_of(&plain(value), TEXT) + px(6) <= width);
            for &(column, row, mean) in &fields {
                let (at_x, at_y) = (column as f64, row as f64);
                let Some(mean) = mean else {
                    chart.text((at_x, at_y), "–", TEXT, INK)?;
                    continue;
                };
                let share = range.map_or(0.0, |(low, high)| (mean - low) / (high - low));
                chart.rectangle([(at_x - 0.5, at_y - 0.5), (at_x + 0.5, at_y + 0.5)], shade(share), 1.0)?;
                if fits {
                    let ink = if share > 0.5 { LEAST } else { INK };
                    chart.text((at_x, at_y), &plain(mean), TEXT, ink)?;
                }
            }
            Ok(())
        })
    });
    Ok(Some(Sheet {
        title: data::title(
            results,
            &format!("{subject} over {} and {}", study.axis_words(x), study.axis_words(y)),
        ),
        subtitle: data::subtitle(&[Some(means), Some(scale.to_owned())]),
        legend,
        columns: grid,
        row_height: if grid > 1 { 440 } else { 560 },
        panels: panels.collect(),
    }))
}

/// Least and largest mean, if they differ enough for a scale.
fn range(fields: &Fields) -> Option<(f64, f64)> {
    let values = fields.iter().filter_map(|field| field.2);
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
    (high - low > ALIKE * high.abs()).then_some((low, high))
}

/// The colour at a share of the scale.
fn shade(share: f64) -> RGBColor {
    let between = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * share).round() as u8;
    RGBColor(between(LEAST.0, MOST.0), between(LEAST.1, MOST.1), between(LEAST.2, MOST.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_are_alike_have_no_scale() {
        let fields = |values: &[f64]| values.iter().map(|value| (0, 0, Some(*value))).collect::<Fields>();
        assert_eq!(range(&fields(&[100.0, 100.9])), None);
        assert_eq!(range(&fields(&[100.0, 103.0, 102.0])), Some((100.0, 103.0)));
    }

    #[test]
    fn more_is_darker_in_grey_too() {
        // Luma of ITU-R BT.601, which printers and grey screens come near.
        let luma =
            |RGBColor(r, g, b): RGBColor| 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b);
        let steps: Vec<f64> = (0..=10).map(|n| luma(shade(f64::from(n) / 10.0))).collect();
        assert!(steps.windows(2).all(|pair| pair[0] - pair[1] > 15.0), "{steps:?}");
        // Numbers stay apart from their fields: five parts of 21 between them (WCAG's 4.5 in sRGB, roughly 90 of luma).
        assert!(steps[5] - luma(INK) > 90.0 && luma(LEAST) - steps[6] > 90.0, "{steps:?}");
    }
}
