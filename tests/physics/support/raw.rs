//! Two hosts and one connection without any protocol: messages at random, or one transfer.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use testbed::app::{App, Conn, Event, Io};
use testbed::engine::{self, Client, Connections, World};
use testbed::facts::{Measure, Outcome};
use testbed::link::{Config as LinkConfig, Impairment, config};
use testbed::rng::{Rng, Seed};
use testbed::tcp::Config;
use testbed::time::{Duration, Instant};
use testbed::units::Probability;
use testbed::wire::Class;

/// Bytes of a message, and the mean time between two.
const MESSAGE: usize = 200;
const PAUSE: Duration = Duration::from_secs(1);

/// A path of 100 ms of round trip with independent loss in each direction.
fn path(losses: [f64; 2]) -> [LinkConfig; 2] {
    let delay = || config::Delay { mean: Duration::from_millis(50), ..config::Delay::default() };
    losses.map(|loss| {
        let chance = Probability::new(loss).expect("a chance");
        LinkConfig { loss: config::LossModel::Independent(chance), delay: delay(), ..LinkConfig::default() }
    })
}

/// A world of `client` and `server` for `secs`, run to the end; `extra` strikes on the client's way.
fn world(
    seed: u64,
    secs: u64,
    losses: [f64; 2],
    tcp: Config,
    [client, server]: [Box<dyn App>; 2],
    extra: Option<Box<dyn Impairment>>,
) -> Outcome {
    let mut world = World::new(Seed(seed), Instant::ZERO, Instant::ZERO + Duration::from_secs(secs));
    let link = world.add_link("wire", path(losses));
    let instance = world.add_link_instance(link, None);
    if let Some(extra) = extra {
        world.push_impairment(instance[0], extra);
    }
    let server_app = world.add_server(server);
    let host = Client {
        name: "c-1".to_owned(),
        group: "c".to_owned(),
        route: engine::route(&[instance]),
        tcp: Arc::new(tcp),
        class: Class::default(),
        server_app,
        measures: &[Measure::Goodput, Measure::Completion],
        connections: Connections::default(),
    };
    world.add_client(host, client, Instant::ZERO);
    let outcome = world.run(&mut || true).expect("nobody stops it");
    world.advance(Instant::ZERO + Duration::from_secs(secs + 60));
    outcome
}

/// What one side has written and the other read.
#[derive(Debug, Default)]
struct Wire {
    written: VecDeque<Instant>,
    bytes_read: usize,
    delays_ms: Vec<f64>,
}

/// Writes a message after each random pause, and notes how long those of the other side took.
struct Talker {
    rng: Rng,
    connects: bool,
    talks: bool,
    conn: Option<Conn>,
    next: Option<Instant>,
    out: Rc<RefCell<Wire>>,
    into: Rc<RefCell<Wire>>,
}

impl App for Talker {
    fn start(&mut self, io: &mut dyn Io) {
        if self.connects {
            io.connect();
        }
    }

    fn on_event(&mut self, conn: Conn, event: Event, io: &mut dyn Io) {
        match event {
            Event::Connected => {
                self.conn = Some(conn);
                self.next = self.talks.then(|| io.now() + self.rng.exponential(PAUSE));
            }
            Event::Readable => {
                let mut wire = self.into.borrow_mut();
                wire.bytes_read += io.discard(conn) as usize;
                while wire.bytes_read >= MESSAGE {
                    wire.bytes_read -= MESSAGE;
                    let written = wire.written.pop_front().expect("written before it is read");
                    wire.delays_ms.push((io.now() - written).as_secs_f64() * 1e3);
                }
            }
            Event::Writable | Event::PeerClosed | Event::Closed => {}
        }
    }

