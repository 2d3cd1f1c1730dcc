//! The world's own thread: it sleeps until something is due or somebody has something for it, and
//! touches the world between.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration as Span;

use hdrhistogram::Histogram;
use tokio::sync::oneshot;

use super::Statistics;
use super::budget::Budget;
use super::changes::{OwnNetwork, Owners, Settings, Timetable};
use super::conditions::Conditions;
use super::ends::End;
use super::pipe::{Pipe, Stream, lock};
use super::recording::{Recorded, Recorder, Recording};
use crate::app::Event;
use crate::engine::{Client, World};
use crate::facts::Outcome;
use crate::live::clock::Clock;
use crate::live::lateness;
use crate::rng::Seed;
use crate::scenario::{Scenario, Trial, add_links, build_ports};
use crate::tcp;
use crate::time::Instant;

/// Command to the world.
pub(super) enum Command {
    /// A connection, of a certain client where there are such. Streams hold the way to this thread,
    /// which ends when nobody does any more.
    Open(Option<usize>, oneshot::Sender<[Stream; 2]>, Sender<Command>),
    /// A pipe has something to send or room to receive.
    Look(usize),
    Set(Box<Conditions>),
    /// The network of one connection.
    SetOwn(u64, Box<OwnNetwork>),
    Statistics(oneshot::Sender<Statistics>),
    /// The trial is over.
    Conclude(oneshot::Sender<Outcome>),
    /// So is the capture.
    EndRecording(oneshot::Sender<Option<Recorded>>),
    /// Haste: a world that ends lets arrive whatever is under way.
    Hurry,
}

/// The system wakes a sleeper so much late; the rest is waited for awake.
const SLACK: Span = Span::from_micros(100);
/// So long without anything due is time to write a capture.
const QUIET: Span = Span::from_millis(5);
/// So many times as fast as the wall clock is a world in a hurry: 4 s of a tunnel take 40 ms, and a task that is late by a
/// few milliseconds is no peer that has gone.
const HURRY: u64 = 100;
/// As many commands as are handled before the world is advanced again.
const BATCH: usize = 256;

/// The world and its pipes.
pub(super) struct Driver {
    pub(super) world: World,
    pub(super) clients: Clients,
    /// Time of the next change by a schedule.
    pub(super) next_change: Option<Instant>,
    clock: Clock,
    /// Time on the clock since which the world is in a hurry.
    hurries: Option<Instant>,
    inbox: Receiver<Command>,
    /// Two for each connection: the client's end is even.
    pub(super) ends: Vec<Option<End>>,
    pub(super) free: Vec<usize>,
    /// By the world's number of a connection, which pair of ends it is.
    pairs: Vec<usize>,
    opened: u64,
    /// Bytes that have come out at the server's ends, and at the clients'.
    pub(super) bytes: [u64; 2],
    pub(super) budget: Budget,
    lateness: Histogram<u64>,
    recorder: Option<Recorder>,
}

/// Source of the connections.
pub(super) enum Clients {
    /// Anybody, each over a path like this.
    Anybody {
        path: Vec<(usize, Option<[u32; 2]>)>,
        tcp: Arc<tcp::Config>,
        links: Vec<(String, Settings)>,
        /// Networks that single connections have instead.
        own: Owners,
        /// Schedule of everybody's links.
        timetable: Option<Timetable>,
    },
    /// The clients of a trial.
    Cast { clients: Vec<Client>, measured: Box<Measured> },
}

/// Of a trial: when its warm-up and its measured interval end, as long as they have not, and then
/// the figures.
pub(super) struct Measured {
    begins: Option<Instant>,
    ends: Option<Instant>,
    outcome: Option<Outcome>,
}

impl Driver {
    /// A world with these conditions that begins now; what is under way in it takes so much memory.
    pub fn new(
        conditions: &Conditions,
        memory: u64,
        recording: Option<Recording>,
        inbox: Receiver<Command>,
    ) -> Driver {
        let scenario = conditions.scenario();
        let mut world = World::new(Seed(scenario.seed), Instant::ZERO, Instant::MAX);
        let shared = add_links(&mut world, scenario);
        let (links, timetable) = Timetable::start(conditions, Instant::ZERO, &[]);
        let clients = Clients::Anybody {
            path: scenario.groups[0]
                .path
                .iter()
                .map(|hop| (hop.link, shared[hop.link].map(|both| hop.turned(both))))
                .collect(),
            tcp: Arc::new(scenario.groups[0].tcp.clone()),
            links,
            own: Owners::new(),
            timetable,
        };
        let mut driver = Driver::of(world, clients, Clock::start(), Budget::new(memory), inbox);
        driver.recorder = recording.map(|recording| Recorder::new(recording, &mut driver.world));
        driver
    }

