//! CUBIC as Linux counts it (`net/ipv4/tcp_cubic.c`), decision by decision, and its period on a full
//! queue beside Linux's own (`tests/data/kernel_sawtooth.csv`).

mod common;
mod support;

use common::at;
use common::controller::{MSS, RTT, ack, controller, loss};
use support::reference::{number, rows};
use testbed::congestion::{Ack, CongestionController};
use testbed::time::{Duration, Instant};

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

/// Times between losses of one flow on a full queue.
fn periods(rtt_ms: u64, queue: u64, pacing: bool) -> Vec<f64> {
    let text = format!(
        "duration = \"120s\"\n[link.neck]\nrate = \"10mbit\"\ndelay = \"{}ms\"\nqueue = \"{queue} packets\"\n\
         [tcp]\ncongestion = \"cubic\"\npacing = {pacing}\n\
         [[clients]]\nname = \"bulk\"\npath = [\"neck\"]\napp = {{ kind = \"bulk\" }}\n",
        rtt_ms / 2
    );
    let series = support::run(&text, 1).series.expect("the first trial keeps series");
    let losses = support::losses_after_20_s(&series);
    losses.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// 10 Mbit/s, 50 ms and 42 packets, paced: Linux's period is 2.8 to 2.9 s, the RFC's formulas say 4.3.
#[test]
fn its_period_on_a_full_queue_is_that_of_linux() {
    let periods = periods(50, 42, true);
    let mean = periods.iter().sum::<f64>() / periods.len() as f64;
    assert!((2.6..=3.1).contains(&mean), "{mean:.2} s: {periods:.2?}");
}

/// At 100 ms and 84 packets, unpaced, fast convergence makes short and long periods alternate.
#[test]
fn its_periods_alternate_as_on_linux() {
    let table = rows(include_str!("data/kernel_sawtooth.csv"));
    let row = table.iter().find(|row| row["cc"] == "cubic").expect("a row of the table");
    let periods = periods(100, 84, false);
    let (short, long) = periods.iter().fold((f64::MAX, 0.0f64), |(s, l), &p| (s.min(p), l.max(p)));
    let (theirs_short, theirs_long) = (number(row, "period_min_s"), number(row, "period_max_s"));
    println!("{short:.2} and {long:.2} s, Linux {theirs_short} and {theirs_long} s: {periods:.2?}");
    assert!((short / theirs_short - 1.0).abs() < 0.2, "{short:.2} against {theirs_short} s");
    assert!((long / theirs_long - 1.0).abs() < 0.2, "{long:.2} against {theirs_long} s");
}
