//! Tables of grids: for reading, and as CSV.

use std::fmt::Write as _;

use super::cell::{Beside, Cell, median};
use super::grids::{Figure, Grid, controller, models_of, number};

/// Columns of the CSV that say what a cell is, where its table has them.
const CONDITIONS: [(&str, &str); 6] = [
    ("rtt_ms", "rtt_ms"),
    ("loss", "loss"),
    ("ack_loss", "ack_loss"),
    ("rate_mbit", "rate_mbit"),
    ("queue_packets", "queue_pkts"),
    ("buffer_bdp", "buffer_bdp"),
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
    for (n, figure) in grid.figures.iter().enumerate() {
        let figures = || cells.iter().map(move |cell| &cell.figures[n]);
        if !brief {
            let models = if has_models(figure) {
                models_of(cells.first().map_or("", |cell| controller(&cell.row)))
            } else {
                &[]
            };
            let _ = write!(text, "  {:<28}{:>22}{:>10}{:>8}", figure.name, grid.whose, "ours", "ratio");
            for (name, _) in models {
                let _ = write!(text, "{:>14}", name.trim_end_matches("_mbit"));
            }
            text.push_str("  verdict\n");
        }
        for cell in cells.iter().filter(|cell| !brief || !cell.figures[n].is_within()) {
            line(&mut text, grid, cell, &cell.figures[n], has_models(figure) && !brief);
        }
        let factors: Vec<f64> = figures().filter_map(Beside::factor).collect();
        let within = figures().filter(|beside| beside.is_within()).count();
        let _ = writeln!(
            text,
            "  {}: median factor {:.3}; {within} of {} cells within their bounds",
            figure.name,
            median(factors),
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

fn line(text: &mut String, grid: &Grid, cell: &Cell, beside: &Beside, with_models: bool) {
    let [middle, least, largest] = beside.theirs;
    let range = if least < largest { format!(" ({least:.2}–{largest:.2})") } else { String::new() };
    let ours = beside.ours.map_or(f64::NAN, |(ours, _)| ours);
    let theirs = format!("{middle:.2}{range}");
    let _ = write!(
        text,
        "  {:<28}{theirs:>22}{ours:>10.2}{:>8.2}",
        conditions(grid, cell),
        beside.ratio().unwrap_or(f64::NAN),
    );
    if with_models {
        for (_, goodput) in models(cell) {
            let goodput = goodput.map_or("–".to_owned(), |goodput| format!("{goodput:.2}"));
            let _ = write!(text, "{goodput:>14}");
        }
    }
    text.push_str(if beside.is_within() { "  within\n" } else { "  beyond\n" });
}

/// Conditions of a cell in words.
fn conditions(grid: &Grid, cell: &Cell) -> String {
    let mut words = vec![format!("{} ms", number(&cell.row, "rtt_ms"))];
    for key in grid.keys {
        let value = number(&cell.row, key);
        match *key {
            "loss" => words.push(format!("{:.1} %", value * 100.0)),
            "ack_loss" => words.push(format!("ACKs {:.1} %", value * 100.0)),
            "rate_mbit" => words.push(format!("{value} Mbit/s")),
            "buffer_bdp" => words.push(format!("{value} BDP")),
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
    let mut text = String::from("grid,beside,congestion");
    for (name, _) in CONDITIONS {
        let _ = write!(text, ",{name}");
    }
    text.push_str(",figure,theirs,theirs_least,theirs_largest,ours,ours_error,ratio,low,high,verdict");
    for name in MODELS {
        let _ = write!(text, ",{name}");
    }
    text.push('\n');
    for (grid, cell) in cells {
        for (beside, figure) in cell.figures.iter().zip(grid.figures) {
            let _ = write!(text, "{},{},{}", grid.name, grid.whose, controller(&cell.row));
            for (_, column) in CONDITIONS {
                let _ = write!(text, ",{}", cell.row.get(column).copied().unwrap_or_default());
            }
            let ([middle, least, largest], (low, high)) = (beside.theirs, beside.bounds());
            let (ours, error) = beside.ours.unwrap_or((f64::NAN, f64::NAN));
            let ratio = beside.ratio().unwrap_or(f64::NAN);
            let verdict = if beside.is_within() { "within" } else { "beyond" };
            let _ = write!(
                text,
                ",{},{middle},{least},{largest},{ours:.6},{error:.6},{ratio:.4},{low:.6},{high:.6},{verdict}",
                figure.name,
            );
            for model in MODELS {
                let goodput = models(cell).find(|(name, _)| *name == model).and_then(|(_, goodput)| goodput);
                let goodput = goodput.filter(|_| has_models(figure));
                let _ = match goodput {
                    Some(goodput) => write!(text, ",{goodput:.6}"),
                    None => write!(text, ","),
                };
            }
            text.push('\n');
        }
    }
    text
}
