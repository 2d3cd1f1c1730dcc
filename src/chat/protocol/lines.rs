//! Cutting a stream of bytes into lines, however it arrives.

use super::Malformed;

/// Collects bytes until their line is complete, up to a limit.
#[derive(Debug)]
pub(super) struct Lines {
    partial: Vec<u8>,
    limit: usize,
}

/// The line is longer than the limit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl From<TooLong> for Malformed {
    fn from(_: TooLong) -> Malformed {
        Malformed { farewell: b"" }
    }
}

impl Lines {
    /// Lines of at most `limit` bytes without their newline.
    pub(super) fn new(limit: usize) -> Lines {
        Lines { partial: Vec::new(), limit }
    }

    /// Takes bytes and gives every line that is complete to `each`, which may stop by an error. A
    /// line within `bytes` is not copied.
    pub(super) fn feed<E: From<TooLong>>(
        &mut self,
        mut bytes: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(end) = find_newline(bytes) {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            if self.partial.len() + line.len() > self.limit {
                return Err(TooLong.into());
            }
            if self.partial.is_empty() {
                each(line)?;
            } else {
                self.partial.extend_from_slice(line);
                let result = each(&self.partial);
                self.partial.clear();
                result?;
            }
            bytes = rest;
        }
        if self.partial.len() + bytes.len() > self.limit {
            return Err(TooLong.into());
        }
        self.partial.extend_from_slice(bytes);
        Ok(())
    }
}

/// Position of the first newline: this looks at every byte that every client hears.
pub(super) fn find_newline(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(pieces: &[&[u8]], limit: usize) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut lines = Lines::new(limit);
        let mut out = Vec::new();
        for piece in pieces {
            lines.feed(piece, |line| {
                out.push(line.to_vec());
                Ok::<(), TooLong>(())
            })?;
        }
        Ok(out)
    }

    #[test]
    fn a_line_may_come_in_any_pieces() {
        let text = b"one\n\nthree\nrest";
        for cut in 0..text.len() {
            let (a, b) = text.split_at(cut);
            let expected = [b"one".to_vec(), vec![], b"three".to_vec()];
            assert_eq!(lines(&[a, b], 100), Ok(expected.to_vec()));
        }
    }

    #[test]
    fn the_limit_holds_with_and_without_a_newline() {
        assert!(lines(&[b"1234\n"], 4).is_ok());
        assert_eq!(lines(&[b"12345\n"], 4), Err(TooLong));
        assert_eq!(lines(&[b"123", b"45"], 4), Err(TooLong));
        assert_eq!(lines(&[b"123", b"45\n"], 4), Err(TooLong));
    }

    proptest! {
        #[test]
        fn finds_the_first_newline(bytes in proptest::collection::vec(9u8..12, 0..200)) {
            prop_assert_eq!(find_newline(&bytes), bytes.iter().position(|&b| b == b'\n'));
        }

        #[test]
        fn finds_a_rare_newline(before in 0usize..200, after in 0usize..200) {
            let mut bytes = vec![b'x'; before];
            bytes.push(b'\n');
            bytes.resize(before + 1 + after, b'y');
            prop_assert_eq!(find_newline(&bytes), Some(before));
        }
    }
}
