//! The tables of trials as text: which columns they have, and their rows.
//!
//! Numbers are printed with a fixed number of decimals, so that the same trial gives the same
//! bytes; a figure that does not exist is an empty field.

mod column;
mod workloads;

use std::fmt::Write as _;

use super::axes;
use super::figures;
use super::goodput::{Through, directions, mbit, through};
use super::kind::{self, Columns, Kind};
use super::study::{Study, TrialRow};
use crate::facts::{Direction, DirectionOutcome, FlowOutcome, LinkOutcome, Measure, Realised};
use crate::time::Duration;
use column::{Column, Field, column, kinds, write_rows};
use workloads::{
    chunk_columns, datagram_columns, flow_of, lateness_columns, numbered, probe_columns, request_columns,
};

/// The tables with a row or more per trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    Flows,
    Links,
    Realised,
    /// Of flows of datagrams.
    Datagrams,
    /// Of echo requests.
    Probes,
    /// Of requests.
    Requests,
    /// Of chunks of video.
    Chunks,
    /// Of runs in real time.
    Lateness,
    /// The last, because its row makes the trial done.
    Trials,
}

/// The columns that each row of a trial begins with.
pub(super) fn key_columns(study: &Study) -> Columns {
    let keys = kind::columns(&[("cell", Kind::Integer), ("trial", Kind::Integer)]);
    [keys, axes::columns(study)].concat()
}

/// The values in them.
pub(super) fn key_values(study: &Study, row: &TrialRow<'_>) -> String {
    let mut line = format!("{},{}", row.cell, row.trial);
    axes::push_values(&mut line, study, row.cell);
    line
}

impl Table {
    /// Every one that there can be.
    pub const ALL: [Table; 9] = [
        Table::Flows,
        Table::Links,
        Table::Realised,
        Table::Datagrams,
        Table::Probes,
        Table::Requests,
        Table::Chunks,
        Table::Lateness,
        Table::Trials,
    ];

    /// Those of a study, in the order in which a trial is written.
    pub fn of(study: &Study) -> Vec<Table> {
        let has = |table: &Table| match table {
            Table::Datagrams => study.measures(Measure::Datagrams),
            Table::Probes => study.measures(Measure::Probes),
            Table::Requests => study.measures(Measure::Requests),
            Table::Chunks => study.measures(Measure::Video),
            Table::Lateness => study.live,
            Table::Flows | Table::Links | Table::Realised | Table::Trials => true,
        };
        Table::ALL.into_iter().filter(has).collect()
    }

    pub const fn file(self) -> &'static str {
        match self {
            Table::Flows => "flows.csv",
            Table::Links => "links.csv",
            Table::Realised => "realised.csv",
            Table::Datagrams => "datagrams.csv",
            Table::Probes => "probes.csv",
            Table::Requests => "requests.csv",
            Table::Chunks => "chunks.csv",
            Table::Lateness => "lateness.csv",
            Table::Trials => "trials.csv",
        }
    }

    /// The first line, with its line break.
    pub fn header(self, study: &Study) -> String {
        kind::header(&self.columns(study))
    }

    /// The columns.
    pub fn columns(self, study: &Study) -> Columns {
        let columns: Vec<(&str, Kind)> = match self {
            Table::Flows => kinds(&flow_columns()),
            Table::Links => kinds(&link_columns(study)),
            Table::Realised => kinds(&check_columns()),
            Table::Datagrams => kinds(&datagram_columns()),
            Table::Probes => kinds(&probe_columns()),
            Table::Requests => kinds(&request_columns()),
            Table::Chunks => kinds(&chunk_columns()),
            Table::Lateness => kinds(&lateness_columns()),
            Table::Trials => {
                let figures = figures::of_study(study).map(|figure| (figure.column, figure.kind()));
                [("seed", Kind::Bits)].into_iter().chain(figures).collect()
            }
        };
        [key_columns(study), kind::columns(&columns)].concat()
    }

    /// The rows of one trial, each with its line break.
    pub fn rows(self, study: &Study, row: &TrialRow<'_>) -> String {
        let prefix = key_values(study, row);
        let mut text = String::new();
        let outcome = row.outcome;
        match self {
            Table::Flows => {
                let rows = directions(outcome).map(|(flow, direction, way)| FlowRow { flow, direction, way });
                write_rows(&mut text, &prefix, &flow_columns(), rows);
            }
            Table::Links => {
                let rows = outcome.links.iter().map(|link| LinkRow { link, through: through(outcome, link) });
                write_rows(&mut text, &prefix, &link_columns(study), rows);
            }
            Table::Realised => {
                let links = outcome.links.iter();
                let rows = links.flat_map(|link| link.realised.iter().map(move |check| (link, check)));
                write_rows(&mut text, &prefix, &check_columns(), rows);
            }
            Table::Datagrams => {
                let rows = outcome.datagrams.iter().map(|way| (way, outcome));
                write_rows(&mut text, &prefix, &datagram_columns(), rows);
            }
            Table::Probes => {
                let rows = outcome.probes.iter().map(|probe| (probe, flow_of(outcome, probe.flow)));
                write_rows(&mut text, &prefix, &probe_columns(), rows);
            }
            Table::Requests => {
                write_rows(&mut text, &prefix, &request_columns(), numbered(&outcome.requests));
            }
            Table::Chunks => write_rows(&mut text, &prefix, &chunk_columns(), &outcome.chunks),
            Table::Lateness => write_rows(&mut text, &prefix, &lateness_columns(), &outcome.lateness),
            Table::Trials => trial_row(&mut text, &prefix, study, row),
        }
        text
    }
}

