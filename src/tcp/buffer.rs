//! The send buffer: what the application wrote and the peer has not yet acknowledged.

use crate::ring::Ring;
use crate::wire::Payload;

/// A contiguous part of the stream, in the chunks in which it was written.
#[derive(Debug)]
pub struct SendBuffer {
    chunks: Ring<Chunk>,
    /// Offset of the first byte held.
    start: u64,
    /// Offset after the last byte held.
    end: u64,
    capacity: u64,
}

#[derive(Debug, Default)]
struct Chunk {
    start: u64,
    /// Zeros only: their number, which may exceed a payload's.
    len: u64,
    payload: Option<Payload>,
}

impl SendBuffer {
    /// An empty buffer whose first byte will have the offset `start`.
    pub fn new(start: u64, capacity: u64) -> SendBuffer {
        SendBuffer { chunks: Ring::default(), start, end: start, capacity }
    }

    /// Offset after the last byte written.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Number of bytes that it holds, and of their chunks.
    pub fn held(&self) -> (u64, usize) {
        (self.end - self.start, self.chunks.len())
    }

    /// Number of bytes that can be accepted.
    pub fn room(&self) -> u64 {
        self.capacity.saturating_sub(self.end - self.start)
    }

    /// Appends as much of `payload` as there is room for; returns how much.
    pub fn write(&mut self, payload: &Payload) -> u32 {
        if payload.is_zeros() {
            return self.write_zeros(payload.len().into()) as u32;
        }
        let len = u64::from(payload.len()).min(self.room()) as u32;
        if len > 0 {
            let payload = Some(payload.slice(0, len));
            self.chunks.push_back(Chunk { start: self.end, len: len.into(), payload });
            self.end += u64::from(len);
        }
        len
    }

    /// Appends up to `len` zeros; returns how many.
    pub fn write_zeros(&mut self, len: u64) -> u64 {
        let len = len.min(self.room());
        if len > 0 {
            match self.chunks.len().checked_sub(1).and_then(|last| self.chunks.get_mut(last)) {
                Some(last) if last.payload.is_none() => last.len += len,
                _ => self.chunks.push_back(Chunk { start: self.end, len, payload: None }),
            }
            self.end += len;
        }
        len
    }

    /// The `len` bytes from `start` on. Panics if they are not held.
    #[inline(always)]
    pub fn read(&self, start: u64, len: u32) -> Payload {
        let end = start + u64::from(len);
        assert!(self.start <= start && end <= self.end, "bytes that are held");
        // Bulk data is one chunk.
        if self.chunks.len() == 1 && self.chunks[0].payload.is_none() {
            return Payload::zeros(len);
        }
        self.find(start, end)
    }

    fn find(&self, start: u64, end: u64) -> Payload {
        let len = (end - start) as u32;
        // The last chunk that does not begin beyond ours: mostly the newest.
        let first = match self.chunks.back() {
            Some(newest) if newest.start <= start => self.chunks.len() - 1,
            _ => self.chunks.partition_point(|chunk| chunk.start <= start) - 1,
        };
        let chunk = &self.chunks[first];
        if end <= chunk.start + chunk.len {
            return match &chunk.payload {
                None => Payload::zeros(len),
                Some(payload) => payload.slice((start - chunk.start) as u32, len),
            };
        }
        self.gather(first, start, end)
    }

    /// Copies a range that spans chunks into one payload.
    fn gather(&self, first: usize, start: u64, end: u64) -> Payload {
        let mut bytes = Vec::with_capacity((end - start) as usize);
        for chunk in self.chunks.iter_from(first) {
            let from = start.max(chunk.start) - chunk.start;
            let to = end.min(chunk.start + chunk.len).saturating_sub(chunk.start);
            if to <= from {
                break;
            }
            match &chunk.payload {
                None => bytes.resize(bytes.len() + (to - from) as usize, 0),
                Some(payload) => payload.slice(from as u32, (to - from) as u32).copy_to(&mut bytes),
            }
        }
        Payload::shared(bytes)
    }

    /// Frees everything before `offset`, which the peer has acknowledged.
    #[inline(always)]
    pub fn release(&mut self, offset: u64) {
        if offset <= self.start {
            return;
        }
        self.start = offset.min(self.end);
        while let Some(first) = self.chunks.get_mut(0) {
            if first.start + first.len <= self.start {
                first.payload = None;
                self.chunks.pop_front();
                continue;
            }
            if first.payload.is_none() {
                first.len -= self.start - first.start;
                first.start = self.start;
            }
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_was_written_across_chunks() {
        let mut buffer = SendBuffer::new(1, 100);
        assert_eq!(buffer.write(&Payload::shared(*b"hello ")), 6);
        assert_eq!(buffer.write_zeros(2), 2);
        assert_eq!(buffer.write(&Payload::shared(*b"world")), 5);
        assert_eq!(buffer.read(1, 5).as_bytes(), Some(&b"hello"[..]));
        assert_eq!(buffer.read(6, 5).as_bytes(), Some(&b" \0\0wo"[..]));
        assert_eq!(buffer.read(7, 2), Payload::zeros(2));
        buffer.release(9);
        assert_eq!(buffer.read(10, 4).as_bytes(), Some(&b"orld"[..]));
    }

    #[test]
    fn accepts_no_more_than_its_capacity() {
        let mut buffer = SendBuffer::new(0, 10);
        assert_eq!(buffer.write_zeros(25), 10);
        assert_eq!(buffer.write(&Payload::shared(*b"x")), 0);
        buffer.release(4);
        assert_eq!(buffer.room(), 4);
        assert_eq!(buffer.write(&Payload::shared(*b"hello")), 4);
    }

    #[test]
    fn adjacent_zeros_are_one_chunk() {
        let mut buffer = SendBuffer::new(0, u64::MAX);
        for _ in 0..1000 {
            buffer.write_zeros(1448);
        }
        assert_eq!(buffer.chunks.len(), 1);
        buffer.release(1448 * 999);
        assert_eq!(buffer.read(1448 * 999, 1448).len(), 1448);
    }
}
