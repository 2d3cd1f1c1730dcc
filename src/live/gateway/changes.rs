//! Conditions that change while connections are open: because somebody says so, or by the `[[schedule]]` of the
//! scenario that they come from. A schedule counts from when its network was chosen, and begins anew after the
//! scenario's duration, for a gateway has no end. Changes of everybody's network leave alone what a connection has
//! for itself: to set links anew would fill its policers and forget its bursts of loss.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::conditions::Conditions;
use super::ends::End;
use super::thread::{Clients, Driver};
use crate::congestion::Choice;
use crate::engine::Port;
use crate::scenario::Scenario;
use crate::time::{Duration, Instant};

/// Settings of a link in both directions.
pub(super) type Settings = [crate::link::Config; 2];

/// Links by their names.
type Links = Vec<(String, Settings)>;

/// Changes of a schedule that are closer than this come together: each may touch every connection.
const LEAST: Duration = Duration::from_millis(10);

/// Network of one person; nothing is as everybody's.
#[derive(Clone, Debug, Default)]
pub struct OwnNetwork {
    /// Links of its path.
    pub links: Option<Conditions>,
    /// Congestion controller of its connections.
    pub congestion: Option<Choice>,
}

impl OwnNetwork {
    /// True if all of it is as everybody's.
    pub fn is_empty(&self) -> bool {
        self.links.is_none() && self.congestion.is_none()
    }

    /// Description of what is its own, in a line.
    pub fn describe(&self) -> String {
        let links = self.links.as_ref().map(Conditions::describe_links);
        let tcp = self.congestion.as_ref().map(|choice| format!("TCP with {}", choice.algorithm.name));
        links.into_iter().chain(tcp).collect::<Vec<_>>().join("; ")
    }
}

/// The same of one connection.
pub(super) struct Own {
    links: Option<Links>,
    timetable: Option<Timetable>,
    congestion: Option<Choice>,
}

/// Position in a schedule.
pub(super) struct Timetable {
    scenario: Arc<Scenario>,
    /// The scenario as it was chosen.
    origin: Arc<Scenario>,
    begun: Instant,
    /// Number of the next change; behind the last one it begins anew.
    next: usize,
    /// There is no change before.
    earliest: Instant,
}

impl Timetable {
    /// A schedule that begins now, if there is one.
    fn new(conditions: &Conditions, now: Instant) -> Option<Timetable> {
        let scenario = conditions.shared();
        let origin = Arc::clone(conditions.origin());
        let changes = !scenario.schedule.is_empty() && !scenario.duration.is_zero();
        changes.then_some(Timetable { scenario, origin, begun: now, next: 0, earliest: now })
    }

    /// Links of these conditions now, and their schedule. One of which some was changed goes on where one of those that
    /// are known stands.
    pub fn start(
        conditions: &Conditions,
        now: Instant,
        known: &[Option<&Timetable>],
    ) -> (Links, Option<Timetable>) {
        let mut links = links_of(conditions.scenario());
        let mut timetable = Timetable::new(conditions, now);
        if let Some(timetable) = &mut timetable {
            let same = known.iter().flatten().find(|known| Arc::ptr_eq(&known.origin, &timetable.origin));
            timetable.begun = same.map_or(now, |known| known.begun);
            lay(&mut links, timetable.turn(now));
        }
        (links, timetable)
    }

    fn due(&self) -> Instant {
        let into = match self.scenario.schedule.get(self.next) {
            Some(change) => change.at - Instant::ZERO,
            None => self.scenario.duration,
        };
        self.begun.saturating_add(into).max(self.earliest)
    }

