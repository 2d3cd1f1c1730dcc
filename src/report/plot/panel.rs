//! A panel: axes with grid, labels and units, and the marks that several pictures share.

use plotters::backend::SVGBackend;
use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::cartesian::Cartesian2d;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::scale::Scale;
use super::style::{self, Area, Curve, DrawError, Drawn, GRID, INK, MUTED, SHADE, px};

/// The axes and texts of a panel.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Stands above it; empty for none.
    pub title: String,
    pub x: Scale,
    pub y: Scale,
    pub x_label: String,
    pub y_label: String,
}

/// A panel with its axes drawn.
pub struct Chart<'a> {
    context: ChartContext<'a, SVGBackend<'a>, Cartesian2d<Scale, Scale>>,
    x: Scale,
    y: Scale,
}

/// The height of a strip of events below a panel's upper edge, in pixels.
const STRIP: i32 = 15;

const TICK_SIZE: f64 = 14.0;
const TICK_LINE: i32 = 17;
const LABEL_SIZE: f64 = 15.0;
const TITLE_SIZE: f64 = 15.0;
const TITLE_LINE: i32 = 20;

/// Excess of the axis of y over the curves below `strips` of events, in a panel with
/// this title.
pub fn headroom(strips: i32, title: &str, area: &Area<'_>) -> f64 {
    let height = area.dim_in_pixel().1.cast_signed() / style::SCALE;
    let plot = f64::from((height - title_height(title_lines(title, area, px(82)).len()) - 56).max(60));
    plot / (plot - f64::from(8 + strips * STRIP)).max(plot / 2.0)
}

/// The title in lines: what tells panels apart often stands at its end.
fn title_lines(title: &str, area: &Area<'_>, left: i32) -> Vec<String> {
    let width = area.dim_in_pixel().0.cast_signed() - left - px(20);
    style::wrapped(title, TITLE_SIZE * 1.1, width, 4)
}

/// The height of so many lines of a title, in pixels.
fn title_height(lines: usize) -> i32 {
    let lines = i32::try_from(lines).unwrap_or(0);
    if lines == 0 { 12 } else { 36 + (lines - 1) * TITLE_LINE }
}

impl Panel {
    /// Draws title, grid and axes. `shaded` is a span of x to be set off, such as the warm-up.
    pub fn draw<'a>(&self, area: &Area<'a>, shaded: Option<(f64, f64)>) -> Result<Chart<'a>, DrawError> {
        let widest = self.y.labels().map(|label| style::width_of(label, TICK_SIZE)).max().unwrap_or(0);
        // Most panels of a sheet then begin at the same place.
        let widest = widest.max(px(38));
        let left = widest + px(44);
        let wide = area.dim_in_pixel().0.cast_signed();
        let lines = self.x.labels().map(|label| label.lines().count()).max().unwrap_or(0).max(1);
        let further = i32::try_from(lines - 1).unwrap_or(0);
        let below = if self.x_label.is_empty() { 28 } else { 52 } + further * TICK_LINE;
        let (titles, y_label) = self.labelled(area, left, below);
        for (n, line) in (0..).zip(&titles) {
            let place = (left, px(10 + n * TITLE_LINE));
            area.draw_text(line, &style::bold(TITLE_SIZE, INK, HPos::Left, VPos::Top), place)?;
        }
        let top = title_height(titles.len());
        let length = f64::from(area.dim_in_pixel().0) - f64::from(widest + px(66));
        let gap = f64::from(px(8));
        let width = |label: &str| f64::from(style::width_of(label, TICK_SIZE)) + gap;
        let x = self.x.clone().spaced(length, width);
        let room = f64::from(area.dim_in_pixel().1) - f64::from(px(top + below + 4));
        let y = self.y.clone().spaced(room, |_| f64::from(px(TICK_LINE)));
        let mut chart = ChartBuilder::on(area)
            .margin_top(px(top))
            .margin_right(px(22))
            .margin_left(px(6))
            .margin_bottom(px(4))
            .x_label_area_size(px(below))
            .y_label_area_size(widest + px(38))
            .build_cartesian_2d(x, y)?;
        if let Some((from, to)) = shaded.filter(|(from, to)| to > from) {
            let corners = [(from, self.y.high()), (to.min(self.x.high()), self.y.low())];
            chart.plotting_area().draw(&Rectangle::new(corners, style::fill(SHADE)))?;
        }
        chart
            .configure_mesh()
            .bold_line_style(style::stroke(GRID, 10))
            .light_line_style(TRANSPARENT)
            .axis_style(style::stroke(MUTED, 12))
            .set_all_tick_mark_size(px(5))
            .x_label_formatter(&|value| self.x.label(*value).lines().next().unwrap_or_default().to_owned())
            .y_label_formatter(&|value| self.y.label(*value))
            .label_style(style::text(TICK_SIZE, INK, HPos::Left, VPos::Top))
            .axis_desc_style(style::text(LABEL_SIZE, INK, HPos::Left, VPos::Top))
            .x_desc(style::fitting(&self.x_label, LABEL_SIZE, wide))
            .y_desc(y_label)
            .draw()?;
        let chart = Chart { context: chart, x: self.x.clone(), y: self.y.clone() };
        chart.further_lines()?;
        Ok(chart)
    }
}

