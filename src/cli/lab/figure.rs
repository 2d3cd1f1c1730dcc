//! Figures of a student's run: rows of its tables, chosen and put together as a student does it with pandas.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::tables::Results;
use crate::tables::results::Row;

/// A figure: the values of a column in some rows of a table, put together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// File without `.csv`; `series/NAME` is that of the first trial that has series.
    table: String,
    column: String,
    /// Values of axes and of other columns in the rows that are meant.
    #[serde(default, rename = "where")]
    rows: BTreeMap<String, String>,
    #[serde(default)]
    take: Take,
    /// Seconds at which the rows of a series begin and end.
    from: Option<f64>,
    to: Option<f64>,
}

/// Way from the values of rows to one.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Take {
    #[default]
    Mean,
    Sum,
    Count,
    Least,
    Most,
    P95,
}

impl Figure {
    /// Its value in these results; `filled` puts parameters in their places.
    pub fn of(&self, results: &Results, filled: &dyn Fn(&str) -> String) -> Result<f64, String> {
        let study = &results.study;
        let wanted: Vec<(&str, String)> =
            self.rows.iter().map(|(key, value)| (key.as_str(), filled(value))).collect();
        let axis = |key: &str| study.axes.iter().position(|axis| axis.key == key);
        let (axes, columns): (Vec<_>, Vec<_>) = wanted.iter().partition(|(key, _)| axis(key).is_some());
        let is_meant = |cell: usize| {
            let values = study.values(cell);
            axes.iter().all(|(key, value)| axis(key).is_some_and(|axis| values[axis] == value))
        };
        let mut values = Vec::new();
        let mut take = |row: &Row<'_>| {
            let is_in_time = |row: &Row<'_>| match (self.from, self.to) {
                (None, None) => true,
                (from, to) => row.parse::<f64>("time_s").is_some_and(|time| {
                    from.is_none_or(|from| time >= from) && to.is_none_or(|to| time < to)
                }),
            };
            if columns.iter().all(|(key, value)| row.get(key) == value) && is_in_time(row) {
                values.push(row.parse::<f64>(&self.column));
            }
        };
        let unread = |error: crate::tables::FileError| error.to_string();
        match self.table.strip_prefix("series/") {
            Some(name) => {
                for cell in (0..study.cells()).filter(|cell| is_meant(*cell)) {
                    let folder = results.series_dir(cell).ok_or("there are no series")?;
                    results.each_row(&folder.join(name).with_extension("csv"), &mut take).map_err(unread)?;
                }
            }
            None => {
                let file = Path::new(&self.table).with_extension("csv");
                let of_cell = |row: &Row<'_>| {
                    if row.parse("cell").is_some_and(is_meant) {
                        take(row);
                    }
                };
                results.each_row(&file, of_cell).map_err(unread)?;
            }
        }
        self.take.of(&values).ok_or_else(|| {
            let rows: Vec<String> = wanted.iter().map(|(key, value)| format!("{key} = {value}")).collect();
            format!("there is no `{}` in {} where {}", self.column, self.table, rows.join(", "))
        })
    }
}

impl Take {
    fn of(self, values: &[Option<f64>]) -> Option<f64> {
        let mut known: Vec<f64> = values.iter().copied().flatten().collect();
        let sum: f64 = known.iter().sum();
        match self {
            Take::Count => Some(values.len() as f64),
            Take::Sum => Some(sum),
            Take::Mean => (!known.is_empty()).then(|| sum / known.len() as f64),
            Take::Least => known.into_iter().reduce(f64::min),
            Take::Most => known.into_iter().reduce(f64::max),
            Take::P95 => {
                // The least value that 95 % do not exceed.
                known.sort_by(f64::total_cmp);
                let rank = (0.95 * known.len() as f64).ceil() as usize;
                known.get(rank.saturating_sub(1)).copied()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Take;

    #[test]
    fn values_are_put_together() {
        let values: Vec<Option<f64>> = (1..=40).map(|n| Some(f64::from(n))).chain([None]).collect();
        let of = |take: Take| take.of(&values);
        assert_eq!(of(Take::Mean), Some(20.5));
        assert_eq!(of(Take::Sum), Some(820.0));
        assert_eq!(of(Take::Count), Some(41.0));
        assert_eq!((of(Take::Least), of(Take::Most)), (Some(1.0), Some(40.0)));
        assert_eq!(of(Take::P95), Some(38.0));
        assert_eq!(Take::Mean.of(&[None]), None);
    }
}
