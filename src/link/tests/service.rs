//! Queues that decide at both ends, in a whole link.

use super::*;
use crate::wire::Ecn;

fn served(name: &str, config: &Config) -> Config {
    let discipline = Discipline::by_name(name).expect("a discipline");
    let queue = Queue { discipline, parameters: discipline.defaults(), ..config.queue.clone() };
    Config { queue, ..config.clone() }
}

fn of_flow(flow: u32, n: u32) -> Packet {
    from_flow(flow, numbered(n))
}

/// As long as nothing waits for long, a discipline that drops for waiting does nothing.
#[test]
fn without_long_waits_codel_is_drop_tail() {
    let plain = Config {
        rate: mbit(8),
        delay: Delay { jitter: Duration::from_millis(2), ..fixed(10) },
        loss: LossModel::Independent(probability(0.2)),
        ..Config::default()
    };
    let arrivals = |config: &Config| {
        let mut link = link(config);
        for i in 0..2_000 {
            // Bursts of four, which wait for up to 3 ms.
            link.handle_packet(at(u64::from(i / 4) * 4_100), numbered(i));
        }
        drain(&mut link).iter().map(|(due, packet)| (*due, packet.segment.seq.0)).collect::<Vec<_>>()
    };
    let expected = arrivals(&plain);
    assert!(expected.len() > 1_500);
    for name in ["codel", "fq_codel"] {
        assert_eq!(arrivals(&served(name, &plain)), expected, "{name}");
    }
}

#[test]
fn codel_drops_from_a_standing_queue_and_drop_tail_does_not() {
    let plain = Config { rate: mbit(8), delay: fixed(10), ..Config::default() };
    let waits = |config: &Config| {
        let mut link = link(config);
        for i in 0..5_000 {
            // Fifty at once, and from then on as many as leave.
            let now = if i < 50 { at(0) } else { at(u64::from(i - 49) * 1_000) };
            link.handle_packet(now, numbered(i));
        }
        let statistics = link.statistics(at(5_000_000));
        (statistics.counters.dropped_queue, statistics.queue_delay.quantile(0.5).expect("waits"))
    };
    let (none, long) = waits(&plain);
    let (some, short) = waits(&served("codel", &plain));
    assert!(none == 0 && long > Duration::from_millis(45), "{none} drops, {long}");
    assert!(some >= 45 && short < Duration::from_millis(10), "{some} drops, {short}");
}

/// Marks are counted as packets leave; what is given up for want of room is no work of the discipline.
#[test]
fn marks_and_drops_of_the_discipline_are_counted_apart() {
    let plain = Config { rate: mbit(8), queue: Capacity::Packets(60).into(), ..Config::default() };
    let counters = |ecn: u64, codepoint: Ecn| {
        let mut config = served("codel", &plain);
        config.queue.parameters[2] = ecn;
        let mut link = link(&config);
        for i in 0..2_000 {
            let now = if i < 70 { at(0) } else { at(u64::from(i - 69) * 1_000) };
            let mut packet = numbered(i);
            packet.segment.ecn = codepoint;
            link.handle_packet(now, packet);
        }
        let marked = drain(&mut link).iter().filter(|(_, packet)| packet.segment.ecn == Ecn::Ce).count();
        let counters = link.counters();
        assert_eq!(counters.marked, marked as u64);
        assert_eq!(counters.delivered + counters.dropped_queue, 2_000);
        (counters.dropped_queue - counters.dropped_aqm, counters.dropped_aqm, counters.marked)
    };
    let (full, dropped, none) = counters(0, Ecn::Ect0);
    assert!(full == 10 && dropped > 10 && none == 0, "{full}, {dropped}, {none}");
    assert_eq!(counters(1, Ecn::NotEct), (full, dropped, 0));
    let (full, dropped, marked) = counters(1, Ecn::Ect0);
    assert!(full == 10 && dropped == 0 && marked > 10, "{full}, {dropped}, {marked}");
}

#[test]
fn a_thin_flow_does_not_wait_behind_a_thick_one() {
    let plain = Config { rate: mbit(8), delay: fixed(10), ..Config::default() };
    let arrival = |config: &Config| {
        let mut link = link(config);
        (0..40).for_each(|i| link.handle_packet(at(0), of_flow(1, i)));
        link.handle_packet(at(500), of_flow(2, 99));
        let all = drain(&mut link);
        all.iter().find(|(_, packet)| packet.flow == FlowId(2)).expect("it arrives").0
    };
    assert_eq!(arrival(&plain), at(51_000));
    // Behind the packet in transmission, and the rest of a turn.
    assert_eq!(arrival(&served("fq_codel", &plain)), at(13_000));
}

#[test]
fn what_another_flow_overtakes_in_the_queue_is_not_reordered() {
    let mut link = link(&served("fq_codel", &Config { rate: mbit(8), ..Config::default() }));
    (0..40).for_each(|i| link.handle_packet(at(0), of_flow(i % 3, i)));
    drain(&mut link);
    assert_eq!((link.counters().reordered, link.counters().delivered), (0, 40));
}

#[test]
fn a_new_rate_holds_behind_the_packet_in_transmission_for_served_queues() {
    let slow = served("codel", &Config { rate: mbit(8), delay: fixed(10), ..Config::default() });
    for (rate, expected) in
        [(mbit(80), [11_000, 12_000, 12_100, 12_200]), (None, [11_000, 12_000, 12_000, 12_000])]
    {
        let mut link = link(&slow);
        (0..4).for_each(|i| link.handle_packet(at(0), numbered(i)));
        link.reconfigure(at(1_500), &Config { rate, ..slow.clone() });
        assert_eq!(link.backlog(at(1_500)).packets, 3);
        let arrivals: Vec<Instant> = drain(&mut link).iter().map(|(due, _)| *due).collect();
        assert_eq!(arrivals, expected.map(at));
    }
}

#[test]
fn the_packet_in_transmission_takes_room() {
    let config = Config { rate: mbit(8), queue: Capacity::Packets(1).into(), ..Config::default() };
    for name in ["codel", "fq_codel"] {
        let mut link = link(&served(name, &config));
        assert_eq!(survivors(&mut link, 5, 0), [0], "{name}");
        assert_eq!(link.counters().dropped_queue, 4);
        // And none once it has left, whether anybody looked or not.
        link.handle_packet(at(10_000), numbered(6));
        assert_eq!(drain(&mut link).len(), 1, "{name}");
    }
}
