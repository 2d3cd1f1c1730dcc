//! Streams: the bytes that arrive are those that were written, in order.

use std::collections::BTreeMap;

use super::terms::Terms;
use crate::facts::{Content, Data};
use crate::time::Instant;

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Sequence number of the first byte.
    first: Option<u32>,
    /// Bytes written, and where those are that are no zeros.
    written: u64,
    pieces: BTreeMap<u64, Vec<u8>>,
    /// Bytes that have arrived without a gap, and ranges beyond.
    next: u64,
    beyond: BTreeMap<u64, u64>,
    /// Bytes read; `None` if nobody reads one by one.
    read: Option<u64>,
    /// By the begin and the end of the measured interval: bytes arrived without a gap, and read.
    marks: [(u64, u64); 2],
}

/// Text of a finding: what is, and what should be.
type Wrong = Option<(String, String)>;

impl Stream {
    /// The application writes.
    pub fn write(&mut self, content: &Content) -> Wrong {
        if let Content::Bytes(bytes) = content {
            self.pieces.insert(self.written, bytes.clone());
        }
        self.written += content.len();
        None
    }

    /// The application at the other end reads.
    pub fn read(&mut self, at: Instant, content: &Content, terms: &Terms) -> Wrong {
        let from = self.read.unwrap_or(0);
        let end = from + content.len();
        self.read = Some(end);
        self.mark(at, terms);
        if end > self.next {
            let found = format!("its application read up to byte {end}");
            return Some((found, format!("{} have arrived in order", self.next)));
        }
        let wrong = self.differs(from, content, "were read");
        // Nothing before is looked at again, but for late copies of it.
        while let Some(first) = self.pieces.first_entry() {
            if *first.key() + first.get().len() as u64 + (1 << 20) > end {
                break;
            }
            first.remove();
        }
        wrong
    }

    /// A segment is sent.
    pub fn sent(&mut self, data: &Data) -> Wrong {
        if data.syn {
            self.first.get_or_insert(data.seq.wrapping_add(1));
        }
        let from = self.offset(data)?;
        let end = from + data.content.len();
        if end > self.written {
            let found = format!("it carries bytes up to number {end}");
            return Some((found, format!("its application wrote {}", self.written)));
        }
        self.differs(from, &data.content, "were sent")
    }

    /// An intact segment arrives.
    pub fn delivered(&mut self, at: Instant, data: &Data, terms: &Terms) -> Wrong {
        let from = self.offset(data)?;
        let end = from + data.content.len();
        self.cover(from, end);
        self.mark(at, terms);
        self.differs(from, &data.content, "arrived")
    }

    /// Holds the bytes that arrived or were read in the measured interval against the count of its row: an end that
    /// nobody reads counts them as they arrive.
    pub fn compare(&self, counted: u64) -> Wrong {
        let [(next, read), (next_end, read_end)] = self.marks;
        let found = [read_end - read, next_end - next];
        (!found.contains(&counted)).then(|| {
            let [read, arrived] = found;
            let found =
                format!("{arrived} bytes arrived in order in the measured interval, {read} were read");
            (found, format!("flows.csv counts {counted}"))
        })
    }

    /// Offset of a segment's first byte; `None` without any, or before the beginning.
    fn offset(&self, data: &Data) -> Option<u64> {
        let first = self.first.filter(|_| !data.content.is_empty())?;
        let seq = if data.syn { data.seq.wrapping_add(1) } else { data.seq };
        // The nearest of those that the number may mean.
        let near = first.wrapping_add(self.next as u32);
        self.next.checked_add_signed(i64::from(seq.wrapping_sub(near).cast_signed()))
    }

    /// Bytes of a range are here.
    fn cover(&mut self, from: u64, end: u64) {
        let (mut from, mut end) = (from.max(self.next), end);
        if end <= from {
            return;
        }
        // Ranges that touch become one.
        while let Some((&start, &stop)) =
            self.beyond.range(..=end).next_back().filter(|range| *range.1 >= from)
        {
            self.beyond.remove(&start);
            (from, end) = (from.min(start), end.max(stop));
        }
        if from <= self.next {
            self.next = end;
        } else {
            self.beyond.insert(from, end);
        }
    }

    fn mark(&mut self, at: Instant, terms: &Terms) {
        for (mark, until) in self.marks.iter_mut().zip(terms.measured) {
            if at <= until {
                *mark = (self.next, self.read.unwrap_or(0));
            }
        }
    }

    /// Text of a finding if bytes are not those that were written.
    fn differs(&self, from: u64, content: &Content, verb: &str) -> Wrong {
        let len = content.len();
        let end = from + len;
        let at = match content {
            Content::Unseen(_) => return None,
            Content::Zeros(_) if self.pieces.is_empty() => return None,
            Content::Zeros(_) => self.difference(from, end, |_| 0),
            Content::Bytes(bytes) => self.difference(from, end, |at| bytes[(at - from) as usize]),
        }?;
        Some((format!("bytes {from} to {end} {verb}"), format!("byte {at} was written as another")))
    }

    fn difference(&self, from: u64, end: u64, byte: impl Fn(u64) -> u8) -> Option<u64> {
        // What was forgotten is not judged.
        let known = self.pieces.first_key_value().map_or(end, |(start, _)| *start);
        let judged = if self.read.is_some() { known } else { 0 };
        let mut piece = self.pieces.range(..=from).next_back();
        (from.max(judged)..end).find(|&at| {
            if piece.is_none_or(|(start, bytes)| at >= start + bytes.len() as u64) {
                piece = self.pieces.range(..=at).next_back();
            }
            let written = piece.and_then(|(start, bytes)| bytes.get((at - start) as usize)).copied();
            written.unwrap_or(0) != byte(at)
        })
    }
}
