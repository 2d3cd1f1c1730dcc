//! Figures of single trials as boxes: quartiles and median, with whiskers to the least and the largest trial
//! (Tukey, "Exploratory Data Analysis", 1977).

use super::super::categories;
use super::super::compare;
use super::super::data;
use super::super::panel::{Chart, Panel};
use super::super::scale::Scale;
use super::super::sheet::{DrawPanel, Key, Sheet, Symbol};
use super::super::sources::Sources;
use super::super::style::{Curve, Drawn, INK, MAX_CURVES, px};

use crate::report::error::ReportError;
use crate::tables::figures::Figure;
use crate::units::plural;

/// Share of a value's place that its boxes take together, and that a box leaves between it and the next.
const TOGETHER: f64 = 0.8;
const GAP: f64 = 0.15;

/// The five numbers of some trials, and their mean.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Five {
    least: f64,
    quartiles: [f64; 3],
    largest: f64,
    mean: f64,
}

impl Five {
    fn of(mut values: Vec<f64>) -> Option<Five> {
        values.sort_by(f64::total_cmp);
        let (&least, &largest) = (values.first()?, values.last()?);
        let quartiles = [0.25, 0.5, 0.75].map(|share| quantile(&values, share));
        Some(Five { least, quartiles, largest, mean: values.iter().sum::<f64>() / values.len() as f64 })
    }
}

