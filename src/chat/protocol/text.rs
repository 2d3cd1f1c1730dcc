//! Common parts of the dialects without frames: reads that may cut a character, texts that must fit
//! into one read of the original clients, times of day, and the queue of what is to be sent.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::rc::Rc;

use super::session::{Asked, Moment};
use crate::chat::message::{Event, Request};

/// Outgoing texts of a session, one write each.
#[derive(Debug, Default)]
pub(super) struct Outbox(VecDeque<Rc<[u8]>>);

impl Outbox {
    /// Adds a text of its own, cut to fit `limit` bytes a write; an empty one is nothing.
    pub fn push(&mut self, text: &str, limit: usize) {
        for piece in pieces(text, limit) {
            self.0.push_back(piece.as_bytes().into());
        }
    }

    /// Adds an event in its encoding that others share. Of one that is too long, each piece of its text,
    /// as `shape` makes it, is encoded anew: a piece on its own could pass for words of the server.
    pub fn push_event(
        &mut self,
        event: &Event,
        shared: &Rc<[u8]>,
        limit: usize,
        shape: impl Fn(&str) -> Cow<'_, str>,
        encode: impl Fn(&Event, &mut Vec<u8>),
    ) {
        if shared.len() <= limit {
            self.0.extend((!shared.is_empty()).then(|| Rc::clone(shared)));
            return;
        }
        let mut piece = event.clone();
        let Some(text) = piece.text_mut().map(std::mem::take) else {
            return self.push(&String::from_utf8_lossy(shared), limit);
        };
        let mut head = Vec::new();
        encode(&piece, &mut head);
        for words in pieces(&shape(&text), limit.saturating_sub(head.len())) {
            piece.text_mut().into_iter().for_each(|text| *text = words.into());
            let mut bytes = Vec::new();
            encode(&piece, &mut bytes);
            self.0.push_back(bytes.into());
        }
    }

    /// Bytes of all texts together.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|text| text.len()).sum()
    }

    /// True if the next begins with `start`.
    pub fn is_first_of(&self, start: &str) -> bool {
        self.0.front().is_some_and(|first| first.starts_with(start.as_bytes()))
    }

    pub fn pop(&mut self) -> Option<Rc<[u8]>> {
        self.0.pop_front()
    }
}

/// A line break in a text, where a line of its own would pass for another person's.
pub(super) const BREAK: &str = " \u{23ce} ";

/// `text` with `sign` for its line breaks, one for several in a row.
pub(super) fn one_line<'a>(text: &'a str, sign: &str) -> Cow<'a, str> {
    if !text.contains('\n') {
        return Cow::Borrowed(text);
    }
    let lines: Vec<&str> = text.split('\n').filter(|line| !line.trim().is_empty()).collect();
    Cow::Owned(lines.join(sign))
}

/// Answers with a text of the session's own, cut to fit `limit` bytes a write.
pub(super) fn answer(out: &mut Asked, text: &str, limit: usize) {
    pieces(text, limit).for_each(|piece| out.answer(piece.as_bytes().into()));
}

/// Most bytes of one text where only the end of a read ends it: with what stands before it, a listener of any
/// dialect takes it in one read, of 1024 bytes. The originals' servers read no more at once. A text of sixteen
/// kilobytes would have every pacer to itself for 160 ms.
const LONGEST: usize = 960;

/// Asks for this; where several hear a text that is too long, part by part, each to whom the whole is said. One
/// of more than `most` bytes stays whole, to be refused. Returns how many parts there are.
pub(super) fn push_parts(out: &mut Asked, mut request: Request, most: usize) -> usize {
    // One pacer delays all that one person hears.
    let is_private = matches!(request, Request::Tell { .. });
    let is_cut = |text: usize| !is_private && text > LONGEST && text <= most;
    let long = request.text_mut().filter(|text| is_cut(text.len()));
    let Some(text) = long.map(std::mem::take) else {
        out.push(request);
        return 1;
    };
    let mut parts = 0;
    for part in pieces(&text, LONGEST) {
        request.text_mut().into_iter().for_each(|text| *text = part.into());
        out.push(request.clone());
        parts += 1;
    }
    parts
}

/// `text` in pieces of at most `limit` bytes, cut between characters.
pub(super) fn pieces(mut text: &str, limit: usize) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let longest = limit.max(4).min(text.len());
        let cut = (0..=longest).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        let (piece, rest) = text.split_at(cut);
        text = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Joins the two halves of a character that two reads cut apart.
#[derive(Debug, Default)]
pub(super) struct Utf8 {
    half: Vec<u8>,
}

