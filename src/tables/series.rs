//! The series of a trial as CSV. A long trial has millions of rows, so they are formatted from
//! integers into one buffer that is handed on in large pieces.

use std::path::PathBuf;

use super::kind::{self, Columns, Kind};
use super::rows::{key_columns, key_values};
use super::study::{Study, TrialRow};
use crate::facts::{FlowEvent, FlowSample, LinkSample, Outcome, Series};
use crate::time::{Duration, Instant};
use crate::units::Rate;

/// The files of a trial.
pub const FILES: [&str; 3] = ["flows.csv", "links.csv", "events.csv"];

/// Columns of the files beside those of the trial.
const FLOWS: [(&str, Kind); 14] = [
    ("time_s", Kind::Number),
    ("flow", Kind::Text),
    ("direction", Kind::Text),
    ("cwnd_bytes", Kind::Integer),
    ("ssthresh_bytes", Kind::Integer),
    ("flight_bytes", Kind::Integer),
    ("srtt_ms", Kind::Number),
    ("rto_ms", Kind::Number),
    ("phase", Kind::Text),
    ("delivered_bytes", Kind::Integer),
    ("received_bytes", Kind::Integer),
    ("pacing_mbit", Kind::Number),
    ("bandwidth_mbit", Kind::Number),
    ("min_rtt_ms", Kind::Number),
];
/// Of a trial in which a controller counts marks.
const MARKS: [(&str, Kind); 2] = [("alpha", Kind::Number), ("marked_fraction", Kind::Number)];
const LINKS: [(&str, Kind); 7] = [
    ("time_s", Kind::Number),
    ("link", Kind::Text),
    ("direction", Kind::Text),
    ("backlog_bytes", Kind::Integer),
    ("backlog_packets", Kind::Integer),
    ("drops", Kind::Integer),
    ("marks", Kind::Integer),
];
/// Of a trial in which a link's capacity varies.
const CAPACITY: [(&str, Kind); 1] = [("capacity_bytes", Kind::Integer)];
const EVENTS: [(&str, Kind); 4] =
    [("time_s", Kind::Number), ("flow", Kind::Text), ("direction", Kind::Text), ("event", Kind::Text)];

/// Bytes after which the buffer goes to the file.
const CHUNK: usize = 256 * 1024;

/// Folder of the series of a trial, below the result folder.
pub fn folder(study: &Study, cell: usize, trial: u32) -> PathBuf {
    study.trial_path("series", cell, trial)
}

/// The columns that one of the [`FILES`] has, or without the `others` those of every trial.
pub fn columns(file: &str, study: &Study, others: bool) -> Columns {
    let [flows, links, _] = FILES;
    debug_assert!(FILES.contains(&file), "a trial has no other series than {FILES:?}");
    let (own, more): (&[_], &[_]) = match file {
        _ if file == flows => (&FLOWS, &MARKS),
        _ if file == links => (&LINKS, &CAPACITY),
        _ => (&EVENTS, &[]),
    };
    [key_columns(study), kind::columns(own), kind::columns(if others { more } else { &[] })].concat()
}

/// Hands the bytes of one of the [`FILES`] of a trial on in large pieces.
pub fn write<E>(
    file: &str,
    study: &Study,
    row: &TrialRow<'_>,
    series: &Series,
    put: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let [flows, links, _] = FILES;
    let outcome = row.outcome;
    let key = key_values(study, row) + ",";
    let header = |others: bool| kind::header(&columns(file, study, others));
    if file == flows {
        let counts_marks = series.flows.iter().any(|sample| sample.sender.beliefs.alpha.is_some());
        write_rows(put, &header(counts_marks), &key, &series.flows, |out, sample| {
            flow_row(out, outcome, sample);
            if counts_marks {
                fraction(out, sample.sender.beliefs.alpha);
                fraction(out, sample.sender.beliefs.marked);
            }
            out.push(b'\n');
        })
    } else if file == links {
        let capacity = series.links.iter().any(|sample| sample.capacity.is_some());
        write_rows(put, &header(capacity), &key, &series.links, |out, sample| {
            link_row(out, outcome, sample);
            if capacity {
                optional(out, sample.capacity);
            }
            out.push(b'\n');
        })
    } else {
        write_rows(put, &header(false), &key, &series.events, |out, event| event_row(out, outcome, event))
    }
}

