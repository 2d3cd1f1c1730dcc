//! Selection of what a figure shows: cells, flows, a span of time, axes and columns.

use super::frame::Frame;
use crate::report::error::ReportError;
use crate::tables::Axis;
use crate::tables::figures::{self, Figure};
use crate::tables::results::Results;
use crate::tables::study::Study;
use crate::time::Duration;

/// Names in an error message at most.
const MAX_NAMES: usize = 12;

/// Request for a figure, in the words of the command line.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The figure's name.
    pub figure: String,
    /// Alternatives of cells, each a number or `AXIS=VALUE`, separated by commas; a cell must be among those of
    /// each text. All cells if there is none.
    pub cells: Vec<String>,
    /// Names of flows; all if there is none.
    pub flows: Vec<String>,
    /// Groups of flows; all if there is none.
    pub groups: Vec<String>,
    /// Beginning and end of the span of time.
    pub from: Option<Duration>,
    /// The end of it.
    pub to: Option<Duration>,
    /// Axis below a sweep.
    pub x: Option<String>,
    /// Columns beside a sweep.
    pub y: Vec<String>,
    /// Axis whose values are told apart.
    pub by: Option<String>,
    /// Width in centimetres.
    pub cm: Option<f64>,
    /// Font size in points.
    pub pt: Option<f64>,
    /// True to leave the heading out.
    pub untitled: bool,
}

/// Part of the results that a figure shows, and its sheet.
#[derive(Clone, Debug, Default)]
pub struct View {
    pub frame: Frame,
    /// From, to, in seconds.
    pub span: Option<(f64, f64)>,
    pub flows: Vec<String>,
    pub groups: Vec<String>,
    /// Indices of axes.
    pub x: Option<usize>,
    pub by: Option<usize>,
    pub y: Vec<&'static Figure>,
    /// True if cells were chosen.
    pub chosen: bool,
}

/// Wish that cannot be met, with its mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    pub problem: String,
    pub help: String,
}

impl From<Unfit> for ReportError {
    fn from(Unfit { problem, help }: Unfit) -> ReportError {
        ReportError::Unfit { problem, help }
    }
}

impl Unfit {
    pub fn new(problem: impl Into<String>, help: impl Into<String>) -> Unfit {
        Unfit { problem: problem.into(), help: help.into() }
    }
}

impl View {
    /// The view that a request asks for.
    pub fn of(request: &Request, study: &Study) -> Result<View, ReportError> {
        let frame = Frame { titled: !request.untitled, ..Frame::of(request.cm, request.pt)? };
        let axis = |name: &Option<String>| name.as_deref().map(|name| axis(study, name)).transpose();
        let column = |name: &String| column(study, name);
        Ok(View {
            frame,
            span: span(request, study)?,
            flows: request.flows.clone(),
            groups: request.groups.clone(),
            x: axis(&request.x)?,
            by: axis(&request.by)?,
            y: request.y.iter().map(column).collect::<Result<_, _>>()?,
            chosen: !request.cells.is_empty(),
        })
    }
}

fn span(request: &Request, study: &Study) -> Result<Option<(f64, f64)>, Unfit> {
    if request.from.is_none() && request.to.is_none() {
        return Ok(None);
    }
    let end = study.duration;
    let (from, to) = (request.from.unwrap_or(Duration::ZERO), request.to.unwrap_or(end).min(end));
    if from >= to {
        let problem = format!("there is no time from {from} to {to}");
        return Err(Unfit::new(problem, format!("choose a span within the trial, 0s to {end}")));
    }
    Ok(Some((from.as_secs_f64(), to.as_secs_f64())))
}

/// Leaves the trials of the chosen cells only.
pub fn retain_cells(results: &mut Results, wishes: &[String]) -> Result<(), ReportError> {
    for wish in wishes {
        let alternatives = split(wish);
        let mut chosen = vec![false; results.study.cells()];
        for alternative in alternatives {
            mark(results, alternative.trim(), &mut chosen)?;
        }
        let before = results.cells_with_trials();
        results.trials.retain(|trial| chosen[trial.cell]);
        if results.trials.is_empty() {
            let left: Vec<String> = before.iter().map(usize::to_string).collect();
            let problem = format!("no cell with a finished trial is chosen by --cells {wish}");
            return Err(Unfit::new(problem, format!("there are cells {}", enumerated(&left))).into());
        }
    }
    Ok(())
}

/// Marks the cells of one alternative.
fn mark(results: &Results, wish: &str, chosen: &mut [bool]) -> Result<(), ReportError> {
    let study = &results.study;
    let Some((name, value)) = wish.split_once('=') else {
        let number = wish.parse().ok().filter(|number: &usize| *number < chosen.len());
        let number = number.ok_or_else(|| {
            let keys: Vec<&str> = study.axes.iter().map(|axis| axis.key.as_str()).collect();
            let axes = if keys.is_empty() {
                String::new()
            } else {
                format!("; or AXIS=VALUE of {}", keys.join(", "))
            };
            let last = chosen.len() - 1;
            Unfit::new(
                format!("there is no cell {wish}"),
                format!("cells have the numbers 0 to {last}{axes}"),
            )
        })?;
        chosen[number] = true;
        return Ok(());
    };
    let index = axis(study, name.trim())?;
    let axis = &study.axes[index];
    let is = |known: &String| same_value(axis, known, value.trim());
    if !axis.values.iter().any(is) {
        let problem = format!("no cell has {} = {}", axis.key, value.trim());
        return Err(Unfit::new(problem, format!("its values are {}", enumerated(&axis.values))).into());
    }
    for (cell, chosen) in chosen.iter_mut().enumerate() {
        *chosen |= study.values(cell).get(index).is_some_and(|known| is(&(*known).to_owned()));
    }
    Ok(())
}

