//! Rates that are not even, and the policer, in a whole link. The properties print the case that breaks them.

use super::*;

fn replay(times: Vec<u32>, looped: bool) -> Pattern {
    let trace = Arc::new(Trace::new(times).expect("in order"));
    Pattern::Replay(Replay { trace, looped, offset: Offset::At(Duration::ZERO) })
}

/// A queue that is served packet by packet, and never drops for waiting.
fn served(config: &Config) -> Config {
    let discipline = Discipline::by_name("codel").expect("a discipline");
    let mut parameters = discipline.defaults();
    parameters[..2].fill(1 << 60);
    Config { queue: Queue { discipline, parameters, ..config.queue.clone() }, ..config.clone() }
}

/// Packets by the gap before each and its size.
fn packets() -> impl Strategy<Value = Vec<(u64, u32)>> {
    prop::collection::vec((prop_oneof![Just(0u64), 0u64..3_000, Just(1_000u64)], 40u32..=1500), 1..120)
}

fn times() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(1u32..40, 1..60).prop_map(|mut times| {
        times.sort_unstable();
        times
    })
}

/// Patterns with which all that comes leaves.
pub fn endless() -> impl Strategy<Value = Pattern> {
    prop_oneof![
        Just(Pattern::Even),
        (1500u64..9000).prop_map(Pattern::Bucket),
        times().prop_map(|times| replay(times, true)),
    ]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    prop_oneof![3 => endless(), 1 => times().prop_map(|times| replay(times, false))]
}

/// Arrivals at the far end, with sizes; the rate may change on the way.
fn pass(config: &Config, packets: &[(u64, u32)], change: Option<&Config>) -> Vec<(Instant, u32)> {
    let mut link = link(config);
    let mut now = 0;
    for (n, &(gap, size)) in packets.iter().enumerate() {
        now += gap;
        if let Some(change) = change.filter(|_| n == packets.len() / 2) {
            link.reconfigure(at(now), change);
        }
        link.handle_packet(at(now), packet(size));
    }
    let out = drain(&mut link).iter().map(|(at, packet)| (*at, packet.size())).collect();
    link.check_conservation();
    out
}

proptest! {
    /// Departures never exceed opportunities from the start on, nor in any window but for a
    /// packet that had begun before.
    #[test]
    fn no_window_of_a_trace_delivers_more_than_its_opportunities(times in times(), packets in packets()) {
        let config = Config { rate: mbit(8), pattern: replay(times.clone(), true), ..Config::default() };
        let length = u64::from(*times.last().expect("not empty"));
        let offered = |from: u64, to: u64| -> u64 {
            let all = (0..=to / length).flat_map(|turn| times.iter().map(move |time| turn * length + u64::from(*time)));
            1500 * all.filter(|time| *time > from && *time <= to).count() as u64
        };
        for config in [config.clone(), served(&config)] {
            let out = pass(&config, &packets, None);
            prop_assert_eq!(out.len(), packets.len());
            let millis = |instant: Instant| instant.as_nanos() / 1_000_000;
            for first in 0..out.len() {
                let mut bytes = 0;
                for &(at, size) in &out[first..] {
                    bytes += u64::from(size);
                    // A window from just before the first to this one.
                    let from = millis(out[first].0).saturating_sub(1);
                    let begun = if first == 0 { 0 } else { u64::from(out[first].1) };
                    let offered = if first == 0 { offered(0, millis(at)) } else { offered(from, millis(at)) };
                    prop_assert!(bytes <= offered + begun, "{bytes} of {offered} until {at}");
                }
            }
        }
    }

    /// Departures fixed at the entrance and those of a queue that is served are the same.
    #[test]
    fn any_pattern_serves_a_queue_as_it_foresees_it(pattern in pattern(), packets in packets()) {
        let config = Config { rate: mbit(8), pattern, ..Config::default() };
        prop_assert_eq!(pass(&config, &packets, None), pass(&served(&config), &packets, None));
    }

    /// Packets keep their order and are all there when the rate becomes even, whatever it was.
    #[test]
    fn a_pattern_may_change_on_the_way(before in pattern(), after in pattern(), packets in packets()) {
        let config = Config { rate: mbit(8), pattern: before, delay: fixed(3), ..Config::default() };
        let changed = Config { rate: mbit(4), pattern: after.clone(), ..config.clone() };
        for (config, changed) in [(config.clone(), changed.clone()), (served(&config), served(&changed))] {
            let out = pass(&config, &packets, Some(&changed));
            let ends = matches!(&after, Pattern::Replay(replay) if !replay.looped);
            prop_assert!(ends || out.len() == packets.len(), "{} of {}", out.len(), packets.len());
            prop_assert!(out.is_sorted_by_key(|(at, _)| *at));
            let sizes: Vec<u32> = packets.iter().map(|(_, size)| *size).collect();
            prop_assert!(out.iter().zip(&sizes).all(|((_, out), size)| out == size));
        }
    }

    /// Definition of a token bucket, of a shaper too.
    #[test]
    fn a_bucket_sends_at_most_rate_times_time_and_a_burst(burst in 1500u64..9000, packets in packets()) {
        let config = Config { rate: mbit(8), pattern: Pattern::Bucket(burst), ..Config::default() };
        let out = pass(&config, &packets, None);
        prop_assert_eq!(out.len(), packets.len());
        for first in 0..out.len() {
            let mut bytes = 0;
            for &(at, size) in &out[first..] {
                bytes += u64::from(size);
                // A byte each microsecond.
                let most = burst as f64 + (at - out[first].0).as_secs_f64() * 1e6 + 1e-3;
                prop_assert!(bytes as f64 <= most, "{bytes} of {most} from packet {first} on");
            }
        }
    }
}

