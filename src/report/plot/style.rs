//! Common parts of all pictures: size, font, colours, line styles, markers, the heading and the legend.

use std::sync::Once;

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, register_font};

/// plotters knows whole pixels only, so it draws in quarters of one.
pub const SCALE: i32 = 4;

/// The width of every picture in pixels.
pub const WIDTH: i32 = 1400;

/// The font by the name it has in its file.
pub const FONT_NAME: &str = "DejaVu Sans";

/// The same with what browsers may take instead: Verdana has its widths.
const FONT_FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

/// Okabe and Ito's colours, which people with any colour vision can tell apart; without their
/// yellow, which is too pale for lines on white; a dark wine red stands in for it.
const PALETTE: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(70, 70, 70),
    RGBColor(136, 34, 85),
];

/// As many curves as a reader can tell apart.
pub const MAX_CURVES: usize = PALETTE.len();

/// Stroke and gap of a dotted line.
pub const DOTS: (i32, i32) = (2, 3);

pub const INK: RGBColor = RGBColor(30, 30, 30);
pub const MUTED: RGBColor = RGBColor(105, 105, 105);
pub const GRID: RGBColor = RGBColor(226, 226, 226);
pub const SHADE: RGBColor = RGBColor(240, 240, 240);
pub const CAPACITY: RGBColor = RGBColor(232, 226, 206);
pub const RECOVERY: RGBColor = RGBColor(202, 223, 240);
pub const ALARM: RGBColor = RGBColor(190, 30, 45);

pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub type DrawError = DrawingAreaErrorKind<std::io::Error>;
pub type Drawn = Result<(), DrawError>;

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
    /// A shaded span.
    Patch(RGBColor),
    /// A short upright stroke.
    Tick(RGBColor),
    /// A triangle that points down.
    Triangle(RGBColor),
    /// A diamond.
    Diamond(RGBColor),
}

/// Look of the nth curve: colour, dash and marker, so that it can be told from others in grey too.
#[derive(Clone, Copy, Debug)]
pub struct Curve(pub usize);

impl Curve {
    pub fn color(self) -> RGBColor {
        PALETTE[self.0 % PALETTE.len()]
    }

    /// The colour half way to white.
    pub fn pale(self) -> RGBColor {
        let RGBColor(r, g, b) = self.color();
        let pale = |c: u8| c / 2 + 127;
        RGBColor(pale(r), pale(g), pale(b))
    }

    /// Lengths of stroke and gap; `None` for a solid line.
    pub fn dash(self) -> Option<(i32, i32)> {
        [None, Some((10, 5)), Some((3, 3)), Some((16, 4)), None, Some((6, 6)), Some((2, 5)), Some((12, 3))]
            [self.0 % PALETTE.len()]
    }

    /// The marker around `(0, 0)`, `r` pixels wide on each side.
    pub fn marker(self, r: i32) -> Vec<(i32, i32)> {
        let r = r * SCALE;
        match self.0 % PALETTE.len() {
            0 => octagon(r),
            1 => vec![(-r, -r), (r, -r), (r, r), (-r, r)],
            2 => vec![(0, -r - r / 4), (r + r / 8, r), (-r - r / 8, r)],
            3 => vec![(0, -r - r / 3), (r + r / 3, 0), (0, r + r / 3), (-r - r / 3, 0)],
            4 => vec![(0, r + r / 4), (r + r / 8, -r), (-r - r / 8, -r)],
            5 => {
                let t = r / 3;
                vec![
                    (-t, -r),
                    (t, -r),
                    (t, -t),
                    (r, -t),
                    (r, t),
                    (t, t),
                    (t, r),
                    (-t, r),
                    (-t, t),
                    (-r, t),
                    (-r, -t),
                    (-t, -t),
                ]
            }
            6 => vec![(-r, -r / 2), (r, -r / 2), (r, r / 2), (-r, r / 2)],
            // An hourglass.
            _ => vec![(-r, -r), (r, -r), (-r, r), (r, r)],
        }
    }
}

/// A triangle that points down, the middle of its upper edge at the given place.
pub fn triangle((x, y): (i32, i32)) -> Vec<(i32, i32)> {
    vec![(x - px(4), y), (x + px(4), y), (x, y + px(10))]
}