impl Utf8 {
    /// The text of a read; what is no UTF-8 becomes U+FFFD. The start of a character at the very
    /// end waits for the next read.
    pub fn decode(&mut self, bytes: &[u8]) -> String {
        let mut all = std::mem::take(&mut self.half);
        all.extend_from_slice(bytes);
        let mut text = String::with_capacity(all.len());
        for chunk in all.utf8_chunks() {
            text.push_str(chunk.valid());
            let invalid = chunk.invalid();
            let at_end = invalid.as_ptr_range().end == all.as_ptr_range().end;
            // An error that more bytes could mend.
            let incomplete =
                std::str::from_utf8(invalid).err().is_some_and(|error| error.error_len().is_none());
            if at_end && incomplete {
                self.half = invalid.to_vec();
            } else if !invalid.is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        text
    }
}

/// The bytes of `[21:30:15] `, with which everything that program 2's server says begins.
pub(super) const STAMP: usize = 11;

/// True if a text of program 2's server begins here.
pub(super) fn is_stamped(bytes: &[u8]) -> bool {
    let shape = b"[00:00:00] [";
    bytes.len() > STAMP
        && shape
            .iter()
            .zip(bytes)
            .all(|(shape, byte)| if *shape == b'0' { byte.is_ascii_digit() } else { shape == byte })
}

/// A moment as `HH:MM:SS` of its zone.
pub fn clock(moment: Moment) -> String {
    let (hours, minutes, seconds) = time_of_day(moment);
    format!("{hours:02}:{minutes:02}:{seconds:02}")
}

/// A moment as `HH:MM` of its zone.
pub(super) fn short_clock(moment: Moment) -> String {
    let (hours, minutes, _) = time_of_day(moment);
    format!("{hours:02}:{minutes:02}")
}

fn time_of_day(moment: Moment) -> (i64, i64, i64) {
    let seconds = (moment.at.unix_nanos() / 1_000_000_000).cast_signed() + i64::from(moment.zone_s);
    let of_day = seconds.rem_euclid(86_400);
    (of_day / 3_600, of_day / 60 % 60, of_day % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::protocol::{Ask, Timestamp};
    use crate::time::Instant;

    #[test]
    fn a_character_cut_by_two_reads_is_whole_again() {
        let text = "grün 😀 done";
        for cut in 0..=text.len() {
            let mut utf8 = Utf8::default();
            let first = utf8.decode(&text.as_bytes()[..cut]);
            assert_eq!(first + &utf8.decode(&text.as_bytes()[cut..]), text, "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_utf8_is_replaced() {
        let mut utf8 = Utf8::default();
        assert_eq!(utf8.decode(b"a\xffb\xc3"), "a\u{fffd}b");
        assert_eq!(utf8.decode(b"c"), "\u{fffd}c");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let text = "ä".repeat(700);
        let cut: Vec<&str> = pieces(&text, 1023).collect();
        assert_eq!(cut.iter().map(|piece| piece.len()).collect::<Vec<_>>(), [1022, 378]);
        assert_eq!(cut.concat(), text);
        assert_eq!(pieces("", 10).count(), 0);
    }

    #[test]
    fn each_part_of_a_long_text_is_said_to_whom_the_whole_is() {
        let mut out = Asked::default();
        let text = "ä".repeat(2 * LONGEST);
        push_parts(&mut out, Request::SayIn { room: "den".to_owned(), text: text.as_str().into() }, 4_000);
        let parts: Vec<String> = out
            .drain()
            .map(|ask| match ask {
                Ask::Room(Request::SayIn { room, text }) if room == "den" => text.to_string(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!((parts.len(), parts.concat()), (4, text));
        push_parts(&mut out, Request::Say { text: "".into() }, 4_000);
        push_parts(&mut out, Request::Ping, 4_000);
        assert_eq!(out.len(), 2);
    }

    #[test]
    fn line_breaks_become_signs() {
        assert!(matches!(one_line("a b", BREAK), Cow::Borrowed("a b")));
        assert_eq!(one_line("\na\n\n \nb\n c\n", BREAK), "a \u{23ce} b \u{23ce}  c");
    }

    #[test]
    fn times_are_of_the_zone() {
        let at = Timestamp::from_unix_nanos(1_700_000_000_000_000_000);
        let moment = |zone_s| Moment { now: Instant::ZERO, at, zone_s };
        assert_eq!(clock(moment(0)), "22:13:20");
        assert_eq!(clock(moment(2 * 3_600)), "00:13:20");
        assert_eq!(short_clock(moment(-3_600)), "21:13");
    }
}
