//! The comparison over a sweep: each figure against the swept value, one line per controller or
//! other setting, with 95 % intervals.

use super::categories;
use super::frame::Frame;
use super::panel::Panel;
use super::scale::Scale;
use super::sheet::{DrawPanel, Key, Sheet, Symbol};
use super::sources::Sources;
use super::style::{self, Area, Curve, Drawn, INK, MAX_CURVES, px};
use super::sweep::model_curves::{ModelCurve, Models};
use crate::report::error::ReportError;
use crate::tables::Axis;
use crate::tables::figures::{self, Figure};
use crate::tables::study::Study;
use crate::tables::summary::CellSummary;

/// Panels at most, where figures are not chosen.
pub const MAX_PANELS: usize = 4;

/// A value of the x axis: where it stands, and how it was written.
type Place = (f64, String);

/// A point of a line: place on the x axis, mean, half-width.
type Point = (f64, f64, Option<f64>);

/// Content of a comparison.
pub struct Terms {
    /// The axis below.
    pub x: usize,
    /// The axis whose values are lines; all others, if none.
    pub by: Option<usize>,
    /// Figures, of which each has a panel.
    pub figures: Vec<&'static Figure>,
    /// True if those that say nothing are left out.
    pub telling: bool,
    /// Panels at most.
    pub most: usize,
    /// Curves beside the means of the goodput.
    pub models: Option<Models>,
    /// Axis of the pairs of values whose differences the means are; they have a line at zero.
    pub differences: Option<usize>,
}

impl Terms {
    /// The most telling figures along an axis.
    pub fn of(x: usize) -> Terms {
        Terms {
            x,
            by: None,
            figures: figures::ranked(|figure| Some(figure.panel?.rank)),
            telling: true,
            most: MAX_PANELS,
            models: None,
            differences: None,
        }
    }
}

/// One panel per figure; nothing for a single cell.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all pictures")]
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let study = &sources.results.study;
    let Some(x) = x_axis(study) else { return Ok(None) };
    Ok(sheet(study, sources.cells, &sources.view.frame, &Terms::of(x)))
}

