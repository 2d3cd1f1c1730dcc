//! One flow of BBR v3 over one link that a test changes by what the flow does, and a trace of BBR's variables
//! at each piece of news.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Once};

use testbed::app::{App, Conn, Event, Io};
use testbed::congestion::{
    self, Ack, Algorithm, Beliefs, Choice, CongestionController, Loss, LostSegment, Phase, Restart,
};
use testbed::engine::{self, Client, Connections, World};
use testbed::link::config::{Offset, Pattern, Replay, Trace};
use testbed::link::{Config as LinkConfig, Verdict};
use testbed::rng::{Rng, Seed};
use testbed::scenario::Plan;
use testbed::time::{Duration, Instant};
use testbed::units::Rate;
use testbed::wire::Packet;

/// Payload of a segment.
pub const SMSS: f64 = 1448.0;

/// Kind of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    Ack,
    Lost,
    Recovery,
    Timeout,
    Spurious,
    Restart,
}

/// State after a piece of news. Times in seconds, windows in bytes, rates in bytes per second.
#[derive(Clone, Debug)]
pub struct Row {
    pub at: f64,
    pub news: News,
    pub phase: Phase,
    pub cwnd: f64,
    pub pacing: f64,
    pub bw: f64,
    pub min_rtt: f64,
    /// Bytes in the network after it.
    pub inflight: f64,
    pub delivered: f64,
    pub lost: f64,
    pub rtt: Option<f64>,
    /// Rate of its sample, unless that may be the application's.
    pub rate: Option<f64>,
    /// The segment that was lost.
    pub segment: Option<LostSegment>,
    variables: Vec<f64>,
}

thread_local! {
    static ROWS: RefCell<Vec<Row>> = const { RefCell::new(Vec::new()) };
    static NAMES: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
    static HIDES_EXTRA: Cell<bool> = const { Cell::new(false) };
    static LOSSES: Cell<Losses> = const { Cell::new(Losses::None) };
}

/// Losses among data packets at the entrance of the link.
#[derive(Clone, Copy, Debug)]
pub enum Losses {
    None,
    /// With this chance.
    Random(f64),
    /// Each packet whose number this divides.
    Every(u64),
}

impl Row {
    /// A variable by its name in the draft.
    pub fn get(&self, name: &str) -> f64 {
        let at = NAMES.with_borrow(|names| names.iter().position(|&known| known == name));
        self.variables[at.unwrap_or_else(|| panic!("no variable {name}"))]
    }
}

/// BBR v3 with a trace.
#[derive(Debug)]
struct Traced(Box<dyn CongestionController>);

impl Traced {
    fn note(&self, at: Instant, news: News, ack: Option<&Ack>, segment: Option<&LostSegment>) {
        let (mut names, mut variables) = (Vec::new(), Vec::new());
        self.0.variables(&mut |name, value| {
            names.push(name);
            variables.push(value);
        });
        NAMES.set(names);
        let beliefs = self.0.beliefs();
        let rate = |rate: Option<Rate>| rate.map_or(0.0, |rate| rate.bits_per_second() as f64 / 8.0);
        let sample = ack.and_then(|ack| ack.sample).filter(|sample| !sample.app_limited);
        ROWS.with_borrow_mut(|rows| {
            let (inflight, delivered, lost) = match ack {
                Some(ack) => (ack.pipe.1 as f64, ack.delivered as f64, ack.lost as f64),
                None => rows.last().map_or((0.0, 0.0, 0.0), |row| (row.inflight, row.delivered, row.lost)),
            };
            rows.push(Row {
                at: (at - Instant::ZERO).as_secs_f64(),
                news,
                phase: self.0.phase(),
                cwnd: self.0.cwnd() as f64,
                pacing: rate(self.0.pacing_rate()),
                bw: rate(beliefs.bandwidth),
                min_rtt: beliefs.min_rtt.map_or(f64::INFINITY, Duration::as_secs_f64),
                inflight,
                delivered,
                lost,
                rtt: ack.and_then(|ack| ack.rtt).map(Duration::as_secs_f64),
                rate: sample.map(|sample| sample.delivered as f64 / sample.interval.as_secs_f64()),
                segment: segment.copied(),
                variables,
            });
        });
    }

    fn last(&self) -> Instant {
        let at = ROWS.with_borrow(|rows| rows.last().map_or(0.0, |row| row.at));
        Instant::ZERO + Duration::from_nanos((at * 1e9).round() as u64)
    }
}

