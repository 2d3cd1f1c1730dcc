//! The tables of trials as text: which columns they have, and their rows.
//!
//! Numbers are printed with a fixed number of decimals, so that the same trial gives the same
//! bytes; a figure that does not exist is an empty field.

use std::fmt::Write as _;

use super::figures;
use super::goodput::{directions, mbit, through};
use super::study::{Study, TrialRow};
use crate::facts::Outcome;
use crate::time::Duration;

const FLOW_COLUMNS: &str = "flow,group,direction,congestion,goodput_mbit,bytes_delivered,segments_sent,\
retransmits,recovery_episodes,timeouts,srtt_mean_ms,cwnd_mean_bytes,completion_s,limited_by";

const LINK_COLUMNS: &str = "link,direction,offered,delivered,dropped_loss,dropped_queue,dropped_corrupt,\
duplicated,reordered,utilisation,queue_mean_ms,queue_p99_ms,queue_max_ms,rate_mbit,goodput_mbit,jain_index";

const REALISED_COLUMNS: &str = "link,direction,quantity,configured,realised,low,high,verdict";

const LATENESS_COLUMNS: &str = "kind,count,p50_us,p99_us,max_us";

/// The tables with a row or more per trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    Flows,
    Links,
    Realised,
    /// Of runs in real time.
    Lateness,
    /// The last, because its row makes the trial done.
    Trials,
}

impl Table {
    /// Every one that there can be.
    pub const ALL: [Table; 5] = [Table::Flows, Table::Links, Table::Realised, Table::Lateness, Table::Trials];

    /// Those of a study, in the order in which a trial is written.
    pub const fn of(study: &Study) -> &'static [Table] {
        const LIVE: &[Table] = &[Table::Flows, Table::Links, Table::Realised, Table::Lateness, Table::Trials];
        const VIRTUAL: &[Table] = &[Table::Flows, Table::Links, Table::Realised, Table::Trials];
        if study.live { LIVE } else { VIRTUAL }
    }

    pub const fn file(self) -> &'static str {
        match self {
            Table::Flows => "flows.csv",
            Table::Links => "links.csv",
            Table::Realised => "realised.csv",
            Table::Lateness => "lateness.csv",
            Table::Trials => "trials.csv",
        }
    }

    /// The first line, with its line break.
    pub fn header(self, study: &Study) -> String {
        let mut line = "cell,trial".to_owned();
        for axis in &study.axes {
            push_field(&mut line, &axis.key);
        }
        let columns = match self {
            Table::Flows => FLOW_COLUMNS.to_owned(),
            Table::Links => LINK_COLUMNS.to_owned(),
            Table::Realised => REALISED_COLUMNS.to_owned(),
            Table::Lateness => LATENESS_COLUMNS.to_owned(),
            Table::Trials => {
                let names: Vec<&str> = figures::of_study(study).map(|figure| figure.column).collect();
                format!("seed,{}", names.join(","))
            }
        };
        line + "," + &columns + "\n"
    }

    /// The rows of one trial, each with its line break.
    pub fn rows(self, study: &Study, row: &TrialRow<'_>) -> String {
        let mut prefix = format!("{},{}", study.cell_name(row.cell), row.trial);
        for value in study.values(row.cell) {
            push_field(&mut prefix, value);
        }
        let mut text = String::new();
        match self {
            Table::Flows => flow_rows(&mut text, &prefix, row.outcome),
            Table::Links => link_rows(&mut text, &prefix, row.outcome),
            Table::Realised => realised_rows(&mut text, &prefix, row.outcome),
            Table::Lateness => lateness_rows(&mut text, &prefix, row.outcome),
            Table::Trials => trial_row(&mut text, &prefix, study, row),
        }
        text
    }
}

fn lateness_rows(text: &mut String, prefix: &str, outcome: &Outcome) {
    for late in &outcome.lateness {
        let _ = write!(text, "{prefix},{},{}", late.kind, late.count);
        for span in [late.p50, late.p99, late.max] {
            push_number(text, (late.count > 0).then(|| span.as_millis_f64() * 1e3), 1);
        }
        text.push('\n');
    }
}

