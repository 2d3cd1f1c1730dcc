//! Declaration of keys. A table of a scenario file is a function over a [`Visitor`] that names each key
//! once, with the field that it fills, its range and a sentence; the default is what the field holds.
//!
//! Two visitors walk these functions. The [`Reader`] fills the fields from a file. [`Describe`] notes the
//! keys for all that needs no values: checks and suggestions, the dotted keys of `--set`, `[sweep]` and
//! `[[schedule]]`, the reference, `testbed schema`. So no key can be declared that is not read, and none
//! be read that is not declared.
//!
//! [`Describe`]: super::describe::Describe

use super::form::Form;
use super::kind::Reach;
use super::problem::Place;
use super::reader::Reader;

/// Takes the declaration of a table, key by key.
pub(super) trait Visitor: Sized {
    /// A key with one value.
    fn key<T>(&mut self, head: impl Into<Head>, field: &mut T, form: impl Form<T>, doc: &'static str);

    /// A table.
    fn table(&mut self, head: impl Into<Head>, doc: &'static str, keys: impl FnOnce(&mut Self));

    /// A table with a short form: a scalar that stands for its key `main`.
    fn short(
        &mut self,
        head: impl Into<Head>,
        main: &'static str,
        doc: &'static str,
        keys: impl FnOnce(&mut Self),
    );

    /// A table that may be absent; if it is there, its fields begin as in `start`.
    fn optional<T>(
        &mut self,
        head: impl Into<Head>,
        field: &mut Option<T>,
        start: T,
        doc: &'static str,
        keys: impl FnOnce(&mut Self, &mut T),
    );

    /// `false` for none, `true` for `on`, or a table that says where it differs from `on`.
    fn switch<T>(
        &mut self,
        head: impl Into<Head>,
        field: &mut Option<T>,
        on: T,
        doc: &'static str,
        keys: impl FnOnce(&mut Self, &mut T),
    );

    /// The key of this table that decides which others it takes, by words and what each begins as; the
    /// first word is the default.
    fn tag<T: Clone>(
        &mut self,
        head: impl Into<Head>,
        field: &mut T,
        variants: &[(&'static str, T)],
        doc: &'static str,
        keys: impl FnMut(&mut Self, &mut T),
    );

    /// Keys that may stand in a table called `name` or, beneath it, right here; beneath both in the
    /// file's table `beneath`, if one is named.
    fn over(
        &mut self,
        name: &'static str,
        beneath: Option<&'static str>,
        doc: &'static str,
        keys: impl FnOnce(&mut Self),
    );

    /// Tables by names that the file chooses.
    fn named<T>(
        &mut self,
        head: impl Into<Head>,
        field: &mut Vec<T>,
        doc: &'static str,
        item: impl FnMut(&mut Self, At<&str>) -> T,
    );

    /// A list of tables, each with its place; if `main` is not empty, a scalar among them stands for that key.
    fn list<T>(
        &mut self,
        head: impl Into<Head>,
        field: &mut Vec<T>,
        main: &'static str,
        doc: &'static str,
        item: impl FnMut(&mut Self, Place) -> T,
    );

    /// Check that is made with a file only: between keys, or of fields that other tables fill.
    fn check(&mut self, check: impl FnOnce(&mut Reader<'_, '_>));
}

/// Beginning of a key: its name, and what is special about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub name: &'static str,
    pub required: bool,
    pub reach: Reach,
}

impl From<&'static str> for Head {
    fn from(name: &'static str) -> Head {
        Head { name, required: false, reach: Reach::Schedule }
    }
}

impl Head {
    /// The same, but written at most in places within `reach`.
    pub fn within(self, reach: Reach) -> Head {
        Head { reach, ..self }
    }
}

/// A key that may be left out.
pub(super) fn optional(name: &'static str) -> Head {
    name.into()
}

/// A key without which a table is an error.
pub(super) fn required(name: &'static str) -> Head {
    Head { required: true, ..name.into() }
}

/// A value with the place where it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct At<T> {
    pub place: Place,
    pub value: T,
}
