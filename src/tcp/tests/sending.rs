//! Acknowledgments at the start and pacing, as `scenarios/reference.toml` states them.

use super::{Pair, Script, blocks, ms, plain, sack, segment};
use crate::congestion::Choice;
use crate::facts::Phase;
use crate::tcp::{Config, IdleWindow, ReduceFrom};
use crate::wire::Flags;

const ACK: Flags = Flags::ACK;

/// Full segments arrive one by one from number `first` on, two milliseconds apart; how many of them are
/// acknowledged at once.
fn answered_at_once(script: &mut Script, from: u64, first: u32, count: u32) -> usize {
    let answered = |i: u32| {
        let millis = from + 2 * u64::from(i);
        script.wait(millis - 1);
        script.take();
        script.tcp.discard();
        script.send(millis, segment(ACK, 1 + 1000 * (first + i), 1, 1000));
        !script.take().is_empty()
    };
    (0..count).map(answered).filter(|answered| *answered).count()
}

#[test]
fn sixteen_segments_are_acknowledged_at_once() {
    let mut script = Script::established(&Config { quickack: true, ..plain() });
    assert_eq!(answered_at_once(&mut script, 100, 0, 16), 16, "at the start");
    assert_eq!(answered_at_once(&mut script, 140, 16, 16), 8, "then every second");
    assert_eq!(answered_at_once(&mut script, 5_000, 32, 16), 16, "after a pause");
    assert_eq!(answered_at_once(&mut script, 5_040, 48, 16), 8);
    script.send(5_080, segment(ACK, 1, 1, 1000));
    script.take();
    assert_eq!(answered_at_once(&mut script, 5_090, 64, 15), 15, "after a duplicate, which is the first");
    // An application that answers what it reads: the acknowledgment may ride on the answer.
    script.write(100);
    script.wait(5_130);
    script.take();
    script.send(5_131, segment(ACK, 79_001, 101, 1000));
    script.write(100);
    assert_eq!(answered_at_once(&mut script, 5_200, 80, 4), 2);
}

#[test]
fn pacing_sends_pairs_at_two_windows_a_round_trip_and_later_one_and_a_fifth() {
    let mut script = Script::established(&Config { pacing: true, ..plain() });
    script.write(200_000);
    assert_eq!(script.take_segments().len(), 10, "the first ten are not paced");
    script.send(20, segment(ACK, 1, 10_001, 0));
    script.wait(29);
    // In slow start, twenty segments in half a round trip of 10 ms: a pair every 0.5 ms and a header's
    // time.
    let sent: Vec<u64> = script.take_segments().iter().map(|(millis, _)| *millis).collect();
    assert_eq!(sent.len(), 20, "{sent:?}");
    assert_eq!((sent[0], sent[1]), (20, 20), "a pair");
    assert!((24..=26).contains(&sent[19]), "{sent:?}");

    let mut script = Script::established(&Config { pacing: true, ..plain() });
    script.write(400_000);
    script.take();
    // Three duplicates bring the threshold; the acknowledgment of all ends the episode at five segments.
    for millis in [20, 20, 20] {
        script.send(millis, segment(ACK, 1, 1, 0));
    }
    script.wait(29);
    script.take();
    let cwnd = |script: &Script| script.tcp.snapshot().cwnd;
    let outstanding = 1 + script.tcp.snapshot().flight as u32;
    script.send(30, segment(ACK, 1, outstanding, 0));
    assert_eq!(cwnd(&script), 5_000, "congestion avoidance");
    script.wait(39);
    // Nothing is acknowledged meanwhile: a window's five segments, in pairs, at six in 10 ms.
    let sent: Vec<u64> = script.take_segments().iter().map(|(millis, _)| *millis - 30).collect();
    assert_eq!(sent.len(), 5, "{sent:?}");
    assert!((6..=8).contains(&sent[4]), "{sent:?}");
}

/// RFC 5681 §3.1 equation 4 halves what is in flight; Linux halves the window (`tcp_reno_ssthresh`), also after a
/// timeout with little in flight.
#[test]
fn a_loss_reduces_the_window_or_what_is_in_flight() {
    for (reduce_from, kept) in [(ReduceFrom::Window, 5_000), (ReduceFrom::Flight, 2_000)] {
        let mut script = Script::established(&Config { reduce_from, ..plain() });
        script.write(2_000);
        script.wait(300);
        let now = script.tcp.snapshot();
        assert_eq!((now.cwnd, now.ssthresh), (1_000, Some(kept)), "{reduce_from:?}");
    }
}

/// Of twelve segments one is lost, and three have arrived. Two of them went by limited transmit, which RFC 5681 §3.2
/// does not count in flight.
#[test]
fn a_fast_retransmit_reduces_what_is_in_flight_or_in_the_network() {
    let half = [(ReduceFrom::Window, 5_000), (ReduceFrom::Flight, 5_000), (ReduceFrom::Pipe, 4_000)];
    for (reduce_from, kept) in half {
        let config = Config { reduce_from, initial_window: 10, ..sack() };
        let mut script = Script::established_with_sack(&config);
        script.write(100_000);
        for n in 2..=4 {
            script.send(20 + u64::from(n), blocks(1, &[(1001, n * 1000 + 1)]));
        }
        assert_eq!(script.tcp.snapshot().ssthresh, Some(kept), "{reduce_from:?}");
    }
}

/// Linux's `tcp_cwnd_restart` halves the window once for each timeout that a pause exceeds, down to the initial
/// one, and keeps three quarters as threshold; RFC 5681 §4.1 goes to the initial one at once.
#[test]
fn a_pause_halves_the_window_for_each_timeout_or_restores_the_initial_one() {
    for (idle_window, pause, cwnd, ssthresh) in [
        (IdleWindow::Halve, 199, 20_000, None),
        (IdleWindow::Halve, 300, 10_000, None),
        (IdleWindow::Halve, 500, 5_000, None),
        (IdleWindow::Halve, 900, 4_000, None),
        (IdleWindow::Initial, 300, 4_000, None),
    ] {
        let mut script = Script::established(&Config {
            idle_window,
            initial_window: 4,
            receive_window: 60_000,
            ..plain()
        });
        script.write(16_000);
        for i in 1..=16 {
            script.send(20, segment(ACK, 1, 1 + 1000 * i, 0));
        }
        assert_eq!(script.tcp.snapshot().cwnd, 20_000, "slow start");
        script.take();
        script.wait(20 + pause);
        script.write(1);
        let now = script.tcp.snapshot();
        assert_eq!((now.cwnd, now.ssthresh), (cwnd, ssthresh), "{idle_window:?} after {pause} ms");
    }
}

/// Linux asks whether the application limits the rate as it writes (`tcp_rate_check_app_limited`); one that waits for room
/// in a full buffer is within a write. Samples that count make BBR see that its rate no longer grows.
#[test]
fn an_application_that_waits_for_a_full_buffer_does_not_limit_the_rate() {
    for (send_buffer, phase) in [(20_000, Phase::ProbeBandwidth), (1_000_000, Phase::Startup)] {
        let mut pair = Pair::open(&Config { congestion: Choice::named("bbr"), send_buffer, ..plain() });
        for _ in 0..30 {
            // More than the smaller buffer takes, and less than the other.
            pair.client.write_zeros(25_000);
            pair.run_for(ms(100));
        }
        assert_eq!(pair.client.snapshot().phase, phase, "a send buffer of {send_buffer}");
    }
}