fn write_rows<T, E>(
    mut put: impl FnMut(&[u8]) -> Result<(), E>,
    header: &str,
    key: &str,
    rows: &[T],
    mut format: impl FnMut(&mut Vec<u8>, &T),
) -> Result<(), E> {
    let mut out = Vec::with_capacity(CHUNK + 512);
    out.extend_from_slice(header.as_bytes());
    for row in rows {
        out.extend_from_slice(key.as_bytes());
        format(&mut out, row);
        if out.len() >= CHUNK {
            put(&out)?;
            out.clear();
        }
    }
    put(&out)
}

fn flow_row(out: &mut Vec<u8>, outcome: &Outcome, sample: &FlowSample) {
    let sender = &sample.sender;
    time(out, sample.time);
    text(out, flow_name(outcome, sample.flow));
    text(out, sample.direction.name());
    optional(out, sender.window());
    optional(out, sender.ssthresh);
    number(out, sender.flight);
    match sender.srtt {
        Some(srtt) => millis(out, srtt),
        None => out.push(b','),
    }
    millis(out, sender.rto);
    text(out, sender.phase.name());
    number(out, sample.delivered);
    number(out, sample.arrived);
    mbit(out, sender.pacing);
    mbit(out, sender.beliefs.bandwidth);
    match sender.beliefs.min_rtt {
        Some(rtt) => millis(out, rtt),
        None => out.push(b','),
    }
}

fn link_row(out: &mut Vec<u8>, outcome: &Outcome, sample: &LinkSample) {
    let Some(link) = outcome.links.get(sample.link as usize) else {
        debug_assert!(false, "a sample of a link that does not exist");
        return;
    };
    time(out, sample.time);
    text(out, &link.name);
    text(out, link.direction.name());
    number(out, sample.backlog_bytes);
    number(out, sample.backlog_packets);
    number(out, sample.drops);
    number(out, sample.marks);
}

fn event_row(out: &mut Vec<u8>, outcome: &Outcome, event: &FlowEvent) {
    time(out, event.time);
    text(out, flow_name(outcome, event.flow));
    text(out, event.direction.name());
    text(out, event.kind.name());
    out.push(b'\n');
}

fn flow_name(outcome: &Outcome, flow: u32) -> &str {
    outcome.flows.get(flow as usize).map_or("", |flow| flow.name.as_str())
}

/// Seconds with six decimals; nanoseconds below are cut off.
fn time(out: &mut Vec<u8>, at: Instant) {
    fixed(out, at.as_nanos() / 1_000, 1_000_000, 6);
}

/// `,` and milliseconds with three decimals.
fn millis(out: &mut Vec<u8>, span: Duration) {
    out.push(b',');
    fixed(out, span.as_nanos() / 1_000, 1_000, 3);
}

/// `,` and Mbit/s with three decimals, if there is a rate.
fn mbit(out: &mut Vec<u8>, rate: Option<Rate>) {
    out.push(b',');
    if let Some(rate) = rate {
        fixed(out, rate.bits_per_second() / 1_000, 1_000, 3);
    }
}

/// `,` and a number from 0 to 1 with six decimals, if there is one.
fn fraction(out: &mut Vec<u8>, value: Option<f64>) {
    out.push(b',');
    if let Some(value) = value {
        fixed(out, (value * 1e6).round() as u64, 1_000_000, 6);
    }
}

fn fixed(out: &mut Vec<u8>, value: u64, scale: u64, decimals: usize) {
    digits(out, value / scale, 1);
    out.push(b'.');
    digits(out, value % scale, decimals);
}

