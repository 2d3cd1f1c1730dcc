//! Tables of grids: for reading, and as CSV.

use std::fmt::Write as _;

use super::cell::{Beside, Cell, Ours, Verdict};
use super::grids::{Figure, Grid, controller, models_of, number};
use super::order::median;

/// Columns of the CSV that say what a cell is, where its table has them.
const CONDITIONS: [(&str, &str); 13] = [
    ("sack", "sack"),
    ("pacing", "pacing"),
    ("rtt_ms", "rtt_ms"),
    ("loss", "loss"),
    ("ack_loss", "ack_loss"),
    ("rate_mbit", "rate_mbit"),
    ("queue_packets", "queue_pkts"),
    ("buffer_bdp", "buffer_bdp"),
    ("traffic", "traffic"),
    ("segments", "segments"),
    ("fin_at_once", "fin_at_once"),
    ("subset", "subset"),
    ("measure", "measure"),
];
/// Columns of a figure.
const FIGURE: [&str; 12] = [
    "figure",
    "theirs",
    "theirs_least",
    "theirs_largest",
    "ours",
    "ours_error",
    "ours_least",
    "ours_largest",
    "ratio",
    "low",
    "high",
    "verdict",
];
const MODELS: [&str; 3] = ["mathis_mbit", "padhye_mbit", "rfc9438_mbit"];

/// The names of the grids.
pub fn list(grids: &[Grid]) -> String {
    let width = grids.iter().map(|grid| grid.name.len()).max().unwrap_or(0);
    let line = |grid: &Grid| format!("{:width$}  {}: {}\n", grid.name, grid.whose, grid.summary);
    grids.iter().map(line).collect()
}

/// A grid as text; with `brief`, only what is beyond its bounds and the medians.
pub fn text(grid: &Grid, cells: &[&Cell], brief: bool) -> String {
    let mut text = format!("{}: {}, beside {}\n", grid.name, grid.summary, grid.whose);
    let width = 2 + cells.iter().map(|cell| conditions(grid, cell).len()).fold(26, usize::max);
    let controllers = || cells.iter().map(|cell| controller(&cell.row));
    let has_one = controllers().all(|name| controllers().next() == Some(name));
    for (n, figure) in grid.figures.iter().enumerate() {
        let with_models = has_one && has_models(figure) && !brief;
        let figures = || cells.iter().map(move |cell| &cell.figures[n]);
        if !brief {
            let models = if with_models { models_of(controllers().next().unwrap_or_default()) } else { &[] };
            let _ = write!(text, "  {:<width$}{:>22}{:>10}{:>8}", figure.name, grid.whose, "ours", "ratio");
            for (name, _) in models {
                let _ = write!(text, "{:>14}", name.trim_end_matches("_mbit"));
            }
            text.push_str("  verdict\n");
        }
        for cell in cells.iter().filter(|cell| !brief || cell.figures[n].verdict() == Verdict::Beyond) {
            line(&mut text, &conditions(grid, cell), width, cell, &cell.figures[n], with_models);
        }
        let factors: Vec<f64> = figures().filter_map(Beside::factor).collect();
        let count = |verdict| figures().filter(|beside| beside.verdict() == verdict).count();
        let undecided = match count(Verdict::Undecided) {
            0 => String::new(),
            n => format!(", {n} outside by no more than chance"),
        };
        let _ = writeln!(
            text,
            "  {}: median factor {:.3}; {} of {} cells within their bounds{undecided}",
            figure.name,
            median(&factors),
            count(Verdict::Within),
            cells.len(),
        );
    }
    text.push('\n');
    text
}

/// True of the figure that the models give.
fn has_models(figure: &Figure) -> bool {
    figure.name == "goodput_mbit"
}

fn line(text: &mut String, conditions: &str, width: usize, cell: &Cell, beside: &Beside, with_models: bool) {
    let [middle, least, largest] = beside.theirs;
    let range = if least < largest { format!(" ({least:.2}–{largest:.2})") } else { String::new() };
    let ours = beside.ours.map_or(f64::NAN, |ours| ours.value);
    let theirs = format!("{middle:.2}{range}");
    let _ = write!(
        text,
        "  {conditions:<width$}{theirs:>22}{ours:>10.2}{:>8.2}",
        beside.ratio().unwrap_or(f64::NAN),
    );
    if with_models {
        for (_, goodput) in models(cell) {
            let goodput = goodput.map_or("–".to_owned(), |goodput| format!("{goodput:.2}"));
            let _ = write!(text, "{goodput:>14}");
        }
    }
    let _ = write!(text, "  {}", beside.verdict().name());
    if let Some(Ours { range: [least, largest], .. }) =
        beside.ours.filter(|_| beside.verdict() == Verdict::Undecided)
    {
        let _ = write!(text, " (chance: {least:.2}–{largest:.2})");
    }
    text.push('\n');
}

