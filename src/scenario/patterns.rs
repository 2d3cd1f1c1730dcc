//! Regular expressions for the texts of scenario files, in the part of the language that all validators
//! of JSON Schema share. They tell numbers and units; limits other than zero and 100 % are left to
//! `testbed check`.

use super::paper::PaperUnits;
use crate::units::{RATES, SIZES, TIMES, Units};

/// A name of a link or a group.
pub(super) const NAME: &str = "[A-Za-z0-9_-]+";

/// A text without control characters, but for line ends and tabs.
pub(super) const TEXT: &str = r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$";

/// A text in one line.
pub(super) const LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";

/// `"10%"`, up to 100.
pub(super) const PROBABILITY: &str = r"^\s*\+?0*(?:100(?:\.0*)?|[0-9]{1,2}(?:\.[0-9]*)?|\.[0-9]+)\s*%\s*$";

const NUMBER: &str = r"\+?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)";
const POSITIVE: &str = r"\+?(?:[0-9_]*[1-9][0-9_]*(?:\.[0-9_]*)?|[0-9_]*\.[0-9_]*[1-9][0-9_]*)";

pub(super) fn duration() -> String {
    quantity(NUMBER, &any_of(TIMES))
}

pub(super) fn positive_duration() -> String {
    quantity(POSITIVE, &any_of(TIMES))
}

pub(super) fn rate() -> String {
    quantity(POSITIVE, &any_of(RATES))
}

pub(super) fn bytes(least: u64) -> String {
    quantity(if least > 0 { POSITIVE } else { NUMBER }, &any_of(SIZES))
}

pub(super) fn frequency() -> String {
    quantity(&format!(r"{POSITIVE}(?:[eE][+-]?[0-9]+)?"), r"/\s*(?:s|min|h)")
}

pub(super) fn paper(size: &PaperUnits) -> String {
    let units: Vec<&str> = size.units.iter().map(|(unit, _)| *unit).collect();
    quantity(POSITIVE, &format!("(?:{})", units.join("|")))
}

pub(super) fn limit() -> String {
    let packets = r"\+?0*[1-9][0-9]*\s*packets?";
    format!(r"^\s*(?:{packets}|{POSITIVE}\s*(?:bdp|{}))\s*$", any_of(SIZES))
}

fn quantity(number: &str, unit: &str) -> String {
    format!(r"^\s*{number}\s*{unit}\s*$")
}

/// One of these units, in the letters in which they may be written.
fn any_of(units: &Units) -> String {
    let letter = |c: char| match c {
        c if units.any_case && c.is_ascii_alphabetic() => {
            format!("[{}{}]", c.to_ascii_lowercase(), c.to_ascii_uppercase())
        }
        c => c.to_string(),
    };
    let unit = |unit: &&str| unit.chars().map(letter).collect::<String>();
    format!("(?:{})", units.names().collect::<Vec<_>>().iter().map(unit).collect::<Vec<_>>().join("|"))
}
