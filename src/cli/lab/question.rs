//! Questions, their keys, and the marks of answers: the one judge of `check` and of `grade`.

use serde::Deserialize;
use toml::Value;

use super::expression::evaluate;

/// A question. Its key is an expression over figures of the student's own run, never a literal.
#[derive(Debug, Deserialize)]
pub struct Question {
    /// Name in `answers.toml`.
    pub id: String,
    pub text: String,
    /// Question that is asked before there is anything to see.
    pub predict: String,
    #[serde(flatten)]
    pub kind: Kind,
    /// Hints after the first and after the second wrong answer.
    pub hints: [String; 2],
}

/// Kind of an answer.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Kind {
    /// A number.
    Number {
        key: String,
        #[serde(default)]
        unit: String,
        /// Share of the key by which an answer may differ.
        tolerance: f64,
        /// Typical wrong answers, each with the mistake that leads to it.
        wrong: Vec<Mistake>,
    },
    /// The choice with the largest value.
    Choice { choices: Vec<Choice> },
    /// All choices from the largest value to the least.
    Order { choices: Vec<Choice> },
}

/// A wrong answer that students give.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mistake {
    pub by: String,
    pub gives: String,
}

/// Something to choose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    pub name: String,
    /// Explanation in the handout.
    #[serde(default)]
    pub says: String,
    /// Expression whose value decides; no student sees it.
    of: String,
}

/// The right answer of one student.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    Number {
        value: f64,
        tolerance: f64,
        /// Values of typical mistakes, with their words.
        mistakes: Vec<(String, f64)>,
    },
    /// Names in order; a choice has one.
    Names(Vec<String>),
}

/// Mark of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    Right,
    Wrong,
    /// There is none.
    Empty,
    /// It is no answer to this kind of question; how to write one.
    Unreadable(String),
}

/// Values of names in expressions.
pub type Named<'a> = &'a dyn Fn(&str) -> Option<f64>;

impl Question {
    /// The right answer, of the figures and parameters of a student.
    pub fn key(&self, named: Named<'_>) -> Result<Key, String> {
        let key = match &self.kind {
            Kind::Number { key, tolerance, wrong, .. } => number_key(key, *tolerance, wrong, named),
            Kind::Choice { choices } => {
                ranked(choices, named).map(|ranked| Key::Names(vec![ranked[0].0.clone()]))
            }
            Kind::Order { choices } => ranked(choices, named)
                .map(|ranked| Key::Names(ranked.into_iter().map(|(name, _)| name).collect())),
        };
        key.map_err(|problem| format!("question `{}`: {problem}", self.id))
    }

    /// The mark of an answer.
    pub fn mark(&self, answer: Option<&Value>, key: &Key) -> Mark {
        let Some(answer) = answer.filter(|answer| !is_blank(answer)) else { return Mark::Empty };
        match (&self.kind, key) {
            (Kind::Number { unit, .. }, Key::Number { value, tolerance, .. }) => match number(answer, unit) {
                None => Mark::Unreadable(format!("write a number{}, such as 12.5", of_unit(unit))),
                Some(found) if is_near(found, *value, *tolerance) => Mark::Right,
                Some(_) => Mark::Wrong,
            },
            (Kind::Choice { choices } | Kind::Order { choices }, Key::Names(right)) => {
                let names = names(answer);
                let is_known = |name: &String| choices.iter().any(|choice| choice.name == *name);
                if names == *right {
                    Mark::Right
                } else if names.len() == right.len() && names.iter().all(is_known) {
                    Mark::Wrong
                } else {
                    let known: Vec<&str> = choices.iter().map(|choice| choice.name.as_str()).collect();
                    let known = known.join(", ");
                    Mark::Unreadable(match right.len() {
                        1 => format!("choose one of {known}"),
                        _ => format!("put these in order, with commas: {known}"),
                    })
                }
            }
            _ => Mark::Wrong,
        }
    }

    /// Typical mistake that leads to a wrong answer, in words.
    pub fn mistake<'a>(&self, answer: &Value, key: &'a Key) -> Option<&'a str> {
        let (Kind::Number { unit, .. }, Key::Number { tolerance, mistakes, .. }) = (&self.kind, key) else {
            return None;
        };
        let found = number(answer, unit)?;
        mistakes.iter().find(|(_, value)| is_near(found, *value, *tolerance)).map(|(by, _)| by.as_str())
    }

    /// Wrong answers, each with its mistake: those of the file, all other choices, neighbours exchanged.
    #[cfg(test)]
    pub fn wrong_answers(&self, key: &Key, named: Named<'_>) -> Result<Vec<(String, Value)>, String> {
        let written = |names: &[String]| Value::String(names.join(", "));
        Ok(match (&self.kind, key) {
            (Kind::Choice { choices }, _) => {
                let ranked = ranked(choices, named)?;
                ranked[1..].iter().map(|(name, _)| (name.clone(), Value::String(name.clone()))).collect()
            }
            (_, Key::Names(names)) => {
                let swapped = |place: usize| {
                    let mut names = names.clone();
                    names.swap(place, place + 1);
                    (format!("{} before {}", names[place], names[place + 1]), written(&names))
                };
                let reversed: Vec<String> = names.iter().rev().cloned().collect();
                let reversed = ("reversed".to_owned(), written(&reversed));
                (0..names.len() - 1).map(swapped).chain([reversed]).collect()
            }
            (_, Key::Number { mistakes, .. }) => {
                mistakes.iter().map(|(by, value)| (by.clone(), Value::Float(*value))).collect()
            }
        })
    }

    /// Least distance between the values of choices that the answer tells apart, as a share of the larger one.
    #[cfg(test)]
    pub fn clearness(&self, named: Named<'_>) -> Result<Option<f64>, String> {
        let apart = |pair: &[(String, f64)]| (pair[0].1 - pair[1].1) / pair[0].1.abs().max(pair[1].1.abs());
        Ok(match &self.kind {
            Kind::Number { .. } => None,
            Kind::Choice { choices } => Some(apart(&ranked(choices, named)?[..2])),
            Kind::Order { choices } => ranked(choices, named)?.windows(2).map(apart).reduce(f64::min),
        })
    }
}

