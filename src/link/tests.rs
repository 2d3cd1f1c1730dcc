//! Whole links: order, queue, conservation, independence of streams.

use std::sync::Arc;

use proptest::prelude::*;

use super::config::{
    Delay, JitterDistribution, JitterTable, LossModel, Offset, Pattern, Policer, Reorder, Replay, Trace, Wifi,
};
use super::testing::{from_flow, packet};
use super::*;
use crate::facts::Realised;
use crate::units::{Probability, Rate};
use crate::wire::SeqNumber;

mod patterns;
mod realised;
mod service;
mod sharing;
mod wifi;

fn link(config: &Config) -> Link {
    Link::new(config, Seed(1), "link/test/up")
}

fn at(micros: u64) -> Instant {
    Instant::from_nanos(micros * 1_000)
}

fn probability(fraction: f64) -> Probability {
    Probability::new(fraction).expect("a fraction")
}

fn mbit(megabits: u64) -> Option<Rate> {
    Rate::from_bits_per_second(megabits * 1_000_000)
}

fn fixed(millis: u64) -> Delay {
    Delay { mean: Duration::from_millis(millis), ..Delay::default() }
}

/// A packet that can be told from others.
fn numbered(n: u32) -> Packet {
    let mut packet = packet(1000);
    packet.segment.seq = SeqNumber(n);
    packet
}

/// Everything still inside, with its arrival.
fn drain(link: &mut Link) -> Vec<(Instant, Box<Packet>)> {
    let mut out = Vec::new();
    while let Some(due) = link.poll_timeout() {
        out.extend(link.poll_deliver(due).map(|packet| (due, packet)));
    }
    out
}

/// The numbers of the packets that come out, of `n` packets `gap` microseconds apart.
fn survivors(link: &mut Link, n: u32, gap: u64) -> Vec<u32> {
    for i in 0..n {
        link.handle_packet(at(u64::from(i) * gap), numbered(i));
    }
    drain(link).iter().map(|(_, packet)| packet.segment.seq.0).collect()
}

fn realised(statistics: &Statistics, quantity: &str) -> Realised {
    let row = statistics.realised().into_iter().find(|row| row.quantity == quantity);
    row.unwrap_or_else(|| panic!("no {quantity}"))
}

#[test]
fn a_link_that_does_nothing_hands_on_at_once() {
    let mut link = link(&Config::default());
    link.handle_packet(at(5), packet(1500));
    assert_eq!(link.poll_timeout(), Some(at(5)));
    assert!(link.poll_deliver(at(5)).is_some());
    assert_eq!((link.poll_timeout(), link.in_flight()), (None, 0));
}

#[test]
fn arrival_is_departure_plus_delay() {
    let mut link = link(&Config { rate: mbit(8), delay: fixed(10), ..Config::default() });
    link.handle_packet(at(0), packet(1000));
    link.handle_packet(at(0), packet(500));
    let arrivals: Vec<Instant> = drain(&mut link).iter().map(|(due, _)| *due).collect();
    assert_eq!(arrivals, [at(11_000), at(11_500)]);
}

#[test]
fn queueing_delay_is_backlog_over_rate() {
    let mut link = link(&Config { rate: mbit(8), ..Config::default() });
    for _ in 0..10 {
        link.handle_packet(at(0), packet(1000));
    }
    assert_eq!(link.backlog(at(0)), Backlog { packets: 10, bytes: 10_000 });
    assert_eq!(link.backlog(at(3_500)), Backlog { packets: 7, bytes: 7_000 });
    let statistics = link.statistics(at(10_000));
    // The last found 9000 bytes at 8 Mbit/s; on average it was half of that.
    assert_eq!(statistics.queue_delay.max(), Some(Duration::from_millis(9)));
    assert_eq!(statistics.queue_delay.mean_ms(), Some(4.5));
    assert_eq!(statistics.utilisation(), Some(1.0));
}

