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
    /// Bytes written, and sent; and where those are that are no zeros, from an offset on.
    written: u64,
    sent: u64,
    pieces: BTreeMap<u64, Vec<u8>>,
    forgotten: u64,
    /// Bytes that have arrived without a gap, and ranges beyond.
    next: u64,
    beyond: BTreeMap<u64, u64>,
    /// Bytes read; `None` if nobody reads one by one.
    read: Option<u64>,
    /// By the begin and the end of the measured interval: bytes arrived without a gap, and read.
    marks: [(u64, u64); 2],
}

/// Bytes behind the last that arrived in order, or was read, which late copies may carry.
const KEPT: u64 = 256 << 10;

/// Text of a finding: found, and expected.
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
        self.forget();
        wrong
    }

    /// Forgets bytes that are not looked at again, but for the oldest copies of them.
    fn forget(&mut self) {
        let end = self.read.unwrap_or(self.next).saturating_sub(KEPT);
        while let Some(first) = self.pieces.first_entry() {
            let until = first.key() + first.get().len() as u64;
            if until > end {
                break;
            }
            first.remove();
            self.forgotten = until;
        }
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
        self.sent = self.sent.max(end);
        self.differs(from, &data.content, "were sent")
    }

    /// An intact segment arrives.
    pub fn delivered(&mut self, at: Instant, data: &Data, terms: &Terms) -> Wrong {
        let from = self.offset(data)?;
        let end = from + data.content.len();
        if end > self.sent {
            let found = format!("bytes up to number {end} arrived");
            return Some((found, format!("{} were sent", self.sent)));
        }
        self.cover(from, end);
        self.mark(at, terms);
        let wrong = self.differs(from, &data.content, "arrived");
        self.forget();
        wrong
    }

    /// Holds the bytes that arrived or were read in the measured interval against the count of its row: an end that
    /// `takes` bytes as they come counts those, any other those that it read.
    pub fn compare(&self, counted: u64, takes: bool) -> Wrong {
        let [(next, read), (next_end, read_end)] = self.marks;
        let (arrived, read) = (next_end - next, read_end - read);
        let is_right = match self.read {
            _ if takes => counted == arrived,
            None => counted == 0 || counted == arrived,
            Some(_) => counted == read,
        };
        (!is_right).then(|| {
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
        let mut piece = self.pieces.range(..=from).next_back();
        (from.max(self.forgotten)..end).find(|&at| {
            if piece.is_none_or(|(start, bytes)| at >= start + bytes.len() as u64) {
                piece = self.pieces.range(..=at).next_back();
            }
            let written = piece.and_then(|(start, bytes)| bytes.get((at - start) as usize)).copied();
            written.unwrap_or(0) != byte(at)
        })
    }
}
