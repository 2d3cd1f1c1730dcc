//! Random scenarios do not break the program: no panic (the engine checks every link's conservation
//! at the end of each trial), streams whole, and an end in sight. Random damage to texts is an error
//! with a place, or a scenario; never a panic.

#![expect(clippy::disallowed_methods, reason = "it stops after some real time")]

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::support::over_seeds;
use testbed::engine::Halt;
use testbed::facts::Outcome;
use testbed::rng::{Rng, Seed};
use testbed::scenario::{AppSpec, Plan, build};

/// Trials, and the seed of the first; `ROBUSTNESS_SEED` runs only that one.
const TRIALS: u64 = 1500;
const DAMAGED: u64 = 4000;
const AGAIN: &str = "cargo test --test physics robustness -- --nocapture";

/// Writes scenarios: every key of the format, with values that mean something.
struct Author(Rng);

impl Author {
    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.0.below(from.len() as u64) as usize]
    }

    fn number(&mut self, low: u64, high: u64) -> u64 {
        low + self.0.below(high - low + 1)
    }

    fn maybe(&mut self, percent: u64) -> bool {
        self.0.below(100) < percent
    }

    /// Often nothing, sometimes a little, rarely much.
    fn chance(&mut self) -> String {
        let tenths = match self.0.below(10) {
            0..6 => self.0.below(30),
            6..9 => self.0.below(200),
            _ => self.0.below(1001),
        };
        format!("\"{}.{}%\"", tenths / 10, tenths % 10)
    }

    fn direction(&mut self) -> String {
        let mut text = String::new();
        if self.maybe(70) {
            let mean = self.number(0, 60);
            let _ = match self.0.below(2) {
                0 => writeln!(text, "delay = \"{mean}ms\""),
                _ => writeln!(
                    text,
                    "delay = {{ mean = \"{}ms\", jitter = \"{}ms\", distribution = \"{}\", correlation = {}, reorder = {} }}",
                    mean + 1,
                    self.number(0, 20),
                    self.pick(&["uniform", "normal", "lognormal", "pareto", "paretonormal"]),
                    self.chance(),
                    self.pick(&["true", "false"]),
                ),
            };
        }
        if self.maybe(60) {
            let _ = match self.0.below(3) {
                0 => writeln!(text, "loss = {}", self.chance()),
                1 => writeln!(text, "loss = {{ model = \"independent\", chance = {} }}", self.chance()),
                _ => writeln!(
                    text,
                    "loss = {{ model = \"gilbert-elliott\", p = {}, r = {}, 1-h = {}, 1-k = {} }}",
                    self.chance(),
                    self.chance(),
                    self.chance(),
                    self.chance()
                ),
            };
        }
        for key in ["duplicate", "corrupt"] {
            if self.maybe(30) {
                let _ = writeln!(text, "{key} = {}", self.chance());
            }
        }
        if self.maybe(20) {
            let gap = self.number(1, 9);
            let _ = writeln!(text, "reorder = {{ chance = {}, gap = {gap} }}", self.chance());
        }
        if self.maybe(50) {
            let rate = self.pick(&["9600bit", "64kbit", "500kbit", "2mbit", "10mbit", "100mbit"]);
            let limit = self.pick(&[
                "1bdp",
                "0.1bdp",
                "3bdp",
                "1 packets",
                "5 packets",
                "100 packets",
                "10000B",
                "64KiB",
            ]);
            let discipline = self.discipline();
            let _ = writeln!(text, "rate = \"{rate}\"\nqueue = {{ {discipline}, limit = \"{limit}\" }}");
        }
        text
    }

    /// Kind and parameters of a queue: half of them drop-tail.
    fn discipline(&mut self) -> String {
        let marks = self.pick(&["true", "false"]);
        let span = self.pick(&["200us", "5ms", "80ms"]);
        match self.0.below(12) {
            0 => format!("kind = \"codel\", target = \"{span}\", ecn = {marks}, ce_threshold = \"1ms\""),
            1 => format!(
                "kind = \"fq_codel\", interval = \"{span}\", ecn = {marks}, ce_threshold = \"{span}\""
            ),
            2 => format!("kind = \"pie\", target = \"{span}\", ecn = {marks}"),
            3 => format!("kind = \"red\", min = \"3000B\", max = \"9000B\", ecn = {marks}"),
            4 | 5 => format!(
                "kind = \"dualpi2\", target = \"{span}\", tupdate = \"{}\", alpha = {}, beta = 3.2, coupling_factor = {}, \
                 step_thresh = \"{span}\", c_protection = {}, drop_on_overload = {marks}",
                self.pick(&["1ms", "16ms", "1s"]),
                self.pick(&["0", "0.16", "9.5"]),
                self.number(1, 4),
                self.chance(),
            ),
            _ => "kind = \"droptail\"".to_owned(),
        }
    }

    fn tcp(&mut self) -> String {
        let mut text = String::new();
        let flag = |author: &mut Author| author.pick(&["true", "false"]);
        let controllers = [
            "none", "fixed", "tahoe", "reno", "cubic", "bbr", "bbr3", "vegas", "westwood", "ledbat", "dctcp",
            "prague",
        ];
        let controller = self.pick(&controllers);
        let _ = writeln!(text, "congestion = \"{controller}\"");
        let needs_marks = ["dctcp", "prague"].contains(&controller);
        let modes: &[&str] = if needs_marks { &["accecn"] } else { &["off", "classic", "accecn"] };
        let _ = writeln!(text, "ecn = \"{}\"", self.pick(modes));
        let _ = writeln!(text, "recovery = \"{}\"", self.pick(&["sack", "rack", "newreno"]));
        let _ = writeln!(text, "mss = {}", self.pick(&["64", "536", "1448", "9000"]));
        let _ = writeln!(text, "initial_window = {}", self.number(1, 30));
        let _ = writeln!(
            text,
            "delayed_ack = {}",
            self.pick(&[
                "true",
                "false",
                "{ segments = 4, timeout = \"200ms\" }",
                "{ segments = 2, timeout = \"1ms\" }"
            ])
        );
        for key in ["byte_counting", "nagle", "timestamps", "sack", "window_scale", "limited_transmit"] {
            let _ = writeln!(text, "{key} = {}", flag(self));
        }
        let _ = writeln!(text, "min_rto = \"{}ms\"", self.number(1, 1000));
        let _ = writeln!(text, "max_rto = \"{}s\"", self.number(1, 60));
        let _ = writeln!(text, "rto_floor = \"{}\"", self.pick(&["variance", "rto"]));
        let _ = writeln!(text, "receive_window = \"{}\"", self.pick(&["10000B", "64KiB", "256KiB"]));
        let _ = writeln!(text, "send_buffer = \"{}\"", self.pick(&["10000B", "64KiB", "1MiB"]));
        text
    }

    fn app(&mut self) -> String {
        if self.maybe(45) {
            let way = self.pick(&["up", "down"]);
            let size = if self.maybe(50) {
                format!(", size = \"{}B\"", self.number(1, 200_000))
            } else {
                String::new()
            };
            return format!("app = {{ kind = \"bulk\", direction = \"{way}\"{size} }}\n");
        }
        let mut text = format!("app.kind = \"chat\"\napp.rate = \"{}/s\"\n", self.number(1, 8));
        let arrivals = ["\"poisson\"", "\"periodic\"", "{ kind = \"bursts\", size = 5, gap = \"3ms\" }"];
        let _ = writeln!(text, "app.arrivals = {}", self.pick(&arrivals));
        let sizes = [
            "\"1B\"",
            "\"200B\"",
            "\"5000B\"",
            "{ distribution = \"uniform\", min = \"1B\", max = \"900B\" }",
            "{ distribution = \"exponential\", mean = \"120B\" }",
            "{ distribution = \"lognormal\", mean = \"120B\", deviation = \"80B\" }",
        ];
        let _ = writeln!(text, "app.size = {}", self.pick(&sizes));
        let to = self.pick(&["everyone", "one", "room"]);
        let _ = writeln!(text, "app.to = \"{to}\"");
        if to == "room" {
            let _ = writeln!(text, "app.rooms = {}", self.number(1, 4));
        }
        if self.maybe(30) {
            let _ = writeln!(text, "app.churn = {{ stay = \"700ms\", away = \"300ms\" }}");
        }
        text
    }

    fn scenario(&mut self) -> String {
        let mut text = format!(
            "seed = {}\nduration = \"{}ms\"\nwarmup = \"{}ms\"\n[record]\ninterval = \"{}ms\"\ntrials = \"{}\"\n",
            self.number(0, u64::MAX - 1),
            self.number(1500, 4000),
            self.number(0, 1000),
            self.number(1, 300),
            self.pick(&["first", "all", "none"]),
        );
        let _ = write!(text, "[tcp]\n{}", self.tcp());
        let links = self.number(1, 3);
        for link in 0..links {
            let per_client = self.pick(&["true", "false"]);
            let _ = write!(text, "[link.l{link}]\nper_client = {per_client}\n{}", self.direction());
            for way in ["up", "down"] {
                if self.maybe(30) {
                    let _ = write!(text, "[link.l{link}.{way}]\n{}", self.direction());
                }
            }
        }
        for group in 0..self.number(1, 3) {
            let path: Vec<String> = (0..links).map(|link| format!("\"l{link}\"")).collect();
            let from = self.number(0, links - 1) as usize;
            let _ = write!(
                text,
                "[[clients]]\nname = \"g{group}\"\ncount = {}\npath = [{}]\nstart = \"{}ms\"\nstagger = \"{}ms\"\n",
                self.number(1, 4),
                path[from..].join(", "),
                self.number(0, 1200),
                self.number(0, 50),
            );
            if self.maybe(40) {
                text.push_str(&self.tcp());
            }
            text.push_str(&self.app());
        }
        if self.maybe(40) {
            let _ = write!(
                text,
                "[[schedule]]\nat = \"{}ms\"\nset = {{ \"link.l0.loss\" = {}, \"link.l0.delay\" = \"{}ms\" }}\n",
                self.number(0, 1499),
                self.chance(),
                self.number(0, 40)
            );
        }
        if self.maybe(40) {
            let n = self.number(1, 30);
            let _ = write!(
                text,
                "[[drop]]\nflow = \"g0-1\"\ndirection = \"{}\"\nsegments = [{n}, {}, {{ segment = {n}, retransmission = 1 }}]\n",
                self.pick(&["up", "down"]),
                n + 1
            );
        }
        text
    }
}

