//! Labels of an axis whose values are no numbers: in lines, and in two rows where they would be cut in one.

use super::scale::Scale;
use super::style::{px, width_of, wrapped};

/// Size of the labels, that of the numbers at axes.
pub const TEXT: f64 = 14.0;

/// Lines of a label.
const LINES: usize = 3;

/// The axis below a panel, with a place for each text, in an axis of a length in drawing units.
pub fn below(texts: &[String], length: i32) -> Scale {
    scale(labels(texts, length / i32::try_from(texts.len()).unwrap_or(i32::MAX).max(1) - px(8)))
}

/// The axis beside a panel, whose labels are as wide as they need, up to a width in drawing units.
pub fn beside(texts: &[String], most: i32) -> Scale {
    scale(texts.iter().map(|text| super::style::fitting(text, TEXT, most)).collect())
}

/// True if the labels below an axis take more than half of a low panel.
pub fn are_tall(scale: &Scale) -> bool {
    scale.labels().any(|label| label.lines().count() > LINES)
}

fn scale(labels: Vec<String>) -> Scale {
    let ticks = labels.into_iter().enumerate().map(|(n, label)| (n as f64, label)).collect::<Vec<_>>();
    Scale::linear(-0.5, ticks.len() as f64 - 0.5, 1).with_ticks(ticks)
}

/// The labels in lines that fit into `room`. Where a word does not, every second label goes below the others and has
/// twice the room.
fn labels(texts: &[String], room: i32) -> Vec<String> {
    let lines = |text: &String, room: i32| wrapped(text, TEXT, room, LINES);
    let fits = |text: &String| {
        let lines = lines(text, room);
        lines.iter().all(|line| !line.ends_with('…') && width_of(line, TEXT) <= room)
    };
    if texts.iter().all(fits) {
        return texts.iter().map(|text| lines(text, room).join("\n")).collect();
    }
    let twice = |text: &String| lines(text, 2 * room + px(8));
    let upper = texts.iter().step_by(2).map(|text| twice(text).len()).max().unwrap_or(0);
    let label = |(n, text): (usize, &String)| {
        "\n".repeat(if n % 2 == 1 { upper } else { 0 }) + &twice(text).join("\n")
    };
    texts.iter().enumerate().map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(of: &[&str]) -> Vec<String> {
        of.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn words_that_would_be_cut_stand_in_two_rows() {
        let all = texts(&["reno", "cubic", "vegas", "ledbat", "bbr", "bbr3"]);
        assert_eq!(labels(&all, px(80)), all);
        assert_eq!(labels(&all, px(34)), ["reno", "\ncubic", "vegas", "\nledbat", "bbr", "\nbbr3"]);
        let bursts = texts(&["0.5%", "GE p=0.251% r=50%", "GE p=0.101% r=20%"]);
        assert_eq!(labels(&bursts, px(60))[1], "\n\nGE p=0.251%\nr=50%");
    }
}