    fn on_timeout(&mut self, io: &mut dyn Io) {
        self.next = None;
        if io.now() < io.horizon() {
            io.write_zeros(self.conn.expect("open before it talks"), MESSAGE as u64);
            self.out.borrow_mut().written.push_back(io.now());
            self.next = Some(io.now() + self.rng.exponential(PAUSE));
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.next
    }
}

/// Messages over one connection for 500 s: the delays of all in milliseconds, and the client's
/// smoothed round trip.
pub fn talk(seed: u64, loss: f64, both: bool, tcp: Config) -> (Vec<f64>, f64) {
    let wires: [Rc<RefCell<Wire>>; 2] = Default::default();
    let side = |i: usize, name: &str| -> Box<dyn App> {
        Box::new(Talker {
            rng: Seed(seed).stream(name),
            connects: i == 0,
            talks: i == 0 || both,
            conn: None,
            next: None,
            out: Rc::clone(&wires[i]),
            into: Rc::clone(&wires[1 - i]),
        })
    };
    let apps = [side(0, "client"), side(1, "server")];
    let outcome = world(seed, 500, [loss; 2], tcp, apps, None);
    let client = outcome.flows[0].directions[0].as_ref().expect("it has sent");
    let delays = wires.iter().flat_map(|wire| wire.borrow().delays_ms.clone()).collect();
    (delays, client.srtt_mean.map_or(f64::NAN, |srtt| srtt.as_secs_f64() * 1e3))
}

/// When a transfer was connected, and when its last byte was read.
#[derive(Debug, Default)]
struct Times {
    connected: Option<Instant>,
    last_byte: Option<Instant>,
    left: u64,
}

/// One end of a transfer that closes at once.
struct Transfer {
    connects: bool,
    times: Rc<RefCell<Times>>,
}

impl App for Transfer {
    fn start(&mut self, io: &mut dyn Io) {
        if self.connects {
            io.connect();
        }
    }

    fn on_event(&mut self, conn: Conn, event: Event, io: &mut dyn Io) {
        let mut times = self.times.borrow_mut();
        match event {
            Event::Connected if self.connects => {
                times.connected = Some(io.now());
                io.write_zeros(conn, times.left);
                io.close(conn);
            }
            Event::Readable => {
                times.left -= io.discard(conn);
                if times.left == 0 {
                    times.last_byte.get_or_insert(io.now());
                }
            }
            Event::PeerClosed if !self.connects => io.close(conn),
            _ => {}
        }
    }
}

/// A transfer of so many segments: milliseconds from the open connection to the last byte read and to
/// the acknowledged FIN. `None` if a packet of the handshake was lost.
pub fn transfer(
    seed: u64,
    segments: u64,
    losses: [f64; 2],
    tcp: Config,
    extra: Option<Box<dyn Impairment>>,
) -> Option<(f64, f64)> {
    let [connected, last_byte, acknowledged] = whole_transfer(seed, segments, losses, tcp, extra)?;
    (connected < 101.0).then_some((last_byte - connected, acknowledged - connected))
}

/// A transfer of so many segments: milliseconds from the first SYN to the open connection, the last byte read and
/// the acknowledged FIN.
pub fn whole_transfer(
    seed: u64,
    segments: u64,
    losses: [f64; 2],
    tcp: Config,
    extra: Option<Box<dyn Impairment>>,
) -> Option<[f64; 3]> {
    let left = segments * u64::from(tcp.mss);
    let times = Rc::new(RefCell::new(Times { left, ..Times::default() }));
    let end = |connects| -> Box<dyn App> { Box::new(Transfer { connects, times: Rc::clone(&times) }) };
    let outcome = world(seed, 60, losses, tcp, [end(true), end(false)], extra);
    let times = times.borrow();
    let connected = (times.connected? - Instant::ZERO).as_secs_f64() * 1e3;
    let last_byte = (times.last_byte? - Instant::ZERO).as_secs_f64() * 1e3;
    let client = outcome.flows[0].directions[0].as_ref().expect("it has sent");
    let acknowledged = client.completion?.as_secs_f64() * 1e3;
    Some([connected, last_byte, acknowledged])
}
