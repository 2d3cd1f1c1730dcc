//! Words for enums in columns: written by `name()`, read back by `FromStr`, both from one table.

use std::fmt;

/// Text that is none of the words of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownWord;

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown word")
    }
}

impl std::error::Error for UnknownWord {}

/// Gives an enum its words.
macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            /// Every one, in the order of tables.
            pub const ALL: &'static [$type] = &[$($type::$variant),+];

            /// Its word in columns.
            pub const fn name(self) -> &'static str {
                match self {
                    $($type::$variant => $word),+
                }
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::facts::UnknownWord;

            fn from_str(text: &str) -> Result<$type, Self::Err> {
                Self::ALL.iter().copied().find(|one| one.name() == text).ok_or($crate::facts::UnknownWord)
            }
        }
    };
}
