//! The forms of values: what a key with one value takes, as a kind for those who describe it and as a
//! typed value for its field.

use super::Limit;
use super::kind::Kind;
use super::leaf::{self, Fault};
use super::tree::{Node, Value};
use super::visit::At;
use crate::congestion::{self, Algorithm, Choice};
use crate::time::{Duration, Instant};
use crate::units::{self, Bytes};

/// Reads and writes the values of a field of type `T`.
pub(super) trait Form<T> {
    /// The kind of value.
    fn kind(&self) -> Kind;

    /// The value that stands there. A fault is dropped: the first pass over the file has reported it, by
    /// the kind.
    fn read(&self, node: &Node) -> Result<T, Fault>;

    /// A value as TOML; `None` if there is none to write.
    fn text(&self, value: &T) -> Option<String>;
}

fn quoted(value: &impl ToString) -> Option<String> {
    Some(format!("\"{}\"", value.to_string()))
}

/// Any text.
pub(super) struct Text;
/// A text in one line.
pub(super) struct Line;
/// A name of a link or a group.
pub(super) struct Name;

/// Texts are kept as they are: what is wrong with them prevents a run, but they still name things.
macro_rules! of_texts {
    ($($form:ident),*) => {$(
        impl Form<String> for $form {
            fn kind(&self) -> Kind {
                Kind::$form
            }

            fn read(&self, node: &Node) -> Result<String, Fault> {
                node.text().map(str::to_owned).ok_or_else(Fault::default)
            }

            fn text(&self, value: &String) -> Option<String> {
                quoted(value).filter(|_| !value.is_empty())
            }
        }
    )*};
}

of_texts!(Text, Line, Name);

/// A list of names, each with its place.
pub(super) struct Names;

impl Form<Vec<At<String>>> for Names {
    fn kind(&self) -> Kind {
        Kind::List(Box::new(Kind::Name))
    }

    fn read(&self, node: &Node) -> Result<Vec<At<String>>, Fault> {
        let Value::Array(items) = &node.value else { return Err(Fault::default()) };
        Ok(items.iter().filter_map(|item| Placed(Name).read(item).ok()).collect())
    }

    fn text(&self, _: &Vec<At<String>>) -> Option<String> {
        None
    }
}

/// `true` or `false`.
pub(super) struct Flag;

impl Form<bool> for Flag {
    fn kind(&self) -> Kind {
        Kind::Flag
    }

    fn read(&self, node: &Node) -> Result<bool, Fault> {
        leaf::flag(node)
    }

    fn text(&self, value: &bool) -> Option<String> {
        Some(value.to_string())
    }
}

/// A whole number, from the least to the most.
pub(super) struct Whole(pub u64, pub u64);

impl<N: TryFrom<u64> + ToString> Form<N> for Whole {
    fn kind(&self) -> Kind {
        Kind::Integer(self.0, self.1)
    }

    fn read(&self, node: &Node) -> Result<N, Fault> {
        leaf::integer(node, self.0, self.1)?.try_into().map_err(|_| Fault::default())
    }

    fn text(&self, value: &N) -> Option<String> {
        Some(value.to_string())
    }
}

/// A time, zero included.
pub(super) struct Span;

impl Form<Duration> for Span {
    fn kind(&self) -> Kind {
        Kind::Duration
    }

    fn read(&self, node: &Node) -> Result<Duration, Fault> {
        leaf::duration(node)
    }

    fn text(&self, value: &Duration) -> Option<String> {
        quoted(value)
    }
}

/// A time since the start of the trial.
impl Form<Instant> for Span {
    fn kind(&self) -> Kind {
        Kind::Duration
    }

    fn read(&self, node: &Node) -> Result<Instant, Fault> {
        Ok(Instant::ZERO.saturating_add(leaf::duration(node)?))
    }

    fn text(&self, value: &Instant) -> Option<String> {
        quoted(&value.saturating_since(Instant::ZERO))
    }
}

/// A time longer than zero.
pub(super) struct PositiveSpan;

impl Form<Duration> for PositiveSpan {
    fn kind(&self) -> Kind {
        Kind::PositiveDuration
    }

    fn read(&self, node: &Node) -> Result<Duration, Fault> {
        leaf::positive_duration(node)
    }

    fn text(&self, value: &Duration) -> Option<String> {
        quoted(value)
    }
}

/// Bits per second.
pub(super) struct Rate;

impl Form<units::Rate> for Rate {
    fn kind(&self) -> Kind {
        Kind::Rate
    }

    fn read(&self, node: &Node) -> Result<units::Rate, Fault> {
        leaf::rate(node)
    }

    fn text(&self, value: &units::Rate) -> Option<String> {
        quoted(value)
    }
}

/// A probability in percent.
pub(super) struct Probability;

impl Form<units::Probability> for Probability {
    fn kind(&self) -> Kind {
        Kind::Probability
    }

    fn read(&self, node: &Node) -> Result<units::Probability, Fault> {
        leaf::probability(node)
    }

    fn text(&self, value: &units::Probability) -> Option<String> {
        quoted(value)
    }
}

/// A size, from the least to the most bytes.
pub(super) struct Size(pub u64, pub u64);

impl Form<u64> for Size {
    fn kind(&self) -> Kind {
        Kind::Bytes(self.0, self.1)
    }

    fn read(&self, node: &Node) -> Result<u64, Fault> {
        leaf::bytes(node, self.0, self.1)
    }

    fn text(&self, value: &u64) -> Option<String> {
        quoted(&Bytes(*value))
    }
}

impl Form<Bytes> for Size {
    fn kind(&self) -> Kind {
        Kind::Bytes(self.0, self.1)
    }

    fn read(&self, node: &Node) -> Result<Bytes, Fault> {
        Form::<u64>::read(self, node).map(Bytes)
    }