#[test]
fn utilisation_is_the_share_of_opportunities_that_was_used() {
    // Ten opportunities in ten milliseconds, five of them used by full packets.
    let config = Config { rate: mbit(12), pattern: replay((1..=10).collect(), true), ..Config::default() };
    for config in [config.clone(), served(&config)] {
        let mut link = link(&config);
        (0..500).for_each(|n| link.handle_packet(at(n * 2_000), packet(1500)));
        let share = link.statistics(at(1_000_000)).utilisation().expect("a rate");
        assert!((share - 0.5).abs() < 1e-9, "{share}");
    }
}

#[test]
fn a_busy_trace_is_held_against_what_it_offers() {
    // Sixty packets a second and then none for half of it; eighty come.
    let times: Vec<u32> = (0..60).map(|n| n * 8).chain([1000]).collect();
    let config = Config { rate: mbit(1), pattern: replay(times, true), ..Config::default() };
    for config in [config.clone(), served(&config)] {
        let mut link = link(&config);
        (0..1_600).for_each(|n| link.handle_packet(at(n * 12_500), packet(1500)));
        let row = realised(&link.statistics(at(20_000_000)), "rate_mbit");
        assert_eq!(row.pass, Some(true), "{row:?}");
        assert!((row.realised - 61.0 * 0.012).abs() < 0.01, "{row:?}");
    }
}

#[test]
fn a_policer_drops_what_exceeds_and_delays_nothing() {
    let policer = Policer { rate: mbit(8).expect("not zero"), burst: 3_000 };
    let config = Config { policer: Some(policer), delay: fixed(1), ..Config::default() };
    let mut link = link(&config);
    // Twice the rate: a packet of a thousand bytes each half millisecond.
    (0..2_000).for_each(|n| link.handle_packet(at(n * 500), numbered(n as u32)));
    let statistics = link.statistics(at(1_000_000));
    let counters = statistics.counters;
    // A packet in two, and the burst at first.
    assert_eq!((counters.dropped_policer, counters.dropped_queue), (998, 0));
    let row = realised(&statistics, "policed_mbit");
    assert_eq!((row.pass, row.configured), (Some(true), 8.0), "{row:?}");
    assert!(
        drain(&mut link)
            .iter()
            .all(|(due, packet)| *due == at(u64::from(packet.segment.seq.0) * 500 + 1_000))
    );
}
