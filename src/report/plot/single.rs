//! One figure by its name, with a selection and a size, as files of the formats asked for.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::named::{NAMED, Named};
use super::select::{self, Request, Unfit, View};
use super::sources::Sources;
use super::{cwnd, departure, pdf, raster, throughput};
use crate::report::error::ReportError;
use crate::report::files::Results;
use crate::report::{disk, summary};

/// The folder of chosen figures in a result folder.
const FOLDER: &str = "figures";

/// Format of a figure's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Vector graphics, text as text.
    Svg,
    /// Pixels, 300 to the inch where a size is asked for.
    Png,
    /// Vector graphics, text as outlines.
    Pdf,
}

impl Format {
    /// Ending of the file's name.
    pub fn ending(self) -> &'static str {
        match self {
            Format::Svg => "svg",
            Format::Png => "png",
            Format::Pdf => "pdf",
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        let format =
            [Format::Svg, Format::Png, Format::Pdf].into_iter().find(|format| format.ending() == text);
        format.ok_or_else(|| "there are svg, png and pdf".to_owned())
    }
}

/// A figure that was drawn.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// Its files.
    pub files: Vec<PathBuf>,
    /// The heading in words, for a caption.
    pub caption: String,
    /// Characters that the font lacks, which are boxes in PNG and PDF.
    pub boxes: String,
}

/// The named figures with their subjects.
pub fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    NAMED.iter().map(|named| (named.name, named.words))
}

/// Draws a figure of the results into `out`, a file or a folder; into `figures/` of the result folder without it.
pub fn draw(
    results: &mut Results,
    request: &Request,
    formats: &[Format],
    out: Option<&Path>,
) -> Result<Drawn, ReportError> {
    let named = find(request)?;
    let view = View::of(request, &results.study)?;
    let files = files(&results.dir, named.name, formats, out)?;
    select::retain_cells(results, &request.cells)?;
    let cells = summary::of_all(results)?;
    let sources =
        Sources::read(results, &cells, cwnd::choose(results)?, throughput::choose(results)?, &view)?;
    let sheet = (named.draw)(&sources)?.ok_or_else(|| {
        let problem = format!("{} has nothing to show of these results", named.name);
        Unfit::new(problem, format!("it needs {}; choose other cells, or another figure", named.needs))
    })?;
    let path = results.dir.join(named.name);
    let failed = |problem: String| ReportError::Picture { path: path.clone(), problem };
    let departure = departure(&results.study);
    let svg = sheet.render(&departure, &view.frame).map_err(|error| failed(error.to_string()))?;
    let tree = raster::parse(&svg).map_err(failed)?;
    for (format, path) in &files {
        let bytes = match format {
            Format::Svg => svg.clone().into_bytes(),
            Format::Png => raster::png(&tree, view.frame.dpi()).map_err(failed)?,
            Format::Pdf => pdf::write(&tree, &sheet.title),
        };
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent).map_err(ReportError::io("create", parent))?;
        }
        disk::replace(path, &bytes)?;
    }
    let parts = [departure.as_str(), &sheet.title, &sheet.subtitle];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Ok(Drawn {
        files: files.into_iter().map(|(_, path)| path).collect(),
        caption: parts.join("; "),
        boxes: raster::boxes(&tree).into_iter().collect(),
    })
}

/// The figure of the request, which must know all options of it.
fn find(request: &Request) -> Result<&'static Named, Unfit> {
    let name = &request.figure;
    let named = NAMED.iter().find(|named| named.name == name).ok_or_else(|| {
        let names: Vec<&str> = names().map(|(name, _)| name).collect();
        Unfit::new(format!("no figure is called \"{name}\""), format!("there are {}", names.join(", ")))
    })?;
    let given = [
        ("flows", !request.flows.is_empty()),
        ("groups", !request.groups.is_empty()),
        ("from", request.from.is_some()),
        ("to", request.to.is_some()),
        ("x", request.x.is_some()),
        ("y", !request.y.is_empty()),
        ("by", request.by.is_some()),
    ];
    let unknown = given.iter().find(|(option, given)| *given && !named.takes.contains(option));
    match unknown {
        Some((option, _)) => {
            let others = NAMED.iter().filter(|named| named.takes.contains(option)).map(|named| named.name);
            let others = others.collect::<Vec<_>>().join(", ");
            Err(Unfit::new(format!("--{option} says nothing to {name}"), format!("it goes with {others}")))
        }
        None => Ok(named),
    }
}

/// The files to write, by format.
fn files(
    dir: &Path,
    name: &str,
    formats: &[Format],
    out: Option<&Path>,
) -> Result<Vec<(Format, PathBuf)>, Unfit> {
    let usual = [Format::Svg, Format::Png];
    let in_folder = |folder: &Path| {
        let formats = if formats.is_empty() { &usual } else { formats };
        formats.iter().map(|format| (*format, folder.join(format!("{name}.{}", format.ending())))).collect()
    };
    let Some(out) = out else { return Ok(in_folder(&dir.join(FOLDER))) };
    let ending = out.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    match ending.and_then(|ending| ending.parse::<Format>().ok()).filter(|_| !out.is_dir()) {
        Some(format) if formats.is_empty() => Ok(vec![(format, out.to_owned())]),
        Some(_) => Ok(formats.iter().map(|format| (*format, out.with_extension(format.ending()))).collect()),
        None if out.is_file() => Err(Unfit::new(
            format!("{} is a file that is no figure", out.display()),
            "name a folder, or a file that ends in .svg, .png or .pdf",
        )),
        None => Ok(in_folder(out)),
    }
}