impl Panel {
    /// Lines of the title, and the label of y. A label that would reach beyond the panel, as it stands in the middle of
    /// the axis, stands above it, and its unit alone beside the axis.
    fn labelled(&self, area: &Area<'_>, left: i32, below: i32) -> (Vec<String>, String) {
        let high = area.dim_in_pixel().1.cast_signed();
        let room = |titles: &[String]| {
            let middle = (px(title_height(titles.len())) + high - px(below + 4)) / 2;
            2 * middle.min(high - middle)
        };
        let (titles, label) = (title_lines(&self.title, area, left), &self.y_label);
        if style::width_of(label, LABEL_SIZE) <= room(&titles) {
            return (titles, label.clone());
        }
        let parts = [self.title.as_str(), label].into_iter().filter(|part| !part.is_empty());
        // After a unit a colon would say that the label is what the unit measures.
        let between = if self.title.ends_with(')') { "; upwards: " } else { ": " };
        let titles = title_lines(&parts.collect::<Vec<_>>().join(between), area, left);
        let unit = label.find('(').map_or("", |at| &label[at..]);
        let unit = style::fitting(unit, LABEL_SIZE, room(&titles));
        (titles, unit)
    }
}

impl Chart<'_> {
    /// The lines of the x labels below the first, which is all that plotters draws of a label, and the grid and
    /// tick of a label that has no first line, of which it draws nothing.
    fn further_lines(&self) -> Drawn {
        let area = self.context.plotting_area();
        let height = area.dim_in_pixel().1.cast_signed();
        let style = style::text(TICK_SIZE, INK, HPos::Center, VPos::Top);
        for (x, label) in self.x.ticks() {
            let at = || EmptyElement::at((*x, self.y.low()));
            let mut below = px(10);
            if label.lines().next().is_none_or(str::is_empty) {
                area.draw(&(at() + PathElement::new([(0, 0), (0, -height)], style::stroke(GRID, 10))))?;
                area.draw(&(at() + PathElement::new([(0, 0), (0, px(5))], style::stroke(MUTED, 12))))?;
            }
            for line in label.lines().skip(1) {
                below += px(TICK_LINE);
                area.draw(&(at() + Text::new(line.to_owned(), (0, below), style.clone())))?;
            }
        }
        Ok(())
    }

    /// A line through the points; those that are no numbers interrupt it.
    pub fn line(
        &self,
        points: &[(f64, f64)],
        color: RGBColor,
        tenths: i32,
        dash: Option<(i32, i32)>,
    ) -> Drawn {
        for piece in points.split(|(x, y)| !x.is_finite() || !y.is_finite()) {
            if piece.len() > 1 {
                style::draw_dashed(
                    self.context.plotting_area(),
                    &thinned(piece, &self.x),
                    color,
                    tenths,
                    dash,
                )?;
            } else if let Some(&(x, y)) = piece.first() {
                self.dot(x, y, Curve(0), color, 2)?;
            }
        }
        Ok(())
    }

    /// A curve's marker at a point.
    pub fn marker(&self, x: f64, y: f64, curve: Curve) -> Drawn {
        self.dot(x, y, curve, curve.color(), 5)
    }

    /// The same in another size.
    pub fn small_marker(&self, x: f64, y: f64, curve: Curve, r: i32) -> Drawn {
        self.dot(x, y, curve, curve.color(), r)
    }

    fn dot(&self, x: f64, y: f64, curve: Curve, color: RGBColor, r: i32) -> Drawn {
        let shape = curve.marker(r);
        let dot = EmptyElement::at((x, y)) + Polygon::new(shape, style::fill(color));
        self.context.plotting_area().draw(&dot)
    }

    /// An interval around a point: a cap at each end, and an arrowhead at the edge of the panel where it
    /// goes on beyond.
    pub fn interval(&self, x: f64, low: f64, high: f64, color: RGBColor) -> Drawn {
        let area = self.context.plotting_area();
        area.draw(&PathElement::new([(x, low), (x, high)], style::stroke(color, 16)))?;
        let (bottom, top) = (self.y.low(), self.y.high());
        for (end, up) in [(low, -1), (high, 1)] {
            let beyond = !(bottom..=top).contains(&end);
            let foot = if beyond { px(7 * up) } else { 0 };
            let shape = vec![(px(-5), foot), (0, 0), (px(5), foot)];
            area.draw(&(EmptyElement::at((x, end)) + PathElement::new(shape, style::stroke(color, 16))))?;
        }
        Ok(())
    }

    /// An interval of x around a point, with a cap at each end within the panel.
    pub fn across(&self, (low, high): (f64, f64), y: f64, color: RGBColor) -> Drawn {
        let area = self.context.plotting_area();
        let (low_end, high_end) = (low.max(self.x.low()), high.min(self.x.high()));
        area.draw(&PathElement::new([(low_end, y), (high_end, y)], style::stroke(color, 16)))?;
        for end in [low, high].into_iter().filter(|end| (self.x.low()..=self.x.high()).contains(end)) {
            let cap = vec![(0, px(-5)), (0, px(5))];
            area.draw(&(EmptyElement::at((end, y)) + PathElement::new(cap, style::stroke(color, 16))))?;
        }
        Ok(())
    }

    /// A box from one corner to the other.
    pub fn rectangle(&self, corners: [(f64, f64); 2], color: RGBColor, opacity: f64) -> Drawn {
        self.context.plotting_area().draw(&Rectangle::new(corners, color.mix(opacity).filled()))
    }

    /// A text around a point.
    pub fn text(&self, at: (f64, f64), text: &str, size: f64, color: RGBColor) -> Drawn {
        let style = style::text(size, color, HPos::Center, VPos::Center);
        self.context.plotting_area().draw(&Text::new(text.to_owned(), at, style))
    }

    /// Upright strokes at the given places, in the `row`th strip below the panel's upper edge.
    /// Those that would fall on one another are drawn once.
    pub fn ticks(&self, places: &[f64], row: i32, color: RGBColor) -> Drawn {
        let top = px(4 + row * STRIP);
        self.apart(places, 1, |x| {
            let tick = EmptyElement::at((x, self.y.high()))
                + PathElement::new([(0, top), (0, top + px(11))], style::stroke(color, 14));
            self.context.plotting_area().draw(&tick)
        })
    }

    /// Triangles that point down, in the `row`th strip; those that would hide one another are drawn once.
    pub fn triangles(&self, places: &[f64], row: i32, color: RGBColor) -> Drawn {
        self.signs(places, &style::triangle((0, px(4 + row * STRIP))), color)
    }

    /// The same with diamonds.
    pub fn diamonds(&self, places: &[f64], row: i32, color: RGBColor) -> Drawn {
        self.signs(places, &style::diamond((0, px(4 + row * STRIP))), color)
    }

    fn signs(&self, places: &[f64], shape: &[(i32, i32)], color: RGBColor) -> Drawn {
        self.apart(places, 3, |x| {
            let sign =
                EmptyElement::at((x, self.y.high())) + Polygon::new(shape.to_vec(), style::fill(color));
            self.context.plotting_area().draw(&sign)
        })
    }

    /// A bar over each span of x, in the `row`th strip.
    pub fn bars(&self, spans: &[(f64, f64)], row: i32, color: RGBColor) -> Drawn {
        let area = self.context.plotting_area();
        let width = f64::from(area.dim_in_pixel().0);
        let top = px(4 + row * STRIP);
        for &(from, to) in spans {
            // A short one stays visible beside its stroke.
            let length = ((self.x.share(to) - self.x.share(from)) * width) as i32;
            let corners = [(0, top), (length.max(px(3)), top + px(11))];
            let bar = EmptyElement::at((from, self.y.high())) + Rectangle::new(corners, style::fill(color));
            area.draw(&bar)?;
        }
        Ok(())
    }

    /// Calls `draw` with each of the ascending places that is at least `gap` pixels beside the one before.
    fn apart(&self, places: &[f64], gap: i32, draw: impl Fn(f64) -> Drawn) -> Drawn {
        let width = f64::from(self.context.plotting_area().dim_in_pixel().0);
        let mut last = f64::NEG_INFINITY;
        for &x in places {
            let place = self.x.share(x) * width;
            if place - last >= f64::from(px(gap)) {
                last = place;
                draw(x)?;
            }
        }
        Ok(())
    }

    /// A gap through everything and two strokes across the axis of x, where that is interrupted.
    pub fn interrupt(&self) -> Drawn {
        let Some(x) = self.x.break_at() else { return Ok(()) };
        let area = self.context.plotting_area();
        let height = area.dim_in_pixel().1.cast_signed();
        let at = || EmptyElement::at((x, self.y.low()));
        let half = px(4);
        area.draw(&(at() + Rectangle::new([(-half, -height), (half, px(2))], style::fill(WHITE))))?;
        for side in [-half, half] {
            let stroke = vec![(side - px(3), px(7)), (side + px(3), -px(7))];
            area.draw(&(at() + PathElement::new(stroke, style::stroke(MUTED, 14))))?;
        }
        Ok(())
    }

    /// An upright dashed line.
    pub fn upright(&self, x: f64) -> Drawn {
        self.line(&[(x, self.y.low()), (x, self.y.high())], INK, 14, Some((5, 4)))
    }
}

