//! The pictures. Each is drawn once as SVG, and its PNG is rasterised from that with the same font,
//! so that both show the same. All are computed from the result files.

mod answers;
mod categories;
mod compare;
mod cwnd;
mod data;
mod datagrams;
mod delay_throughput;
mod distribution;
mod four_panel;
mod frame;
mod jain;
mod latency_cdf;
mod latency_histogram;
mod latency_tail;
mod named;
mod notes;
mod over_time;
mod overlay;
mod panel;
mod pdf;
mod phase_plot;
mod phases;
mod probes;
mod queue;
mod raster;
mod rates;
pub mod ratios;
mod sawtooth;
mod scale;
mod select;
mod sheet;
mod single;
mod sources;
mod style;
mod sweep;
#[cfg(test)]
mod tests;
mod throughput;
mod time_sequence;
mod wanted;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use self::frame::Frame;
use self::named::Named;
pub use self::named::reading;
pub use self::notes::{boxes, kept_warning};
pub use self::over_time::draw as over_time;
pub use self::overlay::draw as overlay;
use self::select::View;
pub use self::single::{Drawn, draw as draw_one, names};
use self::sources::{MAX_PANELS, Sources};
pub use self::style::{px, wrapped};
pub use self::wanted::check;
use super::error::ReportError;
use super::parallel;
use crate::tables::{CellSummary, Results, Study, Warning};

/// The pictures that a folder has, relative to it.
#[derive(Default)]
pub struct Pictures {
    /// All of them.
    pub all: Vec<PathBuf>,
    /// The names of those that were not drawn anew.
    pub kept: Vec<String>,
    /// Characters that are boxes in PNG, and the names of the pictures with such.
    pub boxes: (BTreeSet<char>, Vec<String>),
    /// Figures of the scenario that have nothing to show.
    pub undrawn: Vec<Warning>,
}

/// Draws all pictures that the results have into `plots/`. One that is there and could not be drawn
/// as it was, because files of the run are `missing`, stays; those that the results have no more go.
pub fn draw_all(
    results: &Results,
    cells: &[CellSummary],
    missing: &[String],
) -> Result<Pictures, ReportError> {
    let departure = data::departure(&results.study);
    let is_kept = |named: &&Named| {
        missing.iter().any(|file| file.starts_with(named.inputs))
            && existing_picture(&results.path(""), named.name).is_some()
    };
    let anew: Vec<&Named> = named::of_page().filter(|named| !is_kept(named)).collect();
    let view = View::default();
    let (with_flows, with_data) =
        (cwnd::choose(results, MAX_PANELS)?, throughput::choose(results, MAX_PANELS)?);
    let sources = Sources::read(results, cells, with_flows, with_data, &view)?;
    // Each is drawn and rasterised on one thread.
    let drawn = parallel::map(&anew, |named| {
        let failed =
            |problem: String| ReportError::Picture { path: results.path(svg_name(named.name)), problem };
        let Some(sheet) = (named.draw)(&sources)? else { return Ok::<_, ReportError>(None) };
        let svg = sheet.render(&departure, &Frame::default()).map_err(|error| failed(error.to_string()))?;
        let (png, boxes) = raster::rasterise(&svg).map_err(failed)?;
        Ok(Some((svg, png, boxes)))
    });
    let mut drawn = anew.iter().map(|named| named.name).zip(drawn).peekable();
    let mut pictures = Pictures::default();
    for name in named::of_page().map(|named| named.name) {
        let Some((_, picture)) = drawn.next_if(|(drawn, _)| *drawn == name) else {
            pictures.all.extend(existing_picture(&results.path(""), name));
            pictures.kept.push(name.to_owned());
            continue;
        };
        let svg_path = results.path(svg_name(name));
        let png_path = svg_path.with_extension("png");
        if let Some((svg, png, boxes)) = picture? {
            if !boxes.is_empty() {
                pictures.boxes.0.extend(boxes);
                pictures.boxes.1.push(name.to_owned());
            }
            super::disk::replace(&svg_path, svg.as_bytes())?;
            super::disk::replace(&png_path, &png)?;
            pictures.all.push(svg_name(name));
        } else {
            for path in [&svg_path, &png_path] {
                if path.exists() {
                    fs::remove_file(path).map_err(ReportError::io("remove", path))?;
                }
            }
        }
    }
    wanted::draw_all(results, missing, &mut pictures)?;
    Ok(pictures)
}

/// The pictures that a folder already has, in the order of the page.
pub fn existing(dir: &Path, study: &Study) -> Vec<PathBuf> {
    let of_page = named::of_page().map(|named| named.name.to_owned());
    let all = of_page.chain(wanted::of(study).map(|(name, _)| name));
    all.filter_map(|name| existing_picture(dir, &name)).collect()
}

/// A picture as SVG, or as the PNG that is left of it.
fn existing_picture(dir: &Path, name: &str) -> Option<PathBuf> {
    let svg = svg_name(name);
    let png = svg.with_extension("png");
    [svg, png].into_iter().find(|path| dir.join(path).exists())
}

/// True if a file in `plots/` is one of ours.
pub fn is_picture(file: &str) -> bool {
    let of_page = |name: &str| named::of_page().any(|named| named.name == name);
    file.rsplit_once('.').is_some_and(|(name, kind)| {
        let usual = ["svg", "png"].contains(&kind);
        of_page(name) && usual || wanted::is_name(name) && (usual || kind == "pdf")
    })
}

fn svg_name(name: &str) -> PathBuf {
    Path::new("plots").join(format!("{name}.svg"))
}
