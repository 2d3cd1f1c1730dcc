//! Frames: four bytes of length, big-endian, then so many bytes.

/// The longest frame that a server takes, in bytes, as program 0's unused constant says.
pub const LONGEST: usize = 65_536;

/// Collects bytes until their frame is complete.
#[derive(Debug, Default)]
pub struct Frames {
    partial: Vec<u8>,
    longest: usize,
}

/// The frame claims to be longer than it may be.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

impl Frames {
    /// Frames of at most `longest` bytes after their length.
    pub fn new(longest: usize) -> Frames {
        Frames { partial: Vec::new(), longest }
    }

    /// Takes bytes, cut anywhere, and gives every complete frame to `each`. Memory never exceeds
    /// what has come, whatever a length claims.
    pub fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), TooLong> {
        while !bytes.is_empty() {
            if self.partial.is_empty()
                && let Some((frame, rest)) = complete(bytes, self.longest)?
            {
                each(frame);
                bytes = rest;
                continue;
            }
            // As much as the present frame still needs, or its length first.
            let needed = match length(&self.partial) {
                Some(length) => 4 + length,
                None => 4,
            };
            let take = (needed - self.partial.len()).min(bytes.len());
            self.partial.extend_from_slice(&bytes[..take]);
            bytes = &bytes[take..];
            if let Some((frame, _)) = complete(&self.partial, self.longest)? {
                each(frame);
                self.partial.clear();
            }
        }
        Ok(())
    }
}

fn length(bytes: &[u8]) -> Option<usize> {
    bytes.first_chunk().map(|length| u32::from_be_bytes(*length) as usize)
}

/// The frame at the start and what follows it, if the frame is complete.
fn complete(bytes: &[u8], longest: usize) -> Result<Option<Split<'_>>, TooLong> {
    match length(bytes) {
        Some(length) if length > longest => Err(TooLong),
        Some(length) if bytes.len() >= 4 + length => Ok(Some(bytes[4..].split_at(length))),
        _ => Ok(None),
    }
}

type Split<'a> = (&'a [u8], &'a [u8]);

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, TooLong> {
        let (mut frames, mut out) = (Frames::new(LONGEST), Vec::new());
        for piece in pieces {
            frames.feed(piece, |frame| out.push(frame.to_vec()))?;
        }
        Ok(out)
    }

    #[test]
    fn frames_may_come_in_any_pieces() {
        let bytes = b"\0\0\0\x02hi\0\0\0\0\0\0\0\x03abc";
        let whole = cut(&[bytes]).expect("short frames");
        assert_eq!(whole, [b"hi".to_vec(), b"".to_vec(), b"abc".to_vec()]);
        for at in 0..=bytes.len() {
            assert_eq!(cut(&[&bytes[..at], &bytes[at..]]).expect("short frames"), whole, "cut at {at}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(cut(&single).expect("short frames"), whole);
    }

    #[test]
    fn a_huge_length_is_refused_before_anything_is_reserved() {
        assert_eq!(cut(&[&[0x40, 0, 0, 0]]), Err(TooLong));
        assert_eq!(cut(&[&[0x40], &[0, 0], &[0, b'x']]), Err(TooLong));
        assert_eq!(cut(&[&[0, 1, 0, 0]]).expect("the longest"), Vec::<Vec<u8>>::new());
    }
}
