//! Configured against realised: a sound link passes, whatever it is set to; a wrong one is caught.

use std::collections::BTreeMap;

use super::*;
use crate::rng::Rng;

/// A saturated link with everything on, over one change of conditions.
fn rich(seed: u64, loss: LossModel, n: u64) -> Statistics {
    let config = Config {
        loss,
        delay: Delay { jitter: Duration::from_millis(2), reorder: true, ..fixed(20) },
        rate: mbit(8),
        queue: Capacity::Packets(20).into(),
        ..Config::default()
    };
    let changed = Config {
        loss: LossModel::Independent(probability(0.3)),
        delay: Delay { distribution: JitterDistribution::Pareto, correlation: probability(0.5), ..fixed(50) },
        rate: mbit(16),
        ..config.clone()
    };
    let mut link = Link::new(&config, Seed(seed), "link/test/up");
    for i in 0..n {
        if i == n / 2 {
            link.reconfigure(at(i * 900), &changed);
        }
        link.handle_packet(at(i * 900), packet(1000));
    }
    link.statistics(at(n * 900))
}

#[test]
fn what_was_configured_is_realised_for_every_seed() {
    let models = [
        LossModel::Independent(probability(0.1)),
        LossModel::GilbertElliott {
            p: probability(0.01),
            r: probability(0.1),
            loss_bad: probability(0.9),
            loss_good: probability(0.01),
        },
    ];
    for seed in 0..20 {
        for model in models {
            for row in rich(seed, model, 8_000).realised() {
                assert_eq!(row.pass, Some(true), "seed {seed}, {model:?}: {row:?}");
            }
        }
    }
}

#[test]
fn many_clients_with_few_packets_are_judged_together() {
    let model = LossModel::Independent(probability(0.1));
    let alone = rich(1, model, 20);
    assert_eq!(realised(&alone, "loss_percent").pass, None);
    let mut merged = Statistics::default();
    (0..100).for_each(|seed| merged.merge(&rich(seed, model, 20)));
    let row = realised(&merged, "loss_percent");
    assert_eq!((row.pass, row.configured), (Some(true), 20.0), "{row:?}");
}

#[test]
fn a_wrong_emulator_would_be_caught() {
    let mut statistics = rich(1, LossModel::Independent(probability(0.1)), 8_000);
    for epoch in &mut statistics.epochs {
        epoch.config.loss = LossModel::Independent(probability(0.15));
        epoch.config.delay.mean += Duration::from_millis(1);
        epoch.config.rate = mbit(9);
        epoch.config.queue = Capacity::Packets(10).into();
    }
    for quantity in ["loss_percent", "delay_mean_ms", "rate_mbit", "queue_max_packets"] {
        let row = realised(&statistics, quantity);
        assert_eq!(row.pass, Some(false), "{row:?}");
    }
}

/// A chance that is zero, certain or between, often small.
fn some_chance(rng: &mut Rng) -> Probability {
    match rng.below(8) {
        0 => Probability::NEVER,
        1 => Probability::ALWAYS,
        2 => probability(0.5),
        _ => probability(10f64.powf(-4.0 * rng.uniform())),
    }
}

/// Any spread of a rate; that of a trace is not its own, which no account may rely on.
fn some_pattern(rng: &mut Rng) -> Pattern {
    match rng.below(3) {
        0 => Pattern::Even,
        1 => Pattern::Bucket(1000 + rng.below(20_000)),
        _ => {
            let mut times: Vec<u32> = (0..=rng.below(300)).map(|_| 1 + rng.below(200) as u32).collect();
            times.sort_unstable();
            let trace = Arc::new(Trace::new(times).expect("in order"));
            Pattern::Replay(Replay { trace, looped: rng.below(8) > 0, offset: Offset::Trial })
        }
    }
}

/// Any Wi-Fi, often with frames given up.
fn some_wifi(rng: &mut Rng) -> Wifi {
    Wifi {
        aggregate: 1 + rng.below(64) as u32,
        airtime: Duration::from_micros(1 + rng.below(6_000)),
        error: some_chance(rng),
        retries: (rng.below(4) * rng.below(4)) as u32,
    }
}

