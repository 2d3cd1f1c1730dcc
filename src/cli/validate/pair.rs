//! Two hosts and one connection without any protocol, as Linux was measured: messages at random, or one transfer.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use crate::app::{App, Conn, Event, Io};
use crate::engine::{self, Client, Connections, World};
use crate::facts::{Measure, Outcome};
use crate::link::{Config as LinkConfig, Impairment};
use crate::rng::{Rng, Seed};
use crate::tcp::Config;
use crate::time::{Duration, Instant};
use crate::wire::Class;

/// Waits of a trial, in milliseconds.
#[derive(Debug, Default)]
pub struct Waits {
    /// Waits of messages.
    pub messages: Vec<f64>,
    /// Transfers; `None` for one that did not end.
    pub transfers: Vec<Option<Instants>>,
    /// Mean smoothed round trips of the connections.
    pub round_trips: Vec<f64>,
}

/// Bytes of a message, and the mean time between two.
const MESSAGE: usize = 200;
const PAUSE: Duration = Duration::from_secs(1);

/// A world of `client` and `server` for `secs`, run to the end; `extra` strikes on the client's way.
fn world(
    seed: Seed,
    secs: u64,
    path: [LinkConfig; 2],
    tcp: Config,
    [client, server]: [Box<dyn App>; 2],
    extra: Option<Box<dyn Impairment>>,
) -> Outcome {
    let mut world = World::new(seed, Instant::ZERO, Instant::ZERO + Duration::from_secs(secs));
    let link = world.add_link("wire", path);
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

/// Messages of one side on their way to the other.
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

/// Messages over one connection for 500 s, from one end or from both: the waits of all in milliseconds, and the
/// client's mean smoothed round trip.
pub(super) fn talk(seed: Seed, path: [LinkConfig; 2], both: bool, tcp: Config) -> (Vec<f64>, Option<f64>) {
    let wires: [Rc<RefCell<Wire>>; 2] = Default::default();
    let side = |i: usize, name: &str| -> Box<dyn App> {
        Box::new(Talker {
            rng: seed.stream(name),
            connects: i == 0,
            talks: i == 0 || both,
            conn: None,
            next: None,
            out: Rc::clone(&wires[i]),
            into: Rc::clone(&wires[1 - i]),
        })
    };
    let apps = [side(0, "client"), side(1, "server")];
    let outcome = world(seed, 500, path, tcp, apps, None);
    let srtt = outcome.flows[0].directions[0].as_ref().and_then(|client| client.srtt_mean);
    let waits = wires.iter().flat_map(|wire| wire.borrow().delays_ms.clone()).collect();
    (waits, srtt.map(|srtt| srtt.as_secs_f64() * 1e3))
}

/// Instants of a transfer: its connection, and the reading of its last byte.
#[derive(Debug, Default)]
struct Times {
    connected: Option<Instant>,
    last_byte: Option<Instant>,
    left: u64,
}

/// One end of a transfer.
struct Transfer {
    connects: bool,
    closes: bool,
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
                if self.closes {
                    io.close(conn);
                }
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

/// One transfer that is measured.
pub(super) struct Script {
    /// Full segments that it has.
    pub segments: u64,
    /// True if the sender closes behind the last byte, false if it leaves the connection open.
    pub closes: bool,
    /// Links on the way of the data and of the acknowledgments.
    pub path: [LinkConfig; 2],
    /// Further loss on the way of the data.
    pub extra: Option<Box<dyn Impairment>>,
}

/// Milliseconds of one transfer since its first SYN.
#[derive(Clone, Copy, Debug)]
pub struct Instants {
    pub connected: f64,
    pub last_byte: f64,
    /// The acknowledged FIN of a sender that closes.
    pub acknowledged: Option<f64>,
}

/// One transfer; `None` if it did not end within a minute.
pub(super) fn transfer(seed: Seed, script: Script, tcp: Config) -> Option<Instants> {
    let Script { segments, closes, path, extra } = script;
    let left = segments * u64::from(tcp.mss);
    let times = Rc::new(RefCell::new(Times { left, ..Times::default() }));
    let end =
        |connects| -> Box<dyn App> { Box::new(Transfer { connects, closes, times: Rc::clone(&times) }) };
    let outcome = world(seed, 60, path, tcp, [end(true), end(false)], extra);
    let times = times.borrow();
    let since = |instant: Instant| (instant - Instant::ZERO).as_secs_f64() * 1e3;
    let client = outcome.flows[0].directions[0].as_ref()?;
    let acknowledged = client.completion.map(|after| after.as_secs_f64() * 1e3);
    if closes && acknowledged.is_none() {
        return None;
    }
    Some(Instants { connected: since(times.connected?), last_byte: since(times.last_byte?), acknowledged })
}
