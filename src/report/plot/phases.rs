//! Phases of model-based controllers such as BBR, as a strip of colours.

use plotters::style::RGBColor;

use super::data::Flow;
use super::panel::Chart;
use super::sheet::{Key, Symbol};
use super::style::Drawn;
use crate::facts::Phase;

/// Beginning of the word, label and colour of each phase that the strip shows: versions of BBR divide some. In grey
/// they differ from one another, from the warm-up and from a recovery episode.
/// Those of window-based controllers show in the window itself.
const SHOWN: [(&str, &str, RGBColor); 4] = [
    ("startup", "startup", RGBColor(196, 104, 24)),
    ("drain", "drain", RGBColor(206, 132, 176)),
    ("probe_bw", "probing bandwidth", RGBColor(172, 212, 164)),
    ("probe_rtt", "probing RTT", RGBColor(78, 52, 128)),
];

/// Place of a phase in the table.
fn place(phase: Phase) -> Option<usize> {
    SHOWN.iter().position(|(word, ..)| phase.name().starts_with(word))
}

/// The spans of time of each of the table's phases.
fn spans(flow: &Flow) -> [Vec<(f64, f64)>; 4] {
    let mut spans: [Vec<(f64, f64)>; 4] = Default::default();
    let places: Vec<Option<usize>> = flow.phase.iter().map(|phase| phase.and_then(place)).collect();
    let mut first = 0;
    for run in places.chunk_by(PartialEq::eq) {
        let next = (first + run.len()).min(flow.time_s.len() - 1);
        if let Some(place) = run[0] {
            spans[place].push((flow.time_s[first], flow.time_s[next]));
        }
        first += run.len();
    }
    spans
}

/// Draws those of a flow between two times into the `row`th strip of a panel.
pub fn draw(chart: &Chart<'_>, flow: &Flow, (from, to): (f64, f64), row: i32) -> Drawn {
    for (spans, (.., color)) in spans(flow).iter().zip(SHOWN) {
        let seen = spans.iter().filter(|(began, ended)| *began < to && *ended > from);
        let cut: Vec<(f64, f64)> = seen.map(|(began, ended)| (began.max(from), ended.min(to))).collect();
        chart.bars(&cut, row, color)?;
    }
    Ok(())
}

/// The legend of the phases that these flows had.
pub fn legend<'a>(flows: impl Iterator<Item = &'a Flow>) -> Vec<Key> {
    let mut seen = [false; 4];
    let phases = flows.flat_map(|flow| flow.phase.iter().flatten());
    phases.filter_map(|phase| place(*phase)).for_each(|n| seen[n] = true);
    let key = |(n, (_, label, color)): (usize, (&str, &str, RGBColor))| {
        seen[n].then(|| Key { label: label.to_owned(), symbol: Symbol::Patch(color) })
    };
    SHOWN.into_iter().enumerate().filter_map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::super::style::{RECOVERY, SHADE};
    use super::*;

    #[test]
    fn a_phase_lasts_until_the_sample_of_the_next() {
        let phase =
            [Phase::Startup, Phase::Startup, Phase::Recovery, Phase::Drain, Phase::ProbeRtt].map(Some);
        let flow = Flow { time_s: vec![0.0, 1.0, 2.0, 3.0, 4.0], phase: phase.to_vec(), ..Flow::default() };
        let [startup, drain, bandwidth, rtt] = spans(&flow);
        assert_eq!((startup, drain), (vec![(0.0, 2.0)], vec![(3.0, 4.0)]));
        assert_eq!((bandwidth, rtt), (vec![], vec![(4.0, 4.0)]));
        let labels: Vec<String> = legend([&flow].into_iter()).into_iter().map(|key| key.label).collect();
        assert_eq!(labels, ["startup", "drain", "probing RTT"]);
    }

    #[test]
    fn phases_stay_apart_in_grey() {
        // Luma of ITU-R BT.601, which printers and grey screens come near.
        let luma =
            |RGBColor(r, g, b): RGBColor| 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b);
        let apart = |one: RGBColor, other: RGBColor| (luma(one) - luma(other)).abs();
        for (n, one) in SHOWN.iter().enumerate() {
            assert!(SHOWN[..n].iter().all(|other| apart(one.2, other.2) > 30.0), "{}", one.0);
            assert!([RECOVERY, SHADE].into_iter().all(|other| apart(one.2, other) > 20.0), "{}", one.0);
        }
    }

    #[test]
    fn window_based_controllers_have_no_strip() {
        let phase = vec![Some(Phase::SlowStart), Some(Phase::CongestionAvoidance), None];
        let flow = Flow { time_s: vec![0.0, 1.0, 2.0], phase, ..Flow::default() };
        assert!(spans(&flow).iter().all(Vec::is_empty) && legend([&flow].into_iter()).is_empty());
    }
}
