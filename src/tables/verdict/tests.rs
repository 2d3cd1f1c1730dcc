//! Sentences about what changed and what stayed.

use super::*;
use crate::tables::figures;
use crate::tables::testing::study;

/// Trials with the given goodputs; all else is the same in all.
fn results(study: &Study, goodputs: &[&[f64]]) -> Results {
    let columns = figures::of_study(study).count();
    let trials = goodputs.iter().enumerate().flat_map(|(cell, values)| {
        values.iter().enumerate().map(move |(trial, goodput)| {
            let mut figures = vec![Some(5.0); columns];
            figures[0] = Some(*goodput);
            for name in ["completion_mean_s", "completion_p50_s", "completion_p95_s"] {
                let column = figures::of_study(study).position(|figure| figure.column == name);
                figures[column.expect("a figure")] = None;
            }
            ((cell, trial as u32), figures)
        })
    });
    Results::of_trials(study.clone(), trials, Vec::new())
}

/// Gives trials another value of a figure, by their cells and numbers.
fn change(results: &mut Results, figure: &str, value: impl Fn(usize, u32) -> Option<f64>) {
    let column = results.figure(figure).expect("a figure");
    for trial in results.trials.clone().iter() {
        if let Some(value) = value(trial.cell, trial.number) {
            results.trials.set(trial.place(), column, Some(value));
        }
    }
}

fn of(results: &Results) -> Vec<String> {
    let cells = crate::tables::summary::of_all(results).expect("no files are read");
    sentences(results, &cells)
}

#[test]
fn claims_only_what_the_paired_interval_supports() {
    let study = study(&[("tcp.congestion", &["none", "reno"])]);
    let clear = of(&results(&study, &[&[4.0, 5.0, 6.0], &[1.5, 2.1, 2.4]]));
    assert_eq!(clear, ["With reno instead of none, goodput fell by a factor of 2.51 (2.18–2.89)."]);
    let unclear = of(&results(&study, &[&[4.0, 5.0, 6.0], &[6.0, 5.0, 4.5]]));
    let words = "no statistically clear difference in goodput (n = 3; more trials needed).";
    assert_eq!(unclear, [format!("With reno instead of none, {words}")]);
}

#[test]
fn figures_far_apart_in_every_pair_are_never_said_to_be_alike() {
    let study = study(&[("tcp.congestion", &["none", "reno"])]);
    let text = of(&results(&study, &[&[28.0, 10.0, 30.0], &[2.0, 5.0, 3.0]]));
    assert!(text[0].contains("(n = 3; more trials needed)"), "{text:?}");
}

#[test]
fn fewer_than_three_trials_allow_no_verdict() {
    let study = study(&[("tcp.congestion", &["none", "reno"])]);
    for (n, goodputs) in [(1, [&[4.0][..], &[1.0]]), (2, [&[4.0, 4.0], &[1.0, 1.0]])] {
        let text = of(&results(&study, &goodputs));
        let end = format!("no verdict (n = {n}; at least 3 trials needed).");
        assert!(text[0].contains("goodput 1 instead of 4 Mbit/s") && text[0].ends_with(&end), "{text:?}");
    }
    let certain = of(&results(&Study { random: false, ..study }, &[&[4.0], &[1.0]]));
    let end = "nothing in the scenario is random, so one trial is enough.";
    assert!(certain[0].ends_with(end), "{certain:?}");
}

#[test]
fn numbers_are_compared_from_the_smallest_to_the_largest() {
    let study = study(&[("link.a.rate", &["1gbit", "500kbit", "2mbit"])]);
    let text = of(&results(&study, &[&[900.0, 901.0, 902.0], &[0.4, 0.41, 0.4], &[1.9, 1.91, 1.9]]));
    assert!(text[0].starts_with("With rate 1 Gbit/s instead of 500 kbit/s, goodput rose"), "{text:?}");
    assert!(text[1].starts_with("With rate 1 Gbit/s instead of 2 Mbit/s, goodput rose"), "{text:?}");
}