/// A quantile of ascending values, on straight lines between them (type 7 of Hyndman and Fan, "Sample quantiles in
/// statistical packages", 1996).
fn quantile(values: &[f64], share: f64) -> f64 {
    let place = share * (values.len() - 1) as f64;
    let (below, above) = (values[place.floor() as usize], values[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

/// A panel for each of the chosen figures, or one for the most telling.
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let (results, study, view) = (sources.results, &sources.results.study, sources.view);
    let x = view.x.or_else(|| compare::x_axis(study));
    if let (Some(x), Some(by)) = (x, view.by) {
        super::others_are_fixed(sources, x, by)?;
    }
    // Places along the axis, and the boxes side by side in each.
    let place = |cell: usize| match x {
        Some(x) => study.axes[x].values.iter().position(|value| value == study.values(cell)[x]),
        None => Some(0),
    };
    let name_of = |cell: usize| {
        study.legend(&study.values(cell), |axis| view.by.map_or(x != Some(axis), |by| axis == by))
    };
    let tried = results.cells_with_trials();
    let mut names: Vec<String> = Vec::new();
    for name in tried.iter().map(|&cell| name_of(cell)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let omitted =
        (names.len() > MAX_CURVES).then(|| format!("{MAX_CURVES} of {} combinations shown", names.len()));
    names.truncate(MAX_CURVES);
    let order = x.map_or_else(|| vec![0], |x| study.axes[x].order());
    let boxes = |figure: &Figure| -> Vec<(f64, usize, Five)> {
        let of_cell = |&cell: &usize| {
            let line = names.iter().position(|name| *name == name_of(cell))?;
            let rank = order.iter().position(|&n| Some(n) == place(cell))?;
            let values = results.values(cell, figure.column);
            let five = Five::of(values.map(|(_, value)| value * figure.factor).collect())?;
            let each = TOGETHER / names.len() as f64;
            Some((rank as f64 + (line as f64 + 0.5) * each - TOGETHER / 2.0, line, five))
        };
        tried.iter().filter_map(of_cell).collect()
    };
    let (figures, most) = super::figures(view)?;
    let filled = figures.into_iter().map(|figure| (figure, boxes(figure)));
    let filled: Vec<_> = filled.filter(|(_, boxes)| !boxes.is_empty()).take(most).collect();
    if filled.is_empty() {
        return Ok(None);
    }
    let text = |x: usize, n: usize| study.axes[x].bare(&study.axes[x].values[n]);
    let texts = order.iter().map(|&n| x.map_or_else(|| "all trials".to_owned(), |x| text(x, n)));
    let texts: Vec<String> = texts.collect();
    let side_by_side = |columns| categories::below(&texts, px(view.frame.axis_length(columns)));
    let grid = if filled.len() > 1 && !categories::are_tall(&side_by_side(2)) { 2 } else { 1 };
    let scale = side_by_side(grid);
    let trials = tried.iter().map(|&cell| results.trials.count(cell));
    let trials = trials.max().unwrap_or(0);
    let x_label = x.map_or(String::new(), |x| study.axis_title(x));
    let half = TOGETHER / names.len() as f64 * (1.0 - GAP) / 2.0;
    let subject = match filled.as_slice() {
        [(only, _)] => format!("{} of single trials", only.words),
        _ => "figures of single trials".to_owned(),
    };
    let named = names.len() > 1 || names.iter().any(|name| !name.is_empty());
    let legend = names.iter().enumerate().filter(|_| named);
    let cut = cut_in_words(filled.iter().filter(|(_, boxes)| is_cut(boxes)).count(), filled.len());
    let near = if let [(_, boxes)] = &filled[..] { near_in_words(extremes(boxes)) } else { None };
    let panels = filled.into_iter().map(|(figure, boxes)| -> DrawPanel {
        let y = y_scale(&boxes);
        let label = figure.axis_label();
        let y_label = if y.is_log() { format!("{label}, logarithmic") } else { label };
        let panel = Panel { title: String::new(), x: scale.clone(), y, x_label: x_label.clone(), y_label };
        Box::new(move |area| {
            let chart = panel.draw(area, None)?;
            boxes.iter().try_for_each(|&(x, line, five)| draw_box(&chart, (x, half), Curve(line), five))
        })
    });
    let panels: Vec<DrawPanel> = panels.collect();
    let what = format!(
        "{} a box: quartiles and median, whiskers to the least and the largest, marker at the mean",
        plural(trials as u64, "trial")
    );
    Ok(Some(Sheet {
        title: data::title(results, &subject),
        subtitle: data::subtitle(&[Some(what), cut, near, omitted]),
        legend: legend
            .map(|(n, name)| Key { label: name.clone(), symbol: Symbol::Marker(Curve(n)) })
            .collect(),
        columns: grid,
        row_height: if grid > 1 { 440 } else { 600 },
        panels,
    }))
}

fn draw_box(chart: &Chart<'_>, (x, half): (f64, f64), curve: Curve, five: Five) -> Drawn {
    let [lower, median, upper] = five.quartiles;
    let color = curve.color();
    chart.interval(x, five.least, lower, color)?;
    chart.interval(x, upper, five.largest, color)?;
    let (left, right) = (x - half, x + half);
    chart.rectangle([(left, lower), (right, upper)], curve.pale(), 1.0)?;
    let outline = [(left, lower), (right, lower), (right, upper), (left, upper), (left, lower)];
    chart.line(&outline, color, 14, None)?;
    chart.line(&[(left, median), (right, median)], INK, 24, None)?;
    chart.marker(x, five.mean, curve)
}

/// The least and the largest of all trials.
fn extremes(boxes: &[(f64, usize, Five)]) -> (f64, f64) {
    let least = boxes.iter().map(|(.., five)| five.least).fold(f64::INFINITY, f64::min);
    (least, boxes.iter().map(|(.., five)| five.largest).fold(0.0, f64::max))
}

/// True if boxes above zero would all be flat: their spread is the question.
fn is_cut(boxes: &[(f64, usize, Five)]) -> bool {
    let (least, largest) = extremes(boxes);
    least < largest && least > largest / 2.0
}

/// Words on the panels of which an axis begins above zero.
fn cut_in_words(cut: usize, panels: usize) -> Option<String> {
    match (cut, panels) {
        (0, _) => None,
        (_, 1) => Some("the axis begins above zero".to_owned()),
        _ if cut == panels => Some("the axes begin above zero".to_owned()),
        _ => Some(format!("axes that begin above zero: {cut} of {panels}")),
    }
}

/// A remark where an axis that begins above zero makes much of trials that are all but equal.
fn near_in_words((least, largest): (f64, f64)) -> Option<String> {
    // Rounded up, so that it holds.
    let percent = ((largest - least) / largest * 1e4).ceil() / 100.0;
    (percent > 0.0 && percent < 1.0).then(|| format!("no two trials differ by more than {percent:.2} %"))
}

/// Linear from zero, or from the least where that is far from it; logarithmic where the trials span decades.
fn y_scale(boxes: &[(f64, usize, Five)]) -> Scale {
    let (least, largest) = extremes(boxes);
    if least > 0.0 && largest / least > 40.0 {
        Scale::log(least / 1.3, largest * 1.2)
    } else if is_cut(boxes) {
        let room = (largest - least) * 0.08;
        Scale::linear(least - room, largest + room, 6)
    } else {
        Scale::from_zero(largest, 6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trials_that_are_all_but_equal_are_called_so() {
        let words = near_in_words((19.303, 19.313));
        assert_eq!(words.as_deref(), Some("no two trials differ by more than 0.06 %"));
        assert_eq!((near_in_words((9.0, 10.0)), near_in_words((5.0, 5.0))), (None, None));
    }

    #[test]
    fn only_axes_that_begin_above_zero_are_said_to() {
        assert_eq!(cut_in_words(0, 3), None);
        assert_eq!(cut_in_words(1, 1).as_deref(), Some("the axis begins above zero"));
        assert_eq!(cut_in_words(2, 2).as_deref(), Some("the axes begin above zero"));
        assert_eq!(cut_in_words(1, 3).as_deref(), Some("axes that begin above zero: 1 of 3"));
    }

    #[test]
    fn quartiles_are_those_of_r_and_numpy() {
        // quantile(c(7, 1, 4, 2), c(.25, .5, .75)) is 1.75, 3.0, 4.75.
        let five = Five::of(vec![7.0, 1.0, 4.0, 2.0]).expect("values");
        let expected = Five { least: 1.0, quartiles: [1.75, 3.0, 4.75], largest: 7.0, mean: 3.5 };
        assert_eq!(five, expected);
        let one = Five::of(vec![5.0]).expect("a value");
        assert_eq!((one.least, one.quartiles, one.largest), (5.0, [5.0; 3], 5.0));
        assert_eq!(Five::of(Vec::new()), None);
    }
}
