//! BBR v3 on a path that is a number: `RATE` bytes per second and `RTT` without a queue, a segment of 1000
//! bytes acknowledged each millisecond.

use super::super::testing::{BDP, MSS, RATE, RTT, Round, loss, path, sample};
use super::super::{LostSegment, Path, Sample};
use super::*;
use crate::time::Duration;

impl Round<Bbr> {
    fn new() -> Round<Bbr> {
        Round::starting(Bbr::new)
    }

    fn ack(&mut self, rate: u64, pipe: u64, prior: u64) {
        self.ack_of(sample(rate, pipe, prior), RTT + Duration::from_millis(1), 0);
    }

    /// A round trip in which what was in the network at its start arrives.
    fn round(&mut self, rate: u64, pipe: u64) {
        let start = self.delivered;
        for _ in 0..40 {
            self.ack(rate, pipe, start);
        }
    }

    /// Rounds until a state; panics when it does not come.
    fn until(&mut self, state: State, pipe: u64) {
        for _ in 0..200 * 40 {
            if self.bbr.state == state {
                return;
            }
            self.ack(RATE, pipe, self.delivered.saturating_sub(BDP));
        }
        panic!("no {state:?}, but {:?}", self.bbr.state);
    }

    fn steady() -> Round<Bbr> {
        let mut round = Round::new();
        for _ in 0..5 {
            round.round(RATE, 3 * BDP);
        }
        round.until(State::Cruise, BDP);
        round
    }

    /// A recovery begins.
    fn recover(&mut self) {
        self.bbr.on_loss(&Loss { now: self.now, delivered: self.delivered, ..loss(BDP) });
    }

    /// A segment that left with `pipe` bytes in the network is found lost, `lost` bytes since.
    fn lose(&mut self, pipe: u64, lost: u64) {
        self.lost += MSS;
        let (bytes, delivered) = (MSS, self.delivered);
        let lost = LostSegment { bytes, pipe, lost, delivered, app_limited: false, adjoins: false };
        self.bbr.on_lost(self.now, &lost);
    }
}

#[test]
fn a_start_paces_the_first_window_at_2_77_times_a_round_trip() {
    let bbr = Bbr::new(&Path { rtt: Some(RTT), ..path() });
    assert_eq!(bbr.pacing_rate, 250_000 * 709 / 256);
    assert_eq!(bbr.cwnd(), 10_000);
}

#[test]
fn the_pipe_is_full_after_three_rounds_without_a_quarter_more() {
    let mut round = Round::new();
    for rate in [250_000, 500_000, RATE] {
        round.round(rate, 3 * BDP);
    }
    round.round(RATE, 3 * BDP);
    round.round(RATE * 6 / 5, 3 * BDP);
    assert_eq!(round.bbr.state, State::Startup, "two rounds");
    round.ack(RATE, 3 * BDP, round.delivered);
    assert_eq!((round.bbr.state, round.bbr.full_pipe.rounds), (State::Drain, 3));
    assert_eq!(round.bbr.pacing_rate, RATE * 6 / 5 * 99 / 200);
    round.ack(RATE, BDP, 0);
    assert_eq!(round.bbr.state, State::Cruise, "drained, and nothing to give back");
}

#[test]
fn rounds_limited_by_the_application_leave_it_in_startup() {
    let mut round = Round::new();
    for _ in 0..100 {
        let prior = round.delivered;
        round.ack_of(Sample { app_limited: true, ..sample(RATE, BDP, prior) }, RTT, 0);
    }
    assert_eq!(round.bbr.state, State::Startup);
}

/// BDP 40 segments: a probe each 40 rounds at the latest, and here 2 s come later.
#[test]
fn a_cycle_cruises_refills_for_a_round_asks_for_more_and_gives_back() {
    let mut round = Round::steady();
    let start = round.now;
    round.until(State::Refill, BDP);
    let wait = (round.now - start).as_secs_f64();
    assert!((1.5..1.7).contains(&wait), "40 rounds of 41 ms: {wait} s");
    let filled = round.now;
    round.until(State::Up, BDP);
    assert_eq!((round.now - filled).as_nanos() / 1_000_000, 41, "a round");
    assert_eq!(round.bbr.pacing_rate, RATE * 99 * 5 / 400);
    assert!(round.bbr.cwnd() <= BDP * 9 / 4 + 2 * MSS + 2 * MSS, "{}", round.bbr.cwnd());
    round.until(State::Down, 2 * BDP);
    assert_eq!(round.bbr.pacing_rate, RATE * 230 * 99 / 25_600);
    round.until(State::Cruise, BDP - MSS);
}

