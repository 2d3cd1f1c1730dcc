//! Goodput, fairness and completion of a trial: which bytes, flows and transfers count.

use super::stats;
use crate::facts::{Direction, DirectionOutcome, FlowOutcome, Limit, LinkOutcome, Measure, Outcome};
use crate::time::Duration;

/// Goodput of a trial in Mbit/s: application bytes handed to receivers, in order, in the measured
/// interval, divided by it.
///
/// It is measured at the *bottleneck*: of the links with a rate that their clients share, the one with
/// the highest utilisation in either direction; of those within two points of it, the one that the most
/// application bytes cross. `up` and `down` count the flows that cross it that way, so that each exceeds the rate only by bytes that had passed the link before the
/// interval began: held beyond a gap, not yet read, or on their way. The busier direction is the one
/// whose goodput is the larger share of its rate.
///
/// Without a shared link that has a rate there is no bottleneck: `up` and `down` count all flows, and the
/// busier direction is that of the bulk data, the one with more of it; without bulk data, that of more
/// bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goodput {
    /// From clients to servers; `None` over an empty interval.
    pub up: Option<f64>,
    /// From servers to clients.
    pub down: Option<f64>,
    /// The busier direction.
    pub direction: Direction,
}

impl Goodput {
    /// The goodput of a trial.
    pub fn of(outcome: &Outcome) -> Goodput {
        let bottleneck = bottleneck(outcome);
        let bytes = |direction: Direction, bulk_only: bool| -> u64 {
            crossing(outcome, bottleneck)
                .filter(|(flow, way, _)| *way == direction && (flow.measures(Measure::Goodput) || !bulk_only))
                .map(|(_, _, way)| way.bytes_delivered)
                .sum()
        };
        let busy = |direction: Direction| -> (f64, u64, u64) {
            let rate = bottleneck.and_then(|name| rate_of(&outcome.links, name, direction));
            let all = bytes(direction, false);
            let (share, bulk) = match (bottleneck, rate) {
                (None, _) => (0.0, bytes(direction, true)),
                (_, None) => (0.0, 0),
                (_, Some(rate)) => (all as f64 / rate, 0),
            };
            (share, bulk, all)
        };
        let direction =
            if busy(Direction::Down) > busy(Direction::Up) { Direction::Down } else { Direction::Up };
        let of = |direction| mbit(bytes(direction, false), outcome.measured);
        Goodput { up: of(Direction::Up), down: of(Direction::Down), direction }
    }

    /// That of the busier direction.
    pub fn busier(&self) -> Option<f64> {
        match self.direction {
            Direction::Up => self.up,
            Direction::Down => self.down,
        }
    }
}

/// Megabits per second; `None` over an empty interval.
pub fn mbit(bytes: u64, span: Duration) -> Option<f64> {
    (!span.is_zero()).then(|| bytes as f64 * 8.0 / 1e6 / span.as_secs_f64())
}

/// The directions in which data went, with their flows.
pub fn directions(outcome: &Outcome) -> impl Iterator<Item = (&FlowOutcome, Direction, &DirectionOutcome)> {
    outcome.flows.iter().flat_map(|flow| {
        Direction::BOTH.into_iter().filter_map(move |direction| {
            flow.directions[direction.index()].as_ref().map(|way| (flow, direction, way))
        })
    })
}

/// Those that cross the bottleneck, with the direction in which they do; all with their own, where there is none.
fn crossing<'a>(
    outcome: &'a Outcome,
    bottleneck: Option<&'a str>,
) -> impl Iterator<Item = (&'a FlowOutcome, Direction, &'a DirectionOutcome)> {
    directions(outcome)
        .filter_map(move |(flow, own, way)| Some((flow, direction_at(outcome, bottleneck, own, way)?, way)))
}

/// The direction in which data crosses the bottleneck, if it does; its own, where there is none.
fn direction_at(
    outcome: &Outcome,
    bottleneck: Option<&str>,
    own: Direction,
    way: &DirectionOutcome,
) -> Option<Direction> {
    let mut links = way.links.iter().map(|&link| &outcome.links[link as usize]);
    match bottleneck {
        Some(name) => links.find(|link| link.name == name).map(|link| link.direction),
        None => Some(own),
    }
}

/// Saturated links differ by a packet; links this close to the highest utilisation are equals.
const EQUALLY_BUSY: f64 = 0.02;