    /// The world of a trial, whose instants are those of `clock`.
    pub fn of_trial(scenario: &Scenario, trial: Trial, clock: Clock, inbox: Receiver<Command>) -> Driver {
        let (world, clients) = build_ports(scenario, trial);
        let measured = Measured {
            begins: Some(Instant::ZERO + scenario.warmup),
            ends: Some(Instant::ZERO + scenario.duration),
            outcome: None,
        };
        let cast = Clients::Cast { clients, measured: Box::new(measured) };
        // The memory it may hold is the scenario's business.
        Driver::of(world, cast, clock, Budget::new(u64::MAX), inbox)
    }

    fn of(world: World, clients: Clients, clock: Clock, budget: Budget, inbox: Receiver<Command>) -> Driver {
        Driver {
            world,
            clients,
            // There is a look ahead at once.
            next_change: Some(Instant::ZERO),
            clock,
            hurries: None,
            inbox,
            ends: Vec::new(),
            free: Vec::new(),
            pairs: Vec::new(),
            opened: 0,
            bytes: [0; 2],
            budget,
            lateness: lateness::histogram(),
            recorder: None,
        }
    }

    fn now(&self) -> Instant {
        let now = self.clock.now();
        self.hurries.map_or(now, |since| since + (now - since) * HURRY)
    }

    /// Time on the clock until an instant of the world.
    fn wait(&self, until: Instant) -> Span {
        let wait = Span::from_nanos(until.saturating_since(self.now()).as_nanos());
        if self.hurries.is_some() { wait / HURRY as u32 } else { wait }
    }

    /// Runs until nobody holds the gateway or one of its streams any more.
    pub fn run(mut self) {
        loop {
            self.catch_up();
            let due = self.world.next_wakeup().into_iter().chain(self.next_change).min();
            let wait = match due {
                Some(due) => self.wait(due),
                None => Span::from_secs(3_600),
            };
            if let Some(recorder) = &mut self.recorder {
                recorder.go_on(&mut self.world, wait > QUIET);
            }
            let command = if wait > SLACK {
                match self.inbox.recv_timeout(wait.saturating_sub(SLACK)) {
                    Ok(command) => command,
                    Err(RecvTimeoutError::Timeout) => continue,
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            } else {
                match self.inbox.try_recv() {
                    Ok(command) => command,
                    Err(_) => {
                        std::hint::spin_loop();
                        continue;
                    }
                }
            };
            self.catch_up();
            self.obey(command);
            for _ in 0..BATCH {
                let Ok(command) = self.inbox.try_recv() else { break };
                self.obey(command);
            }
        }
    }

    /// Runs what is due at its own instant, and notes how late that was.
    fn catch_up(&mut self) {
        loop {
            let now = self.now();
            if let Some(at) = self.next_change.filter(|at| *at <= now)
                && self.world.next_wakeup().is_none_or(|due| at <= due)
            {
                self.next_change = None;
                self.advance(at.max(self.world.now()));
                self.follow_schedules();
                continue;
            }
            match self.world.next_wakeup() {
                Some(due) if due <= now => {
                    if self.hurries.is_none() {
                        self.lateness.saturating_record((now - due).as_nanos().max(1));
                    }
                    self.advance(due.max(self.world.now()));
                    self.hear();
                }
                _ => {
                    // Input that comes now is stamped with now.
                    self.advance(now.max(self.world.now()));
                    self.hear();
                    return;
                }
            }
        }
    }

    /// Advances the world, and begins and ends the measurement of a trial on time.
    fn advance(&mut self, until: Instant) {
        if let Clients::Cast { measured, .. } = &mut self.clients {
            if let Some(begins) = measured.begins.take_if(|begins| *begins <= until) {
                self.world.advance(begins);
                self.world.begin_measurement();
            }
            if let Some(ends) = measured.ends.take_if(|ends| *ends <= until) {
                self.world.advance(ends);
                measured.outcome = Some(self.world.measurement());
            }
        }
        self.world.advance(until);
    }

    /// Outcome of the trial, if there is one.
    fn conclude(&mut self) -> Option<Outcome> {
        let Clients::Cast { measured, .. } = &mut self.clients else { return None };
        let mut outcome = measured.outcome.take()?;
        self.world.conclude(&mut outcome);
        outcome.lateness.push(lateness::account("network", &self.lateness));
        Some(outcome)
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Open(client, reply, commands) => {
                let streams = self.open(client, &commands);
                // The asker may be gone; its streams then end by being dropped.
                let _ = reply.send(streams);
            }
            Command::Look(number) => self.serve(number),
            Command::Set(conditions) => self.set(&conditions),
            Command::SetOwn(connection, own) => self.set_own(connection, &own),
            Command::Statistics(reply) => {
                let _ = reply.send(self.statistics());
            }
            Command::EndRecording(reply) => {
                let recorded = self.recorder.take().map(|mut recorder| recorder.end(&mut self.world));
                let _ = reply.send(recorded);
            }
            Command::Hurry => self.hurries = self.hurries.or(Some(self.clock.now())),
            Command::Conclude(reply) => {
                if let Some(outcome) = self.conclude() {
                    let _ = reply.send(outcome);
                }
            }
        }
        self.hear();
    }

