//! The emulated path on the wall clock: how many packets a second it carries, and how late they are.
//! `cargo bench --bench gateway`. Bytes go through the world's connections without sockets around
//! them, so that the figures are the gateway's own.
//!
//! A line for each load: packets a second that reached an end, and by how much later than due the
//! world's events ran. Lateness is what an emulator adds to the delays that it was asked for.

use std::time::{Duration, Instant};

use testbed::live::gateway::{Gateway, Options, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Name, options, connections that send side by side, and for how long.
type Load = (&'static str, Options, usize, Duration);

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    println!(
        "{:34} {:>11} {:>11} {:>9} {:>9} {:>9}",
        "load", "packets/s", "Mbit/s", "p50 us", "p99 us", "max us"
    );
    for load in loads() {
        runtime.block_on(measure(load));
    }
}

fn loads() -> Vec<Load> {
    let option = |text: &str| Some(text.to_owned());
    let rated = |rate: &str| Options { delay: option("5ms"), rate: option(rate), ..Options::default() };
    let seconds = Duration::from_secs(4);
    vec![
        ("one transfer, 8 Mbit/s", rated("8mbit"), 1, seconds),
        ("two transfers, 40 Mbit/s each", rated("40mbit"), 2, seconds),
        ("two transfers, 80 Mbit/s each", rated("80mbit"), 2, seconds),
        ("one, no rate, 1 ms", Options { delay: option("1ms"), ..Options::default() }, 1, seconds),
        ("four, no rate, 1 ms", Options { delay: option("1ms"), ..Options::default() }, 4, seconds),
    ]
}

async fn measure((name, options, transfers, span): Load) {
    let conditions = options.conditions(None).expect("sound conditions");
    let gateway = Gateway::start(&conditions).expect("a thread");
    let mut tasks = tokio::task::JoinSet::new();
    let until = now() + span;
    for _ in 0..transfers {
        let [near, far] = gateway.open().await.expect("a world");
        tasks.spawn(send(near, until));
        tasks.spawn(receive(far));
    }
    while tasks.join_next().await.is_some() {}
    let statistics = gateway.statistics().await.expect("a world");
    let seconds = span.as_secs_f64();
    let late = |quantile: f64| statistics.lateness.value_at_quantile(quantile) as f64 / 1e3;
    println!(
        "{name:34} {:11.0} {:11.1} {:9.1} {:9.1} {:9.1}",
        statistics.packets as f64 / seconds,
        statistics.bytes[0] as f64 * 8e-6 / seconds,
        late(0.5),
        late(0.99),
        late(1.0),
    );
}

async fn send(mut stream: Stream, until: Instant) {
    let zeros = vec![0; 16 * 1024];
    while now() < until && stream.write_all(&zeros).await.is_ok() {}
    let _ = stream.shutdown().await;
}

async fn receive(mut stream: Stream) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(1..) = stream.read(&mut buffer).await {}
    let _ = stream.shutdown().await;
}

#[expect(clippy::disallowed_methods, reason = "this measures the wall clock")]
fn now() -> Instant {
    Instant::now()
}
