//! One figure by its name, with a selection and a size, as files of the formats asked for.

use std::path::{Path, PathBuf};

use super::frame::Frame;
use super::named::{NAMED, Named};
use super::select::{self, Refusal, Unfit, View};
use super::sheet::Sheet;
use super::sources::{MAX_PANELS, Sources};
use super::{cwnd, data, pdf, raster, throughput};
use crate::report::disk;
use crate::report::error::ReportError;
use crate::scenario::{PictureFormat as Format, PlotSpec};
use crate::tables::results::Results;
use crate::tables::summary;

/// The folder of chosen figures in a result folder.
const FOLDER: &str = "figures";

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
pub fn draw(results: &mut Results, spec: &PlotSpec, out: Option<&Path>) -> Result<Drawn, ReportError> {
    let named = find(spec).map_err(|(_, error)| error)?;
    let files = files(&results.path(""), named.name, &spec.format, out)?;
    let (sheet, view) = sheet(results, spec)?;
    write(&sheet, &data::departure(&results.study), &view.frame, files)
}

/// The sheet that a figure of the results is drawn on; of the results, the chosen cells are left.
pub fn sheet(results: &mut Results, spec: &PlotSpec) -> Result<(Sheet, View), ReportError> {
    let named = find(spec).map_err(|(_, error)| error)?;
    let view = View::of(spec, &results.study).map_err(|(_, error)| error)?;
    select::retain_cells(results, &spec.cells)?;
    let cells = summary::of_all(results)?;
    // Those of the page have a panel for each cell.
    let most = if named.on_page { view.most_cells() } else { MAX_PANELS };
    let (with_flows, with_data) = (cwnd::choose(results, most)?, throughput::choose(results, most)?);
    let sources = Sources::read(results, &cells, with_flows, with_data, &view)?;
    let mut sheet = (named.draw)(&sources)?.ok_or_else(|| {
        let problem = format!("{} has nothing to show of these results", named.name);
        let time = if view.span.is_some() { ", another span of time" } else { "" };
        Unfit::new(problem, format!("it needs {}; choose other cells{time}, or another figure", named.needs))
    })?;
    retitle(&mut sheet, spec);
    Ok((sheet, view))
}

/// Gives a sheet the heading that is asked for.
pub fn retitle(sheet: &mut Sheet, spec: &PlotSpec) {
    if let Some(title) = spec.title.as_ref().filter(|title| !title.is_empty()) {
        sheet.title.clone_from(title);
    }
}

/// Writes a sheet into files; `departure` is what the run did otherwise than the title says.
pub fn write(
    sheet: &Sheet,
    departure: &str,
    frame: &Frame,
    files: Vec<(Format, PathBuf)>,
) -> Result<Drawn, ReportError> {
    let path = files.first().map_or_else(PathBuf::new, |(_, path)| path.clone());
    let failed = |problem: String| ReportError::Picture { path: path.clone(), problem };
    let svg = sheet.render(departure, frame).map_err(|error| failed(error.to_string()))?;
    let tree = raster::parse(&svg).map_err(failed)?;
    for (format, path) in &files {
        let bytes = match format {
            Format::Svg => svg.clone().into_bytes(),
            Format::Png => raster::png(&tree, frame.dpi()).map_err(failed)?,
            Format::Pdf => pdf::write(&tree, &sheet.title),
        };
        disk::replace(path, &bytes)?;
    }
    let parts = [departure, &sheet.title, &sheet.subtitle];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let boxes = raster::boxes(&tree).into_iter().collect();
    Ok(Drawn { files: files.into_iter().map(|(_, path)| path).collect(), caption: parts.join("; "), boxes })
}

/// The format that a file's name asks for by its ending.
pub fn format_of(file: &Path) -> Result<Format, Unfit> {
    let ending = file.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    ending.and_then(|ending| Format::of_ending(&ending)).filter(|_| !file.is_dir()).ok_or_else(|| {
        let file = file.display();
        Unfit::new(format!("{file} is no name of a picture"), "name a file that ends in .svg, .png or .pdf")
    })
}

