//! A picture as a whole: heading, legend, and panels in a grid.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::frame::{FOOT, Frame, MARGIN, WIDTH};
use super::style::{
    Area, Curve, DOTS, DrawError, Drawn, INK, MUTED, bold, diamond, draw_dashed, ensure_fonts, fill, fitting,
    px, stroke, text, triangle, width_of, wrapped,
};

/// Draws one panel into its part of the sheet.
pub type DrawPanel = Box<dyn Fn(&Area<'_>) -> Drawn>;

/// One picture: a heading, a legend, and panels in a grid.
pub struct Sheet {
    pub title: String,
    pub subtitle: String,
    pub legend: Vec<Key>,
    pub columns: usize,
    /// The height of a row of panels.
    pub row_height: i32,
    pub panels: Vec<DrawPanel>,
}

/// An entry of the legend.
#[derive(Clone, Debug)]
pub struct Key {
    pub label: String,
    pub symbol: Symbol,
}

/// Symbol before the label.
#[derive(Clone, Copy, Debug)]
pub enum Symbol {
    /// A line, with a marker if the curve has them.
    Line(Curve, bool),
    /// The curve's marker alone, where nothing joins the points.
    Marker(Curve),
    /// A thin dashed line.
    Threshold(RGBColor),
    /// A thin dotted line.
    Dotted(RGBColor),
    /// A thin line of long dashes.
    Dashed(RGBColor),
    /// A shaded span.
    Patch(RGBColor),
    /// A short upright stroke.
    Tick(RGBColor),
    /// A triangle that points down.
    Triangle(RGBColor),
    /// A diamond.
    Diamond(RGBColor),
}

const TITLE_SIZE: f64 = 22.0;
/// A larger one would leave less of a slide to the panels.
const TITLE_ON_SLIDE: f64 = 18.0;
const SUBTITLE_SIZE: f64 = 15.0;
/// Lines of the subtitle of a slide.
const SUBTITLE_LINES: usize = 2;
const LEGEND_SIZE: f64 = 15.0;
const LEGEND_ROW: i32 = 26;
const LEGEND_LINE: i32 = 19;
/// Lines of an entry that is too long for one.
const LEGEND_LINES: usize = 2;
const SYMBOL_WIDTH: i32 = 40;

impl Sheet {
    /// The rows of the legend, as (entry, x) each.
    fn legend_rows(&self, frame: &Frame) -> Vec<Vec<(&Key, i32)>> {
        let mut rows: Vec<Vec<(&Key, i32)>> = Vec::new();
        let mut x = px(MARGIN);
        for key in &self.legend {
            let label = key.lines(frame);
            let longest = label.iter().map(|line| width_of(line, LEGEND_SIZE)).max().unwrap_or(0);
            let width = px(SYMBOL_WIDTH + 8 + 28) + longest;
            if rows.is_empty() || x + width > px(frame.width - MARGIN) + px(28) {
                rows.push(Vec::new());
                x = px(MARGIN);
            }
            if let Some(row) = rows.last_mut() {
                row.push((key, x));
            }
            x += width;
        }
        rows
    }

    /// The finished SVG; `departure` is what the run did otherwise than the title says.
    pub fn render(&self, departure: &str, frame: &Frame) -> Result<String, DrawError> {
        ensure_fonts();
        let inner = px(frame.width - 2 * MARGIN);
        let (most, most_below) = if frame.is_narrow() { (6, 8) } else { (2, 3) };
        let heading = |text: &str, size: f64, lines: usize| {
            if frame.titled { wrapped(text, size, inner, lines) } else { Vec::new() }
        };
        let slide = frame.is_slide();
        let (title_size, title_line) = if slide { (TITLE_ON_SLIDE, 25) } else { (TITLE_SIZE, 32) };
        let titles = heading(&self.title, title_size * 1.08, most);
        let departures = heading(departure, SUBTITLE_SIZE, 1);
        let subtitle = if slide { on_slide(&self.subtitle, inner) } else { self.subtitle.clone() };
        let subtitles = [departures, heading(&subtitle, SUBTITLE_SIZE, most_below)].concat();
        let legend = self.legend_rows(frame);
        let head = 18
            + count(titles.len()) * title_line
            + count(subtitles.len()) * 22
            + if legend.is_empty() {
                6
            } else {
                12 + legend.iter().map(|row| height_of(row, frame)).sum::<i32>()
            };
        // Without a heading nothing needs a gap above it.
        let (above, head) = if frame.titled { (18, head) } else { (0, head - 18) };
        let columns = frame.columns(self.columns.clamp(1, self.panels.len().max(1)));
        let rows = count(self.panels.len().div_ceil(columns));
        let row_height = frame.row_height(self.row_height, columns, rows, head);
        let height = head + rows * row_height + FOOT;
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, (px(frame.width) as u32, px(height) as u32))
                .into_drawing_area();
            root.fill(&WHITE)?;
            let mut y = above;
            for line in &titles {
                root.draw_text(line, &bold(title_size, INK, HPos::Left, VPos::Top), (px(MARGIN), px(y)))?;
                y += title_line;
            }
            for line in &subtitles {
                root.draw_text(
                    line,
                    &text(SUBTITLE_SIZE, MUTED, HPos::Left, VPos::Top),
                    (px(MARGIN), px(y)),
                )?;
                y += 22;
            }
            y += 12;
            for row in &legend {
                for (key, x) in row {
                    draw_key(&root, key, (*x, px(y + LEGEND_ROW / 2)), frame)?;
                }
                y += height_of(row, frame);
            }
            let column_width = frame.column_width(columns);
            for (n, panel) in self.panels.iter().enumerate() {
                let (row, column) = (count(n / columns), count(n % columns));
                let corner = (px(8 + column * column_width), px(head + row * row_height));
                panel(&root.clone().shrink(corner, (px(column_width), px(row_height))))?;
            }
            root.present()?;
        }
        Ok(finish(&svg, frame, height, [&self.title, &self.subtitle]))
    }
}