#[test]
fn loss_beyond_two_percent_ends_a_probe_and_bounds_what_is_in_flight() {
    let mut round = Round::steady();
    round.until(State::Refill, BDP);
    round.until(State::Up, BDP);
    round.ack(RATE, 3 * BDP / 2, 0);
    round.recover();
    round.lose(100 * MSS, MSS);
    round.lose(100 * MSS, 2 * MSS);
    assert_eq!((round.bbr.state, round.bbr.long_term), (State::Up, UNBOUNDED), "2 of 100");
    round.lose(100 * MSS, 3 * MSS);
    assert_eq!(round.bbr.state, State::Down);
    // 99 segments before it of which 2 were lost: the threshold had been crossed already.
    assert_eq!(round.bbr.long_term, 99 * MSS);
    round.lose(50 * MSS, 3 * MSS);
    assert_eq!(round.bbr.long_term, 99 * MSS, "one answer to a probe");
}

#[test]
fn the_bound_is_where_losses_crossed_two_percent() {
    let lost =
        |pipe, lost| LostSegment { bytes: MSS, pipe, lost, delivered: 0, app_limited: false, adjoins: false };
    let at = |pipe, bytes| bounds::inflight_at_loss(&lost(pipe, bytes));
    // (0.02 · 25,000 − 0)/0.98 of the segment may be lost.
    assert_eq!(at(26_000, 1_000), 25_510);
    assert_eq!(at(26_000, 5_000), 25_000, "crossed before: never below what preceded it");
}

#[test]
fn loss_while_cruising_lowers_the_short_term_bounds_once_a_round() {
    let mut round = Round::steady();
    let (cwnd, pace) = (round.bbr.cwnd(), round.bbr.pacing_rate);
    round.recover();
    round.lose(BDP, MSS);
    for _ in 0..39 {
        round.ack(RATE / 2, BDP / 2, 0);
    }
    assert_eq!(round.bbr.short_term.bandwidth, UNBOUNDED, "not before the round ends");
    round.ack(RATE / 2, BDP / 2, round.delivered);
    assert_eq!(round.bbr.short_term.bandwidth, round.bbr.max_bandwidth() * 7 / 10);
    assert_eq!(round.bbr.short_term.inflight, cwnd * 7 / 10);
    assert_eq!(round.bbr.pacing_rate, pace * 7 / 10);
    round.bbr.on_recovered(round.now);
    round.until(State::Refill, BDP);
    assert_eq!(round.bbr.short_term.bandwidth, UNBOUNDED, "until the next probe");
}

#[test]
fn an_unfounded_recovery_gives_everything_back_and_probes_again() {
    let mut round = Round::steady();
    round.until(State::Refill, BDP);
    round.until(State::Up, BDP);
    round.ack(RATE, BDP, 0);
    let cwnd = round.bbr.cwnd();
    round.recover();
    for lost in 1..=10 {
        round.lose(BDP, lost * MSS);
    }
    assert_eq!(round.bbr.state, State::Down);
    assert!(round.bbr.long_term < UNBOUNDED);
    round.bbr.on_spurious();
    round.bbr.on_recovered(round.now);
    assert_eq!((round.bbr.state, round.bbr.long_term), (State::Refill, UNBOUNDED));
    assert_eq!(round.bbr.cwnd(), cwnd);
}

#[test]
fn a_smallest_round_trip_not_undercut_for_five_seconds_is_looked_for() {
    let mut round = Round::steady();
    while round.bbr.state != State::ProbeRtt {
        round.ack_of(sample(RATE, BDP, round.delivered), RTT, 0);
    }
    assert_eq!(round.now - Instant::ZERO, Duration::from_millis(5_001), "equal ones put nothing off");
    assert_eq!(round.bbr.cwnd(), BDP / 2);
    assert!(round.bbr.holds_back());
    let reached = round.now;
    while round.bbr.state == State::ProbeRtt {
        round.ack_of(sample(RATE, BDP / 2, round.delivered - BDP / 2), RTT, 0);
    }
    let spent = (round.now - reached).as_nanos() / 1_000_000;
    assert!((200..=243).contains(&spent), "{spent} ms");
    assert_eq!(round.bbr.state, State::Cruise);
    assert!(round.bbr.cwnd() >= 2 * BDP, "the window of before is back");
}

