//! Names of people and rooms: which are fit to be shown, and which pass for one another.
//!
//! A name is kept and shown as it was written. It reaches a person only as that person writes it, but for
//! the case of its letters ([`exact`]); two people cannot have names that look the same ([`Likeness`]).

use unicode_normalization::UnicodeNormalization as _;
use unicode_security::skeleton;

/// Characters that separate a name from what stands beside it in one of the dialects: `[bob] `, `bob: `,
/// `MSG|bob|`, `USERS|bob,kim`, and the password in `bob:secret`.
const SEPARATORS: [char; 5] = ['[', ']', ':', '|', ','];

/// Marks at the start of what is no name: a room, a command, the person a private message is for.
const MARKS: [char; 3] = ['#', '/', '@'];

/// The word before the number in names that a server gives without asking (program 2): `User 3`.
const GIVEN: &str = "User";

/// The name that a server gives to the `n`th whom it does not ask.
pub fn given(n: u64) -> String {
    format!("{GIVEN} {n}")
}

/// True if all of it can be seen and is of one line; blanks are a matter of [`is_unmistakable`].
pub fn is_visible(name: &str) -> bool {
    !name.contains(is_invisible)
}

/// True if it passes for nothing else in any dialect. A blank would end it where a command names it, and
/// `PRIVATE FROM bob` would turn a public text into a private one; only names that the server gives have
/// one.
pub fn is_unmistakable(name: &str) -> bool {
    let is_whole = !name.contains(char::is_whitespace) || given_len(name) == Some(name.len());
    is_whole && !name.contains(SEPARATORS) && !name.starts_with(MARKS)
}

/// The name at the start of `words`, and what follows it, neither of them empty: the first word, or two
/// where these are a name that the server gives.
pub fn split_first(words: &str) -> Option<(&str, &str)> {
    let words = words.trim();
    let end = given_len(words).or_else(|| words.find(char::is_whitespace))?;
    let (name, rest) = words.split_at(end);
    let rest = rest.trim_start();
    (!rest.is_empty()).then_some((name, rest))
}

/// Length of the given name at the start of `words`, in any case; `User 3_2` is the second of its kind.
fn given_len(words: &str) -> Option<usize> {
    let word = words.get(..GIVEN.len()).filter(|word| word.eq_ignore_ascii_case(GIVEN))?;
    let number = words[word.len()..].strip_prefix(' ')?;
    let digits = number.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(number.len());
    let ends = number[digits..].chars().next().is_none_or(char::is_whitespace);
    (ends && number.starts_with(|c: char| c.is_ascii_digit())).then_some(word.len() + 1 + digits)
}

/// The form in which a name is looked up: its case does not matter, nor how its accents are encoded.
pub fn exact(name: &str) -> String {
    name.nfc().collect::<String>().to_lowercase()
}

/// The looks of a name. Two names that have a form in common can be taken for one another.
///
/// The forms are skeletons of Unicode's confusable characters (UTS 39, section 4) after compatibility
/// normalization (NFKC), in lower case. There are two, because a capital may look like another letter than
/// its small form: `AIice` looks like `Alice`, while `aiice` does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likeness([String; 2]);

impl Likeness {
    /// The likeness of a name.
    pub fn of(name: &str) -> Likeness {
        let seen: String = name.nfkc().filter(|&c| !is_ignorable(c)).collect();
        // By way of capitals, because ß is SS and ſ is S.
        let folded = seen.to_uppercase().to_lowercase();
        Likeness([folded, seen].map(|form| skeleton(&form).collect::<String>().to_lowercase()))
    }

    /// Its forms; they may be the same.
    pub fn forms(&self) -> &[String; 2] {
        &self.0
    }

    /// True if the two can be taken for one another.
    pub fn is_like(&self, other: &Likeness) -> bool {
        self.0.iter().any(|form| other.0.contains(form))
    }
}

/// Control characters, those that Unicode lets programs ignore, those that turn the direction of what
/// stands around them or break its line, and the blank of Braille.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || is_ignorable(c)
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2800}' | '\u{fff9}'..='\u{fffb}')
}

/// `Default_Ignorable_Code_Point` of Unicode 16 (DerivedCoreProperties.txt).
fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_alike(a: &str, b: &str) -> bool {
        Likeness::of(a).is_like(&Likeness::of(b))
    }

    #[test]
    fn names_that_look_the_same_are_alike() {
        for (a, b) in [
            ("e\u{301}ve", "\u{e9}ve"),
            ("sam", "\u{17f}am"),
            ("kim", "\u{212a}im"),
            ("strasse", "stra\u{df}e"),
            ("alice", "\u{ff41}lice"),
            ("bob", "b\u{3bf}b"),
            ("bob", "B\u{41e}B"),
            ("Alice", "AIice"),
            ("alice", "A1ice"),
            ("I", "\u{131}"),
            ("ox", "ox\u{3164}"),
            ("dan", "da\u{ad}n"),
            ("server", "S\u{395}RVER"),
            ("server", "\u{455}erver"),
            ("modern", "modem"),
        ] {
            assert!(are_alike(a, b) && are_alike(b, a), "{a:?} {b:?}");
        }
        for (a, b) in
            [("alice", "alicia"), ("Ali", "all"), ("eve", "\u{e9}ve"), ("kim_2", "kim_3"), ("a", "b")]
        {
            assert!(!are_alike(a, b), "{a:?} {b:?}");
        }
    }

    #[test]
    fn a_name_is_found_as_it_is_written() {
        assert_eq!(exact("BOB"), exact("bob"));
        assert_eq!(exact("e\u{301}ve"), exact("\u{c9}VE"));
        assert_ne!(exact("b\u{3bf}b"), exact("bob"));
        assert_ne!(exact("\u{ff42}ob"), exact("bob"));
    }

    #[test]
    fn names_that_pass_for_something_else_are_known() {
        for name in ["bob", "a.b-c_d", "o'neil", "\u{1f600}", "User 3", "user 3_2", "*", "J\u{fc}rgen"] {
            assert!(is_visible(name) && is_unmistakable(name), "{name:?}");
        }
        for name in [
            "sp ace",
            "PRIVATE FROM bob",
            "User 3 x",
            "User x",
            "User",
            "a]",
            "#den",
            "/quit",
            "@bob",
            "a|b",
            "a,b",
        ] {
            assert_eq!(is_unmistakable(name), name == "User", "{name:?}");
        }
        for name in
            ["a\u{3164}", "a\u{2028}b", "a\u{85}b", "\u{202e}a", "a\u{fe0f}", "\u{2800}", "a\u{e0041}"]
        {
            assert!(!is_visible(name), "{name:?}");
        }
    }

    #[test]
    fn the_first_name_of_a_command_ends_at_its_blank() {
        assert_eq!(split_first(" bob  hi  there "), Some(("bob", "hi  there")));
        assert_eq!(split_first("User 3 hi"), Some(("User 3", "hi")));
        assert_eq!(split_first("user 3_2 hi"), Some(("user 3_2", "hi")));
        assert_eq!(split_first("User 3rd hi"), Some(("User", "3rd hi")));
        assert_eq!(split_first("User is here"), Some(("User", "is here")));
        assert_eq!(given(3), "User 3");
        for words in ["", "bob", "bob ", "User 3", "User 3 "] {
            assert_eq!(split_first(words), None, "{words:?}");
        }
    }
}