/// A diamond, its upper corner at the given place.
pub fn diamond((x, y): (i32, i32)) -> Vec<(i32, i32)> {
    vec![(x, y), (x + px(4), y + px(5)), (x, y + px(10)), (x - px(4), y + px(5))]
}

fn octagon(r: i32) -> Vec<(i32, i32)> {
    // tan 22.5° = 0.414 of the half-width.
    let t = r * 41 / 100;
    vec![(-t, -r), (t, -r), (r, -t), (r, t), (t, r), (-t, r), (-r, t), (-r, -t)]
}

/// Pixels to drawing units.
pub const fn px(pixels: i32) -> i32 {
    pixels * SCALE
}

pub fn stroke(color: RGBColor, tenths: i32) -> ShapeStyle {
    ShapeStyle { color: color.to_rgba(), filled: false, stroke_width: (tenths * SCALE / 10).max(1) as u32 }
}

pub fn fill(color: RGBColor) -> ShapeStyle {
    ShapeStyle { color: color.to_rgba(), filled: true, stroke_width: 0 }
}

/// Text of `size` pixels.
pub fn text(size: f64, color: RGBColor, h: HPos, v: VPos) -> TextStyle<'static> {
    // The backend divides by 1.24, the share of an em that it takes for line spacing.
    let font: FontDesc<'static> = (FONT_FAMILY, size * f64::from(SCALE) * 1.24).into_font();
    TextStyle { font, color: color.to_backend_color(), pos: Pos::new(h, v) }
}

pub fn bold(size: f64, color: RGBColor, h: HPos, v: VPos) -> TextStyle<'static> {
    let font: FontDesc<'static> =
        FontDesc::new(FontFamily::Name(FONT_FAMILY), size * f64::from(SCALE) * 1.24, FontStyle::Bold);
    TextStyle { font, color: color.to_backend_color(), pos: Pos::new(h, v) }
}

/// The width of a text in drawing units.
pub fn width_of(text: &str, size: f64) -> i32 {
    ensure_fonts();
    let font: FontDesc<'_> = (FONT_FAMILY, size * f64::from(SCALE) * 1.24).into_font();
    // Without the font's own measure, a letter takes about six tenths of its height.
    font.box_size(text)
        .map_or((text.chars().count() as f64 * size * 0.6) as i32 * SCALE, |(w, _)| w.cast_signed())
}

/// The text, or as much of its beginning as fits.
pub fn fitting(text: &str, size: f64, width: i32) -> String {
    if width_of(text, size) <= width {
        return text.to_owned();
    }
    let mut short = text.to_owned();
    while short.pop().is_some() && width_of(&short, size) > width - px(16) {}
    short.trim_end().to_owned() + "…"
}

/// The text in lines that fit, at most `lines`.
pub fn wrapped(text: &str, size: f64, width: i32, lines: usize) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let last = all.len() == lines;
        match all.last_mut() {
            Some(line) if last || width_of(&format!("{line} {word}"), size) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => all.push(word.to_owned()),
        }
    }
    all.iter().map(|line| fitting(line, size, width)).collect()
}

fn ensure_fonts() {
    static FONTS: Once = Once::new();
    FONTS.call_once(|| {
        for (style, bytes) in
            [(FontStyle::Normal, dejavu::sans::regular()), (FontStyle::Bold, dejavu::sans::bold())]
        {
            // A font that cannot be read would only spoil measures; the crate ships good ones.
            let _ = register_font(FONT_FAMILY, style, bytes);
        }
    });
}

const MARGIN: i32 = 24;
const TITLE_SIZE: f64 = 22.0;
const SUBTITLE_SIZE: f64 = 15.0;
const LEGEND_SIZE: f64 = 15.0;
const LEGEND_ROW: i32 = 26;
const SYMBOL_WIDTH: i32 = 40;

