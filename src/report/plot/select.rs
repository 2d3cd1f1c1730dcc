//! Selection of what a figure shows: cells, flows, a span of time, axes and columns.

use super::distribution::{Subject, subject};
use super::frame::Frame;
use super::named::NAMED;
use super::sources::MAX_PANELS;
use crate::report::error::ReportError;
use crate::scenario::PlotSpec;
use crate::tables::figures::{self, Figure};
use crate::tables::models::{MODELS, Model};
use crate::tables::results::Results;
use crate::tables::study::Study;
use crate::time::Duration;

/// Names in an error message at most.
const MAX_NAMES: usize = 12;

/// Panels of a slide, and of a sheet with a single column of them, which more make longer than a page.
const FEW_PANELS: usize = 4;

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
    /// Times of which distributions are drawn; all if there is none.
    pub times: Vec<&'static Subject>,
    pub models: Vec<&'static Model>,
    /// True if cells were chosen.
    pub chosen: bool,
}

/// Wish that cannot be met, with its mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    pub problem: String,
    pub help: String,
}

/// Key of a wish that cannot be met, and the error.
pub type Refusal = (&'static str, ReportError);

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
    /// Cells that have a panel each at most: as many as a slide holds, unless cells were chosen.
    pub fn most_cells(&self) -> usize {
        let few = (self.frame.is_slide() || self.frame.is_column()) && !self.chosen;
        if few { FEW_PANELS } else { MAX_PANELS }
    }

    /// The view that somebody asks for. The error names the key that asks in vain.
    pub fn of(spec: &PlotSpec, study: &Study) -> Result<View, Refusal> {
        let font = Frame::of(None, spec.font).map_err(|unfit| ("font", unfit.into()));
        let frame =
            font.and_then(|_| Frame::of(spec.width, spec.font).map_err(|unfit| ("width", unfit.into())))?;
        let axis = |key: &'static str, name: &Option<String>| {
            name.as_deref().map(|name| axis(study, name)).transpose().map_err(|error| (key, error))
        };
        let of_times = NAMED.iter().any(|named| named.name == spec.figure && named.is_of_times);
        let (times, y): (&[String], &[String]) = if of_times { (&spec.y, &[]) } else { (&[], &spec.y) };
        let unfit = |unfit: Unfit| ("y", ReportError::from(unfit));
        let late = if spec.from.is_some() { "from" } else { "to" };
        Ok(View {
            frame: Frame { titled: spec.title.as_deref() != Some(""), ..frame },
            span: span(spec, study).map_err(|unfit| (late, unfit.into()))?,
            flows: spec.flows.clone(),
            groups: spec.groups.clone(),
            x: axis("x", &spec.x)?,
            by: axis("by", &spec.by)?,
            y: y.iter().map(|name| column(study, name).map_err(unfit)).collect::<Result<_, _>>()?,
            times: times.iter().map(|name| subject(study, name).map_err(unfit)).collect::<Result<_, _>>()?,
            models: spec.model.iter().map(|name| model(name)).collect::<Result<_, _>>()?,
            chosen: !spec.cells.is_empty(),
        })
    }
}

fn span(spec: &PlotSpec, study: &Study) -> Result<Option<(f64, f64)>, Unfit> {
    if spec.from.is_none() && spec.to.is_none() {
        return Ok(None);
    }
    let end = study.duration;
    let (from, to) = (spec.from.unwrap_or(Duration::ZERO), spec.to.unwrap_or(end).min(end));
    if from >= to {
        let problem = format!("there is no time from {from} to {to}");
        return Err(Unfit::new(problem, format!("choose a span within the trial, 0s to {end}")));
    }
    Ok(Some((from.as_secs_f64(), to.as_secs_f64())))
}

/// The cells that are among the alternatives of each text.
pub fn chosen_cells(study: &Study, wishes: &[String]) -> Result<Vec<bool>, ReportError> {
    let mut all = vec![true; study.cells()];
    for wish in wishes {
        let mut chosen = vec![false; study.cells()];
        // `congestion=reno,cubic` names its axis once.
        let mut named = None;
        for alternative in split(wish).into_iter().map(str::trim) {
            let (axis, value) = match alternative.split_once('=') {
                Some((name, value)) => {
                    named = Some(axis(study, name.trim())?);
                    (named, value.trim())
                }
                None => (named.filter(|&axis| !is_cell(study, axis, alternative)), alternative),
            };
            match axis {
                Some(axis) => mark(study, axis, value, &mut chosen)?,
                None => chosen[number(study, value)?] = true,
            }
        }
        all.iter_mut().zip(chosen).for_each(|(all, chosen)| *all &= chosen);
    }
    if all.contains(&true) {
        return Ok(all);
    }
    let problem = format!("no cell is chosen by {}", wishes.join(" and "));
    Err(Unfit::new(problem, "conditions must all hold; alternatives stand between commas in one of them")
        .into())
}

