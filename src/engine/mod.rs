//! The world: hosts with connections and applications, links, one event queue, one recorder. It
//! reads no clock, opens no socket, starts no thread; whoever owns it says what time it is.
//!
//! Events have a total order: instant, then arrivals before timers, then insertion. One event in,
//! then everything drains: connections tell their applications, applications write, connections
//! send, links fix each packet's arrival.

mod budget;
mod changes;
pub(crate) mod chunks;
mod core;
mod datagrams;
mod dispatch;
mod flow;
mod halt;
mod io;
mod log;
pub(crate) mod messages;
mod port;
mod qlog;
pub mod queue;
mod recorder;
pub(crate) mod requests;
mod tap;
mod topology;
mod view;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use budget::Exhausted;
pub use flow::{Client, Connections};
pub use halt::Halt;
pub use view::{FlowView, LinkView, PacketView, View};

use crate::app::App;
use crate::facts::{Capture, Outcome};
use crate::link::{Config as LinkConfig, Impairment};
use crate::rng::Seed;
use crate::time::{Duration, Instant};
use crate::wire::FlowId;
pub use log::Witness;
pub use port::{Port, PortInfo};
pub use tap::{Clients, Point};

use core::{Change, Core, SAMPLE};
use flow::Flow;
use halt::MOST_AT_ONE_INSTANT;
use log::Log;
use messages::Messages;
use qlog::Qlogs;
use queue::{Class, Event};
use recorder::Recorder;
use tap::Taps;

/// Time that messages may take to arrive after the end of the measured interval.
pub const DRAIN: Duration = Duration::from_secs(10);

/// Events and arrivals between two questions whether to go on: some hundred microseconds.
const BATCH: u64 = 1024;

/// A network with all that runs on it.
pub struct World {
    core: Core,
    apps: Vec<AppSlot>,
}

struct AppSlot {
    app: Box<dyn App>,
    started: bool,
    armed: Instant,
}

impl World {
    /// An empty world whose figures are of the interval from `warmup` to `horizon`.
    pub fn new(seed: Seed, warmup: Instant, horizon: Instant) -> World {
        World { core: Core::new(seed, warmup, horizon), apps: Vec::new() }
    }

    /// The instant up to which it has been advanced.
    pub fn now(&self) -> Instant {
        self.core.now
    }

    /// Packets that reached a host so far.
    pub fn packets(&self) -> u64 {
        self.core.packets
    }

    /// Packets that links dropped so far, for whatever reason.
    pub fn dropped(&self) -> u64 {
        self.core.topology.dropped()
    }

    /// Adds a link with its two directions, without instances.
    pub fn add_link(&mut self, name: &str, configs: [LinkConfig; 2]) -> usize {
        self.core.topology.add_group(name, configs)
    }

    /// Keeps a record of a link's capacity over time, beside its backlog.
    pub fn record_capacity(&mut self, link: usize) {
        self.core.topology.record_capacity(link);
    }

    /// Adds an instance of a link, for one client or for everybody; returns the numbers of its
    /// two directions.
    pub fn add_link_instance(&mut self, link: usize, client: Option<&str>) -> [u32; 2] {
        let seed = self.core.seed;
        self.core.topology.add_instance(link, client, seed)
    }

    /// Adds an impairment to one direction of an instance.
    pub fn push_impairment(&mut self, instance: u32, impairment: Box<dyn Impairment>) {
        self.core.topology.links[instance as usize].push_impairment(impairment);
    }

    /// Adds a server's application; returns its number.
    pub fn add_server(&mut self, app: Box<dyn App>) -> u32 {
        self.add_app(app, Instant::ZERO, None)
    }

    /// Adds a client whose application begins at `starts`; returns its first connection.
    pub fn add_client(&mut self, mut client: Client, app: Box<dyn App>, starts: Instant) -> FlowId {
        // Numbered now, so that first connections are in the order of their clients.
        let number = self.apps.len() as u32;
        let flow = self.core.push_flow(Flow::new(&mut client, number, starts, self.core.seed));
        client.connections.reserved = Some(flow);
        self.add_app(app, starts, Some(client));
        FlowId(flow)
    }

