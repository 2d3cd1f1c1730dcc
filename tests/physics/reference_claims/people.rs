//! Claims of the reference about people in a chat.

use testbed::chat::client::{Act, Person, Seat, Talk};
use testbed::rng::Seed;
use testbed::scenario::{AppSpec, Scenario};
use testbed::time::{Duration, Instant};

use super::REFERENCE;
use crate::support::{mean_and_error, plan};

/// Talk of the members of a group.
fn talk(scenario: &Scenario, group: &str) -> Talk {
    let group = scenario.groups.iter().find(|other| other.name == group).expect("the group");
    let AppSpec::Talk(talk) = &group.app else { panic!("no chat") };
    Talk { churn: None, ..talk.clone() }
}

/// The texts that people mean to say in so many seconds: how many, and their sizes.
fn said(talk: &Talk, seeds: u64, seconds: u64) -> (f64, Vec<f64>) {
    let end = Instant::ZERO + Duration::from_secs(seconds);
    let mut sizes = vec![];
    for seed in 0..seeds {
        let mut person = Person::new(Seed(seed), "client/x-1", talk.clone(), Instant::ZERO);
        while person.due() < end {
            if let Some(Act::Speak(intent)) = person.act() {
                sizes.push(intent.size as f64);
            }
        }
    }
    (sizes.len() as f64 / seeds as f64, sizes)
}

#[test]
pub fn people_keep_their_rates() {
    let reference = plan(REFERENCE).base;
    let bursts = |size: u32| {
        let text =
            REFERENCE.replace("kind = \"bursts\", size = 5", &format!("kind = \"bursts\", size = {size}"));
        talk(&plan(&text.replace("app.rate     = \"30/min\"", "app.rate     = \"60/min\"")).base, "visitors")
    };
    let (talkers, visitors) = (talk(&reference, "talkers"), talk(&reference, "visitors"));
    let mut cases =
        vec![(talkers, 600.0, 1.0), (visitors, 1500.0, 5.0), (talk(&reference, "robot"), 1200.0, 1.0)];
    // Sixty bursts a minute, whatever their size.
    cases.extend([1, 2, 5, 40].map(|size| (bursts(size), 600.0 * f64::from(size), f64::from(size))));
    for (talk, expected, at_once) in cases {
        let (count, _) = said(&talk, 50, 600);
        // Poisson bursts at most: five standard errors of the mean of fifty.
        let tolerance = 5.0 * (expected / at_once).sqrt() * at_once / 50f64.sqrt();
        assert!((count - expected).abs() < tolerance, "{count} of {expected} ± {tolerance}: {talk:?}");
    }
}

#[test]
fn people_come_and_go_with_the_means_of_their_churn() {
    let reference = plan(REFERENCE).base;
    let AppSpec::Talk(talk) = &reference.groups[1].app else { panic!("no chat") };
    let mut person = Person::new(Seed(1), "client/x-1", talk.clone(), Instant::ZERO);
    let (mut stays, mut absences, mut since) = (vec![], vec![], Instant::ZERO);
    while stays.len() < 4000 {
        let due = person.due();
        match person.act() {
            Some(Act::Leave) => stays.push((due - since).as_secs_f64()),
            Some(Act::Return) => absences.push((due - since).as_secs_f64()),
            _ => continue,
        }
        since = due;
    }
    for (sample, mean) in [(&stays, 20.0), (&absences, 5.0)] {
        // The standard error of an exponential mean is mean/√n; allow five.
        let found = mean_and_error(sample).0;
        assert!((found / mean - 1.0).abs() < 5.0 / 4000f64.sqrt(), "{found} of {mean}");
    }
}

#[test]
pub fn people_sit_in_rooms_in_turn() {
    let reference = plan(REFERENCE).base;
    let visitors = talk(&reference, "visitors");
    let seats = Seat::all(&[("visitors", 8, &visitors)], 20);
    let rooms: Vec<&str> = seats.iter().map(|seat| seat.room.as_deref().expect("a room")).collect();
    assert_eq!(rooms, ["room-0", "room-1", "room-2", "room-3"].repeat(2));
}

#[test]
pub fn sizes_have_their_means() {
    let reference = plan(REFERENCE).base;
    let others = |size: &str| {
        let text =
            REFERENCE.replace("{ distribution = \"lognormal\", mean = \"120B\", deviation = \"80B\" }", size);
        talk(&plan(&text).base, "visitors")
    };
    let lognormal = said(&talk(&reference, "visitors"), 10, 600).1;
    let (mean, error) = mean_and_error(&lognormal);
    let sd = error * (lognormal.len() as f64).sqrt();
    // Lengths are whole and hold at least their own number, which moves the mean a little.
    assert!((mean - 120.0).abs() < 5.0 * error + 1.0 && (sd / 80.0 - 1.0).abs() < 0.1, "{mean}, {sd}");
    let exponential = said(&others("{ distribution = \"exponential\", mean = \"120B\" }"), 10, 600).1;
    let (mean, error) = mean_and_error(&exponential);
    assert!((mean - 120.0).abs() < 5.0 * error + 4.0, "{mean} ± {error}");
    let constant = said(&others("{ distribution = \"fixed\", mean = \"120B\" }"), 1, 60).1;
    assert!(constant.iter().all(|size| (size - 120.0).abs() < 1e-9));
    let uniform = said(&talk(&reference, "robot"), 10, 600).1;
    assert!(uniform.iter().all(|size| (50.0..=150.0).contains(size)));
    assert!((mean_and_error(&uniform).0 - 100.0).abs() < 3.0);
}
