//! A connection in a world: its two ends, its route, and what was measured of it.

use std::sync::Arc;

use super::datagrams::Book;
use crate::congestion::Choice;
use crate::facts::{DirectionOutcome, FlowOutcome, Limit, Measure};
use crate::rng::Seed;
use crate::tcp::{Config, Connection, State, Stats};
use crate::time::{Duration, Instant};
use crate::wire::{Class, Direction, SeqNumber};

/// A client as the engine knows it: where it sits and how it connects.
#[derive(Clone, Debug)]
pub struct Client {
    /// `<group>-<n>`.
    pub name: String,
    /// The group.
    pub group: String,
    /// Link instances from the client to the server, and back.
    pub route: [Arc<[u32]>; 2],
    /// Settings of both ends.
    pub tcp: Arc<Config>,
    /// Class of service of its packets, both ways.
    pub class: Class,
    /// The application at the server that answers.
    pub server_app: u32,
    /// Measures of its workload.
    pub measures: &'static [Measure],
    /// Connections that the world keeps; begins empty.
    pub connections: Connections,
}

/// A client's connections as far as they are counted.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    /// Number of connections made so far.
    made: u32,
    /// The first, until it is opened.
    pub(super) reserved: Option<u32>,
}

/// A connection with both ends in this world.
#[derive(Debug)]
pub struct Flow {
    pub name: String,
    pub group: String,
    pub congestion: Choice,
    pub measures: &'static [Measure],
    pub started: Instant,
    pub route: [Arc<[u32]>; 2],
    /// Seed of its packets' draws on links that it shares with others.
    pub luck: Seed,
    /// Books of datagrams, if it is a flow of those: then its connections never open.
    pub book: Option<Box<Book>>,
    /// Link instances that no other connection uses, of ports.
    pub own_links: Vec<[u32; 2]>,
    /// The client's end, which sends [`Direction::Up`], and the server's.
    pub ends: [End; 2],
}

/// One end of a flow.
#[derive(Debug)]
pub struct End {
    pub connection: Connection,
    /// Its application.
    pub app: u32,
    /// First link of its packets.
    pub first_link: u32,
    /// Class of service of its packets.
    pub class: Class,
    /// The earliest instant for which a wake-up is queued.
    pub armed: Instant,
    /// True if it waits to be drained.
    pub touched: bool,
    /// True if the holder of this port was told that the connection is closed: in TIME-WAIT it is, too.
    pub told_closed: bool,
    /// In-order bytes that its application has taken.
    pub delivered: u64,
    /// Time at which everything it sends was acknowledged, its FIN included.
    pub drained: Option<Instant>,
    /// Packets that its checksum refused.
    pub damaged: u64,
    baseline: (Stats, u64),
}

impl Flow {
    /// A connection of `client` that opens at `now`.
    pub fn new(client: &mut Client, client_app: u32, now: Instant, seed: Seed) -> Flow {
        client.connections.made += 1;
        let name = match client.connections.made {
            1 => client.name.clone(),
            k => format!("{}.{k}", client.name),
        };
        let end = |direction: Direction, app: u32| {
            let label = format!("flow/{name}/{}", direction.name());
            let mut isn = seed.stream(&format!("{label}/isn"));
            let iss = SeqNumber(isn.next_u64() as u32);
            let rng = seed.stream(&format!("{label}/congestion"));
            let config = Arc::clone(&client.tcp);
            let connection = match direction {
                Direction::Up => Connection::connect(config, iss, rng),
                Direction::Down => Connection::listen(config, iss, rng),
            };
            End {
                connection,
                app,
                first_link: client.route[direction.index()][0],
                class: client.class,
                armed: Instant::MAX,
                touched: false,
                told_closed: false,
                delivered: 0,
                drained: None,
                damaged: 0,
                baseline: (Stats::default(), 0),
            }
        };
        Flow {
            luck: seed.child(&format!("flow/{name}/links")),
            ends: [end(Direction::Up, client_app), end(Direction::Down, client.server_app)],
            name,
            group: client.group.clone(),
            congestion: client.tcp.congestion.clone(),
            measures: client.measures,
            started: now,
            route: client.route.clone(),
            book: None,
            own_links: Vec::new(),
        }
    }

    /// In-order bytes handed to the receiver of a direction.
    pub fn delivered(&self, direction: Direction) -> u64 {
        let end = &self.ends[direction.reverse().index()];
        // Bytes that nobody reads are taken as they come.
        if end.connection.is_sink() { end.connection.received() } else { end.delivered }
    }

    /// Bytes that arrived at the receiver of a direction, each once, in whatever order.
    pub fn arrived(&self, direction: Direction) -> u64 {
        self.ends[direction.reverse().index()].connection.arrived()
    }

    /// True if a direction ever carried data.
    pub fn carries(&self, direction: Direction) -> bool {
        self.ends[direction.index()].connection.written() > 0
    }

