//! RFC 9438: CUBIC against its equations, computed here anew in segments and seconds.

use super::{MSS, ack, at, controller, loss};
use crate::congestion::CongestionController;

/// The RFC's real numbers; `linux_cubic` has Linux's whole segments.
fn cubic(initial_segments: u64) -> Box<dyn CongestionController> {
    controller("cubic", &[("arithmetic", 1.0)], initial_segments)
}

/// Acknowledges every segment one by one, a window per round trip, from `from` to `to` in
/// milliseconds; returns the window in segments after each round trip.
fn rounds(cubic: &mut dyn CongestionController, from: u64, to: u64) -> Vec<u64> {
    (from..to)
        .step_by(100)
        .map(|millis| {
            for _ in 0..cubic.cwnd() / MSS {
                cubic.on_ack(&ack(at(millis)));
            }
            cubic.cwnd() / MSS
        })
        .collect()
}

/// §4.6: a loss leaves 0.7 of what was in flight, at least two segments.
#[test]
fn a_loss_leaves_seven_tenths() {
    for (window, after) in [(100, 70), (10, 7), (2, 2)] {
        let mut cubic = cubic(window);
        cubic.on_loss(&loss(at(0), window));
        assert_eq!((cubic.cwnd(), cubic.ssthresh()), (after * MSS, Some(after * MSS)));
    }
}

/// §4.2, equations (1) and (2): K = cbrt((1000 - 700) / 0.4) = 9.086 s, and then the window is
/// 0.4 (t - K)³ + 1000; the code aims one round trip ahead (§4.2's target).
#[test]
fn the_window_follows_the_cubic() {
    let mut cubic = cubic(1_000);
    cubic.on_loss(&loss(at(0), 1_000));
    let windows = rounds(cubic.as_mut(), 0, 14_000);
    let k = (300.0f64 / 0.4).cbrt();
    for (round, &window) in windows.iter().enumerate() {
        let t = (round as f64 + 1.0) / 10.0;
        let curve = 0.4 * (t - k).powi(3) + 1_000.0;
        let error = (window as f64 - curve).abs() / curve;
        // A window of acknowledgments goes 63 % of the way to its target.
        assert!(error < 0.02, "{window} instead of {curve:.1} at {t} s");
    }
}

/// §4.3, equation (4): where Reno would be larger the window grows by 3 (1 - 0.7) / (1 + 0.7) =
/// 0.53 segments a round trip.
#[test]
fn small_windows_are_reno_friendly() {
    let mut cubic = cubic(20);
    cubic.on_loss(&loss(at(0), 20));
    let windows = rounds(cubic.as_mut(), 0, 2_000);
    let estimate = 14.0 + 20.0 * 0.9 / 1.7;
    let last = windows[19] as f64;
    assert!((last - estimate).abs() <= 1.5, "{last} instead of {estimate}");
}

/// §4.5: the window never grows by more than half in a round trip, however late it is.
#[test]
fn the_target_is_at_most_half_as_much_again() {
    let mut cubic = cubic(100);
    cubic.on_loss(&loss(at(0), 100));
    cubic.on_ack(&ack(at(0)));
    let late = at(60_000);
    for _ in 0..70 {
        cubic.on_ack(&ack(late));
    }
    assert!((100..=105).contains(&(cubic.cwnd() / MSS)), "{}", cubic.cwnd());
}

/// §4.7: a second loss below the last maximum sets it to (1 + 0.7) / 2 of the window: the plateau
/// is at 59.5 instead of 70.
#[test]
fn fast_convergence_lowers_the_plateau() {
    let mut cubic = cubic(1_000);
    cubic.on_loss(&loss(at(0), 1_000));
    cubic.on_loss(&loss(at(0), 700));
    // 490 now; the plateau at 595 is reached after cbrt(105 / 0.4) = 6.4 s.
    let windows = rounds(cubic.as_mut(), 0, 6_400);
    let last = windows.last().copied().expect("rounds");
    assert!((585..=600).contains(&last), "{last}");
}

/// §4.8: a timeout leaves one segment and the threshold at 0.7; the congestion avoidance after it
/// begins at the plateau (K = 0), not on the way to the old window.
#[test]
fn after_a_timeout_the_curve_starts_flat() {
    let mut cubic = cubic(1_000);
    cubic.on_timeout(&loss(at(0), 1_000));
    assert_eq!((cubic.cwnd(), cubic.ssthresh()), (MSS, Some(700 * MSS)));
    for _ in 0..699 {
        cubic.on_ack(&ack(at(0)));
    }
    assert_eq!(cubic.cwnd(), 700 * MSS);
    // 0.4 t³ is 3.2 segments after two seconds, and Reno's 20 rounds of 0.53 are 10.6: far from the
    // 123 that a K of 9.1 s would give.
    let windows = rounds(cubic.as_mut(), 0, 2_000);
    assert!((708..=714).contains(&windows[19]), "{}", windows[19]);
}

/// §4.10: before the first loss it is slow start.
#[test]
fn it_begins_with_slow_start() {
    let mut cubic = cubic(10);
    for _ in 0..10 {
        cubic.on_ack(&ack(at(100)));
    }
    assert_eq!(cubic.cwnd(), 20 * MSS);
}