#[test]
fn a_full_queue_drops_the_tail_in_packets_and_in_bytes() {
    let queues = QUEUES.iter().filter(|discipline| discipline.name != "fq_codel");
    for (discipline, (capacity, accepted)) in
        queues.flat_map(|one| [(one, (Capacity::Packets(5), 5)), (one, (Capacity::Bytes(7_999), 7))])
    {
        let queue = Queue { discipline, parameters: discipline.defaults(), ..Queue::from(capacity) };
        let mut link = link(&Config { rate: mbit(8), queue: queue.clone(), ..Config::default() });
        assert_eq!(survivors(&mut link, 20, 0), (0..accepted).collect::<Vec<u32>>());
        assert_eq!(link.counters().dropped_queue, u64::from(20 - accepted));
        let mut link = super::tests::link(&Config { rate: mbit(8), queue, ..Config::default() });
        // Room for another as soon as one transmission has ended.
        survivors_without_drain(&mut link, 20);
        link.handle_packet(at(999), numbered(98));
        link.handle_packet(at(1_000), numbered(99));
        assert_eq!(drain(&mut link).last().map(|(_, p)| p.segment.seq.0), Some(99));
        assert_eq!(link.counters().dropped_queue, u64::from(20 - accepted) + 1);
    }
}

fn survivors_without_drain(link: &mut Link, n: u32) {
    (0..n).for_each(|i| link.handle_packet(at(0), numbered(i)));
}

#[test]
fn jitter_keeps_order_unless_told_otherwise() {
    let delay = Delay { jitter: Duration::from_millis(3), ..fixed(20) };
    let mut kept = link(&Config { delay: delay.clone(), ..Config::default() });
    assert_eq!(survivors(&mut kept, 1000, 100), (0..1000).collect::<Vec<u32>>());
    assert_eq!(kept.counters().reordered, 0);

    let mut free = link(&Config { delay: Delay { reorder: true, ..delay }, ..Config::default() });
    let order = survivors(&mut free, 1000, 100);
    assert!(!order.is_sorted());
    // Late is what comes out after one that entered later.
    let late = (0..1000).filter(|&i| order[..i].iter().any(|earlier| *earlier > order[i])).count();
    assert_eq!(free.counters().reordered, late as u64);
}

#[test]
fn a_packet_sent_ahead_overtakes_those_that_wait_out_the_delay() {
    let reorder = Some(Reorder { chance: Probability::ALWAYS, gap: 3 });
    let mut link = link(&Config { delay: fixed(10), reorder, ..Config::default() });
    assert_eq!(survivors(&mut link, 6, 1), [2, 5, 0, 1, 3, 4]);
    assert_eq!(link.counters().reordered, 4);
}

#[test]
fn a_copy_follows_right_behind_through_the_queue() {
    let mut link = link(&Config { duplicate: Probability::ALWAYS, rate: mbit(8), ..Config::default() });
    assert_eq!(survivors(&mut link, 2, 0), [0, 0, 1, 1]);
    let counters = link.counters();
    assert_eq!((counters.offered, counters.duplicated, counters.delivered), (2, 2, 4));
}

#[test]
fn a_damaged_packet_travels_on_and_is_counted_where_it_was_damaged() {
    let config = Config { corrupt: Probability::ALWAYS, ..Config::default() };
    let (mut first, mut second) = (link(&config), link(&config));
    first.handle_packet(at(0), packet(1500));
    let damaged = first.poll_deliver(at(0)).expect("a packet");
    assert!(damaged.is_corrupted());
    second.handle_packet(at(0), damaged);
    assert!(second.poll_deliver(at(0)).is_some());
    assert_eq!((first.counters().dropped_corrupt, first.counters().delivered), (1, 0));
    assert_eq!((second.counters().dropped_corrupt, second.counters().delivered), (0, 1));
}

