//! A.10, A.11: looking for the round trip without a queue.

use testbed::facts::Phase;

use crate::bench::{Bench, L0, Load, News, SMSS, goodput, stays, variants};

/// A.10: after 5 s, for 200 ms and a round at half of the product; at least 95 % of the link in the end.
#[test]
fn a10_probe_rtt_comes_each_five_seconds_and_costs_little() {
    for mut bench in variants(L0) {
        bench.run_to(30.0);
        let rows = bench.rows();
        let stays = stays(&rows);
        let rtt = 2.0 * L0.1 * 1e-3;
        let mut last = 0.0;
        let mut seen = 0;
        for pair in stays.windows(2).filter(|pair| pair[0].phase == Phase::ProbeRtt) {
            seen += 1;
            let gap = pair[0].from - last;
            assert!((5.0..5.0 + 2.0 * rtt + 0.05).contains(&gap), "{gap} s before {}", pair[0].from);
            let length = pair[1].from - pair[0].from;
            assert!((0.2..0.2 + 3.0 * rtt).contains(&length), "{length} s");
            let during = &rows[pair[0].rows.clone()];
            assert!(during.iter().all(|row| row.get("cwnd_gain") == 0.5));
            let least = during.iter().map(|row| row.inflight).fold(f64::INFINITY, f64::min);
            let bdp = during[0].get("bdp");
            assert!(least <= 0.5 * bdp + SMSS, "{least} of {bdp} bytes");
            assert_eq!(pair[1].phase, Phase::ProbeCruise, "by way of probe_bw_down, on one acknowledgment");
            last = pair[1].from;
        }
        assert!(seen >= 5, "{seen} times");
        let busy = goodput(&rows, 1.0, 30.0) / bench.ceiling;
        assert!(busy >= 0.95, "{busy}");
    }
}

/// A.11: silent from 4 s on for 5.5 s, or for 12 s.
#[test]
fn a11_after_a_silence_there_is_nothing_to_look_for() {
    for silence in [5.5, 12.0] {
        let mut bench = Bench::new(L0, Load::JustInTime(32_000.0), 1);
        bench.run_to(4.0);
        bench.set_load(Load::Silent);
        let resumes = 4.0 + silence;
        bench.run_to(resumes);
        assert_ne!(bench.last().phase, Phase::ProbeRtt);
        bench.set_load(Load::Unlimited);
        bench.run_to(resumes + 4.9);
        let rows = bench.rows();
        let rows: Vec<_> = rows.iter().filter(|row| row.at >= resumes).collect();
        assert_eq!((rows[0].news, rows[0].get("idle_restart")), (News::Restart, 1.0), "{silence} s");
        let pace = rows[0].pacing / (0.99 * rows[0].bw);
        assert!((0.999..1.001).contains(&pace), "{silence} s: {pace}");
        assert!(rows.iter().all(|row| row.phase != Phase::ProbeRtt), "{silence} s");
        let full = rows.iter().find(|row| row.rate.is_some_and(|rate| rate >= 0.95 * bench.ceiling));
        let full = full.expect("the bandwidth again").at - resumes;
        assert!(full <= 3.0 * 0.045, "{silence} s: {full} s");
    }
}