/// A direction of a flow.
struct FlowRow<'o> {
    flow: &'o FlowOutcome,
    direction: Direction,
    way: &'o DirectionOutcome,
}

fn flow_columns<'o>() -> [Column<FlowRow<'o>>; 14] {
    use Field::{Count, Number, Text};
    [
        column("flow", Text(|row| &row.flow.name)),
        column("group", Text(|row| &row.flow.group)),
        column("direction", Text(|row| row.direction.name())),
        column("congestion", Text(|row| row.flow.congestion)),
        column(
            "goodput_mbit",
            Number(|FlowRow { way, .. }| mbit(way.bytes_delivered, way.active).filter(|_| way.carried), 6),
        ),
        column("bytes_delivered", Count(|row| row.way.bytes_delivered)),
        column("segments_sent", Count(|row| row.way.segments_sent)),
        column("retransmits", Count(|row| row.way.retransmits)),
        column("recovery_episodes", Count(|row| row.way.recovery_episodes)),
        column("timeouts", Count(|row| row.way.timeouts)),
        column("srtt_mean_ms", Number(|row| row.way.srtt_mean.map(Duration::as_millis_f64), 3)),
        column("cwnd_mean_bytes", Number(|row| row.way.cwnd_mean, 1)),
        column("completion_s", Number(|row| row.way.completion.map(Duration::as_secs_f64), 6)),
        column("limited_by", Text(|row| if row.way.carried { row.way.limited_by.name() } else { "" })),
    ]
}

/// A direction of a link.
struct LinkRow<'o> {
    link: &'o LinkOutcome,
    through: Option<Through>,
}

fn link_columns<'o>(study: &Study) -> Vec<Column<LinkRow<'o>>> {
    use Field::{Count, Number, Text};
    let mut columns: Vec<Column<LinkRow<'o>>> = vec![
        column("link", Text(|row| &row.link.name)),
        column("direction", Text(|row| row.link.direction.name())),
        column("offered", Count(|row| row.link.counters.offered)),
        column("delivered", Count(|row| row.link.counters.delivered)),
        column("dropped_loss", Count(|row| row.link.counters.dropped_loss)),
        column("dropped_queue", Count(|row| row.link.counters.dropped_queue)),
        column("dropped_aqm", Count(|row| row.link.counters.dropped_aqm)),
        column("marked", Count(|row| row.link.counters.marked)),
        column("dropped_corrupt", Count(|row| row.link.counters.dropped_corrupt)),
        column("duplicated", Count(|row| row.link.counters.duplicated)),
        column("reordered", Count(|row| row.link.counters.reordered)),
        column("utilisation", Number(|row| row.link.utilisation, 6)),
        column("queue_mean_ms", Number(|row| row.link.queue.map(|queue| queue.mean_ms), 3)),
        column("queue_p99_ms", Number(|row| row.link.queue.map(|queue| queue.p99_ms), 3)),
        column("queue_max_ms", Number(|row| row.link.queue.map(|queue| queue.max_ms), 3)),
        column("rate_mbit", Number(|row| row.link.rate_mbit, 6)),
        column("goodput_mbit", Number(|row| row.through.and_then(|through| through.goodput_mbit), 6)),
        column("jain_index", Number(|row| row.through.and_then(|through| through.jain_index), 6)),
    ];
    if study.l4s {
        columns.extend([
            column(
                "l4s_queue_mean_ms",
                Number(|row: &LinkRow<'o>| row.link.l4s_queue.map(|l4s| l4s.mean_ms), 3),
            ),
            column("l4s_queue_p99_ms", Number(|row| row.link.l4s_queue.map(|l4s| l4s.p99_ms), 3)),
            column("l4s_queue_max_ms", Number(|row| row.link.l4s_queue.map(|l4s| l4s.max_ms), 3)),
        ]);
    }
    if study.policed {
        columns.push(column("dropped_policer", Count(|row| row.link.counters.dropped_policer)));
    }
    columns
}

