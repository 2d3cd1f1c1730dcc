//! Number of a synthetic message in its text: `#` and eight lower-case hexadecimal
//! digits at its very start, the rest is padding. All of it is ASCII that no dialect escapes, so a
//! listener finds it in the raw bytes.
//!
//! Only the start of a message's text is looked at. A text that quotes a marker further on, a nick
//! that looks like one, and a text that imitates a dialect's syntax are therefore no messages.

use std::fmt::Write as _;

/// The bytes of a marker, and so of the shortest synthetic text.
pub const LEN: usize = 9;

/// The bytes of the longest synthetic text: with what a dialect adds it stays below every
/// dialect's bound on a message.
pub const MAX_TEXT: usize = 60_000;

const PADDING: &str = " the quick brown fox jumps over the lazy dog,";

/// The text of message `id`, `size` bytes long, or as near as [`LEN`] and [`MAX_TEXT`] allow. It
/// neither begins nor ends with a blank, because servers strip these.
pub fn compose(id: u32, size: usize) -> String {
    let size = size.clamp(LEN, MAX_TEXT);
    let mut text = String::with_capacity(size);
    // Writing into memory cannot fail.
    let _ = write!(text, "#{id:08x}");
    while text.len() < size {
        let chunk = PADDING.len().min(size - text.len());
        text.push_str(&PADDING[..chunk]);
    }
    if size > LEN {
        text.pop();
        text.push('.');
    }
    text
}

/// The number at the start of `text`, if it has one.
pub fn read(text: &[u8]) -> Option<u32> {
    let (b'#', digits) = text.first_chunk::<LEN>()?.split_first()? else { return None };
    let (mut id, mut all) = (0, 0);
    for &digit in digits {
        let value = VALUES[usize::from(digit)];
        id = id << 4 | u32::from(value);
        all |= value;
    }
    (all != NO_DIGIT).then_some(id)
}

const NO_DIGIT: u8 = u8::MAX;

/// Value of each byte as a digit.
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let digits = b"0123456789abcdef";
    let mut value = 0;
    while value < digits.len() {
        values[digits[value] as usize] = value as u8;
        value += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_exact_and_reads_back() {
        for size in [LEN, 10, 11, 54, 55, 200, MAX_TEXT] {
            let text = compose(0xdead_beef, size);
            assert_eq!(text.len(), size);
            assert_eq!(text.trim(), text);
            assert_eq!(read(text.as_bytes()), Some(0xdead_beef));
        }
        assert_eq!(compose(42, 14), "#0000002a the.");
    }

    #[test]
    fn impossible_sizes_are_clamped() {
        assert_eq!(compose(1, 0), "#00000001");
        assert_eq!(compose(1, usize::MAX).len(), MAX_TEXT);
    }

    #[test]
    fn only_the_exact_form_counts() {
        for text in ["", "#", "#0000000", "0000000a", " #0000000a", "#0000000A", "#0000 00a", "#0000000é"] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }
}