    fn add_app(&mut self, app: Box<dyn App>, starts: Instant, client: Option<Client>) -> u32 {
        let number = u32::try_from(self.apps.len()).expect("fewer than 2^32 applications");
        self.apps.push(AppSlot { app, started: false, armed: starts });
        self.core.clients.push(client);
        self.core.queue.push(starts, Class::App, number);
        number
    }

    /// Counts messages; without this there are no figures about them.
    pub fn count_messages(&mut self) {
        let interval = (self.core.warmup, self.core.horizon);
        self.core.messages = Some(Messages::new(interval));
    }

    /// Keeps samples at every `interval` until the horizon, and events.
    pub fn record(&mut self, interval: Duration) {
        self.core.recorder = Some(Recorder::new(interval));
        self.core.queue.push(Instant::ZERO, Class::World, SAMPLE);
    }

    /// Captures packets at these points, each by the name of its capture, in at most so many bytes. To be called
    /// when all links are there.
    pub fn capture(&mut self, points: Vec<(String, Point)>, room: u64) {
        self.taps().capture(points, room, None);
    }

    /// Captures all packets at all hosts and links in one file, whose stamps count from `origin` in nanoseconds since
    /// 1970. Its bytes are to be [taken](World::take_capture) now and then.
    pub fn capture_all(&mut self, room: u64, origin: u64) {
        let links = self.core.topology.names().map(str::to_owned).collect();
        self.taps().capture(vec![("all".to_owned(), Point::World(links))], room, Some(origin));
    }

    /// Bytes of captures so far that nobody has taken.
    pub fn captured(&self) -> u64 {
        self.core.taps.as_ref().map_or(0, |taps| taps.size())
    }

    /// Takes these bytes, which are whole blocks.
    pub fn take_capture(&mut self) -> Vec<u8> {
        self.core.taps.as_mut().map_or_else(Vec::new, |taps| taps.drain())
    }

    /// Ends all captures.
    pub fn end_captures(&mut self) -> Vec<Capture> {
        let Core { taps, now, topology, .. } = &mut self.core;
        taps.take().map_or_else(Vec::new, |taps| taps.finish(*now, topology))
    }

    /// Logs the senders of flows of these clients, or of all if none is named, in at most so many bytes.
    pub fn qlog(&mut self, clients: Vec<Clients>, room: u64) {
        let horizon = self.core.horizon;
        self.taps().qlogs = Some(Qlogs::new(clients, room, horizon));
    }

    /// Hands a log of all packets and bytes to `witness` as it grows. To be called when all links are there.
    pub fn log(&mut self, witness: Witness) {
        self.taps().log = Some(Log::new(witness));
    }

    fn taps(&mut self) -> &mut Taps {
        self.core.taps.get_or_insert_with(|| Box::new(Taps::none()))
    }

    /// Changes links at an instant: link number and both directions.
    pub fn schedule(&mut self, at: Instant, changes: Vec<(usize, [LinkConfig; 2])>) {
        self.core.changes.push(Some(Change(changes)));
        let target = self.core.changes.len() as u32;
        self.core.queue.push(at, Class::World, target);
    }

    /// The same at once. Instances that are `spared` stay as they are.
    pub fn change_links(&mut self, changes: &[(usize, [LinkConfig; 2])], spared: &BTreeSet<[u32; 2]>) {
        self.core.change_links(changes, spared);
        self.settle();
    }

    /// Ends the trial if it needs more than about so many bytes of memory. A trial that needs less does
    /// not depend on it.
    pub fn limit_memory(&mut self, bytes: u64) {
        self.core.budget = budget::Budget::of(bytes);
    }

    /// Time of the next event.
    pub fn next_wakeup(&self) -> Option<Instant> {
        self.core.queue.next_at()
    }

    /// Handles everything due up to and including `until`.
    pub fn advance(&mut self, until: Instant) {
        assert!(until >= self.core.now, "time runs forwards");
        while !self.advance_a_batch(until) {}
    }

    /// Reason for which it goes on no more, if there is one.
    pub fn halted(&self) -> Option<&Halt> {
        self.core.budget.halt.as_ref()
    }

    /// A controller that cannot go on, after which nothing goes on.
    pub fn failure(&self) -> Option<Halt> {
        self.core.failure()
    }

