//! The distributions that people draw from, and their seats.

use super::*;
use crate::chat::marker;
use crate::chat::message::Request;
use crate::rng::Seed;
use crate::time::{Duration, Instant};

fn talk() -> Talk {
    Talk {
        interval: Duration::from_secs(1),
        arrivals: Arrivals::Poisson,
        size: SizeDistribution::Constant(200),
        to: Addressee::Everyone,
        rooms: 1,
        churn: None,
    }
}

fn person(talk: Talk) -> Person {
    Person::new(Seed(1), "client/talkers-3", talk, Instant::ZERO)
}

/// The first `n` acts with their times.
fn acts(mut person: Person, n: usize) -> Vec<(Instant, Act)> {
    let mut out = Vec::new();
    while out.len() < n {
        let due = person.due();
        out.extend(person.act().map(|act| (due, act)));
    }
    out
}

/// The mean interval of `n` messages in seconds.
fn mean_interval(talk: Talk, n: usize) -> f64 {
    acts(person(talk), n).last().map_or(0.0, |(at, _)| at.as_secs_f64()) / n as f64
}

fn sizes(size: SizeDistribution, n: usize) -> Vec<f64> {
    let size_of = |(_, act)| match act {
        Act::Speak(intent) => intent.size as f64,
        other => panic!("{other:?}"),
    };
    acts(person(Talk { size, ..talk() }), n).into_iter().map(size_of).collect()
}

#[test]
fn poisson_times_are_pinned() {
    let times: Vec<_> = acts(person(talk()), 3).iter().map(|(at, _)| at.as_nanos()).collect();
    assert_eq!(times, [656_982_643, 5_163_124_212, 5_941_262_537]);
}

#[test]
fn every_kind_of_arrivals_keeps_the_mean_interval() {
    for arrivals in [Arrivals::Poisson, Arrivals::Periodic] {
        let mean = mean_interval(Talk { arrivals, ..talk() }, 20_000);
        // The standard error of exponential times is 1/√20000 = 0.7 %; allow five of them.
        assert!((mean - 1.0).abs() < 0.036, "{arrivals:?}: {mean}");
    }
}

#[test]
fn a_rate_of_bursts_counts_bursts_whatever_their_size() {
    for (size, gap) in [(1, 10), (2, 0), (5, 10), (40, 10), (5, 250)] {
        let arrivals = Arrivals::Bursts { size, gap: Duration::from_millis(gap) };
        let (bursts, messages) = (4_000, 4_000 * size as usize);
        let mean = mean_interval(Talk { arrivals, ..talk() }, messages) * f64::from(size);
        // The standard error is 1/√4000 = 1.6 % at most; allow five of them.
        assert!((mean - 1.0).abs() < 0.08, "{bursts} bursts of {size}: {mean}");
    }
    // Gaps that fill more than the interval leave no pause.
    let arrivals = Arrivals::Bursts { size: 3, gap: Duration::from_secs(1) };
    let mean = mean_interval(Talk { arrivals, ..talk() }, 3_000) * 3.0;
    assert!((mean - 2.0).abs() < 0.01, "{mean}");
}

#[test]
fn periodic_people_are_not_in_step_and_keep_their_pace() {
    let talk = Talk { arrivals: Arrivals::Periodic, ..talk() };
    let times: Vec<_> = acts(person(talk.clone()), 3).iter().map(|(at, _)| *at).collect();
    assert!(times[0] < Instant::ZERO + Duration::from_secs(1));
    assert_eq!(times[2] - times[0], Duration::from_secs(2));
    let other = Person::new(Seed(1), "client/talkers-4", talk, Instant::ZERO);
    assert_ne!(other.due(), times[0]);
}

#[test]
fn a_burst_is_as_long_and_as_dense_as_configured() {
    let arrivals = Arrivals::Bursts { size: 3, gap: Duration::from_millis(10) };
    let times: Vec<_> = acts(person(Talk { arrivals, ..talk() }), 6).iter().map(|(at, _)| *at).collect();
    for burst in times.chunks(3) {
        assert_eq!(burst[1] - burst[0], Duration::from_millis(10));
        assert_eq!(burst[2] - burst[1], Duration::from_millis(10));
    }
    assert!(times[3] - times[2] > Duration::from_millis(10));
}

