//! `testbed proxy`: any TCP server behind an emulated network.

use std::fmt::Write as _;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use clap::Args;
use hdrhistogram::Histogram;
use serde_json::json;
use tokio::task::LocalSet;

use super::network::{self, ADMIN_HELP, admin_unusable, resolve, unusable};
use super::output::{Failure, print};
use crate::live::admin;
use crate::live::gateway::{Gateway, MEMORY, Options, Statistics};
use crate::live::lateness::buckets;
use crate::live::proxy::{Count, MAX_CONNECTIONS, Proxy};
use crate::time::Duration;
use crate::units::{Bytes, plural};

/// Put any TCP server behind an emulated network
///
/// Clients connect to LISTEN and reach UPSTREAM over a TCP connection of the testbed's own, whose
/// segments are lost, delayed and sent again as the options say. Ends with Ctrl-C and says what it did.
#[derive(Debug, Args)]
pub struct ProxyCommand {
    /// Address at which clients connect, e. g. 127.0.0.1:9000
    #[arg(value_parser = network::host_and_port)]
    listen: String,
    /// The server, e. g. localhost:80
    #[arg(value_parser = network::host_and_port)]
    upstream: String,
    #[command(flatten)]
    network: Options,
    #[command(flatten)]
    capture: network::Capture,
    /// Address at which administrators connect, e. g. 127.0.0.1:8889: `testbed admin simulate 2% 100ms` changes the
    /// network while it runs; without this, nobody can
    #[arg(long, value_name = "ADDR", value_parser = network::host_and_port)]
    admin: Option<String>,
    /// Token that admin clients must send; needed at any address but this machine's own
    #[arg(
        long,
        value_name = "TOKEN",
        env = "TESTBED_ADMIN_TOKEN",
        hide_env_values = true,
        requires = "admin",
        value_parser = network::token
    )]
    admin_token: Option<String>,
    /// Maximum number of connections carried at once; further ones are reset
    #[arg(
        long,
        value_name = "N",
        default_value_t = MAX_CONNECTIONS,
        value_parser = network::some::<usize>
    )]
    max_connections: usize,
    /// Memory for bytes under way over all connections, which slow readers share; each direction of a
    /// connection may always use 64KiB
    #[arg(long, value_name = "SIZE", default_value_t = MEMORY, value_parser = network::some::<Bytes>)]
    max_memory: Bytes,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
    /// Level of the log on stderr: error, warn, info, debug, or a filter by module
    #[arg(long, value_name = "FILTER", default_value = "warn")]
    log: String,
}

const LISTEN_HELP: &str = "choose another address for LISTEN";

impl ProxyCommand {
    /// Carries connections until it is ended.
    pub fn execute(self) -> Result<(), Failure> {
        let log = super::logging::start(&self.log, false, None)?;
        // Two sockets each. A connection that could be accepted but not carried on is better turned away.
        let sockets = super::logging::raise_open_files(self.max_connections.saturating_mul(2));
        let max_connections = self.max_connections.min(sockets / 2).max(1);
        resolve("LISTEN", &self.listen, LISTEN_HELP)?;
        if let Some(address) = &self.admin {
            resolve("--admin", address, ADMIN_HELP)?;
        }
        let conditions = network::conditions(&self.network)?;
        let recording = self.capture.recording(true)?;
        let gateway = Gateway::start_recording(&conditions, self.max_memory, recording)
            .map_err(|error| Failure::other(format!("cannot start a thread: {error}"), ""))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::other(format!("cannot start: {error}"), ""))?;
        let stop = super::network::stop_on_signals()?;
        let (count, statistics) = LocalSet::new().block_on(&runtime, async {
            let failed = |error: std::io::Error| unusable(&error, LISTEN_HELP);
            let proxy = Proxy::bind(&self.listen, &self.upstream, gateway.clone()).await.map_err(failed)?;
            let proxy = proxy.with_max_connections(max_connections);
            let address = proxy.address().map_err(failed)?;
            let admin = match &self.admin {
                Some(address) => {
                    let bound = admin::bind(address, self.admin_token.as_deref()).await;
                    Some(bound.map_err(|error| admin_unusable(&error))?)
                }
                None => None,
            };
            eprintln!("{address} → {} over {}", self.upstream, conditions.describe());
            if let Some(listener) = admin {
                eprintln!("admin at {}", listener.local_addr().map_err(failed)?);
                let network = Some((conditions.clone(), gateway.clone()));
                let admin = admin::Admin::new(None, self.admin_token, stop.clone(), network).with_log(log);
                tokio::task::spawn_local(admin::serve(Rc::new(admin), listener));
            }
            let count = proxy.run(stop.subscribe()).await;
            let statistics = gateway.statistics().await.map_err(|error| failed(error.into()))?;
            let recorded = gateway.end_recording().await.map_err(|error| failed(error.into()))?;
            self.capture.report(recorded);
            Ok::<_, Failure>((count, statistics))
        })?;
        print(&if self.json { as_json(&count, &statistics) } else { as_text(&count, &statistics) })
    }
}

