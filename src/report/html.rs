//! `report.html`: one page with everything a reader needs, and nothing from elsewhere.
//!
//! The page holds no times and no machine, so that the same run gives the same page anywhere; those
//! are in the manifest.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::error::ReportError;
use super::manifest::Manifest;
use super::{Report, again, paths, preface};
use crate::facts::Measure;
use crate::tables::checks::{self, Check, CheckVerdict};
use crate::tables::figures::{self, Figure};
use crate::tables::results::Results;
use crate::tables::study::Study;
use crate::tables::{glued, table};

/// A drawing larger than this goes in as pixels, which then are smaller.
const MAX_SVG: u64 = 500 * 1024;

/// Rows of the table of checks before those that passed are left to the file.
const MAX_CHECKS: usize = 200;

const STYLE: &str = include_str!("page.css");

/// Writes the page.
pub fn write(results: &Results, manifest: &Manifest, report: &Report) -> Result<(), ReportError> {
    // The first figure is that of the paths.
    let numbered = report.pictures.iter().zip(1 + usize::from(results.study.topology.is_some())..);
    let pictures = numbered.map(|(picture, number)| figure(&results.path(""), picture, number));
    let pictures = pictures.collect::<Result<Vec<Markup>, ReportError>>()?;
    let page = page(results, manifest, report, &pictures);
    super::disk::replace(&results.path("report.html"), page.into_string().as_bytes())
}

fn page(results: &Results, manifest: &Manifest, report: &Report, pictures: &[Markup]) -> Markup {
    let study = &results.study;
    let changes: Vec<String> = study.changes().map(|(key, value)| format!("{key} = {value}")).collect();
    let tested = study.cells() > 1 && study.trials as usize >= crate::tables::paired::LEAST_PAIRS;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (study.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 dir="auto" { (study.title) }
                    (preface::of(&study.scenario))
                    @if let Some(expect) = &study.expect {
                        p.question { b { "What one should see." } " " (expect) }
                    }
                    @if !changes.is_empty() {
                        p.warning { "This run departs from the scenario file: " code { (changes.join(", ")) } "." }
                    }
                    @if !report.findings.lateness.is_empty() {
                        h2 { "How late real time was" }
                        @for sentence in &report.findings.lateness { p { (sentence) } }
                    }
                    @if let Some(topology) = &study.topology {
                        h2 { "The network" }
                        (paths::figure(topology, 1))
                    }
                    h2 { "What came out" }
                    @for sentence in &report.findings.verdict { p { (glued(sentence)) } }
                    @if tested {
                        p {
                            "What the sentences say was tested over pairs of trials, which met the same chances: \
                             Student's t of the logarithms of their ratios, or of their differences where one is \
                             zero; 95\u{a0}% intervals stand in brackets. A figure that stayed the same to within x\u{a0}% \
                             changed by at most x\u{a0}%: its whole interval lies within that bound."
                        }
                    }
                    @for warning in &report.findings.warnings { p.warning { (warning) } }
                    (claims(report))
                    h2 { "The figures" }
                    (summary_table(study, report))
                    p { (explanation(results, report)) " All figures: " code { "summary.csv" } "." }
                    (group_table(study, report))
                    @if !pictures.is_empty() { h2 { "The pictures" } }
                    @for picture in pictures { (picture) }
                    (check_table(results, report))
                    (again::change(manifest))
                    (again::repeat(manifest))
                }
            }
        }
    }
}

/// The sentences under the table of figures, on the columns that it has.
fn explanation(results: &Results, report: &Report) -> String {
    let study = &results.study;
    let columns = table::shown(&report.findings.cells);
    let has = |column: &str, of_group: bool| columns.iter().any(|shown| shown.is_of(column, of_group));
    let own = if has("goodput_mbit", true) { ", a group's that of its own flows" } else { "" };
    let mut parts = vec![format!("goodput is that of {}{own}", table::place(&results.measured))];
    parts.retain(|_| table::goodput_note(&columns, &results.measured).is_some());
    if has("retransmits", false) || has("timeouts", false) {
        parts.push("retransmits and timeouts are of all flows in both directions".to_owned());
    }
    if has("utilisation", false) {
        parts.push("the slowest link is as busy as its busier direction".to_owned());
    }
    let mut parts = parts.join("; ");
    if let Some(first) = parts.get_mut(..1) {
        first.make_ascii_uppercase();
        parts = format!(" {parts}.");
    }
    let warmup = if study.warmup.is_zero() {
        String::new()
    } else {
        format!(" The first {} of each trial are warm-up and left out.", study.warmup)
    };
    let percentiles = if study.measures(Measure::Latency) && study.trials > 1 {
        " A percentile in the table is the mean of each trial's own; the pictures of latency have the deliveries \
         of all trials together, whose percentiles differ from it."
    } else {
        ""
    };
    format!(
        "Means over trials ± half the 95\u{a0}% interval (Student's t). Each trial lasts {} of {} time.{warmup}{parts}\
         {percentiles} A dash stands for a figure that does not exist.",
        study.duration,
        if study.live { "real" } else { "virtual" },
    )
}