/// True if this is how a value is written, here or in pictures.
fn same_value(axis: &Axis, known: &str, written: &str) -> bool {
    known == written || known.trim_matches('"') == written || axis.short(known) == written
}

/// The parts between commas that are in no braces.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    text.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth <= 0
    })
    .collect()
}

/// The axis of this key, or of a word that only one has.
fn axis(study: &Study, name: &str) -> Result<usize, ReportError> {
    let keys = || study.axes.iter().map(|axis| axis.key.as_str());
    let heading = || study.headings().position(|heading| heading == name);
    let ends = |key: &str| key.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
    let by_end = || Some(keys().position(ends)?).filter(|_| keys().filter(|key| ends(key)).count() == 1);
    keys().position(|key| key == name).or_else(heading).or_else(by_end).ok_or_else(|| ReportError::NoAxis {
        key: name.to_owned(),
        known: keys().map(str::to_owned).collect(),
    })
}

fn column(study: &Study, name: &str) -> Result<&'static Figure, Unfit> {
    let known = || figures::summarised(study);
    known().find(|figure| figure.column == name).ok_or_else(|| {
        let names: Vec<&str> = known().map(|figure| figure.column).collect();
        Unfit::new(
            format!("these results have no figure \"{name}\""),
            format!("there are {}", names.join(", ")),
        )
    })
}

/// Names in a row, the first of many.
pub fn enumerated(names: &[String]) -> String {
    let shown = names[..names.len().min(MAX_NAMES)].join(", ");
    match names.len().saturating_sub(MAX_NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::study;
    use crate::tables::results::Trial;

    const BURSTS: &str = "{ model = \"gilbert-elliott\", p = \"1%\", r = \"50%\" }";

    fn results() -> Results {
        let study =
            study(&[("tcp.congestion", &["none", "reno"]), ("link.access.loss", &["0%", "1%", BURSTS])]);
        let trials = (0..6).map(|cell| Trial { cell, number: 1, figures: Vec::new() }).collect();
        Results::of_trials(study, trials, Vec::new())
    }

    fn chosen(wishes: &[&str]) -> Result<Vec<usize>, String> {
        let mut results = results();
        let wishes: Vec<String> = wishes.iter().map(|&wish| wish.to_owned()).collect();
        match retain_cells(&mut results, &wishes) {
            Ok(()) => Ok(results.cells_with_trials()),
            Err(error) => Err(format!("{error}; {}", error.help())),
        }
    }

    #[test]
    fn cells_are_chosen_by_number_and_by_value() {
        let is =
            |wishes: &[&str], cells: &[usize]| assert_eq!(chosen(wishes), Ok(cells.to_vec()), "{wishes:?}");
        is(&[], &[0, 1, 2, 3, 4, 5]);
        is(&["0,4"], &[0, 4]);
        is(&["1, tcp.congestion=reno"], &[1, 3, 4, 5]);
        // Several texts must all hold; a word stands for an axis that alone has it.
        is(&["congestion=reno", "loss=0%,loss=1%"], &[3, 4]);
        is(&[&format!("loss={BURSTS},0")], &[0, 2, 5]);
        is(&["loss=GE p=1% r=50%"], &[2, 5]);
    }

    #[test]
    fn a_selection_that_chooses_nothing_names_what_there_is() {
        let says = |wishes: &[&str], words: &str| {
            let error = chosen(wishes).expect_err("nothing is chosen");
            assert!(error.contains(words), "{wishes:?}: {error}");
        };
        says(
            &["6"],
            "there is no cell 6; cells have the numbers 0 to 5; or AXIS=VALUE of tcp.congestion, link",
        );
        says(&["x"], "there is no cell x");
        says(&["tcp.congestion=bbr"], "no cell has tcp.congestion = bbr; its values are none, reno");
        says(&["delay=1ms"], "no axis is called \"delay\"; there are tcp.congestion, link.access.loss");
        says(&["0", "congestion=reno"], "no cell with a finished trial is chosen by --cells congestion=reno");
    }

    #[test]
    fn a_span_is_within_the_trial() {
        let span = |from, to| {
            let request = Request { from, to, ..Request::default() };
            View::of(&request, &study(&[])).map(|view| view.span).map_err(|error| error.to_string())
        };
        let s = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(span(None, None), Ok(None));
        assert_eq!(span(s(5), None), Ok(Some((5.0, 30.0))));
        assert_eq!(span(None, s(90)), Ok(Some((0.0, 30.0))));
        for (from, to) in [(s(5), s(5)), (s(9), s(5)), (s(30), None)] {
            assert!(span(from, to).is_err_and(|error| error.contains("there is no time from")), "{from:?}");
        }
    }
}
