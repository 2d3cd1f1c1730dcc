//! A.18, A.19: losses that were none.

use testbed::facts::Phase;
use testbed::time::Duration;

use crate::bench::{L0, News, variants};

/// A.18: ten packets in a row are 30 ms late, 30 ms after a probe began.
#[test]
fn a18_an_unfounded_fast_recovery_is_undone() {
    for mut bench in variants(L0) {
        assert!(bench.enter(15.0, Phase::ProbeUp));
        bench.run_to(bench.now + 0.03);
        let delay = bench.config[0].delay.clone();
        // Ten packets at 1.25 of the rate.
        bench.change(|config| {
            config[0].delay.mean = delay.mean + Duration::from_millis(30);
            config[0].delay.reorder = true;
        });
        bench.run_to(bench.now + 0.005);
        bench.change(|config| config[0].delay.mean = delay.mean);
        let from = bench.now;
        bench.run_to(from + 0.5);
        assert_eq!(bench.dropped(), 0);
        let rows = bench.rows();
        let rows: Vec<_> = rows.iter().filter(|row| row.at >= from - 0.01).collect();
        let begins = rows.iter().position(|row| row.news == News::Recovery).expect("a recovery");
        let ends = rows.iter().position(|row| row.news == News::Spurious).expect("found to be unfounded");
        assert!(rows[begins..ends].iter().any(|row| row.phase == Phase::ProbeDown), "it had ended the probe");
        let (before, after) = (rows[begins - 1], rows[ends]);
        assert_eq!((before.phase, after.phase), (Phase::ProbeUp, Phase::ProbeRefill));
        for bound in ["bw_shortterm", "inflight_shortterm", "inflight_longterm"] {
            assert!(after.get(bound) >= before.get(bound), "{bound}");
        }
        assert!(after.cwnd >= 0.9 * before.cwnd, "{} {}", before.cwnd, after.cwnd);
        let up = rows[ends..].iter().find(|row| row.phase == Phase::ProbeUp).expect("it asks again");
        assert!(up.at - after.at <= 2.0 * 0.06, "{} s", up.at - after.at);
    }
}

/// A.19: everything is held for 500 ms, once, while it cruises.
#[test]
fn a19_an_unfounded_timeout_is_undone() {
    for mut bench in variants(L0) {
        assert!(bench.enter(15.0, Phase::ProbeCruise));
        bench.run_to(bench.now + 0.2);
        assert_eq!(bench.last().phase, Phase::ProbeCruise);
        let (delay, from) = (bench.config[0].delay.clone(), bench.now);
        // In order: what enters later waits for the one that is late.
        bench.change(|config| config[0].delay.mean = delay.mean + Duration::from_millis(500));
        bench.run_to(bench.now + 0.002);
        bench.change(|config| config[0].delay.mean = delay.mean);
        bench.run_to(from + 1.5);
        assert_eq!(bench.dropped(), 0);
        let rows = bench.rows();
        let begins =
            rows.iter().position(|row| row.at > from && row.news == News::Timeout).expect("a timeout");
        let ends =
            begins + rows[begins..].iter().position(|row| row.news == News::Spurious).expect("unfounded");
        let (before, after) = (&rows[begins - 1], &rows[ends]);
        let round = after.get("round_count") + 1.0;
        let later = rows[ends..].iter().find(|row| row.get("round_count") > round).expect("a round later");
        assert!(later.cwnd >= 0.9 * before.cwnd, "{} of {}", later.cwnd, before.cwnd);
        for row in rows[ends..].iter().take_while(|row| row.get("round_count") <= round) {
            for bound in ["bw_shortterm", "inflight_shortterm"] {
                assert!(row.get(bound) >= before.get(bound), "{bound} at {} s", row.at);
            }
        }
    }
}