/// Conditions of a cell in words.
fn conditions(grid: &Grid, cell: &Cell) -> String {
    let mut words = vec![format!("{} ms", number(&cell.row, "rtt_ms"))];
    let fixed = |key: &str| grid.rows.iter().any(|(column, _)| *column == key);
    for key in grid.keys {
        let value = number(&cell.row, key);
        match *key {
            "cc" if !fixed(key) => words.insert(0, controller(&cell.row).to_owned()),
            "sack" if value == 0.0 => words.push("no SACK".to_owned()),
            "pacing" if cell.row[key] == "internal" => words.push("paced".to_owned()),
            "loss" => words.push(format!("{:.1} %", value * 100.0)),
            "ack_loss" => words.push(format!("ACKs {:.1} %", value * 100.0)),
            "rate_mbit" => words.push(format!("{value} Mbit/s")),
            "buffer_bdp" => words.push(format!("{value} BDP")),
            "segments" => words.push(crate::units::plural(value as u64, "segment")),
            "fin_at_once" => words.push(if value > 0.0 { "FIN at once" } else { "no FIN" }.to_owned()),
            "measure" => words.push(cell.row[key].replace('_', " ")),
            _ => {}
        }
    }
    words.join(", ")
}

/// The models' goodput in a cell, where only loss limits it.
fn models(cell: &Cell) -> impl Iterator<Item = (&'static str, Option<f64>)> {
    let (rtt, loss) = (number(&cell.row, "rtt_ms") * 1e-3, number(&cell.row, "loss"));
    let rate = number(&cell.row, "rate_mbit");
    let rate = if cell.row.contains_key("seed") { 10.0 } else { rate };
    models_of(controller(&cell.row)).iter().map(move |(name, model)| {
        let goodput = (loss > 0.0).then(|| model(rtt, loss));
        (*name, goodput.filter(|&goodput| rate == 0.0 || goodput < rate))
    })
}

/// Grids as CSV: a row for each figure of each cell.
pub fn csv<'a>(cells: impl Iterator<Item = (&'a Grid, &'a Cell)>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let conditions = CONDITIONS.iter().map(|(name, _)| *name);
    let head = ["grid", "beside", "congestion"].into_iter().chain(conditions).chain(FIGURE).chain(MODELS);
    writer.write_record(head).expect("memory takes it");
    for (grid, cell) in cells {
        let models = |figure: &Figure| {
            MODELS.map(|name| {
                let goodput = models(cell).find(|(model, _)| *model == name).and_then(|(_, goodput)| goodput);
                goodput
                    .filter(|_| has_models(figure))
                    .map_or_else(String::new, |goodput| format!("{goodput:.6}"))
            })
        };
        for (beside, figure) in cell.figures.iter().zip(grid.figures) {
            let condition =
                |(_, column): (&str, &str)| cell.row.get(column).copied().unwrap_or_default().to_owned();
            let mut row = vec![grid.name.to_owned(), grid.whose.to_owned(), controller(&cell.row).to_owned()];
            row.extend(CONDITIONS.map(condition));
            row.push(figure.name.to_owned());
            row.extend(beside.theirs.map(|value| value.to_string()));
            let none = Ours { value: f64::NAN, error: f64::NAN, range: [f64::NAN; 2] };
            let Ours { value, error, range: [least, largest] } = beside.ours.unwrap_or(none);
            row.extend([value, error, least, largest].map(|value| format!("{value:.6}")));
            row.push(format!("{:.4}", beside.ratio().unwrap_or(f64::NAN)));
            row.extend(<[f64; 2]>::from(beside.bounds()).map(|bound| format!("{bound:.6}")));
            row.push(beside.verdict().name().to_owned());
            row.extend(models(figure));
            writer.write_record(row).expect("memory takes it");
        }
    }
    String::from_utf8(writer.into_inner().expect("memory takes it")).expect("fields are text")
}
