use super::*;
use crate::facts::{FlowOutcome, Outcome, ProbeOutcome};
use crate::report::testing::{bulk_outcome, load, run, study, with_measure};
use crate::report::{Mode, ResultFolder};
use crate::tables::bottleneck;
use crate::tables::rows::Table;
use crate::tables::study::TrialRow;
use crate::time::{Duration, Instant};

/// Flows by name with bytes, segments, retransmissions and smoothed RTT.
const FLOWS: [(&str, u64, u64, u64, u64); 3] =
    [("a-1", 2_100_000, 1500, 15, 40), ("a-2", 525_000, 500, 5, 60), ("b-1", 875_000, 1000, 0, 100)];

fn outcome() -> Outcome {
    let mut outcome = bulk_outcome(1, "reno", 0.01);
    outcome.measured = Duration::from_secs(28);
    let model = outcome.flows[0].clone();
    let flow = |(name, bytes, segments, retransmits, srtt): (&str, u64, u64, u64, u64)| {
        let group = name.split('-').next().unwrap_or_default().to_owned();
        let mut flow = FlowOutcome { name: name.to_owned(), group, ..model.clone() };
        let way = flow.directions[0].as_mut().expect("an upload");
        (way.bytes_delivered, way.segments_sent, way.retransmits) = (bytes, segments, retransmits);
        way.srtt_mean = Some(Duration::from_millis(srtt));
        flow
    };
    outcome.flows = FLOWS.into_iter().map(flow).collect();
    outcome.flows.push(FlowOutcome {
        name: "ping-1".to_owned(),
        group: "ping".to_owned(),
        directions: [None, None],
        ..model
    });
    let rtts = [Some(30), Some(10), None, Some(20)];
    outcome.probes = (0..4)
        .map(|number| ProbeOutcome {
            flow: 3,
            number,
            sent: Instant::ZERO,
            rtt: rtts[number as usize].map(Duration::from_millis),
        })
        .collect();
    outcome.series = None;
    outcome
}

fn results(dir: &std::path::Path) -> Results {
    let mut study = with_measure(study(&[]), Measure::Probes, "ping");
    study.measures.insert("goodput".to_owned(), vec!["a".to_owned(), "b".to_owned()]);
    study.trials = 1;
    let mut folder = ResultFolder::open(dir, &study, &run(), Mode::Fresh).expect("opened");
    let outcome = outcome();
    folder.append(&TrialRow { cell: 0, trial: 0, seed: 1, outcome: &outcome, wall_s: 0.1 }).expect("written");
    let mut results = load(dir, &study);
    bottleneck::settle(&mut [&mut results]).expect("settled");
    results
}

#[test]
fn a_group_has_the_sums_and_pools_of_its_clients() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let results = results(dir.path());
    let mut shares = BTreeMap::new();
    collect::each_share(&results, |_, group, share| {
        shares.insert(group.to_owned(), *share);
    })
    .expect("read");
    let of = |group: &str| shares[group];
    let (a, b, ping) = (of("a"), of("b"), of("ping"));
    // 2.625 MB and 0.875 MB in 28 s.
    assert_eq!((a.goodput_mbit, b.goodput_mbit), (Some(0.75), Some(0.25)));
    assert_eq!((a.of_all, b.of_all, ping.of_all), (Some(0.75), Some(0.25), None));
    assert_eq!(a.goodput_ratio, Some(3.0));
    assert!((b.goodput_ratio.expect("two groups") - 1.0 / 3.0).abs() < 1e-12);
    assert_eq!((a.retransmission_rate, b.retransmission_rate), (Some(0.01), Some(0.0)));
    assert_eq!((a.srtt_mean_ms, b.srtt_mean_ms), (Some(50.0), Some(100.0)));
    // Of four probes one was lost: the median is the second, and the last does not exist.
    assert_eq!((ping.rtt_ms.p50, ping.rtt_ms.p99, ping.rtt_ms.mean), (Some(20.0), None, None));
    assert_eq!((ping.goodput_mbit, ping.srtt_mean_ms), (None, None));
}

#[test]
fn the_file_has_a_row_per_trial_and_group_and_only_columns_that_exist() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let results = results(dir.path());
    assert_eq!(
        text(&results).expect("read"),
        "cell,trial,group,goodput_mbit,share,goodput_ratio,completion_mean_s,completion_p50_s,completion_p95_s,\
         completion_p99_s,rtt_p50_ms,rtt_p99_ms,retransmission_rate,srtt_mean_ms\n\
         0,0,a,0.750000,0.750000,3.000000,,,,,,,0.010000,50.000\n\
         0,0,b,0.250000,0.250000,0.333333,,,,,,,0.000000,100.000\n\
         0,0,ping,,,,,,,,20.000,,,\n"
    );
    assert!(
        !Table::Trials.header(&results.study).contains("share"),
        "figures of groups are no columns of trials"
    );
}

#[test]
fn a_ratio_is_of_exactly_two_groups_of_bulk_flows() {
    let bulk = |groups: &[&str]| {
        let mut study = study(&[]);
        let groups = groups.iter().map(|&group| group.to_owned()).collect();
        study.measures.insert("goodput".to_owned(), groups);
        rivals(&study).map(|pair| pair.map(str::to_owned))
    };
    assert_eq!(bulk(&["x"]), None);
    assert_eq!(bulk(&["x", "a"]), Some(["x", "a"].map(str::to_owned)));
    assert_eq!(bulk(&["x", "a", "b"]), None);
    let mut sized = with_measure(study(&[]), Measure::Goodput, "b");
    assert!(rivals(&sized).is_some());
    sized = with_measure(sized, Measure::Completion, "b");
    assert_eq!(rivals(&sized), None, "a transfer of a given size is known by its time");
}