/// A panel for each figure of the terms.
pub fn sheet(study: &Study, cells: &[CellSummary], frame: &Frame, terms: &Terms) -> Option<Sheet> {
    let x_axis = terms.x;
    let axis = &study.axes[x_axis];
    let side_by_side = |columns| x_scale(axis, px(frame.axis_length(columns)));
    let columns = if terms.most > 1 && !categories::are_tall(&side_by_side(2).0) { 2 } else { 1 };
    let (scale, places, numeric) = side_by_side(columns);
    let name_of = |cell: &CellSummary| line_name(study, cell, terms);
    let mut names = names(cells, name_of);
    let omitted =
        (names.len() > MAX_CURVES).then(|| format!("{MAX_CURVES} of {} combinations shown", names.len()));
    names.truncate(MAX_CURVES);
    let mut panels: Vec<DrawPanel> = Vec::new();
    let mut shown: Vec<&Figure> = Vec::new();
    let (mut intervals, mut beyond) = (false, false);
    for figure in &terms.figures {
        let factor = figure.factor;
        let line = |name: &String| -> Vec<Point> {
            let of_line = cells.iter().filter(|cell| name_of(cell) == *name);
            let points = of_line.filter_map(|cell| {
                let over = cell.get(figure.column)?;
                let value = axis.values.iter().position(|value| *value == cell.values[x_axis])?;
                Some((places[value].0, over.mean? * factor, over.ci95.map(|half| half * factor)))
            });
            let mut points: Vec<Point> = points.collect();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            points
        };
        let lines: Vec<Vec<Point>> = names.iter().map(line).collect();
        let said = if terms.telling {
            says_something(&lines, figure, terms)
        } else {
            lines.iter().any(|line| !line.is_empty())
        };
        if panels.len() == terms.most || !said {
            continue;
        }
        shown.push(figure);
        intervals |= lines.iter().flatten().any(|point| point.2.is_some());
        let (x, y) =
            (scale.clone(), if terms.differences.is_some() { around_zero(&lines) } else { y_scale(&lines) });
        let curves = terms.models.as_ref().filter(|_| figure.column == Models::COLUMN);
        let curves = curves.map_or_else(Vec::new, |models| {
            let place = |cell: &CellSummary| {
                let value = axis.values.iter().position(|value| *value == cell.values[x_axis])?;
                Some((places[value].0, cell.cell))
            };
            let of_line = |name: &String| -> Vec<(f64, usize)> {
                cells.iter().filter(|cell| cell.n > 0 && name_of(cell) == *name).filter_map(place).collect()
            };
            models.curves(names.iter().map(of_line), &x, y.high())
        });
        beyond |=
            lines.iter().flatten().any(|&(_, mean, half)| half.is_some_and(|half| mean - half < y.low()));
        let x_label = axis_label(study, terms, &scale);
        let label = figure.axis_label();
        let label = if terms.differences.is_some() { format!("Difference: {label}") } else { label };
        let y_label = if y.is_log() { format!("{label}, logarithmic") } else { label };
        let panel = Panel { title: String::new(), x, y, x_label, y_label };
        let zero = terms.differences.is_some();
        panels.push(Box::new(move |area| draw_panel(area, &panel, &lines, &curves, numeric, zero)));
    }
    if panels.is_empty() {
        return None;
    }
    let legend: Vec<Key> = match names.as_slice() {
        [only] if only.is_empty() => Vec::new(),
        _ => (names.iter().enumerate())
            .map(|(n, name)| {
                let symbol = if numeric { Symbol::Line(Curve(n), true) } else { Symbol::Marker(Curve(n)) };
                Key { label: name.clone(), symbol }
            })
            .collect(),
    };
    let legend = legend.into_iter().chain(terms.models.iter().flat_map(Models::legend)).collect();
    let trials = cells.iter().map(|cell| cell.n).max().unwrap_or(0);
    let bars = if terms.differences.is_some() {
        format!("mean differences over {trials} pairs of trials with 95 % intervals")
    } else if intervals {
        format!("means of {trials} trials with 95 % intervals")
    } else {
        "one trial each, so no intervals".to_owned()
    };
    let arrows = beyond.then(|| "an arrow where one goes on below the axis".to_owned());
    let subject = match shown.as_slice() {
        [only] => only.words,
        _ => "figures",
    };
    let subject =
        if terms.differences.is_some() { format!("differences in {subject}") } else { subject.to_owned() };
    Some(Sheet {
        title: super::data::titled(study, &format!("{subject} against {}", study.axis_words(x_axis))),
        subtitle: super::data::subtitle(&[Some(bars), arrows, omitted]),
        legend,
        columns,
        row_height: if panels.len() > 1 { 440 } else { 600 },
        panels,
    })
}

/// True if a figure exists and is not the same trivial value everywhere.
fn says_something(lines: &[Vec<Point>], figure: &Figure, terms: &Terms) -> bool {
    let tells = |mean: f64| terms.differences.is_some() || (figure.tells)(mean / figure.factor);
    lines.iter().flatten().any(|point| point.1 != 0.0 && tells(point.1))
}

fn draw_panel(
    area: &Area<'_>,
    panel: &Panel,
    lines: &[Vec<Point>],
    curves: &[ModelCurve],
    numeric: bool,
    zero: bool,
) -> Drawn {
    let chart = panel.draw(area, None)?;
    if zero {
        chart.line(&[(panel.x.low(), 0.0), (panel.x.high(), 0.0)], INK, 14, None)?;
    }
    for (points, dash) in curves {
        chart.line(points, INK, 14, Some(*dash))?;
    }
    let scale = &panel.x;
    let count = lines.len() as f64;
    for (n, line) in lines.iter().enumerate() {
        let curve = Curve(n);
        // Lines stand a little beside one another, so that no interval hides another.
        let gap = if numeric { 0.008 } else { 0.25 / scale.span().max(1.0) / count };
        let shift = (n as f64 - (count - 1.0) / 2.0) * gap;
        let place = |x: f64| scale.at(scale.share(x) + shift);
        let points: Vec<(f64, f64)> = line.iter().map(|point| (place(point.0), point.1)).collect();
        if numeric {
            chart.line(&points, curve.color(), 20, curve.dash())?;
        }
        for &(x, mean, half) in line {
            if let Some(half) = half {
                chart.interval(place(x), mean - half, mean + half, curve.color())?;
            }
        }
        for &(x, mean) in &points {
            chart.marker(x, mean, curve)?;
        }
    }
    chart.interrupt()
}