    /// Links that have changed up to `now` since the turn before, and their settings. Turns that were overtaken
    /// are skipped.
    fn turn(&mut self, now: Instant) -> Links {
        let duration = self.scenario.duration;
        let rounds = (now - self.begun).as_nanos() / duration.as_nanos();
        let mut changed = Links::new();
        if rounds > 0 {
            self.begun += duration * rounds;
            self.next = 0;
            changed = links_of(&self.scenario);
        }
        let into = Instant::ZERO + (now - self.begun);
        while let Some(change) = self.scenario.schedule.get(self.next).filter(|change| change.at <= into) {
            self.next += 1;
            for (number, settings) in &change.links {
                let name = &self.scenario.links[*number].name;
                match changed.iter_mut().find(|(known, _)| known == name) {
                    Some((_, known)) => known.clone_from(settings),
                    None => changed.push((name.clone(), settings.clone())),
                }
            }
        }
        self.earliest = now.saturating_add(LEAST);
        changed
    }
}

/// All links of a scenario, as they are at its start.
pub(super) fn links_of(scenario: &Scenario) -> Links {
    scenario.links.iter().map(|link| (link.name.clone(), link.directions.clone())).collect()
}

/// Gives links the settings that have changed.
fn lay(links: &mut Links, changed: Links) {
    for (name, settings) in changed {
        for link in links.iter_mut().filter(|(known, _)| *known == name) {
            link.1.clone_from(&settings);
        }
    }
}

impl Driver {
    /// Links take their new settings at once; names that the old conditions do not have are new
    /// connections' business and are ignored.
    pub(super) fn set(&mut self, conditions: &Conditions) {
        let now = self.world.now();
        // A trial has conditions of its own.
        let Clients::Anybody { tcp, timetable, .. } = &mut self.clients else { return };
        *tcp = Arc::new(conditions.scenario().groups[0].tcp.clone());
        // One that is chosen as it is begins anew.
        let known = timetable.as_ref().filter(|_| conditions.is_changed());
        let (links, begun) = Timetable::start(conditions, now, &[known]);
        *timetable = begun;
        self.set_everybodys(links);
        self.set_controllers();
        self.look_ahead();
    }

    /// Gives each connection its controller.
    fn set_controllers(&mut self) {
        let Clients::Anybody { tcp, own, .. } = &self.clients else { return };
        // Of some only one end is left; of others the second changes nothing any more.
        for end in self.ends.iter().flatten() {
            let own = own.get(&end.connection).and_then(|own| own.congestion.as_ref());
            self.world.set_controller(end.port, own.unwrap_or(&tcp.congestion));
        }
    }

    fn set_everybodys(&mut self, changed: Links) {
        let Clients::Anybody { links, own, .. } = &mut self.clients else { return };
        let changes: Vec<(usize, Settings)> = changed
            .into_iter()
            .filter_map(|(changed, settings)| {
                let number = links.iter().position(|(name, _)| *name == changed)?;
                links[number].1.clone_from(&settings);
                Some((number, settings))
            })
            .collect();
        let links_of = |end: &End| own.get(&end.connection)?.links.as_ref();
        let owners = self.ends.iter().flatten().filter_map(|end| Some((end.port, links_of(end)?)));
        let spared: BTreeSet<[u32; 2]> = owners
            .flat_map(|(port, own)| self.world.own_links(port).iter().take(own.len()).copied())
            .collect();
        self.world.change_links(&changes, &spared);
    }

