//! BBR on a path that is a number: `RATE` bytes per second and `RTT` without a queue, a segment of 1000
//! bytes acknowledged each millisecond.

use super::super::testing::{BDP, MSS, RATE, RTT, Round, ack, loss, path, sample};
use super::super::{Ack, Path, Sample};
use super::*;

impl Round<Bbr> {
    fn new() -> Round<Bbr> {
        Round::starting(Bbr::new)
    }

    /// A segment arrives at `rate`, with `pipe` bytes in the network and this round trip; `prior` had been
    /// delivered when it left.
    fn ack(&mut self, rate: u64, pipe: u64, rtt: Duration, prior: u64, newly_lost: u64) {
        self.ack_of(sample(rate, pipe, prior), rtt, newly_lost);
    }

    /// A round trip in which what was in the network at its start arrives.
    fn round(&mut self, rate: u64, pipe: u64, rtt: Duration) {
        let start = self.delivered;
        for _ in 0..40 {
            self.ack(rate, pipe, rtt, start, 0);
        }
    }

    /// As far as the steady state, with its queue drained.
    fn steady() -> Round<Bbr> {
        let mut round = Round::new();
        for _ in 0..5 {
            round.round(RATE, BDP, RTT);
        }
        assert_eq!(round.bbr.mode, Mode::ProbeBandwidth);
        round
    }
}

#[test]
fn a_start_paces_the_first_window_at_2_89_times_a_round_trip() {
    let bbr = Bbr::new(&Path { rtt: Some(RTT), ..path() });
    // Ten segments in 40 ms are 250 kB/s; less a hundredth.
    assert_eq!(bbr.pacing_rate, 250_000 * 739 * 99 / 25_600);
    assert_eq!(bbr.cwnd(), 10_000);
}

#[test]
fn the_pipe_is_full_after_three_rounds_without_a_quarter_more() {
    let mut round = Round::new();
    for rate in [250_000, 500_000, 1_000_000] {
        round.round(rate, 3 * BDP, RTT);
        assert_eq!(round.bbr.mode, Mode::Startup);
    }
    round.round(RATE, 3 * BDP, RTT);
    round.round(RATE * 6 / 5, 3 * BDP, RTT);
    assert_eq!(round.bbr.mode, Mode::Startup, "two rounds");
    round.ack(RATE, 3 * BDP, RTT, round.delivered, 0);
    assert_eq!(round.bbr.mode, Mode::Drain);
    assert_eq!(round.bbr.pacing_gain(), 88);
    round.ack(RATE, BDP, RTT, 0, 0);
    assert_eq!(round.bbr.mode, Mode::ProbeBandwidth, "the queue is drained");
}

#[test]
fn the_steady_window_is_twice_the_product_and_bursts() {
    let mut round = Round::steady();
    for _ in 0..3 {
        round.round(RATE, BDP, RTT);
    }
    // Three bursts of two segments, rounded up to an even number; two more where it asks for bandwidth.
    // ACKs come one by one, and one counts as gathered.
    let steady = 2 * BDP + 6 * MSS;
    assert!((steady..=steady + 4 * MSS).contains(&round.bbr.cwnd()), "{}", round.bbr.cwnd());
}

#[test]
fn a_cycle_of_eight_round_trips_asks_for_a_quarter_more_and_gives_it_back() {
    let mut round = Round::steady();
    let mut gains = vec![];
    for _ in 0..2 * 8 * 41 {
        round.ack(RATE, BDP * 3 / 2, RTT, round.delivered, 0);
        if gains.last() != Some(&round.bbr.pacing_gain()) {
            gains.push(round.bbr.pacing_gain());
        }
    }
    let asks = gains.iter().position(|&gain| gain == 320).expect("it asks");
    assert_eq!(gains[asks..asks + 3], [320, 192, 256]);
}

