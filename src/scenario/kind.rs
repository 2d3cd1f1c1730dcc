//! Kinds of a scenario file's keys: name, values, and the default.

use super::paper::PaperUnits;

/// One key of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// The values it takes.
    pub kind: Kind,
    /// An error without it.
    pub required: bool,
    /// The value of its field before a file is read, as TOML; `None` if the feature is off, or if the
    /// sentence says what happens.
    pub default: Option<String>,
    /// Places at which it may be written.
    pub reach: Reach,
    /// One sentence.
    pub doc: &'static str,
}

/// Places at which a key may be written; each includes those before it. A table that forbids a
/// place forbids it to its keys, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// In its own table only.
    File,
    /// In `--set`.
    CommandLine,
    /// In `[sweep]`.
    Axis,
    /// In `set` of `[[schedule]]`.
    Schedule,
}

/// The values that a key takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A text in one line.
    Line,
    /// A text of letters, digits, `-` and `_`.
    Name,
    /// Name of a link, with a mark before it if it is crossed backwards.
    Hop,
    /// A class of service: a name, or a number that stands for itself.
    Class,
    /// `true` or `false`.
    Flag,
    /// A whole number in a range.
    Integer(u64, u64),
    /// A number in a range.
    Number(f64, f64),
    /// `"25ms"`, zero included.
    Duration,
    /// `"25ms"`, longer than zero.
    PositiveDuration,
    /// `"10mbit"`.
    Rate,
    /// `"25ms"`, or `"trial"` for a place that each trial draws.
    Offset,
    /// `"10%"`.
    Probability,
    /// `"64KiB"`, in a range of bytes.
    Bytes(u64, u64),
    /// `"2/s"`.
    Frequency,
    /// `"1bdp"`, `"100 packets"`, `"64KiB"`.
    Limit,
    /// `"8.4cm"`, above zero, in one of these units.
    Paper(PaperUnits),
    /// Number of a cell, or an axis with its value.
    Cell,
    /// One of these words.
    Word(Vec<&'static str>),
    /// The name of a congestion controller.
    Controller,
    /// The name of a dialect that synthetic people speak.
    Dialect,
    /// A table with these keys.
    Table(Vec<Key>),
    /// A table whose `tag` decides which other keys it takes.
    Tagged {
        /// The deciding key; its kind is [`Kind::Word`]. If it may be left out, the first variant holds.
        tag: Box<Key>,
        /// The keys of each word.
        variants: Vec<(&'static str, Vec<Key>)>,
    },
    /// A short form for a table: a scalar that means the table with that scalar as `main`.
    Short {
        /// The kind of the scalar.
        scalar: Box<Kind>,
        /// The key of the table that it stands for; empty if none.
        main: &'static str,
        /// The long form.
        table: Box<Kind>,
    },
    /// A table of tables, by names that the file chooses.
    Named(Box<Kind>),
    /// A list.
    List(Box<Kind>),
    /// `[congestion]`: a table for each controller, with its parameters.
    Parameters(Vec<Key>),
    /// Dotted keys and their values, of those that may be written at a place: `set` of `[[schedule]]`, the cells
    /// of a `[[claim]]`.
    Settings(Reach),
    /// `[sweep]`: dotted keys and lists of values.
    Axes,
}

impl Kind {
    /// True if it is a table with keys of its own, without a tag or a short form.
    pub fn is_table(&self) -> bool {
        matches!(self, Kind::Table(_))
    }

    /// True if a dotted key of this kind takes a value, rather than leading on to others.
    pub fn takes_value(&self) -> bool {
        match self {
            Kind::Table(_) | Kind::Named(_) | Kind::Parameters(_) => false,
            Kind::List(items) => !items.is_table(),
            _ => true,
        }
    }

    /// The key of that name, in any variant of a table.
    pub fn key(&self, name: &str) -> Option<&Key> {
        self.keys().into_iter().find(|key| key.name == name)
    }

    /// The keys of a table, of all its variants; nothing for what is no table.
    pub fn keys(&self) -> Vec<&Key> {
        match self {
            Kind::Table(keys) | Kind::Parameters(keys) => keys.iter().collect(),
            Kind::Tagged { tag, variants } => Kind::variant_keys(tag, variants, None),
            Kind::Short { table, .. } => table.keys(),
            _ => vec![],
        }
    }

    /// The keys of a tagged table with this tag, each name once; of all variants if there is none of that
    /// name.
    pub(super) fn variant_keys<'a>(
        tag: &'a Key,
        variants: &'a [(&'static str, Vec<Key>)],
        word: Option<&str>,
    ) -> Vec<&'a Key> {
        let known = variants.iter().any(|(name, _)| Some(*name) == word);
        let chosen = variants.iter().filter(|(name, _)| !known || Some(*name) == word);
        let mut keys = vec![tag];
        for key in chosen.flat_map(|(_, keys)| keys) {
            if keys.iter().all(|known| known.name != key.name) {
                keys.push(key);
            }
        }
        keys
    }
}
