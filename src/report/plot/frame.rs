//! Size of a sheet. Layout is in pixels with fonts of fixed sizes; a physical width and font size only choose
//! how many such pixels the sheet is wide.

use super::select::Unfit;

/// The width of pictures of the page, in pixels.
pub const WIDTH: i32 = 1400;

/// The margin beside heading and legend, in pixels.
pub const MARGIN: i32 = 24;

/// The size in pixels of labels and legends, which a font size in points is about.
const BODY: f64 = 15.0;

/// The size in pixels of the smallest text, the numbers at axes.
pub const SMALLEST: f64 = 14.0;

/// The least size of any text in points, as publishers ask for it.
const LEGIBLE_PT: f64 = 7.0;

/// The font size where none is asked for.
const USUAL_PT: f64 = 8.0;

/// The width where only a font size is asked for: the text of an A4 page.
const USUAL_CM: f64 = 16.0;

/// The least layout width, which holds an axis with its labels.
const NARROWEST: i32 = 340;

/// The largest width: a poster's column.
const WIDEST_CM: f64 = 60.0;

const PT_PER_CM: f64 = 72.0 / 2.54;

/// The least width of a column of panels of narrow sheets, in pixels: about that of the narrowest sheet.
const NARROWEST_COLUMN: i32 = 300;

/// The least height of a row of panels of narrow sheets, in pixels, which holds a title, an axis and a curve.
const LOWEST_ROW: i32 = 210;

/// The height below the last row, in pixels.
pub const FOOT: i32 = 14;

/// The height of a row of panels in centimetres, or as a part of the width: more than one of each does not fit a slide.
const ROW: (f64, f64) = (10.0, 0.4);

/// The height of a sheet, where rows can be made lower for it: the text of an A4 page.
const SHEET_CM: f64 = 24.0;

/// The least width in centimetres and font in points of a figure for a slide, and its height as a part of its width.
const SLIDE: (f64, f64) = (20.0, 12.0);
const SLIDE_SHAPE: f64 = 0.75;

/// The least height of a row of panels on a slide, in pixels: a label of its axis stands beside it.
const LOWEST_ON_SLIDE: i32 = 168;

/// Width of a sheet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// In layout pixels.
    pub width: i32,
    /// In centimetres, where it is for paper.
    pub cm: Option<f64>,
    /// True if it has its heading.
    pub titled: bool,
}

impl Default for Frame {
    fn default() -> Frame {
        Frame { width: WIDTH, cm: None, titled: true }
    }
}

impl Frame {
    /// The sheet of a width in centimetres with a font size in points. Without both it is that of the page.
    pub fn of(cm: Option<f64>, pt: Option<f64>) -> Result<Frame, Unfit> {
        if cm.is_none() && pt.is_none() {
            return Ok(Frame::default());
        }
        let (cm, pt) = (cm.unwrap_or(USUAL_CM), pt.unwrap_or(USUAL_PT));
        let smallest = pt * SMALLEST / BODY;
        if smallest < LEGIBLE_PT - 1e-9 {
            return Err(Unfit {
                problem: format!(
                    "with a font of {} pt the numbers at the axes are {smallest:.1} pt high; the least is {LEGIBLE_PT} pt",
                    plain(pt)
                ),
                help: format!("make the font {}pt or more", plain(LEGIBLE_PT * BODY / SMALLEST)),
            });
        }
        if cm > WIDEST_CM {
            return Err(Unfit {
                problem: format!("a figure {} cm wide is too large to draw", plain(cm)),
                help: format!("make the width {}cm or less", plain(WIDEST_CM)),
            });
        }
        let width = (cm * PT_PER_CM * BODY / pt).round();
        if width < f64::from(NARROWEST) {
            // Ends that round to what is not enough are no help.
            let least = (f64::from(NARROWEST) * pt / BODY / PT_PER_CM * 10.0).ceil() / 10.0;
            let font = (cm * PT_PER_CM * BODY / f64::from(NARROWEST) * 10.0).floor() / 10.0;
            let smaller = if font * SMALLEST / BODY >= LEGIBLE_PT {
                format!(", or the font {}pt or less", plain(font))
            } else {
                String::new()
            };
            return Err(Unfit {
                problem: format!("{} cm is too narrow for text of {} pt", plain(cm), plain(pt)),
                help: format!("make the width {}cm or more{smaller}", plain(least)),
            });
        }
        Ok(Frame { width: width as i32, cm: Some(cm), titled: true })
    }

