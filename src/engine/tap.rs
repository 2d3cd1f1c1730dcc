//! Captures: points at which packets are written down as they pass. A world without any pays one test a packet.

use super::topology::Topology;
use crate::facts::Capture;
use crate::link::{Fate, Link};
use crate::time::Instant;
use crate::wire::pcapng::{Heading, Pcapng};
use crate::wire::{Direction, Packet, frame};

/// Point at which packets are captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Point {
    /// The network card of one end of all connections of a client, or of a group's clients.
    End {
        /// The group.
        group: String,
        /// Number of the client in it, from 1; all if there is none.
        member: Option<u32>,
        /// End that sends in this direction.
        end: Direction,
    },
    /// Entrance, exit and inside of a link by its number, both ways.
    Link(usize),
}

/// Interfaces of a link in each direction.
const AT_LINK: [&str; 6] = ["up in", "up out", "up queue", "down in", "down out", "down queue"];

/// Points of a world, each with its file.
#[derive(Debug)]
pub(super) struct Taps {
    taps: Vec<Tap>,
    /// Bytes that all files may have together.
    room: u64,
}

#[derive(Debug)]
struct Tap {
    name: String,
    point: Point,
    file: Pcapng,
    left_out: u64,
}

impl Taps {
    /// Taps at these points; their files have this name and at most so many bytes together.
    pub fn new(points: Vec<(String, Point)>, room: u64) -> Taps {
        let mut room = room;
        let mut tap = |(name, point): (String, Point)| {
            let interfaces: &[&str] = if matches!(point, Point::Link(_)) { &AT_LINK } else { &[&name] };
            let file = Pcapng::new("times from the start of the trial", interfaces);
            room = room.saturating_sub(file.size() as u64);
            Tap { name, point, file, left_out: 0 }
        };
        Taps { taps: points.into_iter().map(&mut tap).collect(), room }
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.taps.iter().map(|tap| tap.file.size() as u64).sum()
    }

    /// True if packets of a link's instances are looked at.
    fn watches(&self, link: usize) -> bool {
        self.taps.iter().any(|tap| tap.point == Point::Link(link))
    }

    /// A packet leaves its host, or comes to one.
    #[cold]
    pub fn at_host(&mut self, at: Instant, flow: (&str, &str), packet: &Packet, way: Heading) {
        let here = if way == Heading::Out { packet.direction } else { packet.direction.reverse() };
        for tap in &mut self.taps {
            if let Point::End { group, member, end } = &tap.point
                && *end == here
                && flow.0 == group
                && member.is_none_or(|member| member_of(flow) == Some(member))
            {
                tap.push(&mut self.room, 0, at, Some(way), packet, None);
            }
        }
    }

    /// A link takes a packet over; its place is that of [`Topology::place_of`].
    #[cold]
    pub fn enter(&mut self, at: Instant, place: u32, link: &mut Link, packet: &mut Packet) {
        if self.watches(place as usize / 2) {
            link.watch();
            self.at_link(at, place, packet, Heading::In);
        }
        link.handle_packet(at, packet.take());
        self.gather(place, link);
    }

    /// A packet enters a link, or leaves it.
    #[cold]
    pub fn at_link(&mut self, at: Instant, place: u32, packet: &Packet, way: Heading) {
        let interface = interface_of(place) + u32::from(way == Heading::Out);
        for tap in self.taps.iter_mut().filter(|tap| tap.point == Point::Link(place as usize / 2)) {
            tap.push(&mut self.room, interface, at, Some(way), packet, None);
        }
    }

    /// Writes down what happened inside of a link.
    #[cold]
    pub fn gather(&mut self, place: u32, link: &mut Link) {
        for incident in link.take_incidents() {
            for tap in self.taps.iter_mut().filter(|tap| tap.point == Point::Link(place as usize / 2)) {
                let words = Fate::words(incident.fate);
                let interface = interface_of(place) + 2;
                tap.push(&mut self.room, interface, incident.at, None, &incident.packet, Some(words));
            }
        }
    }

    /// The captures at the end of a trial.
    pub fn finish(mut self, at: Instant, topology: &mut Topology) -> Vec<Capture> {
        for number in 0..topology.links.len() as u32 {
            self.gather(topology.place_of(number), &mut topology.links[number as usize]);
        }
        let capture = |tap: Tap| Capture {
            name: tap.name,
            file: tap.file.finish(at, tap.left_out),
            left_out: tap.left_out,
        };
        self.taps.into_iter().map(capture).collect()
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

/// Number of the client whose connection has this group and name: `upload`, `upload-2.3`.
fn member_of((group, name): (&str, &str)) -> Option<u32> {
    name.strip_prefix(group)?.strip_prefix('-')?.split('.').next()?.parse().ok()
}

/// The first interface of a direction of a link.
fn interface_of(place: u32) -> u32 {
    place % 2 * AT_LINK.len() as u32 / 2
}
