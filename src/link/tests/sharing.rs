//! Links that flows share: each flow meets luck of its own.

use super::*;
use crate::wire::FlowId;

/// A packet of a flow that can be told from others.
fn of_flow(flow: u32, n: u32) -> Packet {
    from_flow(flow, numbered(n))
}

/// Times and states of the packets of flow 0 as they come out, of 2,000, each with `others` packets of as
/// many other flows before and behind it.
fn fates(config: &Config, others: u32) -> Vec<(Instant, u32, bool)> {
    let mut link = Link::shared(config, Seed(1), "link/shared/up");
    link.introduce(FlowId(0), Seed(1).child("flow/mine"));
    for other in 1..=others {
        link.introduce(FlowId(other), Seed(1).child(&format!("flow/other-{other}")));
    }
    for i in 0..2_000 {
        for other in 1..=others {
            link.handle_packet(at(1_000 * u64::from(i)), of_flow(other, i));
        }
        link.handle_packet(at(1_000 * u64::from(i) + 1), of_flow(0, i));
    }
    let mine = drain(&mut link).into_iter().filter(|(_, packet)| packet.flow == FlowId(0));
    let mut fates: Vec<_> = mine.map(|(due, p)| (due, p.segment.seq.0, p.is_corrupted())).collect();
    fates.sort_unstable();
    fates
}

#[test]
fn another_flow_changes_nobodys_luck() {
    let config = Config {
        loss: LossModel::Independent(probability(0.1)),
        duplicate: probability(0.1),
        corrupt: probability(0.1),
        reorder: Some(Reorder { chance: probability(0.2), gap: 1 }),
        delay: Delay { jitter: Duration::from_millis(3), reorder: true, ..fixed(10) },
        ..Config::default()
    };
    let alone = fates(&config, 0);
    assert_eq!(alone, fates(&config, 1));
    assert_eq!(alone, fates(&config, 7));
    // Nothing of it is trivial.
    assert!(alone.iter().filter(|fate| fate.2).count() > 100 && alone.len() < 2_100);
}

/// Bursts are the link's: every packet moves its state, of whatever flow.
#[test]
fn the_state_of_bursts_is_shared() {
    let alternating = LossModel::GilbertElliott {
        p: Probability::ALWAYS,
        r: Probability::ALWAYS,
        loss_bad: Probability::ALWAYS,
        loss_good: Probability::NEVER,
    };
    let config = Config { loss: alternating, ..Config::default() };
    let numbers = |others| fates(&config, others).iter().map(|fate| fate.1).collect::<Vec<u32>>();
    assert_eq!(numbers(0), (0..2_000).step_by(2).collect::<Vec<u32>>());
    assert_eq!(numbers(1), [0u32; 0], "the other flow's packets meet the good state");
    assert_eq!(numbers(2), (0..2_000).step_by(2).collect::<Vec<u32>>());
}

#[test]
fn flows_have_luck_of_their_own() {
    let config = Config { loss: LossModel::Independent(probability(0.5)), ..Config::default() };
    let mut link = Link::shared(&config, Seed(1), "link/shared/up");
    for flow in 0..2 {
        link.introduce(FlowId(flow), Seed(u64::from(flow)));
    }
    let judge = |link: &mut Link, flow| {
        (0..100)
            .map(|i| {
                link.handle_packet(at(0), of_flow(flow, i));
                link.poll_deliver(at(0)).is_some()
            })
            .collect::<Vec<bool>>()
    };
    let first = judge(&mut link, 0);
    assert_ne!(first, judge(&mut link, 1));
    // Another flow gets the number, and begins with its own first draw.
    link.introduce(FlowId(0), Seed(1));
    assert_ne!(first, judge(&mut link, 0));
    link.introduce(FlowId(1), Seed(0));
    assert_eq!(first, judge(&mut link, 1));
}