/// The rule of the bottleneck: of links with their utilisation, the one that is busiest; of equals the one
/// that the most `crosses`, and then the first, which is what the author put first.
pub fn busiest<T>(links: Vec<(f64, T)>, crosses: impl Fn(&T) -> f64) -> Option<T> {
    let most = links.iter().map(|(utilisation, _)| *utilisation).reduce(f64::max)?;
    let equals = links.into_iter().filter(|(utilisation, _)| *utilisation >= most - EQUALLY_BUSY);
    // `max_by` takes the last of equals.
    equals.map(|(_, link)| link).rev().max_by(|a, b| crosses(a).total_cmp(&crosses(b)))
}

/// The name of the shared link with the highest utilisation; of equals the one that the most
/// application bytes cross.
fn bottleneck(outcome: &Outcome) -> Option<&str> {
    let shared = outcome.links.iter().filter(|link| link.shared);
    let links = shared.filter_map(|link| Some((link.utilisation?, link.name.as_str()))).collect();
    let bytes =
        |name: &str| -> u64 { crossing(outcome, Some(name)).map(|(_, _, way)| way.bytes_delivered).sum() };
    busiest(links, |name| bytes(name) as f64)
}

fn rate_of(links: &[LinkOutcome], name: &str, direction: Direction) -> Option<f64> {
    links.iter().find(|link| link.name == name && link.direction == direction)?.rate_mbit
}

/// Bytes that went over a link in one direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Through {
    /// Goodput of the flows that cross it; `None` over an empty interval.
    pub goodput_mbit: Option<f64>,
    /// Jain's index of those of them that [`jain_index`] compares.
    pub jain_index: Option<f64>,
}

/// Bytes that went over a link that clients share; `None` if each has one of its own, or if no flow sends
/// data that way. Where a flow that crosses it never came to that, nothing went, either way.
pub fn through(outcome: &Outcome, link: &LinkOutcome) -> Option<Through> {
    let crossing = || crossing(outcome, Some(&link.name)).filter(|_| link.shared);
    let flows = || {
        let those = crossing().filter(|(_, way, figures)| *way == link.direction && figures.carried);
        those.map(|(_, _, figures)| figures.bytes_delivered)
    };
    let silent = crossing().any(|(_, _, figures)| !figures.carried);
    if flows().next().is_none() && !silent {
        return None;
    }
    Some(Through {
        goodput_mbit: mbit(flows().sum(), outcome.measured),
        jain_index: jain_over(outcome, Some(&link.name), link.direction),
    })
}

/// Jain's index over the bytes of flows that want all they can get for the whole measured interval:
/// bulk transfers that began before it and did not end within it, that cross the bottleneck in its
/// busier direction, and that their application did not hold back. `None` for fewer than two, since
/// one flow is always fair to itself.
pub fn jain_index(outcome: &Outcome) -> Option<f64> {
    jain_over(outcome, bottleneck(outcome), Goodput::of(outcome).direction)
}

fn jain_over(outcome: &Outcome, link: Option<&str>, direction: Direction) -> Option<f64> {
    let shares: Vec<f64> = crossing(outcome, link)
        .filter(|(flow, way, figures)| *way == direction && is_rival(flow, figures))
        .map(|(_, _, way)| way.bytes_delivered as f64)
        .collect();
    if shares.len() < 2 { None } else { stats::jain(&shares) }
}

/// True of a bulk transfer that wants all it can get for the whole measured interval.
fn is_rival(flow: &FlowOutcome, way: &DirectionOutcome) -> bool {
    flow.measures(Measure::Goodput) && flow.lasting && way.limited_by != Limit::Application
}

/// The flows that [`jain_index`] compares, as indices, each with the direction in which it sends.
pub fn rivals(outcome: &Outcome) -> Vec<(usize, Direction)> {
    let (link, direction) = (bottleneck(outcome), Goodput::of(outcome).direction);
    let ways = (0..outcome.flows.len()).flat_map(|flow| Direction::BOTH.map(|own| (flow, own)));
    let crosses = |&(flow, own): &(usize, Direction)| {
        let flow = &outcome.flows[flow];
        flow.directions[own.index()].as_ref().is_some_and(|way| {
            is_rival(flow, way) && direction_at(outcome, link, own, way) == Some(direction)
        })
    };
    ways.filter(crosses).collect()
}

/// The completion times of a trial's transfers of a given size, in seconds from the start of each to
/// the acknowledgment of its FIN. One that did not end counts as slower than all that did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Completions {
    /// Of those that ended, in increasing order.
    ended: Vec<f64>,
    /// Number of flows.
    all: usize,
}

impl Completions {
    /// The completion times of a trial.
    pub fn of(outcome: &Outcome) -> Completions {
        let transfers = outcome.flows.iter().filter(|flow| flow.began && flow.measures(Measure::Completion));
        let seconds = |flow: &FlowOutcome| {
            flow.directions.iter().flatten().find_map(|way| way.completion).map(Duration::as_secs_f64)
        };
        Completions::among(transfers.map(seconds))
    }

