//! Worlds of one bulk flow: the engine as a whole.

use std::sync::Arc;

use super::*;
use crate::app::Io;
use crate::congestion::Choice;
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
pub fn bulk(
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
        connections: Connections::default(),
    };
    world.add_client(client, Box::new(Source), Instant::ZERO);
    world.run(&mut || true).expect("not abandoned")
}

#[test]
fn fills_a_link() {
    let outcome = bulk(Config::default(), Some("10mbit"), 42, 50, 0.0, 33, 1);
    let up = outcome.flows[0].directions[0].as_ref().expect("data");
    println!("{up:?}\n{:?}", outcome.links[0]);
    let goodput = up.bytes_delivered as f64 * 8e-6 / outcome.measured.as_secs_f64();
    assert!(goodput > 9.4, "{goodput}");
}

#[test]
#[ignore = "a table to read"]
fn kernel_table() {
    for (cc, sack) in [("reno", true), ("cubic", true)] {
        for rtt in [20, 100] {
            for loss in [0.001, 0.005, 0.01, 0.02, 0.05, 0.1] {
                let mut all: Vec<f64> = (0..10)
                    .map(|seed| {
                        let tcp = Config {
                            congestion: Choice::named(cc),
                            sack,
                            recovery: crate::tcp::Recovery::Rack,
                            ..Config::default()
                        };
                        let outcome = bulk(tcp, None, 1000, rtt, loss, 33, seed);
                        let up = outcome.flows[0].directions[0].as_ref().expect("data");
                        up.bytes_delivered as f64 * 8e-6 / outcome.measured.as_secs_f64()
                    })
                    .collect();
                all.sort_by(f64::total_cmp);
                let outcome = bulk(
                    Config {
                        congestion: Choice::named(cc),
                        sack,
                        recovery: crate::tcp::Recovery::Rack,
                        ..Config::default()
                    },
                    None,
                    1000,
                    rtt,
                    loss,
                    33,
                    1,
                );
                let up = outcome.flows[0].directions[0].as_ref().expect("data");
                println!(
                    "{cc},{},{rtt},{loss},{:.3},{:.3},{:.3},{},{:.1},{:.1},to={},ep={}",
                    i32::from(sack),
                    f64::midpoint(all[4], all[5]),
                    all[0],
                    all[9],
                    up.retransmits,
                    up.cwnd_mean.unwrap_or(0.0) / 1448.0,
                    up.srtt_mean.unwrap_or_default().as_millis_f64(),
                    up.timeouts,
                    up.recovery_episodes
                );
            }
        }
    }
}