    fn text(&self, value: &Bytes) -> Option<String> {
        quoted(value)
    }
}

/// A mean size.
impl Form<f64> for Size {
    fn kind(&self) -> Kind {
        Kind::Bytes(self.0, self.1)
    }

    fn read(&self, node: &Node) -> Result<f64, Fault> {
        Form::<u64>::read(self, node).map(|bytes| bytes as f64)
    }

    fn text(&self, value: &f64) -> Option<String> {
        quoted(&Bytes(*value as u64))
    }
}

/// How many per time, as the mean time between two.
pub(super) struct Frequency;

impl Form<Duration> for Frequency {
    fn kind(&self) -> Kind {
        Kind::Frequency
    }

    fn read(&self, node: &Node) -> Result<Duration, Fault> {
        leaf::frequency(node)
    }

    fn text(&self, value: &Duration) -> Option<String> {
        quoted(&format!("{}/s", 1.0 / value.as_secs_f64()))
    }
}

/// How much a queue holds.
pub(super) struct QueueLimit;

impl Form<Limit> for QueueLimit {
    fn kind(&self) -> Kind {
        Kind::Limit
    }

    fn read(&self, node: &Node) -> Result<Limit, Fault> {
        leaf::limit(node)
    }

    fn text(&self, value: &Limit) -> Option<String> {
        quoted(&match value {
            Limit::Packets(n) => units::plural(*n, "packet"),
            Limit::Bytes(n) => Bytes(*n).to_string(),
            Limit::Bdp(factor) => format!("{factor}bdp"),
        })
    }
}

/// Words, and what each means.
pub(super) struct Words<T: 'static>(pub &'static [(&'static str, T)]);

impl<T: Copy + PartialEq> Form<T> for Words<T> {
    fn kind(&self) -> Kind {
        Kind::Word(self.0.iter().map(|(word, _)| *word).collect())
    }

    fn read(&self, node: &Node) -> Result<T, Fault> {
        let said = self.0.iter().find(|(word, _)| Some(*word) == node.text());
        said.map(|(_, value)| *value).ok_or_else(Fault::default)
    }

    fn text(&self, value: &T) -> Option<String> {
        self.0.iter().find(|(_, other)| other == value).and_then(|(word, _)| quoted(word))
    }
}

/// The name of a congestion controller; it comes with its default parameters.
pub(super) struct Controller;

impl Form<Choice> for Controller {
    fn kind(&self) -> Kind {
        Kind::Controller
    }

    fn read(&self, node: &Node) -> Result<Choice, Fault> {
        leaf::controller(node).map(Algorithm::with_defaults)
    }

    fn text(&self, value: &Choice) -> Option<String> {
        quoted(&value.algorithm.name)
    }
}

/// A parameter of a congestion controller.
pub(super) struct OfController(pub &'static congestion::Parameter);

impl Form<f64> for OfController {
    fn kind(&self) -> Kind {
        match self.0.values {
            congestion::Values::Range(min, max) => Kind::Number(min, max),
            congestion::Values::Words(words) => Kind::Word(words.to_vec()),
        }
    }

    fn read(&self, node: &Node) -> Result<f64, Fault> {
        match self.0.values {
            congestion::Values::Range(min, max) => leaf::number(node, min, max),
            congestion::Values::Words(words) => {
                let place = words.iter().position(|word| Some(*word) == node.text());
                place.map(|place| place as f64).ok_or_else(Fault::default)
            }
        }
    }

    fn text(&self, _: &f64) -> Option<String> {
        Some(self.0.default_text())
    }
}

/// The name of a dialect that synthetic people speak.
pub(super) struct Dialect;

impl Form<&'static str> for Dialect {
    fn kind(&self) -> Kind {
        Kind::Dialect
    }

    fn read(&self, node: &Node) -> Result<&'static str, Fault> {
        leaf::dialect(node)
    }

    fn text(&self, value: &&'static str) -> Option<String> {
        quoted(value)
    }
}

/// Nothing at all, or a value of another form.
pub(super) struct Maybe<F>(pub F);

impl<T, F: Form<T>> Form<Option<T>> for Maybe<F> {
    fn kind(&self) -> Kind {
        self.0.kind()
    }

    fn read(&self, node: &Node) -> Result<Option<T>, Fault> {
        self.0.read(node).map(Some)
    }

    fn text(&self, value: &Option<T>) -> Option<String> {
        value.as_ref().and_then(|value| self.0.text(value))
    }
}

/// A value of another form, with its place.
pub(super) struct Placed<F>(pub F);

impl<T, F: Form<T>> Form<At<T>> for Placed<F> {
    fn kind(&self) -> Kind {
        self.0.kind()
    }

    fn read(&self, node: &Node) -> Result<At<T>, Fault> {
        Ok(At { place: node.place, value: self.0.read(node)? })
    }

    fn text(&self, value: &At<T>) -> Option<String> {
        self.0.text(&value.value)
    }
}

/// A table of dotted keys, which are resolved against the whole tree.
pub(super) struct Settings;

impl Form<Node> for Settings {
    fn kind(&self) -> Kind {
        Kind::Settings
    }

    fn read(&self, node: &Node) -> Result<Node, Fault> {
        Ok(node.clone())
    }

    fn text(&self, _: &Node) -> Option<String> {
        None
    }
}

/// What is read elsewhere: `[sweep]` before all else, the parameters of controllers with each choice of
/// one.
pub(super) struct Elsewhere(pub Kind);

impl Form<()> for Elsewhere {
    fn kind(&self) -> Kind {
        self.0.clone()
    }

    fn read(&self, _: &Node) -> Result<(), Fault> {
        Ok(())
    }

    fn text(&self, (): &()) -> Option<String> {
        None
    }
}
