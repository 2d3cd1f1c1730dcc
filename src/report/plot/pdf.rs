//! A drawing as PDF: one page of vector graphics, text as outlines, so that no font has to be there.

use std::collections::BTreeSet;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{LineCapStyle, LineJoinStyle};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, TextStr};
use resvg::tiny_skia::PathSegment;
use resvg::usvg;

/// Points per pixel of SVG, of which 96 are an inch.
const PT_PER_PX: f32 = 72.0 / 96.0;

/// The drawing as a file with this title.
pub fn write(tree: &usvg::Tree, title: &str) -> Vec<u8> {
    let (width, height) = (tree.size().width() * PT_PER_PX, tree.size().height() * PT_PER_PX);
    let mut page = Page { content: Content::new(), opacities: BTreeSet::new() };
    // PDF counts upwards from the lower edge.
    page.content.transform([PT_PER_PX, 0.0, 0.0, -PT_PER_PX, 0.0, height]);
    page.group(tree.root(), 1.0);
    let Page { content, opacities } = page;
    let stream = compressed(&content.finish());
    let [catalog, pages, id, contents, info] = [1, 2, 3, 4, 5].map(Ref::new);
    let state = |n: usize| Ref::new(6 + i32::try_from(n).unwrap_or(0));
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(pages);
    pdf.pages(pages).kids([id]).count(1);
    let mut page = pdf.page(id);
    page.media_box(Rect::new(0.0, 0.0, width, height)).parent(pages).contents(contents);
    let mut resources = page.resources();
    let mut states = resources.ext_g_states();
    for (n, thousandths) in opacities.iter().enumerate() {
        states.pair(Name(state_name(*thousandths).as_bytes()), state(n));
    }
    states.finish();
    resources.finish();
    page.finish();
    for (n, thousandths) in opacities.iter().enumerate() {
        let share = f32::from(*thousandths) / 1000.0;
        pdf.ext_graphics(state(n)).non_stroking_alpha(share).stroking_alpha(share);
    }
    pdf.stream(contents, &stream).filter(Filter::FlateDecode);
    pdf.document_info(info).title(TextStr(title)).producer(TextStr("testbed"));
    pdf.finish()
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Memory takes all bytes.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// Name of the graphics state with an opacity.
fn state_name(thousandths: u16) -> String {
    format!("A{thousandths}")
}

/// The page while it is drawn.
struct Page {
    content: Content,
    /// Opacities in thousandths that occur.
    opacities: BTreeSet<u16>,
}

impl Page {
    fn group(&mut self, group: &usvg::Group, opacity: f32) {
        let opacity = opacity * group.opacity().get();
        for node in group.children() {
            match node {
                usvg::Node::Group(group) => self.group(group, opacity),
                usvg::Node::Text(text) => self.group(text.flattened(), opacity),
                usvg::Node::Path(path) if path.is_visible() => self.path(path, opacity),
                // The pictures have no images.
                usvg::Node::Path(_) | usvg::Node::Image(_) => {}
            }
        }
    }

    fn path(&mut self, path: &usvg::Path, opacity: f32) {
        self.content.save_state();
        let t = path.abs_transform();
        self.content.transform([t.sx, t.ky, t.kx, t.sy, t.tx, t.ty]);
        if let Some((fill, [r, g, b])) = path.fill().and_then(|fill| Some((fill, rgb(fill.paint())?))) {
            self.set_opacity(opacity * fill.opacity().get());
            self.content.set_fill_rgb(r, g, b);
            self.outline(path);
            match fill.rule() {
                usvg::FillRule::NonZero => self.content.fill_nonzero(),
                usvg::FillRule::EvenOdd => self.content.fill_even_odd(),
            };
        }
        if let Some((stroke, [r, g, b])) =
            path.stroke().and_then(|stroke| Some((stroke, rgb(stroke.paint())?)))
        {
            self.set_opacity(opacity * stroke.opacity().get());
            let cap = match stroke.linecap() {
                usvg::LineCap::Butt => LineCapStyle::ButtCap,
                usvg::LineCap::Round => LineCapStyle::RoundCap,
                usvg::LineCap::Square => LineCapStyle::ProjectingSquareCap,
            };
            let join = match stroke.linejoin() {
                usvg::LineJoin::Round => LineJoinStyle::RoundJoin,
                usvg::LineJoin::Bevel => LineJoinStyle::BevelJoin,
                usvg::LineJoin::Miter | usvg::LineJoin::MiterClip => LineJoinStyle::MiterJoin,
            };
            let dashes = stroke.dasharray().unwrap_or_default();
            self.content
                .set_stroke_rgb(r, g, b)
                .set_line_width(stroke.width().get())
                .set_line_cap(cap)
                .set_line_join(join)
                .set_dash_pattern(dashes.iter().copied(), stroke.dashoffset());
            self.outline(path);
            self.content.stroke();
        }
        self.content.restore_state();
    }

    fn set_opacity(&mut self, opacity: f32) {
        let thousandths = (opacity.clamp(0.0, 1.0) * 1000.0).round() as u16;
        self.opacities.insert(thousandths);
        self.content.set_parameters(Name(state_name(thousandths).as_bytes()));
    }

    fn outline(&mut self, path: &usvg::Path) {
        let mut last = (0.0, 0.0);
        for segment in path.data().segments() {
            match segment {
                PathSegment::MoveTo(p) => {
                    self.content.move_to(p.x, p.y);
                    last = (p.x, p.y);
                }
                PathSegment::LineTo(p) => {
                    self.content.line_to(p.x, p.y);
                    last = (p.x, p.y);
                }
                PathSegment::QuadTo(c, p) => {
                    // PDF has cubic curves only; this one is the same curve.
                    let towards = |from: f32, to: f32| from + (to - from) * 2.0 / 3.0;
                    let (x1, y1) = (towards(last.0, c.x), towards(last.1, c.y));
                    let (x2, y2) = (towards(p.x, c.x), towards(p.y, c.y));
                    self.content.cubic_to(x1, y1, x2, y2, p.x, p.y);
                    last = (p.x, p.y);
                }
                PathSegment::CubicTo(a, b, p) => {
                    self.content.cubic_to(a.x, a.y, b.x, b.y, p.x, p.y);
                    last = (p.x, p.y);
                }
                PathSegment::Close => {
                    self.content.close_path();
                }
            }
        }
    }
}

/// A plain colour; the pictures have no patterns.
fn rgb(paint: &usvg::Paint) -> Option<[f32; 3]> {
    match paint {
        usvg::Paint::Color(color) => Some([color.red, color.green, color.blue].map(|c| f32::from(c) / 255.0)),
        _ => None,
    }
}