impl CongestionController for Traced {
    fn cwnd(&self) -> u64 {
        let extra = ROWS.with_borrow(|rows| rows.last().map_or(0.0, |row| row.get("extra_acked")));
        let hidden = if HIDES_EXTRA.get() { extra as u64 } else { 0 };
        self.0.cwnd().saturating_sub(hidden)
    }

    fn on_ack(&mut self, ack: &Ack) {
        self.0.on_ack(ack);
        self.note(ack.now, News::Ack, Some(ack), None);
    }

    fn on_loss(&mut self, loss: &Loss) {
        self.0.on_loss(loss);
        self.note(loss.now, News::Recovery, None, None);
    }

    fn on_lost(&mut self, now: Instant, lost: &LostSegment) {
        self.0.on_lost(now, lost);
        self.note(now, News::Lost, None, Some(lost));
    }

    fn on_timeout(&mut self, loss: &Loss) {
        self.0.on_timeout(loss);
        self.note(loss.now, News::Timeout, None, None);
    }

    fn on_recovered(&mut self, now: Instant) {
        self.0.on_recovered(now);
    }

    fn on_ecn(&mut self, loss: &Loss) {
        self.0.on_ecn(loss);
    }

    fn on_spurious(&mut self) {
        self.0.on_spurious();
        self.note(self.last(), News::Spurious, None, None);
    }

    fn on_idle(&mut self) {
        self.0.on_idle();
    }

    fn on_restart(&mut self, restart: Restart) {
        self.0.on_restart(restart);
        self.note(restart.now, News::Restart, None, None);
    }

    fn pacing_rate(&self) -> Option<Rate> {
        self.0.pacing_rate()
    }

    fn send_quantum(&self) -> u64 {
        self.0.send_quantum()
    }

    fn wants_prr(&self) -> bool {
        self.0.wants_prr()
    }

    fn wants_losses(&self) -> bool {
        self.0.wants_losses()
    }

    fn holds_back(&self) -> bool {
        self.0.holds_back()
    }

    fn beliefs(&self) -> Beliefs {
        self.0.beliefs()
    }
}

static TRACED: Algorithm = Algorithm {
    name: "bbr3_traced",
    summary: "bbr3 with a trace of its variables",
    parameters: &[],
    build: |path| Box::new(Traced(Choice::named("bbr3").build(path.clone()))),
};

/// What an application writes.
#[derive(Clone, Copy, Debug)]
pub enum Load {
    /// As much as the connection takes.
    Unlimited,
    /// Enough, but only so many bytes ahead of what is sent, so that another load takes effect at once.
    JustInTime(f64),
    /// Whole segments at this rate.
    Rate(f64),
    Silent,
}

struct Source {
    load: Rc<Cell<Load>>,
    conn: Option<Conn>,
    next: Option<Instant>,
    written: f64,
    credit: f64,
}

/// Time between writes.
const TICK: Duration = Duration::from_millis(1);

impl Source {
    fn write(&mut self, io: &mut dyn Io, bytes: f64) {
        let Some(conn) = self.conn else { return };
        self.written += io.write_zeros(conn, bytes as u64) as f64;
    }
}

impl App for Source {
    fn start(&mut self, io: &mut dyn Io) {
        io.connect();
    }

    fn on_event(&mut self, conn: Conn, event: Event, io: &mut dyn Io) {
        if event == Event::Connected {
            self.conn = Some(conn);
            self.next = Some(io.now());
        }
    }

    fn on_timeout(&mut self, io: &mut dyn Io) {
        self.next = Some(io.now() + TICK);
        match self.load.get() {
            Load::Unlimited => self.write(io, 1e12),
            Load::JustInTime(ahead) => {
                let gone = ROWS.with_borrow(|rows| rows.last().map_or(0.0, |row| row.delivered + row.inflight));
                self.write(io, (gone + ahead - self.written).max(0.0));
            }
            Load::Rate(rate) => {
                self.credit += rate * TICK.as_secs_f64();
                let segments = (self.credit / SMSS).floor();
                self.credit -= segments * SMSS;
                if segments > 0.0 {
                    self.write(io, segments * SMSS);
                }
            }
            Load::Silent => {}
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.next
    }
}

struct Sink;

impl App for Sink {
    fn start(&mut self, _: &mut dyn Io) {}

    fn on_event(&mut self, conn: Conn, event: Event, io: &mut dyn Io) {
        if event == Event::Connected {
            io.sink(conn);
        } else if event == Event::Readable {
            io.discard(conn);
        }
    }

