//! Everything of a world but its applications: packets on their way, connections, links, timers.

use std::collections::BTreeSet;

use super::budget::{self, Budget};
use super::chunks::Chunks;
use super::flow::{Client, End, Flow};
use super::messages::Messages;
use super::port::{Port, Ports};
use super::qlog::Id;
use super::queue::{Class, Event, EventQueue};
use super::recorder::Recorder;
use super::requests::Requests;
use super::tap::Taps;
use super::topology::{Topology, spot};
use crate::facts::StreamEvent;
use crate::link::{Config as LinkConfig, Link};
use crate::rng::Seed;
use crate::tcp::Connection;
use crate::time::Instant;
use crate::wire::pcapng::Heading;
use crate::wire::{Direction, FlowId, Packet};

/// Everything but the applications, so that an application can act on it while it is borrowed.
pub(super) struct Core {
    pub now: Instant,
    pub seed: Seed,
    pub queue: EventQueue,
    pub topology: Topology,
    pub flows: Vec<Flow>,
    pub clients: Vec<Option<Client>>,
    pub messages: Option<Messages>,
    pub recorder: Option<Recorder>,
    pub taps: Option<Box<Taps>>,
    pub ports: Ports,
    pub changes: Vec<Option<Change>>,
    /// Ends with something to tell or to send, in the order in which they were touched.
    pub touched: Vec<(u32, Direction)>,
    /// Flows of datagrams of which their servers have not heard yet.
    pub opened: Vec<u32>,
    pub requests: Requests,
    pub chunks: Chunks,
    /// Measured interval.
    pub warmup: Instant,
    pub horizon: Instant,
    pub events: u64,
    /// Steps taken (see [`Budget`]) when time passed last.
    pub steps_before: u64,
    pub packets: u64,
    /// Packets that have arrived, for those to come.
    #[expect(clippy::vec_box, reason = "links hand the box on, and not the packet")]
    spare: Vec<Box<Packet>>,
    /// Number of messages that each application intended to send.
    pub talkers: Vec<u32>,
    pub budget: Budget,
}

/// Link settings that take effect at an instant: link number and both directions.
pub(super) struct Change(pub Vec<(usize, [LinkConfig; 2])>);

/// Targets of [`Class::World`]; changes are numbered behind it.
pub(super) const SAMPLE: u32 = 0;

impl Core {
    /// An empty network; figures are of the interval from `warmup` to `horizon`.
    pub fn new(seed: Seed, warmup: Instant, horizon: Instant) -> Core {
        Core {
            now: Instant::ZERO,
            seed,
            queue: EventQueue::default(),
            topology: Topology::default(),
            flows: Vec::new(),
            clients: Vec::new(),
            messages: None,
            recorder: None,
            taps: None,
            ports: Ports::default(),
            changes: Vec::new(),
            touched: Vec::new(),
            opened: Vec::new(),
            requests: Requests::new((warmup, horizon)),
            chunks: Chunks::new((warmup, horizon)),
            warmup,
            horizon,
            events: 0,
            steps_before: 0,
            packets: 0,
            spare: Vec::new(),
            talkers: Vec::new(),
            budget: Budget::default(),
        }
    }

    /// Takes in a connection; returns its number.
    pub fn push_flow(&mut self, flow: Flow) -> u32 {
        let number = u32::try_from(self.flows.len()).expect("fewer than 2^32 connections");
        self.introduce(number, &flow);
        self.flows.push(flow);
        number
    }

    /// Gives a connection the number of one that is gone.
    pub fn replace_flow(&mut self, number: u32, flow: Flow) {
        self.introduce(number, &flow);
        // A failure is not gone with its connection.
        if self.budget.halt.is_none() {
            self.budget.halt = Core::failure_of(&self.flows[number as usize]);
        }
        self.flows[number as usize] = flow;
    }

    /// Makes a connection known to the links that it crosses.
    fn introduce(&mut self, number: u32, flow: &Flow) {
        for &link in flow.route.iter().flat_map(|route| route.iter()) {
            self.topology.links[link as usize].introduce(FlowId(number), flow.luck);
        }
    }

    /// The holder of the port hears of it when it polls.
    pub fn tell_port(&mut self, port: Port, event: StreamEvent) {
        let ends = &mut self.flows[port.flow as usize].ends;
        ends[port.direction.index()].told_closed |= event == StreamEvent::Closed;
        let is_over = event == StreamEvent::Closed && ends.iter().all(|end| end.told_closed);
        self.ports.tell(port, event, is_over, self.now);
    }

    /// The next packet that has arrived through a link, and whether that has nothing more for this instant.
    #[inline(always)]
    pub fn poll_arrival(&mut self, link: usize) -> Option<(Box<Packet>, bool)> {
        let from = &mut self.topology.links[link];
        let packet = from.poll_deliver(self.now)?;
        Some((packet, from.next_event() > self.now))
    }

    /// A packet that has crossed a link goes on to the next one of its path; given back at the end of that.
    #[inline(always)]
    pub fn pass_on(&mut self, link: usize, mut packet: Box<Packet>) -> Option<Box<Packet>> {
        let Core { topology, flows, queue, now, taps, .. } = self;
        packet.hop += 1;
        if let Some(taps) = taps {
            taps.at_link(*now, spot(&topology.places, link), &packet, Heading::Out);
        }
        let route = &flows[packet.flow.0 as usize].route[packet.direction.index()];
        let Some(&next) = route.get(usize::from(packet.hop)) else { return Some(packet) };
        let to = &mut topology.links[next as usize];
        if let Some(taps) = taps {
            taps.enter(*now, spot(&topology.places, next as usize), to, packet);
        } else {
            to.handle_packet(*now, packet);
        }
        arm_link(to, queue, next);
        None
    }

