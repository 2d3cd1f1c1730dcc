//! Latency of applications over time: round trips of pings, and completion times of requests.

use crate::report::error::ReportError;
use crate::tables::results::Results;
use crate::tables::rows::Table;

/// A group's answers in the first trial of a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// Name in the legend.
    pub label: String,
    /// Seconds at which each was asked for, and milliseconds that it took.
    pub points: Vec<(f64, f64)>,
    /// Seconds of those that never came.
    pub lost: Vec<f64>,
}

/// Tables of answers: their columns of seconds and of milliseconds, and words for the latter.
const TABLES: [(Table, &str, &str, &str); 2] = [
    (Table::Probes, "sent_s", "rtt_ms", "round trip"),
    (Table::Requests, "start_s", "completion_ms", "completion"),
];

/// The answers of a cell in the order of their groups' first ones.
pub fn read(results: &Results, cell: usize) -> Result<Vec<Answers>, ReportError> {
    let mut all: Vec<Answers> = Vec::new();
    let first = results.trials.of_cell(cell).next().map(|trial| trial.number);
    for (table, at, value, words) in TABLES {
        results.each_row_of(table, |of, row| {
            if of != cell || row.parse("trial") != first {
                return;
            }
            let Some(time) = row.parse::<f64>(at) else { return };
            let label = format!("{words} of {}", row.get("group"));
            let place = all.iter().position(|known| known.label == label).unwrap_or_else(|| {
                all.push(Answers { label, points: Vec::new(), lost: Vec::new() });
                all.len() - 1
            });
            match row.parse(value) {
                Some(ms) => all[place].points.push((time, ms)),
                None => all[place].lost.push(time),
            }
        })?;
    }
    // Clients of a group stand one after the other.
    for answers in &mut all {
        answers.points.sort_by(|a, b| a.0.total_cmp(&b.0));
        answers.lost.sort_by(f64::total_cmp);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Measure;
    use crate::report::testing::study;
    use crate::tables::Memory;
    use crate::tables::testing::with_measure;

    #[test]
    fn answers_are_those_of_the_first_trial_in_the_order_of_time() {
        let study =
            with_measure(with_measure(study(&[]), Measure::Probes, "ping"), Measure::Requests, "page");
        let mut memory = Memory::of(&study);
        let mut put = |table: &str, rows: &str| memory.file(table).extend_from_slice(rows.as_bytes());
        put("probes.csv", "0,1,ping-1,ping,0,2.0,30\n0,1,ping-1,ping,1,3.0,\n0,1,ping-2,ping,0,1.0,20\n");
        put("probes.csv", "0,2,ping-1,ping,0,2.0,99\n");
        put("requests.csv", "0,1,page-1,page,1,4.0,1000,500,1.5\n");
        let figures = Table::Trials.header(&study).matches(',').count() - 2;
        for trial in [1, 2] {
            put("trials.csv", &format!("0,{trial},1{}\n", ",".repeat(figures)));
        }
        let results = Results::load(std::sync::Arc::new(memory), &study).expect("loaded");
        let ping = Answers {
            label: "round trip of ping".to_owned(),
            points: vec![(1.0, 20.0), (2.0, 30.0)],
            lost: vec![3.0],
        };
        let page =
            Answers { label: "completion of page".to_owned(), points: vec![(4.0, 500.0)], lost: Vec::new() };
        assert_eq!(read(&results, 0).expect("read"), [ping, page]);
    }
}
