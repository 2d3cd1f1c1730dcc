//! `testbed plot`: the pictures and the page again, or one figure, from the tables alone.

use std::path::PathBuf;

use clap::Args;

use super::list;
use super::output::{Failure, print};
use crate::report::{self, PictureFormat, Request};
use crate::time::Duration;

/// Draw the pictures of result folders again, or one figure of them
///
/// Writes each picture as .svg and as .png, and report.html anew, from the tables alone. Prints the paths of the
/// pictures that the page shows. With --figure it writes that one figure instead, for the chosen cells, flows and
/// time, in the size asked for, and leaves all else as it is.
#[derive(Debug, Args)]
pub struct Plot {
    /// Result folders
    #[arg(required_unless_present = "figure", value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Draw from files that were changed since the run wrote them, and say so on the page; a changed summary.csv
    /// is computed anew
    #[arg(long)]
    force: bool,
    /// Figure to draw into figures/ of each folder; `list` names all
    #[arg(long, value_name = "NAME")]
    figure: Option<String>,
    #[command(flatten)]
    choice: Choice,
}

/// Part of the results that a figure shows, and its looks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of --figure")]
struct Choice {
    /// Cells to show: numbers or AXIS=VALUE, separated by commas; all --cells must hold
    #[arg(long, value_name = "CELLS", requires = "figure")]
    cells: Vec<String>,
    /// Flows to show, by name
    #[arg(long, value_name = "FLOWS", value_delimiter = ',', requires = "figure")]
    flows: Vec<String>,
    /// Groups of clients to show
    #[arg(long, value_name = "GROUPS", value_delimiter = ',', requires = "figure")]
    groups: Vec<String>,
    /// Begin of the time to show
    #[arg(long, value_name = "TIME", requires = "figure")]
    from: Option<Duration>,
    /// End of the time to show
    #[arg(long, value_name = "TIME", requires = "figure")]
    to: Option<Duration>,
    /// Axis of the sweep along the axis of x
    #[arg(long, value_name = "AXIS", requires = "figure")]
    x: Option<String>,
    /// Columns of trials.csv to show (`testbed list figures`)
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', requires = "figure")]
    y: Vec<String>,
    /// Axis whose values are lines of their own
    #[arg(long, value_name = "AXIS", requires = "figure")]
    by: Option<String>,
    /// Width, such as 8.4cm, 84mm or 3.3in; without it as on the page
    #[arg(long, value_name = "LENGTH", value_parser = centimetres, requires = "figure")]
    width: Option<f64>,
    /// Font size of labels, 8pt if not given
    #[arg(long, value_name = "SIZE", value_parser = points, requires = "figure")]
    font: Option<f64>,
    /// Formats: svg, png, pdf; svg and png if not given
    #[arg(long, value_name = "FORMATS", value_delimiter = ',', requires = "figure")]
    format: Vec<PictureFormat>,
    /// Leave the heading out; its words go to stderr, for a caption
    #[arg(long, requires = "figure")]
    no_title: bool,
    /// File, or folder, to write to
    #[arg(long, value_name = "FILE", requires = "figure")]
    out: Option<PathBuf>,
}

impl Plot {
    /// Draws, and names the pictures that the page has.
    pub fn execute(self) -> Result<(), Failure> {
        if let Some(figure) = self.figure {
            return self.choice.draw(figure, &self.dirs, self.force);
        }
        for dir in &self.dirs {
            let report = report::plot(dir, self.force)?;
            for warning in report.findings.warnings.iter().filter(|warning| warning.cells.is_empty()) {
                eprintln!("warning: {}: {warning}", dir.display());
            }
            if let Some(notice) = &report.notice {
                eprintln!("warning: {}: {notice}", dir.display());
            }
            for picture in &report.pictures {
                print(&format!("{}\n", dir.join(picture).display()))?;
            }
        }
        Ok(())
    }
}

impl Choice {
    /// Draws one figure of each folder, and names its files.
    fn draw(self, figure: String, dirs: &[PathBuf], force: bool) -> Result<(), Failure> {
        if figure == "list" {
            return print(&list::pictures());
        }
        if dirs.is_empty() {
            return Err(Failure::usage(
                "no result folder is named",
                format!("write testbed plot DIR --figure {figure}"),
            ));
        }
        if dirs.len() > 1 && self.out.is_some() {
            let help = "name one folder, or leave --out out";
            return Err(Failure::usage("--out would be written once for each folder", help));
        }
        let request = Request {
            figure,
            cells: self.cells,
            flows: self.flows,
            groups: self.groups,
            from: self.from,
            to: self.to,
            x: self.x,
            y: self.y,
            by: self.by,
            cm: self.width,
            pt: self.font,
            untitled: self.no_title,
        };
        for dir in dirs {
            let drawn = report::draw(dir, &request, &self.format, self.out.as_deref(), force)?;
            if request.untitled {
                eprintln!("caption: {}", drawn.caption);
            }
            if !drawn.boxes.is_empty() {
                eprintln!("warning: the font of PNG and PDF lacks {}", drawn.boxes);
            }
            for file in drawn.files {
                print(&format!("{}\n", file.display()))?;
            }
        }
        Ok(())
    }
}

/// A length such as `8.4cm`.
fn centimetres(text: &str) -> Result<f64, String> {
    let units = [("cm", 1.0), ("mm", 0.1), ("in", 2.54)];
    let parsed = units.iter().find_map(|(unit, cm)| positive(text.strip_suffix(unit)?).map(|n| n * cm));
    parsed.ok_or_else(|| "write a length in cm, mm or in, such as 8.4cm".to_owned())
}

/// A font size such as `8pt`.
fn points(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("pt").and_then(positive);
    number.ok_or_else(|| "write a size in pt, such as 8pt".to_owned())
}

fn positive(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_sizes_have_their_units() {
        for (text, cm) in [("8.4cm", 8.4), ("84mm", 8.4), ("10 in", 25.4)] {
            assert!(centimetres(text).is_ok_and(|read| (read - cm).abs() < 1e-9), "{text}");
        }
        for text in ["8.4", "cm", "-1cm", "0cm", "nancm", "infcm", "8pt"] {
            assert!(centimetres(text).is_err(), "{text}");
        }
        assert_eq!(points("8pt"), Ok(8.0));
        assert!(points("8").is_err() && points("8px").is_err());
    }
}
