//! Columns of rows: names beside what stands under them.

use super::{push, push_field, push_number};
use crate::tables::kind::Kind;

/// A column of rows: its name beside what stands under it.
pub struct Column<R> {
    name: &'static str,
    field: Field<R>,
}

/// Field of a row in a column.
pub enum Field<R> {
    Text(for<'a> fn(&'a R) -> &'a str),
    Count(fn(&R) -> u64),
    /// A number with its decimals; empty if it does not exist.
    Number(fn(&R) -> Option<f64>, usize),
}

pub const fn column<R>(name: &'static str, field: Field<R>) -> Column<R> {
    Column { name, field }
}

pub fn kinds<R>(columns: &[Column<R>]) -> Vec<(&'static str, Kind)> {
    let kind = |field: &Field<R>| match field {
        Field::Text(_) => Kind::Text,
        Field::Count(_) => Kind::Integer,
        Field::Number(..) => Kind::Number,
    };
    columns.iter().map(|column| (column.name, kind(&column.field))).collect()
}

pub fn write_rows<R>(
    text: &mut String,
    prefix: &str,
    columns: &[Column<R>],
    rows: impl IntoIterator<Item = R>,
) {
    for row in rows {
        text.push_str(prefix);
        for column in columns {
            match &column.field {
                Field::Text(value) => push_field(text, value(&row)),
                Field::Count(value) => push(text, value(&row)),
                Field::Number(value, decimals) => push_number(text, value(&row), *decimals),
            }
        }
        text.push('\n');
    }
}
