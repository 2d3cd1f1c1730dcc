//! Flows of datagrams: they share links and routes with connections, and nothing else. Their books count
//! each datagram, so that what links dropped and what arrived can be held against what was sent.

use super::World;
use super::core::{Core, arm_link};
use super::flow::Flow;
use super::topology::spot;
use crate::app::{Conn, Event, voice};
use crate::facts::{Datagram, DatagramOutcome, Datagrams, Measure, Outcome, ProbeOutcome};
use crate::link::Tally;
use crate::time::{Duration, Instant};
use crate::wire::pcapng::Heading;
use crate::wire::{Direction, FlowId, Packet};

/// Interval at which the drain looks whether anything is still under way.
const STEP: Duration = Duration::from_millis(10);

/// Books of a flow of datagrams.
#[derive(Debug)]
pub struct Book {
    ways: [Way; 2],
    /// Send times and round trips of echo requests, where these are measured.
    probes: Option<Vec<(Instant, Option<Duration>)>>,
    /// Playout buffer of a receiver of speech.
    playout: Option<Duration>,
    measured: (Instant, Instant),
}

/// One direction. Totals are of the whole trial, all else of what was sent within the measured interval.
#[derive(Debug, Default)]
struct Way {
    sent_in_all: u64,
    delivered_in_all: u64,
    damaged_in_all: u64,
    sent: u64,
    delivered: u64,
    bytes: u64,
    reordered: u64,
    delays: Tally,
    jitter: Jitter,
    /// Numbers that have arrived, a bit for each.
    seen: Vec<u64>,
    /// One more than the highest of them.
    next: u32,
}

/// RFC 3550 section 6.4.1, in nanoseconds, and the mean of the estimate over arrivals.
#[derive(Debug, Default)]
struct Jitter {
    last: Option<u64>,
    estimate: f64,
    sum: f64,
    count: u64,
}

impl Jitter {
    fn note(&mut self, delay: Duration) {
        let delay = delay.as_nanos();
        if let Some(last) = self.last.replace(delay) {
            self.estimate += (delay.abs_diff(last) as f64 - self.estimate) / 16.0;
            self.sum += self.estimate;
            self.count += 1;
        }
    }

    fn mean(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_nanos((self.sum / self.count as f64) as u64))
    }
}

impl Way {
    /// True if no datagram of this number came before.
    fn is_new(&mut self, number: u32) -> bool {
        let (word, bit) = (number as usize / 64, 1 << (number % 64));
        if word >= self.seen.len() {
            self.seen.resize(word + 1, 0);
        }
        let new = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        new
    }

    fn outcome(&self, flow: u32, direction: Direction, playout: Option<Duration>) -> DatagramOutcome {
        let voice = playout.and_then(|buffer| {
            let point = self.delays.min()? + buffer;
            let unplayed = self.sent - self.delivered + self.delays.above(point);
            Some(voice::quality(voice::PACKET + point, unplayed as f64 / self.sent as f64))
        });
        DatagramOutcome {
            flow,
            direction,
            sent: self.sent,
            delivered: self.delivered,
            bytes: self.bytes,
            reordered: self.reordered,
            delay_ms: spread(&self.delays),
            jitter: self.jitter.mean(),
            voice,
        }
    }
}

/// Mean, median, 99th percentile and maximum in milliseconds.
fn spread(delays: &Tally) -> Option<[f64; 4]> {
    let ms = |share| delays.quantile(share).map(Duration::as_millis_f64);
    Some([delays.mean_ms()?, ms(0.5)?, ms(0.99)?, delays.max()?.as_millis_f64()])
}

impl Book {
    fn counts(&self, sent: Instant) -> bool {
        self.measured.0 <= sent && sent < self.measured.1
    }

    fn note_sent(&mut self, now: Instant, direction: Direction) -> u32 {
        let counts = self.counts(now);
        let way = &mut self.ways[direction.index()];
        let number = way.sent_in_all as u32;
        way.sent_in_all += 1;
        way.sent += u64::from(counts);
        if let (Some(probes), Direction::Up) = (&mut self.probes, direction) {
            probes.push((now, None));
        }
        number
    }

    /// Takes note of an arrival.
    fn note_arrived(&mut self, now: Instant, direction: Direction, datagram: Datagram) {
        let counts = self.counts(datagram.sent);
        let way = &mut self.ways[direction.index()];
        way.delivered_in_all += 1;
        let is_new = way.is_new(datagram.number);
        let is_late = datagram.number < way.next;
        way.next = way.next.max(datagram.number.saturating_add(1));
        if counts && is_new {
            let delay = now - datagram.sent;
            way.delivered += 1;
            way.bytes += u64::from(datagram.payload);
            way.reordered += u64::from(is_late);
            way.delays.record(delay);
            way.jitter.note(delay);
        }
        if let (Some(probes), Direction::Down) = (&mut self.probes, direction)
            && let Some((sent, rtt @ None)) = probes.get_mut(datagram.number as usize)
        {
            *rtt = Some(now - *sent);
        }
    }

    /// Bytes that it takes in memory.
    pub fn size(&self) -> u64 {
        let seen: usize = self.ways.iter().map(|way| 8 * way.seen.len()).sum();
        (seen + self.probes.as_ref().map_or(0, |probes| 32 * probes.len())) as u64
    }

