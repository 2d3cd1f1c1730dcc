//! Captures: points at which packets are written down as they pass; and the log of all of them. A world without any
//! pays one test a packet.

use super::log::Log;
use super::qlog::Qlogs;
use super::topology::Topology;
use crate::facts::{Capture, Fate, Form, Spot};
use crate::link::Link;
use crate::time::Instant;
use crate::wire::pcapng::{Heading, Pcapng};
use crate::wire::{Direction, Packet, frame};

/// Point at which packets are captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Point {
    /// The network card of one end of all connections of clients: the end that sends in this direction.
    End(Clients, Direction),
    /// Entrance, exit and inside of a link by its number, both ways.
    Link(usize),
    /// All of these, of links with these names.
    World(Vec<String>),
}

/// A client, or all clients of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clients {
    /// The group.
    pub group: String,
    /// Number of the client in it, from 1; all if there is none.
    pub member: Option<u32>,
}

/// Interfaces of a link in each direction.
const AT_LINK: [&str; 6] = ["up in", "up out", "up queue", "down in", "down out", "down queue"];
/// Those of all hosts together.
const AT_HOSTS: [&str; 2] = ["clients", "servers"];

/// Points of a world, each with its file.
#[derive(Debug)]
pub(super) struct Taps {
    points: Vec<Tap>,
    /// Bytes that all files may have together.
    room: u64,
    /// Log of all packets, if anybody reads it.
    pub log: Option<Log>,
    /// Logs of senders, if they are asked for.
    pub qlogs: Option<Qlogs>,
}

#[derive(Debug)]
struct Tap {
    name: String,
    point: Point,
    file: Pcapng,
    left_out: u64,
}

impl Taps {
    /// None.
    pub fn none() -> Taps {
        Taps { points: Vec::new(), room: 0, log: None, qlogs: None }
    }

    /// Taps at these points; their files have this name and at most so many bytes together. Stamps count from `origin`,
    /// in nanoseconds since 1970, or from the start of the trial.
    pub fn capture(&mut self, points: Vec<(String, Point)>, room: u64, origin: Option<u64>) {
        self.room = room;
        for (name, point) in points {
            let comment = if origin.is_some() { "real time" } else { "times from the start of the trial" };
            let file = Pcapng::new(comment, &point.interfaces(&name), origin.unwrap_or(0));
            self.room = self.room.saturating_sub(file.size() as u64);
            self.points.push(Tap { name, point, file, left_out: 0 });
        }
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        let qlogs = self.qlogs.as_ref().map_or(0, Qlogs::size);
        qlogs + self.points.iter().map(|tap| tap.file.size() as u64).sum::<u64>()
    }

    /// Takes the bytes that the captures have so far.
    pub fn drain(&mut self) -> Vec<u8> {
        self.points.iter_mut().flat_map(|tap| tap.file.take()).collect()
    }

    /// True if packets of a link's instances are looked at.
    fn watches(&self, spot: Spot) -> bool {
        self.log.is_some() || self.points.iter().any(|tap| tap.point.at_link(spot).is_some())
    }

    /// A packet leaves its host, or comes to one.
    #[cold]
    pub fn at_host(&mut self, at: Instant, flow: (&str, &str), packet: &mut Packet, way: Heading) {
        match (&mut self.log, way) {
            (None, _) => {}
            (Some(log), Heading::Out) => log.sent(at, flow, packet),
            (Some(log), Heading::In) => log.delivered(at, packet),
        }
        let here = if way == Heading::Out { packet.direction } else { packet.direction.reverse() };
        for tap in &mut self.points {
            if let Some(interface) = tap.point.at_host(flow, here) {
                tap.push(&mut self.room, interface, at, Some(way), packet, None);
            }
        }
    }

    /// A link takes a packet over.
    #[cold]
    pub fn enter(&mut self, at: Instant, spot: Spot, link: &mut Link, packet: Box<Packet>) {
        if self.watches(spot) {
            link.watch();
            self.at_link(at, spot, &packet, Heading::In);
        }
        link.handle_packet(at, packet);
        self.gather(spot, link);
    }

