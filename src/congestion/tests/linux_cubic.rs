//! CUBIC as Linux counts it (`net/ipv4/tcp_cubic.c`), decision by decision.

use super::{MSS, RTT, ack, at, controller, loss};
use crate::congestion::{Ack, CongestionController};
use crate::time::{Duration, Instant};

fn cubic(initial_segments: u64) -> Box<dyn CongestionController> {
    controller("cubic", &[], initial_segments)
}

/// A window of acknowledgments in each round trip; the window in segments after each.
fn rounds(cubic: &mut dyn CongestionController, count: u64) -> Vec<u64> {
    let round = |k: u64| {
        for _ in 0..cubic.cwnd() / MSS {
            cubic.on_ack(&ack(at(k * 100)));
        }
        cubic.cwnd() / MSS
    };
    (0..count).map(round).collect()
}

/// `beta` is 717/1024, in whole segments, at least 2; and of the window, not of what is in flight.
#[test]
fn a_loss_keeps_717_of_1024() {
    for (window, kept) in [(10, 7), (100, 70), (3, 2), (2, 2), (1_000, 700)] {
        let mut cubic = cubic(window);
        cubic.on_loss(&loss(at(0), 0));
        assert_eq!((cubic.cwnd() / MSS, cubic.ssthresh()), (kept, Some(kept * MSS)), "{window}");
    }
}

/// Below the window of the last loss the target is rounded up: from 7 to 10 a segment comes back with
/// every round trip or two, where the real curve, and Reno with this beta, take 0.53.
#[test]
fn a_small_window_comes_back_sooner_than_the_curve() {
    let mut cubic = cubic(10);
    cubic.on_loss(&loss(at(0), 0));
    let windows = rounds(cubic.as_mut(), 6);
    assert!(windows[2] >= 9, "{windows:?}");
    let mut real = controller("cubic", &[("arithmetic", 1.0)], 10);
    real.on_loss(&loss(at(0), 10));
    let slower = rounds(real.as_mut(), 6);
    assert!(slower[2] < windows[2], "{slower:?}");
}

/// `bictcp_update`: without a loss to aim at, a segment for every 20 acknowledged, if not sooner.
#[test]
fn after_a_timeout_it_searches_by_a_twentieth() {
    let mut cubic = cubic(100);
    cubic.on_timeout(&loss(at(0), 0));
    assert_eq!((cubic.cwnd(), cubic.ssthresh()), (MSS, Some(70 * MSS)));
    for _ in 0..69 {
        cubic.on_ack(&ack(at(0)));
    }
    assert_eq!(cubic.cwnd(), 70 * MSS, "slow start ends at the threshold");
    let windows = rounds(cubic.as_mut(), 1);
    assert_eq!(windows, [73], "70 / 20 of a window of acknowledgments");
}

/// The cap of 1.5 windows a round trip.
#[test]
fn it_never_grows_by_more_than_half() {
    let mut cubic = cubic(100);
    cubic.on_loss(&loss(at(0), 0));
    cubic.on_ack(&ack(at(0)));
    for _ in 0..70 {
        cubic.on_ack(&ack(at(60_000)));
    }
    assert!((100..=106).contains(&(cubic.cwnd() / MSS)), "{}", cubic.cwnd());
}

/// Before the first sample there is no smallest round trip, and the clock may run for years.
#[test]
fn no_time_is_too_long_for_the_curve() {
    let mut cubic = cubic(100);
    cubic.on_loss(&loss(at(0), 0));
    for secs in [0, 1_000_000_000] {
        for min_rtt in [Duration::MAX, RTT] {
            let now = Instant::ZERO + Duration::from_secs(secs);
            cubic.on_ack(&Ack { min_rtt, ..ack(now) });
        }
    }
    assert!((70..=72).contains(&(cubic.cwnd() / MSS)), "{}", cubic.cwnd());
}