fn trial_row(text: &mut String, prefix: &str, study: &Study, row: &TrialRow<'_>) {
    text.push_str(prefix);
    push(text, Some(row.seed));
    let source = figures::Source::of(row);
    for figure in figures::of_study(study) {
        push_number(text, (figure.value)(&source), figure.decimals);
    }
    text.push('\n');
}

fn flow_rows(text: &mut String, prefix: &str, outcome: &Outcome) {
    for (flow, direction, way) in directions(outcome) {
        text.push_str(prefix);
        push_field(text, &flow.name);
        push_field(text, &flow.group);
        push_field(text, direction.name());
        push_field(text, flow.congestion);
        push_number(text, mbit(way.bytes_delivered, way.active).filter(|_| way.carried), 6);
        push(text, Some(way.bytes_delivered));
        push(text, Some(way.segments_sent));
        push(text, Some(way.retransmits));
        push(text, Some(way.recovery_episodes));
        push(text, Some(way.timeouts));
        push_number(text, way.srtt_mean.map(Duration::as_millis_f64), 3);
        push_number(text, way.cwnd_mean, 1);
        push_number(text, way.completion.map(Duration::as_secs_f64), 6);
        push_field(text, if way.carried { way.limited_by.name() } else { "" });
        text.push('\n');
    }
}

fn link_rows(text: &mut String, prefix: &str, outcome: &Outcome) {
    for link in &outcome.links {
        text.push_str(prefix);
        push_field(text, &link.name);
        push_field(text, link.direction.name());
        for count in [
            link.counters.offered,
            link.counters.delivered,
            link.counters.dropped_loss,
            link.counters.dropped_queue,
            link.counters.dropped_corrupt,
            link.counters.duplicated,
            link.counters.reordered,
        ] {
            push(text, Some(count));
        }
        push_number(text, link.utilisation, 6);
        push_number(text, link.queue.map(|queue| queue.mean_ms), 3);
        push_number(text, link.queue.map(|queue| queue.p99_ms), 3);
        push_number(text, link.queue.map(|queue| queue.max_ms), 3);
        push_number(text, link.rate_mbit, 6);
        let through = through(outcome, link);
        push_number(text, through.and_then(|through| through.goodput_mbit), 6);
        push_number(text, through.and_then(|through| through.jain_index), 6);
        text.push('\n');
    }
}

fn realised_rows(text: &mut String, prefix: &str, outcome: &Outcome) {
    for link in &outcome.links {
        for check in &link.realised {
            text.push_str(prefix);
            push_field(text, &link.name);
            push_field(text, link.direction.name());
            push_field(text, check.quantity);
            for value in [check.configured, check.realised, check.low, check.high] {
                push_number(text, Some(value), 6);
            }
            push_field(
                text,
                match check.pass {
                    Some(true) => "pass",
                    Some(false) => "fail",
                    None => "too few",
                },
            );
            text.push('\n');
        }
    }
}

/// `,value`, or `,` for what does not exist.
fn push(text: &mut String, value: Option<u64>) {
    text.push(',');
    if let Some(value) = value {
        let _ = write!(text, "{value}");
    }
}

/// `,` and the number with its decimals; what does not exist, or is no finite number, is empty.
pub fn push_number(text: &mut String, value: Option<f64>, decimals: usize) {
    text.push(',');
    if let Some(value) = value.filter(|value| value.is_finite()) {
        let start = text.len();
        let _ = write!(text, "{value:.decimals$}");
        // A tiny negative number must not become "-0.000".
        if text[start..].starts_with('-') && text[start + 1..].bytes().all(|b| matches!(b, b'0' | b'.')) {
            text.remove(start);
        }
    }
}