/// Linear from zero, or logarithmic where the means span decades. An interval may lower the
/// logarithmic axis a little; one that comes near zero, or goes below it, would leave no room for the rest.
fn y_scale(lines: &[Vec<Point>]) -> Scale {
    let all = || lines.iter().flatten();
    let top = all().map(|point| point.1 + point.2.unwrap_or(0.0)).fold(0.0, f64::max);
    let least = all().map(|point| point.1).fold(f64::INFINITY, f64::min);
    if least > 0.0 && top / least > 40.0 {
        let ends = all().map(|point| point.1 - point.2.unwrap_or(0.0)).filter(|end| *end > least / 10.0);
        Scale::log(ends.fold(least, f64::min) / 1.6, top * 1.2)
    } else {
        Scale::from_zero(top, 6)
    }
}

/// Linear over zero and all intervals.
fn around_zero(lines: &[Vec<Point>]) -> Scale {
    let ends = |sign: f64| lines.iter().flatten().map(move |point| point.1 + sign * point.2.unwrap_or(0.0));
    let (low, high) = (ends(-1.0).fold(0.0, f64::min), ends(1.0).fold(0.0, f64::max));
    let edge = 0.06 * (high - low);
    Scale::linear(low - edge, high + edge, 6)
}

/// The axis of the sheet: the one with the most values among those that are numbers, else the
/// same of those that are not the choice of a controller, else that.
pub fn x_axis(study: &Study) -> Option<usize> {
    x_axis_among(study, |_| true)
}

/// The same among some of the axes.
pub fn x_axis_among(study: &Study, fits: impl Fn(usize) -> bool) -> Option<usize> {
    let varied = || (0..study.axes.len()).filter(|&n| study.axes[n].values.len() > 1 && fits(n));
    // `max_by_key` takes the last of equals; the first is what the author put first.
    let numeric = varied().filter(|&n| study.axes[n].magnitudes().is_some()).rev();
    numeric
        .max_by_key(|&n| study.axes[n].values.len())
        .or_else(|| {
            let others = varied().filter(|&n| !study.axes[n].is_congestion()).rev();
            others.max_by_key(|&n| study.axes[n].values.len())
        })
        .or_else(|| varied().next())
}

/// Names of the lines, in the order of their cells.
fn names(cells: &[CellSummary], name_of: impl Fn(&CellSummary) -> String) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in cells.iter().filter(|cell| cell.n > 0).map(name_of) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Name of a cell's line among the others: the values of the axis that is told apart, or of all but the one
/// of x.
fn line_name(study: &Study, cell: &CellSummary, terms: &Terms) -> String {
    let wanted = |axis| terms.by.map_or(axis != terms.x, |by| axis == by);
    let name = study.legend(&cell.values, |axis| wanted(axis) && !cell.values[axis].is_empty());
    match terms.differences.filter(|own| name.is_empty() && *own != terms.x) {
        // A single pair of values has a name, too.
        Some(own) => study.legend_part(own, &cell.values[own]),
        None => name,
    }
}

fn axis_label(study: &Study, terms: &Terms, scale: &Scale) -> String {
    let label = study.axis_title(terms.x);
    if scale.is_log() { format!("{label}, logarithmic") } else { label }
}

/// The x axis of a length in drawing units, the places of its values on it, and whether they are numbers.
fn x_scale(axis: &Axis, length: i32) -> (Scale, Vec<Place>, bool) {
    let Some(values) = axis.magnitudes() else {
        let texts: Vec<String> = axis.values.iter().map(|text| axis.short(text)).collect();
        let scale = categories::below(&texts, length);
        let places = scale.ticks().to_vec();
        return (scale, places, false);
    };
    let positive = || values.iter().copied().filter(|value| *value > 0.0);
    let (low, high) = (positive().fold(f64::INFINITY, f64::min), positive().fold(0.0, f64::max));
    let negative = values.iter().any(|value| *value < 0.0);
    let scale = if !negative && high / low >= 20.0 {
        if values.contains(&0.0) {
            Scale::log_and_zero(low, high * 1.4)
        } else {
            Scale::log(low / 1.4, high * 1.4)
        }
    } else {
        let (least, most) = values.iter().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
        let edge = (most - least) * 0.06;
        Scale::linear(least - edge, most + edge, 8)
    };
    let places: Vec<Place> = values
        .iter()
        .zip(&axis.values)
        .map(|(v, text)| (scale.place(*v), shortened(&axis.bare(text))))
        .collect();
    let mut ticks = places.clone();
    ticks.sort_by(|a, b| a.0.total_cmp(&b.0));
    ticks.dedup_by_key(|tick| tick.0.to_bits());
    let scale = scale.clone().with_ticks(staggered(ticks, |value| scale.share(value) * f64::from(length)));
    (scale, places, true)
}