#[test]
fn a_timeout_starts_from_one_segment_and_keeps_the_model() {
    let mut round = Round::steady();
    let bandwidth = round.bbr.bandwidth();
    round.bbr.on_timeout(&loss(BDP));
    assert_eq!((round.bbr.cwnd(), round.bbr.bandwidth()), (MSS, bandwidth));
}

/// Six ranges of more than 2 % in a full round of a recovery; five do not.
#[test]
fn much_loss_ends_startup_even_if_the_application_limits() {
    for (ranges, ends) in [(5, false), (6, true)] {
        let mut round = Round::new();
        round.round(RATE / 4, BDP);
        round.recover();
        for lost in 1..=ranges {
            round.lose(BDP, lost * MSS);
        }
        let lossy =
            Sample { lost: ranges * MSS, app_limited: true, ..sample(RATE / 4, BDP, round.delivered) };
        round.ack_of(Sample { prior_delivered: 0, ..lossy }, RTT, 0);
        assert_eq!(round.bbr.state, State::Startup, "the round is not over");
        round.ack_of(lossy, RTT, 0);
        assert_eq!(round.bbr.state != State::Startup, ends, "{ranges} ranges");
        assert_eq!(round.bbr.full_pipe.now, ends);
    }
}

/// The probe after one that lost too much ends where it reaches the bound, and if that does no harm the next
/// follows at once.
#[test]
fn a_probe_after_one_that_lost_too_much_is_careful() {
    let mut round = Round::steady();
    round.until(State::Refill, BDP);
    round.until(State::Up, BDP);
    round.recover();
    round.lose(50 * MSS, 2 * MSS);
    round.bbr.on_recovered(round.now);
    assert_eq!((round.bbr.state, round.bbr.long_term), (State::Down, 49 * MSS));
    round.until(State::Cruise, BDP);
    round.until(State::Refill, BDP);
    round.until(State::Up, BDP);
    round.ack(RATE, 48 * MSS, 0);
    assert_eq!(round.bbr.state, State::Up);
    // Before this acknowledgment the bound was full; with what it took off it is not.
    round.ack(RATE, 49 * MSS, 0);
    assert_eq!(round.bbr.state, State::Down);
    round.ack(RATE, 49 * MSS, 0);
    assert_eq!(round.bbr.state, State::Down);
    round.ack(RATE, 49 * MSS, round.delivered);
    assert_eq!(round.bbr.state, State::Refill, "after a round, without a wait");
}

#[test]
fn a_restart_paces_at_the_bandwidth_and_forgets_what_was_gathered() {
    let mut round = Round::steady();
    round.until(State::Refill, BDP);
    round.until(State::Up, BDP);
    round.now += RTT;
    round.bbr.on_restart(Restart { now: round.now, app_limited: true });
    assert_eq!(round.bbr.pacing_rate, RATE * 99 / 100);
    assert!(round.bbr.restarts);
    round.ack(RATE, BDP, 0);
    assert!(!round.bbr.restarts);
}

/// §3.7: a mark is congestion.
#[test]
fn marks_are_answered_as_losses() {
    let mut round = Round::steady();
    let mark = |round: &Round<Bbr>, flight| Loss {
        now: round.now,
        delivered: round.delivered,
        pipe: flight,
        ..loss(flight)
    };
    round.bbr.on_ecn(&mark(&round, BDP));
    for _ in 0..40 {
        round.ack(RATE / 2, BDP, 0);
    }
    round.ack(RATE / 2, BDP, round.delivered);
    assert!(round.bbr.short_term.bandwidth < round.bbr.max_bandwidth());
    round.until(State::Refill, BDP);
    round.until(State::Up, BDP);
    round.bbr.on_ecn(&mark(&round, 50 * MSS));
    assert_eq!((round.bbr.state, round.bbr.long_term), (State::Down, 50 * MSS));
}