fn summary_table(study: &Study, report: &Report) -> Markup {
    let columns = table::shown(&report.findings.cells);
    let headings = ["cell".to_owned()].into_iter().chain(study.headings()).chain(["trials".to_owned()]);
    let headings = headings.map(|heading| (heading, ""));
    let headings = headings.chain(columns.iter().map(|column| (column.heading.clone(), column.unit)));
    let cells =
        study.ordered_cells().into_iter().map(|cell| &report.findings.cells[cell]).filter(|cell| cell.n > 0);
    let rows = cells.map(|cell| {
        let values = study.axes.iter().zip(&cell.values).map(|(axis, value)| axis.short(value));
        let figures = columns.iter().map(|column| table::estimate(cell, column));
        [study.cell_name(cell.cell)]
            .into_iter()
            .chain(values)
            .chain([cell.n.to_string()])
            .chain(figures)
            .collect()
    });
    table_of(
        "Figures of each cell",
        study.axes.len() + 1,
        &headings.collect::<Vec<_>>(),
        &rows.collect::<Vec<_>>(),
    )
}

/// Claims of the author, each with its judgement.
fn claims(report: &Report) -> Markup {
    html! {
        @if !report.findings.claims.is_empty() {
            h2 { "Do the claims hold?" }
            @for claim in &report.findings.claims {
                p.warning[claim.is_refuted()] { (glued(&claim.text)) }
            }
        }
    }
}

/// Figures of each group of clients, where there are several.
fn group_table(study: &Study, report: &Report) -> Markup {
    let exists = |figure: &&Figure| {
        let groups = report.findings.cells.iter().flat_map(|cell| &cell.groups);
        figure.heading.is_some() && groups.into_iter().any(|group| group.mean(figure.column).is_some())
    };
    let figures: Vec<&Figure> = figures::of_groups(study).filter(exists).collect();
    if figures.is_empty() {
        return Markup::default();
    }
    let heads =
        figures.iter().filter_map(|figure| figure.heading).map(|head| (head.text.to_owned(), head.unit));
    let names = ["cell".to_owned()].into_iter().chain(study.headings()).chain(["group".to_owned()]);
    let headings: Vec<_> = names.map(|heading| (heading, "")).chain(heads).collect();
    let cells =
        study.ordered_cells().into_iter().map(|cell| &report.findings.cells[cell]).filter(|cell| cell.n > 0);
    let rows =
        cells.flat_map(|cell| cell.groups.iter().map(move |group| (cell, group))).map(|(cell, group)| {
            let values = study.axes.iter().zip(&cell.values).map(|(axis, value)| axis.short(value));
            let means = figures.iter().map(|figure| table::mean_of(group.get(figure.column), figure));
            let names = [study.cell_name(cell.cell)].into_iter().chain(values).chain([group.group.clone()]);
            names.chain(means).collect()
        });
    html! {
        h2 { "The groups" }
        (table_of("Figures of each group", study.axes.len() + 2, &headings, &rows.collect::<Vec<_>>()))
        p {
            "Each group's figures are summed or pooled over its clients in each trial: " code { "groups.csv" } " has \
             them by trial."
        }
    }
}

