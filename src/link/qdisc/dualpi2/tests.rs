//! The law of `DualPI2`, with a probability that is held.

use super::super::Discipline;
use super::super::testing::{capable, ms, number, queued, unused};
use super::*;
use crate::rng::Seed;

fn dual(change: &[(&str, u64)]) -> DualPi2 {
    let mut values = Discipline::by_name("dualpi2").expect("a line of the table").defaults();
    for (name, value) in change {
        let place = PARAMETERS.iter().position(|parameter| parameter.name == *name);
        values[place.expect("a parameter")] = *value;
    }
    DualPi2::new(&values)
}

fn scalable(number: u32, entered: Instant) -> Queued {
    let mut item = queued(1, number, 1500, entered);
    item.packet.segment.ecn = Ecn::Ect1;
    item
}

/// RFC 9332 figure 6, by hand: each update of 16 ms adds 0.16 × (30 − 15) ms, and once 3.2 × 30 ms.
#[test]
fn the_probability_follows_the_wait_and_its_change() {
    let mut dual = dual(&[]);
    let after = |dual: &mut DualPi2, delay: u64| {
        dual.steer(Duration::from_millis(delay));
        dual.probability
    };
    let first = 0.16 * 0.015 + 3.2 * 0.030;
    assert!((after(&mut dual, 30) - first).abs() < 1e-12);
    assert!((after(&mut dual, 30) - first - 0.16 * 0.015).abs() < 1e-12);
    let held = dual.probability - 3.2 * 0.015;
    assert!((after(&mut dual, 15) - held).abs() < 1e-12, "at the target only the change counts");
    assert!((after(&mut dual, 0)).abs() < 0.01, "and it falls with the wait");
}

/// Shares of packets that are marked and dropped, of a queue whose probability is held.
fn shares(dual: &mut DualPi2, make: fn(u32, Instant) -> Queued) -> (f64, f64) {
    let mut chance = Seed(5).stream("queue");
    let (base, rounds) = (dual.probability, 40_000);
    let (mut marks, mut drops) = (0, 0);
    dual.next_update = Instant::MAX;
    for n in 0..100 {
        dual.enqueue(ms(0), make(n, ms(0)), &mut chance);
    }
    for n in 0..rounds {
        dual.probability = base;
        dual.enqueue(ms(0), make(n, ms(0)), &mut chance);
        let mut dropped = vec![];
        if let Some(item) = dual.dequeue(ms(0), &mut dropped) {
            marks += u32::from(item.marked);
        }
        drops += dropped.len() as u32;
        for _ in &dropped {
            dual.enqueue(ms(0), make(n, ms(0)), &mut chance);
        }
    }
    (f64::from(marks) / f64::from(rounds), f64::from(drops) / f64::from(rounds + drops))
}

/// RFC 9332 §2.1: the L4S share is k p, the classic one p², marks or drops.
#[test]
fn the_classic_queue_has_the_square_of_the_other() {
    for base in [0.05, 0.2, 0.4] {
        let of = |make: fn(u32, Instant) -> Queued| {
            let mut dual = dual(&[]);
            dual.probability = base;
            shares(&mut dual, make)
        };
        let near =
            |found: f64, law: f64| assert!((found / law - 1.0).abs() < 0.1, "{found} instead of {law}");
        let (low, none) = of(scalable);
        near(low, 2.0 * base);
        assert!(none < 1e-9, "{none} dropped");
        near(of(|n, at| capable(0, n, 1500, at)).0, base * base);
        near(of(|n, at| queued(0, n, 1500, at)).1, base * base);
    }
}

/// RFC 9332 §4.2.3, figures 4 and 5: when marks of L4S reach 100 %, both queues drop by the square.
#[test]
fn overload_drops_from_both_queues() {
    for (drops, share) in [(1, 0.64), (0, 0.0)] {
        let mut dual = dual(&[("drop_on_overload", drops)]);
        dual.probability = 0.8;
        let (marks, dropped) = shares(&mut dual, scalable);
        assert!(
            (dropped - share).abs() < 0.03 && (marks - 1.0).abs() < 1e-9,
            "{dropped} dropped, {marks} marked"
        );
        // Without drops, marks end at 100 %.
        dual.steer(Duration::from_secs(5));
        assert!((dual.probability - if drops > 0 { 1.0 } else { 0.5 }).abs() < 1e-12);
    }
}

/// tc's `step_thresh`: L4S packets that waited longer are marked, others never.
#[test]
fn a_step_marks_what_waits_for_longer_in_the_l4s_queue() {
    for (wait, marked) in [(1, false), (2, true)] {
        let mut dual = dual(&[]);
        dual.enqueue(ms(0), scalable(0, ms(0)), &mut unused());
        dual.enqueue(ms(0), capable(0, 1, 1500, ms(0)), &mut unused());
        let sent: Vec<_> = (0..2).filter_map(|_| dual.dequeue(ms(wait), &mut vec![])).collect();
        assert_eq!(
            sent.iter().map(|item| (item.low, item.marked)).collect::<Vec<_>>(),
            [(true, marked), (false, false)]
        );
    }
}

/// tc's `c_protection`: weighted round robin keeps the classic queue from starving.
#[test]
fn the_classic_queue_has_its_share_of_turns() {
    for (percent, share) in [(10, 0.1), (50, 0.5), (0, 0.0)] {
        let mut dual = dual(&[("c_protection", percent * 10_000_000)]);
        for n in 0..2_000 {
            dual.enqueue(ms(0), scalable(n, ms(0)), &mut unused());
            dual.enqueue(ms(0), capable(0, n, 1500, ms(0)), &mut unused());
        }
        let classic =
            (0..1_000).filter(|_| dual.dequeue(ms(0), &mut vec![]).is_some_and(|item| !item.low)).count();
        assert!((classic as f64 / 1_000.0 - share).abs() < 0.01, "{classic} of 1000 at {percent} %");
    }
}

#[test]
fn without_room_the_newest_is_given_up() {
    let mut dual = dual(&[]);
    dual.enqueue(ms(0), capable(0, 0, 1500, ms(0)), &mut unused());
    dual.enqueue(ms(0), scalable(1, ms(0)), &mut unused());
    dual.enqueue(ms(0), capable(0, 2, 1500, ms(0)), &mut unused());
    assert_eq!(dual.shed().map(|item| number(&item)), Some(2));
    assert!(dual.shed().is_some() && dual.shed().is_some() && dual.shed().is_none());
    assert_eq!((dual.classic.bytes, dual.low.bytes), (0, 0));
}

#[test]
fn a_long_pause_costs_nothing() {
    let mut dual = dual(&[]);
    dual.probability = 0.3;
    dual.catch_up(ms(3_600_000));
    assert!(dual.probability == 0.0 && dual.next_update > ms(3_600_000));
}
