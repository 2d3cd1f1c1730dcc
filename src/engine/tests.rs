//! Worlds of one bulk flow: the engine as a whole.

use std::sync::Arc;

use super::*;
use crate::app::Io;
use crate::link::config::{Delay, LossModel, Queue};
use crate::tcp::Config;
use crate::units::{Probability, Rate};

struct Source;
struct Sink;

impl App for Source {
    fn start(&mut self, io: &mut dyn Io) {
        io.connect();
    }
    fn on_event(&mut self, conn: Conn, event: AppEvent, io: &mut dyn Io) {
        if matches!(event, AppEvent::Connected | AppEvent::Writable) {
            io.write_zeros(conn, u64::MAX);
        }
    }
    fn on_timeout(&mut self, _: &mut dyn Io) {}
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

impl App for Sink {
    fn start(&mut self, _: &mut dyn Io) {}
    fn on_event(&mut self, conn: Conn, event: AppEvent, io: &mut dyn Io) {
        if event == AppEvent::Readable {
            io.discard(conn);
        }
    }
    fn on_timeout(&mut self, _: &mut dyn Io) {}
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

/// One bulk flow over one link, loss on the data direction only.
fn bulk(
    tcp: Config,
    rate: Option<&str>,
    queue: u64,
    rtt_ms: u64,
    loss: f64,
    secs: u64,
    seed: u64,
) -> Outcome {
    let horizon = Instant::ZERO + Duration::from_secs(secs);
    let mut world = World::new(Seed(seed), Instant::ZERO + Duration::from_secs(3), horizon);
    let config = |loss: f64| LinkConfig {
        loss: LossModel::Independent(Probability::new(loss).expect("a probability")),
        delay: Delay { mean: Duration::from_micros(rtt_ms * 500), ..Delay::default() },
        rate: rate.map(|rate| rate.parse::<Rate>().expect("a rate")),
        queue: Queue::Packets(queue),
        ..LinkConfig::default()
    };
    let link = world.add_link("bottleneck", [config(loss), config(0.0)]);
    let instance = world.add_link_instance(link, None);
    let server_app = world.add_server(Box::new(Sink));
    let client = Client {
        name: "bulk-1".into(),
        group: "bulk".into(),
        route: route(&[instance]),
        tcp: Arc::new(tcp),
        server_app,
        bulk: true,
        opened: 0,
        reserved: None,
    };
    world.add_client(client, Box::new(Source), Instant::ZERO);
    world.run(&mut || true).expect("not abandoned")
}

#[test]
fn fills_a_link() {
    let outcome = bulk(Config::default(), Some("10mbit"), 42, 50, 0.0, 33, 1);
    let up = outcome.flows[0].directions[0].as_ref().expect("data");
    let goodput = up.bytes_delivered as f64 * 8e-6 / outcome.measured.as_secs_f64();
    assert!(goodput > 9.4, "{goodput}");
}