    /// Directions with datagrams that are counted; those of an echo are told by its round trips.
    fn counted(&self) -> impl Iterator<Item = (Direction, &Way)> {
        let ways = Direction::BOTH.into_iter().filter(|_| self.probes.is_none());
        ways.map(|direction| (direction, &self.ways[direction.index()])).filter(|(_, way)| way.sent > 0)
    }

    fn outcomes(&self, flow: u32) -> impl Iterator<Item = DatagramOutcome> {
        self.counted().map(move |(direction, way)| way.outcome(flow, direction, self.playout))
    }

    fn probes(&self, flow: u32) -> impl Iterator<Item = ProbeOutcome> {
        let probes = self.probes.iter().flatten().enumerate();
        probes.filter(|(_, (sent, _))| self.counts(*sent)).map(move |(number, &(sent, rtt))| ProbeOutcome {
            flow,
            number: number as u32,
            sent,
            rtt,
        })
    }
}

impl Core {
    /// Makes a flow, which has not begun, one of datagrams.
    pub fn open_datagrams(&mut self, number: u32, playout: Option<Duration>) {
        let measured = (self.warmup, self.horizon);
        let flow = &mut self.flows[number as usize];
        let probes = flow.measures.contains(&Measure::Probes).then(Vec::new);
        flow.book =
            Some(Box::new(Book { ways: [Way::default(), Way::default()], probes, playout, measured }));
        self.opened.push(number);
    }

    /// Sends a datagram with so many bytes of data.
    pub fn send_datagram(&mut self, number: u32, direction: Direction, payload: u32, answers: Option<u32>) {
        self.step();
        let now = self.now;
        let flow = &mut self.flows[number as usize];
        let Some(book) = &mut flow.book else { return };
        let own = book.note_sent(now, direction);
        let datagram = Datagram { number: answers.unwrap_or(own), payload, sent: now };
        let end = &flow.ends[direction.index()];
        let mut packet = Box::new(Packet::datagram(FlowId(number), direction, datagram));
        packet.class = end.class;
        let first = end.first_link;
        let link = &mut self.topology.links[first as usize];
        if let Some(taps) = &mut self.taps {
            taps.at_host(now, (&flow.group, &flow.name), &mut packet, Heading::Out);
            taps.enter(now, spot(&self.topology.places, first as usize), link, packet);
        } else {
            link.handle_packet(now, packet);
        }
        arm_link(link, &mut self.queue, first);
    }

    /// All datagrams, as the links saw them.
    fn datagrams(&self) -> Datagrams {
        let mut all = Datagrams::default();
        self.topology.links.iter().for_each(|link| all.add(&link.datagrams()));
        all
    }

    /// Adds what there is to say of datagrams. Panics if one was gained or lost.
    pub fn add_datagrams(&self, outcome: &mut Outcome) {
        let total =
            |of: fn(&Way) -> u64| -> u64 { self.books().flat_map(|(_, book)| &book.ways).map(of).sum() };
        let sent = total(|way| way.sent_in_all);
        let (delivered, damaged) = (total(|way| way.delivered_in_all), total(|way| way.damaged_in_all));
        self.datagrams().check_conservation(sent, delivered, damaged);
        outcome.datagrams = self.books().flat_map(|(flow, book)| book.outcomes(flow)).collect();
        outcome.probes = self.books().flat_map(|(flow, book)| book.probes(flow)).collect();
        let mut delays = Tally::default();
        let counted = self.books().flat_map(|(_, book)| book.counted());
        counted.for_each(|(_, way)| delays.merge(&way.delays));
        outcome.datagram_delay_ms = spread(&delays);
    }

    fn books(&self) -> impl Iterator<Item = (u32, &Book)> {
        let flows = self.flows.iter().enumerate();
        flows.filter_map(|(number, flow)| Some((number as u32, flow.book.as_deref()?)))
    }
}

impl Flow {
    /// A datagram, or a damaged packet, has come to an end of the flow; the datagram, if it is for its
    /// application.
    pub(super) fn take_unusual(&mut self, now: Instant, packet: &Packet) -> Option<Datagram> {
        let (datagram, direction) = (packet.as_datagram(), packet.direction);
        if packet.is_corrupted() {
            match (&mut self.book, datagram) {
                (Some(book), Some(_)) => book.ways[direction.index()].damaged_in_all += 1,
                _ => self.ends[direction.reverse().index()].damaged += 1,
            }
            return None;
        }
        let datagram = datagram?;
        if let Some(book) = &mut self.book {
            book.note_arrived(now, direction, datagram);
        }
        Some(datagram)
    }
}

impl World {
    /// Tells the servers of flows of datagrams that have just been opened.
    pub(super) fn tell_opened(&mut self) {
        while let Some(number) = self.core.opened.pop() {
            let app = self.core.flows[number as usize].ends[Direction::Down.index()].app;
            self.call_app(app, |app, io| app.on_event(Conn(number), Event::Connected, io));
        }
    }

    /// Hands an application the datagram that has come for it.
    #[cold]
    pub(super) fn tell_datagram(&mut self, number: u32, receiver: Direction, datagram: Datagram) {
        let app = self.core.flows[number as usize].ends[receiver.index()].app;
        self.call_app(app, |app, io| app.on_datagram(Conn(number), datagram, io));
    }

    /// The next instant at which to look whether datagrams are still under way; `None` if none is.
    pub(super) fn next_look(&self) -> Option<Instant> {
        let any = self.core.books().next().is_some() && self.core.datagrams().inside > 0;
        any.then(|| self.core.now + STEP)
    }
}