#[test]
fn other_components_do_not_change_which_packets_are_lost_or_how_they_are_delayed() {
    let plain = Config {
        loss: LossModel::Independent(probability(0.2)),
        delay: Delay { jitter: Duration::from_millis(2), reorder: true, ..fixed(50) },
        ..Config::default()
    };
    let rich = Config { duplicate: probability(0.3), corrupt: probability(0.3), ..plain.clone() };
    let lossless = Config { loss: LossModel::default(), ..plain.clone() };
    let fates = |config: &Config| {
        let mut link = link(config);
        (0..500).for_each(|i| link.handle_packet(at(0), numbered(i)));
        let mut out: Vec<(u32, Instant)> =
            drain(&mut link).into_iter().map(|(due, packet)| (packet.segment.seq.0, due)).collect();
        out.sort_unstable();
        out.dedup();
        out
    };
    let lost_some = fates(&plain);
    assert_eq!(lost_some, fates(&rich));
    let all = fates(&lossless);
    assert!(all.len() == 500 && lost_some.iter().all(|packet| all.contains(packet)));
}

#[test]
fn a_closure_can_drop_the_third_packet() {
    let mut link = link(&Config::default());
    let mut seen = 0;
    link.push_impairment(Box::new(move |_: Instant, _: &Packet, _: &mut crate::rng::Rng| {
        seen += 1;
        if seen == 3 { Verdict::Drop } else { Verdict::Pass }
    }));
    assert_eq!(survivors(&mut link, 5, 1), [0, 1, 3, 4]);
    let statistics = link.statistics(at(10));
    // It was no fault of the loss model.
    assert_eq!((statistics.counters.dropped_loss, realised(&statistics, "loss_percent").realised), (1, 0.0));
}

#[test]
fn a_new_rate_holds_behind_the_packet_in_transmission() {
    let slow = Config { rate: mbit(8), delay: fixed(10), ..Config::default() };
    let mut link = link(&slow);
    (0..4).for_each(|i| link.handle_packet(at(0), numbered(i)));
    link.reconfigure(at(1_500), &Config { rate: mbit(80), ..slow.clone() });
    assert_eq!(link.backlog(at(1_500)).packets, 3);
    let arrivals: Vec<Instant> = drain(&mut link).iter().map(|(due, _)| *due).collect();
    // One departed, one was in transmission until 2 ms, two take 0.1 ms each.
    assert_eq!(arrivals, [at(11_000), at(12_000), at(12_100), at(12_200)]);
    assert_eq!(link.backlog(at(2_200)).packets, 0);

    let mut link = super::tests::link(&slow);
    (0..4).for_each(|i| link.handle_packet(at(0), numbered(i)));
    link.reconfigure(at(500), &Config { rate: None, ..slow.clone() });
    link.handle_packet(at(600), numbered(4));
    let arrivals: Vec<Instant> = drain(&mut link).iter().map(|(due, _)| *due).collect();
    assert_eq!(arrivals, [at(11_000); 5]);
}

#[test]
fn a_shorter_delay_does_not_overtake() {
    let mut link = link(&Config { delay: fixed(50), ..Config::default() });
    link.handle_packet(at(0), numbered(0));
    link.reconfigure(at(1_000), &Config { delay: fixed(10), ..Config::default() });
    link.handle_packet(at(1_000), numbered(1));
    link.handle_packet(at(90_000), numbered(2));
    let arrivals: Vec<Instant> = drain(&mut link).iter().map(|(due, _)| *due).collect();
    assert_eq!(arrivals, [at(50_000), at(50_000), at(100_000)]);
}

#[test]
fn an_idle_link_is_small() {
    // Twenty thousand of them must not matter.
    assert!(size_of::<Link>() <= 1_232, "{}", size_of::<Link>());
}

#[test]
fn the_measured_interval_forgets_what_came_before() {
    let mut link = link(&Config { rate: mbit(8), ..Config::default() });
    (0..10).for_each(|i| link.handle_packet(at(0), numbered(i)));
    link.begin_measurement(at(9_500));
    let statistics = link.statistics(at(10_500));
    assert_eq!(statistics.queue_delay.count(), 1);
    assert_eq!(statistics.utilisation(), Some(0.5));
    assert_eq!(statistics.counters.offered, 10);
    assert!(statistics.realised().iter().all(|row| row.quantity != "loss_percent"));
}

