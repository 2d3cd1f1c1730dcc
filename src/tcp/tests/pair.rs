//! Two connections, a wire with a one-way delay between them, and a clock that jumps to the next
//! thing that happens.

use std::collections::{BTreeMap, HashMap};

use crate::tcp::{Config, Connection, Event};
use crate::time::{Duration, Instant};
use crate::wire::{Ecn, Segment, SeqNumber};

use super::{connection, line};

/// Segments that one drain may bring; more is a livelock.
const MAX_BURST: usize = 100_000;
/// Lines of the log that a failing test prints.
const LOG_LINES: usize = 300;

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It opens.
    Client,
    /// It listens.
    Server,
}

/// Treatment of a segment by the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Delivers it after the delay.
    Pass,
    /// Loses it.
    Drop,
    /// Delivers it that much later.
    Delay(Duration),
    /// Delivers it twice.
    Duplicate,
    /// Marks it, if it is ECN-capable.
    Mark,
    /// Gives it this ECN field.
    Field(Ecn),
}

/// Treatment of data that arrives at an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Reads and drops it at once.
    Discard,
    /// Reads it at once and keeps it in `inbox`.
    Keep,
    /// Does not read.
    Hold,
}

/// A segment as it left.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Instant.
    pub at: Instant,
    /// From which end.
    pub from: End,
    /// Number of the data segment at that end, from 1 in the order of first transmission;
    /// 0 for one without data.
    pub number: usize,
    /// Number of the copy: 0 for the original.
    pub copy: usize,
    /// The segment itself.
    pub segment: Segment,
    /// Its fate.
    pub fate: Fate,
}

/// Two connections and what lies between them.
pub struct Pair {
    /// The opening end.
    pub client: Connection,
    /// The listening end.
    pub server: Connection,
    /// The time.
    pub now: Instant,
    /// One-way delay.
    pub delay: Duration,
    /// Treatment of data at each end: client, server.
    pub reading: [Reading; 2],
    /// Data that each end read, with [`Reading::Keep`].
    pub inbox: [Vec<u8>; 2],
    /// Events of each end.
    pub events: [Vec<Event>; 2],
    /// Every segment sent.
    pub log: Vec<Sent>,
    fault: Box<dyn FnMut(&Sent) -> Fate>,
    /// In flight to each end.
    wires: [BTreeMap<(Instant, u64), Segment>; 2],
    serial: u64,
    iss: [SeqNumber; 2],
    /// Copies of each data segment so far, by first number: (which, copies).
    seen: [HashMap<u32, (usize, usize)>; 2],
}

impl Pair {
    /// Two ends with the same settings and 50 ms from one to the other; nothing was sent yet.
    pub fn new(config: &Config) -> Pair {
        Pair::with(config, config, (1_000, 5_000), Instant::ZERO)
    }

    /// Two ends with their own settings and initial sequence numbers, beginning at `start`.
    pub fn with(client: &Config, server: &Config, iss: (u32, u32), start: Instant) -> Pair {
        Pair {
            client: connection(client, iss.0, false),
            server: connection(server, iss.1, true),
            now: start,
            delay: Duration::from_millis(50),
            reading: [Reading::Discard; 2],
            inbox: [Vec::new(), Vec::new()],
            events: [Vec::new(), Vec::new()],
            log: Vec::new(),
            fault: Box::new(|_| Fate::Pass),
            wires: [BTreeMap::new(), BTreeMap::new()],
            serial: 0,
            iss: [SeqNumber(iss.0), SeqNumber(iss.1)],
            seen: [HashMap::new(), HashMap::new()],
        }
    }

    /// [`Pair::new`], opened: both ends are established and nothing is in flight.
    pub fn open(config: &Config) -> Pair {
        let mut pair = Pair::new(config);
        pair.run_for(Duration::from_millis(200));
        assert_eq!(pair.events[1], [Event::Connected], "the handshake of an undisturbed pair");
        pair.log.clear();
        pair
    }

    /// From now on `fault` decides what becomes of each segment.
    pub fn faults(&mut self, fault: impl FnMut(&Sent) -> Fate + 'static) {
        self.fault = Box::new(fault);
    }

    /// Drops exactly these client data segments: (number, copy).
    pub fn drop_exactly(&mut self, list: &'static [(usize, usize)]) {
        self.faults(move |sent| {
            let hit = sent.from == End::Client && list.contains(&(sent.number, sent.copy));
            if hit { Fate::Drop } else { Fate::Pass }
        });
    }

    /// Drains both ends at the present instant, then goes to the next one at which something
    /// happens. `false` if nothing ever will.
    pub fn step(&mut self) -> bool {
        self.flush();
        let next = self.next();
        if next == Instant::MAX {
            return false;
        }
        self.arrive(next);
        true
    }

    /// Instant of the next event.
    fn next(&self) -> Instant {
        let wire = |i: usize| self.wires[i].keys().next().map_or(Instant::MAX, |key| key.0);
        let timers = self.client.poll_timeout().min(self.server.poll_timeout());
        timers.min(wire(0)).min(wire(1)).max(self.now)
    }

