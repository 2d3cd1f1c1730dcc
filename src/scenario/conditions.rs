//! A table of a link's rate over time, and of its delay and loss if they are in it: CSV with units in the names
//! of its columns.

use std::sync::Arc;

use super::files::{at_line, lines};
use super::law::Law;
use super::leaf::Fault;
use super::problem::{suggest, words};
use crate::link::config::{Config, LossModel, Pattern};
use crate::time::{Duration, Instant};
use crate::units::{LONGEST, Probability, Rate};

/// Conditions of a link over time.
#[derive(Clone, Debug, PartialEq)]
pub enum Table {
    /// As a file lists them.
    Listed(Arc<Conditions>),
    /// By a law.
    Law(Law),
}

impl Table {
    /// Number of its changes before `end`, at most.
    pub(super) fn count(&self, end: Instant) -> u64 {
        match self {
            Table::Listed(conditions) => conditions.rows.len() as u64,
            Table::Law(law) => law.count(end),
        }
    }

    /// Times of its changes before `end`.
    pub(super) fn times(&self, end: Instant) -> Vec<Instant> {
        match self {
            Table::Listed(conditions) => {
                conditions.rows.iter().map(|row| row.at).filter(|at| *at < end).collect()
            }
            Table::Law(law) => law.times(end).collect(),
        }
    }

    /// Sets what holds at `now`.
    pub(super) fn apply(&self, now: Instant, config: &mut Config) {
        match self {
            Table::Listed(conditions) => conditions.apply(now, config),
            Table::Law(law) => law.apply(now, config),
        }
    }
}

/// A row holds from its time on until the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditions {
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Row {
    at: Instant,
    rate: Rate,
    delay: Option<Duration>,
    loss: Option<Probability>,
}

const COLUMNS: [&str; 4] = ["time_s", "rate_mbit", "delay_ms", "loss_percent"];
const FORM: &str = "a table has columns time_s and rate_mbit, and if you like delay_ms and loss_percent";

impl Conditions {
    /// Reads a table.
    pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Conditions, Fault> {
        let mut lines = lines(name, bytes)?.filter(|(_, line)| !line.trim().is_empty());
        let Some((number, header)) = lines.next() else {
            return Err(Fault { message: format!("{} is empty", words(name)), help: FORM.to_owned() });
        };
        let header: Vec<&str> = fields(header).collect();
        for (n, column) in header.iter().enumerate() {
            if !COLUMNS.contains(column) {
                let message = format!("there is no column \"{column}\"");
                return Err(at_line(name, number, &message, &suggest(column, COLUMNS)));
            }
            if header[..n].contains(column) {
                return Err(at_line(name, number, &format!("two columns {column}"), "delete one"));
            }
        }
        if let Some(missing) = COLUMNS[..2].iter().find(|column| !header.contains(column)) {
            return Err(at_line(name, number, &format!("the column {missing} is missing"), FORM));
        }
        let mut rows: Vec<Row> = vec![];
        for (number, line) in lines {
            let row =
                row(&header, line).map_err(|fault| at_line(name, number, &fault.message, &fault.help))?;
            let wrong = |message: &str, help: &str| Err(at_line(name, number, message, help));
            match rows.last() {
                None if row.at > Instant::ZERO => {
                    return wrong("the first row is not at time 0", "say what holds when the trial begins");
                }
                Some(before) if before.at >= row.at => {
                    return wrong(
                        "its time is not later than that of the row before",
                        "sort the rows by time_s",
                    );
                }
                _ => rows.push(row),
            }
        }
        if rows.is_empty() {
            return Err(at_line(name, number, "there is no row below the header", FORM));
        }
        Ok(Conditions { rows })
    }

    /// Sets what holds at `now`.
    pub(super) fn apply(&self, now: Instant, config: &mut Config) {
        let next = self.rows.partition_point(|row| row.at <= now);
        let Some(row) = self.rows[..next].last() else { return };
        (config.rate, config.pattern) = (Some(row.rate), Pattern::Even);
        config.delay.mean = row.delay.unwrap_or(config.delay.mean);
        config.loss = row.loss.map_or(config.loss, LossModel::Independent);
    }
}