    /// True if the sheet is narrower than those of the page.
    pub fn is_narrow(&self) -> bool {
        self.width < WIDTH
    }

    /// True if it is for a slide: wide, with large text. So much of it fits there, and no more.
    pub fn is_slide(&self) -> bool {
        let point = |cm: f64| cm * PT_PER_CM * BODY / f64::from(self.width);
        self.cm.is_some_and(|cm| cm >= SLIDE.0 && point(cm) >= SLIDE.1)
    }

    /// Columns of panels, of at most as many as a sheet of the page has.
    pub fn columns(&self, usual: usize) -> usize {
        if !self.is_narrow() {
            return usual.max(1);
        }
        let room = ((self.width - MARGIN) / NARROWEST_COLUMN).max(1);
        usual.clamp(1, usize::try_from(room).unwrap_or(1))
    }

    /// The width of each of so many columns.
    pub fn column_width(&self, columns: usize) -> i32 {
        (self.width - MARGIN) / i32::try_from(columns.max(1)).unwrap_or(i32::MAX)
    }

    /// The height of each of so many rows of panels below a head, which on a sheet of the page is the `usual` one.
    pub fn row_height(&self, usual: i32, columns: usize, rows: i32, head: i32) -> i32 {
        if !self.is_narrow() {
            return usual;
        }
        let shape = usual.min(self.column_width(columns) * 7 / 10);
        let slide = self.is_slide();
        let height = self.cm.map_or(shape, |cm| {
            let pixels = |length: f64| (length * f64::from(self.width) / cm) as i32;
            let sheet = if slide { cm * SLIDE_SHAPE } else { SHEET_CM.max(cm) };
            let room = (pixels(sheet) - head - FOOT) / rows.max(1);
            shape.min(pixels(ROW.0.max(cm * ROW.1))).min(room)
        });
        height.max(if slide { LOWEST_ON_SLIDE } else { LOWEST_ROW })
    }

    /// Text below the axis of x of one of so many panels with the same one, which on a narrow sheet stands below the last
    /// of each column.
    pub fn below(&self, place: usize, panels: usize, columns: usize, label: &str) -> String {
        let is_last = place + self.columns(columns.clamp(1, panels.max(1))) >= panels;
        if self.is_narrow() && !is_last { String::new() } else { label.to_owned() }
    }

    /// True if a sheet for paper has room for panels in a single column.
    pub fn is_column(&self) -> bool {
        self.cm.is_some() && self.columns(2) == 1
    }

    /// The length of the axis of x in a panel of a sheet with so many columns, about.
    pub fn axis_length(&self, columns: usize) -> i32 {
        self.column_width(self.columns(columns)) - 128
    }

    /// Dots per inch of PNG files; `None` for one per layout pixel.
    pub fn dpi(&self) -> Option<f32> {
        self.cm.map(|_| 300.0)
    }

    /// A number of layout pixels as a length in SVG.
    pub fn length(&self, pixels: i32) -> String {
        match self.cm {
            None => pixels.to_string(),
            Some(cm) => format!("{:.3}cm", f64::from(pixels) * cm / f64::from(self.width)),
        }
    }
}