    /// Lives through the instant `now`: arrivals, then timers, then what they cause.
    fn arrive(&mut self, now: Instant) {
        self.now = now;
        for i in [0, 1] {
            while let Some(entry) = self.wires[i].first_entry()
                && entry.key().0 <= now
            {
                let segment = entry.remove();
                self.end(i).handle_segment(now, &segment);
                self.read(i);
                self.drain(i);
            }
        }
        for i in [0, 1] {
            if self.end(i).poll_timeout() <= now {
                self.end(i).handle_timeout(now);
            }
        }
        self.flush();
    }

    /// Steps until `done`; panics after `limit` of virtual time.
    pub fn drive_until(&mut self, limit: Duration, mut done: impl FnMut(&mut Pair) -> bool) {
        let horizon = self.now + limit;
        self.flush();
        while !done(self) {
            assert!(self.next() <= horizon, "not within {limit}");
            assert!(self.step(), "nothing more happens");
        }
    }

    /// Lets `span` pass.
    pub fn run_for(&mut self, span: Duration) {
        let horizon = self.now + span;
        self.flush();
        while self.next() <= horizon {
            self.step();
        }
        self.now = horizon;
    }

    /// Puts on the wire what both ends want to send now.
    pub fn flush(&mut self) {
        for i in [0, 1] {
            self.read(i);
            self.drain(i);
        }
    }

    fn drain(&mut self, i: usize) {
        while let Some(event) = self.end(i).poll_event() {
            self.events[i].push(event);
        }
        let now = self.now;
        for count in 0.. {
            assert!(count < MAX_BURST, "an end that never stops sending");
            let Some(segment) = self.end(i).poll_transmit(now) else { break };
            self.carry(i, segment);
        }
    }

    fn read(&mut self, i: usize) {
        match self.reading[i] {
            Reading::Discard => {
                self.end(i).discard();
            }
            Reading::Keep => {
                while let Some(payload) = self.end(i).read() {
                    payload.copy_to(&mut self.inbox[i]);
                }
            }
            Reading::Hold => {}
        }
    }

    fn carry(&mut self, i: usize, segment: Segment) {
        let (mut number, mut copy) = (0, 0);
        if !segment.payload.is_empty() {
            let which = self.seen[i].len() + 1;
            let entry = self.seen[i].entry(segment.seq.0).or_insert((which, 0));
            (number, copy) = *entry;
            entry.1 += 1;
        }
        let from = if i == 0 { End::Client } else { End::Server };
        let mut sent = Sent { at: self.now, from, number, copy, segment, fate: Fate::Pass };
        sent.fate = (self.fault)(&sent);
        let copies = match sent.fate {
            Fate::Drop => 0,
            Fate::Duplicate => 2,
            Fate::Pass | Fate::Delay(_) | Fate::Mark | Fate::Field(_) => 1,
        };
        if sent.fate == Fate::Mark {
            sent.segment.ecn.mark();
        }
        if let Fate::Field(ecn) = sent.fate {
            sent.segment.ecn = ecn;
        }
        let extra = if let Fate::Delay(extra) = sent.fate { extra } else { Duration::ZERO };
        for _ in 0..copies {
            self.serial += 1;
            self.wires[1 - i].insert((self.now + self.delay + extra, self.serial), sent.segment.clone());
        }
        self.log.push(sent);
    }

    fn end(&mut self, i: usize) -> &mut Connection {
        if i == 0 { &mut self.client } else { &mut self.server }
    }

    /// The data segments that the client sent: (milliseconds, number, copy).
    pub fn client_data(&self) -> Vec<(u64, usize, usize)> {
        self.log
            .iter()
            .filter(|sent| sent.from == End::Client && sent.number > 0)
            .map(|sent| (sent.at.as_nanos() / 1_000_000, sent.number, sent.copy))
            .collect()
    }

    /// The numbers of the client's data segments sent again, in order.
    pub fn retransmitted(&self) -> Vec<usize> {
        self.client_data().iter().filter(|sent| sent.2 > 0).map(|sent| sent.1).collect()
    }

    /// The segments of one end as lines with their times in milliseconds.
    pub fn lines(&self, from: End) -> Vec<String> {
        self.log
            .iter()
            .filter(|sent| sent.from == from)
            .map(|sent| format!("{} {}", sent.at.as_nanos() / 1_000_000, self.line(sent)))
            .collect()
    }

    fn line(&self, sent: &Sent) -> String {
        let (own, peer) =
            if sent.from == End::Client { (self.iss[0], self.iss[1]) } else { (self.iss[1], self.iss[0]) };
        line(&sent.segment, own, peer)
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        eprintln!(
            "{:?} / {:?} at {}; the last segments:",
            self.client.state(),
            self.server.state(),
            self.now
        );
        for sent in self.log.iter().skip(self.log.len().saturating_sub(LOG_LINES)) {
            let at = sent.at.as_nanos() as f64 / 1e6;
            let what =
                if sent.number > 0 { format!("#{}.{}", sent.number, sent.copy) } else { String::new() };
            eprintln!("{at:10.3} {:?} {} {what} {:?}", sent.from, self.line(sent), sent.fate);
        }
    }
}
