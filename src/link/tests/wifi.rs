//! Wi-Fi in a whole link: exchanges to the nanosecond, repeats, order; and what a wrong one would show.

use super::*;

/// Any Wi-Fi, with certain failure among it.
pub fn any_wifi() -> impl Strategy<Value = Wifi> {
    let error = prop_oneof![Just(0.0), Just(1.0), 0.0..1.0f64].prop_map(probability);
    (1..=Wifi::WINDOW, 1..6_000u64, error, 0..10u32).prop_map(|(aggregate, airtime, error, retries)| Wifi {
        aggregate,
        airtime: Duration::from_micros(airtime),
        error,
        retries,
    })
}

/// 96 Mbit/s, at which a byte takes a twelfth of a microsecond.
fn wifi(wifi: Wifi) -> Config {
    Config { rate: mbit(96), wifi: Some(Box::new(wifi)), ..Config::default() }
}

/// Arrivals of `n` packets of 1498 bytes that come at once: 1540 on the air, 128 1/3 µs.
fn arrivals(config: &Config, n: u32) -> Vec<(Instant, u32)> {
    let mut link = link(config);
    for i in 0..n {
        let mut packet = packet(1498);
        packet.segment.seq = SeqNumber(i);
        link.handle_packet(at(0), packet);
    }
    let out = drain(&mut link).iter().map(|(due, packet)| (*due, packet.segment.seq.0)).collect();
    link.check_conservation();
    out
}

/// Distinct instants with the number of packets that arrive at each.
fn groups(arrivals: &[(Instant, u32)]) -> Vec<(Instant, usize)> {
    arrivals.chunk_by(|a, b| a.0 == b.0).map(|group| (group[0].0, group.len())).collect()
}

#[test]
fn frames_leave_together_as_far_as_number_and_airtime_allow() {
    // The first packet finds nobody to wait for.
    let by_number = wifi(Wifi { aggregate: 8, ..Wifi::DEFAULT });
    let sizes =
        |config: &Config| groups(&arrivals(config, 20)).iter().map(|group| group.1).collect::<Vec<_>>();
    assert_eq!(sizes(&by_number), [1, 8, 8, 3]);
    // Seven frames take 898 1/3 µs.
    let by_time = wifi(Wifi { airtime: Duration::from_micros(899), ..Wifi::DEFAULT });
    assert_eq!(sizes(&by_time), [1, 7, 7, 5]);
    let alone = wifi(Wifi { airtime: Duration::from_micros(1), ..Wifi::DEFAULT });
    assert_eq!(sizes(&alone), [1; 20]);
}

#[test]
fn an_exchange_is_its_overhead_a_back_off_and_its_frames() {
    let found = groups(&arrivals(&wifi(Wifi { aggregate: 8, ..Wifi::DEFAULT }), 41));
    for pair in found.windows(2) {
        // From the end of one transmission: SIFS, block acknowledgment, DIFS, back-off and preamble.
        let span = (pair[1].0 - pair[0].0).as_nanos();
        let frames = (1540 * pair[1].1 as u64 * 1_000).div_ceil(12);
        let slots = span - frames - 122_000;
        assert!(slots.is_multiple_of(9_000) && slots <= 15 * 9_000, "{slots} ns of back-off");
    }
}

#[test]
fn what_fails_is_sent_again_and_holds_up_what_follows() {
    let error = probability(0.3);
    let found = arrivals(&wifi(Wifi { error, retries: 255, ..Wifi::DEFAULT }), 900);
    assert!(found.iter().map(|(_, number)| *number).eq(0..900), "all of them, in order");
    // Given up after two: what is lost is p³.
    let found = arrivals(&wifi(Wifi { error, retries: 2, ..Wifi::DEFAULT }), 900);
    assert!(found.is_sorted_by(|a, b| a.1 < b.1), "still in order");
    let lost = 900.0 - found.len() as f64;
    assert!((lost - 900.0 * 0.027).abs() < 4.0 * (900.0 * 0.027f64).sqrt(), "{lost}");
    let hopeless = wifi(Wifi { error: Probability::ALWAYS, retries: 3, ..Wifi::DEFAULT });
    assert_eq!(arrivals(&hopeless, 200), []);
}

#[test]
fn a_longer_or_weaker_wifi_would_be_caught() {
    let config = wifi(Wifi { error: probability(0.2), retries: 1, aggregate: 16, ..Wifi::DEFAULT });
    let mut link = link(&config);
    for i in 0..20_000 {
        link.handle_packet(at(i * 200), packet(1498));
        while link.poll_deliver(at(i * 200)).is_some() {}
    }
    let statistics = link.statistics(at(4_000_000));
    let rows = ["wifi_error_percent", "wifi_loss_percent", "wifi_exchange_us", "wifi_aggregate_frames"];
    for quantity in rows {
        assert_eq!(realised(&statistics, quantity).pass, Some(true), "{quantity}");
    }
    let mut wrong = statistics;
    for epoch in &mut wrong.epochs {
        epoch.config.wifi =
            Some(Box::new(Wifi { error: probability(0.25), retries: 2, aggregate: 4, ..Wifi::DEFAULT }));
        epoch.config.rate = mbit(90);
    }
    for quantity in rows {
        assert_eq!(realised(&wrong, quantity).pass, Some(false), "{quantity}");
    }
}