impl Sheet {
    /// The rows of the legend, as (entry, x) each.
    fn legend_rows(&self) -> Vec<Vec<(&Key, i32)>> {
        let mut rows: Vec<Vec<(&Key, i32)>> = Vec::new();
        let mut x = px(MARGIN);
        for key in &self.legend {
            let label = fitting(&key.label, LEGEND_SIZE, px(WIDTH / 2));
            let width = px(SYMBOL_WIDTH + 8 + 28) + width_of(&label, LEGEND_SIZE);
            if rows.is_empty() || x + width > px(WIDTH - MARGIN) + px(28) {
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
    pub fn render(&self, departure: &str) -> Result<String, DrawError> {
        ensure_fonts();
        let inner = px(WIDTH - 2 * MARGIN);
        let titles = wrapped(&self.title, TITLE_SIZE * 1.08, inner, 2);
        let departures = wrapped(departure, SUBTITLE_SIZE, inner, 1);
        let subtitles = [departures, wrapped(&self.subtitle, SUBTITLE_SIZE, inner, 3)].concat();
        let legend = self.legend_rows();
        let head = 18
            + count(titles.len()) * 32
            + count(subtitles.len()) * 22
            + if legend.is_empty() { 6 } else { 12 + count(legend.len()) * LEGEND_ROW };
        let columns = self.columns.clamp(1, self.panels.len().max(1));
        let rows = count(self.panels.len().div_ceil(columns));
        let height = head + rows * self.row_height + 14;
        let mut svg = String::new();
        {
            let root =
                SVGBackend::with_string(&mut svg, (px(WIDTH) as u32, px(height) as u32)).into_drawing_area();
            root.fill(&WHITE)?;
            let mut y = 18;
            for line in &titles {
                root.draw_text(line, &bold(TITLE_SIZE, INK, HPos::Left, VPos::Top), (px(MARGIN), px(y)))?;
                y += 32;
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
                    draw_key(&root, key, *x, px(y + LEGEND_ROW / 2))?;
                }
                y += LEGEND_ROW;
            }
            let column_width = (WIDTH - MARGIN) / count(columns);
            for (n, panel) in self.panels.iter().enumerate() {
                let (row, column) = (count(n / columns), count(n % columns));
                let corner = (px(8 + column * column_width), px(head + row * self.row_height));
                panel(&root.clone().shrink(corner, (px(column_width), px(self.row_height))))?;
            }
            root.present()?;
        }
        Ok(finish(&svg, height, &self.title))
    }
}

/// A number of things on a sheet; no sheet has more than fit an `i32`.
fn count(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// Gives the drawing its size in pixels, a title for screen readers, and round corners to its
/// lines.
fn finish(svg: &str, height: i32, title: &str) -> String {
    let old = format!("width=\"{}\" height=\"{}\"", px(WIDTH), px(height));
    let new = format!("width=\"{WIDTH}\" height=\"{height}\" role=\"img\" stroke-linejoin=\"round\"");
    let svg = svg.replacen(&old, &new, 1);
    let end = svg.find('>').map_or(0, |at| at + 1);
    let (head, rest) = svg.split_at(end);
    format!("{head}\n{}{rest}", maud::html! { title { (title) } }.into_string())
}

fn draw_key(root: &Area<'_>, key: &Key, x: i32, y: i32) -> Drawn {
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
    let label = fitting(&key.label, LEGEND_SIZE, px(WIDTH / 2));
    root.draw_text(&label, &text(LEGEND_SIZE, INK, HPos::Left, VPos::Center), (right + px(8), y))
}

fn draw_marker(root: &Area<'_>, curve: Curve, (x, y): (i32, i32)) -> Drawn {
    let shape: Vec<(i32, i32)> = curve.marker(5).into_iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
    root.draw(&Polygon::new(shape, fill(curve.color())))
}

/// A line through points of the sheet; `dash` gives stroke and gap in pixels.
pub fn draw_dashed<CT: plotters::coord::CoordTranslate>(
    area: &DrawingArea<SVGBackend<'_>, CT>,
    points: &[CT::From],
    color: RGBColor,
    tenths: i32,
    dash: Option<(i32, i32)>,
) -> Drawn
where
    CT::From: Clone + 'static,
{
    let style = stroke(color, tenths);
    match dash {
        None => area.draw(&PathElement::new(points.to_vec(), style)),
        Some((on, off)) => area.draw(&DashedPathElement::new(points.to_vec(), px(on), px(off), style)),
    }
}
