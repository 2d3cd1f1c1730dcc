//! Idle halves cost nothing: a half with nothing outstanding is not asked what segments mean.

use std::sync::Arc;

use super::super::config::{Config, Recovery};
use super::Connection;
use crate::rng::Seed;
use crate::time::{Duration, Instant};
use crate::wire::SeqNumber;

/// Segments pass between both ends, without loss, until neither has more to say.
fn exchange(ends: &mut [Connection; 2], now: Instant) -> usize {
    let mut passed = 0;
    loop {
        let before = passed;
        for from in [0, 1] {
            while let Some(segment) = ends[from].poll_transmit(now) {
                ends[1 - from].handle_segment(now, &segment);
                passed += 1;
            }
        }
        if passed == before {
            return passed;
        }
    }
}

#[test]
fn a_half_that_only_receives_is_not_asked_about_acknowledgments() {
    for recovery in [Recovery::Sack, Recovery::Rack, Recovery::NewReno] {
        let config = Arc::new(Config { recovery, ..Config::default() });
        let rng = || Seed(1).stream("controller");
        let mut ends = [
            Connection::connect(Arc::clone(&config), SeqNumber(7), rng()),
            Connection::listen(config, SeqNumber(9), rng()),
        ];
        exchange(&mut ends, Instant::ZERO);
        ends[1].sink();
        let before = ends[1].sender.news;
        assert_eq!(before, 1, "the acknowledgment of its SYN");

        ends[0].write_zeros(4_000_000);
        let mut passed = 0;
        for ms in 1..2_000 {
            let now = Instant::ZERO + Duration::from_millis(ms);
            for end in &mut ends {
                end.handle_timeout(now);
            }
            passed += exchange(&mut ends, now);
        }
        assert!(ends[1].received() == 4_000_000 && passed > 2_763, "{passed} segments");
        assert_eq!(ends[1].sender.news, before, "{recovery:?}: one half only receives");
        assert_eq!(ends[0].unpredicted + ends[1].unpredicted, 3, "the handshake and nothing else");
    }
}
