//! A.13, A.16, A.17: links that change, and policers.

use testbed::facts::Phase;

use crate::bench::{Bench, Load, Path, goodput, loss};
use crate::trace;

/// A.13: 50 Mbit/s, 40 ms; from the first cruise on acknowledgments pass only each 80 ms.
#[test]
fn a13_gathered_acknowledgments_stall_nothing() {
    let busy = |hides: bool| {
        let mut bench = Bench::new(Path(50.0, 20.0, 4.0), Load::Unlimited, 1);
        assert!(bench.wait_for(3.0, |row| row.phase == Phase::ProbeCruise));
        if hides {
            trace::hide_extra_acked();
        }
        let from = bench.now;
        bench.gather_acks(80);
        bench.run_to(4.9);
        let extra = bench.last().get("extra_acked") / (bench.ceiling * 0.08);
        // Whole bursts between the first and the last.
        (goodput(&bench.rows(), from + 0.5, 4.9) / bench.ceiling, extra)
    };
    let ((with, extra), (without, _)) = (busy(false), busy(true));
    assert!(with >= 0.95 && without < 0.85, "{with}, without the allowance {without}");
    assert!((0.85..1.15).contains(&extra), "{extra} of what passes in 80 ms");
}

/// A.16: a tenth of the rate at 7 s, 100 to 10 Mbit/s at 40 ms, with a queue of 0.5 BDP of the old rate.
#[test]
fn a16_a_tenth_of_the_bandwidth_is_known_after_two_cycles() {
    let mut bench = Bench::new(Path(100.0, 20.0, 0.5), Load::Unlimited, 1);
    bench.run_to(7.0);
    let cycles = bench.last().get("cycle_count");
    bench.set_rate(10.0);
    let ceiling = crate::bench::ceiling(10.0);
    assert!(bench.wait_for(17.0, |row| row.get("cycle_count") >= cycles + 2.0), "{:?}", bench.last());
    bench.run_to(bench.now + 0.2);
    let rows = bench.rows();
    let known = rows.iter().find(|row| row.at > 7.0 && row.get("max_bw") <= 1.1 * ceiling);
    let known = known.unwrap_or_else(|| panic!("{:?}", bench.last())).at;
    assert!(known <= 17.0, "{known} s");
    let bounds: Vec<f64> =
        rows.iter().filter(|row| row.at > 7.0).map(|row| row.get("bw_shortterm")).collect();
    let mut cuts = 0;
    for pair in bounds.windows(2).filter(|pair| pair[1] < pair[0]) {
        cuts += 1;
        assert!(pair[0].is_infinite() || pair[1] >= 0.699 * pair[0], "by 0.7 a round at most: {pair:?}");
    }
    assert!(cuts >= 3, "{cuts} cuts");
    bench.run_to(30.0);
    let rows = bench.rows();
    let (lost, good) = (loss(&rows, 17.0, 30.0), goodput(&rows, 17.0, 30.0) / ceiling);
    assert!(lost < 0.01 && good >= 0.9, "loss {lost}, goodput {good}");
}

/// A.17: 100 Mbit/s at 40 ms behind a token bucket of 10 Mbit/s and 15, 50 or 125 kB that drops.
#[test]
fn a17_a_policer_is_kept_to_without_lasting_loss() {
    for burst in [15_000, 50_000, 125_000] {
        let link = format!(
            "up = {{ rate = \"100mbit\", queue = {{ limit = \"1000 packets\" }}, \
             policer = {{ rate = \"10mbit\", burst = \"{burst}B\" }} }}\ndelay = \"20ms\""
        );
        let mut bench = Bench::with(&link, "delayed_ack = false", 10.0, Load::Unlimited, 1);
        bench.run_to(40.0);
        let rows = bench.rows();
        let good = goodput(&rows, 10.0, 40.0) / bench.ceiling;
        assert!(good >= 0.9, "{burst} bytes: {good} of the token rate");
        for from in [10.0, 15.0, 20.0, 25.0, 30.0, 35.0] {
            let lost = loss(&rows, from, from + 5.0);
            assert!(lost <= 0.05, "{burst} bytes: {lost} lost from {from} s on");
        }
        for bound in ["bw_shortterm", "inflight_shortterm"] {
            assert!(rows.iter().any(|row| row.get(bound).is_finite()), "{burst} bytes: no {bound}");
        }
    }
}
