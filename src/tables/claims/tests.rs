use super::*;
use crate::report::testing::{bulk_outcome, run, study};
use crate::report::{Mode, Report, ResultFolder, finish, plot};
use crate::tables::study::TrialRow;

const LOSS: &str = "link.a.loss";

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A claim on retransmissions.
fn claim(at_least: Option<f64>, at_most: Option<f64>) -> Claim {
    let (cells, ratio_to) = (BTreeMap::new(), BTreeMap::new());
    Claim { figure: "retransmits".to_owned(), group: None, cells, ratio_to, at_least, at_most }
}

/// Retransmissions of each trial at 1 % and at 10 % loss: means 20 and 200, ratio 10 in each pair.
const SEEN: [[u64; 3]; 2] = [[10, 20, 30], [100, 200, 300]];

/// The report of a run of so many trials each, of three that are planned.
fn report_of(claims: Vec<Claim>, trials: u32) -> (tempfile::TempDir, Report) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let study = Study { claims, ..study(&[(LOSS, &["1%", "10%"])]) };
    let mut folder = ResultFolder::open(dir.path(), &study, &run(), Mode::Fresh).expect("opened");
    for (cell, seen) in SEEN.iter().enumerate() {
        for trial in 0..trials {
            let mut outcome = bulk_outcome(1, "reno", 0.01);
            outcome.flows[0].directions[0].as_mut().expect("an upload").retransmits = seen[trial as usize];
            outcome.series = None;
            let row = TrialRow { cell, trial, seed: 1, outcome: &outcome, wall_s: 0.1 };
            folder.append(&row).expect("written");
        }
    }
    drop(folder);
    let report = finish(dir.path(), "later", false).expect("finished");
    (dir, report)
}

fn judged(claim: Claim) -> Judged {
    report_of(vec![claim], 3).1.findings.claims.remove(0)
}

#[test]
fn a_claim_holds_if_the_mean_of_every_cell_is_within_its_bounds() {
    let holds = judged(claim(Some(19.0), None));
    assert_eq!(holds.verdict, Judgement::Holds);
    assert_eq!(holds.cells.iter().map(|found| found.value).collect::<Vec<_>>(), [Some(20.0), Some(200.0)]);
    let fails = judged(claim(Some(19.0), Some(199.0)));
    assert_eq!(fails.verdict, Judgement::Fails);
    assert!(fails.text.starts_with("claim fails: retransmits from 19 to 199; 200 ("), "{}", fails.text);
    assert!(fails.text.contains("worst (loss 10 %); 1 of 2 cells fail"), "{}", fails.text);
    let one = Claim { cells: values(&[(LOSS, "1%")]), ..claim(Some(19.0), Some(199.0)) };
    assert_eq!(judged(one).verdict, Judgement::Holds);
}

#[test]
fn an_interval_that_reaches_beyond_the_bound_is_said_and_refutes_nothing() {
    let reach = "; the 95 % interval reaches beyond the bound";
    let unclear = judged(Claim { cells: values(&[(LOSS, "1%")]), ..claim(Some(19.0), None) });
    assert!(unclear.verdict == Judgement::Holds && unclear.text.ends_with(reach), "{}", unclear.text);
    assert!(!unclear.cells[0].clear);
    // 20 ± 4.303 · 10 / √3: from −4.8.
    let clear = judged(Claim { cells: values(&[(LOSS, "1%")]), ..claim(None, Some(45.0)) });
    assert!(clear.cells[0].clear && !clear.text.contains("reaches"), "{}", clear.text);
}

#[test]
fn a_ratio_is_the_geometric_mean_over_pairs_of_trials() {
    let ratio = |least| Claim { ratio_to: values(&[(LOSS, "1%")]), ..claim(Some(least), None) };
    let holds = judged(ratio(9.9));
    assert_eq!(
        (holds.verdict, holds.cells.len()),
        (Judgement::Holds, 1),
        "the other cell is what it is held against"
    );
    assert!((holds.cells[0].value.expect("pairs") - 10.0).abs() < 1e-9);
    assert!(holds.text.contains("retransmits at least 9.9 times that with loss 1 %"), "{}", holds.text);
    assert_eq!(judged(ratio(10.1)).verdict, Judgement::Fails);
}

#[test]
fn nothing_is_judged_before_all_trials_are_done_or_without_its_cell() {
    let (_dir, report) = report_of(vec![claim(Some(1e9), None)], 2);
    assert_eq!((report.findings.claims[0].verdict, report.findings.refuted()), (Judgement::Open, 0));
    assert!(
        report.findings.claims[0].text.contains("trials are missing"),
        "{}",
        report.findings.claims[0].text
    );
    let gone = Claim { cells: values(&[(LOSS, "7%")]), ..claim(Some(1e9), None) };
    assert_eq!(judged(gone).verdict, Judgement::Open);
}

#[test]
fn a_figure_that_does_not_exist_satisfies_no_bound() {
    let missing = Claim { figure: "completion_mean_s".to_owned(), ..claim(None, Some(1e9)) };
    let missing = judged(missing);
    assert_eq!(missing.verdict, Judgement::Fails);
    assert!(missing.text.contains("it does not exist in every trial"), "{}", missing.text);
}

#[test]
fn the_page_says_what_the_run_said_however_often_it_is_drawn() {
    let (dir, report) = report_of(vec![claim(Some(19.0), None), claim(None, Some(3.0))], 3);
    assert_eq!(report.findings.refuted(), 1);
    let page = || std::fs::read_to_string(dir.path().join("report.html")).expect("a page");
    assert!(page().contains("<h2>Do the claims hold?</h2>"));
    assert!(page().contains("<p class=\"warning\">claim fails: retransmits at most 3; "), "{}", page());
    assert_eq!(plot(dir.path(), false).expect("drawn").findings.claims, report.findings.claims);
}
