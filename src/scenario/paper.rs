//! Sizes on paper: widths of figures, and their letters.

use super::form::{Form, quoted};
use super::kind::Kind;
use super::leaf::{Fault, wrong_type};
use super::tree::Node;

/// Units of a size on paper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PaperUnits {
    /// Their names, each with its length in the first one.
    pub units: &'static [(&'static str, f64)],
    /// The size in words.
    pub what: &'static str,
    /// A value.
    pub example: &'static str,
}

/// Widths, in centimetres.
pub(super) const LENGTHS: PaperUnits =
    PaperUnits { units: &[("cm", 1.0), ("mm", 0.1), ("in", 2.54)], what: "a length", example: "8.4cm" };

/// Sizes of letters, in points.
pub(super) const SIZES: PaperUnits =
    PaperUnits { units: &[("pt", 1.0)], what: "a size of letters", example: "8pt" };

/// A size on paper.
pub(super) struct Paper(pub PaperUnits);

impl Form<f64> for Paper {
    fn kind(&self) -> Kind {
        Kind::Paper(self.0)
    }

    fn read(&self, node: &Node) -> Result<f64, Fault> {
        paper(node, &self.0)
    }

    fn text(&self, value: &f64) -> Option<String> {
        quoted(&format!("{value}{}", self.0.units[0].0))
    }
}

/// A size on paper, in the first of its units.
pub(super) fn paper(node: &Node, size: &PaperUnits) -> Result<f64, Fault> {
    let names: Vec<&str> = size.units.iter().map(|(unit, _)| *unit).collect();
    let units = match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, most)) => format!("{} or {last}", most.join(", ")),
        None => String::new(),
    };
    let help = format!("write {} in {units}, such as \"{}\"", size.what, size.example);
    let text = node.text().ok_or_else(|| wrong_type(node, size.what, &help))?;
    let number = |unit: &str| text.trim().strip_suffix(unit)?.trim().parse::<f64>().ok();
    let read = size.units.iter().find_map(|(unit, factor)| Some(number(unit)? * factor));
    let fits = read.filter(|number| number.is_finite() && *number > 0.0);
    fits.ok_or_else(|| {
        let what = size.what.trim_start_matches("a ");
        Fault { message: format!("\"{text}\" is no {what}"), help }
    })
}
