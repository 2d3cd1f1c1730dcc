//! Kinds of columns, for headers and for files whose columns have types.

use super::rows::push_field;

/// Kind of what stands in a column. Of an axis, whose values are as the scenario writes them, the later hold all
/// of the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// 64 bits without a sign, as a seed is.
    Bits,
    /// A count, or another whole number.
    Integer,
    /// A number with decimals.
    Number,
    /// A name or a word.
    Text,
}

/// Columns of a table, by name.
pub type Columns = Vec<(String, Kind)>;

impl Kind {
    /// The kind of a column with these values as they are written: integers and finite numbers, or else texts.
    pub fn of<'v>(values: impl IntoIterator<Item = &'v str>) -> Kind {
        let kind = |value: &str| {
            let digits = value.strip_prefix('-').unwrap_or(value);
            if value.parse::<i64>().is_ok() {
                Kind::Integer
            } else if !digits.bytes().all(|byte| byte.is_ascii_digit())
                && value.parse().is_ok_and(|number: f64| number.is_finite())
            {
                Kind::Number
            } else {
                // An integer that is too large would lose digits as a number.
                Kind::Text
            }
        };
        values.into_iter().map(kind).max().unwrap_or(Kind::Text)
    }
}

/// Columns with names of their own.
pub fn columns(columns: &[(&str, Kind)]) -> Columns {
    columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect()
}

/// The first line of a table, with its line break.
pub fn header(columns: &Columns) -> String {
    let mut line = String::new();
    for (name, _) in columns {
        push_field(&mut line, name);
    }
    line[1..].to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_holds_all_values_and_loses_no_digit() {
        assert_eq!(Kind::of(["03", "-4"]), Kind::Integer);
        assert_eq!(Kind::of(["3", "0.5", "1e-3"]), Kind::Number);
        assert_eq!(Kind::of(["1", "reno"]), Kind::Text);
        assert_eq!(Kind::of(["18446744073709551615", "1"]), Kind::Text);
        for word in ["nan", "inf", "-infinity", "1e999", ""] {
            assert_eq!(Kind::of(["1", word]), Kind::Text, "{word}");
        }
        assert_eq!(Kind::of([]), Kind::Text);
    }
}