const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)];

fn as_text(count: &Count, statistics: &Statistics) -> String {
    format!(
        "{} ({} could not be carried on, {} more refused as too many), {} bytes up, {} bytes down\n\
         {} packets arrived, {} were dropped\n{}",
        plural(count.connections.load(Ordering::Relaxed), "connection"),
        count.refused.load(Ordering::Relaxed),
        count.turned_away.load(Ordering::Relaxed),
        statistics.bytes[0],
        statistics.bytes[1],
        statistics.packets,
        statistics.dropped,
        lateness_as_text(&statistics.lateness),
    )
}

/// Quantiles, and below them how many instants were how late.
fn lateness_as_text(lateness: &Histogram<u64>) -> String {
    if lateness.is_empty() {
        return "nothing happened that could have been late\n".to_owned();
    }
    let quantile =
        |&(name, at): &(&str, f64)| format!("{name} {:.0}us", lateness.value_at_quantile(at) as f64 / 1e3);
    let quantiles: Vec<String> = QUANTILES.iter().map(quantile).collect();
    let mut text = format!("lateness of {} instants: {}\n", lateness.len(), quantiles.join(", "));
    let mut before = String::new();
    for (border, count) in buckets(lateness) {
        let name = border.map_or(before, |border| format!("up to {border}"));
        let share = count as f64 / lateness.len() as f64 * 100.0;
        let _ = writeln!(text, "{name:>14} {count:>10} {share:>6.2} %");
        before = border.map(|border| format!("beyond {border}")).unwrap_or_default();
    }
    text
}

fn as_json(count: &Count, statistics: &Statistics) -> String {
    let late = &statistics.lateness;
    let micros = |quantile| (!late.is_empty()).then(|| late.value_at_quantile(quantile) as f64 / 1e3);
    let mut lateness: serde_json::Map<String, serde_json::Value> =
        QUANTILES.iter().map(|&(name, quantile)| (format!("{name}_us"), json!(micros(quantile)))).collect();
    lateness.insert("count".to_owned(), json!(late.len()));
    let bucket = |(border, count): (Option<Duration>, u64)| json!({ "up_to_us": border.map(|border| border.as_nanos() / 1_000), "count": count });
    lateness.insert("buckets".to_owned(), buckets(late).into_iter().map(bucket).collect());
    let value = json!({
        "connections": count.connections.load(Ordering::Relaxed),
        "refused": count.refused.load(Ordering::Relaxed),
        "turned_away": count.turned_away.load(Ordering::Relaxed),
        "bytes_up": statistics.bytes[0],
        "bytes_down": statistics.bytes[1],
        "packets": statistics.packets,
        "dropped": statistics.dropped,
        "lateness": lateness,
    });
    format!("{value:#}\n")
}
