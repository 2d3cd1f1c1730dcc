//! The forms of values: what a key with one value takes, as a kind for those who describe it and as a
//! typed value for its field.

use super::files::Files;
use super::kind::{Key, Kind, Reach};
use super::leaf::{self, Fault};
use super::tree::{Node, Value};
use super::visit::At;
use crate::congestion::{self, Algorithm, Choice, script};

/// Reads and writes the values of a field of type `T`.
pub(super) trait Form<T> {
    /// The kind of value.
    fn kind(&self) -> Kind;

    /// The value that stands there. A fault is dropped: the first pass over the file has reported it, by
    /// the kind.
    fn read(&self, node: &Node) -> Result<T, Fault>;

    /// The same, where it may lie in one of the files that are read with the scenario.
    fn read_with(&self, node: &Node, _: &Files) -> Result<T, Fault> {
        self.read(node)
    }

    /// A value as TOML; `None` if there is none to write.
    fn text(&self, value: &T) -> Option<String>;
}

#[expect(clippy::unnecessary_wraps, reason = "it is what a form's `text` gives")]
pub(super) fn quoted(value: &impl ToString) -> Option<String> {
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

/// A list of links, each with its place.
pub(super) struct Hops;

impl Form<Vec<At<String>>> for Hops {
    fn kind(&self) -> Kind {
        Kind::List(Box::new(Kind::Hop))
    }

    fn read(&self, node: &Node) -> Result<Vec<At<String>>, Fault> {
        let Value::Array(items) = &node.value else { return Err(Fault::default()) };
        Ok(items.iter().filter_map(|item| Placed(Name).read(item).ok()).collect())
    }

    fn text(&self, _: &Vec<At<String>>) -> Option<String> {
        None
    }
}

/// A class of service.
pub(super) struct Class;

impl Form<String> for Class {
    fn kind(&self) -> Kind {
        Kind::Class
    }

    fn read(&self, node: &Node) -> Result<String, Fault> {
        leaf::class(node)
    }

    fn text(&self, value: &String) -> Option<String> {
        quoted(value).filter(|_| !value.is_empty())
    }
}

/// A list of values of another form.
pub(super) struct Each<F>(pub F);

impl<T, F: Form<T>> Form<Vec<T>> for Each<F> {
    fn kind(&self) -> Kind {
        Kind::List(Box::new(self.0.kind()))
    }

    fn read(&self, node: &Node) -> Result<Vec<T>, Fault> {
        let Value::Array(items) = &node.value else { return Err(Fault::default()) };
        items.iter().map(|item| self.0.read(item)).collect()
    }

    fn text(&self, values: &Vec<T>) -> Option<String> {
        let texts: Option<Vec<String>> = values.iter().map(|value| self.0.text(value)).collect();
        texts.filter(|texts| !texts.is_empty()).map(|texts| format!("[{}]", texts.join(", ")))
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

/// A number, from the least to the most.
pub(super) struct Number(pub f64, pub f64);

impl Form<f64> for Number {
    fn kind(&self) -> Kind {
        Kind::Number(self.0, self.1)
    }

    fn read(&self, node: &Node) -> Result<f64, Fault> {
        leaf::number(node, self.0, self.1)
    }

    fn text(&self, value: &f64) -> Option<String> {
        Some(value.to_string())
    }
}

/// Words, and what each means.
pub(super) struct Words<T: 'static>(pub &'static [(&'static str, T)]);

impl<T: Clone + PartialEq> Form<T> for Words<T> {
    fn kind(&self) -> Kind {
        Kind::Word(self.0.iter().map(|(word, _)| *word).collect())
    }

    fn read(&self, node: &Node) -> Result<T, Fault> {
        let said = self.0.iter().find(|(word, _)| Some(*word) == node.text());
        said.map(|(_, value)| value.clone()).ok_or_else(Fault::default)
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

    fn read_with(&self, node: &Node, files: &Files) -> Result<Choice, Fault> {
        match node.text().filter(|text| script::is_named(text)) {
            Some(word) => files.script(word).map(Algorithm::with_defaults),
            None => self.read(node),
        }
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
pub(super) struct Settings(pub Reach);

impl Form<Node> for Settings {
    fn kind(&self) -> Kind {
        Kind::Settings(self.0)
    }

    fn read(&self, node: &Node) -> Result<Node, Fault> {
        Ok(node.clone())
    }

    fn text(&self, _: &Node) -> Option<String> {
        None
    }
}

/// A table for each controller: read with each choice of one, by the same [`OfController`].
pub(super) struct Parameters;

impl Form<()> for Parameters {
    fn kind(&self) -> Kind {
        let key = |name, kind, default, doc| Key {
            name,
            kind,
            required: false,
            default,
            reach: Reach::Schedule,
            doc,
        };
        let parameter = |parameter: &'static congestion::Parameter| {
            let form = OfController(parameter);
            key(parameter.name, form.kind(), form.text(&parameter.default), parameter.summary)
        };
        let table = |algorithm: &Algorithm| Kind::Table(algorithm.parameters.iter().map(parameter).collect());
        let controller =
            |algorithm: &'static Algorithm| key(algorithm.name, table(algorithm), None, algorithm.summary);
        Kind::Parameters(congestion::algorithms().into_iter().map(controller).collect())
    }

    fn read(&self, _: &Node) -> Result<(), Fault> {
        Ok(())
    }

    fn text(&self, (): &()) -> Option<String> {
        None
    }
}

/// The grid, which is taken out of the tree before anything is read.
pub(super) struct Axes;

impl Form<()> for Axes {
    fn kind(&self) -> Kind {
        Kind::Axes
    }

    fn read(&self, _: &Node) -> Result<(), Fault> {
        Ok(())
    }

    fn text(&self, (): &()) -> Option<String> {
        None
    }
}
