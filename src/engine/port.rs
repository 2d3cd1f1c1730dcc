//! Stream ports: connections of a world whose two ends somebody outside holds. Who holds a port
//! writes, reads, shuts down and aborts it, and polls what happened; the world knows no clock and
//! no socket.

use std::collections::VecDeque;
use std::sync::Arc;

use super::flow::{Client, Connections, Flow};
use super::{World, route};
use crate::app::Event;
use crate::facts::Snapshot;
use crate::tcp::{Config, State, Stats};
use crate::time::{Duration, Instant};
use crate::wire::{Class, Direction, FlowId, Payload};

/// The application number of ends that are ports.
pub(super) const PORT: u32 = u32::MAX;

/// Time for which a number is not given to another connection after its end, so that nothing old is
/// still under way (RFC 9293's maximum segment lifetime, half of TIME-WAIT).
const QUARANTINE: Duration = Duration::from_secs(30);

/// One end of a connection, held from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// The connection's number, which is used again some time after its end.
    pub flow: u32,
    /// Direction in which this end sends: [`Direction::Up`] at the client's.
    pub direction: Direction,
}

/// State that the world keeps about all ports.
#[derive(Debug, Default)]
pub(super) struct Ports {
    pub events: VecDeque<(Port, Event)>,
    /// Connections that have ended, and from when their numbers and links may be used again.
    resting: VecDeque<(Instant, u32)>,
    opened: u64,
}

/// A port's connection as seen from this end.
#[derive(Clone, Debug)]
pub struct PortInfo {
    /// RFC 9293's state.
    pub state: State,
    /// Windows and timers.
    pub snapshot: Snapshot,
    /// Counters since the connection opened.
    pub stats: Stats,
    /// Bytes that this end has accepted for sending.
    pub written: u64,
    /// Bytes that this end's holder has read.
    pub read: u64,
}

impl World {
    /// Opens a connection over these links, each by its number and, where it is shared, its
    /// instance; returns the client's and the server's end. Links that are not shared are this
    /// connection's own.
    pub fn open_ports(&mut self, path: &[(usize, Option<[u32; 2]>)], tcp: &Arc<Config>) -> [Port; 2] {
        let now = self.core.now;
        self.core.ports.opened += 1;
        let name = format!("connection-{}", self.core.ports.opened);
        let reused = self.core.ports.rested(now);
        let own = reused.map(|flow| self.core.flows[flow as usize].own_links.clone()).unwrap_or_default();
        let mut own = own.into_iter();
        let mut own_now = Vec::new();
        let instances: Vec<[u32; 2]> = path
            .iter()
            .map(|&(link, shared)| {
                shared.unwrap_or_else(|| {
                    let instance = match own.next() {
                        Some(instance) => {
                            self.core.topology.renew_instance(link, instance, &name, self.core.seed);
                            instance
                        }
                        None => self.add_link_instance(link, Some(&name)),
                    };
                    own_now.push(instance);
                    instance
                })
            })
            .collect();
        let mut client = Client {
            group: "ports".to_owned(),
            name,
            route: route(&instances),
            tcp: Arc::clone(tcp),
            class: Class::default(),
            server_app: PORT,
            measures: &[],
            connections: Connections::default(),
        };
        let mut flow = Flow::new(&mut client, PORT, now, self.core.seed);
        flow.own_links = own_now;
        let number = match reused {
            Some(number) => {
                self.core.replace_flow(number, flow);
                number
            }
            None => self.core.push_flow(flow),
        };
        self.begin(number)
    }

    /// Gives a client whose application is outside the number of its first connection, as
    /// [`add_client`](World::add_client) does for one inside.
    pub fn reserve_ports(&mut self, client: &mut Client, starts: Instant) -> FlowId {
        client.server_app = PORT;
        let flow = Flow::new(client, PORT, starts, self.core.seed);
        let number = self.core.push_flow(flow);
        client.connections.reserved = Some(number);
        FlowId(number)
    }

    /// Opens the next connection of such a client.
    pub fn open_ports_of(&mut self, client: &mut Client) -> [Port; 2] {
        let number = match client.connections.reserved.take() {
            Some(first) => first,
            None => {
                let flow = Flow::new(client, PORT, self.core.now, self.core.seed);
                self.core.push_flow(flow)
            }
        };
        self.begin(number)
    }