fn fields(line: &str) -> impl Iterator<Item = &str> {
    line.split(',').map(|field| field.trim().trim_matches('"'))
}

fn row(header: &[&str], line: &str) -> Result<Row, Fault> {
    let fault = |message: String, help: &str| Fault { message, help: help.to_owned() };
    let found = fields(line).count();
    if found != header.len() {
        let message = format!("{found} fields stand below {} columns", header.len());
        return Err(fault(message, "give each row a field for each column"));
    }
    let number = |column: &str, scale: f64, most: f64| -> Result<Option<f64>, Fault> {
        let Some(text) =
            header.iter().zip(fields(line)).find(|(name, _)| **name == column).map(|(_, text)| text)
        else {
            return Ok(None);
        };
        let value: f64 = text.parse().map_err(|_| {
            fault(format!("{column}: \"{text}\" is no number"), "write a number without a unit")
        })?;
        if (0.0..=most).contains(&(value * scale)) {
            return Ok(Some(value * scale));
        }
        Err(fault(
            format!("{column}: {text} is out of range"),
            "write a number that is not negative, nor too large",
        ))
    };
    let longest = LONGEST.as_secs_f64();
    let at = number("time_s", 1.0, longest)?.unwrap_or_default();
    let bits = number("rate_mbit", 1e6, 1e18)?.unwrap_or_default();
    let rate = Rate::from_bits_per_second(bits as u64).ok_or_else(|| {
        let help = "for times in which nothing leaves write a trace; see `testbed schema link.<name>.rate`";
        fault("rate_mbit: at less than a bit a second a packet would never end".to_owned(), help)
    })?;
    let delay = number("delay_ms", 1e-3, longest)?.map(Duration::from_secs_f64);
    let loss = number("loss_percent", 0.01, 1.0)?.and_then(Probability::new);
    Ok(Row { at: Instant::ZERO.saturating_add(Duration::from_secs_f64(at)), rate, delay, loss })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_table_names_its_line() {
        for (text, says) in [
            ("", "a.csv is empty"),
            ("\n\n", "a.csv is empty"),
            ("time_s,rate\n", "a.csv, line 1: there is no column \"rate\""),
            ("time_s,delay_ms\n", "a.csv, line 1: the column rate_mbit is missing"),
            ("time_s,rate_mbit,time_s\n", "a.csv, line 1: two columns time_s"),
            ("time_s,rate_mbit\n", "a.csv, line 1: there is no row"),
            ("time_s,rate_mbit\n1,5\n", "a.csv, line 2: the first row is not at time 0"),
            ("time_s,rate_mbit\n0,5\n\n2,5\n1,5\n", "a.csv, line 5: its time is not later"),
            ("time_s,rate_mbit\n0,5\n0,6\n", "a.csv, line 3: its time is not later"),
            ("time_s,rate_mbit\n0,5,1\n", "a.csv, line 2: 3 fields stand below 2 columns"),
            ("time_s,rate_mbit\n0,5mbit\n", "a.csv, line 2: rate_mbit: \"5mbit\" is no number"),
            ("time_s,rate_mbit\n0,\n", "a.csv, line 2: rate_mbit: \"\" is no number"),
            ("time_s,rate_mbit\n0,0\n", "a.csv, line 2: rate_mbit: at less than a bit a second"),
            ("time_s,rate_mbit\n0,-1\n", "a.csv, line 2: rate_mbit: -1 is out of range"),
            ("time_s,rate_mbit\n0,nan\n", "a.csv, line 2: rate_mbit: nan is out of range"),
            ("time_s,rate_mbit\n0,1e30\n", "a.csv, line 2: rate_mbit: 1e30 is out of range"),
            ("time_s,rate_mbit,loss_percent\n0,1,101\n", "a.csv, line 2: loss_percent: 101 is out of range"),
        ] {
            let fault = Conditions::read("a.csv", text.as_bytes()).expect_err(says);
            assert!(fault.message.starts_with(says) && !fault.help.is_empty(), "{fault:?}");
        }
    }
}