    /// A packet enters a link, or leaves it.
    #[cold]
    pub fn at_link(&mut self, at: Instant, spot: Spot, packet: &Packet, way: Heading) {
        match (&mut self.log, way) {
            (None, _) => {}
            (Some(log), Heading::In) => log.entered(at, spot, packet),
            (Some(log), Heading::Out) => log.left(at, spot, packet),
        }
        for tap in &mut self.points {
            if let Some(first) = tap.point.at_link(spot) {
                let interface = first + u32::from(way == Heading::Out);
                tap.push(&mut self.room, interface, at, Some(way), packet, None);
            }
        }
    }

    /// Writes down what happened inside of a link.
    #[cold]
    pub fn gather(&mut self, spot: Spot, link: &mut Link) {
        for incident in link.take_incidents() {
            if let Some(log) = &mut self.log {
                log.met(incident.at, spot, &incident.packet, incident.fate);
            }
            for tap in &mut self.points {
                if let Some(first) = tap.point.at_link(spot) {
                    let words = Fate::words(incident.fate);
                    tap.push(&mut self.room, first + 2, incident.at, None, &incident.packet, Some(words));
                }
            }
        }
    }

    /// The captures at the end of a trial.
    pub fn finish(mut self, at: Instant, topology: &mut Topology) -> Vec<Capture> {
        for number in 0..topology.links.len() as u32 {
            self.gather(topology.spot(number as usize), &mut topology.links[number as usize]);
        }
        let capture = |tap: Tap| Capture {
            name: tap.name,
            form: Form::Packets,
            file: tap.file.finish(at, tap.left_out),
            left_out: tap.left_out,
        };
        let qlogs = self.qlogs.into_iter().flat_map(Qlogs::finish);
        self.points.into_iter().map(capture).chain(qlogs).collect()
    }
}

impl Tap {
    fn push(
        &mut self,
        room: &mut u64,
        interface: u32,
        at: Instant,
        way: Option<Heading>,
        packet: &Packet,
        comment: Option<&str>,
    ) {
        // A file that has left something out is not gone on with: what came later would look like all.
        if self.left_out > 0 {
            self.left_out += 1;
            return;
        }
        let before = self.file.size();
        self.file.push(interface, at, way, &frame::bytes(packet), comment);
        let taken = (self.file.size() - before) as u64;
        if taken > *room {
            self.file.truncate(before);
            self.left_out = 1;
        } else {
            *room -= taken;
        }
    }
}

impl Point {
    /// Names of its interfaces, in the order of their numbers.
    fn interfaces(&self, name: &str) -> Vec<String> {
        let of_link = |link: &str| AT_LINK.map(|at| format!("{link}{at}"));
        match self {
            Point::End(..) => vec![name.to_owned()],
            Point::Link(_) => of_link("").to_vec(),
            Point::World(links) => {
                let links = links.iter().flat_map(|link| of_link(&format!("{link} ")));
                AT_HOSTS.map(str::to_owned).into_iter().chain(links).collect()
            }
        }
    }

    /// Interface of an end of a flow, by group and name.
    fn at_host(&self, flow: (&str, &str), here: Direction) -> Option<u32> {
        match self {
            Point::End(clients, end) => (*end == here && clients.have(flow)).then_some(0),
            Point::Link(_) => None,
            Point::World(_) => Some(here.index() as u32),
        }
    }

    /// The first interface of a direction of a link.
    fn at_link(&self, spot: Spot) -> Option<u32> {
        let (link, direction) = (spot.place / 2, spot.place % 2);
        let first = direction * AT_LINK.len() as u32 / 2;
        match self {
            Point::End(..) => None,
            Point::Link(number) => (*number == link as usize).then_some(first),
            Point::World(_) => Some(AT_HOSTS.len() as u32 + link * AT_LINK.len() as u32 + first),
        }
    }
}

impl Clients {
    /// True if a connection of this group and name is theirs: `upload`, `upload-2.3`.
    pub(super) fn have(&self, (group, name): (&str, &str)) -> bool {
        let member = || name.strip_prefix(group)?.strip_prefix('-')?.split('.').next()?.parse().ok();
        self.group == group && self.member.is_none_or(|own| member() == Some(own))
    }
}