    /// Runs the trial: warm-up, measured interval, and the drain of messages under way.
    /// `go_on` is asked every thousand events or so, however little time they take; when it says no,
    /// the trial is abandoned; it ends early, too, when it needs more memory than it may or a controller cannot go on.
    pub fn run(&mut self, go_on: &mut dyn FnMut() -> bool) -> Result<Outcome, Halt> {
        self.advance_asking(self.core.warmup, go_on)?;
        self.begin_measurement();
        self.advance_asking(self.core.horizon, go_on)?;
        let mut outcome = self.measurement();
        let deadline = self.core.horizon + DRAIN;
        while self.core.awaits_answers() {
            match self.next_wakeup() {
                Some(at) if at <= deadline => self.advance_asking(at, go_on)?,
                _ => break,
            }
        }
        while let Some(look) = self.next_look().filter(|look| *look <= deadline) {
            self.advance_asking(look, go_on)?;
        }
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        self.conclude(&mut outcome);
        Ok(outcome)
    }

    /// The warm-up is over: figures count from now.
    pub fn begin_measurement(&mut self) {
        let now = self.core.now;
        self.core.topology.begin_measurement(now);
        for flow in &mut self.core.flows {
            flow.begin_measurement(now);
        }
    }

    /// The measured interval ends now: its figures, but for what [`conclude`](World::conclude) adds.
    pub fn measurement(&mut self) -> Outcome {
        let core = &mut self.core;
        let (since, now) = (core.warmup, core.now);
        let accounts = core.topology.statistics(now);
        Outcome {
            flows: (core.flows.iter_mut())
                .map(|flow| flow.outcome(since, now, |instance| core.topology.place_of(instance)))
                .collect(),
            links: core.topology.outcomes(&accounts),
            measured: now - since,
            ..Outcome::default()
        }
    }

    /// The trial is over: what is of all of it, series, messages and counts.
    pub fn conclude(&mut self, outcome: &mut Outcome) {
        let core = &mut self.core;
        core.topology.count(&mut outcome.links);
        core.add_datagrams(outcome);
        outcome.requests = core.requests.outcomes();
        outcome.chunks = core.chunks.outcomes();
        outcome.messages = core.messages.as_ref().map(Messages::outcome);
        outcome.series = core.recorder.take().map(|recorder| recorder.finish(&core.flows));
        outcome.events = core.events;
        outcome.captures = self.end_captures();
    }

    fn advance_asking(&mut self, until: Instant, go_on: &mut dyn FnMut() -> bool) -> Result<(), Halt> {
        loop {
            if !go_on() {
                return Err(Halt::Abandoned);
            }
            let done = self.advance_a_batch(until);
            if let Some(halt) = &self.core.budget.halt {
                return Err(halt.clone());
            }
            if done {
                return Ok(());
            }
            if self.core.budget.steps - self.core.steps_before > MOST_AT_ONE_INSTANT {
                return Err(Halt::Stuck(self.core.now));
            }
        }
    }

    /// Handles some of the events due up to and including `until`; whether those were all.
    fn advance_a_batch(&mut self, until: Instant) -> bool {
        self.core.budget.begin_batch(BATCH);
        while self.core.budget.goes_on() {
            let Some(event) = self.core.queue.due(until) else {
                self.core.now = until;
                return true;
            };
            assert!(event.at >= self.core.now, "events are in order");
            if event.at > self.core.now {
                self.core.now = event.at;
                self.core.steps_before = self.core.budget.steps;
            }
            self.handle(event);
        }
        // An owner of a world without a limit need not ask.
        self.core.budget.halt.is_some()
    }

    #[inline(always)]
    fn handle(&mut self, event: Event) {
        self.core.events += 1;
        if event.class == Class::Arrival {
            // Of arrivals, packets are the steps.
            return self.handle_arrivals(event);
        }
        self.core.step();
        self.core.queue.pop(event.class);
        match event.class {
            Class::Connection => self.handle_connection_timer(event),
            Class::App => self.handle_app_timer(event),
            Class::Arrival | Class::World => self.core.handle_own(event),
        }
    }
}

/// A route that never branches: the same links both ways.
pub fn route(instances: &[[u32; 2]]) -> [Arc<[u32]>; 2] {
    let up = instances.iter().map(|instance| instance[0]).collect();
    let down = instances.iter().rev().map(|instance| instance[1]).collect();
    [up, down]
}
