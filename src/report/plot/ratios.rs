//! Ratios of our figures to another's, a row for each figure and a dot for each cell.

use std::path::Path;

use super::frame::Frame;
use super::panel::Panel;
use super::scale::Scale;
use super::sheet::{DrawPanel, Key, Sheet, Symbol};
use super::single::{self, Drawn};
use super::style::{Area, Curve, Drawn as Done, INK};
use crate::report::error::ReportError;

/// Ends of the axis; ratios beyond them stand at its ends.
const ENDS: (f64, f64) = (0.5, 2.0);

/// Height of a row, and of what stands above and below all of them, in pixels.
const ROW: f64 = 22.0;
const AROUND: f64 = 80.0;

/// Distance between two groups, in rows.
const GAP: f64 = 0.7;

/// Content of a picture.
pub struct Ratios {
    /// Heading.
    pub title: String,
    /// Line below it.
    pub subtitle: String,
    /// Judgements of a ratio, each of which has a marker.
    pub marks: Vec<String>,
    /// Groups of rows.
    pub groups: Vec<Group>,
}

/// Rows that belong together.
pub struct Group {
    /// Its name.
    pub name: String,
    /// Rows, each with its name and its ratios with the judgement of each.
    pub rows: Vec<(String, Vec<(f64, usize)>)>,
}

/// Format that a file for a picture asks for by its ending: an error names the known ones.
pub fn check_name(file: &Path) -> Result<(), ReportError> {
    single::format_of(file).map(drop).map_err(ReportError::from)
}

/// Draws the ratios into a file, on a sheet of the page.
pub fn draw(ratios: Ratios, file: &Path) -> Result<Drawn, ReportError> {
    let format = single::format_of(file)?;
    single::write(&sheet(ratios), "", &Frame::default(), vec![(format, file.to_owned())])
}

fn sheet(Ratios { title, subtitle, marks, groups }: Ratios) -> Sheet {
    let (mut places, mut dots) = (Vec::new(), Vec::new());
    let mut y = 0.0;
    for Group { name, rows } in groups {
        for (n, (row, ratios)) in rows.into_iter().enumerate() {
            places.push((y, if n == 0 { format!("{name}: {row}") } else { row }));
            let known = ratios.into_iter().filter(|(ratio, _)| !ratio.is_nan());
            dots.extend(known.map(|(ratio, mark)| (ratio.clamp(ENDS.0, ENDS.1), y, mark)));
            y += 1.0;
        }
        y += GAP;
    }
    // Those that are judged worst are not to be hidden.
    dots.sort_by_key(|(_, _, mark)| *mark);
    let end = (y - GAP).max(1.0) - 0.4;
    let symbol = |n: usize| Symbol::Marker(LOOKS[n % LOOKS.len()]);
    let legend = marks.into_iter().enumerate().map(|(n, label)| Key { label, symbol: symbol(n) });
    let panel = Panel {
        title: String::new(),
        x: Scale::log(ENDS.0, ENDS.1).with_ticks(TICKS.map(|tick| (tick, tick.to_string())).into()),
        y: Scale::linear(-0.6, end, 1).with_ticks(places).reversed(),
        x_label: "ours / theirs, logarithmic".to_owned(),
        y_label: String::new(),
    };
    let draw: DrawPanel = Box::new(move |area| draw_panel(area, &panel, &dots));
    Sheet {
        title,
        subtitle,
        legend: legend.collect(),
        columns: 1,
        row_height: ((end + 0.6) * ROW + AROUND) as i32,
        panels: vec![draw],
    }
}

const TICKS: [f64; 9] = [0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0];

/// Markers of the judgements, which differ in form and lightness.
const LOOKS: [Curve; 3] = [Curve(0), Curve(3), Curve(1)];

fn draw_panel(area: &Area<'_>, panel: &Panel, dots: &[(f64, f64, usize)]) -> Done {
    let chart = panel.draw(area, None)?;
    chart.line(&[(1.0, panel.y.low()), (1.0, panel.y.high())], INK, 14, None)?;
    dots.iter().try_for_each(|&(ratio, y, mark)| {
        chart.small_marker(ratio, y, LOOKS[mark % LOOKS.len()], if mark == 0 { 3 } else { 5 })
    })
}
