//! An axis of a study: what its values are called, what they are worth, and their order.

use serde::{Deserialize, Serialize};

use super::table::plain;
use super::titles;
use crate::time::Duration;
use crate::units::{Bytes, Probability, Rate};

/// One swept key with its values as written in the scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// The dotted key.
    pub key: String,
    /// Its values, in their order.
    pub values: Vec<String>,
}

impl Axis {
    /// True if the axis chooses the congestion controller.
    pub fn is_congestion(&self) -> bool {
        self.key.rsplit('.').next() == Some("congestion")
    }

    /// The values as numbers of one unit, in the order of `values`; `None` where there is no unit in which all
    /// are written, as a size and a number of packets are not.
    pub fn magnitudes(&self) -> Option<Vec<f64>> {
        UNITS.iter().find_map(|unit| self.values.iter().map(|text| (unit.read)(text)).collect())
    }

    /// The units that any of the values is written in.
    pub fn units(&self) -> impl Iterator<Item = &'static Unit> {
        let written = |unit: &&Unit| self.values.iter().any(|text| (unit.read)(text).is_some());
        UNITS.iter().filter(|unit| !unit.name.is_empty()).filter(written)
    }

    /// The indices of the values, the smallest first where they are numbers; else as written.
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.values.len()).collect();
        if let Some(magnitudes) = self.magnitudes() {
            order.sort_by(|&a, &b| magnitudes[a].total_cmp(&magnitudes[b]));
        }
        order
    }

    /// A value as it stands in tables and pictures: inline tables in short, all else as written.
    pub fn short(&self, value: &str) -> String {
        let brief = brief(value);
        let taken = self.values.iter().filter(|other| self::brief(other) == brief).count() > 1;
        brief.filter(|_| !taken).unwrap_or_else(|| value.to_owned())
    }

    /// True if this is how a value is written, in the scenario, in tables or in pictures.
    pub fn goes_by(&self, value: &str, written: &str) -> bool {
        [value, value.trim_matches('"'), &self.short(value), &self.spelled(value)].contains(&written)
    }
}

/// A unit in which result files give values of axes as numbers.
#[derive(Debug)]
pub struct Unit {
    /// The ending of a column in this unit; empty for numbers that have none.
    pub name: &'static str,
    /// The number that a text of this kind is; nothing for other texts.
    pub read: fn(&str) -> Option<f64>,
}

const UNITS: [Unit; 8] = [
    Unit {
        name: "",
        read: |text| text.replace('_', "").parse().ok().filter(|number: &f64| number.is_finite()),
    },
    // A probability is a double: two digits less than that has, and 0.3 % is 0.3.
    Unit {
        name: "percent",
        read: |text| text.parse::<Probability>().ok().map(|p| (p.as_f64() * 1e12).round() / 1e10),
    },
    Unit { name: "ms", read: |text| text.parse().ok().map(Duration::as_millis_f64) },
    Unit {
        name: "mbit",
        read: |text| text.parse::<Rate>().ok().map(|rate| rate.bits_per_second() as f64 / 1e6),
    },
    Unit { name: "bytes", read: |text| text.parse::<Bytes>().ok().map(|bytes| bytes.0 as f64) },
    Unit { name: "per_s", read: per_second },
    Unit { name: "bdp", read: |text| counted(text, &["bdp"]) },
    Unit { name: "packets", read: |text| counted(text, &["packet", "packets"]) },
];

/// A value as a number, with its unit.
pub fn number(text: &str) -> Option<(f64, &'static str)> {
    UNITS.iter().find_map(|unit| Some(((unit.read)(text)?, unit.name)))
}

/// `30/min` as 0.5.
fn per_second(text: &str) -> Option<f64> {
    let (number, unit) = text.split_once('/')?;
    let seconds = match unit.trim() {
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    number.trim().parse::<f64>().ok().map(|number| number / seconds)
}

/// The number before one of these words: `1bdp`, `100 packets`.
fn counted(text: &str, words: &[&str]) -> Option<f64> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '_')))?;
    let (number, word) = text.split_at(end);
    number.replace('_', "").parse().ok().filter(|_| words.contains(&word.trim()))
}