/// `,` and the text, quoted where CSV asks for it (RFC 4180 §2.6). Line breaks become spaces: a row
/// is a line, which the repair of a torn file relies on.
pub fn push_field(text: &mut String, value: &str) {
    text.push(',');
    let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if value.contains([',', '"']) {
        let _ = write!(text, "\"{}\"", value.replace('"', "\"\""));
    } else {
        text.push_str(&value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Lateness;
    use crate::report::testing::{chat_outcome, study};

    fn row(outcome: &Outcome) -> TrialRow<'_> {
        TrialRow { cell: 0, trial: 2, seed: 7, outcome, wall_s: 0.25 }
    }

    #[test]
    fn columns_are_the_contract() {
        let mut study = study(&[("link.access.loss", &["0%", "10%"])]);
        assert_eq!(
            Table::Trials.header(&study),
            "cell,trial,link.access.loss,seed,goodput_mbit,goodput_up_mbit,goodput_down_mbit,\
             utilisation,jain_index,completion_mean_s,completion_p50_s,completion_p95_s,segments_sent,retransmits,\
             recovery_episodes,timeouts,events,wall_s\n"
        );
        study.chat = true;
        assert_eq!(
            Table::Trials.header(&study),
            "cell,trial,link.access.loss,seed,goodput_mbit,goodput_up_mbit,goodput_down_mbit,\
             utilisation,jain_index,completion_mean_s,completion_p50_s,completion_p95_s,messages_sent,\
             deliveries_expected,deliveries,latency_mean_ms,latency_p50_ms,latency_p90_ms,latency_p99_ms,\
             latency_p999_ms,latency_max_ms,segments_sent,retransmits,recovery_episodes,timeouts,events,wall_s\n"
        );
        assert_eq!(
            Table::Flows.header(&study),
            "cell,trial,link.access.loss,flow,group,direction,congestion,goodput_mbit,bytes_delivered,\
             segments_sent,retransmits,recovery_episodes,timeouts,srtt_mean_ms,cwnd_mean_bytes,completion_s,\
             limited_by\n"
        );
        assert_eq!(
            Table::Links.header(&study),
            "cell,trial,link.access.loss,link,direction,offered,delivered,dropped_loss,dropped_queue,\
             dropped_corrupt,duplicated,reordered,utilisation,queue_mean_ms,queue_p99_ms,queue_max_ms,rate_mbit,goodput_mbit,jain_index\n"
        );
        assert_eq!(
            Table::Realised.header(&study),
            "cell,trial,link.access.loss,link,direction,quantity,configured,realised,low,high,verdict\n"
        );
    }

    #[test]
    fn every_row_has_the_columns_of_its_header() {
        let mut study = study(&[("queue", &["{ kind = \"droptail\", limit = \"1bdp\" }", "x"])]);
        study.chat = true;
        study.live = true;
        let mut outcome = chat_outcome(1, 0.1);
        let span = Duration::from_micros(3);
        outcome.lateness.push(Lateness { kind: "network", count: 7, p50: span, p99: span, max: span });
        for &table in Table::of(&study) {
            let text = table.header(&study) + &table.rows(&study, &row(&outcome));
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let rows: Result<Vec<_>, _> = reader.records().collect();
            let rows = rows.expect("the reader refuses uneven rows");
            assert!(!rows.is_empty());
            assert!(rows.iter().all(|row| &row[2] == "{ kind = \"droptail\", limit = \"1bdp\" }"), "{text}");
        }
    }

    #[test]
    fn what_does_not_exist_is_empty() {
        let mut empty = Outcome { events: 3, ..Outcome::default() };
        let text = Table::Trials.rows(&study(&[]), &row(&empty));
        assert_eq!(text, "0,2,7,,,,,,,,,0,0,0,0,3,0.250\n");
        let span = Duration::ZERO;
        empty.lateness.push(Lateness { kind: "clients", count: 0, p50: span, p99: span, max: span });
        assert_eq!(Table::Lateness.rows(&study(&[]), &row(&empty)), "0,2,clients,0,,,\n");
        let mut line = String::new();
        push_number(&mut line, Some(f64::NAN), 3);
        push_number(&mut line, Some(-0.0001), 3);
        assert_eq!(line, ",,0.000");
    }
}
