//! `[[plot]]`: a figure that a run draws beside those of the page. The same keys are the options of `testbed plot`.
//!
//! Forms of values are checked here; names of figures, columns and flows are known to whoever draws: see
//! [`Plan::refuse_plots`].

use super::Plan;
use super::check::check;
use super::describe::described;
use super::files::Files;
use super::form::{Each, Form, Line, Maybe, Words};
use super::kind::Kind;
use super::leaf::{self, Fault};
use super::paper::{LENGTHS, Paper, SIZES};
use super::problem::{Place, Problem, ScenarioError};
use super::quantity::Span;
use super::reader::Reader;
use super::tree::{Entry, Node, Value};
use super::visit::{Visitor, required};
use crate::time::Duration;

/// A figure with what it shows and its looks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlotSpec {
    /// The figure's name.
    pub figure: String,
    /// Alternatives of cells, each a number or `AXIS=VALUE`, separated by commas; a cell must be among those of
    /// each text. All cells if there is none.
    pub cells: Vec<String>,
    /// Names of flows; all if there is none.
    pub flows: Vec<String>,
    /// Groups of flows; all if there is none.
    pub groups: Vec<String>,
    /// Beginning of the span of time.
    pub from: Option<Duration>,
    /// The end of it.
    pub to: Option<Duration>,
    /// Axis below a sweep.
    pub x: Option<String>,
    /// Columns beside a sweep.
    pub y: Vec<String>,
    /// Axis whose values are told apart.
    pub by: Option<String>,
    /// Models whose curves a sweep has.
    pub model: Vec<String>,
    /// Width in centimetres.
    pub width: Option<f64>,
    /// Font size in points.
    pub font: Option<f64>,
    /// Formats of the files; svg and png if there is none.
    pub format: Vec<PictureFormat>,
    /// Heading in place of the figure's own; empty for none.
    pub title: Option<String>,
}

/// Format of a figure's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureFormat {
    /// Vector graphics, text as text.
    Svg,
    /// Pixels, 300 to the inch where a size is asked for.
    Png,
    /// Vector graphics, text as outlines.
    Pdf,
}

const FORMATS: &[(&str, PictureFormat)] =
    &[("svg", PictureFormat::Svg), ("png", PictureFormat::Png), ("pdf", PictureFormat::Pdf)];

impl PictureFormat {
    /// Those of these endings of files.
    pub fn of_ending(ending: &str) -> Option<PictureFormat> {
        FORMATS.iter().find(|(name, _)| *name == ending).map(|(_, format)| *format)
    }

    /// Ending of a file's name.
    pub fn ending(self) -> &'static str {
        FORMATS.iter().find(|(_, format)| *format == self).map_or("", |(name, _)| name)
    }
}

/// A key of `[[plot]]` as an option of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlotOption {
    /// Its name.
    pub name: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// Placeholder of a value.
    pub value: &'static str,
    /// True if it takes several values.
    pub many: bool,
    /// True if these may stand between commas.
    pub commas: bool,
}

impl PlotSpec {
    /// One `[[plot]]`.
    pub(super) fn read<V: Visitor>(v: &mut V, _: Place) -> PlotSpec {
        let mut spec = PlotSpec::default();
        spec.keys(v);
        spec
    }

    fn keys(&mut self, v: &mut impl Visitor) {
        let figure = "figure to draw; `testbed list pictures` names all";
        v.key(required("figure"), &mut self.figure, Line, figure);
        let cells = "cells to show: numbers, or texts AXIS=VALUE with alternatives between commas, which must all hold";
        v.key("cells", &mut self.cells, Cells, cells);
        v.key("flows", &mut self.flows, Each(Line), "flows to show, by name");
        v.key("groups", &mut self.groups, Each(Line), "groups of clients to show");
        v.key("from", &mut self.from, Maybe(Span), "begin of the time to show");
        v.key("to", &mut self.to, Maybe(Span), "end of the time to show");
        v.key("x", &mut self.x, Maybe(Line), "axis of the sweep along the axis of x");
        let y = "columns to show (`testbed list figures`), or times of a distribution";
        v.key("y", &mut self.y, Each(Line), y);
        v.key("by", &mut self.by, Maybe(Line), "axis whose values are lines of their own");
        let model = "models of goodput to draw as curves: mathis, padhye, cubic";
        v.key("model", &mut self.model, Each(Line), model);
        v.key(
            "width",
            &mut self.width,
            Maybe(Paper(LENGTHS)),
            "width in cm, mm or in; without it as on the page",
        );
        v.key("font", &mut self.font, Maybe(Paper(SIZES)), "font size of labels, 8pt if not given");
        let format = "formats of its files; svg and png if not given";
        v.key("format", &mut self.format, Each(Words(FORMATS)), format);
        v.key("title", &mut self.title, Maybe(Line), "heading in place of the figure's own; empty for none");
    }

