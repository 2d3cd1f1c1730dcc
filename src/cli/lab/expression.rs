//! Arithmetic in labs: numbers, names, `+ - * /`, brackets and the functions of [`FUNCTIONS`].

use crate::tables::models;

/// A function by the number of its arguments.
enum Function {
    One(fn(f64) -> f64),
    Two(fn(f64, f64) -> f64),
}

/// Every function. The models take a round trip in seconds and a loss from 0 to 1, and give Mbit/s.
const FUNCTIONS: &[(&str, Function)] = &[
    ("abs", Function::One(f64::abs)),
    ("ln", Function::One(f64::ln)),
    ("round", Function::One(f64::round)),
    ("sqrt", Function::One(f64::sqrt)),
    ("cbrt", Function::One(f64::cbrt)),
    ("max", Function::Two(f64::max)),
    ("min", Function::Two(f64::min)),
    ("mathis", Function::Two(models::mathis)),
    ("padhye", Function::Two(models::padhye)),
    ("cubic", Function::Two(models::cubic)),
];

/// Value of an expression, in which `named` gives the values of names. The error names the place.
pub fn evaluate(text: &str, named: &dyn Fn(&str) -> Option<f64>) -> Result<f64, String> {
    let mut reader = Reader { rest: text.trim_start(), named };
    let value = reader.sum().and_then(|value| reader.end().map(|()| value));
    let value = value.map_err(|problem| format!("{problem} in `{text}`"))?;
    if value.is_finite() { Ok(value) } else { Err(format!("`{text}` is {value}")) }
}

struct Reader<'a> {
    rest: &'a str,
    named: &'a dyn Fn(&str) -> Option<f64>,
}

impl<'a> Reader<'a> {
    fn sum(&mut self) -> Result<f64, String> {
        let mut value = self.product()?;
        loop {
            if self.takes('+') {
                value += self.product()?;
            } else if self.takes('-') {
                value -= self.product()?;
            } else {
                return Ok(value);
            }
        }
    }

    fn product(&mut self) -> Result<f64, String> {
        let mut value = self.factor()?;
        loop {
            if self.takes('*') {
                value *= self.factor()?;
            } else if self.takes('/') {
                value /= self.factor()?;
            } else {
                return Ok(value);
            }
        }
    }

    fn factor(&mut self) -> Result<f64, String> {
        if self.takes('-') {
            return self.factor().map(|value| -value);
        }
        if self.takes('(') {
            let value = self.sum()?;
            self.wants(')')?;
            return Ok(value);
        }
        let word = self.word();
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            return word.parse().map_err(|_| format!("`{word}` is no number"));
        }
        if self.takes('(') {
            return self.call(word);
        }
        match (self.named)(word) {
            Some(value) => Ok(value),
            None if word.is_empty() => Err("a value is missing".to_owned()),
            None => Err(format!("there is no `{word}`")),
        }
    }

    fn call(&mut self, name: &str) -> Result<f64, String> {
        let function = FUNCTIONS.iter().find(|(known, _)| *known == name);
        let first = self.sum()?;
        let value = match function {
            None => return Err(format!("there is no function `{name}`")),
            Some((_, Function::One(function))) => function(first),
            Some((_, Function::Two(function))) => {
                self.wants(',')?;
                function(first, self.sum()?)
            }
        };
        self.wants(')')?;
        Ok(value)
    }

    /// A name or a number, which may be empty.
    fn word(&mut self) -> &'a str {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }

    fn takes(&mut self, sign: char) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn wants(&mut self, sign: char) -> Result<(), String> {
        if self.takes(sign) { Ok(()) } else { Err(format!("`{sign}` is missing")) }
    }

    fn end(&self) -> Result<(), String> {
        if self.rest.is_empty() { Ok(()) } else { Err(format!("`{}` is too much", self.rest)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<f64, String> {
        evaluate(text, &|name| (name == "rtt_ms").then_some(40.0))
    }

    #[test]
    fn signs_bind_as_in_arithmetic() {
        assert_eq!(value("1 + 2 * 3 - 8 / 4"), Ok(5.0));
        assert_eq!(value("-(1 - 3) * rtt_ms"), Ok(80.0));
        assert_eq!(value("max(2, sqrt(16)) / 2 / 2"), Ok(1.0));
        assert_eq!(value("mathis(0.1, 0.01)"), Ok(models::mathis(0.1, 0.01)));
    }

    #[test]
    fn errors_name_their_place() {
        for (text, told) in [
            ("1 +", "a value is missing"),
            ("2 * cwnd", "there is no `cwnd`"),
            ("log(2)", "there is no function `log`"),
            ("(1", "`)` is missing"),
            ("1 2", "`2` is too much"),
            ("1 / 0", "is inf"),
            ("1.2.3", "is no number"),
        ] {
            let error = value(text).expect_err(text);
            assert!(error.contains(told) && error.contains(text), "{text}: {error}");
        }
    }
}