    /// A connection sends its SYN.
    fn begin(&mut self, number: u32) -> [Port; 2] {
        self.core.touch(number, Direction::Up);
        self.settle();
        Direction::BOTH.map(|direction| Port { flow: number, direction })
    }

    /// Next event of a port, in the order of happening.
    pub fn poll_port(&mut self) -> Option<(Port, Event)> {
        self.core.ports.events.pop_front()
    }

    /// Writes a copy of `bytes`; returns how many were accepted. After a short write,
    /// [`Event::Writable`] follows.
    pub fn port_write(&mut self, port: Port, bytes: &[u8]) -> usize {
        let payload = Payload::shared(bytes);
        self.act(port, |end| end.connection.write(&payload)) as usize
    }

    /// Appends to `out` what is readable, until there are `limit` bytes in it or a little more;
    /// returns whether that was everything.
    pub fn port_read(&mut self, port: Port, out: &mut Vec<u8>, limit: usize) -> bool {
        let before = out.len();
        let all = self.act(port, |end| {
            let mut all = false;
            while out.len() < limit {
                match end.connection.read() {
                    Some(piece) => piece.copy_to(out),
                    None => {
                        all = true;
                        break;
                    }
                }
            }
            end.delivered += (out.len() - before) as u64;
            all
        });
        // A reader outside may be later than the last acknowledgment.
        let sender = &mut self.core.flows[port.flow as usize].ends[port.direction.reverse().index()];
        if out.len() > before
            && let Some(drained) = &mut sender.drained
        {
            *drained = self.core.now;
        }
        all
    }

    /// Closes the sending side, after what was written.
    pub fn port_shutdown(&mut self, port: Port) {
        self.act(port, |end| end.connection.close());
    }

    /// Resets the connection.
    pub fn port_abort(&mut self, port: Port) {
        self.act(port, |end| end.connection.abort());
    }

    /// A port's state and figures.
    pub fn port_info(&mut self, port: Port) -> PortInfo {
        let now = self.core.now;
        let end = &mut self.core.flows[port.flow as usize].ends[port.direction.index()];
        PortInfo {
            state: end.connection.state(),
            snapshot: end.connection.snapshot(),
            stats: end.connection.stats(now).clone(),
            written: end.connection.written(),
            read: end.delivered,
        }
    }

    /// Does something with a port's end, and lets the world react.
    pub(super) fn act<T>(&mut self, port: Port, act: impl FnOnce(&mut super::flow::End) -> T) -> T {
        let result = act(&mut self.core.flows[port.flow as usize].ends[port.direction.index()]);
        self.core.touch(port.flow, port.direction);
        self.settle();
        result
    }

    /// Connections that have not ended.
    pub fn open_flows(&self) -> usize {
        self.core.flows.len() - self.core.ports.resting.len()
    }
}

impl Ports {
    /// Notes an event; a connection that is over with it rests.
    pub fn tell(&mut self, port: Port, event: Event, is_over: bool, now: Instant) {
        self.events.push_back((port, event));
        if is_over {
            self.resting.push_back((now + QUARANTINE, port.flow));
        }
    }

