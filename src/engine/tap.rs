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
    /// The network card of one end of the flows with this name, or whose name begins so.
    End {
        /// The flow's name, or its beginning.
        flow: String,
        /// True for all flows that begin so.
        all: bool,
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
        let tap = |(name, point): (String, Point)| {
            let interfaces: &[&str] = if matches!(point, Point::Link(_)) { &AT_LINK } else { &[&name] };
            let file = Pcapng::new("times from the start of the trial", interfaces);
            Tap { name, point, file, left_out: 0 }
        };
        Taps { taps: points.into_iter().map(tap).collect(), room }
    }

    /// True if packets of a link's instances are looked at.
    pub fn watches(&self, link: usize) -> bool {
        self.taps.iter().any(|tap| tap.point == Point::Link(link))
    }

    /// A packet leaves its host, or comes to one.
    pub fn at_host(&mut self, at: Instant, flow: &str, packet: &Packet, way: Heading) {
        let here = if way == Heading::Out { packet.direction } else { packet.direction.reverse() };
        for tap in &mut self.taps {
            if let Point::End { flow: wanted, all, end } = &tap.point
                && *end == here
                && (flow == wanted || *all && flow.starts_with(wanted.as_str()))
            {
                tap.push(&mut self.room, 0, at, Some(way), packet, None);
            }
        }
    }

    /// A link takes a packet over; its place is that of [`Topology::place_of`].
    pub fn enter(&mut self, at: Instant, place: u32, link: &mut Link, packet: &mut Packet) {
        if self.watches(place as usize / 2) {
            link.watch();
            self.at_link(at, place, packet, Heading::In);
        }
        link.take_over(at, packet);
        self.gather(place, link);
    }

    /// A packet enters a link, or leaves it.
    pub fn at_link(&mut self, at: Instant, place: u32, packet: &Packet, way: Heading) {
        let interface = interface_of(place) + u32::from(way == Heading::Out);
        for tap in self.taps.iter_mut().filter(|tap| tap.point == Point::Link(place as usize / 2)) {
            tap.push(&mut self.room, interface, at, Some(way), packet, None);
        }
    }

    /// Writes down what happened inside of a link.
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
        let before = self.file.len();
        // A file that has left something out is not gone on with: what came later would look like all.
        if self.left_out > 0 || u64::from(packet.size()) > *room {
            self.left_out += 1;
            return;
        }
        self.file.push(interface, at, way, &frame::bytes(packet), comment);
        *room = room.saturating_sub((self.file.len() - before) as u64);
    }
}

/// The first interface of a direction of a link.
fn interface_of(place: u32) -> u32 {
    place % 2 * AT_LINK.len() as u32 / 2
}