/// Those clauses of a subtitle that fit a slide, with what it leaves out of the run before all others. The description in
/// the SVG has them all.
fn on_slide(subtitle: &str, width: i32) -> String {
    let clauses: Vec<&str> = subtitle.split(" · ").collect();
    let mut kept: Vec<bool> = vec![false; clauses.len()];
    let said = |kept: &[bool]| {
        let kept = clauses.iter().zip(kept).filter(|(_, kept)| **kept);
        kept.map(|(clause, _)| *clause).collect::<Vec<_>>().join(" · ")
    };
    let is_first = |clause: &str| clause.ends_with(" shown") || clause.contains("own scale");
    let mut order: Vec<usize> = (0..clauses.len()).collect();
    order.sort_by_key(|&n| !is_first(clauses[n]));
    for n in order {
        kept[n] = true;
        if wrapped(&said(&kept), SUBTITLE_SIZE, width, usize::MAX).len() > SUBTITLE_LINES {
            kept[n] = false;
        }
    }
    said(&kept)
}

impl Key {
    /// The label as far as it fits: in lines where it tells curves apart, else without a last clause on a narrow sheet.
    fn lines(&self, frame: &Frame) -> Vec<String> {
        let room = px((WIDTH / 2).min(frame.width - 2 * MARGIN - SYMBOL_WIDTH - 8));
        if matches!(self.symbol, Symbol::Line(..) | Symbol::Marker(_)) {
            return wrapped(&self.label, LEGEND_SIZE, room, LEGEND_LINES);
        }
        let brief = self.label.rsplit_once(", ").filter(|_| frame.is_narrow()).map(|(brief, _)| brief);
        let label = brief.filter(|_| width_of(&self.label, LEGEND_SIZE) > room).unwrap_or(&self.label);
        vec![fitting(label, LEGEND_SIZE, room)]
    }
}

/// Height of a row of the legend.
fn height_of(row: &[(&Key, i32)], frame: &Frame) -> i32 {
    let lines = row.iter().map(|(key, _)| key.lines(frame).len()).max().unwrap_or(1);
    LEGEND_ROW + count(lines.saturating_sub(1)) * LEGEND_LINE
}

/// A number of things on a sheet; no sheet has more than fit an `i32`.
fn count(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// Gives the drawing its size in pixels or centimetres, title and description for screen readers and captions, and
/// round corners to its lines.
fn finish(svg: &str, frame: &Frame, height: i32, [title, description]: [&str; 2]) -> String {
    let old = format!("width=\"{}\" height=\"{}\"", px(frame.width), px(height));
    let (width, height) = (frame.length(frame.width), frame.length(height));
    let new = format!("width=\"{width}\" height=\"{height}\" role=\"img\" stroke-linejoin=\"round\"");
    let svg = svg.replacen(&old, &new, 1);
    let end = svg.find('>').map_or(0, |at| at + 1);
    let (head, rest) = svg.split_at(end);
    format!("{head}\n{}{rest}", maud::html! { title { (title) } desc { (description) } }.into_string())
}

fn draw_key(root: &Area<'_>, key: &Key, (x, y): (i32, i32), frame: &Frame) -> Drawn {
    let right = x + px(SYMBOL_WIDTH);
    match key.symbol {
        Symbol::Line(curve, marked) => {
            draw_dashed(root, &[(x, y), (right, y)], curve.color(), 24, curve.dash())?;
            if marked {
                draw_marker(root, curve, (x + px(SYMBOL_WIDTH / 2), y))?;
            }
        }
        Symbol::Marker(curve) => draw_marker(root, curve, (x + px(SYMBOL_WIDTH / 2), y))?,
        Symbol::Threshold(color) => draw_dashed(root, &[(x, y), (right, y)], color, 16, Some((5, 4)))?,
        Symbol::Dotted(color) => draw_dashed(root, &[(x, y), (right, y)], color, 16, Some(DOTS))?,
        Symbol::Dashed(color) => draw_dashed(root, &[(x, y), (right, y)], color, 16, Some((14, 4)))?,
        Symbol::Patch(color) => {
            root.draw(&Rectangle::new([(x, y - px(8)), (right, y + px(8))], fill(color)))?;
        }
        Symbol::Triangle(color) => {
            let shape = triangle((x + px(SYMBOL_WIDTH / 2), y - px(5)));
            root.draw(&Polygon::new(shape, fill(color)))?;
        }
        Symbol::Diamond(color) => {
            let shape = diamond((x + px(SYMBOL_WIDTH / 2), y - px(5)));
            root.draw(&Polygon::new(shape, fill(color)))?;
        }
        Symbol::Tick(color) => {
            let middle = x + px(SYMBOL_WIDTH / 2);
            root.draw(&PathElement::new([(middle, y - px(7)), (middle, y + px(7))], stroke(color, 22)))?;
        }
    }
    for (n, line) in (0..).zip(key.lines(frame)) {
        let place = (right + px(8), y + px(n * LEGEND_LINE));
        root.draw_text(&line, &text(LEGEND_SIZE, INK, HPos::Left, VPos::Center), place)?;
    }
    Ok(())
}

fn draw_marker(root: &Area<'_>, curve: Curve, (x, y): (i32, i32)) -> Drawn {
    let shape: Vec<(i32, i32)> = curve.marker(5).into_iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
    root.draw(&Polygon::new(shape, fill(curve.color())))
}
