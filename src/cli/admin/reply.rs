//! Replies of a server, as people read them.

use std::fmt::Write as _;

use serde_json::Value;

use super::super::output::printable;
use super::Command;
use crate::units::plural;

/// A reply as people read it.
pub fn rendered(command: &Command, reply: &Value) -> String {
    match command {
        Command::Stats => {
            let number = |name: &str| reply[name].as_u64().unwrap_or_default();
            let mut text = format!(
                "{}, {}, up {:.0} s, {} in, {} delivered, {} bytes\n",
                plural(number("connected_clients"), "connection"),
                match number("people") {
                    1 => "1 person".to_owned(),
                    n => format!("{n} people"),
                },
                reply["uptime"].as_f64().unwrap_or_default(),
                plural(number("total_messages"), "message"),
                number("messages_delivered"),
                number("bytes_transferred"),
            );
            let clients: Vec<&Value> =
                reply["client_details"].as_object().map(|map| map.values().collect()).unwrap_or_default();
            text += &table(CLIENTS, &clients, "nobody is connected");
            text
        }
        Command::Clients => table(CLIENTS, &list(&reply["clients"]), "nobody is connected"),
        Command::Rooms => table(ROOMS, &list(&reply["rooms"]), "there are no rooms"),
        Command::Log => log(&reply["lines"]),
        _ => format!("{}\n", printable(reply["message"].as_str().unwrap_or("done"))),
    }
}

/// Lines of a log.
fn log(lines: &Value) -> String {
    let lines = lines.as_array().into_iter().flatten().filter_map(Value::as_str);
    let text: String = lines.map(|line| format!("{}\n", printable(line))).collect();
    if text.is_empty() { "the log is empty\n".to_owned() } else { text }
}

/// The member of a reply, and what stands above it.
type Column = (&'static str, &'static str);

const ROOMS: &[Column] = &[
    ("room", "room"),
    ("private", "private"),
    ("owner", "owner"),
    ("members", "members here"),
    ("away", "away"),
    ("invited", "invited"),
];

const CLIENTS: &[Column] = &[
    ("id", "client"),
    ("username", "name"),
    ("dialect", "dialect"),
    ("address", "address"),
    ("messages_in", "in"),
    ("messages_out", "out"),
    ("bytes_in", "B in"),
    ("bytes_out", "B out"),
    ("queue_bytes", "queue B"),
    ("rtt", "RTT s"),
    ("congestion_window", "cwnd"),
    ("ssthresh", "ssthresh"),
    ("rto", "RTO s"),
    ("retransmissions", "retx"),
    ("state", "state"),
    ("network", "own network"),
];

fn list(values: &Value) -> Vec<&Value> {
    values.as_array().map(|list| list.iter().collect()).unwrap_or_default()
}

/// A line for each of `lines`, or `none` if there are none.
fn table(columns: &[Column], lines: &[&Value], none: &str) -> String {
    if lines.is_empty() {
        return format!("{none}\n");
    }
    let cell = |line: &Value, key: &str| match &line[key] {
        Value::Null => "-".to_owned(),
        Value::Bool(is) => if *is { "yes" } else { "no" }.to_owned(),
        Value::String(words) => words.escape_debug().to_string(),
        Value::Number(number) if number.is_f64() => format!("{:.3}", number.as_f64().unwrap_or_default()),
        other => other.to_string(),
    };
    let rows: Vec<Vec<String>> =
        std::iter::once(columns.iter().map(|(_, head)| (*head).to_owned()).collect())
            .chain(lines.iter().map(|line| columns.iter().map(|(key, _)| cell(line, key)).collect()))
            .collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in rows {
        let line: Vec<String> =
            row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "{}", line.join("  ").trim_end());
    }
    text
}