    /// Those among values of which some do not exist, because what they are of did not end.
    pub fn among(values: impl Iterator<Item = Option<f64>>) -> Completions {
        let mut completions = Completions::default();
        for value in values {
            completions.all += 1;
            completions.ended.extend(value);
        }
        completions.ended.sort_by(f64::total_cmp);
        completions
    }

    /// Mean of the shortest part of all; `None` if fewer ended.
    pub fn trimmed_mean(&self, part: f64) -> Option<f64> {
        let kept = (part * self.all as f64).ceil() as usize;
        let shortest = self.ended.get(..kept).filter(|shortest| !shortest.is_empty())?;
        Some(shortest.iter().sum::<f64>() / kept as f64)
    }

    /// Standard deviation; `None` unless all of two or more ended.
    pub fn deviation(&self) -> Option<f64> {
        let mean = self.mean().filter(|_| self.all > 1)?;
        let squares: f64 = self.ended.iter().map(|value| (value - mean) * (value - mean)).sum();
        Some((squares / (self.all - 1) as f64).sqrt())
    }

    /// Share of those that did not end; `None` if there are none at all.
    pub fn missing(&self) -> Option<f64> {
        (self.all > 0).then(|| (self.all - self.ended.len()) as f64 / self.all as f64)
    }

    /// The mean; `None` unless all ended, since that of the others would be too short.
    pub fn mean(&self) -> Option<f64> {
        let all_ended = self.all > 0 && self.ended.len() == self.all;
        all_ended.then(|| self.ended.iter().sum::<f64>() / self.all as f64)
    }

