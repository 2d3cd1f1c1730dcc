//! The server's figures in the text format of Prometheus (version 0.0.4), or of OpenMetrics (1.0.0) where that is
//! asked for.

use std::fmt::{Display, Write as _};

use cpu_time::ProcessTime;

use super::Desk;
use crate::live::lateness;
use crate::live::server::ClientInfo;
use crate::time::Duration;

/// Format of the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    #[default]
    Prometheus,
    OpenMetrics,
}

impl Format {
    /// The one that the lines `Accept` of a request ask for.
    pub fn of<'a>(mut accepted: impl Iterator<Item = &'a str>) -> Format {
        let is_open = accepted.any(|line| line.contains("application/openmetrics-text"));
        if is_open { Format::OpenMetrics } else { Format::Prometheus }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Format::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Connections with figures of their own: the oldest, because each is a series that is kept.
const CONNECTIONS: usize = 100;

/// A text that grows by metrics.
struct Text {
    text: String,
    format: Format,
}

impl Text {
    /// Lines before the samples of a metric. In OpenMetrics the ending of a counter belongs to its samples alone.
    fn announce(&mut self, name: &str, kind: &str, help: &str) {
        let name = if self.format == Format::OpenMetrics { name.trim_end_matches("_total") } else { name };
        // Writing into memory cannot fail.
        let _ = writeln!(self.text, "# HELP testbed_{name} {help}\n# TYPE testbed_{name} {kind}");
    }

    fn metric<V: Display>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        samples: impl Iterator<Item = (String, V)>,
    ) {
        self.announce(name, kind, help);
        for (labels, value) in samples {
            let _ = writeln!(self.text, "testbed_{name}{labels} {value}");
        }
    }

    /// A histogram: the number of each bucket, with its upper border, and the sum of all values.
    fn histogram(
        &mut self,
        name: &str,
        help: &str,
        buckets: impl Iterator<Item = (Option<Duration>, u64)>,
        sum_s: f64,
    ) {
        self.announce(name, "histogram", help);
        let mut count = 0;
        for (border, more) in buckets {
            count += more;
            let border =
                border.map_or("+Inf".to_owned(), |border: Duration| border.as_secs_f64().to_string());
            let _ = writeln!(self.text, "testbed_{name}_bucket{{le=\"{border}\"}} {count}");
        }
        let _ = writeln!(self.text, "testbed_{name}_sum {sum_s}\ntestbed_{name}_count {count}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.metric(name, kind, help, std::iter::once((String::new(), value)));
    }
}

/// All figures as they are now.
pub(super) async fn text(desk: &Desk, format: Format) -> String {
    let statistics = match &desk.admin.network {
        Some(network) => network.statistics().await.ok(),
        None => None,
    };
    let (totals, clients, rooms) = {
        let hub = desk.hub.borrow();
        (hub.totals(), hub.clients(), hub.rooms().count())
    };
    let used = ProcessTime::now().as_duration();
    let mut text = Text { text: String::new(), format };
    text.one("uptime_seconds", "gauge", "Time since the server began.", totals.uptime.as_secs_f64());
    text.one("people", "gauge", "People who have joined.", totals.people);
    text.one("connections", "gauge", "Open connections.", totals.open);
    text.one("rooms", "gauge", "Rooms.", rooms);
    text.one("requests_total", "counter", "Requests understood.", totals.count.requests);
    text.one("messages_sent_total", "counter", "Messages written to clients.", totals.count.messages_out);
    text.one("received_bytes_total", "counter", "Bytes read from clients.", totals.count.bytes_in);
    text.one("sent_bytes_total", "counter", "Bytes written to clients.", totals.count.bytes_out);
    text.one("cpu_seconds_total", "counter", "Processor time of the server.", used.as_secs_f64());
    if let Some(memory) = resident() {
        text.one("memory_bytes", "gauge", "Memory of the server that is resident.", memory);
    }
    let waiting: usize = clients.iter().map(|client| client.backlog).sum();
    text.one("queue_bytes", "gauge", "Bytes that wait to be written or acknowledged.", waiting);
    let (help, latency) = ("Time from what somebody says until it is written to a hearer.", totals.latency);
    text.histogram("delivery_latency_seconds", help, latency.buckets(), latency.sum_s());
    if let Some(statistics) = &statistics {
        text.one(
            "network_packets_total",
            "counter",
            "Packets that crossed the emulated network.",
            statistics.packets,
        );
        text.one("network_dropped_total", "counter", "Packets that it dropped.", statistics.dropped);
        let paths = || {
            let number = |path: u64| statistics.connections.iter().find(|(other, _)| *other == path);
            let of = move |client: &ClientInfo| Some((labels(client), number(client.path?)?.1[1].clone()));
            clients.iter().filter_map(of).take(CONNECTIONS)
        };
        let window = paths().filter_map(|(labels, end)| Some((labels, end.snapshot.window()?)));
        text.metric("cwnd_bytes", "gauge", "Congestion window of the server's end of a path.", window);
        let rtt = paths().filter_map(|(labels, end)| Some((labels, end.snapshot.srtt?.as_secs_f64())));
        text.metric("srtt_seconds", "gauge", "Smoothed round trip of a path.", rtt);
        let sent_again = paths().map(|(labels, end)| (labels, end.stats.retransmits));
        text.metric("retransmissions_total", "counter", "Segments sent again on a path.", sent_again);
        let late = lateness::buckets(&statistics.lateness).into_iter();
        let sum_s = statistics.lateness.mean() * statistics.lateness.len() as f64 / 1e9;
        text.histogram("lateness_seconds", "Lateness of the emulated network's events.", late, sum_s);
    }
    if format == Format::OpenMetrics {
        text.text += "# EOF\n";
    }
    text.text
}

/// Bytes of this process in memory, where the system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim_end_matches("kB").trim().parse::<u64>().ok()? * 1_024)
}

/// Labels of a connection: its number and its dialect. A person's name would be a series of its own for each,
/// and is nobody's business.
fn labels(client: &ClientInfo) -> String {
    format!("{{client=\"{}\",dialect=\"{}\"}}", client.id, client.dialect)
}
