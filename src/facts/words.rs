//! Words for enums in columns: written by `name()`, read back by `FromStr`, both from one table.

/// Text that is none of the words of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown word")]
pub struct UnknownWord;

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