    /// The smallest time within which the share `p` of all transfers ended; `None` if fewer did.
    pub fn percentile(&self, p: f64) -> Option<f64> {
        let rank = (p * self.all as f64).ceil() as usize;
        self.ended.get(rank.checked_sub(1)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::testing::bulk_outcome;

    /// Two seconds over a shared link of 10 Mbit/s, with one flow for each (direction, bytes, bulk).
    fn outcome(flows: &[(Direction, u64, bool)]) -> Outcome {
        let mut outcome = bulk_outcome(1, "reno", 0.01);
        outcome.measured = Duration::from_secs(2);
        let model = outcome.flows[0].clone();
        outcome.flows = flows
            .iter()
            .map(|&(direction, bytes_delivered, bulk)| {
                let measures = if bulk { model.measures } else { &[] };
                let mut flow = FlowOutcome { measures, ..model.clone() };
                let way = flow.directions[0].take().expect("an upload");
                let links = vec![direction.index() as u32];
                flow.directions[direction.index()] = Some(DirectionOutcome { bytes_delivered, links, ..way });
                flow
            })
            .collect();
        outcome
    }

    const UP: Direction = Direction::Up;
    const DOWN: Direction = Direction::Down;

    #[test]
    fn directions_are_never_added() {
        let goodput =
            Goodput::of(&outcome(&[(UP, 2_500_000, true), (UP, 250, false), (DOWN, 1_000_000, true)]));
        assert_eq!((goodput.up, goodput.down), (Some(10.001), Some(4.0)));
        assert_eq!(goodput.busier(), goodput.up);
        let goodput = Goodput::of(&outcome(&[(UP, 250_000, true), (DOWN, 1_000_000, false)]));
        assert_eq!(goodput.busier(), Some(4.0));
    }

    #[test]
    fn only_flows_over_the_busiest_shared_link_count() {
        let mut outcome = outcome(&[(UP, 1_000_000, true), (UP, 500_000, true)]);
        let mut other = outcome.links[0].clone();
        other.name = "other".to_owned();
        other.utilisation = Some(0.5);
        let mut own = other.clone();
        own.name = "own".to_owned();
        (own.shared, own.utilisation) = (false, Some(1.0));
        outcome.links.extend([other, own]);
        outcome.flows[1].directions[0].as_mut().expect("an upload").links = vec![2, 3];
        assert_eq!(Goodput::of(&outcome).up, Some(4.0));
        outcome.links[2].utilisation = Some(0.99);
        assert_eq!(Goodput::of(&outcome).up, Some(2.0));
        // Both are full: which one by a packet more is luck.
        (outcome.links[0].utilisation, outcome.links[2].utilisation) = (Some(0.9999), Some(1.0));
        assert_eq!(Goodput::of(&outcome).up, Some(4.0));
    }

    #[test]
    fn the_busier_direction_is_that_with_the_larger_share_of_its_rate() {
        let mut outcome = outcome(&[(UP, 200_000, true), (DOWN, 1_000_000, true)]);
        assert_eq!(Goodput::of(&outcome).direction, DOWN);
        outcome.links[0].rate_mbit = Some(1.0);
        assert_eq!(Goodput::of(&outcome).direction, UP);
    }

    #[test]
    fn without_a_shared_rate_the_bulk_data_gives_the_direction() {
        let mut outcome = outcome(&[(UP, 1_000_000, true), (UP, 250_000, true), (DOWN, 4_000_000, false)]);
        for link in &mut outcome.links {
            link.shared = false;
        }
        let goodput = Goodput::of(&outcome);
        assert_eq!((goodput.busier(), goodput.down), (Some(5.0), Some(16.0)));
        for flow in &mut outcome.flows {
            flow.measures = &[];
        }
        assert_eq!(Goodput::of(&outcome).direction, DOWN);
    }

    #[test]
    fn fairness_is_among_flows_that_want_all_for_the_whole_interval() {
        let two = outcome(&[(UP, 1000, true), (UP, 3000, true), (DOWN, 50, true), (UP, 7, false)]);
        assert_eq!(jain_index(&two), Some(0.8));
        let late = |change: fn(&mut FlowOutcome)| {
            let mut outcome = two.clone();
            change(&mut outcome.flows[1]);
            jain_index(&outcome)
        };
        assert_eq!(late(|flow| flow.lasting = false), None);
        assert_eq!(late(|flow| flow.measures = &[]), None);
        let idle = |flow: &mut FlowOutcome| {
            flow.directions[0].as_mut().expect("an upload").limited_by = Limit::Application;
        };
        assert_eq!(late(idle), None);
    }

    #[test]
    fn fairness_is_of_the_direction_whose_goodput_stands_beside_it() {
        let flows = [(UP, 900_000, true), (UP, 900_000, true), (DOWN, 1000, true), (DOWN, 3000, true)];
        let mut outcome = outcome(&flows);
        // Uploads that began within the interval are no comparison, and the downloads are not meant.
        outcome.flows[0].lasting = false;
        assert_eq!((Goodput::of(&outcome).direction, jain_index(&outcome)), (UP, None));
        let down = through(&outcome, &outcome.links[1]).expect("two downloads");
        assert_eq!((down.goodput_mbit, down.jain_index), (Some(0.016), Some(0.8)));
    }

    #[test]
    fn a_link_over_which_no_flow_sends_has_no_goodput_and_one_whose_flows_never_connect_has_zero() {
        let mut outcome = outcome(&[(UP, 0, true)]);
        let goodputs = |outcome: &Outcome| {
            let of = |n: usize| through(outcome, &outcome.links[n]).map(|through| through.goodput_mbit);
            [of(0), of(1)]
        };
        assert_eq!(goodputs(&outcome), [Some(Some(0.0)), None]);
        outcome.flows[0].directions[0].as_mut().expect("an upload").carried = false;
        assert_eq!(goodputs(&outcome), [Some(Some(0.0)); 2]);
        outcome.links[0].shared = false;
        assert_eq!(goodputs(&outcome)[0], None);
    }

    #[test]
    fn a_transfer_that_did_not_end_counts_as_slower_than_all_that_did() {
        let mut outcome = outcome(&[(UP, 1, true), (UP, 1, true), (UP, 1, true), (UP, 1, true)]);
        for (n, flow) in outcome.flows.iter_mut().enumerate() {
            flow.measures = &[Measure::Goodput, Measure::Completion];
            flow.directions[0].as_mut().expect("an upload").completion =
                Some(Duration::from_secs(4 - n as u64));
        }
        let all = Completions::of(&outcome);
        assert_eq!(
            (all.mean(), all.percentile(0.5), all.percentile(0.95)),
            (Some(2.5), Some(2.0), Some(4.0))
        );
        // As one whose SYN was never answered.
        outcome.flows[0].directions = [None, None];
        let some = Completions::of(&outcome);
        assert_eq!((some.mean(), some.percentile(0.5), some.percentile(0.95)), (None, Some(2.0), None));
        assert_eq!(Completions::default().percentile(0.5), None);
    }

    #[test]
    fn a_trimmed_mean_counts_what_did_not_end_among_the_longest() {
        let of = |lost: usize| {
            let ended = (0..40 - lost).map(|n| Some(n as f64));
            Completions::among(ended.chain(std::iter::repeat_n(None, lost))).trimmed_mean(0.95)
        };
        assert_eq!((of(0), of(2), of(3)), (Some(18.5), Some(18.5), None));
        assert_eq!(Completions::default().trimmed_mean(0.95), None);
    }
}