fn any_config() -> impl Strategy<Value = Config> {
    let chance = || (0.0..0.5f64).prop_map(probability);
    let loss = prop_oneof![
        chance().prop_map(LossModel::Independent),
        (chance(), chance(), chance(), chance()).prop_map(|(p, r, loss_bad, loss_good)| {
            LossModel::GilbertElliott { p, r, loss_bad, loss_good }
        }),
    ];
    let distribution = prop_oneof![
        Just(JitterDistribution::Uniform),
        Just(JitterDistribution::Normal),
        Just(JitterDistribution::LogNormal),
        Just(JitterDistribution::Pareto),
        Just(JitterDistribution::ParetoNormal),
    ];
    let delay = (0..30u64, 0..10u64, distribution, chance(), any::<bool>()).prop_map(
        |(mean, jitter, distribution, correlation, reorder)| Delay {
            mean: Duration::from_millis(mean),
            jitter: Duration::from_millis(jitter),
            distribution,
            correlation,
            reorder,
        },
    );
    let capacity =
        prop_oneof![(1..20u64).prop_map(Capacity::Packets), (1_500..20_000u64).prop_map(Capacity::Bytes)];
    let reorder = proptest::option::of((chance(), 1..6u32).prop_map(|(chance, gap)| Reorder { chance, gap }));
    let rate = (0..30u64).prop_map(mbit);
    let policer = proptest::option::of((1..30u64, 40..9_000u64)).prop_map(|policer| {
        policer.map(|(rate, burst)| Policer { rate: mbit(rate).expect("not zero"), burst })
    });
    let wifi = wifi::any_wifi().prop_map(|wifi| Some(Box::new(wifi)));
    (loss, chance(), chance(), reorder, delay, rate, capacity, patterns::endless(), policer, wifi).prop_map(
        |(loss, duplicate, corrupt, reorder, delay, rate, capacity, pattern, policer, wifi)| Config {
            loss,
            duplicate,
            corrupt,
            reorder,
            delay,
            rate,
            pattern,
            wifi,
            policer,
            queue: capacity.into(),
        },
    )
}

proptest! {
    #[test]
    fn packets_are_conserved_and_time_goes_forward(
        mut configs in prop::collection::vec(any_config(), 1..5),
        discipline in 0..QUEUES.len(),
        is_wifi: bool,
        arrivals in prop::collection::vec((0..3_000u64, 40..1_500u32, 0..40u8, 0..4u32), 1..300),
    ) {
        for config in &mut configs {
            config.queue.discipline = &QUEUES[discipline];
            config.queue.parameters = QUEUES[discipline].defaults();
            config.wifi = config.wifi.take().filter(|_| is_wifi);
        }
        let mut link = link(&configs[0]);
        let mut next = configs.iter().cycle().skip(1);
        let (mut now, mut clock, mut out) = (0, Instant::ZERO, 0);
        for (gap, size, event, flow) in arrivals {
            now += gap;
            match event {
                0 => link.begin_measurement(at(now)),
                1 | 2 => link.reconfigure(at(now), next.next().expect("a cycle")),
                _ => link.handle_packet(at(now), from_flow(flow, packet(size))),
            }
            while let Some(due) = link.poll_timeout().filter(|due| *due <= at(now)) {
                prop_assert!(due >= clock);
                clock = due;
                match link.poll_deliver(due) {
                    Some(_) => out += 1,
                    // A transmission began, if not an arrival.
                    None => prop_assert!(link.poll_timeout().is_none_or(|next| next > due)),
                }
            }
            link.check_conservation();
            let backlog = link.backlog(at(now));
            prop_assert_eq!(backlog.packets == 0, backlog.bytes == 0);
            prop_assert!(backlog.packets <= link.in_flight());
        }
        out += drain(&mut link).len() as u64;
        link.check_conservation();
        let counters = link.counters();
        prop_assert_eq!(link.in_flight(), 0);
        prop_assert_eq!(out, counters.delivered + counters.dropped_corrupt);
        let statistics = link.statistics(at(now + 10_000_000));
        prop_assert!(statistics.utilisation().is_none_or(|share| (0.0..=1.0).contains(&share)));
        prop_assert!(statistics.realised().iter().all(|row| row.low <= row.high));
    }
}
