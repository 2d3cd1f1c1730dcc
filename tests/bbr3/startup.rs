//! A.1, A.2, A.12: Startup.

use testbed::facts::Phase;

use crate::bench::{Bench, L0, Load, Losses, Path, SMSS};

/// Limit of a run, in seconds.
const LIMIT: f64 = 60.0;

/// A.1: by round ⌈log2(BDP/IW)⌉ + 6, within 2 % of the bandwidth, without a drop. The queue holds 4 BDP, and 40
/// packets at least.
#[test]
fn a1_startup_ends_at_a_plateau() {
    let mut paths = vec![L0];
    for rate in [1.0, 10.0, 100.0] {
        paths.extend([5.0, 40.0, 200.0].map(|rtt| Path(rate, rtt / 2.0, 4.0)));
    }
    for path in paths {
        let queue = path.2.max(40.0 * 1500.0 / path.bdp());
        let mut bench = Bench::new(Path(path.0, path.1, queue), Load::Unlimited, 1);
        assert!(bench.wait_for(LIMIT, |row| row.phase == Phase::Drain), "{path:?}");
        let rows = bench.rows();
        let row = rows.iter().find(|row| row.phase == Phase::Drain).expect("drains");
        let error = row.get("max_bw") / bench.ceiling;
        assert!((0.98..1.02).contains(&error), "{path:?}: {error} of the bandwidth");
        let rounds = (path.bdp() / (10.0 * 1500.0)).log2().ceil().max(0.0) + 6.0;
        assert!(row.get("round_count") <= rounds, "{path:?}: round {} of {rounds}", row.get("round_count"));
        let full = ["full_bw_count", "full_bw_now", "full_bw_reached"].map(|name| row.get(name));
        assert_eq!(full, [3.0, 1.0, 1.0], "{path:?}");
        assert_eq!(bench.dropped(), 0, "{path:?}");
    }
}

/// A.2: 20 Mbit/s on a link of 100 Mbit/s and 100 ms; each tenth packet is lost from 2 s on.
#[test]
fn a2_startup_ends_by_loss_even_if_the_application_limits() {
    let path = Path(100.0, 50.0, 4.0);
    let load = Load::Rate(20e6 / 8.0);
    let mut calm = Bench::new(path, load, 1);
    calm.run_to(4.9);
    assert!(calm.rows().iter().all(|row| row.phase == Phase::Startup), "without loss");
    let mut bench = Bench::new(path, load, 1);
    bench.run_to(2.0);
    let onset = bench.last().get("round_count");
    bench.set_losses(Losses::Every(10));
    assert!(bench.wait_for(4.9, |row| row.phase != Phase::Startup));
    let rows = bench.rows();
    let row = rows.iter().find(|row| row.phase != Phase::Startup).expect("it ended");
    // There is nothing to drain: it leaves that state with the acknowledgment that entered it.
    assert_eq!((row.phase, row.get("drain_start_round")), (Phase::ProbeCruise, row.get("round_count")));
    assert!(row.get("round_count") - onset <= 5.0, "{} rounds", row.get("round_count") - onset);
    assert_eq!(["full_bw_now", "full_bw_reached"].map(|name| row.get(name)), [1.0, 1.0]);
    assert!(row.get("full_bw_count") < 3.0, "no plateau");
}

/// A.12: 50 Mbit/s, 40 ms; data reach the receiver only each 20, 40 or 80 ms, and one acknowledgment tells of
/// them. By round 14. (Where each segment is acknowledged and the acknowledgments are gathered, what leaves
/// between two of them at one instant counts that burst and the last in its sample: 1.2 to 1.3 of the
/// bandwidth.)
#[test]
fn a12_gathered_acknowledgments_do_not_keep_startup_from_the_bandwidth() {
    for millis in [20, 40, 80] {
        let path = Path(50.0, 20.0, 4.0);
        let mut bench = Bench::batched(path, millis);
        assert!(bench.wait_for(3.0, |row| row.phase == Phase::Drain), "{millis} ms: {:?}", bench.last());
        let rows = bench.rows();
        let row = rows.iter().find(|row| row.phase == Phase::Drain).expect("drains");
        let found = row.get("max_bw") / bench.ceiling;
        assert!((0.98..1.05).contains(&found), "{millis} ms: {found} of the bandwidth");
        assert!(row.get("round_count") <= 14.0, "{millis} ms: round {}", row.get("round_count"));
        let extra = row.get("extra_acked") / (bench.ceiling * f64::from(millis) * 1e-3);
        assert!((0.85..1.15).contains(&extra), "{millis} ms: {extra} of what passes in that time");
        let bdp = bench.ceiling * 2.0 * path.1 * 1e-3;
        assert!(row.cwnd > 2.0 * bdp, "{millis} ms: {} segments, BDP {}", row.cwnd / SMSS, bdp / SMSS);
    }
}
