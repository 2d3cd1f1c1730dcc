//! Network that a gateway emulates: a scenario's links and TCP, or a few options that become one.

use std::fmt::Write as _;
use std::sync::Arc;

use super::change::Change;
use crate::congestion::Choice;
use crate::link::config::{Capacity, Config, LossModel, Pattern, Policer, Wifi};
use crate::scenario::{LinkSpec, Loader, Plan, Scenario, ScenarioError};
use crate::time::Duration;
use crate::units::{Bytes, Probability, plural};
#[cfg(feature = "cli")]
use crate::units::{Rate, UnitError};

/// A path on which nothing takes time is none: an answer would be there before its question.
const DEFAULT_DELAY: &str = "50us";

/// A network: the path of a scenario's first group of clients.
#[derive(Clone, Debug)]
pub struct Conditions {
    scenario: Arc<Scenario>,
    /// The same as it was chosen, before some of it changed: its schedule goes on meanwhile.
    origin: Arc<Scenario>,
    /// Keys that the file sweeps, which one network cannot.
    swept: Vec<String>,
}

/// The options of the command line. A quantity below zero is a value like others: its own error is clearer
/// than that there is no option `-5%`.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
#[cfg_attr(feature = "cli", command(next_help_heading = "Emulated network (none without an option)"))]
pub struct Options {
    /// Take links and TCP from a scenario: the path of its first group of clients
    #[cfg_attr(feature = "cli", arg(long, value_name = "FILE"))]
    pub scenario: Option<std::path::PathBuf>,
    /// Loss in each direction, e. g. 10%
    #[cfg_attr(
        feature = "cli",
        arg(long, value_name = "CHANCE", conflicts_with = "scenario", allow_hyphen_values = true, value_parser = quantity::<Probability>)
    )]
    pub loss: Option<String>,
    /// One-way delay, e. g. 25ms [default: 50us, as in a local network]
    #[cfg_attr(
        feature = "cli",
        arg(long, value_name = "TIME", conflicts_with = "scenario", allow_hyphen_values = true, value_parser = quantity::<Duration>)
    )]
    pub delay: Option<String>,
    /// Standard deviation of the delay, e. g. 5ms
    #[cfg_attr(
        feature = "cli",
        arg(long, value_name = "TIME", conflicts_with = "scenario", allow_hyphen_values = true, value_parser = quantity::<Duration>)
    )]
    pub jitter: Option<String>,
    /// Rate of the link, e. g. 10mbit
    #[cfg_attr(
        feature = "cli",
        arg(long, value_name = "RATE", conflicts_with = "scenario", allow_hyphen_values = true, value_parser = quantity::<Rate>)
    )]
    pub rate: Option<String>,
    /// Limit of the queue before it, e. g. 1bdp, "100 packets" or 64KiB
    #[cfg_attr(
        feature = "cli",
        arg(long, value_name = "SIZE", requires = "rate", allow_hyphen_values = true)
    )]
    pub queue: Option<String>,
    /// Congestion control, e. g. reno
    #[cfg_attr(feature = "cli", arg(long, value_name = "NAME", conflicts_with = "scenario"))]
    pub congestion: Option<String>,
    /// Any other key of a scenario; the link is called `path`, e. g. link.path.up.loss=20%
    #[cfg_attr(feature = "cli", arg(long = "set", value_name = "KEY=VALUE"))]
    pub sets: Vec<String>,
}

/// Text of a quantity with a unit, so that the command line names the option of one without.
#[cfg(feature = "cli")]
fn quantity<T: std::str::FromStr<Err = UnitError>>(text: &str) -> Result<String, UnitError> {
    text.parse::<T>().map(|_| text.to_owned())
}

impl Options {
    /// True if no network is asked for.
    pub fn is_empty(&self) -> bool {
        let given = [&self.loss, &self.delay, &self.jitter, &self.rate, &self.queue, &self.congestion];
        self.scenario.is_none() && self.sets.is_empty() && given.iter().all(|option| option.is_none())
    }

    /// The options as a scenario's text, for which all its rules hold. Without `--scenario`.
    fn text(&self) -> String {
        let mut text = String::from("duration = \"1s\"\n[link.path]\nper_client = true\n");
        let quoted = |value: &str| toml::Value::from(value).to_string();
        let mut line = |key: &str, value: &Option<String>| {
            if let Some(value) = value {
                let _ = writeln!(text, "{key} = {}", quoted(value));
            }
        };
        line("loss", &self.loss);
        line("rate", &self.rate);
        line("queue", &self.queue);
        let delay = self.delay.as_deref().unwrap_or(DEFAULT_DELAY);
        match &self.jitter {
            Some(jitter) => {
                let _ = writeln!(
                    text,
                    "delay = {{ mean = {}, jitter = {}, distribution = \"normal\" }}",
                    quoted(delay),
                    quoted(jitter)
                );
            }
            None => {
                let _ = writeln!(text, "delay = {}", quoted(delay));
            }
        }
        if let Some(congestion) = &self.congestion {
            let _ = writeln!(text, "[tcp]\ncongestion = {}", quoted(congestion));
        }
        text.push_str("[[clients]]\nname = \"connection\"\npath = [\"path\"]\napp = { kind = \"bulk\", direction = \"up\" }\n");
        text
    }

