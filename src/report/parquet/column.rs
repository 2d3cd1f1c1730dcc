//! A column of a Parquet file: its type, and its fields in the group of rows that is being gathered.

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedColumnWriter;
use parquet::schema::types::Type;

use crate::tables::{Study, axes};

/// Columns that are texts, even where all of them look like numbers.
const TEXTS: [&str; 15] = [
    "axis",
    "client",
    "congestion",
    "direction",
    "event",
    "flow",
    "group",
    "kind",
    "limited_by",
    "link",
    "phase",
    "quantity",
    "unit",
    "value",
    "verdict",
];

/// Place of the column of that name, which is mostly the nth.
pub fn place(columns: &[Column], n: usize, name: &str) -> Option<usize> {
    let has_name = |column: &Column| column.name == name;
    if columns.get(n).is_some_and(has_name) { Some(n) } else { columns.iter().position(has_name) }
}

/// Type of a column. The later hold all of the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Integer,
    Number,
    Text,
}

impl Kind {
    /// The narrowest that holds a field.
    fn of(field: &str) -> Kind {
        let digits = field.strip_prefix('-').unwrap_or(field);
        if field.parse::<i64>().is_ok() {
            Kind::Integer
        } else if digits.bytes().all(|byte| byte.is_ascii_digit()) || field.parse::<f64>().is_err() {
            // An integer that is too large would lose digits as a number.
            Kind::Text
        } else {
            Kind::Number
        }
    }
}

/// A column, and its fields in the group of rows that is being gathered.
pub struct Column {
    name: String,
    kind: Option<Kind>,
    /// 1 for each field that exists, 0 for each null.
    exists: Vec<i16>,
    integers: Vec<i64>,
    numbers: Vec<f64>,
    texts: Vec<ByteArray>,
}

impl Column {
    pub fn new(name: &str, study: &Study) -> Column {
        let kind = if TEXTS.contains(&name) {
            Some(Kind::Text)
        } else if name == "number" || axes::is_number(study, name) {
            // The values of one run may be whole.
            Some(Kind::Number)
        } else {
            None
        };
        let (exists, integers, numbers, texts) = Default::default();
        Column { name: name.to_owned(), kind, exists, integers, numbers, texts }
    }

    /// Widens the type to hold a field.
    pub fn see(&mut self, field: &str) {
        if !field.is_empty() && self.kind != Some(Kind::Text) {
            self.kind = self.kind.max(Some(Kind::of(field)));
        }
    }

    /// Its type; a column in which nothing stands is of numbers that do not exist.
    fn kind(&self) -> Kind {
        self.kind.unwrap_or(Kind::Number)
    }

    /// Gathers a field.
    pub fn take(&mut self, field: &str) {
        let exists = !field.is_empty();
        self.exists.push(exists.into());
        match self.kind() {
            _ if !exists => {}
            Kind::Integer => self.integers.extend(field.parse::<i64>()),
            Kind::Number => self.numbers.extend(field.parse::<f64>()),
            Kind::Text => self.texts.push(field.into()),
        }
    }

    /// The column in the schema.
    pub fn field(&self) -> Result<Type, ParquetError> {
        let (physical, logical) = match self.kind() {
            Kind::Integer => (Physical::INT64, None),
            Kind::Number => (Physical::DOUBLE, None),
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        };
        let field = Type::primitive_type_builder(&self.name, physical).with_logical_type(logical);
        field.with_repetition(Repetition::OPTIONAL).build()
    }

    /// Number of fields that are gathered.
    pub fn rows(&self) -> usize {
        self.exists.len()
    }

    /// Writes what is gathered, and is empty.
    pub fn write(&mut self, mut place: SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let exists = Some(self.exists.as_slice());
        match self.kind() {
            Kind::Integer => place.typed::<Int64Type>().write_batch(&self.integers, exists, None)?,
            Kind::Number => place.typed::<DoubleType>().write_batch(&self.numbers, exists, None)?,
            Kind::Text => place.typed::<ByteArrayType>().write_batch(&self.texts, exists, None)?,
        };
        self.exists.clear();
        self.integers.clear();
        self.numbers.clear();
        self.texts.clear();
        place.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::study;

    #[test]
    fn types_hold_all_that_stands_in_a_column() {
        let study = study(&[]);
        let kind = |name: &str, fields: &[&str]| {
            let mut column = Column::new(name, &study);
            for field in fields {
                column.see(field);
            }
            column.kind()
        };
        assert_eq!(kind("x", &["", "03", "-4"]), Kind::Integer);
        assert_eq!(kind("x", &["3", "0.5", ""]), Kind::Number);
        assert_eq!(kind("x", &["", ""]), Kind::Number);
        assert_eq!(kind("x", &["1", "reno"]), Kind::Text);
        assert_eq!(kind("seed", &["18446744073709551615", "1"]), Kind::Text, "no digit is lost");
        assert_eq!(kind("group", &["1", "2"]), Kind::Text);
        assert_eq!(kind("number", &["1", "2"]), Kind::Number);
    }
}