/// Without zeros at the end.
fn plain(number: f64) -> String {
    format!("{}", (number * 100.0).round() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_and_a_font_size_choose_the_layout_width() {
        // 8.4 cm are 238.1 pt; 15 px stand for 8 pt.
        assert_eq!(Frame::of(Some(8.4), Some(8.0)).map(|frame| frame.width), Ok(446));
        assert_eq!(Frame::of(Some(16.0), None).map(|frame| frame.width), Ok(850));
        assert_eq!(Frame::of(None, Some(16.0)).map(|frame| frame.width), Ok(425));
        assert_eq!(Frame::of(None, None), Ok(Frame::default()));
    }

    #[test]
    fn text_is_never_under_seven_points_and_the_mends_hold() {
        let mend = |cm, pt| Frame::of(Some(cm), Some(pt)).expect_err("it does not fit").help;
        assert_eq!(mend(8.4, 7.0), "make the font 7.5pt or more");
        assert!(Frame::of(Some(8.4), Some(7.5)).is_ok());
        assert_eq!(mend(8.4, 20.0), "make the width 16cm or more, or the font 10.5pt or less");
        assert!(Frame::of(Some(16.0), Some(20.0)).is_ok() && Frame::of(Some(8.4), Some(10.5)).is_ok());
        assert_eq!(mend(3.0, 8.0), "make the width 6.4cm or more");
        assert!(Frame::of(Some(6.4), Some(8.0)).is_ok());
        assert_eq!(mend(100.0, 8.0), "make the width 60cm or less");
    }

    #[test]
    fn columns_fall_to_one_when_a_sheet_is_narrow() {
        let frame = |cm| Frame::of(Some(cm), None).expect("it fits");
        assert_eq!([frame(8.4), frame(16.0), Frame::default()].map(|frame| frame.columns(2)), [1, 2, 2]);
        assert_eq!(Frame::default().row_height(620, 1, 1, 100), 620);
        assert_eq!(frame(8.4).row_height(620, 1, 1, 100), 295);
        // A sheet of eight panels in a column is as long as a page has room for.
        let row = frame(8.4).row_height(330, 1, 8, 100);
        assert!(row >= LOWEST_ROW && frame(8.4).row_height(330, 1, 5, 100) * 5 + 100 < 1275, "{row}");
        assert_eq!((Frame::default().axis_length(2), frame(8.4).length(446)), (560, "8.400cm".to_owned()));
    }

    #[test]
    fn on_a_narrow_sheet_the_axis_of_x_is_named_below_each_column() {
        let named = |frame: Frame, panels: usize, columns: usize| -> Vec<usize> {
            let below = |place: &usize| !frame.below(*place, panels, columns, "time (s)").is_empty();
            (0..panels).filter(below).collect()
        };
        let frame = |cm: f64, pt: f64| Frame::of(Some(cm), Some(pt)).expect("it fits");
        assert_eq!(named(frame(8.4, 8.0), 4, 2), [3]);
        assert_eq!(named(frame(24.0, 16.0), 4, 2), [2, 3]);
        assert_eq!(named(frame(24.0, 16.0), 3, 2), [1, 2]);
        assert_eq!(named(frame(16.0, 8.0), 2, 1), [1]);
        assert_eq!(named(Frame::default(), 4, 2), [0, 1, 2, 3]);
    }

    #[test]
    fn a_figure_for_a_slide_has_its_height_and_panels_side_by_side() {
        let slide = Frame::of(Some(24.0), Some(16.0)).expect("it fits");
        let cm = |pixels: i32| f64::from(pixels) * 24.0 / f64::from(slide.width);
        // 13.5 cm are a slide of 16 to 9; 70 pixels hold a legend of two rows.
        assert!(cm(slide.row_height(620, 1, 1, 70) + 70) < 13.5);
        assert_eq!(slide.columns(2), 2);
        // With a legend of three rows, too.
        for head in [70, 120] {
            assert!(cm(2 * slide.row_height(440, 2, 2, head) + head + FOOT) <= 18.0, "{head}");
        }
        // A heading, a subtitle and a legend of two lines each, and two rows of panels.
        let head = 18 + 2 * 26 + 2 * 22 + 12 + 2 * 26;
        assert!(cm(2 * slide.row_height(420, 2, 2, head) + head + FOOT) <= 20.0);
        let paper = Frame::of(Some(16.0), Some(8.0)).expect("it fits");
        assert_eq!([slide, paper, Frame::default()].map(|frame| frame.is_slide()), [true, false, false]);
    }
}