/// Any setting of a link.
fn some_config(rng: &mut Rng) -> Config {
    let loss = match rng.below(2) {
        0 => LossModel::Independent(some_chance(rng)),
        _ => {
            let [p, r, loss_bad, loss_good] = [(); 4].map(|()| some_chance(rng));
            let plain = rng.below(2) == 0;
            LossModel::GilbertElliott {
                p,
                r,
                loss_bad: if plain { Probability::ALWAYS } else { loss_bad },
                loss_good: if plain { Probability::NEVER } else { loss_good },
            }
        }
    };
    let shapes = [
        JitterDistribution::Uniform,
        JitterDistribution::Normal,
        JitterDistribution::LogNormal,
        JitterDistribution::Pareto,
        JitterDistribution::ParetoNormal,
    ];
    let correlation = if rng.below(2) == 0 { Probability::NEVER } else { some_chance(rng) };
    Config {
        loss,
        duplicate: some_chance(rng),
        corrupt: some_chance(rng),
        reorder: (rng.below(2) == 0)
            .then(|| Reorder { chance: some_chance(rng), gap: 1 + rng.below(8) as u32 }),
        delay: Delay {
            mean: Duration::from_millis(rng.below(50)),
            jitter: Duration::from_micros(rng.below(4) * rng.below(10_000)),
            distribution: shapes[rng.below(5) as usize].clone(),
            correlation,
            reorder: rng.below(2) == 0,
        },
        rate: mbit(rng.below(4) * rng.below(20)),
        pattern: some_pattern(rng),
        wifi: Some(Box::new(some_wifi(rng))),
        policer: (rng.below(4) == 0).then(|| Policer {
            rate: mbit(1 + rng.below(20)).expect("not zero"),
            burst: 1000 + rng.below(20_000),
        }),
        queue: Capacity::Packets(1 + rng.below(50)).into(),
    }
}

/// Some links of one kind, their settings perhaps changed on the way, after a warm-up.
fn some_links(rng: &mut Rng) -> Statistics {
    let mut configs: Vec<Config> = (0..=rng.below(2)).map(|_| some_config(rng)).collect();
    if rng.below(3) > 0 {
        for config in &mut configs {
            config.wifi = None;
        }
    }
    let packets = 10f64.powf(4.0 * rng.uniform()) as u64;
    let mut total = Statistics::default();
    for instance in 0..=(rng.below(3) * rng.below(10)) {
        let mut link = Link::new(&configs[0], Seed(rng.next_u64()), &format!("link/{instance}"));
        let warmup = rng.below(packets);
        for i in 0..packets {
            let now = at(i * 700);
            if i == warmup / 2 {
                link.begin_measurement(now);
            }
            if i == warmup {
                link.reconfigure(now, &configs[configs.len() - 1]);
            }
            link.handle_packet(now, packet(1000));
            while link.poll_deliver(now).is_some() {}
        }
        total.merge(&link.statistics(at(packets * 700)));
    }
    total
}

/// One verdict in a thousand may be wrong, over a thousand kinds of links (`TESTBED_SCENARIOS` tries more).
#[test]
fn a_sound_link_is_hardly_ever_called_wrong() {
    let seed = 1;
    let scenarios = std::env::var("TESTBED_SCENARIOS").map_or(1_000, |n| n.parse().expect("a number"));
    let mut rng = Seed(seed).stream("scenarios");
    let (mut all, mut wrong) = (0, Vec::new());
    for scenario in 0..scenarios {
        let statistics = some_links(&mut rng);
        for row in statistics.realised() {
            assert!(row.low <= row.high, "seed {seed}, scenario {scenario}: {row:?}");
            all += 1;
            if row.pass == Some(false) {
                wrong.push(format!("scenario {scenario}: {row:?}"));
            }
        }
    }
    assert!(wrong.len() * 1_000 <= all, "seed {seed}: {} of {all}: {wrong:#?}", wrong.len());
}

/// With a thousand expected losses, or copies, or damaged packets, one that is off by a fifth is found
/// in 99 of 100 trials.
#[test]
fn a_fifth_more_or_less_is_found_among_a_thousand() {
    for share in [0.01, 0.1] {
        for wrong in [0.8, 1.2] {
            let trials = 400;
            let mut found = 0;
            for seed in 0..trials {
                let real = LossModel::Independent(probability(share * wrong));
                let mut link = Link::new(&Config { loss: real, ..Config::default() }, Seed(seed), "link");
                (0..(1_000.0 / share) as u64).for_each(|i| link.handle_packet(at(i), packet(1000)));
                let mut statistics = link.statistics(at(1_000_000));
                statistics.epochs[0].config.loss = LossModel::Independent(probability(share));
                found += u64::from(realised(&statistics, "loss_percent").pass == Some(false));
            }
            assert!(found * 100 >= trials * 99, "{share} × {wrong}: {found} of {trials}");
        }
    }
}