    /// The keys as options.
    pub fn options() -> Vec<PlotOption> {
        let option = |key: &super::kind::Key| PlotOption {
            name: key.name,
            doc: key.doc,
            value: match &key.kind {
                Kind::Duration => "TIME",
                Kind::Paper(_) => "SIZE",
                Kind::List(_) => "LIST",
                _ => "TEXT",
            },
            many: matches!(key.kind, Kind::List(_)),
            commas: matches!(&key.kind, Kind::List(items) if **items != Kind::Cell),
        };
        described(|v| PlotSpec::default().keys(v)).keys().into_iter().map(option).collect()
    }

    /// The figure that options of the command line ask for, each with its values. The error names the option and the
    /// mend.
    pub fn of_options(given: &[(&'static str, Vec<String>)]) -> Result<PlotSpec, [String; 2]> {
        let kind = described(|v| PlotSpec::default().keys(v));
        let place = Place::default();
        let text = |text: &String| Node { place, value: Value::Text(text.clone()) };
        let mut entries = Vec::new();
        for (name, values) in given {
            let Some(key) = kind.key(name) else { continue };
            let node = match (&key.kind, values.last()) {
                (Kind::List(_), _) => Node { place, value: Value::Array(values.iter().map(text).collect()) },
                (_, Some(last)) => text(last),
                (_, None) => continue,
            };
            let mut problems = Vec::new();
            check(&node, &key.kind, &format!("--{name}"), place, &mut problems);
            if let Some(problem) = problems.into_iter().next() {
                return Err([problem.message, problem.help]);
            }
            entries.push(Entry { key: (*name).to_owned(), place, node });
        }
        let root = Node { place, value: Value::Table(entries) };
        let mut spec = PlotSpec::default();
        spec.keys(&mut Reader::new(&root, &Files::default(), &mut vec![]));
        Ok(spec)
    }
}

/// The figures that the text of a sound scenario asks for, in its order; neither `--set` nor an axis changes them.
pub fn plots(text: &str) -> Vec<PlotSpec> {
    Node::parse_file(text).map_or_else(|_| vec![], |tree| listed(&tree))
}

/// The `[[plot]]` tables of a file.
pub(super) fn listed(tree: &Node) -> Vec<PlotSpec> {
    let read = |node: &Node| {
        let mut spec = PlotSpec::default();
        spec.keys(&mut Reader::new(node, &Files::default(), &mut vec![]));
        spec
    };
    tree.get("plot").map_or(&[][..], Node::items).iter().map(read).collect()
}

/// Reason for which a figure of the plan cannot be drawn.
#[derive(Clone, Debug)]
pub struct PlotProblem {
    /// Number of the `[[plot]]`, from 0.
    pub plot: usize,
    /// Key that is to be mended.
    pub key: &'static str,
    /// Description of the problem.
    pub message: String,
    /// Mend.
    pub help: String,
}

impl Plan {
    /// The error of figures that cannot be drawn.
    pub fn refuse_plots(&self, problems: Vec<PlotProblem>) -> ScenarioError {
        let nodes = self.tree().get("plot").map_or(&[][..], Node::items);
        let problem = |PlotProblem { plot, key, message, help }: PlotProblem| {
            let table = nodes.get(plot);
            let place = table.and_then(|table| table.get(key).or(Some(table))).map(|node| node.place);
            Problem::error(place.unwrap_or_default(), message, help)
        };
        ScenarioError::new(&self.texts, problems.into_iter().map(problem).collect())
    }
}

/// Cells by number or by value: the numbers are alternatives of one another.
struct Cells;

impl Form<Vec<String>> for Cells {
    fn kind(&self) -> Kind {
        Kind::List(Box::new(Kind::Cell))
    }

    fn read(&self, node: &Node) -> Result<Vec<String>, Fault> {
        let Value::Array(items) = &node.value else { return Err(Fault::default()) };
        let number = |item: &Node| match item.value {
            Value::Integer(number) => Some(number.to_string()),
            _ => None,
        };
        let numbers: Vec<String> = items.iter().filter_map(number).collect();
        let numbers = Some(numbers.join(",")).filter(|numbers| !numbers.is_empty());
        let texts = items.iter().filter_map(Node::text).map(str::to_owned);
        Ok(numbers.into_iter().chain(texts).collect())
    }

    fn text(&self, _: &Vec<String>) -> Option<String> {
        None
    }
}

/// A cell by its number, or by a value of an axis, which whoever knows the axes reads.
pub(super) fn cell(node: &Node) -> Result<(), Fault> {
    match node.value {
        Value::Integer(_) => leaf::integer(node, 0, u64::from(u32::MAX)).map(drop),
        Value::Text(_) => leaf::line(node).map(drop),
        _ => Err(leaf::wrong_type(node, "a cell", "write its number, or \"AXIS=VALUE\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::testing::{and, plan, refused};

    fn plot(lines: &str) -> String {
        and(&format!("[[plot]]\n{lines}\n"))
    }

    #[test]
    fn a_table_and_options_ask_for_the_same() {
        let lines = "figure = \"cwnd\"\ncells = [0, 4, \"loss=1%\"]\nflows = [\"upload-1\", \"upload-2\"]\nfrom = \"5s\"\n\
            width = \"84mm\"\nfont = \"8pt\"\nformat = [\"pdf\"]\ntitle = \"\"";
        let [listed] = &plan(&plot(lines)).plots[..] else { panic!("one plot") };
        assert_eq!(listed.cells, ["0,4", "loss=1%"]);
        assert_eq!(
            (listed.title.as_deref(), listed.format.as_slice()),
            (Some(""), &[PictureFormat::Pdf][..])
        );
        assert!(listed.width.is_some_and(|cm| (cm - 8.4).abs() < 1e-9));
        let given = |name, values: &[&str]| (name, values.iter().map(|&value| value.to_owned()).collect());
        let options = [
            given("figure", &["cwnd"]),
            given("cells", &["0,4", "loss=1%"]),
            given("flows", &["upload-1", "upload-2"]),
            given("from", &["5s"]),
            given("width", &["84mm"]),
            given("font", &["8pt"]),
            given("format", &["pdf"]),
            given("title", &[""]),
        ];
        assert_eq!(PlotSpec::of_options(&options).as_ref(), Ok(listed));
        assert_eq!(plots(&plot(lines)), std::slice::from_ref(listed));
        let names: Vec<&str> = PlotSpec::options().iter().map(|option| option.name).collect();
        assert!(options.iter().all(|(name, _)| names.contains(name)), "{names:?}");
    }

    #[test]
    fn values_that_fit_no_key_are_refused_with_place_and_mend() {
        let with = |line: &str| plot(&format!("figure = \"cwnd\"\n{line}"));
        refused(&with("width = \"8.4\""), 23, "\"8.4\"", "`width`: \"8.4\" is no length", "\"8.4cm\"");
        refused(&with("width = 8.4"), 23, "8.4", "a length is needed", "cm, mm or in");
        refused(&with("font = \"8px\""), 23, "\"8px\"", "is no size of letters", "\"8pt\"");
        refused(&with("format = [\"gif\"]"), 23, "\"gif\"", "not one of the allowed words", "svg");
        refused(&with("cells = [true]"), 23, "true", "a cell is needed", "AXIS=VALUE");
        refused(&with("widht = \"8cm\""), 23, "widht", "unknown key `widht`", "did you mean `width`?");
        refused(&plot("cells = [0]"), 21, "[[plot]]", "no `figure`", "add `figure");
        let option = |value: &str| PlotSpec::of_options(&[("width", vec![value.to_owned()])]);
        for text in ["8.4", "cm", "-1cm", "0cm", "nancm", "infcm", "8pt"] {
            let [message, help] = option(text).expect_err("no length");
            assert!(message.starts_with("`--width`: ") && help.contains("8.4cm"), "{message}: {help}");
        }
        assert_eq!(option("10 in").map(|spec| spec.width), Ok(Some(25.4)));
    }
}