fn text_of(seed: u64) -> String {
    Author(Seed(seed).stream("scenario")).scenario()
}

/// Checks laws beyond those that the engine itself asserts.
fn check(plan: &Plan, outcome: &Outcome) {
    for link in &outcome.links {
        let gone = link.counters.delivered
            + link.counters.dropped_loss
            + link.counters.dropped_queue
            + link.counters.dropped_corrupt
            + link.in_flight;
        assert_eq!(link.counters.offered + link.counters.duplicated, gone, "conservation on {}", link.name);
    }
    for flow in &outcome.flows {
        let group = plan.base.groups.iter().find(|group| group.name == flow.group).expect("a group");
        for direction in flow.directions.iter().flatten() {
            if let AppSpec::Bulk(bulk) = &group.app
                && let Some(size) = bulk.size
            {
                assert!(direction.bytes_delivered <= size.0, "{} got more than was sent", flow.name);
            }
            assert!(direction.retransmits <= direction.segments_sent, "{}", flow.name);
            assert!(direction.active <= outcome.measured, "{}", flow.name);
        }
    }
    if let Some(messages) = &outcome.messages {
        // A message that came twice, or damaged, would be no valid frame or one too many.
        assert!(messages.deliveries <= messages.deliveries_expected, "{messages:?}");
        assert_eq!(messages.latency.len(), messages.deliveries);
    }
}