    /// Keeps the place of an intact segment for a packet to come.
    #[inline]
    pub fn reuse(&mut self, mut packet: Box<Packet>) {
        packet.clear();
        self.spare.push(packet);
    }

    /// Notes that an end may have something to tell or to send.
    pub fn touch(&mut self, number: u32, direction: Direction) {
        let end = &mut self.flows[number as usize].ends[direction.index()];
        if !end.touched {
            end.touched = true;
            self.touched.push((number, direction));
        }
    }

    /// True while messages or requests of the measured interval are not answered.
    pub fn awaits_answers(&self) -> bool {
        !self.requests.is_complete() || self.messages.as_ref().is_some_and(|messages| !messages.is_complete())
    }

    /// Sends what an end may send now, and queues its next wake-up.
    #[inline(always)]
    pub fn transmit(&mut self, number: u32, direction: Direction) {
        let now = self.now;
        let Flow { ends, group, name, .. } = &mut self.flows[number as usize];
        let end = &mut ends[direction.index()];
        let first = end.first_link;
        let link = &mut self.topology.links[first as usize];
        let id = || Id { flow: number, direction, group, name };
        // An expired timer comes before the segment that is sent again for it.
        if end.connection.has_signals() {
            signal(id(), &mut end.connection, self.recorder.as_mut(), self.taps.as_deref_mut(), self.horizon);
        }
        let mut sent = 0;
        while let Some(output) = end.connection.poll_output(now) {
            let mut packet = self.spare.pop().unwrap_or_default();
            (packet.flow, packet.direction, packet.class) = (FlowId(number), direction, end.class);
            end.connection.write_segment(now, output, &mut packet.segment);
            packet.weigh();
            if let Some(taps) = &mut self.taps {
                taps.at_host(now, (group, name), &mut packet, Heading::Out);
                if let Some(qlogs) = &mut taps.qlogs {
                    qlogs.sent(now, id(), &packet.segment, &end.connection);
                }
                taps.enter(now, spot(&self.topology.places, first as usize), link, packet);
            } else {
                link.handle_packet(now, packet);
            }
            arm_link(link, &mut self.queue, first);
            sent += 1;
            if output.is_last() {
                break;
            }
            // No window, however large, is sent in one go into more memory than there is.
            if sent % budget::STEPS == 0 && self.budget.is_below(link.in_flight() * budget::PACKET) {
                break;
            }
        }
        self.budget.count(sent);
        if end.drained.is_none() && end.connection.is_drained() {
            end.drained = Some(now);
        }
        if end.connection.has_signals() {
            signal(id(), &mut end.connection, self.recorder.as_mut(), self.taps.as_deref_mut(), self.horizon);
        }
        if let Some(qlogs) = self.taps.as_mut().and_then(|taps| taps.qlogs.as_mut()) {
            qlogs.state(now, id(), &end.connection);
        }
        arm_end(end, &mut self.queue, now, number << 1 | direction.index() as u32);
    }

    /// A sample, or links that change.
    pub fn handle_own(&mut self, event: Event) {
        if event.target == SAMPLE {
            let Some(recorder) = &mut self.recorder else { return };
            recorder.sample(event.at, &self.flows, &mut self.topology);
            let next = event.at + recorder.interval();
            if next < self.horizon {
                self.queue.push(next, Class::World, SAMPLE);
            }
            return;
        }
        if let Some(Change(links)) = self.changes[event.target as usize - 1].take() {
            self.change_links(&links, &BTreeSet::new());
        }
    }

    /// Links change now, but for instances that are `spared`.
    pub fn change_links(&mut self, links: &[(usize, [LinkConfig; 2])], spared: &BTreeSet<[u32; 2]>) {
        for (link, configs) in links {
            for number in self.topology.reconfigure(*link, configs, spared, self.now) {
                rearm_link(&mut self.topology.links[number as usize], &mut self.queue, number);
            }
        }
    }
}

/// Records the signals of an end.
#[cold]
fn signal(
    id: Id<'_>,
    connection: &mut Connection,
    mut recorder: Option<&mut Recorder>,
    mut taps: Option<&mut Taps>,
    horizon: Instant,
) {
    for (time, signal) in connection.take_signals() {
        if let Some(recorder) = recorder.as_deref_mut().filter(|_| time < horizon) {
            recorder.signal(time, id.flow, id.direction, signal);
        }
        if let Some(qlogs) = taps.as_deref_mut().and_then(|taps| taps.qlogs.as_mut()) {
            qlogs.signal(time, id, signal);
        }
    }
}

/// Queues a wake-up for the head of a link, if none is queued that comes early enough.
#[inline]
pub(super) fn arm_link(link: &mut Link, queue: &mut EventQueue, number: u32) {
    if let Some(at) = link.poll_wakeup() {
        queue.push(at, Class::Arrival, number);
    }
}

/// The same for a link that has changed: its arrivals may have moved either way, and a later one leaves a stale wake-up
/// behind.
pub(super) fn rearm_link(link: &mut Link, queue: &mut EventQueue, number: u32) {
    link.forget_wakeup();
    arm_link(link, queue, number);
}

/// The same for an end's timer.
pub(super) fn arm_end(end: &mut End, queue: &mut EventQueue, now: Instant, target: u32) {
    let due = end.connection.poll_timeout();
    if due < end.armed {
        end.armed = due.max(now);
        queue.push(end.armed, Class::Connection, target);
    }
}

/// The end that a timer's target names.
pub(super) fn end_of(target: u32) -> (u32, Direction) {
    (target >> 1, Direction::BOTH[(target & 1) as usize])
}
