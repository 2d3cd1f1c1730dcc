//! The place of goodput that trials and folders share.

use crate::facts::{Direction, DirectionOutcome, FlowOutcome, Outcome};
use crate::report::testing::{bulk_outcome, run, study};
use crate::report::{Mode, Report, ResultFolder, beside, finish};
use crate::tables::Format;
use crate::tables::study::{Study, TrialRow};

/// Two uploads over `home`, each of `up` bytes, and two downloads over `core`, with how busy these are.
fn outcome(names: [&str; 2], up: u64, home: f64, core: f64) -> Outcome {
    let mut outcome = bulk_outcome(1, "reno", 0.01);
    outcome.series = None;
    let model = outcome.flows[0].clone();
    let flow = |direction: Direction, bytes: u64, link: u32| {
        let mut flow = model.clone();
        let way = flow.directions[0].take().expect("an upload");
        let way = DirectionOutcome { bytes_delivered: bytes, links: vec![link], ..way };
        flow.directions[direction.index()] = Some(way);
        flow
    };
    let named = |(n, flow)| FlowOutcome { name: format!("upload-{n}"), ..flow };
    let flows = [
        flow(Direction::Up, up, 0),
        flow(Direction::Up, up, 0),
        flow(Direction::Down, 7_000_000, 3),
        flow(Direction::Down, 21_000_000, 3),
    ];
    outcome.flows = flows.into_iter().enumerate().map(named).collect();
    let mut links = outcome.links.clone();
    links.extend(outcome.links.clone());
    for (n, link) in links.iter_mut().enumerate() {
        names[n / 2].clone_into(&mut link.name);
        link.utilisation = Some([home, 0.1, 0.1, core][n]);
        link.rate_mbit = Some([1.0, 1.0, 8.0, 8.0][n]);
    }
    outcome.links = links;
    outcome
}

fn two_links(home: f64, core: f64) -> Outcome {
    outcome(["home", "core"], 1_750_000, home, core)
}

/// Writes `trials` (cell, number, outcome) in this order.
fn folder(dir: &std::path::Path, study: &Study, trials: &[(usize, u32, Outcome)]) -> Report {
    let mut folder = ResultFolder::open(dir, study, &run(), Mode::Force).expect("opened");
    for (cell, trial, outcome) in trials {
        let row = TrialRow { cell: *cell, trial: *trial, seed: 1, outcome, wall_s: 0.1 };
        folder.append(&row).expect("written");
    }
    drop(folder);
    finish(dir, "later", false).expect("finished")
}

fn goodputs(report: &Report) -> Vec<Option<f64>> {
    report.findings.cells.iter().map(|cell| cell.mean("goodput_mbit")).collect()
}

#[test]
fn trials_and_cells_measure_at_one_link_in_one_direction_in_whatever_order_they_finish() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let study = study(&[("a.b", &["1", "2"])]);
    // The busier link changes from trial to trial.
    let mut trials: Vec<(usize, u32, Outcome)> = vec![];
    for (n, busy) in [(1.0, 0.9), (0.9, 1.0), (0.9, 1.0)].into_iter().enumerate() {
        trials.push((0, n as u32, two_links(busy.0, busy.1)));
        trials.push((1, n as u32, two_links(0.95, 1.0)));
    }
    let report = folder(dir.path(), &study, &trials);
    assert_eq!(goodputs(&report), [Some(8.0), Some(8.0)]);
    assert_eq!(report.findings.cells[0].get("goodput_mbit").and_then(|figure| figure.ci95), Some(0.0));
    // The index is of the same place: of the downloads.
    assert!(report.findings.cells[0].mean("jain_index").is_some_and(|jain| (jain - 0.8).abs() < 1e-6));
    let text = report.findings.table.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("goodput: link core, down, the busiest on average"), "{text}");
    trials.reverse();
    let other = folder(dir.path(), &study, &trials);
    assert_eq!(
        (other.findings.cells, other.findings.table, other.findings.verdict),
        (report.findings.cells, report.findings.table, report.findings.verdict)
    );
}

#[test]
fn folders_that_are_compared_measure_at_one_place() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let study = study(&[]);
    let dirs = [(1.0, 0.9), (0.9, 1.01)].map(|(home, core)| {
        let dir = root.path().join(format!("{home}"));
        let trials = [0, 1, 2].map(|n| (0, n, two_links(home, core)));
        folder(&dir, &study, &trials);
        dir
    });
    for dirs in [dirs.to_vec(), dirs.iter().rev().cloned().collect()] {
        let (beside, _) = beside(&dirs, &|_, _| None).expect("folders");
        let text = beside.side_by_side(None, Format::Table);
        assert!(text.contains("link core, down, the busiest") && !text.contains("goodput rose"), "{text}");
    }
}

#[test]
fn where_cells_share_no_place_goodput_is_not_compared() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let study = study(&[("a.b", &["1", "2"])]);
    let cell =
        |cell: usize, name: [&str; 2], up: u64| [0, 1, 2].map(|n| (cell, n, outcome(name, up, 1.0, 0.5)));
    let mut trials = [cell(0, ["home", "core"], 1_000_000), cell(1, ["house", "net"], 3_000_000)].concat();
    let send_over = |trials: &mut Vec<(usize, u32, Outcome)>, link: u32| {
        for (_, _, outcome) in trials {
            outcome.flows[1].directions[0].as_mut().expect("an upload").links = vec![link];
        }
    };
    // Half of the uploads go over the other link.
    send_over(&mut trials, 2);
    let report = folder(dir.path(), &study, &trials);
    let reason = report.findings.verdict.last().expect("a reason");
    assert!(reason.contains("(link home, up; link house, up)"), "{reason}");
    assert!(
        report.findings.verdict.iter().all(|text| !text.contains("goodput rose")),
        "{:?}",
        report.findings.verdict
    );

    // With all uploads on either link, they are the same measure.
    send_over(&mut trials, 0);
    let report = folder(dir.path(), &study, &trials);
    assert!(
        report.findings.verdict[0].contains("goodput rose by a factor of 3"),
        "{:?}",
        report.findings.verdict
    );
    assert_eq!(report.findings.verdict.len(), 1);
}

#[test]
fn without_a_rate_the_direction_is_that_of_the_bulk_data_of_all_trials() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let trials = [10_000_000, 14_000_001, 15_000_000].map(|up| {
        let mut outcome = outcome(["home", "core"], up, 1.0, 1.0);
        for link in &mut outcome.links {
            (link.utilisation, link.rate_mbit) = (None, None);
        }
        outcome
    });
    let trials: Vec<_> = trials.into_iter().enumerate().map(|(n, outcome)| (0, n as u32, outcome)).collect();
    let report = folder(dir.path(), &study(&[]), &trials);
    assert_eq!(goodputs(&report), [Some(8.0)]);
    assert_eq!(report.findings.cells[0].get("jain_index"), None);
}
