//! `report.html`: one page with everything a reader needs, and nothing from elsewhere.
//!
//! The page holds no times and no machine, so that the same run gives the same page anywhere; those
//! are in the manifest.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use base64::Engine as _;

use super::Report;
use super::error::ReportError;
use super::files::Results;
use super::manifest::Manifest;
use super::study::Study;
use super::table::{self, Check, CheckVerdict};

/// A drawing larger than this goes in as pixels, which then are smaller.
const MAX_SVG: u64 = 500 * 1024;

/// Rows of the table of checks before those that passed are left to the file.
const MAX_CHECKS: usize = 200;

const STYLE: &str = include_str!("page.css");

/// Writes the page.
pub fn write(
    results: &Results,
    manifest: &Manifest,
    report: &Report,
    checks: &[Check],
) -> Result<(), ReportError> {
    let study = &results.study;
    let mut page = String::new();
    let title = escape(&study.title);
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1 dir=\"auto\">{title}</h1>\n"
    );
    for paragraph in preface(&study.scenario) {
        let _ = writeln!(page, "<p>{}</p>", escape(&paragraph));
    }
    if let Some(expect) = &study.expect {
        let _ = writeln!(page, "<p class=\"question\"><b>What one should see.</b> {}</p>", escape(expect));
    }
    let changes: Vec<String> = study.changes().map(|(key, value)| format!("{key} = {value}")).collect();
    if !changes.is_empty() {
        let _ = writeln!(
            page,
            "<p class=\"warning\">This run departs from the scenario file: <code>{}</code>.</p>",
            escape(&changes.join(", "))
        );
    }
    if !report.lateness.is_empty() {
        page.push_str("<h2>How late real time was</h2>\n");
        for sentence in &report.lateness {
            let _ = writeln!(page, "<p>{}</p>", escape(sentence));
        }
    }
    page.push_str("<h2>What came out</h2>\n");
    for sentence in &report.verdict {
        let _ = writeln!(page, "<p>{}</p>", escape(sentence));
    }
    if study.cells() > 1 && study.trials as usize >= super::paired::LEAST_PAIRS {
        page.push_str(
            "<p>What the sentences say was tested over pairs of trials, which met the same chances: Student's t \
             of the logarithms of their ratios, or of their differences where one is zero; 95&nbsp;% intervals \
             stand in brackets.</p>\n",
        );
    }
    for warning in &report.warnings {
        let _ = writeln!(page, "<p class=\"warning\">{}</p>", escape(&warning.to_string()));
    }
    page.push_str("<h2>The figures</h2>\n");
    summary_table(&mut page, study, report);
    let warmup = if study.warmup.is_zero() {
        String::new()
    } else {
        format!(" The first {} of each trial are warm-up and left out.", study.warmup)
    };
    let percentiles = if study.chat && study.trials > 1 {
        " A percentile in the table is the mean of each trial's own; the pictures of latency have the deliveries \
         of all trials together, whose percentiles differ from it."
    } else {
        ""
    };
    let _ = writeln!(
        page,
        "<p>Means over trials ± half the 95&nbsp;% interval (Student's t). Each trial lasts {} of {} time.{} \
         Goodput is that of {}, a group's that of its own flows; retransmits and timeouts are of all flows in both \
         directions; the slowest link is as busy as its busier direction.{percentiles} A dash stands for a figure that does not exist. All figures: <code>summary.csv</code>.</p>",
        study.duration,
        if study.live { "real" } else { "virtual" },
        warmup,
        escape(&table::place(&results.measured)),
    );
    if !report.pictures.is_empty() {
        page.push_str("<h2>The pictures</h2>\n");
    }
    for picture in &report.pictures {
        figure(&mut page, &results.dir, picture)?;
    }
    check_table(&mut page, study, report, checks);
    repeat(&mut page, manifest);
    page.push_str("</main>\n</body>\n</html>\n");
    super::disk::replace(&results.dir.join("report.html"), page.as_bytes())
}

/// What the author wrote above the first key of the scenario, in paragraphs: mostly the question.
fn preface(scenario: &str) -> Vec<String> {
    let comment = scenario.lines().map(str::trim).take_while(|line| line.starts_with('#'));
    let words: Vec<&str> = comment.map(|line| line.trim_start_matches('#').trim()).collect();
    let paragraphs = words.split(|line| line.is_empty()).map(|lines| lines.join(" "));
    // An editor's schema line is not for readers.
    paragraphs.filter(|text| !text.is_empty() && !text.starts_with(":schema")).collect()
}

/// The text with everything that HTML would take for its own made harmless.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