fn check_columns<'o>() -> [Column<(&'o LinkOutcome, &'o Realised)>; 8] {
    use Field::{Number, Text};
    [
        column("link", Text(|(link, _)| &link.name)),
        column("direction", Text(|(link, _)| link.direction.name())),
        column("quantity", Text(|(_, check)| check.quantity)),
        column("configured", Number(|(_, check)| Some(check.configured), 6)),
        column("realised", Number(|(_, check)| Some(check.realised), 6)),
        column("low", Number(|(_, check)| Some(check.low), 6)),
        column("high", Number(|(_, check)| Some(check.high), 6)),
        column(
            "verdict",
            Text(|(_, check)| match check.pass {
                Some(true) => "pass",
                Some(false) => "fail",
                None => "too few",
            }),
        ),
    ]
}

fn trial_row(text: &mut String, prefix: &str, study: &Study, row: &TrialRow<'_>) {
    text.push_str(prefix);
    push(text, row.seed);
    let source = figures::Source::of(row);
    for figure in figures::of_study(study) {
        push_number(text, (figure.value)(&source), figure.decimals);
    }
    text.push('\n');
}

/// `,` and the count.
fn push(text: &mut String, value: u64) {
    let _ = write!(text, ",{value}");
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
    use crate::facts::{Lateness, Outcome};
    use crate::tables::testing::{chat_outcome, study, with_chat};

    fn row(outcome: &Outcome) -> TrialRow<'_> {
        TrialRow { cell: 0, trial: 2, seed: 7, outcome, wall_s: 0.25 }
    }

    #[test]
    fn columns_are_the_contract() {
        let mut study = study(&[("link.access.loss", &["0%", "10%"])]);
        assert_eq!(
            Table::Trials.header(&study),
            "cell,trial,link.access.loss,link.access.loss_percent,seed,goodput_mbit,goodput_up_mbit,goodput_down_mbit,\
             utilisation,jain_index,completion_mean_s,completion_p50_s,completion_p95_s,segments_sent,retransmits,\
             recovery_episodes,timeouts,events,wall_s\n"
        );
        study = with_chat(study);
        assert_eq!(
            Table::Trials.header(&study),
            "cell,trial,link.access.loss,link.access.loss_percent,seed,goodput_mbit,goodput_up_mbit,goodput_down_mbit,\
             utilisation,jain_index,completion_mean_s,completion_p50_s,completion_p95_s,messages_sent,\
             deliveries_expected,deliveries,latency_mean_ms,latency_p50_ms,latency_p90_ms,latency_p99_ms,\
             latency_p999_ms,latency_max_ms,segments_sent,retransmits,recovery_episodes,timeouts,events,wall_s\n"
        );
        assert_eq!(
            Table::Flows.header(&study),
            "cell,trial,link.access.loss,link.access.loss_percent,flow,group,direction,congestion,goodput_mbit,bytes_delivered,\
             segments_sent,retransmits,recovery_episodes,timeouts,srtt_mean_ms,cwnd_mean_bytes,completion_s,\
             limited_by\n"
        );
        assert_eq!(
            Table::Links.header(&study),
            "cell,trial,link.access.loss,link.access.loss_percent,link,direction,offered,delivered,dropped_loss,dropped_queue,\
             dropped_aqm,marked,dropped_corrupt,duplicated,reordered,utilisation,queue_mean_ms,queue_p99_ms,queue_max_ms,rate_mbit,goodput_mbit,jain_index\n"
        );
        study.policed = true;
        assert!(Table::Links.header(&study).ends_with(",jain_index,dropped_policer\n"));
        assert_eq!(
            Table::Realised.header(&study),
            "cell,trial,link.access.loss,link.access.loss_percent,link,direction,quantity,configured,realised,low,high,verdict\n"
        );
    }

    #[test]
    fn every_row_has_the_columns_of_its_header() {
        let mut study = study(&[("queue", &["{ kind = \"droptail\", limit = \"1bdp\" }", "x"])]);
        study = with_chat(study);
        study.live = true;
        let mut outcome = chat_outcome(1, 0.1);
        let span = Duration::from_micros(3);
        outcome.lateness.push(Lateness { kind: "network", count: 7, p50: span, p99: span, max: span });
        for table in Table::of(&study) {
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
