//! Links and their instances. A link of the scenario is one instance that everybody shares or one
//! for each client; an instance has two directions, each a [`Link`] of its own.

use std::collections::BTreeSet;

use crate::facts::{Counters, LinkOutcome, LinkSample, QueueOutcome, Spot};
use crate::link::{Config, Link, Statistics, Tally};
use crate::rng::Seed;
use crate::time::{Duration, Instant};
use crate::wire::Direction;

/// Every link instance of a world, by number, and which belong together.
#[derive(Default)]
pub struct Topology {
    pub links: Vec<Link>,
    /// For each link, its place in the order of [`each`](Topology::each).
    pub places: Vec<u32>,
    groups: Vec<LinkGroup>,
    /// Packets that instances dropped before they were made new.
    dropped_before: u64,
}

struct LinkGroup {
    name: String,
    /// True if all clients share its one instance.
    shared: bool,
    /// True if its capacity is worth a record.
    varies: bool,
    configs: [Config; 2],
    /// Instances by their two directions.
    instances: Vec<[u32; 2]>,
}

impl Topology {
    /// Adds a link without instances; `configs` by direction.
    pub fn add_group(&mut self, name: &str, configs: [Config; 2]) -> usize {
        self.groups.push(LinkGroup {
            name: name.to_owned(),
            shared: true,
            varies: false,
            configs,
            instances: Vec::new(),
        });
        self.groups.len() - 1
    }

    /// Keeps a record of a link's capacity.
    pub fn record_capacity(&mut self, group: usize) {
        self.groups[group].varies = true;
    }

    /// Adds an instance of a link, for `client` or for everybody; returns its two directions.
    pub fn add_instance(&mut self, group: usize, client: Option<&str>, seed: Seed) -> [u32; 2] {
        let first_place = 2 * group as u32;
        let group = &mut self.groups[group];
        group.shared = client.is_none();
        let instance = Direction::BOTH.map(|direction| {
            let config = &group.configs[direction.index()];
            self.links.push(match client {
                None => Link::shared(config, seed, &format!("link/{}/{}", group.name, direction.name())),
                Some(client) => {
                    Link::new(config, seed, &format!("link/{}/{client}/{}", group.name, direction.name()))
                }
            });
            self.places.push(first_place + direction.index() as u32);
            self.links.len() as u32 - 1
        });
        group.instances.push(instance);
        instance
    }

    /// Makes an instance new for another client; what is still inside is gone.
    pub fn renew_instance(&mut self, group: usize, instance: [u32; 2], client: &str, seed: Seed) {
        let group = &self.groups[group];
        for direction in Direction::BOTH {
            let number = instance[direction.index()] as usize;
            self.dropped_before += self.links[number].counters().dropped();
            let label = format!("link/{}/{client}/{}", group.name, direction.name());
            self.links[number] = Link::new(&group.configs[direction.index()], seed, &label);
        }
    }

    /// Packets dropped so far, for whatever reason.
    pub fn dropped(&self) -> u64 {
        self.dropped_before + self.links.iter().map(|link| link.counters().dropped()).sum::<u64>()
    }

    /// Changes a link and its instances, but for those that are `spared`; returns the numbers of what has changed.
    pub fn reconfigure(
        &mut self,
        group: usize,
        configs: &[Config; 2],
        spared: &BTreeSet<[u32; 2]>,
        now: Instant,
    ) -> Vec<u32> {
        let group = &mut self.groups[group];
        group.configs.clone_from(configs);
        let changed = group.instances.iter().filter(|instance| !spared.contains(*instance));
        let numbers: Vec<u32> = changed.flatten().copied().collect();
        for pair in numbers.chunks_exact(2) {
            for (number, config) in pair.iter().zip(configs) {
                self.links[*number as usize].reconfigure(now, config);
            }
        }
        numbers
    }