#[test]
fn a_round_trip_not_seen_again_for_ten_seconds_is_looked_for() {
    let mut round = Round::steady();
    let longer = RTT + Duration::from_millis(5);
    let since = round.bbr.min_rtt_at;
    while round.bbr.mode != Mode::ProbeRtt {
        round.ack(RATE, BDP, longer, round.delivered, 0);
    }
    assert_eq!(round.now - since, MIN_RTT_WINDOW + Duration::from_millis(1));
    assert_eq!(round.bbr.cwnd(), 4 * MSS);
    assert!(round.bbr.holds_back());
    let reached = round.now;
    while round.bbr.mode == Mode::ProbeRtt {
        round.ack(RATE, 4 * MSS, RTT, round.delivered - 4 * MSS, 0);
    }
    let spent = round.now - reached;
    assert!((200..=203).contains(&(spent.as_nanos() / 1_000_000)), "{spent:?}");
    assert!(round.bbr.cwnd() >= 2 * BDP, "the window of before is back");
}

#[test]
fn the_same_round_trip_again_counts_as_seen() {
    let mut round = Round::steady();
    for _ in 0..12 * 25 {
        round.round(RATE, BDP, RTT);
        assert_ne!(round.bbr.mode, Mode::ProbeRtt);
    }
}

#[test]
fn a_recovery_conserves_packets_for_a_round_and_then_restores_the_window() {
    let mut round = Round::steady();
    round.round(RATE, BDP, RTT);
    let before = round.bbr.cwnd();
    round.bbr.on_loss(&loss(BDP));
    round.ack(RATE, BDP, RTT, 0, MSS);
    assert_eq!(round.bbr.cwnd(), BDP, "what is in the network, and what arrived");
    round.ack(RATE, BDP - MSS, RTT, 0, 0);
    assert_eq!(round.bbr.cwnd(), BDP);
    round.bbr.on_recovered(round.now);
    round.ack(RATE, BDP, RTT, 0, 0);
    // But for the two segments more while it asks for bandwidth.
    assert!(round.bbr.cwnd() >= before - 2 * MSS, "{} {before}", round.bbr.cwnd());
}

#[test]
fn an_episode_that_follows_at_once_does_not_conserve_again() {
    let mut round = Round::steady();
    round.bbr.on_loss(&loss(BDP));
    round.round(RATE, BDP, RTT);
    round.round(RATE, BDP, RTT);
    let grown = round.bbr.cwnd();
    round.bbr.on_recovered(round.now);
    round.bbr.on_loss(&loss(BDP));
    round.ack(RATE, BDP, RTT, 0, MSS);
    assert!(round.bbr.cwnd() >= grown - MSS, "{} {grown}", round.bbr.cwnd());
}

#[test]
fn a_timeout_starts_from_one_segment_and_keeps_the_model() {
    let mut round = Round::steady();
    let rate = round.bbr.model_bandwidth();
    round.bbr.on_timeout(&loss(BDP));
    assert_eq!(round.bbr.cwnd(), MSS);
    assert_eq!(round.bbr.model_bandwidth(), rate);
}

#[test]
fn what_the_application_held_back_lowers_no_bandwidth() {
    let mut round = Round::steady();
    let held =
        Sample { delivered: 1_000, interval: RTT, prior_delivered: 0, pipe: MSS, lost: 0, app_limited: true };
    for _ in 0..100 {
        round.now += RTT;
        round.delivered += MSS;
        let sample = Some(Sample { prior_delivered: round.delivered, ..held });
        let (now, delivered) = (round.now, round.delivered);
        round.bbr.on_ack(&Ack { now, departure: now, delivered, sample, ..ack(MSS) });
    }
    // Rounds go by and the filter forgets: of app-limited samples only those count that are no less.
    assert!(round.bbr.bandwidth.get() >= 25_000);
}

#[test]
fn pairs_leave_together_and_single_segments_below_1200_kbit() {
    let mut round = Round::steady();
    assert_eq!(round.bbr.send_quantum(), 2 * MSS);
    round.bbr.pacing_rate = LEAST_PAIRED - 1;
    assert_eq!(round.bbr.send_quantum(), MSS);
    round.bbr.pacing_rate = 100_000_000;
    assert_eq!(round.bbr.send_quantum(), 65 * MSS);
}
