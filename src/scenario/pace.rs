//! How fast a path may be driven: whether time passes on it at all, and whether anything limits its speed.

use super::problem::Problem;
use super::tree::Node;
use super::{AppSpec, Group, LinkSpec, Scenario, links};
use crate::link::config::{Config, JitterDistribution, LossModel};
use crate::time::{Duration, Instant};
use crate::units::Bytes;

/// A connection over such a path would exchange packets for ever within one instant.
pub(super) fn stands_still(links: &[LinkSpec], path: &[usize]) -> bool {
    path.iter().flat_map(|&link| &links[link].directions).all(is_instantaneous)
}

/// Whether every packet leaves this direction at the instant at which it enters.
fn is_instantaneous(direction: &Config) -> bool {
    let Config { delay, reorder, rate, .. } = direction;
    // A lognormal delay of mean zero is always zero.
    let never_varies = delay.jitter.is_zero() || delay.distribution == JitterDistribution::LogNormal;
    let all_skip = reorder.is_some_and(|reorder| reorder.gap <= 1 && reorder.chance.as_f64() >= 1.0);
    rate.is_none() && (all_skip || delay.mean.is_zero() && never_varies)
}

/// Refuses transfers whose speed nothing limits, and warns of trials that take minutes each.
pub(super) fn check(root: &Node, scenario: &Scenario, problems: &mut Vec<Problem>) {
    if root.is_faulty(problems) {
        return;
    }
    let nodes = root.get("clients").map_or(&[][..], Node::items);
    let mut total = 0.0;
    for (group, node) in scenario.groups.iter().zip(nodes) {
        let Some(drive) = Drive::of(scenario, group) else { continue };
        total += drive.packets;
        if drive.packets > MANY_PACKETS
            && drive.unrated > FASTEST
            && let Some(path) = node.get("path")
        {
            let message = format!(
                "nothing limits the speed on this path: a window of {} each {} is {:.1} Tbit/s, {} million \
                 packets a second",
                Bytes(drive.window as u64),
                drive.rtt,
                drive.unrated / 1e12,
                (drive.unrated / 8e6 / f64::from(group.tcp.mss)).round()
            );
            let help = "give one of its links a `rate`, or a longer `delay`";
            problems.push(Problem::error(path.place, message, help));
            return;
        }
    }
    if total > MANY_PACKETS
        && let Some(duration) = root.get("duration")
    {
        let message = format!("a trial may have up to {:.1} billion packets, and take minutes", total / 1e9);
        let help = "shorten the duration, or lower a `rate`; an interrupted run goes on with --resume";
        problems.push(Problem::warning(duration.place, message, help));
    }
}

/// What the bulk transfers of a group may do at most.
struct Drive {
    /// Bytes in flight of one client.
    window: f64,
    /// The shortest round trip.
    rtt: Duration,
    /// Bits per second of one client where its path has no rate; else 0.
    unrated: f64,
    /// Packets of all clients in a trial.
    packets: f64,
}

impl Drive {
    fn of(scenario: &Scenario, group: &Group) -> Option<Drive> {
        let AppSpec::Bulk(bulk) = &group.app else { return None };
        let (mss, count) = (f64::from(group.tcp.mss), f64::from(group.count));
        let mut drive = Drive { window: 0.0, rtt: Duration::MAX, unrated: 0.0, packets: 0.0 };
        for (links, lasts) in states(scenario) {
            let path = || group.path.iter().flat_map(|&link| &links[link].directions);
            let rtt = links::base_rtt(&links, &group.path).max(Duration::from_nanos(1));
            let window = window(group, path());
            let fastest = window * 8.0 / rtt.as_secs_f64();
            let rate = path().filter_map(|direction| direction.rate).min();
            let rate = rate.map(|rate| rate.bits_per_second() as f64);
            if rate.is_none()
                && path().all(|direction| direction.delay.jitter.is_zero())
                && fastest > drive.unrated
            {
                (drive.unrated, drive.window, drive.rtt) = (fastest, window, rtt);
            }
            let speed = rate.map_or(fastest, |rate| rate.min(fastest));
            drive.packets += count * speed / 8.0 / mss * lasts.as_secs_f64();
        }
        let most = bulk.size.map_or(f64::INFINITY, |size| count * (size.0 as f64 / mss).ceil());
        drive.packets = drive.packets.min(most);
        Some(drive)
    }
}

/// Bytes that a client may have in flight, generously where losses keep its window small: three times
/// the segments of Mathis et al. (1997).
fn window<'a>(group: &Group, path: impl Iterator<Item = &'a Config>) -> f64 {
    let tcp = &group.tcp;
    let offered = if tcp.window_scale { tcp.receive_window } else { tcp.receive_window.min(65_535) };
    let most = offered.min(tcp.send_buffer) as f64;
    let segment = f64::from(tcp.mss);
    match tcp.congestion.algorithm.name {
        "none" => most,
        "fixed" => most.min(tcp.congestion.parameters[0] * segment),
        _ => {
            let loss = path.map(|direction| match direction.loss {
                LossModel::Independent(chance) => chance.as_f64(),
                LossModel::GilbertElliott { .. } => 0.0,
            });
            most.min(4.0 * segment / loss.fold(0.0, f64::max).sqrt())
        }
    }
}

/// The links from one change to the next, and how long each lasts.
fn states(scenario: &Scenario) -> Vec<(Vec<LinkSpec>, Duration)> {
    let mut links = scenario.links.clone();
    let mut since = Instant::ZERO;
    let mut states = vec![];
    for change in &scenario.schedule {
        states.push((links.clone(), change.at.saturating_since(since)));
        since = change.at;
        for (link, directions) in &change.links {
            links[*link].directions.clone_from(directions);
        }
    }
    let end = Instant::ZERO.saturating_add(scenario.duration);
    states.push((links, end.saturating_since(since)));
    states
}

/// Bits per second of one client that no network card has.
const FASTEST: f64 = 1e12;
/// Packets of a trial that take a processor about a minute.
const MANY_PACKETS: f64 = 1e8;