/// The ticks with their labels in as many lines as they need to stay apart, up to three; a label that has
/// no room in any is left out, its tick is not. `place` is where a value stands, in drawing units.
fn staggered(ticks: Vec<Place>, place: impl Fn(f64) -> f64) -> Vec<Place> {
    let mut ends = [f64::NEG_INFINITY; 3];
    let label = |(value, text): Place| {
        let (middle, half) = (place(value), f64::from(style::width_of(&text, 14.0)) / 2.0);
        let row = ends.iter().position(|end| middle - half >= *end);
        let text = row.map_or_else(String::new, |row| {
            ends[row] = middle + half + f64::from(px(6));
            "\n".repeat(row) + &text
        });
        (value, text)
    };
    ticks.into_iter().map(label).collect()
}

fn shortened(text: &str) -> String {
    style::fitting(text, 14.0, px(150))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(values: &[&str]) -> Axis {
        Axis { key: "link.access.loss".to_owned(), values: values.iter().map(|&v| v.to_owned()).collect() }
    }

    fn x_scale_of(axis: &Axis) -> (Scale, Vec<Place>, bool) {
        x_scale(axis, px(560))
    }

    #[test]
    fn labels_that_are_no_numbers_are_broken_where_they_would_be_cut() {
        let bursts = |p| format!("{{ model = \"gilbert-elliott\", p = \"{p}\", r = \"20%\" }}");
        let (a, b) = (bursts("0.2513%"), bursts("0.1005%"));
        let (_, places, numeric) = x_scale_of(&axis(&["0.5%", &a, &b, "1%"]));
        let labels: Vec<&str> = places.iter().map(|place| place.1.as_str()).collect();
        assert_eq!(labels, ["0.5%", "GE p=0.251%\nr=20%", "GE p=0.101%\nr=20%", "1%"]);
        assert!(!numeric);
    }

    #[test]
    fn every_value_has_a_tick_and_labels_stay_apart() {
        let (scale, _, numeric) = x_scale_of(&axis(&["1gbit", "500kbit", "2mbit", "900mbit"]));
        assert!(numeric);
        assert_eq!(scale.labels().collect::<Vec<_>>(), ["500kbit", "2mbit", "900mbit", "\n1gbit"]);
        let many: Vec<String> = (0..300).map(|n| format!("{n}ms")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let (scale, ..) = x_scale_of(&axis(&many));
        assert_eq!(scale.ticks().len(), 300);
        assert!((20..100).contains(&scale.labels().filter(|label| !label.is_empty()).count()));
    }

    #[test]
    fn an_interval_lowers_a_logarithmic_axis_unless_it_comes_near_zero() {
        let low = |half| y_scale(&[vec![(1.0, 1000.0, None), (2.0, 10.0, Some(half))]]).low();
        assert!(low(5.0) < 5.0);
        for near_zero in [9.5, 10.0, 20.0] {
            assert!((low(near_zero) - low(0.0)).abs() < 1e-9, "{near_zero}");
        }
    }

    #[test]
    fn decades_make_a_logarithmic_axis_with_a_place_for_zero() {
        let (scale, places, numeric) = x_scale_of(&axis(&["0%", "0.1%", "1%", "10%"]));
        assert!(scale.is_log() && numeric && scale.break_at().is_some());
        assert!(places[0].0 > scale.low() && places[0].0 < places[1].0);
        let (scale, _, _) = x_scale_of(&axis(&["0%", "5%", "10%"]));
        assert!(!scale.is_log());
    }
}