    /// Names of the links in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(|group| group.name.as_str())
    }

    /// A link instance by its number.
    pub fn spot(&self, link: usize) -> Spot {
        spot(&self.places, link)
    }

    /// The place of a link instance in the order of [`each`](Topology::each).
    pub fn place_of(&self, instance: u32) -> u32 {
        self.places[instance as usize]
    }

    /// Every link and direction, in order, with the numbers of its instances.
    pub fn each(&self) -> impl Iterator<Item = (&str, Direction, impl Iterator<Item = usize> + '_)> + '_ {
        self.groups.iter().flat_map(|group| {
            Direction::BOTH.into_iter().map(move |direction| {
                let numbers = group.instances.iter().map(move |i| i[direction.index()] as usize);
                (group.name.as_str(), direction, numbers)
            })
        })
    }

    /// The state of every link and direction at `now`, instances summed.
    pub fn sample(&mut self, now: Instant, mut take: impl FnMut(LinkSample)) {
        let mut number = 0;
        for group in &self.groups {
            for direction in Direction::BOTH {
                let mut sample = LinkSample { time: now, link: number, ..LinkSample::default() };
                for instance in &group.instances {
                    let link = &mut self.links[instance[direction.index()] as usize];
                    let (backlog, counters) = (link.backlog(now), link.counters());
                    sample.backlog_bytes += backlog.bytes;
                    sample.backlog_packets += backlog.packets;
                    sample.drops += counters.dropped_loss + counters.dropped_queue + counters.dropped_policer;
                    sample.marks += counters.marked;
                    if let Some(bytes) = link.capacity(now).filter(|_| group.varies) {
                        *sample.capacity.get_or_insert(0) += bytes;
                    }
                }
                take(sample);
                number += 1;
            }
        }
    }

    /// The measured interval begins.
    pub fn begin_measurement(&mut self, now: Instant) {
        for link in &mut self.links {
            link.begin_measurement(now);
        }
    }

    /// The accounts of every link and direction, instances merged.
    pub fn statistics(&mut self, now: Instant) -> Vec<Statistics> {
        let numbers: Vec<Vec<usize>> = self.each().map(|(_, _, numbers)| numbers.collect()).collect();
        let merge = |numbers: Vec<usize>| {
            let mut total = Statistics::default();
            for number in numbers {
                total.merge(&self.links[number].statistics(now));
            }
            total
        };
        numbers.into_iter().map(merge).collect()
    }

    /// Figures of the interval whose `accounts` these are, without counts.
    pub fn outcomes(&self, accounts: &[Statistics]) -> Vec<LinkOutcome> {
        self.each()
            .zip(accounts)
            .enumerate()
            .map(|(place, ((name, direction, _), account))| LinkOutcome {
                name: name.to_owned(),
                direction,
                shared: self.groups[place / 2].shared,
                counters: Counters::default(),
                in_flight: 0,
                utilisation: account.utilisation(),
                rate_mbit: account.rate.map(crate::units::Rate::as_mbit),
                queue: queue_outcome(&account.queue_delay),
                l4s_queue: queue_outcome(&account.low_delay),
                realised: account.realised(),
            })
            .collect()
    }

    /// Adds the counts of the whole trial. Panics if a link gained or lost a packet.
    pub fn count(&self, outcomes: &mut [LinkOutcome]) {
        for ((_, _, numbers), outcome) in self.each().zip(outcomes) {
            for number in numbers {
                let link = &self.links[number];
                link.check_conservation();
                outcome.counters.add(&link.counters());
                outcome.in_flight += link.in_flight();
            }
        }
    }
}

/// The same, where the links themselves are lent out.
pub fn spot(places: &[u32], link: usize) -> Spot {
    Spot { place: places[link], instance: link as u32 }
}

fn queue_outcome(tally: &Tally) -> Option<QueueOutcome> {
    Some(QueueOutcome {
        mean_ms: tally.mean_ms()?,
        p99_ms: tally.quantile(0.99).map(Duration::as_millis_f64)?,
        max_ms: tally.max().map(Duration::as_millis_f64)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spared_instance_keeps_its_settings_and_new_ones_have_those_of_the_link() {
        let slow = |ms| {
            let mut config = Config::default();
            config.delay.mean = Duration::from_millis(ms);
            [config.clone(), config]
        };
        let mut topology = Topology::default();
        let group = topology.add_group("path", slow(5));
        let [own, other] = ["one", "two"].map(|name| topology.add_instance(group, Some(name), Seed(1)));
        let changed = topology.reconfigure(group, &slow(250), &BTreeSet::from([own]), Instant::ZERO);
        assert_eq!(changed, other);
        let later = topology.add_instance(group, Some("three"), Seed(1));
        let delay = |number: u32| topology.links[number as usize].config().delay.mean.as_millis();
        assert_eq!([own, other, later].map(|both| both.map(delay)), [[5; 2], [250; 2], [250; 2]]);
    }
}