    fn rested(&mut self, now: Instant) -> Option<u32> {
        let &(from, flow) = self.resting.front()?;
        (from <= now).then(|| {
            self.resting.pop_front();
            flow
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link;
    use crate::rng::Seed;
    use crate::time::Duration;
    use crate::units::Probability;

    fn at(ms: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(ms)
    }

    /// A world with one link for each connection.
    fn world(loss: f64) -> World {
        let mut world = World::new(Seed(1), Instant::ZERO, Instant::MAX);
        let mut config = link::Config::default();
        config.delay.mean = Duration::from_millis(10);
        config.loss = link::config::LossModel::Independent(Probability::new(loss).expect("a chance"));
        world.add_link("path", [config.clone(), config]);
        world
    }

    fn open(world: &mut World) -> [Port; 2] {
        world.open_ports(&[(0, None)], &Arc::new(Config::default()))
    }

    fn events(world: &mut World, port: Port) -> Vec<Event> {
        let mut found = Vec::new();
        while let Some((other, event)) = world.poll_port() {
            if other == port {
                found.push(event);
            }
        }
        found
    }

    fn read(world: &mut World, port: Port) -> Vec<u8> {
        let mut out = Vec::new();
        world.port_read(port, &mut out, usize::MAX);
        out
    }

    #[test]
    fn bytes_arrive_exactly_over_a_lossy_link() {
        let mut world = world(0.1);
        let [near, far] = open(&mut world);
        let bytes: Vec<u8> = (0..200_000u32).map(|n| (n * 31 / 7) as u8).collect();
        let mut sent = 0;
        let mut heard = Vec::new();
        for ms in 0..120_000 {
            sent += world.port_write(near, &bytes[sent..]);
            world.advance(at(ms));
            world.port_read(far, &mut heard, usize::MAX);
        }
        assert!(heard == *bytes, "{} of {} bytes", heard.len(), bytes.len());
        assert!(world.port_info(near).stats.retransmits > 0);
    }

    #[test]
    fn each_direction_closes_on_its_own() {
        let mut world = world(0.0);
        let [near, far] = open(&mut world);
        world.advance(at(100));
        world.port_write(near, b"question");
        world.port_shutdown(near);
        world.advance(at(200));
        assert_eq!(events(&mut world, far), [Event::Connected, Event::Readable, Event::PeerClosed]);
        assert_eq!(read(&mut world, far), b"question");
        world.port_write(far, b"answer");
        world.port_shutdown(far);
        world.advance(at(300));
        assert_eq!(read(&mut world, near), b"answer");
        assert_eq!(world.port_info(far).state, State::Closed);
    }

    #[test]
    fn an_abort_is_a_reset_at_the_other_end() {
        let mut world = world(0.0);
        let [near, far] = open(&mut world);
        world.advance(at(100));
        world.port_abort(near);
        world.advance(at(200));
        assert_eq!(events(&mut world, far), [Event::Connected, Event::Closed]);
    }

    #[test]
    fn a_reader_that_stops_stops_the_writer() {
        let mut world = world(0.0);
        let tcp = Arc::new(Config { receive_window: 50_000, send_buffer: 30_000, ..Config::default() });
        let [near, far] = world.open_ports(&[(0, None)], &tcp);
        let bytes: Vec<u8> = vec![7; 1_000_000];
        let mut sent = 0;
        for ms in 0..2_000 {
            sent += world.port_write(near, &bytes[sent..]);
            world.advance(at(ms));
        }
        assert!((50_000..=80_000).contains(&sent), "{sent}");
        assert_eq!(read(&mut world, far).len(), 50_000);
    }

    #[test]
    fn drops_of_a_connection_are_counted_after_its_links_are_anothers() {
        let mut world = world(1.0);
        let mut dropped = 0;
        for n in 1..=3 {
            // Its SYN is lost.
            for port in open(&mut world) {
                world.port_abort(port);
            }
            world.advance(at(n * 200_000));
            while world.poll_port().is_some() {}
            assert!(world.dropped() >= dropped, "{} dropped, {dropped} before", world.dropped());
            dropped = world.dropped();
        }
        assert!(dropped > 0);
        assert_eq!(world.core.flows.len(), 1);
    }

    #[test]
    fn ten_thousand_connections_leave_nothing_behind() {
        let mut world = world(0.0);
        let mut most = 0;
        for n in 0..10_000 {
            let now = n * 20;
            let [near, far] = open(&mut world);
            world.port_write(near, b"hi");
            world.advance(at(now + 15));
            // In order or by a reset.
            for port in [far, near] {
                if n % 2 == 0 { world.port_shutdown(port) } else { world.port_abort(port) }
            }
            world.advance(at(now + 20));
            while world.poll_port().is_some() {}
            most = most.max(world.core.flows.len());
        }
        // As many as end within the quarantine, and their links.
        assert!(most <= 1_520, "{most} connections");
        assert!(world.core.topology.links.len() <= 2 * most, "{} links", world.core.topology.links.len());
    }
}