/// `{ model = "gilbert-elliott", p = "1.0204%", r = "50%" }` as `GE p=1.02% r=50%`; nothing for what
/// is no table. What kind it is stands first, the rest in the order of the file.
fn brief(value: &str) -> Option<String> {
    let inner = value.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut words: Vec<String> = Vec::new();
    for part in inner.split(',') {
        let (key, said) = part.split_once('=')?;
        let (key, said) = (key.trim(), said.trim().trim_matches('"'));
        match key {
            "model" | "kind" | "distribution" => {
                words.insert(0, if said == "gilbert-elliott" { "GE".to_owned() } else { said.to_owned() });
            }
            // Its unit says enough.
            "limit" => words.push(titles::spelled(&rounded(said)).unwrap_or_else(|| said.to_owned())),
            _ => words.push(format!("{key}={}", rounded(said))),
        }
    }
    Some(words.join(" "))
}

/// Numbers with three digits are enough to tell values apart.
fn rounded(text: &str) -> String {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    match number.parse::<f64>() {
        Ok(n) if number.len() > 4 && n > 0.0 => format!("{}{unit}", plain(n)),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Axis;

    fn axis(key: &str, values: &[&str]) -> Axis {
        Axis { key: key.to_owned(), values: values.iter().map(|&v| v.to_owned()).collect() }
    }

    #[test]
    fn inline_tables_get_short_names() {
        let ge = "{ model = \"gilbert-elliott\", p = \"1.0204%\", r = \"50%\" }";
        let loss = axis("link.access.up.loss", &["2%", ge]);
        assert_eq!((loss.short(ge).as_str(), loss.short("2%").as_str()), ("GE p=1.02% r=50%", "2%"));
        let near = ["{ p = \"1.02041%\" }", "{ p = \"1.02042%\" }"];
        assert_eq!(axis("x", &near).short(near[0]), near[0], "short names must differ");
        let odd = "{ a = [1, 2] }";
        assert_eq!(axis("x", &[odd]).short(odd), odd);
    }

    fn magnitudes(values: &[&str]) -> Option<Vec<f64>> {
        axis("link.a.loss", values).magnitudes()
    }

    #[test]
    fn values_are_read_with_their_units() {
        assert_eq!(magnitudes(&["0%", "0.1%", "10%"]), Some(vec![0.0, 0.1, 10.0]));
        assert_eq!(magnitudes(&["0.3%", "1.0204%", "99.9%"]), Some(vec![0.3, 1.0204, 99.9]));
        assert_eq!(magnitudes(&["10ms", "1s", "900us"]), Some(vec![10.0, 1000.0, 0.9]));
        assert_eq!(magnitudes(&["1gbit", "500kbit"]), Some(vec![1000.0, 0.5]));
        assert_eq!(magnitudes(&["64KiB", "1MB"]), Some(vec![65536.0, 1e6]));
        assert_eq!(magnitudes(&["0.5bdp", "2 bdp"]), Some(vec![0.5, 2.0]));
        assert_eq!(magnitudes(&["1 packet", "100 packets"]), Some(vec![1.0, 100.0]));
        assert_eq!(magnitudes(&["30/min", "1/s"]), Some(vec![0.5, 1.0]));
        assert_eq!(magnitudes(&["1", "2.5", "1_000"]), Some(vec![1.0, 2.5, 1000.0]));
        for mixed in
            [["1bdp", "100 packets"], ["1bdp", "64KiB"], ["reno", "cubic"], ["true", "false"], ["nan", "1"]]
        {
            assert_eq!(magnitudes(&mixed), None, "{mixed:?}");
        }
    }

    #[test]
    fn numbers_are_ordered_by_value_and_all_else_as_written() {
        let order = |values: &[&str]| axis("x", values).order();
        assert_eq!(order(&["1gbit", "500kbit", "2mbit", "900mbit"]), [1, 2, 3, 0]);
        assert_eq!(order(&["1MB", "64KiB"]), [1, 0]);
        assert_eq!(order(&["0.1%", "1%", "10%", "3%"]), [0, 1, 3, 2]);
        assert_eq!(order(&["reno", "cubic", "none"]), [0, 1, 2]);
    }
}