fn optional(out: &mut Vec<u8>, value: Option<u64>) {
    match value {
        Some(value) => number(out, value),
        None => out.push(b','),
    }
}

fn number(out: &mut Vec<u8>, value: u64) {
    out.push(b',');
    digits(out, value, 1);
}

/// `value` in decimal, with zeros in front up to `width` digits.
fn digits(out: &mut Vec<u8>, mut value: u64, width: usize) {
    let mut buffer = [b'0'; 20];
    let mut start = buffer.len();
    while value > 0 {
        start -= 1;
        buffer[start] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&buffer[start.min(buffer.len() - width)..]);
}

fn text(out: &mut Vec<u8>, value: &str) {
    // Names of groups are the author's own, and may need quotes.
    if value.bytes().any(|b| matches!(b, b',' | b'"') || b.is_ascii_control()) {
        let mut quoted = String::new();
        super::rows::push_field(&mut quoted, value);
        out.extend_from_slice(quoted.as_bytes());
    } else {
        out.push(b',');
        out.extend_from_slice(value.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::testing::{bulk_outcome, study};

    #[test]
    fn numbers_are_printed_as_write_would() {
        let mut out = Vec::new();
        time(&mut out, Instant::from_nanos(12_034_567_891));
        millis(&mut out, Duration::from_nanos(1_000));
        number(&mut out, u64::MAX);
        number(&mut out, 0);
        assert_eq!(out, b"12.034567,0.001,18446744073709551615,0");
    }

    fn text_of(file: &str, outcome: &Outcome, series: &Series) -> String {
        let mut bytes = Vec::new();
        let put = |piece: &[u8]| -> Result<(), std::convert::Infallible> {
            bytes.extend_from_slice(piece);
            Ok(())
        };
        let study = study(&[("link.a.delay", &["10ms", "20ms"])]);
        let row = TrialRow { cell: 1, trial: 3, seed: 1, outcome, wall_s: 0.0 };
        write(file, &study, &row, series, put).expect("memory takes all");
        String::from_utf8(bytes).expect("a text")
    }

    #[test]
    fn series_have_their_columns() {
        let outcome = bulk_outcome(1, "reno", 0.01);
        let series = outcome.series.as_ref().expect("the builder samples");
        let flows = text_of("flows.csv", &outcome, series);
        assert_eq!(
            flows.lines().next(),
            Some(
                "cell,trial,link.a.delay,link.a.delay_ms,time_s,flow,direction,cwnd_bytes,ssthresh_bytes,flight_bytes,srtt_ms,rto_ms,phase,\
                 delivered_bytes,received_bytes,pacing_mbit,bandwidth_mbit,min_rtt_ms"
            )
        );
        assert_eq!(flows.lines().count(), series.flows.len() + 1);
        assert!(flows.lines().all(|line| line.split(',').count() == 18));
        assert!(flows.lines().skip(1).all(|line| line.starts_with("1,3,20ms,20,")));
        let links = text_of("links.csv", &outcome, series);
        assert!(links.contains("_ms,time_s,link,direction,backlog_bytes,backlog_packets,drops,marks\n"));
        assert!(text_of("events.csv", &outcome, series).contains("_ms,time_s,flow,direction,event\n"));
        // Capacity is a column where a link has one that varies, and empty for the others.
        let mut varied = series.clone();
        varied.links[1].capacity = Some(7);
        let links = text_of("links.csv", &outcome, &varied);
        let ends: Vec<&str> = links.lines().take(3).filter_map(|line| line.rsplit(',').next()).collect();
        assert_eq!(ends, ["capacity_bytes", "", "7"]);
        // Shares of marks are columns where a controller counts them.
        let mut counted = series.clone();
        counted.flows[1].sender.beliefs.alpha = Some(0.0625);
        let flows = text_of("flows.csv", &outcome, &counted);
        let ends: Vec<&str> = flows.lines().take(3).filter_map(|line| line.splitn(19, ',').last()).collect();
        assert_eq!(ends, ["alpha,marked_fraction", ",", "0.062500,"]);
    }
}