/// Duration of a trial; nothing if the author contradicted himself and was told so.
fn trial(seed: u64) -> Result<Option<Duration>, String> {
    let text = text_of(seed);
    let started = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| {
        let plan = Plan::parse("random.toml", &text, &[]).map_err(|error| error.render(false))?;
        let scenario = plan.scenario(0).map_err(|error| error.render(false))?;
        match build(&scenario, plan.trial(0, 0)).run(&mut || true) {
            Ok(outcome) => check(&plan, &outcome),
            // A way without rate or delay lets a window grow within one instant, and the program says so.
            Err(Halt::Stuck(_)) => return Err("random.toml: time stands still".to_owned()),
            Err(halt) => panic!("{halt}"),
        }
        Ok::<(), String>(())
    }));
    match result {
        Ok(Ok(())) => Ok(Some(started.elapsed())),
        Ok(Err(error)) => {
            assert!(error.contains("random.toml"), "seed {seed}: {error}");
            Ok(None)
        }
        Err(_) => Err(format!("seed {seed} panicked: ROBUSTNESS_SEED={seed} {AGAIN}\n{text}")),
    }
}

#[test]
fn a_thousand_random_scenarios_run_without_a_panic() {
    if let Ok(seed) = std::env::var("ROBUSTNESS_SEED") {
        trial(seed.parse().expect("a number")).unwrap_or_else(|error| panic!("{error}"));
        return;
    }
    let results = over_seeds(TRIALS, trial);
    let failures: Vec<&String> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    let shown: Vec<&str> = failures.iter().take(3).map(|text| text.as_str()).collect();
    assert!(failures.is_empty(), "{} of {TRIALS}:\n{}", failures.len(), shown.join("\n\n"));
    // A few seconds of virtual time: nothing may spin.
    let (slowest, time) = (1..)
        .zip(results.iter().flatten())
        .filter_map(|(seed, time)| Some((seed, (*time)?)))
        .max_by_key(|(_, time)| *time)
        .expect("trials");
    let ran = results.iter().flatten().flatten().count();
    assert!(ran >= 1000, "only {ran} of {TRIALS} scenarios were sound");
    println!("slowest: seed {slowest}, {time:?}");
    assert!(
        time < Duration::from_secs(20),
        "seed {slowest} took {time:?}; ROBUSTNESS_SEED={slowest} {AGAIN}"
    );
}

