//! The pictures. Each is drawn once as SVG, and its PNG is rasterised from that with the same font,
//! so that both show the same. All are computed from the result files.

mod compare;
mod cwnd;
mod data;
mod latency_cdf;
mod latency_histogram;
mod panel;
mod queue;
mod scale;
mod style;
mod throughput;

use std::fs;
use std::path::{Path, PathBuf};

use resvg::{tiny_skia, usvg};

use self::style::Sheet;
use super::error::ReportError;
use super::files::Results;
use super::summary::CellSummary;

/// A picture by name, in the order of the page, and what draws it: `None` if the scenario has
/// nothing for it to show.
type Draw = fn(&Results, &[CellSummary]) -> Result<Option<Sheet>, ReportError>;

const PICTURES: [(&str, Draw); 6] = [
    ("compare", compare::draw),
    ("cwnd", cwnd::draw),
    ("throughput", throughput::draw),
    ("queue", queue::draw),
    ("latency_cdf", latency_cdf::draw),
    ("latency_histogram", latency_histogram::draw),
];

/// Draws all pictures that the results have into `plots/` and returns the SVGs, relative to the
/// folder. Pictures of an earlier call that no longer exist are removed.
pub fn draw_all(results: &Results, cells: &[CellSummary]) -> Result<Vec<PathBuf>, ReportError> {
    let mut drawn = Vec::new();
    for (name, draw) in PICTURES {
        let svg_path = results.dir.join(svg_name(name));
        let png_path = svg_path.with_extension("png");
        match draw(results, cells)? {
            Some(sheet) => {
                let failed = |problem: String| ReportError::Picture { path: svg_path.clone(), problem };
                let svg = sheet.render().map_err(|error| failed(error.to_string()))?;
                let png = rasterise(&svg).map_err(failed)?;
                super::writer::replace(&svg_path, svg.as_bytes())?;
                super::writer::replace(&png_path, &png)?;
                drawn.push(svg_name(name));
            }
            None => {
                for path in [&svg_path, &png_path] {
                    if path.exists() {
                        fs::remove_file(path).map_err(ReportError::io("remove", path))?;
                    }
                }
            }
        }
    }
    Ok(drawn)
}

/// The pictures that a folder already has, in the order of the page.
pub fn existing(dir: &Path) -> Vec<PathBuf> {
    PICTURES.iter().map(|(name, _)| svg_name(name)).filter(|path| dir.join(path).exists()).collect()
}

fn svg_name(name: &str) -> PathBuf {
    Path::new("plots").join(format!("{name}.svg"))
}

/// The picture as PNG, one pixel per unit of the SVG's width and height.
fn rasterise(svg: &str) -> Result<Vec<u8>, String> {
    let mut options = usvg::Options { font_family: style::FONT_NAME.to_owned(), ..usvg::Options::default() };
    let fonts = options.fontdb_mut();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    let tree = usvg::Tree::from_str(svg, &options).map_err(|error| error.to_string())?;
    let size = tree.size().to_int_size();
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height()).ok_or("an empty picture")?;
    pixels.fill(tiny_skia::Color::WHITE);
    resvg::render(&tree, tiny_skia::Transform::identity(), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| error.to_string())
}

#[cfg(test)]
mod gallery {
    use super::*;
    use crate::report::testing::{Model, fill, study};

    #[test]
    fn gallery() {
        let base = Path::new("/tmp/gallery");
        let _ = fs::remove_dir_all(base);
        let model = Model { seed: 1, congestion: "reno", loss: 0.001, flows: 1, chat: false, seconds: 30 };
        let one = |name: &str, axes: &[(&str, &[&str])], chat: bool, f: &dyn Fn(usize, u32) -> Model| {
            let mut s = study(axes);
            s.chat = chat;
            fill(&base.join(name), &s, f);
            let report =
                crate::report::finish(&base.join(name), "2026-01-02T03:05:00Z", true).expect("finished");
            println!(
                "== {name}\n{}\n{:#?}\n{:#?}\n{:#?}",
                report.table, report.verdict, report.checks, report.warnings
            );
        };
        one("one", &[], false, &|_, t| Model { seed: t.into(), ..model });
        one("two", &[("tcp.congestion", &["none", "reno"])], true, &|c, t| Model {
            seed: t.into(),
            congestion: ["none", "reno"][c],
            chat: true,
            loss: 0.01,
            ..model
        });
        one(
            "eight",
            &[("tcp.congestion", &["none", "reno"]), ("link.access.loss", &["0%", "0.1%", "1%", "10%"])],
            true,
            &|c, t| Model {
                seed: t.into(),
                congestion: ["none", "reno"][c / 4],
                chat: true,
                loss: [0.0, 0.001, 0.01, 0.1][c % 4],
                flows: 2,
                ..model
            },
        );
        one("twenty", &[], false, &|_, t| Model { seed: t.into(), flows: 20, ..model });
        let losses: Vec<String> = (1..=10).map(|n| format!("{n}%")).collect();
        let losses: Vec<&str> = losses.iter().map(String::as_str).collect();
        one(
            "forty",
            &[
                ("link.bottleneck.loss", &losses),
                ("clients.upload.congestion", &["reno", "none", "tahoe", "cubic"]),
            ],
            false,
            &|c, t| Model {
                seed: t.into(),
                congestion: ["reno", "none", "tahoe", "cubic"][c % 4],
                loss: 0.01 * (c / 4 + 1) as f64,
                flows: 3,
                seconds: 10,
                ..model
            },
        );
    }
}
