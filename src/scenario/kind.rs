//! What a key of a scenario file is: its name, what it takes, and what holds without it.

/// One key of a table.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What holds if it is left out, as one would write it.
    pub default: Absent,
    /// One sentence.
    pub doc: &'static str,
}

/// What leaving a key out means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// It is an error.
    Required,
    /// The feature is off, or the doc sentence says what happens.
    Nothing,
    /// This value holds.
    Default(&'static str),
}

/// What a key takes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Any text.
    Text,
    /// A text in one line.
    Line,
    /// A text of letters, digits, `-` and `_`.
    Name,
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
    /// `"10%"`.
    Probability,
    /// `"64KiB"`, in a range of bytes.
    Bytes(u64, u64),
    /// `"2/s"`.
    Frequency,
    /// `"1bdp"`, `"100 packets"`, `"64KiB"`.
    Limit,
    /// One of these words.
    Word(&'static [&'static str]),
    /// The name of a congestion controller.
    Controller,
    /// The name of a dialect that synthetic people speak.
    Dialect,
    /// A table with these keys, in several parts.
    Table(&'static [&'static [Key]]),
    /// A table whose `tag` decides which other keys it takes.
    Tagged {
        /// The deciding key; its kind is [`Kind::Word`].
        tag: &'static Key,
        /// The keys of each word.
        variants: &'static [(&'static str, &'static [Key])],
    },
    /// A short form for a table: a scalar that means the table with that scalar as `main`.
    Short {
        /// What the scalar is.
        scalar: &'static Kind,
        /// The key of the table that it stands for; empty if none.
        main: &'static str,
        /// The long form.
        table: &'static Kind,
    },
    /// A table of tables, by names that the file chooses.
    Named(&'static Kind),
    /// A list.
    List(&'static Kind),
    /// `[congestion]`: a table for each controller, with its parameters.
    Parameters,
    /// A queue: its discipline, its limit and the parameters of that discipline.
    Queue,
    /// `set` of `[[schedule]]`: dotted keys and their values.
    Settings,
    /// `[sweep]`: dotted keys and lists of values.
    Axes,
}
