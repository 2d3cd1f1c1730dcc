//! A column of a Parquet file: its type, and its fields in the group of rows that is being gathered.

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedColumnWriter;
use parquet::schema::types::Type;

use crate::tables::kind::Kind;

/// Place of the column of that name, which is mostly the nth.
pub fn place(columns: &[Column], n: usize, name: &str) -> Option<usize> {
    let has_name = |column: &Column| column.name == name;
    if columns.get(n).is_some_and(has_name) { Some(n) } else { columns.iter().position(has_name) }
}

/// A column, and its fields in the group of rows that is being gathered.
pub struct Column {
    name: String,
    kind: Kind,
    /// 1 for each field that exists, 0 for each null.
    exists: Vec<i16>,
    integers: Vec<i64>,
    numbers: Vec<f64>,
    texts: Vec<ByteArray>,
}

impl Column {
    pub fn new((name, kind): (String, Kind)) -> Column {
        let (exists, integers, numbers, texts) = Default::default();
        Column { name, kind, exists, integers, numbers, texts }
    }

    /// Gathers a field; fails if it is of another kind.
    pub fn take(&mut self, field: &str) -> Result<(), ParquetError> {
        let exists = !field.is_empty();
        self.exists.push(exists.into());
        let unfit = || ParquetError::General(format!("{field} stands in column {}", self.name));
        match self.kind {
            _ if !exists => {}
            // The bits of both are the same; the schema says how they are read.
            Kind::Bits => self.integers.push(field.parse::<u64>().map_err(|_| unfit())?.cast_signed()),
            Kind::Integer => self.integers.push(field.parse().map_err(|_| unfit())?),
            Kind::Number => self.numbers.push(field.parse().map_err(|_| unfit())?),
            Kind::Text => self.texts.push(field.into()),
        }
        Ok(())
    }

    /// The column in the schema.
    pub fn field(&self) -> Result<Type, ParquetError> {
        let (physical, logical) = match self.kind {
            Kind::Bits => (Physical::INT64, Some(LogicalType::integer(64, false))),
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
        match self.kind {
            Kind::Bits | Kind::Integer => {
                place.typed::<Int64Type>().write_batch(&self.integers, exists, None)?
            }
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
