//! A scenario without what has no effect: two that are equal then make the same world from the same
//! seed. What a key does is found by comparing, so that no list of useless keys has to be kept.

use super::{Group, Limit, LinkSpec, RecordTrials, Scenario};
use crate::chat::protocol::JSON_LINES;
use crate::link::Classes;
use crate::link::config::{Config, Delay, LossModel, Offset, Pattern};
use crate::tcp::{self, Recovery};
use crate::time::Duration;
use crate::units::Probability;

impl Scenario {
    /// The scenario with everything at its default that has no effect.
    pub(super) fn effective(mut self) -> Scenario {
        let used: Vec<bool> = (0..self.links.len()).map(|link| self.is_used(link)).collect();
        for (link, used) in self.links.iter_mut().zip(&used) {
            normalise_link(link, *used);
        }
        for change in &mut self.schedule {
            change.links.retain(|(link, _)| used[*link]);
            change.links.iter_mut().flat_map(|(_, directions)| directions).for_each(normalise_direction);
        }
        if !self.has_chat() {
            self.dialect = JSON_LINES.name();
        }
        let sees =
            |link: &LinkSpec| link.directions.iter().any(|d| d.queue.discipline.classes != Classes::Blind);
        self.groups.retain(|group| group.count > 0);
        for group in &mut self.groups {
            normalise_group(group);
            if !group.path.iter().any(|hop| sees(&self.links[hop.link])) {
                group.class = String::new();
            }
        }
        if self.record.trials == RecordTrials::None {
            self.record.interval = Duration::ZERO;
            self.record.pcap.clear();
            self.record.qlog = false;
        }
        if !self.record.qlog {
            self.record.flows.clear();
        }
        self
    }

    /// True if a path crosses the link.
    pub(super) fn is_used(&self, link: usize) -> bool {
        self.groups.iter().any(|group| group.count > 0 && group.crosses(link))
    }

    /// True if chance has a hand in it, so that trials with different seeds may differ.
    pub fn is_random(&self) -> bool {
        let groups = || self.groups.iter().filter(|group| group.count > 0);
        let lots = groups().any(|group| group.app.is_random());
        let spread = groups().any(|group| !group.start_spread.is_zero());
        let links = (0..self.links.len()).filter(|&link| self.is_used(link));
        let directions = links.flat_map(|link| &self.links[link].directions);
        let changed = self.schedule.iter().flat_map(|change| &change.links);
        let changed = changed.filter(|(link, _)| self.is_used(*link)).flat_map(|(_, directions)| directions);
        // The clock of each end stands at a random place between two ticks when its connection begins.
        let ticks = groups().any(|group| !group.app.directions().is_empty() && !group.tcp.tick.is_zero());
        lots || spread || ticks || directions.chain(changed).any(draws)
    }
}

/// True if the fate of a packet in this direction is drawn.
fn draws(direction: &Config) -> bool {
    let open = |chance: Probability| !chance.is_never() && chance != Probability::ALWAYS;
    let lost = match direction.loss {
        LossModel::Independent(chance) => open(chance),
        LossModel::GilbertElliott { p, r, loss_bad, loss_good } => {
            [p, r, loss_bad, loss_good].into_iter().any(open)
        }
    };
    lost || open(direction.duplicate)
        || open(direction.corrupt)
        || direction.reorder.is_some_and(|reorder| open(reorder.chance))
        || !direction.delay.jitter.is_zero()
        || direction.wifi.is_some()
        || matches!(&direction.pattern, Pattern::Replay(replay) if replay.offset == Offset::Trial)
}

fn normalise_link(link: &mut LinkSpec, used: bool) {
    // The queues hold the meaning of the limits.
    link.limits = [Limit::default(); 2];
    link.classes = Default::default();
    if !used {
        link.directions = [Config::default(), Config::default()];
        link.per_client = false;
    }
    // The schedule has the meaning of the tables.
    link.tables = [None, None];
    link.directions.iter_mut().for_each(normalise_direction);
}

fn normalise_direction(direction: &mut Config) {
    if direction.rate.is_none() {
        direction.queue = Config::default().queue;
        direction.pattern = Pattern::Even;
        direction.wifi = None;
    }
    if direction.delay.jitter.is_zero() {
        direction.delay = Delay { mean: direction.delay.mean, ..Delay::default() };
    }
}

fn normalise_group(group: &mut Group) {
    if group.count == 1 {
        group.stagger = Duration::ZERO;
    }
    normalise_tcp(&mut group.tcp);
    group.app.normalise(group.count);
}

fn normalise_tcp(config: &mut tcp::Config) {
    let default = tcp::Config::default();
    if !config.sack {
        config.recovery = Recovery::NewReno;
    }
    if !config.window_scale {
        config.receive_window = config.receive_window.min(65_535);
    }
    // Neither has a window that begins somewhere and grows.
    if ["none", "fixed"].contains(&config.congestion.algorithm.name) {
        config.initial_window = default.initial_window;
        config.byte_counting = default.byte_counting;
    }
}