    /// The network that one connection has for itself.
    pub(super) fn set_own(&mut self, connection: u64, wanted: &OwnNetwork) {
        let now = self.world.now();
        // It may be over since the command was given.
        let Some(port) = self.port_of(connection) else { return };
        let Clients::Anybody { path, links, own, timetable, tcp } = &mut self.clients else { return };
        let before = own.remove(&connection);
        let had_links = before.as_ref().is_some_and(|before| before.links.is_some());
        let known = [before.as_ref().and_then(|before| before.timetable.as_ref()), timetable.as_ref()];
        let (own_links, timetable) = match &wanted.links {
            Some(conditions) => {
                let (all, timetable) = Timetable::start(conditions, now, &known);
                let path = conditions.scenario().groups[0].path.iter();
                (Some(path.map(|hop| all[hop.link].clone()).collect::<Links>()), timetable)
            }
            None => (None, None),
        };
        let settings = match &own_links {
            Some(own) => Some(settings_of(own)),
            None => had_links.then(|| {
                let hops = path.iter().filter(|(_, shared)| shared.is_none());
                hops.map(|(link, _)| links[*link].1.clone()).collect()
            }),
        };
        if !wanted.is_empty() {
            let congestion = wanted.congestion.clone();
            own.insert(connection, Own { links: own_links, timetable, congestion });
        }
        if let Some(settings) = settings {
            self.world.set_links(port, &settings);
        }
        self.world.set_controller(port, wanted.congestion.as_ref().unwrap_or(&tcp.congestion));
        self.look_ahead();
    }

    /// A connection is over.
    pub(super) fn forget_own(&mut self, connection: u64) {
        if let Clients::Anybody { own, .. } = &mut self.clients
            && own.remove(&connection).is_some()
        {
            self.look_ahead();
        }
    }

    fn port_of(&self, connection: u64) -> Option<Port> {
        self.ends.iter().flatten().find(|end| end.connection == connection).map(|end| end.port)
    }

    /// Makes the changes that schedules have up to the present instant.
    pub(super) fn follow_schedules(&mut self) {
        let now = self.world.now();
        let Clients::Anybody { own, timetable, .. } = &mut self.clients else { return };
        let turn = |timetable: &mut Timetable| (timetable.due() <= now).then(|| timetable.turn(now));
        let changed = timetable.as_mut().and_then(turn);
        let owners: Vec<(u64, Vec<Settings>)> = own
            .iter_mut()
            .filter_map(|(connection, Own { links, timetable, .. })| {
                let links = links.as_mut()?;
                lay(links, timetable.as_mut().and_then(turn)?);
                Some((*connection, settings_of(links)))
            })
            .collect();
        if let Some(changed) = changed {
            self.set_everybodys(changed);
        }
        for (connection, settings) in owners {
            if let Some(port) = self.port_of(connection) {
                self.world.set_links(port, &settings);
            }
        }
        self.look_ahead();
    }

    /// Notes when a schedule changes something next.
    fn look_ahead(&mut self) {
        let Clients::Anybody { own, timetable, .. } = &self.clients else { return };
        let owners = own.values().filter_map(|own| own.timetable.as_ref());
        self.next_change = owners.chain(timetable).map(Timetable::due).min();
    }
}

fn settings_of(links: &[(String, Settings)]) -> Vec<Settings> {
    links.iter().map(|(_, settings)| settings.clone()).collect()
}

