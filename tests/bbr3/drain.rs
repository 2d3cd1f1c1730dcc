//! A.3, A.4, A.8, A.9: giving back.

use testbed::facts::Phase;

use crate::bench::{Bench, L0, L1, Load, News, Path, stays, variants};

/// A.3: at half the bandwidth, until what is in flight fills the path and no queue.
#[test]
fn a3_drain_ends_when_the_queue_is_gone() {
    for mut bench in variants(L0) {
        bench.run_to(3.0);
        let rows = bench.rows();
        let stays = stays(&rows);
        let drain = stays.iter().find(|stay| stay.phase == Phase::Drain).expect("drains");
        for row in &rows[drain.rows.clone()] {
            assert_eq!(row.get("pacing_gain"), 0.5);
            let pace = row.pacing / (0.5 * 0.99 * row.bw);
            assert!((0.999..1.001).contains(&pace), "{pace}");
            assert!(row.inflight > row.get("inflight_1"), "{row:?}");
        }
        let (first, after) = (&rows[drain.rows.start], &rows[drain.rows.end]);
        assert!(after.inflight <= after.get("inflight_1"), "{after:?}");
        assert!(matches!(after.phase, Phase::ProbeDown | Phase::ProbeCruise), "{after:?}");
        assert!(after.at - first.at <= 2.5 * after.min_rtt, "{} s", after.at - first.at);
        assert!(after.get("round_count") - first.get("round_count") <= 1.0);
    }
}

/// A.4: the rate falls by 60 % as Drain begins; the 10 % of the draft are drained all the same.
#[test]
fn a4_drain_ends_after_three_rounds_at_the_latest() {
    let mut bench = Bench::new(L1, Load::Unlimited, 1);
    assert!(bench.wait_for(5.0, |row| row.phase == Phase::Drain));
    bench.set_rate(20.0 * 0.4);
    assert!(bench.wait_for(5.0, |row| row.phase != Phase::Drain));
    let rows = bench.rows();
    let after = rows.iter().rev().take_while(|row| row.phase != Phase::Drain).last().expect("it ended");
    assert!(after.inflight > after.get("inflight_1"), "{after:?}");
    let rounds = after.get("round_count") - after.get("drain_start_round");
    assert!((3.0..=4.0).contains(&rounds), "{rounds} rounds");
}

/// A.8: at 0.90 of the bandwidth, until there is headroom and no queue; with 4 BDP of queue, and with a half.
#[test]
fn a8_giving_back_ends_when_the_queue_is_gone_and_there_is_headroom() {
    for queue in [4.0, 0.5] {
        let mut bench = Bench::new(Path(20.0, 20.0, queue), Load::Unlimited, 1);
        bench.run_to(30.0);
        let rows = bench.rows();
        let stays = stays(&rows);
        let mut seen = 0;
        for pair in stays.windows(2) {
            if (pair[0].phase, pair[1].phase) != (Phase::ProbeDown, Phase::ProbeCruise) {
                continue;
            }
            seen += 1;
            let target = |i: usize| rows[i].get("headroom").min(rows[i].get("inflight_max_bw"));
            for i in pair[0].rows.clone().filter(|&i| rows[i].news == News::Ack) {
                assert_eq!(rows[i].get("pacing_gain"), 230.0 / 256.0);
                assert!(rows[i].inflight > target(i), "queue {queue}: {:?}", rows[i]);
            }
            let after = pair[1].rows.start;
            assert!(rows[after].inflight <= target(after), "queue {queue}: {:?}", rows[after]);
            let rounds = rows[after].get("round_count") - rows[pair[0].rows.start].get("round_count");
            assert!(rounds <= 8.0, "queue {queue}: {rounds} rounds");
        }
        assert!(seen >= 3, "queue {queue}: {seen} times");
    }
}

/// A.9: the rate falls by 10 % whenever giving back begins, so that the queue stays; until the next probe, or
/// until it cruises.
#[test]
fn a9_giving_back_ends_with_the_wait_for_the_next_probe() {
    let mut by_clock = 0;
    for seed in 1..=5 {
        let mut bench = Bench::new(L0, Load::Unlimited, seed);
        while bench.enter(60.0, Phase::ProbeDown) {
            bench.set_rate(18.0);
            bench.wait_for(60.0, |row| row.phase != Phase::ProbeDown);
            bench.set_rate(20.0);
        }
        let rows = bench.rows();
        for pair in stays(&rows).windows(2).filter(|pair| pair[0].phase == Phase::ProbeDown) {
            assert_ne!(pair[1].phase, Phase::ProbeCruise, "seed {seed}, {} s", pair[1].from);
            if pair[1].phase == Phase::ProbeRefill {
                let first = &rows[pair[0].rows.start];
                let late = pair[1].from - first.at - first.get("bw_probe_wait");
                by_clock += u32::from((0.0..3.0 * first.min_rtt).contains(&late));
            }
        }
    }
    assert!(by_clock >= 3, "{by_clock} by the clock");
}