/// The figure that somebody asks for, which must know all keys of it.
pub fn find(spec: &PlotSpec) -> Result<&'static Named, Refusal> {
    let name = &spec.figure;
    let named = NAMED.iter().find(|named| named.name == name).ok_or_else(|| {
        let names: Vec<&str> = names().map(|(name, _)| name).collect();
        let unfit =
            Unfit::new(format!("no figure is called \"{name}\""), format!("there are {}", names.join(", ")));
        ("figure", unfit.into())
    })?;
    let given = [
        ("flows", !spec.flows.is_empty()),
        ("groups", !spec.groups.is_empty()),
        ("from", spec.from.is_some()),
        ("to", spec.to.is_some()),
        ("x", spec.x.is_some()),
        ("y", !spec.y.is_empty()),
        ("by", spec.by.is_some()),
        ("model", !spec.model.is_empty()),
    ];
    let unknown = given.iter().find(|(key, given)| *given && !named.takes.contains(key));
    match unknown {
        Some((key, _)) => {
            let others = NAMED.iter().filter(|named| named.takes.contains(key)).map(|named| named.name);
            let others = others.collect::<Vec<_>>().join(", ");
            let unfit =
                Unfit::new(format!("`{key}` says nothing to {name}"), format!("it goes with {others}"));
            Err((key, unfit.into()))
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
    match format_of(out) {
        Ok(format) if formats.is_empty() => Ok(vec![(format, out.to_owned())]),
        Ok(_) => Ok(formats.iter().map(|format| (*format, out.with_extension(format.ending()))).collect()),
        Err(_) if out.is_file() => Err(Unfit::new(
            format!("{} is a file that is no figure", out.display()),
            "name a folder, or a file that ends in .svg, .png or .pdf",
        )),
        Err(_) => Ok(in_folder(out)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::report::finish;
    use crate::report::testing::{Model, fill, study, with_chat};
    use crate::time::Duration;

    /// A folder with chat, two flows, a controller with a model and one without, and a sweep.
    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut study =
            with_chat(study(&[("tcp.congestion", &["reno", "bbr"]), ("link.a.loss", &["0%", "1%"])]));
        (study.trials, study.duration) = (2, Duration::from_secs(3));
        fill(dir.path(), &study, |cell, trial| Model {
            seed: u64::from(trial),
            congestion: ["reno", "bbr"][cell / 2],
            loss: 0.0005,
            flows: 2,
            chat: true,
            seconds: 3,
        });
        finish(dir.path(), "later", false).expect("finished");
        dir
    }

    fn asked(figure: &str) -> PlotSpec {
        PlotSpec { figure: figure.to_owned(), ..PlotSpec::default() }
    }

    fn draw_svg(dir: &Path, request: &PlotSpec) -> Result<String, String> {
        let request = PlotSpec { format: vec![Format::Svg], ..request.clone() };
        let drawn = crate::report::draw(dir, &request, None, false);
        let drawn = drawn.map_err(|error| format!("{error}; {}", error.help()))?;
        Ok(fs::read_to_string(&drawn.files[0]).expect("a drawing"))
    }

    #[test]
    fn each_named_figure_is_drawn_at_two_sizes_and_in_three_formats() {
        let dir = folder();
        // The model has no pings and no captures.
        for (name, _) in names().filter(|(name, _)| !["probes", "time-sequence"].contains(name)) {
            for (cm, width, pt) in [(8.4, 992, "238"), (16.0, 1890, "453")] {
                let formats = vec![Format::Svg, Format::Png, Format::Pdf];
                let request =
                    PlotSpec { width: Some(cm), font: Some(8.0), format: formats.clone(), ..asked(name) };
                let drawn = crate::report::draw(dir.path(), &request, None, false);
                let drawn = drawn.unwrap_or_else(|error| panic!("{name} {cm}: {error}"));
                let [svg, png, pdf] = drawn.files.as_slice() else { panic!("{name}: {:?}", drawn.files) };
                let svg = fs::read_to_string(svg).expect("a drawing");
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name} {cm}");
                assert!(
                    svg.starts_with(&format!("<svg width=\"{cm:.3}cm\" height=\"")),
                    "{name}: {}",
                    &svg[..60]
                );
                let png = fs::read(png).expect("a picture");
                assert_eq!(png[16..20], u32::to_be_bytes(width), "{name} {cm}");
                // 300 dpi are 11,811 pixels per metre.
                assert_eq!(png[33..50], *b"\0\0\0\x09pHYs\0\0\x2e\x23\0\0\x2e\x23\x01", "{name} {cm}");
                let pdf = fs::read(pdf).expect("a document");
                let text = String::from_utf8_lossy(&pdf);
                let page = format!("/MediaBox [0 0 {pt}.");
                assert!(
                    text.starts_with("%PDF-1.7") && text.contains(&page) && pdf.len() > 3000,
                    "{name} {cm}"
                );
            }
        }
    }

    #[test]
    fn a_figure_leaves_the_rest_of_the_folder_as_it_is() {
        let dir = folder();
        let manifest = || fs::read(dir.path().join("manifest.json")).expect("a manifest");
        let before = manifest();
        let svg = draw_svg(dir.path(), &asked("cwnd")).expect("drawn");
        assert_eq!(draw_svg(dir.path(), &asked("cwnd")), Ok(svg));
        assert!(manifest() == before && !dir.path().join("plots").exists());
    }

    #[test]
    fn chosen_flows_cells_and_times_are_the_ones_shown() {
        let dir = folder();
        let has = |svg: &str, text: &str| svg.lines().any(|line| line == text);
        let names = |svg: &str| ["upload-1", "upload-2"].map(|name| has(svg, name));
        let request = PlotSpec { cells: vec!["0".to_owned()], ..asked("throughput") };
        assert_eq!(names(&draw_svg(dir.path(), &request).expect("drawn")), [true, true]);
        let flows = vec!["upload-2".to_owned()];
        let svg = draw_svg(dir.path(), &PlotSpec { flows, ..request }).expect("drawn");
        assert!(names(&svg) == [false, true] && has(&svg, "reno, loss 0 %") && !svg.contains("loss 1 %"));
        for figure in ["cwnd", "throughput", "queue", "four-panel", "rates"] {
            let svg =
                |from, to| draw_svg(dir.path(), &PlotSpec { from, to, ..asked(figure) }).expect("drawn");
            let second = |n| Some(Duration::from_secs(n));
            let ticks = |svg: &str| ["0.0", "1.0", "2.0", "3.0"].map(|tick| has(svg, tick));
            assert_eq!(ticks(&svg(second(0), second(3))), [true; 4], "{figure}");
            let part = svg(second(1), second(2));
            assert!(has(&part, "1.1") && has(&part, "1.9") && !has(&part, "3.0"), "{figure}");
        }
        let titled = |title: Option<&str>| {
            let title = title.map(str::to_owned);
            draw_svg(dir.path(), &PlotSpec { title, ..asked("queue") }).expect("drawn")
        };
        // The title for screen readers stays.
        assert_eq!([None, Some("")].map(|title| titled(title).matches("queue over time").count()), [2, 1]);
        let own = titled(Some("A backlog & its end"));
        assert!(own.contains("A backlog &amp; its end") && !own.contains("queue over time"));
    }

    #[test]
    fn a_wish_that_cannot_be_met_is_one_error_with_what_there_is() {
        let dir = folder();
        let says = |request: PlotSpec, words: &str| {
            let error = draw_svg(dir.path(), &request).expect_err("it cannot be");
            assert!(error.contains(words), "{request:?}: {error}");
        };
        let list = |text: &str| vec![text.to_owned()];
        says(asked("cwmd"), "no figure is called \"cwmd\"; there are compare, cwnd, rates");
        says(
            PlotSpec { flows: list("upload-9"), ..asked("cwnd") },
            "no flow of the chosen cells is called \"upload-9\"; there are upload-1, upload-2",
        );
        says(PlotSpec { groups: list("x"), ..asked("cwnd") }, "called \"x\"; there are upload");
        says(PlotSpec { groups: list("x"), ..asked("delay-throughput") }, "called \"x\"; there are upload");
        says(
            PlotSpec { flows: list("upload-1"), ..asked("ccdf") },
            "`flows` says nothing to ccdf; it goes with cwnd",
        );
        says(
            PlotSpec { cells: list("9"), ..asked("cwnd") },
            "there is no cell 9; cells have the numbers 0 to 3",
        );
        says(
            PlotSpec { cells: list("0,1"), width: Some(8.4), ..asked("four-panel") },
            "has room for 1 of the 2",
        );
        says(PlotSpec { cells: list("congestion=reno"), ..asked("rates") }, "rates has nothing to show");
        says(asked("time-sequence"), "these cells have none; run again with --pcap upload-1");
        says(PlotSpec { x: Some("delay".to_owned()), ..asked("sweep") }, "no axis is called \"delay\"");
        says(PlotSpec { y: list("speed"), ..asked("sweep") }, "no figure \"speed\"; there are goodput_mbit");
        let moment = |nanos| Some(Duration::from_nanos(nanos));
        for figure in ["cwnd", "throughput", "queue", "four-panel", "phase-plot"] {
            says(PlotSpec { from: moment(1), to: moment(2), ..asked(figure) }, "another span of time");
        }
        let by = Some("tcp.congestion".to_owned());
        for figure in ["sweep", "heat-map", "box"] {
            let request = PlotSpec { by: by.clone(), x: by.clone(), ..asked(figure) };
            says(request, "link.a.loss varies, too");
        }
        let request = PlotSpec { cells: list("congestion=reno"), by, ..asked("heat-map") };
        assert!(draw_svg(dir.path(), &request).is_ok(), "a row alone is a map, too");
    }

    #[test]
    fn a_heat_map_has_a_field_and_a_plot_of_boxes_a_box_for_each_cell() {
        let dir = folder();
        let elements = |figure: &str, kind: &str, fill: &str| {
            let svg = draw_svg(dir.path(), &PlotSpec { title: Some(String::new()), ..asked(figure) })
                .expect("drawn");
            svg.lines().filter(|line| line.starts_with(kind) && line.contains(fill)).count()
        };
        // Four cells and the sheet, without a legend as they are alike; four boxes.
        assert_eq!(elements("heat-map", "<rect", ""), 4 + 1);
        let boxes = ["#7FB8D8", "#E9AE7F"].map(|pale| elements("box", "<rect", pale));
        assert_eq!(boxes, [2, 2]);
    }

    #[test]
    fn a_file_is_named_by_its_ending_and_a_folder_without_one() {
        let names = |formats: &[Format], out: Option<&str>| {
            let all = files(Path::new("r"), "queue", formats, out.map(Path::new)).expect("names");
            all.into_iter().map(|(_, path)| path.display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(&[], None), ["r/figures/queue.svg", "r/figures/queue.png"]);
        assert_eq!(names(&[Format::Pdf], Some("out")), ["out/queue.pdf"]);
        assert_eq!(names(&[], Some("out/fig1.PDF")), ["out/fig1.PDF"]);
        assert_eq!(names(&[Format::Pdf, Format::Svg], Some("fig1.v2.pdf")), ["fig1.v2.pdf", "fig1.v2.svg"]);
    }
}
