//! A.5, A.14, A.15, A.21: asking for more.

use testbed::facts::Phase;
use testbed::link::config::Capacity;

use crate::bench::{Bench, L0, Load, Losses, News, Path, Row, SMSS, ceiling, goodput, stays, variants};

/// A.5: a probe ends after three rounds without a quarter more.
#[test]
fn a5_a_probe_ends_at_a_plateau() {
    for mut bench in variants(L0) {
        bench.run_to(30.0);
        let rows = bench.rows();
        let mut seen = 0;
        for pair in stays(&rows).windows(2) {
            if (pair[0].phase, pair[1].phase) != (Phase::ProbeUp, Phase::ProbeDown) {
                continue;
            }
            seen += 1;
            let (first, after) = (&rows[pair[0].rows.start], &rows[pair[1].rows.start]);
            let rounds = after.get("round_count") - first.get("round_count");
            assert!((3.0..=5.0).contains(&rounds), "{} s: {rounds} rounds", first.at);
            assert_eq!(
                ["full_bw_count", "full_bw_now"].map(|name| after.get(name)),
                [3.0, 1.0],
                "{} s",
                after.at
            );
            assert_eq!(after.get("prev_probe_too_high"), 0.0);
            let peak = rows[pair[0].rows.start..pair[1].rows.end].iter().filter_map(|row| row.rtt);
            let peak = peak.fold(0.0, f64::max) / first.min_rtt;
            assert!((1.5..2.2).contains(&peak), "{peak} times the smallest round trip");
        }
        assert!(seen >= 3, "{seen} probes");
        assert_eq!(bench.dropped(), 0);
    }
}

/// A.14: less than a packet fits into the path. 1 Mbit/s and 1 ms; 64 kbit/s and 20 ms; a queue of 30 packets;
/// an acknowledgment for each second segment.
#[test]
fn a14_a_path_shorter_than_a_packet_is_kept_busy() {
    for (megabits, millis) in [(1.0, 0.5), (0.064, 10.0)] {
        let link = format!(
            "up = {{ rate = \"{}kbit\", queue = {{ limit = \"30 packets\" }} }}\ndelay = \"{}us\"",
            megabits * 1e3,
            millis * 1e3
        );
        let mut bench = Bench::with(&link, "", megabits, Load::Unlimited, 1);
        bench.run_to(60.0);
        let rows = bench.rows();
        let least = |phase: Option<Phase>| {
            let rows = rows.iter().filter(|row| phase.is_none_or(|phase| row.phase == phase));
            rows.map(|row| row.cwnd).fold(f64::INFINITY, f64::min) / SMSS
        };
        assert_eq!((least(None), least(Some(Phase::ProbeRtt))), (4.0, 4.0), "{megabits} Mbit/s");
        let cruises: Vec<&Row> = rows.iter().filter(|row| row.phase == Phase::ProbeCruise).collect();
        assert!(!cruises.is_empty());
        for row in cruises {
            let pace = row.pacing / (0.99 * bench.ceiling);
            assert!((0.98..1.02).contains(&pace), "{megabits} Mbit/s, {} s: {pace}", row.at);
        }
        let busy = goodput(&rows, 10.0, 60.0) / bench.ceiling;
        assert!(busy >= 0.95, "{megabits} Mbit/s: {busy}");
    }
}

