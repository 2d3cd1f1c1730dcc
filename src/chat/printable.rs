//! Texts that do nothing to their readers but be read.

use std::borrow::Cow;

/// Characters that break a line, besides the newline: those of Unicode (UAX 14, class BK, CR and NL).
const BREAKS: [char; 6] = ['\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];

/// A text that does nothing but be read: most clients print what they hear, and a terminal obeys escape
/// sequences. Whatever breaks a line becomes a newline; other control characters but tabs, and those that
/// turn the direction of the line around them (UAX 9, section 2), become U+FFFD.
pub fn printable(text: &str) -> Cow<'_, str> {
    // Nearly every text is done with here; a fold, unlike `any`, goes many bytes at once.
    let suspects = text.bytes().fold(false, |suspects, byte| suspects | is_suspect(byte));
    if !suspects || !text.contains(|c| is_obeyed(c) || BREAKS.contains(&c)) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n").replace(BREAKS, "\n");
    Cow::Owned(text.replace(is_obeyed, "\u{fffd}"))
}

/// True of bytes that may belong to a character that is replaced: an ASCII control character, or the first byte of
/// U+0080 to U+00BF or of U+2000 to U+2FFF.
fn is_suspect(byte: u8) -> bool {
    (byte < b' ' && byte != b'\n' && byte != b'\t') || matches!(byte, 0x7f | 0xc2 | 0xe2)
}

fn is_obeyed(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (c.is_control() || turns) && c != '\n' && c != '\t'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_replaced_begins_with_a_suspect_byte() {
        let replaced = ('\0'..=char::MAX).filter(|&c| is_obeyed(c) || BREAKS.contains(&c));
        assert!(replaced.into_iter().all(|c| is_suspect(c.to_string().as_bytes()[0])));
    }

    #[test]
    fn every_break_is_a_newline_and_nothing_is_obeyed() {
        assert!(matches!(printable("a\tb\nc \u{5e9}\u{200f}"), Cow::Borrowed(_)));
        assert_eq!(printable("a\r\nb\rc\u{b}d\u{c}e\u{85}f\u{2028}g\u{2029}h"), "a\nb\nc\nd\ne\nf\ng\nh");
        assert_eq!(
            printable("\u{1b}[2J\u{9b}\u{7}\0\u{202e}x\u{2067}"),
            "\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}\u{fffd}x\u{fffd}"
        );
    }
}