fn number_key(key: &str, tolerance: f64, wrong: &[Mistake], named: Named<'_>) -> Result<Key, String> {
    let mistake = |mistake: &Mistake| Ok((mistake.by.clone(), evaluate(&mistake.gives, named)?));
    let mistakes = wrong.iter().map(mistake).collect::<Result<_, String>>()?;
    Ok(Key::Number { value: evaluate(key, named)?, tolerance, mistakes })
}

fn is_near(found: f64, value: f64, tolerance: f64) -> bool {
    (found - value).abs() <= tolerance * value.abs()
}

/// The choices with their values, the largest first.
fn ranked(choices: &[Choice], named: Named<'_>) -> Result<Vec<(String, f64)>, String> {
    let value = |choice: &Choice| Ok((choice.name.clone(), evaluate(&choice.of, named)?));
    let mut ranked = choices.iter().map(value).collect::<Result<Vec<_>, String>>()?;
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(ranked)
}

/// True if nobody wrote anything there.
pub fn is_blank(value: &Value) -> bool {
    match value {
        Value::String(text) => text.trim().is_empty(),
        Value::Array(values) => values.is_empty(),
        _ => false,
    }
}

/// A number, or the text of one with or without its unit.
fn number(answer: &Value, unit: &str) -> Option<f64> {
    let number = match answer {
        Value::Integer(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::String(text) => text.trim().trim_end_matches(unit).trim_end().parse().ok(),
        _ => None,
    };
    number.filter(|number: &f64| number.is_finite())
}

/// Names in a text with commas, or in a list.
fn names(answer: &Value) -> Vec<String> {
    let name = |text: &str| text.trim().to_lowercase();
    match answer {
        Value::String(text) => text.split([',', '>']).map(name).collect(),
        Value::Array(values) => values.iter().filter_map(Value::as_str).map(name).collect(),
        _ => Vec::new(),
    }
}

fn of_unit(unit: &str) -> String {
    if unit.is_empty() { String::new() } else { format!(" of {unit}") }
}

impl Key {
    /// The answer as a student may write it.
    #[cfg(test)]
    pub fn written(&self) -> Value {
        match self {
            Key::Number { value, .. } => Value::Float(*value),
            Key::Names(names) => Value::String(names.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(kind: &str) -> Question {
        let text = format!("id = \"x\"\ntext = \"?\"\npredict = \"?\"\nhints = [\"a\", \"b\"]\n{kind}");
        toml::from_str(&text).expect("a question")
    }

    fn named(name: &str) -> Option<f64> {
        [("a", 3.0), ("b", 2.0), ("c", 1.0)].iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    const CHOICES: &str = "choices = [{ name = \"c\", of = \"c\" }, { name = \"a\", of = \"a\" }, { name = \"b\", of = \"b\" }]";

    #[test]
    fn numbers_are_read_with_and_without_their_unit() {
        let question =
            question("kind = \"number\"\nunit = \"ms\"\nkey = \"10 * a\"\ntolerance = 0.05\nwrong = []");
        let key = question.key(&named).expect("a key");
        let mark = |answer: Value| question.mark(Some(&answer), &key);
        let text = |text: &str| Value::String(text.to_owned());
        for right in [Value::Integer(30), Value::Float(31.4), text("30 ms"), text(" 28.6ms"), text("3e1")] {
            assert_eq!(mark(right.clone()), Mark::Right, "{right}");
        }
        assert_eq!(mark(Value::Float(31.6)), Mark::Wrong);
        assert_eq!(question.mistake(&text("15.1"), &key), Some("half"));
        assert_eq!(question.mistake(&text("17"), &key), None);
        assert_eq!((mark(text(" ")), question.mark(None, &key)), (Mark::Empty, Mark::Empty));
        for unreadable in [text("thirty"), text("30,5"), Value::Boolean(true), Value::Float(f64::NAN)] {
            assert!(matches!(mark(unreadable.clone()), Mark::Unreadable(_)), "{unreadable}");
        }
    }

    #[test]
    fn a_choice_is_the_largest_and_an_order_begins_with_it() {
        let text = |text: &str| Value::String(text.to_owned());
        let choice = question(&format!("kind = \"choice\"\n{CHOICES}"));
        let key = choice.key(&named).expect("a key");
        assert_eq!(choice.mark(Some(&text("A ")), &key), Mark::Right);
        assert_eq!(choice.mark(Some(&text("b")), &key), Mark::Wrong);
        assert!(matches!(choice.mark(Some(&text("d")), &key), Mark::Unreadable(_)));
        let order = question(&format!("kind = \"order\"\n{CHOICES}"));
        let key = order.key(&named).expect("a key");
        assert_eq!(order.mark(Some(&text("a, b > c")), &key), Mark::Right);
        assert_eq!(order.mark(Some(&Value::Array(["a", "b", "c"].map(text).into())), &key), Mark::Right);
        assert_eq!(order.mark(Some(&text("b, a, c")), &key), Mark::Wrong);
        assert!(matches!(order.mark(Some(&text("a, b")), &key), Mark::Unreadable(_)));
    }
}