    /// The measured interval begins.
    pub fn begin_measurement(&mut self, now: Instant) {
        for direction in Direction::BOTH {
            let delivered = self.delivered(direction);
            let end = &mut self.ends[direction.index()];
            // A connection counts anew from its establishment, but for timeouts of its SYN.
            let shaking =
                matches!(end.connection.state(), State::Listen | State::SynSent | State::SynReceived);
            let stats = end.connection.stats(now).clone();
            let stats = if shaking { Stats { timeouts: stats.timeouts, ..Stats::default() } } else { stats };
            end.baseline = (stats, delivered);
        }
    }

    /// Its figures from `since` to `now`; `links` gives the place of a link instance in
    /// [`Outcome::links`](crate::facts::Outcome::links).
    pub fn outcome(&mut self, since: Instant, now: Instant, links: impl Fn(u32) -> u32) -> FlowOutcome {
        // Of requests that were answered before, nothing is left to tell.
        let is_past = self.measures.contains(&Measure::Requests)
            && self.ends.iter().all(|end| end.drained.is_some_and(|at| at <= since));
        let silent = !Direction::BOTH.iter().any(|&direction| self.carries(direction));
        let directions = Direction::BOTH.map(|direction| {
            let links = self.route[direction.index()].iter().map(|&instance| links(instance)).collect();
            if self.carries(direction) && !is_past {
                return Some(DirectionOutcome { links, ..self.direction_outcome(direction, since, now) });
            }
            // Of a flow without data, such as one that never connects, the timeouts tell what happened.
            (silent && self.book.is_none() && direction == Direction::Up && self.started < now).then(|| {
                DirectionOutcome {
                    timeouts: self.timeouts(Direction::Up, now),
                    links,
                    ..DirectionOutcome::default()
                }
            })
        });
        let over = self.ends.iter().any(|end| end.drained.is_some());
        FlowOutcome {
            name: self.name.clone(),
            group: self.group.clone(),
            congestion: self.congestion.algorithm.name,
            measures: self.measures,
            began: self.started < now,
            lasting: self.started <= since && !over,
            directions,
        }
    }

    /// Expiries of the retransmission timer of a direction's data, and of what else has no row: SYN and
    /// FIN of an end that sends no data.
    fn timeouts(&mut self, direction: Direction, now: Instant) -> u64 {
        let (own, other) = (direction.index(), direction.reverse().index());
        let others = if self.carries(direction.reverse()) { None } else { Some(other) };
        let of = |end: usize| {
            let End { connection, baseline, .. } = &mut self.ends[end];
            connection.stats(now).timeouts - baseline.0.timeouts
        };
        [Some(own), others].into_iter().flatten().map(of).sum()
    }

    fn direction_outcome(&mut self, direction: Direction, since: Instant, now: Instant) -> DirectionOutcome {
        let (delivered, timeouts) = (self.delivered(direction), self.timeouts(direction, now));
        let (started, completes) = (self.started, self.measures.contains(&Measure::Completion));
        let end = &mut self.ends[direction.index()];
        let stats = end.connection.stats(now).clone();
        let (before, delivered_before) = &end.baseline;
        let mean =
            |total: u128, time: Duration| (!time.is_zero()).then(|| total as f64 / time.as_nanos() as f64);
        let windowed = end.connection.snapshot().window().is_some();
        let cwnd_mean = mean(
            stats.cwnd_integral - before.cwnd_integral,
            stats.open_time.saturating_sub(before.open_time),
        );
        let srtt_mean = mean(
            stats.srtt_integral - before.srtt_integral,
            stats.srtt_time.saturating_sub(before.srtt_time),
        );
        let until = end.drained.map_or(now, |at| at.max(since).min(now));
        DirectionOutcome {
            carried: true,
            bytes_delivered: delivered - delivered_before,
            active: until.saturating_since(started.max(since)),
            segments_sent: stats.segments_sent - before.segments_sent,
            retransmits: stats.retransmits - before.retransmits,
            recovery_episodes: stats.recovery_episodes - before.recovery_episodes,
            timeouts,
            srtt_mean: srtt_mean.map(|nanos| Duration::from_nanos(nanos as u64)),
            cwnd_mean: cwnd_mean.filter(|_| windowed),
            completion: end.drained.filter(|_| completes).map(|at| at - started),
            limited_by: limited_by(&stats, before),
            links: Vec::new(),
        }
    }
}

/// The limit that held for the longest part of an interval.
fn limited_by(stats: &Stats, before: &Stats) -> Limit {
    let spent = |limit: &&Limit| {
        let limit = **limit as usize;
        stats.limited[limit].saturating_sub(before.limited[limit])
    };
    // Of equals the last: the congestion window before the receiver's, and that before the application.
    Limit::ALL.iter().max_by_key(spent).copied().filter(|limit| !spent(&limit).is_zero()).unwrap_or_default()
}