/// One to three bytes changed, removed, inserted or a stretch doubled.
fn damage(rng: &mut Rng, text: &str) -> String {
    const BYTES: &[u8] = b"\"'[]{}=.,-+#\n\t 019eE%_xs\\\0\xff\xc3";
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=rng.below(3) {
        let at = rng.below(bytes.len() as u64) as usize;
        let new = BYTES[rng.below(BYTES.len() as u64) as usize];
        match rng.below(4) {
            0 => bytes[at] = new,
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, new),
            _ => {
                let end = (at + rng.below(40) as usize).min(bytes.len());
                let stretch = bytes[at..end].to_vec();
                bytes.splice(at..at, stretch);
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn a_damaged_text_is_an_error_with_a_place_or_a_scenario() {
    let results = over_seeds(DAMAGED, |seed| {
        let mut rng = Seed(seed).stream("damage");
        let text = damage(&mut rng, &text_of(seed % 50));
        catch_unwind(AssertUnwindSafe(|| match Plan::parse("damaged.toml", &text, &[]) {
            Ok(plan) => {
                assert!(plan.cells() >= 1);
                false
            }
            Err(error) => {
                assert!(!error.problems.is_empty());
                assert!(error.render(false).contains("damaged.toml"), "it says where");
                true
            }
        }))
        .map_err(|_| format!("seed {seed} of the damage; {AGAIN}\n{text}"))
    });
    let errors = results.iter().filter(|result| *result == &Ok(true)).count();
    for result in &results {
        assert!(result.is_ok(), "{}", result.as_ref().expect_err("a panic"));
    }
    // Some damage hits titles and blanks; most is noticed.
    assert!(errors > DAMAGED as usize / 3 && errors < DAMAGED as usize, "{errors} errors");
}