    fn on_timeout(&mut self, _: &mut dyn Io) {}

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

/// A flow and its link.
pub struct Bench {
    world: World,
    link: usize,
    pub config: [LinkConfig; 2],
    load: Rc<Cell<Load>>,
    pub now: f64,
    /// Payload per second that the link's rate carries.
    pub ceiling: f64,
}

/// A link: Mbit/s, milliseconds each way, and the queue in bandwidth-delay products.
#[derive(Clone, Copy, Debug)]
pub struct Path(pub f64, pub f64, pub f64);

/// The defaults of the cases.
pub const L0: Path = Path(20.0, 20.0, 4.0);
pub const L1: Path = Path(20.0, 50.0, 4.0);

impl Path {
    /// Bandwidth-delay product in bytes.
    pub fn bdp(self) -> f64 {
        self.0 * 1e6 / 8.0 * self.1 * 2e-3
    }
}

pub fn ceiling(megabits: f64) -> f64 {
    megabits * 1e6 / 8.0 * SMSS / 1500.0
}

/// A queue for so many bytes.
pub fn queue(bytes: f64) -> String {
    format!("{} packets", (bytes / 1500.0).round().max(2.0))
}

impl Bench {
    pub fn new(path: Path, load: Load, seed: u64) -> Bench {
        let link = format!(
            "up = {{ rate = \"{}kbit\", queue = {{ limit = \"{}\" }} }}\ndelay = \"{}us\"",
            path.0 * 1e3,
            queue(path.bdp() * path.2),
            path.1 * 1e3
        );
        Bench::with(&link, "delayed_ack = false", path.0, load, seed)
    }

    /// With a link and TCP settings in a scenario's words.
    pub fn with(link: &str, tcp: &str, megabits: f64, load: Load, seed: u64) -> Bench {
        static REGISTERED: Once = Once::new();
        REGISTERED.call_once(|| congestion::register(vec![&TRACED]).expect("a free name"));
        let (config, tcp) = parse(link, tcp);
        ROWS.with_borrow_mut(Vec::clear);
        LOSSES.set(Losses::None);
        HIDES_EXTRA.set(false);
        let horizon = Instant::ZERO + Duration::from_secs(1000);
        let mut world = World::new(Seed(seed), Instant::ZERO, horizon);
        let number = world.add_link("wire", config.clone());
        let instance = world.add_link_instance(number, None);
        let mut count = 0;
        let losses = move |_: Instant, packet: &Packet, rng: &mut Rng| {
            let draw = rng.uniform();
            if packet.segment.payload.is_empty() {
                return Verdict::Pass;
            }
            count += 1;
            let lost = match LOSSES.get() {
                Losses::None => false,
                Losses::Random(chance) => draw < chance,
                Losses::Every(n) => count % n == 0,
            };
            if lost { Verdict::Drop } else { Verdict::Pass }
        };
        world.push_impairment(instance[0], Box::new(losses));
        let server_app = world.add_server(Box::new(Sink));
        let load = Rc::new(Cell::new(load));
        let client = Client {
            name: "bulk-1".to_owned(),
            group: "bulk".to_owned(),
            route: engine::route(&[instance]),
            tcp: Arc::new(tcp),
            server_app,
            measures: &[],
            connections: Connections::default(),
        };
        let source = Source { load: Rc::clone(&load), conn: None, next: None, written: 0.0, credit: 0.0 };
        world.add_client(client, Box::new(source), Instant::ZERO);
        Bench { world, link: number, config, load, now: 0.0, ceiling: ceiling(megabits) }
    }

    /// Goes on to this second.
    pub fn run_to(&mut self, second: f64) -> &mut Bench {
        self.now = second;
        self.world.advance(Instant::ZERO + Duration::from_nanos((second * 1e9).round() as u64));
        self
    }

    /// Goes on until the last row fits, looking each quarter of a millisecond; false at `deadline`.
    pub fn wait_for(&mut self, deadline: f64, fits: impl Fn(&Row) -> bool) -> bool {
        while self.now < deadline {
            if ROWS.with_borrow(|rows| rows.last().is_some_and(&fits)) {
                return true;
            }
            self.run_to(self.now + 0.000_25);
        }
        false
    }

    /// Goes on until the phase is entered anew.
    pub fn enter(&mut self, deadline: f64, phase: Phase) -> bool {
        self.wait_for(deadline, |row| row.phase != phase) && self.wait_for(deadline, |row| row.phase == phase)
    }