#[test]
fn sizes_have_their_distribution() {
    let n = 20_000;
    let mean = |sizes: &[f64]| sizes.iter().sum::<f64>() / sizes.len() as f64;
    assert_eq!(sizes(SizeDistribution::Constant(200), 2), [200.0, 200.0]);

    let uniform = sizes(SizeDistribution::Uniform { low: 100, high: 300 }, n);
    assert!(uniform.iter().all(|size| (100.0..=300.0).contains(size)));
    assert!(uniform.contains(&100.0) && uniform.contains(&300.0));
    // The standard error is 58/√20000 = 0.41; allow five of them.
    assert!((mean(&uniform) - 200.0).abs() < 2.1);

    let lognormal = sizes(SizeDistribution::Lognormal { mean: 200.0, sd: 100.0 }, n);
    let average = mean(&lognormal);
    let sd = (lognormal.iter().map(|x| (x - average) * (x - average)).sum::<f64>() / n as f64).sqrt();
    assert!((average - 200.0).abs() < 3.6, "{average}");
    assert!((sd - 100.0).abs() < 6.0, "{sd}");
}

#[test]
fn impossible_sizes_are_clamped() {
    for size in [
        SizeDistribution::Constant(0),
        SizeDistribution::Uniform { low: 5, high: 1 },
        SizeDistribution::Lognormal { mean: -1.0, sd: 1.0 },
    ] {
        assert_eq!(sizes(size, 1), [marker::LEN as f64]);
    }
    let huge = SizeDistribution::Uniform { low: u64::MAX, high: u64::MAX };
    assert_eq!(sizes(huge, 1), [marker::MAX_TEXT as f64]);
}

#[test]
fn the_streams_do_not_depend_on_each_other() {
    let size = SizeDistribution::Lognormal { mean: 200.0, sd: 100.0 };
    let churn = Some(Churn { stay: Duration::from_secs(5), away: Duration::from_secs(5) });
    let plain = acts(person(talk()), 200);
    let sized = acts(person(Talk { size, ..talk() }), 50);
    let churned = acts(person(Talk { churn, ..talk() }), 50);
    assert!(plain.iter().zip(&sized).all(|(a, b)| a.0 == b.0));
    // A person who comes and goes says a part of the very same messages.
    let mut spoken = churned.iter().filter(|(_, act)| matches!(act, Act::Speak(_)));
    assert!(spoken.all(|act| plain.contains(act)));
}

#[test]
fn who_is_away_says_nothing() {
    let churn = Some(Churn { stay: Duration::from_secs(5), away: Duration::from_secs(2) });
    let mut present = true;
    let mut moves = 0;
    for (_, act) in acts(person(Talk { churn, ..talk() }), 500) {
        match act {
            Act::Speak(_) => assert!(present),
            Act::Leave => present = !std::mem::replace(&mut present, false),
            Act::Return => present = true,
        }
        moves += u32::from(!matches!(act, Act::Speak(_)));
    }
    assert!(moves > 50, "{moves}");
}

#[test]
fn seats_know_the_rooms_and_everybody() {
    let in_rooms = Talk { to: Addressee::Room, rooms: 2, ..talk() };
    let to_one = Talk { to: Addressee::One, ..talk() };
    let groups = [("a", 3, &in_rooms), ("a-very-long-group-name", 1, &talk()), ("c", 1, &to_one)];
    let seats = Seat::all(&groups, 20);
    let nicks: Vec<_> = seats.iter().map(|seat| &**seat.nick()).collect();
    assert_eq!(nicks, ["a-1", "a-2", "a-3", "p4", "c-1"]);
    let rooms: Vec<_> = seats.iter().map(|seat| seat.room.as_deref()).collect();
    assert_eq!(rooms, [Some("room-0"), Some("room-1"), Some("room-0"), None, None]);
    let audiences: Vec<_> = seats.iter().map(|seat| seat.audience).collect();
    assert_eq!(audiences, [1, 0, 1, 4, 1]);
}

#[test]
fn everyone_but_oneself_is_addressed_with_the_same_chance() {
    let to_one = Talk { to: Addressee::One, ..talk() };
    let seats = Seat::all(&[("p", 5, &to_one)], 20);
    let mut rng = Seed(1).stream("test");
    let mut times = std::collections::BTreeMap::new();
    for _ in 0..4000 {
        let intent = Intent { size: 9, draw: rng.next_u64() };
        match seats[2].request(Addressee::One, intent, "x".into()) {
            Request::Tell { to, .. } => *times.entry(to).or_insert(0) += 1,
            other => panic!("{other:?}"),
        }
    }
    // 1000 ± 5 standard deviations of a binomial(4000, 1/4).
    assert_eq!(times.keys().collect::<Vec<_>>(), ["p-1", "p-2", "p-4", "p-5"]);
    assert!(times.values().all(|n| (863..=1137).contains(n)), "{times:?}");
}