/// Networks that connections have for themselves.
pub(super) type Owners = BTreeMap<u64, Own>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::gateway::{Change, Options};
    use crate::time::Duration;

    #[test]
    fn a_schedule_begins_anew_after_its_duration() {
        let text = "duration = \"20s\"\n[link.path]\nrate = \"1mbit\"\nper_client = true\n[[clients]]\nname = \"one\"\n\
            path = [\"path\"]\napp = { kind = \"bulk\" }\n\
            [[schedule]]\nat = \"5s\"\nset = { \"link.path.rate\" = \"2mbit\" }\n\
            [[schedule]]\nat = \"9s\"\nset = { \"link.path.rate\" = \"3mbit\" }\n";
        let conditions = Options::default().conditions(Some(("test.toml", text))).expect("a sound network");
        let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        let mut timetable = Timetable::new(&conditions, at(100)).expect("a schedule");
        let mut turn = || {
            let due = timetable.due();
            let links = timetable.turn(due);
            assert_eq!((links.len(), links[0].0.as_str()), (1, "path"));
            (due, links[0].1[0].rate.map(|rate| rate.to_string()).unwrap_or_default())
        };
        let said =
            [(105, "2mbit"), (109, "3mbit"), (120, "1mbit"), (125, "2mbit"), (129, "3mbit"), (140, "1mbit")];
        for (due, rate) in said {
            assert_eq!(turn(), (at(due), rate.to_owned()));
        }
        // Turns that were overtaken are skipped, however many they are.
        let links = timetable.turn(at(20_106));
        assert_eq!(links[0].1[0].rate.map(|rate| rate.to_string()).as_deref(), Some("2mbit"));
        assert_eq!(timetable.due(), at(20_109));
        let plain = Options::default().conditions(None).expect("a sound network");
        assert!(Timetable::new(&plain, at(0)).is_none());
    }

    #[test]
    fn a_connection_that_is_over_has_no_timetable() {
        let scheduled = Options::default()
            .conditions(Some(("train.toml", include_str!("../../../scenarios/networks/train.toml"))))
            .expect("a sound network");
        let scheduled = OwnNetwork { links: Some(scheduled), congestion: None };
        let bbr =
            crate::congestion::Algorithm::by_name("bbr").map(crate::congestion::Algorithm::with_defaults);
        let controlled = OwnNetwork { links: None, congestion: bbr };
        let plain = Options::default().conditions(None).expect("a sound network");
        let (commands, inbox) = std::sync::mpsc::channel();
        let mut driver = Driver::new(&plain, 1 << 20, None, inbox);
        let owners = |driver: &Driver| match &driver.clients {
            Clients::Anybody { own, .. } => own.len(),
            Clients::Cast { .. } => 0,
        };
        let streams = driver.open(None, &commands);
        driver.set_own(streams[0].connection(), &scheduled);
        assert!(driver.next_change.is_some());
        for number in [0, 1] {
            assert_eq!(owners(&driver), 1);
            driver.finish(number);
        }
        assert_eq!((owners(&driver), driver.next_change), (0, None));
        for late in [&scheduled, &controlled] {
            driver.set_own(streams[0].connection(), late);
            assert_eq!((owners(&driver), driver.next_change), (0, None));
        }
    }

    #[test]
    fn a_network_that_is_chosen_anew_begins_its_schedule_anew() {
        let train = Options::default()
            .conditions(Some(("train.toml", include_str!("../../../scenarios/networks/train.toml"))))
            .expect("a sound network");
        let (_commands, inbox) = std::sync::mpsc::channel();
        let mut driver = Driver::new(&train, 1 << 20, None, inbox);
        let begun = |driver: &Driver| match &driver.clients {
            Clients::Anybody { timetable, .. } => timetable.as_ref().map(|timetable| timetable.begun),
            Clients::Cast { .. } => None,
        };
        let later = Instant::ZERO + Duration::from_secs(7);
        driver.world.advance(later);
        let change = Change { delay: Some(Duration::from_millis(9)), ..Change::default() };
        driver.set(&train.changed(&change));
        assert_eq!(begun(&driver), Some(Instant::ZERO), "it goes on");
        driver.set(&train);
        assert_eq!(begun(&driver), Some(later));
    }

    #[test]
    fn a_controller_is_that_of_a_connection_of_which_one_end_is_left() {
        let conditions = |congestion: &str| {
            let options = Options { congestion: Some(congestion.to_owned()), ..Options::default() };
            options.conditions(None).expect("a sound network")
        };
        let (commands, inbox) = std::sync::mpsc::channel();
        let mut driver = Driver::new(&conditions("reno"), 1 << 20, None, inbox);
        let _streams = driver.open(None, &commands);
        driver.world.advance(Instant::ZERO + Duration::from_secs(1));
        driver.finish(0);
        let window = |driver: &mut Driver| {
            let port = driver.ends[1].as_ref().map(|end| end.port).expect("the far end");
            driver.world.port_info(port).snapshot.cwnd
        };
        let before = window(&mut driver);
        driver.set(&conditions("none"));
        assert_ne!(window(&mut driver), before);
    }
}