/// A.15: ten times the rate at 10 s, 10 to 100 Mbit/s at 40 ms, with a queue of 8 BDP of the old rate, or of half
/// a BDP of each. Within 20 round trips of the start of a probe. In the shallow queue the first probe is the
/// careful one after a loss: it takes 4.5 round trips to its bound, and the next counts.
#[test]
fn a15_ten_times_the_bandwidth_is_found_in_logarithmic_time() {
    for shallow in [false, true] {
        let queue = if shallow { 0.5 } else { 8.0 };
        let mut bench = Bench::new(Path(10.0, 20.0, queue), Load::Unlimited, 1);
        bench.run_to(9.9);
        if shallow {
            bench.change(|config| config[0].queue.capacity = Capacity::Packets(167));
        }
        bench.set_rate(100.0);
        assert!(bench.enter(20.0, Phase::ProbeUp));
        if bench.last().get("prev_probe_too_high") > 0.0 {
            assert!(bench.enter(20.0, Phase::ProbeUp));
        }
        let start = bench.last();
        assert!(start.get("max_bw") < 0.2 * ceiling(100.0));
        let wanted = 0.95 * ceiling(100.0);
        assert!(bench.wait_for(20.0, |row| row.get("max_bw") >= wanted), "{:?}", bench.last());
        let spent = (bench.now - start.at) / 0.04;
        assert!(spent <= 20.0, "shallow {shallow}: {spent} round trips");
        if shallow {
            assert_steps_double(&bench.rows(), start.at);
        }
    }
}

/// The bound grows by about 1, 2, 4, … segments in the rounds of a probe, while it is the limit.
fn assert_steps_double(rows: &[Row], from: f64) {
    let probe: Vec<&Row> = rows.iter().filter(|row| row.at >= from && row.phase == Phase::ProbeUp).collect();
    let rounds = probe.chunk_by(|a, b| a.get("round_count") == b.get("round_count"));
    let bounds: Vec<f64> = rounds.map(|round| round[round.len() - 1].get("inflight_longterm")).collect();
    let steps: Vec<f64> = bounds.windows(2).map(|pair| (pair[1] - pair[0]) / SMSS).collect();
    let first = steps.iter().position(|&step| step > 0.0).expect("it grows");
    for pair in steps[first..first + 4].windows(2) {
        assert!((1.4..2.6).contains(&(pair[1] / pair[0])), "{steps:.1?}");
    }
    assert!(steps.iter().any(|&step| step >= 100.0), "{steps:.1?}");
}

/// A.21: 8 % are lost in the first and third probe, from 20 ms on. The bound becomes what was in flight where
/// losses crossed 2 %, but no less than 0.7 of the target, and the probe ends with that loss.
#[test]
fn a21_loss_in_a_probe_lowers_the_bound_and_ends_the_probe() {
    for mut bench in variants(L0) {
        for probe in 1..=3 {
            assert!(bench.enter(15.0, Phase::ProbeUp), "probe {probe}");
            if probe != 2 {
                bench.run_to(bench.now + 0.02);
                bench.set_losses(Losses::Random(0.08));
            }
            assert!(bench.wait_for(15.0, |row| row.phase != Phase::ProbeUp));
            bench.set_losses(Losses::None);
        }
        bench.run_to(15.0);
        let rows = bench.rows();
        let ended: Vec<usize> = (1..rows.len())
            .filter(|&i| rows[i - 1].phase == Phase::ProbeUp && rows[i].phase == Phase::ProbeDown)
            .filter(|&i| rows[i].news == News::Lost)
            .collect();
        assert!(ended.len() >= 2, "{} probes ended by loss", ended.len());
        for i in ended {
            let lost = rows[i].segment.expect("a lost segment");
            let (pipe, size, all) = (lost.pipe as f64, lost.bytes as f64, lost.lost as f64);
            assert!(all > 0.02 * pipe, "{lost:?}");
            let (before, lost_before) = (pipe - size, all - size);
            let crossing = before + ((0.02 * before - lost_before) / 0.98).max(0.0);
            let target = rows[i - 1].get("bdp").min(rows[i - 1].cwnd);
            let bound = crossing.max(0.7 * target);
            assert!((rows[i].get("inflight_longterm") - bound).abs() <= 100.0, "{bound}: {:?}", rows[i]);
            assert_eq!(rows[i].get("prev_probe_too_high"), 1.0);
            // Once a probe: it stays until the next, unless more is borne.
            let after = rows[i..].iter().take_while(|row| row.phase == Phase::ProbeDown);
            assert!(after.into_iter().all(|row| row.get("inflight_longterm") >= bound - 100.0));
        }
    }
}