    /// The network that is asked for; `file` is the scenario's name and text if one is. It names no files.
    pub fn conditions(&self, file: Option<(&str, &str)>) -> Result<Conditions, Box<ScenarioError>> {
        self.conditions_with(file, &mut |_| Err(std::io::ErrorKind::Unsupported.into()))
    }

    /// The same, and `load` reads the files that the scenario names.
    pub fn conditions_with(
        &self,
        file: Option<(&str, &str)>,
        load: Loader<'_>,
    ) -> Result<Conditions, Box<ScenarioError>> {
        let own = self.text();
        let (name, text) = file.unwrap_or(("the network's options, as a scenario", &own));
        let plan = Plan::parse_with(name, text, &self.sets, load).map_err(Box::new)?;
        let (scenario, swept) = plan.without_grid().map_err(Box::new)?;
        let scenario = Arc::new(scenario);
        Ok(Conditions { origin: Arc::clone(&scenario), scenario, swept })
    }
}

impl Conditions {
    /// The scenario behind them.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The same, for whoever keeps it.
    pub fn shared(&self) -> Arc<Scenario> {
        Arc::clone(&self.scenario)
    }

    /// The keys that the scenario varies; here they have the values that it gives them elsewhere.
    pub fn swept(&self) -> &[String] {
        &self.swept
    }

    /// The scenario that these conditions were before any [change](Conditions::changed).
    pub(super) fn origin(&self) -> &Arc<Scenario> {
        &self.origin
    }

    /// True if some of it is not as it was chosen.
    pub(super) fn is_changed(&self) -> bool {
        !Arc::ptr_eq(&self.scenario, &self.origin)
    }

    /// The same network with another value of what a change names, also where its schedule would set that; all else,
    /// and the schedule, is as it was.
    pub fn changed(&self, change: &Change) -> Conditions {
        let mut scenario = Scenario::clone(&self.scenario);
        let path: Vec<usize> = scenario.groups[0].path.iter().map(|hop| hop.link).collect();
        for (n, link) in path.into_iter().enumerate() {
            let scheduled = scenario.schedule.iter_mut().flat_map(|at| &mut at.links);
            let scheduled = scheduled.filter(|(number, _)| *number == link).map(|(_, settings)| settings);
            for settings in std::iter::once(&mut scenario.links[link].directions).chain(scheduled) {
                for config in settings {
                    change.apply(config, n == 0);
                }
            }
        }
        if let Some(congestion) = &change.congestion {
            scenario.groups[0].tcp.congestion = congestion.clone();
        }
        Conditions {
            scenario: Arc::new(scenario),
            origin: Arc::clone(&self.origin),
            swept: self.swept.clone(),
        }
    }

    /// True if the links of this network can take the settings of another one's, or those that each connection has
    /// for itself can: a link's queue keeps its kind, and Wi-Fi stays Wi-Fi.
    pub fn can_become(&self, other: &Conditions, is_own: bool) -> bool {
        let alike = |a: &LinkSpec, b: &LinkSpec| {
            let mut pairs = a.directions.iter().zip(&b.directions);
            pairs.all(|(a, b)| a.queue.is_alike(&b.queue) && a.wifi.is_some() == b.wifi.is_some())
        };
        let (links, others) = (&self.scenario.links, &other.scenario.links);
        if !is_own {
            let find = |link: &LinkSpec| others.iter().find(|other| other.name == link.name);
            return links.iter().all(|link| find(link).is_none_or(|other| alike(link, other)));
        }
        let own = self.scenario.groups[0].path.iter().map(|hop| &links[hop.link]);
        let path = other.scenario.groups[0].path.iter().map(|hop| &others[hop.link]);
        own.filter(|link| link.per_client).zip(path).all(|(link, other)| alike(link, other))
    }

    /// Settings of the path's first link, upwards.
    pub fn first_link(&self) -> &Config {
        self.scenario.groups[0].path[0].directions(&self.scenario.links)[0]
    }

    /// Controller of the connections.
    pub fn congestion(&self) -> &Choice {
        &self.scenario.groups[0].tcp.congestion
    }

    /// True if each connection has a link of its own.
    pub fn has_own_links(&self) -> bool {
        self.scenario.groups[0].path.iter().any(|hop| self.scenario.links[hop.link].per_client)
    }

    /// Description of the network, in a line.
    pub fn describe(&self) -> String {
        format!("{}; TCP with {}", self.describe_links(), self.congestion().algorithm.name)
    }

    /// The same without TCP.
    pub fn describe_links(&self) -> String {
        let path = self.scenario.groups[0].path.iter();
        let links: Vec<String> = path.map(|hop| describe(hop.directions(&self.scenario.links))).collect();
        let changes = self.scenario.schedule.len() as u64;
        let schedule = if changes == 0 {
            String::new()
        } else {
            format!(", with {} every {}", plural(changes, "change"), self.scenario.duration)
        };
        links.join(", then ") + &schedule
    }
}

