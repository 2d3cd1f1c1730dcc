//! Common parts of all pictures: font, colours, line styles and markers.

use std::sync::Once;

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, register_font};

/// plotters knows whole pixels only, so it draws in quarters of one.
pub const SCALE: i32 = 4;

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

/// The text in lines that fit, at most `lines`. A number stays with the word before it and with its unit, and a point
/// between parts with the part before it, as far as they fit together.
pub fn wrapped(text: &str, size: f64, width: i32, lines: usize) -> Vec<String> {
    let is_number = |word: &str| word == "×" || word.parse::<f64>().is_ok();
    let mut parts: Vec<String> = Vec::new();
    let mut before = "";
    for word in text.split_whitespace() {
        let stays = word == "·" || before != "·" && (is_number(before) || is_number(word));
        match parts.last_mut() {
            Some(part) if stays && width_of(&format!("{part} {word}"), size) <= width => {
                part.push(' ');
                part.push_str(word);
            }
            _ => parts.push(word.to_owned()),
        }
        before = word;
    }
    let mut all: Vec<String> = Vec::new();
    for word in &parts {
        let last = all.len() == lines;
        match all.last_mut() {
            Some(line) if last || width_of(&format!("{line} {word}"), size) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => all.push(word.clone()),
        }
    }
    all.iter().map(|line| fitting(line, size, width)).collect()
}

pub fn ensure_fonts() {
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

#[cfg(test)]
mod tests {
    use super::*;

    type Matrix = [[f64; 3]; 3];

    const COMMON: Matrix = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

    /// Sights without red and without green cones (Machado, Oliveira and Fernandes, "A physiologically-based model
    /// for simulation of color vision deficiency", 2009, severity 1.0), beside the common one.
    const SIGHTS: [(&str, Matrix); 3] = [
        ("common", COMMON),
        (
            "protanopia",
            [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
        ),
        (
            "deuteranopia",
            [
                [0.367_322, 0.860_646, -0.227_968],
                [0.280_085, 0.672_501, 0.047_413],
                [-0.011_820, 0.042_940, 0.968_881],
            ],
        ),
    ];

    fn product(matrix: &Matrix, vector: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
    }

    /// CIE L*a*b* (D65) of a colour as a sight sees it.
    fn seen(RGBColor(red, green, blue): RGBColor, sight: &Matrix) -> [f64; 3] {
        const XYZ: Matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]];
        let linear = [red, green, blue].map(|coded| {
            let coded = f64::from(coded) / 255.0;
            if coded <= 0.040_45 { coded / 12.92 } else { ((coded + 0.055) / 1.055).powf(2.4) }
        });
        let [x, y, z] = product(&XYZ, product(sight, linear).map(|light| light.clamp(0.0, 1.0)));
        let root = |share: f64| if share > 0.008_856 { share.cbrt() } else { 7.787 * share + 16.0 / 116.0 };
        let (x, y, z) = (root(x / 0.9505), root(y), root(z / 1.089));
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    /// True if dashes and markers tell two curves apart without their colours.
    fn differ_in_form(a: Curve, b: Curve) -> bool {
        let dashes = match (a.dash(), b.dash()) {
            (Some((a, _)), Some((b, _))) => f64::from(a.max(b)) / f64::from(a.min(b)) >= 1.5,
            (a, b) => a != b,
        };
        dashes && a.marker(5) != b.marker(5)
    }

    fn pairs() -> impl Iterator<Item = (Curve, Curve)> {
        (0..MAX_CURVES).flat_map(|a| (0..a).map(move |b| (Curve(a), Curve(b))))
    }

    #[test]
    fn curves_stay_apart_for_colour_blind_readers() {
        for (name, sight) in &SIGHTS {
            for (a, b) in pairs() {
                let (one, other) = (seen(a.color(), sight), seen(b.color(), sight));
                let distance = one.iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                // A just noticeable difference is about 2.3.
                assert!(distance > 4.0, "{name}: {a:?} and {b:?}: {distance}");
                assert!(distance > 15.0 || differ_in_form(a, b), "{name}: {a:?} and {b:?}: {distance}");
            }
        }
    }

    #[test]
    fn curves_stay_apart_in_grey_by_lightness_or_by_form() {
        let lightness = |curve: Curve| seen(curve.color(), &COMMON)[0];
        for (a, b) in pairs() {
            let apart = (lightness(a) - lightness(b)).abs();
            assert!(apart > 12.0 || differ_in_form(a, b), "{a:?} and {b:?}: {apart}");
        }
        // A line of lightness 73 has a contrast of two to one on white.
        assert!((0..MAX_CURVES).all(|n| lightness(Curve(n)) < 73.0));
    }
}
