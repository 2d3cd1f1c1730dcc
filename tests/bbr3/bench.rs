//! One flow of BBR v3 over one link that a test changes by what the flow does.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Once};

use testbed::congestion;
use testbed::engine::{self, Client, Connections, World};
use testbed::facts::Phase;
use testbed::link::config::{Offset, Pattern, Replay, Trace};
use testbed::link::{Config as LinkConfig, Verdict};
use testbed::rng::{Rng, Seed};
use testbed::scenario::Plan;
use testbed::time::{Duration, Instant};
use testbed::units::Rate;
use testbed::wire::{Class, Packet};

pub use crate::load::Load;
use crate::load::{Sink, Source};
use crate::trace::{self, TRACED};
pub use crate::trace::{News, Row, goodput, loss, stays};

/// Payload of a segment.
pub const SMSS: f64 = 1448.0;

thread_local! {
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

    /// In a scenario's words.
    fn text(self) -> String {
        let queue = (self.bdp() * self.2 / 1500.0).round().max(2.0);
        let (rate, delay) = (self.0 * 1e3, self.1 * 1e3);
        format!(
            "up = {{ rate = \"{rate}kbit\", queue = {{ limit = \"{queue} packets\" }} }}\ndelay = \"{delay}us\""
        )
    }
}

pub fn ceiling(megabits: f64) -> f64 {
    megabits * 1e6 / 8.0 * SMSS / 1500.0
}

/// The flow on a path with five seeds and an acknowledgment for each segment, and with one for each second. Each
/// is made when the one before is done with: they have one trace.
pub fn variants(path: Path) -> impl Iterator<Item = Bench> {
    let delays = move || Bench::with(&path.text(), "", path.0, Load::Unlimited, 1);
    (1..=5).map(move |seed| Bench::new(path, Load::Unlimited, seed)).chain(std::iter::once_with(delays))
}

impl Bench {
    pub fn new(path: Path, load: Load, seed: u64) -> Bench {
        Bench::with(&path.text(), "delayed_ack = false", path.0, load, seed)
    }

    /// With data that reach the receiver only each so many milliseconds, and are then acknowledged at once.
    pub fn batched(path: Path, millis: u32) -> Bench {
        let link = path.text();
        Bench::build(&link, "", path.0, Load::Unlimited, 1, Some(millis))
    }

    /// With a link and TCP settings in a scenario's words.
    pub fn with(link: &str, tcp: &str, megabits: f64, load: Load, seed: u64) -> Bench {
        Bench::build(link, tcp, megabits, load, seed, None)
    }

    fn build(link: &str, tcp: &str, megabits: f64, load: Load, seed: u64, batches: Option<u32>) -> Bench {
        static REGISTERED: Once = Once::new();
        REGISTERED.call_once(|| congestion::register(vec![&TRACED]).expect("a free name"));
        let (config, tcp) = parse(link, tcp);
        trace::clear();
        LOSSES.set(Losses::None);
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
        let mut path = vec![instance];
        if let Some(millis) = batches {
            let batch = world.add_link("batch", [released_each(millis), LinkConfig::default()]);
            path.push(world.add_link_instance(batch, None));
        }
        let server_app = world.add_server(Box::new(Sink));
        let load = Rc::new(Cell::new(load));
        let client = Client {
            name: "bulk-1".to_owned(),
            group: "bulk".to_owned(),
            route: engine::route(&path),
            tcp: Arc::new(tcp),
            class: Class::default(),
            server_app,
            measures: &[],
            connections: Connections::default(),
        };
        world.add_client(client, Box::new(Source::new(Rc::clone(&load))), Instant::ZERO);
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
            if trace::last(&fits) == Some(true) {
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
            config[1] = LinkConfig { delay: config[1].delay.clone(), ..released_each(millis) }
        });
    }

    /// Packets that the link dropped so far.
    pub fn dropped(&self) -> u64 {
        self.world.dropped()
    }

    /// The trace so far.
    pub fn rows(&self) -> Vec<Row> {
        trace::rows()
    }

    pub fn last(&self) -> Row {
        trace::last(Clone::clone).expect("news")
    }
}

/// A link that lets 400 packets pass each so many milliseconds.
fn released_each(millis: u32) -> LinkConfig {
    let trace = Trace::new(vec![millis; 400]).expect("a trace");
    LinkConfig {
        rate: Some(trace.mean()),
        pattern: Pattern::Replay(Replay {
            trace: Arc::new(trace),
            looped: true,
            offset: Offset::At(Duration::ZERO),
        }),
        ..LinkConfig::default()
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