fn describe(directions: [&Config; 2]) -> String {
    let [up, down] = directions.map(one_way);
    if up == down { format!("{up} each way") } else { format!("{up} up, {down} down") }
}

/// Loss and delay, and whatever else is set.
fn one_way(config: &Config) -> String {
    let Config { loss, duplicate, corrupt, reorder, delay, rate, pattern, wifi, policer, queue } = config;
    let mut words = match loss {
        LossModel::Independent(loss) => format!("{loss} loss"),
        LossModel::GilbertElliott { p, r, loss_bad, loss_good } => {
            format!("gilbert-elliott loss (p {p}, r {r}, 1-h {loss_bad}, 1-k {loss_good})")
        }
    };
    let _ = write!(words, ", {} delay", delay.mean);
    if !delay.jitter.is_zero() {
        let shape = format!("{:?}", delay.distribution).to_lowercase();
        let _ = write!(words, " with {} {shape} jitter", delay.jitter);
        if !delay.correlation.is_never() {
            let _ = write!(words, " ({} correlated)", delay.correlation);
        }
        words.push_str(if delay.reorder { " that reorders" } else { "" });
    }
    if let Some(rate) = rate {
        match pattern {
            Pattern::Even => {}
            Pattern::Bucket(burst) => {
                let _ = write!(words, ", bursts of {}", Bytes(*burst));
            }
            Pattern::Replay(_) => words.push_str(", a trace of on average"),
        }
        if let Some(Wifi { aggregate, error, .. }) = wifi.as_deref() {
            let frames = plural(u64::from(*aggregate), "frame");
            let _ = write!(words, ", Wi-Fi with up to {frames} at a time, of which {error} fail,");
        }
        let _ = match &queue.capacity {
            Capacity::Packets(packets) => {
                write!(words, ", {rate} behind a queue of {}", plural(*packets, "packet"))
            }
            Capacity::Bytes(bytes) => write!(words, ", {rate} behind a queue of {}", Bytes(*bytes)),
        };
    }
    if let Some(Policer { rate, burst }) = policer {
        let _ = write!(words, ", policed to {rate} with bursts of {}", Bytes(*burst));
    }
    for (chance, what) in [
        (*duplicate, "duplicated"),
        (*corrupt, "corrupted"),
        (reorder.map_or(Probability::NEVER, |reorder| reorder.chance), "reordered"),
    ] {
        if !chance.is_never() {
            let _ = write!(words, ", {chance} {what}");
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(text: &str, sets: &[&str]) -> Conditions {
        let sets = sets.iter().map(|&set| set.to_owned()).collect();
        let options = Options { sets, ..Options::default() };
        options.conditions(Some(("test.toml", text))).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_sweep_leaves_the_files_own_values() {
        let text = include_str!("../../../scenarios/loss10.toml");
        let network = conditions(text, &[]);
        assert!(network.describe().starts_with("10% loss"), "{}", network.describe());
        assert_eq!(network.swept(), ["tcp.congestion", "link.access.loss"]);
        // A single value takes an axis away.
        let network = conditions(text, &["link.access.loss=3%"]);
        assert!(network.describe().starts_with("3% loss"), "{}", network.describe());
        assert_eq!(network.swept(), ["tcp.congestion"]);
    }

    #[test]
    fn a_queue_keeps_its_kind() {
        let plain = conditions(include_str!("../../../scenarios/networks/home.toml"), &[]);
        let other = conditions(include_str!("../../../scenarios/networks/train.toml"), &[]);
        let fair = conditions(
            include_str!("../../../scenarios/networks/home.toml"),
            &["link.path.queue={ kind = \"fq_codel\", limit = \"100 packets\" }"],
        );
        for is_own in [false, true] {
            assert!(plain.can_become(&other, is_own) && fair.can_become(&fair, is_own));
            assert!(!plain.can_become(&fair, is_own) && !fair.can_become(&other, is_own));
        }
    }

    #[test]
    fn its_description_leaves_nothing_out() {
        let some = |text: &str| Some(text.to_owned());
        let options = Options {
            loss: some("10%"),
            delay: some("20ms"),
            jitter: some("5ms"),
            rate: some("5mbit"),
            queue: some("64KiB"),
            congestion: some("cubic"),
            sets: ["duplicate=5%", "corrupt=1%"].map(|set| format!("link.path.{set}")).to_vec(),
            ..Options::default()
        };
        assert_eq!(
            options.conditions(None).expect("a sound network").describe(),
            "10% loss, 20ms delay with 5ms normal jitter, 5mbit behind a queue of 64KiB, 5% duplicated, \
             1% corrupted each way; TCP with cubic"
        );
        let bursts = Options {
            sets: vec!["link.path.loss={ model = \"gilbert-elliott\", p = \"1%\", r = \"30%\" }".to_owned()],
            ..Options::default()
        };
        let described = bursts.conditions(None).expect("a sound network").describe();
        assert!(described.contains("(p 1%, r 30%, 1-h 100%, 1-k 0%), 50us delay"), "{described}");
    }
}
