//! Speed of a path: it is an error if no time passes on it at all, or if nothing limits its speed.

use super::problem::Problem;
use super::tree::Node;
use super::workload::Demand;
use super::{Group, Hop, LinkSpec, Scenario, links};
use crate::link::config::{Config, JitterDistribution, LossModel};
use crate::time::{Duration, Instant};
use crate::units::Bytes;

/// A connection over such a path would exchange packets for ever within one instant.
pub(super) fn stands_still(links: &[LinkSpec], path: &[Hop]) -> bool {
    path.iter().flat_map(|hop| &links[hop.link].directions).all(is_instantaneous)
}

/// True if every packet leaves this direction at the instant at which it enters.
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

impl Scenario {
    /// Bytes of all that is transferred, if each client has a size to transfer.
    pub fn transferred(&self) -> Option<u64> {
        let of = |group: &Group| match group.app.demand() {
            Demand::Greedy(Some(size)) => Some(size.0.saturating_mul(group.count.into())),
            _ => None,
        };
        self.groups.iter().map(of).sum()
    }
}

/// Most that the bulk transfers of a group may send.
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
        let (mss, count) = (f64::from(group.tcp.mss), f64::from(group.count));
        let size = match group.app.demand() {
            Demand::Greedy(size) => size,
            Demand::Paced(rate) => {
                let packets = count * rate * scenario.duration.as_secs_f64();
                return Some(Drive { window: 0.0, rtt: Duration::MAX, unrated: 0.0, packets });
            }
            Demand::Light => return None,
        };
        let mut drive = Drive { window: 0.0, rtt: Duration::MAX, unrated: 0.0, packets: 0.0 };
        for (links, lasts) in states(scenario) {
            let path = || group.path.iter().flat_map(|hop| &links[hop.link].directions);
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
            // Members share what they share.
            let shared = group.path.iter().map(|hop| &links[hop.link]).filter(|link| !link.per_client);
            let shared =
                shared.flat_map(|link| &link.directions).filter_map(|direction| direction.rate).min();
            let all = shared.map_or(f64::INFINITY, |rate| rate.bits_per_second() as f64).min(count * speed);
            drive.packets += all / 8.0 / mss * lasts.as_secs_f64();
        }
        let most = size.map_or(f64::INFINITY, |size| count * (size.0 as f64 / mss).ceil());
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
        "fixed" => most.min(tcp.congestion.parameters.number("window") * segment),
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

#[cfg(test)]
mod tests {
    use super::super::testing::{plan, refused};

    fn text(link: &str, more: &str) -> String {
        format!(
            "duration = \"60s\"\n[link.a]\n{link}\n[[clients]]\nname = \"x\"\npath = [\"a\"]\n\
             app = {{ kind = \"bulk\" }}\n{more}"
        )
    }

    #[test]
    fn a_path_on_which_no_time_passes_is_refused_wherever_it_comes_from() {
        let still = "nothing on this path takes time";
        let mend = "`delay` or a `rate`";
        for link in [
            "loss = \"1%\"",
            "delay = \"0ms\"",
            "delay = { mean = \"1ms\" }\nreorder = \"100%\"",
            "delay = { mean = \"0ms\", jitter = \"1ms\", distribution = \"lognormal\" }",
        ] {
            let line = 5 + link.matches('\n').count();
            refused(&text(link, ""), line + 1, "[\"a\"]", still, mend);
        }
        let axis = text("delay = \"1ms\"", "[sweep]\n\"link.a.delay\" = [\"1ms\", \"0ms\"]\n");
        refused(&axis, 6, "[\"a\"]", "(in the cell with link.a.delay = 0ms)", mend);
        let change = |at: &str, delay: &str| {
            format!("[[schedule]]\nat = \"{at}\"\nset = {{ \"link.a.delay\" = \"{delay}\" }}\n")
        };
        let later = text("delay = \"1ms\"", &change("1s", "0ms"));
        refused(
            &later,
            10,
            "{ \"link.a.delay\" = \"0ms\" }",
            "nothing on the path of \"x\" takes time",
            mend,
        );
        // One that is mended in the same instant is none, and neither is one that a file's axis mends.
        let up = change("1000ms", "2ms").replace("link.a.delay", "link.a.up.delay");
        let mended = text("delay = \"1ms\"", &(change("1s", "0ms") + &up));
        assert_eq!(plan(&mended).warnings, []);
        let swept = text("loss = \"1%\"", "[sweep]\n\"link.a.delay\" = [\"1ms\", \"2ms\"]\n");
        assert_eq!(plan(&swept).warnings, []);
        plan(&text("up = { delay = \"1ms\" }", ""));
        plan(&text("rate = \"10mbit\"", ""));
    }

    #[test]
    fn a_speed_that_nothing_limits_is_refused() {
        let says =
            "nothing limits the speed on this path: a window of 4MiB each 2us is 16.8 Tbit/s, 1448 million";
        refused(&text("delay = \"1us\"", ""), 6, "[\"a\"]", says, "give one of its links a `rate`");
        // Limited by a rate, a window, losses, or because there is little to send.
        plan(&text("rate = \"10mbit\"\ndelay = \"1us\"", ""));
        plan(&text("delay = \"1us\"", "[tcp]\ncongestion = \"fixed\"\n[congestion.fixed]\nwindow = 1\n"));
        plan(&text("delay = \"10us\"\nloss = \"5%\"", ""));
        plan(&text("delay = \"1us\"", "").replace("\"bulk\"", "\"bulk\", size = \"1GB\""));
        // A merely long trial is warned of.
        let long = plan(&text("rate = \"100gbit\"\ndelay = \"500us\"", "")).render_warnings(false);
        assert!(long.contains("a trial may have up to 0.2 billion packets, and take minutes"), "{long}");
    }
}