fn summary_table(page: &mut String, study: &Study, report: &Report) {
    let columns = table::shown(&report.cells);
    let names = study.axes.len();
    let headings = ["cell".to_owned()].into_iter().chain(study.headings()).chain(["trials".to_owned()]);
    let headings = headings.map(|heading| (heading, ""));
    let figures = columns.iter().map(|column| (column.heading.clone(), column.unit));
    open_table(page, "Figures of each cell", names + 1, headings.chain(figures));
    let ordered = study.ordered_cells().into_iter().map(|cell| &report.cells[cell]);
    for cell in ordered.filter(|cell| cell.n > 0) {
        let figures = columns.iter().map(|column| table::estimate(cell, column));
        let fields = [study.cell_name(cell.cell)]
            .into_iter()
            .chain(study.axes.iter().zip(&cell.values).map(|(axis, value)| axis.short(value)))
            .chain([cell.n.to_string()])
            .chain(figures);
        row(page, names + 1, fields);
    }
    page.push_str(END_OF_TABLE);
}

const END_OF_TABLE: &str = "</tbody>\n</table></div>\n";

/// A table up to its first row, given the headings and their units; the first `names` columns are text, the
/// others numbers.
fn open_table(
    page: &mut String,
    label: &str,
    names: usize,
    headings: impl Iterator<Item = (String, &'static str)>,
) {
    // Those who scroll with the keyboard must be able to reach it.
    let _ = write!(
        page,
        "<div class=\"scroll\" role=\"region\" aria-label=\"{label}\" tabindex=\"0\"><table>\n<thead><tr>"
    );
    for (n, (heading, unit)) in headings.enumerate() {
        let class = if n < names { " class=\"name\"" } else { "" };
        let unit = if unit.is_empty() { String::new() } else { format!("<br>{}", escape(unit)) };
        let _ = write!(page, "<th scope=\"col\"{class}>{}{unit}</th>", escape(&heading));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
}

/// One row, which its first field names; the first `names` fields are text, the others numbers.
fn row(page: &mut String, names: usize, fields: impl Iterator<Item = String>) {
    page.push_str("<tr>");
    for (n, field) in fields.enumerate() {
        // A narrow column breaks before the sign.
        let text = escape(&field).replace("± ", "±&nbsp;");
        let _ = match n {
            0 => write!(page, "<th scope=\"row\" class=\"name\">{text}</th>"),
            _ if n < names => write!(page, "<td class=\"name\">{text}</td>"),
            _ => write!(page, "<td>{text}</td>"),
        };
    }
    page.push_str("</tr>\n");
}

fn figure(page: &mut String, dir: &Path, picture: &Path) -> Result<(), ReportError> {
    let path = dir.join(picture);
    page.push_str("<figure class=\"scroll\">\n");
    let size = path.metadata().map_err(ReportError::io("read", &path))?.len();
    let is_svg = path.extension().is_some_and(|kind| kind == "svg");
    let svg = if is_svg {
        fs::read_to_string(&path).map_err(ReportError::io("read", &path))?
    } else {
        String::new()
    };
    if is_svg && size <= MAX_SVG {
        page.push_str(&svg);
    } else {
        let path = path.with_extension("png");
        let png = fs::read(&path).map_err(ReportError::io("read", &path))?;
        let name = escape(&picture.file_stem().unwrap_or_default().to_string_lossy());
        let title = svg.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
        let data = base64::engine::general_purpose::STANDARD.encode(png);
        let alt = title.map_or(name.as_str(), |(title, _)| title);
        let _ = writeln!(page, "<img alt=\"{alt}\" src=\"data:image/png;base64,{data}\">");
    }
    page.push_str("</figure>\n");
    Ok(())
}

fn check_table(page: &mut String, study: &Study, report: &Report, checks: &[Check]) {
    if checks.is_empty() {
        return;
    }
    page.push_str("<h2>Did the network do what it was asked?</h2>\n");
    for line in &report.checks {
        let _ = writeln!(page, "<p>{}</p>", escape(line));
    }
    let all = checks.len() <= MAX_CHECKS;
    let shown: Vec<&Check> =
        checks.iter().filter(|check| all || check.verdict() == CheckVerdict::Fail).take(MAX_CHECKS).collect();
    if shown.is_empty() {
        return;
    }
    // What passed is proof for those who ask; a failure is for everyone.
    let failed = checks.iter().any(|check| check.verdict() == CheckVerdict::Fail);
    let open = if failed { " open" } else { "" };
    let _ = writeln!(page, "<details{open}><summary>Configured against realised, check by check</summary>");
    let headings = ["cell", "link", "direction", "quantity", "configured", "realised", "allowed", "verdict"];
    open_table(page, "Checks", 4, headings.map(|heading| (heading.to_owned(), "")).into_iter());
    for check in shown {
        let verdict = match check.verdict() {
            CheckVerdict::Pass => "pass",
            CheckVerdict::Fail => "<span class=\"fail\">fail</span>",
            CheckVerdict::TooFew => "too few",
        };
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\" class=\"name\">{}</th><td class=\"name\">{}</td><td class=\"name\">{}</td>\
             <td class=\"name\">{}</td><td>{}</td><td>{}</td><td>{} … {}</td><td>{verdict}</td></tr>",
            study.cell_name(check.cell),
            escape(&check.link),
            escape(&check.direction),
            escape(&check.quantity),
            table::plain(check.configured),
            table::of_check(check, check.realised),
            table::of_check(check, check.low),
            table::of_check(check, check.high),
        );
    }
    page.push_str(END_OF_TABLE);
    page.push_str("</details>\n");
    if !all {
        let _ = writeln!(page, "<p>All {} checks: <code>realised.csv</code>.</p>", checks.len());
    }
}

fn repeat(page: &mut String, manifest: &Manifest) {
    let study = &manifest.study;
    // Manifests of earlier versions do not have the file.
    let file = if manifest.file.is_empty() { format!("{}.toml", study.name) } else { manifest.file.clone() };
    let mut command =
        format!("{} run {file} --seed {} --trials {}", manifest.program(), study.seed, study.trials);
    for (key, value) in study.changes() {
        let _ = write!(command, " --set '{key}={value}'");
    }
    if study.live {
        command.push_str(" --live");
    }
    let promise = if study.live {
        "It ran in real time, so that another run gives other figures, and another machine may"
    } else {
        "The same scenario, seed and version give the same figures on any machine"
    };
    let _ = write!(
        page,
        "<h2>How to repeat it</h2>\n<pre>{}</pre>\n<p>testbed {}, results {}, seed {}, random numbers by {}. \
         {promise}; <code>manifest.json</code> has a checksum \
         of every file.</p>\n<p class=\"lead\">The scenario:</p>\n<pre>{}</pre>\n",
        escape(&command),
        escape(&manifest.made_by()),
        manifest.results,
        study.seed,
        escape(&manifest.generator),
        escape(&study.scenario),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{Model, fill, study};

    #[test]
    fn whatever_a_scenario_says_stays_text() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let evil = "<script>alert('x')</script>&\"";
        let mut study = study(&[(evil, &[evil, "2"])]);
        study.title = evil.to_owned();
        study.expect = Some(evil.to_owned());
        study.scenario = format!("# {evil}\n{evil}");
        study.overrides = vec![format!("{evil}={evil}"), "trials=1".to_owned(), "tcp.mss=500".to_owned()];
        study.trials = 1;
        fill(dir.path(), &study, |_, _| Model {
            seed: 1,
            congestion: "reno",
            loss: 0.01,
            flows: 1,
            chat: true,
            seconds: 3,
        });
        let report = crate::report::finish(dir.path(), "later", true).expect("finished");
        assert!(!report.pictures.is_empty());
        let page = fs::read_to_string(dir.path().join("report.html")).expect("a page");
        assert!(!page.contains("<script"));
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;"));
        assert!(page.contains("<pre>testbed run scenarios/sample.toml --seed 1 --trials 1 --set "), "{page}");
        assert!(page.contains(" --set &#39;tcp.mss=500&#39;</pre>"), "{page}");
        assert_eq!(page.matches("<svg").count() + page.matches("<img").count(), report.pictures.len());
    }

    #[test]
    fn no_column_is_lost_on_paper_and_no_heading_ends_a_page() {
        let rule = |selector: &str| {
            let at = STYLE.find(selector).unwrap_or_else(|| panic!("no rule for {selector}"));
            STYLE[at..].split('}').next().unwrap_or_default()
        };
        assert!(rule("h1, h2, summary, .lead {").contains("break-after: avoid"));
        assert!(rule("figure {").contains("break-inside: avoid"));
        let print = &STYLE[STYLE.find("@media print").expect("rules for paper")..];
        assert!(print.contains(".scroll { overflow: visible;"));
        // Headings and values may break into lines.
        assert!(!STYLE.contains("nowrap"));
        let mut page = String::new();
        row(&mut page, 1, ["0", "15242 ± 1075"].map(str::to_owned).into_iter());
        assert_eq!(page, "<tr><th scope=\"row\" class=\"name\">0</th><td>15242 ±&nbsp;1075</td></tr>\n");
    }

    #[test]
    fn a_picture_that_is_too_large_as_a_drawing_keeps_its_title() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let large = format!("<svg><title>a &amp; b</title>{}</svg>", " ".repeat(MAX_SVG as usize));
        fs::write(dir.path().join("x.svg"), large).expect("written");
        fs::write(dir.path().join("x.png"), "pixels").expect("written");
        let mut page = String::new();
        figure(&mut page, dir.path(), Path::new("x.svg")).expect("written");
        assert!(page.contains("<img alt=\"a &amp; b\" src=\"data:image/png;base64,"), "{page}");
    }
}
