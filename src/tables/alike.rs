//! Cells that came out equal in every figure although an axis tells them apart: the axis did nothing there.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::results::{Results, Trial};

/// Sentence about each axis, with the cells that it is about.
pub(super) fn find(results: &Results) -> Vec<(String, Vec<usize>)> {
    let study = &results.study;
    let figures = figures(results);
    let mut found = vec![];
    for (i, axis) in study.axes.iter().enumerate().filter(|(_, axis)| axis.values.len() > 1) {
        let n = axis.values.len();
        let stride: usize = study.axes[i + 1..].iter().map(|axis| axis.values.len()).product();
        // Values that came out alike, and the combinations of the other axes' values in which they did.
        let mut alike: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
        for row in 0..study.cells() / n {
            let cell = |value: usize| row / stride * stride * n + value * stride + row % stride;
            let mut values: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
            for value in 0..n {
                if let Some(figures) = figures.get(&cell(value)) {
                    values.entry(*figures).or_default().push(value);
                }
            }
            for values in values.into_values().filter(|values| values.len() > 1) {
                let cells = values.iter().map(|value| cell(*value)).collect::<Vec<_>>();
                alike.entry(values).or_default().extend(cells);
            }
        }
        for (values, cells) in alike {
            let names: Vec<String> = values.iter().map(|value| axis.spelled(&axis.values[*value])).collect();
            let (rows, all) = (cells.len() / values.len(), study.cells() / n);
            let part = if rows < all {
                format!(" in {rows} of {all} combinations of the other axes")
            } else {
                String::new()
            };
            let text = format!(
                "{} made no difference: {} came out equal in every figure{part}",
                study.heading(i),
                names.join(" and ")
            );
            found.push((text, cells));
        }
    }
    found
}

/// Fingerprint of the figures of all trials of each cell; trials in which nothing arrived are left out, since
/// they are alike whatever an axis does.
fn figures(results: &Results) -> BTreeMap<usize, u64> {
    let of = |cell: usize| {
        let goodput = results.figure("goodput_mbit");
        let is_silent = |trial: &Trial<'_>| goodput.is_some_and(|column| trial.figure(column) == Some(0.0));
        let silent = results.trials.of_cell(cell).map(|trial| is_silent(&trial));
        let (mut hasher, mut any) = (DefaultHasher::new(), false);
        for ((number, figures), _) in
            results.figures_of_network(cell).zip(silent).filter(|(_, silent)| !silent)
        {
            (number, figures.into_iter().map(|value| value.map(f64::to_bits)).collect::<Vec<_>>())
                .hash(&mut hasher);
            any = true;
        }
        any.then(|| (cell, hasher.finish()))
    };
    results.cells_with_trials().into_iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use crate::report::testing::{Model, fill, study};
    use crate::report::{Report, finish};

    /// A grid of losses (that nothing heeds, say) and controllers.
    fn report(loss_of: fn(usize) -> f64) -> Report {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let study = study(&[("link.a.loss", &["0%", "1%"]), ("tcp.congestion", &["none", "reno"])]);
        fill(dir.path(), &study, |cell, trial| Model {
            seed: trial.into(),
            congestion: if cell % 2 == 0 { "none" } else { "reno" },
            loss: loss_of(cell),
            flows: 1,
            chat: false,
            seconds: 5,
        });
        finish(dir.path(), "later", false).expect("finished")
    }

    fn said(report: &Report) -> Vec<String> {
        report
            .findings
            .warnings
            .iter()
            .map(ToString::to_string)
            .filter(|text| text.contains("made no difference"))
            .collect()
    }

    #[test]
    fn an_axis_that_made_no_difference_is_named_with_its_cells() {
        let same = said(&report(|_| 0.01));
        assert!(
            same[0].starts_with("loss made no difference: 0 % and 1 % came out equal in every figure")
                && same[0].ends_with("(cells 0, 1, 2, 3)"),
            "{same:?}"
        );
        let part = said(&report(|cell| if cell == 3 { 0.03 } else { 0.01 }));
        assert_eq!(part.len(), 1, "{part:?}");
        assert!(part[0].contains("in 1 of 2 combinations") && part[0].ends_with("(cells 0, 2)"), "{part:?}");
        assert_eq!(said(&report(|cell| if cell < 2 { 0.01 } else { 0.03 })), Vec::<String>::new());
    }
}