/// A table of headings with their units, and rows that their first fields name; the first `names` columns
/// are text, the others numbers.
fn table_of(label: &str, names: usize, headings: &[(String, &'static str)], rows: &[Vec<String>]) -> Markup {
    let class = |n: usize| (n < names).then_some("name");
    html! {
        // Readers who scroll with the keyboard must be able to reach it.
        div.scroll role="region" aria-label=(label) tabindex="0" {
            table {
                thead {
                    tr {
                        @for (n, (heading, unit)) in headings.iter().enumerate() {
                            th scope="col" class=[class(n)] { (heading) @if !unit.is_empty() { br; (unit) } }
                        }
                    }
                }
                tbody {
                    @for row in rows {
                        tr {
                            @for (n, field) in row.iter().enumerate() {
                                @if n == 0 {
                                    th.name scope="row" { (field) }
                                } @else if field == FAIL {
                                    td { span.fail { (field) } }
                                } @else {
                                    // A narrow column breaks before the sign.
                                    td class=[class(n)] { (field.replace("± ", "±\u{a0}")) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A picture with its number, and with its words where these stand not in it.
fn figure(dir: &Path, picture: &Path, number: usize) -> Result<Markup, ReportError> {
    let path = dir.join(picture);
    let size = path.metadata().map_err(ReportError::io("read", &path))?.len();
    let is_svg = path.extension().is_some_and(|kind| kind == "svg");
    let svg = if is_svg {
        fs::read_to_string(&path).map_err(ReportError::io("read", &path))?
    } else {
        String::new()
    };
    let name = picture.file_stem().unwrap_or_default().to_string_lossy();
    // Texts in a drawing are markup.
    let within = |element: &str| {
        let (_, rest) = svg.split_once(&format!("<{element}>"))?;
        Some(PreEscaped(rest.split_once(&format!("</{element}>"))?.0.to_owned()))
    };
    let title = within("title").unwrap_or_else(|| html! { (name) });
    // A size in centimetres stays.
    let width = svg.split_once("width=\"").and_then(|(_, rest)| rest.split_once('"')).map(|(width, _)| width);
    let width = width.filter(|width| width.ends_with("cm"));
    let class = if width.is_some() { "scroll sized" } else { "scroll" };
    let caption = html! {
        figcaption {
            b { "Figure " (number) "." } " " (title)
            @if let Some(words) = within("desc").filter(|words| !words.0.is_empty()) { ": " (words) }
            @if let Some(words) = super::plot::reading(&name) { ". " (words) }
        }
    };
    if is_svg && size <= MAX_SVG {
        return Ok(html! { figure class=(class) { (PreEscaped(svg)) (caption) } });
    }
    let path = path.with_extension("png");
    let png = fs::read(&path).map_err(ReportError::io("read", &path))?;
    let data = format!("data:image/png;base64,{}", base64::engine::general_purpose::STANDARD.encode(png));
    let style = width.map(|width| format!("width: {width}"));
    Ok(html! { figure class=(class) { img alt=(title) src=(data) style=[style]; (caption) } })
}

fn check_table(results: &Results, report: &Report) -> Markup {
    let (study, checks) = (&results.study, &results.checks);
    if checks.is_empty() {
        return Markup::default();
    }
    let all = checks.len() <= MAX_CHECKS;
    let shown = checks.iter().filter(|check| all || check.verdict() == CheckVerdict::Fail).take(MAX_CHECKS);
    let rows: Vec<Vec<String>> = shown.map(|check| fields(study, check)).collect();
    // Passed checks are proof for those who ask; a failure is for everyone.
    let failed = checks.iter().any(|check| check.verdict() == CheckVerdict::Fail);
    let headings = ["cell", "link", "direction", "quantity", "configured", "realised", "allowed", "verdict"];
    html! {
        h2 { "Did the network do what it was asked?" }
        @for line in &report.findings.checks { p { (line) } }
        @if !rows.is_empty() {
            details open[failed] {
                summary { "Configured against realised, check by check" }
                (table_of("Checks", 4, &headings.map(|heading| (heading.to_owned(), "")), &rows))
            }
            @if !all { p { "All " (checks.len()) " checks: " code { "realised.csv" } "." } }
        }
    }
}

const FAIL: &str = "fail";

fn fields(study: &Study, check: &Check) -> Vec<String> {
    let verdict = match check.verdict() {
        CheckVerdict::Pass => "pass",
        CheckVerdict::Fail => FAIL,
        CheckVerdict::TooFew => "too few",
    };
    vec![
        study.cell_name(check.cell),
        check.link.clone(),
        check.direction.clone(),
        check.quantity.clone(),
        table::plain(check.configured),
        checks::of_check(check, check.realised),
        format!("{} … {}", checks::of_check(check, check.low), checks::of_check(check, check.high)),
        verdict.to_owned(),
    ]
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
        assert!(page.contains("&lt;script&gt;alert('x')&lt;/script&gt;&amp;&quot;"));
        assert!(page.contains("<pre>testbed run scenarios/sample.toml --seed 1 --trials 1 --set "), "{page}");
        assert!(page.contains(" --set tcp.mss=500</pre>"), "{page}");
        let scenario = format!("# {evil}\n{evil}");
        let scenario = base64::engine::general_purpose::STANDARD.encode(scenario);
        assert!(
            page.contains(&format!("download=\"sample.toml\" href=\"data:text/plain;base64,{scenario}\""))
        );
        assert!(page.contains("<pre>testbed page sample.toml --set "), "{page}");
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
        let page = table_of("x", 1, &[], &[["0", "15242 ± 1075"].map(str::to_owned).to_vec()]).into_string();
        let row = "<tr><th class=\"name\" scope=\"row\">0</th><td>15242 ±\u{a0}1075</td></tr>";
        assert!(page.contains(row), "{page}");
    }

    #[test]
    fn a_picture_that_is_too_large_as_a_drawing_keeps_its_title() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let large = format!("<svg><title>a &amp; b</title>{}</svg>", " ".repeat(MAX_SVG as usize));
        fs::write(dir.path().join("x.svg"), large).expect("written");
        fs::write(dir.path().join("x.png"), "pixels").expect("written");
        let page = figure(dir.path(), Path::new("x.svg"), 1).expect("written").into_string();
        assert!(page.contains("<img alt=\"a &amp; b\" src=\"data:image/png;base64,"), "{page}");
    }
}