    pub fn set_load(&mut self, load: Load) {
        self.load.set(load);
    }

    pub fn set_losses(&mut self, losses: Losses) {
        LOSSES.set(losses);
    }

    /// From now on the connection does not see that part of the window that is for gathered acknowledgments.
    pub fn hide_extra_acked(&mut self) {
        HIDES_EXTRA.set(true);
    }

    /// Changes the link now.
    pub fn change(&mut self, change: impl FnOnce(&mut [LinkConfig; 2])) {
        change(&mut self.config);
        let at = Instant::ZERO + Duration::from_nanos((self.now * 1e9).round() as u64);
        self.world.schedule(at, vec![(self.link, self.config.clone())]);
        self.run_to(self.now);
    }

    pub fn set_rate(&mut self, megabits: f64) {
        self.change(|config| config[0].rate = Rate::from_bits_per_second((megabits * 1e6) as u64));
    }

    /// From now on acknowledgments pass only each so many milliseconds.
    pub fn gather_acks(&mut self, millis: u32) {
        self.change(|config| {
            let trace = Trace::new(vec![millis; 200]).expect("a trace");
            config[1].rate = Some(trace.mean());
            config[1].pattern =
                Pattern::Replay(Replay { trace: Arc::new(trace), looped: true, offset: Offset::At(Duration::ZERO) });
        });
    }

    /// Packets that the link dropped so far.
    pub fn dropped(&self) -> u64 {
        self.world.dropped()
    }

    /// The trace so far.
    pub fn rows(&self) -> Vec<Row> {
        ROWS.with_borrow(Clone::clone)
    }

    pub fn last(&self) -> Row {
        ROWS.with_borrow(|rows| rows.last().expect("news").clone())
    }
}

fn parse(link: &str, tcp: &str) -> ([LinkConfig; 2], testbed::tcp::Config) {
    let text = format!(
        "duration = \"1000s\"\n[tcp]\ncongestion = \"bbr3_traced\"\n{tcp}\n[link.wire]\n{link}\n\
         [[clients]]\nname = \"bulk\"\npath = [\"wire\"]\napp = {{ kind = \"bulk\" }}\n"
    );
    let plan = Plan::parse_with("case.toml", &text, &[], &mut |_| Err(std::io::ErrorKind::NotFound.into()));
    let plan = plan.unwrap_or_else(|error| panic!("{}\n{text}", error.render(false)));
    let scenario = plan.scenario(0).expect("one cell");
    (scenario.links[0].directions.clone(), scenario.groups[0].tcp.clone())
}

/// An uninterrupted stay in a phase.
#[derive(Clone, Debug)]
pub struct Stay {
    pub phase: Phase,
    pub from: f64,
    pub to: f64,
    /// Places of its first row and of the first row behind it.
    pub rows: std::ops::Range<usize>,
}

/// Stays in phases, in order; the last is still going on.
pub fn stays(rows: &[Row]) -> Vec<Stay> {
    let mut stays: Vec<Stay> = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        if let Some(stay) = stays.last_mut() {
            (stay.to, stay.rows.end) = (row.at, i);
            if stay.phase == row.phase {
                stay.rows.end = i + 1;
                continue;
            }
        }
        stays.push(Stay { phase: row.phase, from: row.at, to: row.at, rows: i..i + 1 });
    }
    stays
}

/// Payload per second delivered between two instants.
pub fn goodput(rows: &[Row], from: f64, to: f64) -> f64 {
    let at = |second: f64| {
        let next = rows.partition_point(|row| row.at <= second);
        rows[next.saturating_sub(1)].delivered
    };
    (at(to) - at(from)) / (to - from)
}

/// Part of the bytes sent between two instants that was lost.
pub fn loss(rows: &[Row], from: f64, to: f64) -> f64 {
    let at = |second: f64| {
        let row = &rows[rows.partition_point(|row| row.at <= second).saturating_sub(1)];
        (row.lost, row.delivered)
    };
    let (before, after) = (at(from), at(to));
    let (lost, delivered) = (after.0 - before.0, after.1 - before.1);
    lost / (lost + delivered)
}

/// Counts of phases, for messages.
pub fn tally(stays: &[Stay]) -> BTreeMap<&'static str, usize> {
    let mut tally = BTreeMap::new();
    for stay in stays {
        *tally.entry(stay.phase.name()).or_insert(0) += 1;
    }
    tally
}