    pub(super) fn open(&mut self, client: Option<usize>, commands: &Sender<Command>) -> [Stream; 2] {
        self.opened += 1;
        let ports = match &mut self.clients {
            Clients::Anybody { path, tcp, .. } => self.world.open_ports(path, tcp),
            Clients::Cast { clients, .. } => self.world.open_ports_of(&mut clients[client.unwrap_or(0)]),
        };
        let first = self.free.pop().unwrap_or_else(|| {
            self.ends.extend([None, None]);
            self.ends.len() - 2
        });
        let flow = ports[0].flow as usize;
        if self.pairs.len() <= flow {
            self.pairs.resize(flow + 1, 0);
        }
        self.pairs[flow] = first;
        [0, 1].map(|side| {
            let pipe = Arc::new(Mutex::new(Pipe::default()));
            let number = first + side;
            self.ends[number] = Some(End::new(Arc::clone(&pipe), ports[side], self.opened));
            Stream::new(pipe, commands.clone(), number, self.opened)
        })
    }

    /// Takes notice of what happened to ports.
    fn hear(&mut self) {
        while let Some((port, event)) = self.world.poll_port() {
            let number = self.pairs[port.flow as usize] + port.direction.index();
            let Some(end) = self.ends.get_mut(number).and_then(Option::as_mut) else { continue };
            match event {
                Event::Connected => end.connected = true,
                Event::PeerClosed => end.peer_closed = true,
                Event::Closed => {
                    self.finish(number);
                    continue;
                }
                Event::Readable | Event::Writable => {}
            }
            self.serve(number);
        }
    }

    fn statistics(&mut self) -> Statistics {
        let mut connections = Vec::new();
        for pair in 0..self.ends.len() / 2 {
            if let (Some(near), Some(far)) = (&self.ends[2 * pair], &self.ends[2 * pair + 1]) {
                let infos = [near.port, far.port].map(|port| self.world.port_info(port));
                connections.push((near.connection, infos));
            }
        }
        connections.sort_by_key(|(connection, _)| *connection);
        Statistics {
            packets: self.world.packets(),
            dropped: self.world.dropped(),
            opened: self.opened,
            bytes: self.bytes,
            connections,
            lateness: self.lateness.clone(),
        }
    }
}

impl Drop for Driver {
    /// Tasks that still wait hear that there is no world any more.
    fn drop(&mut self) {
        if let Some(mut recorder) = self.recorder.take() {
            recorder.end(&mut self.world);
        }
        for end in self.ends.iter().flatten() {
            let mut pipe = lock(&end.pipe);
            pipe.reset = true;
            pipe.wake_reader();
            pipe.wake_writer();
        }
    }
}