/// A verdict comes with twenty expected events, or with certainty.
#[test]
fn too_few_is_said_below_twenty_events_only() {
    let verdict = |loss: LossModel, n: u64| {
        let mut link = link(&Config { loss, ..Config::default() });
        (0..n).for_each(|i| link.handle_packet(at(i), packet(1000)));
        realised(&link.statistics(at(n)), "loss_percent").pass
    };
    let tenth = LossModel::Independent(probability(0.1));
    assert_eq!((verdict(tenth, 199), verdict(tenth, 201)), (None, Some(true)));
    for certain in [Probability::NEVER, Probability::ALWAYS] {
        assert_eq!(verdict(LossModel::Independent(certain), 1), Some(true));
    }
    // Bad sooner or later and then for good: all is lost in the long run, of few packets hardly any.
    let for_good = |p: f64| LossModel::GilbertElliott {
        p: probability(p),
        r: Probability::NEVER,
        loss_bad: Probability::ALWAYS,
        loss_good: Probability::NEVER,
    };
    assert_eq!(verdict(for_good(0.5), 30), Some(true));
    assert_eq!(verdict(for_good(0.0001), 30), None);
}

/// tc-netem(8): of packets that may each go ahead with the chance p once gap − 1 were delayed,
/// 1/(gap − 1 + 1/p) do.
#[test]
fn copies_damage_and_reordering_have_rows_of_their_own() {
    let config = Config {
        loss: LossModel::Independent(probability(0.05)),
        duplicate: probability(0.05),
        corrupt: probability(0.02),
        reorder: Some(Reorder { chance: probability(0.25), gap: 5 }),
        ..Config::default()
    };
    let mut link = link(&config);
    (0..20_000).for_each(|i| link.handle_packet(at(i), packet(1000)));
    let statistics = link.statistics(at(20_000));
    for (quantity, configured) in
        [("duplicate_percent", 5.0), ("corrupt_percent", 2.0), ("reorder_percent", 12.5)]
    {
        let row = realised(&statistics, quantity);
        assert!((row.configured - configured).abs() < 1e-9 && row.pass == Some(true), "{row:?}");
        assert!(row.high - row.low < 0.4 * configured, "{row:?}");
        // Off by a fifth it fails.
        let mut wrong = statistics.clone();
        let config = &mut wrong.epochs[0].config;
        config.duplicate = probability(0.06);
        config.corrupt = probability(0.025);
        config.reorder = Some(Reorder { chance: probability(0.25), gap: 7 });
        assert_eq!(realised(&wrong, quantity).pass, Some(false));
    }
    let plain = super::link(&Config::default()).statistics(at(1)).realised();
    assert_eq!(plain, [], "neither asked for nor seen");
}

/// tc-netem's `tabledist`: mean + jitter × a number of the table / 8192, each with the same chance; what is below
/// zero is zero.
#[test]
fn a_table_gives_each_of_its_values_its_share() {
    let values = vec![-16_384, -8192, -8192, 0, 8192, 12_288, 24_576, 32_767];
    let table = JitterTable::new(values.clone()).expect("numbers");
    let delay = Delay {
        jitter: Duration::from_millis(4),
        distribution: JitterDistribution::Table(Arc::new(table)),
        reorder: true,
        ..fixed(6)
    };
    let mut link = link(&Config { delay, ..Config::default() });
    let n = 40_000;
    for i in 0..n {
        link.handle_packet(at(u64::from(i) * 100), numbered(i));
    }
    let mut seen: BTreeMap<u64, u32> = BTreeMap::new();
    for (arrival, packet) in drain(&mut link) {
        let delay = arrival - at(u64::from(packet.segment.seq.0) * 100);
        *seen.entry(delay.as_nanos()).or_default() += 1;
    }
    let mut expected: BTreeMap<u64, u32> = BTreeMap::new();
    for value in &values {
        let delay = (6e6 + 4e6 * f64::from(*value) / 8192.0).max(0.0);
        *expected.entry((delay + 0.5) as u64).or_default() += 1;
    }
    assert_eq!(seen.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (delay, count) in seen {
        let (count, share) = (f64::from(count), f64::from(expected[&delay]) / values.len() as f64);
        let error = (share * (1.0 - share) / f64::from(n)).sqrt();
        assert!((count / f64::from(n) - share).abs() < 4.5 * error, "{delay}: {count} of {share}");
    }
    let statistics = link.statistics(at(10_000_000));
    for quantity in ["delay_mean_ms", "delay_p99_ms"] {
        let row = realised(&statistics, quantity);
        assert_eq!(row.pass, Some(true), "{row:?}");
    }
}