/// Leaves the trials of the chosen cells only.
pub fn retain_cells(results: &mut Results, wishes: &[String]) -> Result<(), ReportError> {
    let chosen = chosen_cells(&results.study, wishes)?;
    let before = results.cells_with_trials();
    results.trials.retain_cells(|cell| chosen[cell]);
    if results.trials.is_empty() {
        let left: Vec<String> = before.iter().map(usize::to_string).collect();
        let problem = format!("no cell with a finished trial is chosen by {}", wishes.join(" and "));
        return Err(Unfit::new(problem, format!("there are cells {}", enumerated(&left))).into());
    }
    Ok(())
}

/// True if a text without an axis's name is the number of a cell, and no value of the axis named before it.
fn is_cell(study: &Study, axis: usize, text: &str) -> bool {
    let axis = &study.axes[axis];
    text.parse::<usize>().is_ok() && !axis.values.iter().any(|known| axis.goes_by(known, text))
}

/// The cell of this number.
fn number(study: &Study, text: &str) -> Result<usize, ReportError> {
    let number = text.parse().ok().filter(|number: &usize| *number < study.cells());
    number.ok_or_else(|| {
        let keys: Vec<&str> = study.axes.iter().map(|axis| axis.key.as_str()).collect();
        let axes =
            if keys.is_empty() { String::new() } else { format!("; or AXIS=VALUE of {}", keys.join(", ")) };
        let last = study.cells() - 1;
        let help = format!("cells have the numbers 0 to {last}{axes}");
        Unfit::new(format!("there is no cell {text}"), help).into()
    })
}

/// Marks the cells with a value of an axis.
fn mark(study: &Study, index: usize, value: &str, chosen: &mut [bool]) -> Result<(), ReportError> {
    let axis = &study.axes[index];
    let is = |known: &String| axis.goes_by(known, value);
    if !axis.values.iter().any(is) {
        let problem = format!("no cell has {} = {value}", axis.key);
        return Err(Unfit::new(problem, format!("its values are {}", enumerated(&axis.values))).into());
    }
    for (cell, chosen) in chosen.iter_mut().enumerate() {
        *chosen |= study.values(cell).get(index).is_some_and(|known| is(&(*known).to_owned()));
    }
    Ok(())
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
    let heading = || {
        let goes_by =
            |axis: &usize| [study.heading(*axis), study.ending(*axis)].iter().any(|known| known == name);
        (0..study.axes.len()).find(goes_by)
    };
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

fn model(name: &str) -> Result<&'static Model, Refusal> {
    MODELS.iter().find(|model| model.name == name).ok_or_else(|| {
        let names: Vec<&str> = MODELS.iter().map(|model| model.name).collect();
        let unfit =
            Unfit::new(format!("no model is called \"{name}\""), format!("there are {}", names.join(", ")));
        ("model", unfit.into())
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

    const BURSTS: &str = "{ model = \"gilbert-elliott\", p = \"1%\", r = \"50%\" }";

    fn results() -> Results {
        let study =
            study(&[("tcp.congestion", &["none", "reno"]), ("link.access.loss", &["0%", "1%", BURSTS])]);
        let trials = (0..6).map(|cell| ((cell, 1), Vec::new()));
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
        is(&["congestion=reno", "loss=0%,loss=1 %"], &[3, 4]);
        is(&[&format!("loss={BURSTS},0")], &[0, 2, 5]);
        is(&["loss=GE p=1% r=50%"], &[2, 5]);
        // An axis is named once for all its values.
        is(&["congestion=reno,none", "loss=0%,1 %"], &[0, 1, 3, 4]);
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
        says(&["congestion=reno,bbr"], "no cell has tcp.congestion = bbr; its values are none, reno");
        says(&["congestion=reno,9"], "there is no cell 9");
        says(&["delay=1ms"], "no axis is called \"delay\"; there are tcp.congestion, link.access.loss");
        says(
            &["0", "congestion=reno"],
            "no cell is chosen by 0 and congestion=reno; conditions must all hold",
        );
    }

    #[test]
    fn a_span_is_within_the_trial() {
        let span = |from, to| {
            let spec = PlotSpec { from, to, ..PlotSpec::default() };
            View::of(&spec, &study(&[])).map(|view| view.span).map_err(|(_, error)| error.to_string())
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
