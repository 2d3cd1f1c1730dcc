//! RFC 6298, the retransmission timer.

use super::{Script, ms, plain, segment, stamped, syn, syn_ack, with_stamps};
use crate::tcp::{Config, RtoFloor, State};
use crate::time::Duration;
use crate::wire::{Flags, SynOptions};

const ACK: Flags = Flags::ACK;

fn rto(script: &Script) -> Duration {
    script.tcp.snapshot().rto
}

/// §2.1: one second before the first measurement; §5.5: doubled at each expiry.
#[test]
fn the_first_timeout_is_a_second_and_doubles() {
    let mut script = Script::connect(&plain());
    for millis in [0, 1_000, 3_000, 7_000, 15_000] {
        script.recv(millis, "S 0..1");
    }
    script.silent(30_999);
}

/// Linux's `tcp_syn_linear_timeouts`: so many expiries beyond the first keep the timeout; it counts SYNs only,
/// and not their answers.
#[test]
fn lost_syns_may_keep_the_timeout_at_first() {
    let config = Config { syn_linear_timeouts: 4, ..plain() };
    let mut script = Script::connect(&config);
    for secs in [0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67, 131] {
        script.recv(secs * 1_000, "S 0..1");
    }
    script.silent(250_999);
    assert_eq!(script.tcp.state(), State::SynSent);
    script.silent(251_001);
    assert_eq!(script.tcp.state(), State::Closed, "given up after 120 s more");

    let mut script = Script::in_state(&config, State::SynReceived);
    for millis in [1_010, 3_010, 7_010] {
        script.recv(millis, "SA 0..1 ack 1");
    }
}

/// §2.2: the first sample R gives SRTT = R, RTTVAR = R/2, RTO = SRTT + 4·RTTVAR = 3 R; §2.3: then
/// RTTVAR = 3/4·RTTVAR + 1/4·|SRTT − R'| and SRTT = 7/8·SRTT + 1/8·R', in this order.
#[test]
fn samples_are_averaged_by_the_book() {
    let mut script = Script::connect(&plain());
    script.take();
    script.send(100, syn_ack(SynOptions { mss: Some(1000), ..SynOptions::default() }));
    assert_eq!((script.tcp.snapshot().srtt, rto(&script)), (Some(ms(100)), ms(300)));
    script.write(100);
    script.send(260, segment(ACK, 1, 101, 0));
    // R' = 160: RTTVAR = 37.5 + 15 = 52.5, SRTT = 87.5 + 20 = 107.5, RTO = 107.5 + 210.
    assert_eq!(script.tcp.snapshot().srtt, Some(Duration::from_micros(107_500)));
    assert_eq!(rto(&script), Duration::from_micros(317_500));
}

/// §2.4: the minimum bounds the timeout; set like Linux, it bounds the variance term.
#[test]
fn the_minimum_bounds_the_timeout_or_its_variance() {
    for (floor, min, expected) in
        [(RtoFloor::Rto, 200, 200), (RtoFloor::Rto, 1_000, 1_000), (RtoFloor::Variance, 200, 210)]
    {
        let mut script = Script::established(&Config { rto_floor: floor, min_rto: ms(min), ..plain() });
        for i in 0..50 {
            script.write(10);
            script.send(20 + 10 * u64::from(i), segment(ACK, 1, 11 + 10 * i, 0));
        }
        assert_eq!(rto(&script), ms(expected), "{floor:?}");
    }
}

/// §2.5: a maximum may bound it, back-off included.
#[test]
fn the_maximum_bounds_the_back_off() {
    let mut script = Script::established(&Config { max_rto: ms(500), ..plain() });
    script.write(100);
    script.take();
    for millis in [210, 610, 1_110, 1_610] {
        script.recv(millis, "A 1..101 ack 1");
    }
}

/// §5.1, §5.2: the timer runs from the first segment and stops when all is acknowledged.
#[test]
fn the_timer_stops_when_nothing_is_outstanding() {
    let mut script = Script::established(&plain());
    script.write(100);
    script.take();
    script.send(20, segment(ACK, 1, 101, 0));
    script.silent(100_000);
    assert_eq!(script.tcp.stats(script.now).timeouts, 0);
}

/// §5.3: each acknowledgment of new data starts the timer anew.
#[test]
fn new_acknowledgments_restart_the_timer() {
    let mut script = Script::established(&plain());
    script.write(2_000);
    script.take();
    // The first is acknowledged at 150 ms: R' = 140, RTTVAR = 3.75 + 32.5, SRTT = 26.25, so the
    // timeout is 26.25 + 145 ms, below the floor of 200.
    script.send(150, segment(ACK, 1, 1001, 0));
    script.silent(349);
    script.recv(350, "A 1001..2001 ack 1");
}

/// §5.4: a timeout sends the earliest segment again, and only that.
#[test]
fn a_timeout_resends_the_earliest_segment_alone() {
    let mut script = Script::established(&plain());
    script.write(4_000);
    script.take();
    script.recv(210, "A 1..1001 ack 1");
    script.silent(609);
    script.recv(610, "A 1..1001 ack 1");
}

/// §3, Karn: what was sent twice gives no sample, and the doubled timeout stays until there is one.
#[test]
fn an_ambiguous_acknowledgment_gives_no_sample_and_keeps_the_back_off() {
    let mut script = Script::established(&plain());
    script.write(100);
    script.take();
    script.recv(210, "A 1..101 ack 1");
    let before = script.tcp.snapshot().srtt;
    script.send(300, segment(ACK, 1, 101, 0));
    assert_eq!((script.tcp.snapshot().srtt, rto(&script)), (before, ms(400)));
    script.write(100);
    script.recv(300, "A 101..201 ack 1");
    // Lost as well: the timeout is still 400 ms, then 800.
    script.recv(700, "A 101..201 ack 1");
    script.send(710, segment(ACK, 1, 201, 0));
    script.write(100);
    script.send(720, segment(ACK, 1, 301, 0));
    assert_eq!(rto(&script), ms(200), "a sample ends the back-off");
}

/// §3: with timestamps the echo tells which copy arrived, and a sample is taken.
#[test]
fn timestamps_give_a_sample_after_a_retransmission() {
    let offer = SynOptions { mss: Some(1012), ..SynOptions::default() };
    let mut script = Script::open_with(&stamped(), with_stamps(syn_ack(offer), 7, 1));
    script.write(100);
    script.take();
    // Sent at 10 ms, again at 210, whose timestamp is 211; acknowledged at 310.
    script.recv(210, "A 1..101 ack 1");
    script.send(310, with_stamps(segment(ACK, 1, 101, 0), 8, 211));
    // R' = 100: SRTT = 7/8·10 + 1/8·100.
    assert_eq!(script.tcp.snapshot().srtt, Some(Duration::from_micros(21_250)));
}

/// §5.7: a SYN timed out and gave no sample: the data begins with three seconds.
#[test]
fn after_a_lost_syn_the_timeout_is_three_seconds() {
    let mut script = Script::connect(&plain());
    script.take();
    script.recv(1_000, "S 0..1");
    script.send(1_100, syn_ack(SynOptions::default()));
    script.take();
    script.write(100);
    script.recv(1_100, "A 1..101 ack 1");
    script.recv(4_100, "A 1..101 ack 1");
    // The same for the end that listened.
    let mut script = Script::in_state(&plain(), State::SynReceived);
    script.recv(1_010, "SA 0..1 ack 1");
    script.send(1_100, segment(ACK, 1, 1, 0));
    assert_eq!(rto(&script), ms(3_000));
    assert!(script.take().is_empty() && syn(SynOptions::default()).flags.has(Flags::SYN));
}