#[test]
fn compares_controllers_where_it_is_hardest_and_where_it_is_easiest() {
    let study = study(&[("tcp.congestion", &["none", "reno"]), ("link.a.loss", &["0%", "1%", "10%"])]);
    let pair = |from, to, axis| Pair { from, to, axis };
    // First what reno, the last, makes of loss.
    let expected = [pair(3, 5, 1), pair(2, 5, 0), pair(0, 3, 0), pair(0, 2, 1)];
    assert_eq!(pairs(&study), expected);
    assert_eq!(pairs(&loss_study()), [pair(0, 2, 0), pair(1, 2, 0)]);
    let appended =
        super::super::testing::study(&[("tcp.congestion", &["reno"]), ("link.a.loss", &["1%", "10%", "3%"])]);
    assert_eq!(pairs(&appended), [pair(0, 1, 1), pair(2, 1, 1)]);
}

#[test]
fn what_stayed_is_said_with_its_bound() {
    let study = study(&[("tcp.congestion", &["none", "reno"])]);
    let text = of(&results(&study, &[&[19.30, 19.31, 19.32], &[19.31, 19.32, 19.33]]));
    assert_eq!(text, ["With reno instead of none, goodput stayed the same to within 0.1 %."]);
}

#[test]
fn what_stayed_stands_beside_what_changed() {
    let study = study(&[("tcp.congestion", &["none", "reno"])]);
    let mut results = results(&study, &[&[9.92, 9.93, 9.94], &[10.06, 10.07, 10.08]]);
    change(&mut results, "retransmits", |cell, trial| (cell == 1).then(|| 1.0 + 0.1 * f64::from(trial)));
    let text = of(&results).join(" ");
    let words = "retransmits fell by a factor of 4.6 (3.6–5.7) and goodput stayed the same to within 1.5 %.";
    assert!(text.ends_with(words), "{text}");
}

#[test]
fn a_transfer_of_a_given_size_is_compared_by_its_time() {
    let study = study(&[("tcp.congestion", &["none", "reno"])]);
    let mut results = results(&study, &[&[4.0, 4.0, 4.0], &[4.0, 4.0, 4.0]]);
    change(&mut results, "completion_mean_s", |cell, _| Some(if cell == 0 { 2.0 } else { 6.0 }));
    assert_eq!(of(&results), ["With reno instead of none, completion time rose by a factor of 3."]);
}

#[test]
fn of_an_axis_that_did_nothing_no_figure_is_said_to_have_stayed() {
    let study = study(&[("congestion.cubic.beta", &["0.5", "0.9"])]);
    for n in [1, 3] {
        let goodputs = &[4.0, 5.0, 6.0][..n];
        let text = of(&results(&study, &[goodputs, goodputs]));
        assert_eq!(text, ["With beta 0.9 instead of 0.5, no figure changed."]);
    }
}

#[test]
fn a_figure_that_stayed_exactly_what_it_was_has_no_bound() {
    let study = study(&[("tcp.congestion", &["none", "reno"])]);
    let mut results = results(&study, &[&[4.0, 5.0, 6.0], &[4.0, 5.0, 6.0]]);
    change(&mut results, "retransmits", |cell, _| (cell == 1).then_some(20.0));
    let words = "With reno instead of none, retransmits rose by a factor of 4 and goodput stayed the same.";
    assert_eq!(of(&results), [words]);
}

#[test]
fn goodput_of_different_places_is_not_compared() {
    let study = study(&[("tcp.congestion", &["none", "reno"])]);
    let mut results = results(&study, &[&[4.0, 5.0, 6.0], &[1.5, 2.1, 2.4]]);
    results.measured = Measured::Apart("link core, down; link home, up".to_owned());
    let text = of(&results);
    assert!(!text[0].contains("goodput"), "{text:?}");
    assert!(text[1].contains("not compared") && text[1].contains("link home, up"), "{text:?}");
}

fn loss_study() -> Study {
    study(&[("link.a.loss", &["0%", "1%", "10%"])])
}

#[test]
fn a_single_cell_is_described() {
    let text = of(&results(&study(&[]), &[&[4.0, 5.0, 6.0]]));
    assert_eq!(text, ["Over 3 trials: goodput 5.0 ± 2.5 Mbit/s, retransmits 5 ± 0."]);
}

#[test]
fn of_a_single_cell_without_figures_nothing_is_said() {
    let cell = CellSummary { cell: 0, values: vec![], n: 2, figures: vec![], groups: vec![] };
    assert_eq!(alone(&cell), None);
}