/// At most four points per pixel column: the first, the lowest, the highest and the last, which
/// look the same as all of them.
fn thinned(points: &[(f64, f64)], x: &Scale) -> Vec<(f64, f64)> {
    const COLUMNS: f64 = 1400.0;
    if points.len() < 4 * COLUMNS as usize {
        return points.to_vec();
    }
    let column = |point: &(f64, f64)| (x.share(point.0) * COLUMNS) as i64;
    let mut kept = Vec::new();
    for chunk in points.chunk_by(|a, b| column(a) == column(b)) {
        let extreme = |better: fn(f64, f64) -> bool| {
            let mut best = 0;
            for (n, point) in chunk.iter().enumerate() {
                if better(point.1, chunk[best].1) {
                    best = n;
                }
            }
            best
        };
        let mut places = [0, extreme(|a, b| a < b), extreme(|a, b| a > b), chunk.len() - 1];
        places.sort_unstable();
        for (n, place) in places.into_iter().enumerate() {
            if n == 0 || places[n - 1] != place {
                kept.push(chunk[place]);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_peaks() {
        let mut points: Vec<(f64, f64)> = (0..100_000).map(|n| (f64::from(n), 0.0)).collect();
        points[54_321].1 = 9.0;
        let thin = thinned(&points, &Scale::linear(0.0, 100_000.0, 5));
        assert!(thin.len() < 6000, "{}", thin.len());
        assert!(thin.contains(&(54_321.0, 9.0)));
        assert_eq!((thin[0], thin[thin.len() - 1]), (points[0], points[99_999]));
    }

    #[test]
    fn numbers_of_a_low_panel_do_not_touch_and_its_label_stands_above() {
        style::ensure_fonts();
        let draw = |height: i32| {
            let mut svg = String::new();
            {
                let size = (px(600).cast_unsigned(), px(height).cast_unsigned());
                let (title, y) = ("reno".to_owned(), Scale::from_zero(350.0, 7));
                let [x_label, y_label] = ["time (s)", "window (segments)"].map(str::to_owned);
                let panel = Panel { title, x: Scale::from_zero(6.0, 6), y, x_label, y_label };
                panel
                    .draw(&SVGBackend::with_string(&mut svg, size).into_drawing_area(), None)
                    .expect("drawn");
            }
            let numbers = (1..=7).filter(|n| svg.contains(&format!("\n{}\n", n * 50))).count();
            (numbers, svg.contains("reno: window (segments)"))
        };
        let ((all, above_high), (few, above_low)) = (draw(400), draw(140));
        assert!(all == 7 && (1..=3).contains(&few), "{all} and {few} numbers");
        assert!(!above_high && above_low);
    }

    #[test]
    fn columns_are_those_of_the_drawn_axis() {
        // Three fifths of the axis lie below a hundredth of its end.
        let points: Vec<(f64, f64)> = (1..=100_000).map(|n| (f64::from(n) / 100.0, f64::from(n))).collect();
        let thin = thinned(&points, &Scale::log(0.01, 1_000.0));
        let below = thin.iter().filter(|point| point.0 < 10.0).count();
        assert!(below > 500, "{below} of {}", thin.len());
    }
}
