//! `testbed admin --mode monitor`: what a server does, again and again, within 80 columns.

use std::fmt::Write as _;

use serde_json::Value;

use super::output::one_line;
use crate::units::plural;

/// Connections that are shown, the busiest first.
const ROWS: usize = 20;
/// Columns of a terminal.
const WIDTH: usize = 80;

/// A column: its heading, unit included, and its width; the first two are texts.
const COLUMNS: [(&str, usize); 8] = [
    ("client", 22),
    ("name", 12),
    ("in/s", 6),
    ("out/s", 6),
    ("kB/s", 7),
    ("RTT ms", 6),
    ("queue kB", 8),
    ("retx", 5),
];

/// A look at a server, beside the one before, if the server is still the same; `time` is the wall
/// clock's.
pub fn screen(time: &str, address: &str, now: &Value, before: Option<&Value>) -> String {
    let uptime = |reply: &Value| reply["uptime"].as_f64().unwrap_or_default();
    // A server that has run for a shorter time than before is another one.
    let before = before.filter(|before| uptime(before) < uptime(now));
    let span = before.map(|before| uptime(now) - uptime(before));
    let rate = |now: &Value, before: Option<&Value>, keys: &[&str]| -> Option<f64> {
        let sum = |reply: &Value| keys.iter().filter_map(|key| reply[key].as_f64()).sum::<f64>();
        keys.iter().any(|key| now[key].is_number()).then_some(())?;
        Some((sum(now) - before.map(sum)?).max(0.0) / span?)
    };
    let number = |key: &str| now[key].as_u64().unwrap_or_default();
    let mut text = format!("{time}  {address}  up {}\n", clock(uptime(now)));
    let network = now["network"]["description"].as_str().unwrap_or("none: clients are connected directly");
    text.push_str(&under("network  ", &one_line(network)));
    let people = match now["people"].as_u64() {
        Some(1) => ", 1 person".to_owned(),
        Some(n) => format!(", {n} people"),
        None => String::new(),
    };
    let messages = if now["total_messages"].is_number() {
        format!(
            ", {} messages/s in, {} out",
            figure(rate(now, before, &["total_messages"]), 1.0),
            figure(rate(now, before, &["messages_delivered"]), 1.0)
        )
    } else {
        String::new()
    };
    let bytes = figure(rate(now, before, &["bytes_transferred"]), 1e-3);
    let open = plural(number("connected_clients"), "connection");
    let _ = writeln!(text, "now      {open}{people}{messages}, {bytes} kB/s\n");
    let mut rows: Vec<(f64, String)> = Vec::new();
    for (id, client) in now["client_details"].as_object().into_iter().flatten() {
        let earlier = before.and_then(|before| before["client_details"].get(id));
        let bytes = rate(client, earlier, &["bytes_in", "bytes_out"]);
        let cells = [
            one_line(id),
            client["username"].as_str().map_or_else(|| "-".to_owned(), one_line),
            figure(rate(client, earlier, &["messages_in"]), 1.0),
            figure(rate(client, earlier, &["messages_out"]), 1.0),
            figure(bytes, 1e-3),
            figure(client["rtt"].as_f64(), 1e3),
            figure(client["queue_bytes"].as_f64(), 1e-3),
            client["retransmissions"].as_u64().map_or_else(|| "-".to_owned(), |n| n.to_string()),
        ];
        rows.push((bytes.unwrap_or_default(), line(&cells)));
    }
    if rows.is_empty() {
        text.push_str("nobody is connected\n");
        return text;
    }
    text.push_str(&line(&COLUMNS.map(|(heading, _)| heading.to_owned())));
    rows.sort_by(|one, other| other.0.total_cmp(&one.0));
    for (_, row) in rows.iter().take(ROWS) {
        text.push_str(row);
    }
    if let Some(more) = rows.len().checked_sub(ROWS).filter(|&more| more > 0) {
        let _ = writeln!(text, "and {more} more; `testbed admin clients` lists all");
    }
    text
}

/// Cells of a row, the texts to the left and cut to their widths.
fn line(cells: &[String; 8]) -> String {
    let mut line = String::new();
    for (n, (cell, (_, width))) in cells.iter().zip(COLUMNS).enumerate() {
        let cut = match cell.chars().count() {
            length if length > width => cell.chars().take(width - 1).chain(['…']).collect(),
            _ => cell.clone(),
        };
        let _ = if n < 2 { write!(line, "{cut:<width$} ") } else { write!(line, "{cut:>width$} ") };
    }
    format!("{}\n", line.trim_end())
}

/// A figure in its unit; none is a dash.
fn figure(value: Option<f64>, unit: f64) -> String {
    match value.map(|value| value * unit) {
        None => "-".to_owned(),
        Some(value) if value >= 1_000.0 => format!("{value:.0}"),
        Some(value) => format!("{value:.1}"),
    }
}

/// Seconds as hours, minutes and seconds.
fn clock(seconds: f64) -> String {
    let seconds = seconds as u64;
    format!("{} h {:02} min {:02} s", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// Words after a heading, in lines that fit.
fn under(heading: &str, words: &str) -> String {
    let indent = " ".repeat(heading.chars().count());
    let options = crate::tables::wrapping(WIDTH).initial_indent(heading).subsequent_indent(&indent);
    textwrap::fill(words, options) + "\n"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(uptime: f64, messages: u64, bytes: u64) -> Value {
        json!({
            "connected_clients": 1, "people": 1, "uptime": uptime,
            "total_messages": messages, "messages_delivered": 0, "bytes_transferred": bytes,
            "network": { "description": format!("10% loss, 50ms delay{} each way; TCP with reno", ", 1% duplicated".repeat(5)) },
            "client_details": { "client_1795210063_3201": {
                "username": "a name that is far too long for its column", "messages_in": messages,
                "messages_out": 0, "bytes_in": bytes, "bytes_out": 0, "rtt": 0.1, "queue_bytes": 12_000,
                "retransmissions": 3,
            }},
        })
    }

    #[test]
    fn a_screen_has_rates_latency_and_units_within_80_columns() {
        let (before, now) = (reply(10.0, 100, 1_000), reply(15.0, 150, 51_000));
        let text = screen("12:30:05", "127.0.0.1:8889", &now, Some(&before));
        for words in ["12:30:05", "up 0 h 00 min 15 s", "10% loss", "10.0 messages/s in", "10.0 kB/s"] {
            assert!(text.contains(words), "{words}:\n{text}");
        }
        let row = text.lines().last().expect("a row");
        assert_eq!(
            row.split_whitespace().rev().take(6).collect::<Vec<_>>(),
            ["3", "12.0", "100.0", "10.0", "0.0", "10.0"]
        );
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    }

    #[test]
    fn a_server_that_began_anew_has_no_rates_yet() {
        let (before, now) = (reply(1_000.0, 100, 1_000), reply(1.0, 5, 10));
        let text = screen("12:30:05", "127.0.0.1:8889", &now, Some(&before));
        assert!(text.contains("- messages/s in") && !text.contains("-9"), "{text}");
    }
}
