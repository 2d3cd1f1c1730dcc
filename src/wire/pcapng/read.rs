//! Captures of this program read back: the TCP segments of a file, in the order of their capture.

use super::{DROPPED, PACKET, SECTION, STATISTICS};
use crate::time::Instant;
use crate::wire::{Direction, FlowId, Segment, frame};

/// Magic number of a section's bytes in this order.
const LITTLE_ENDIAN: u32 = 0x1a2b_3c4d;

/// Bytes of a block around its body: kind and length before it, length behind it.
const AROUND: usize = 12;

/// A segment as an interface saw it.
#[derive(Clone, Debug)]
pub struct Captured {
    /// Time since the start of the trial.
    pub at: Instant,
    /// Number of its flow.
    pub flow: FlowId,
    /// Direction in which it goes.
    pub direction: Direction,
    /// The segment; the ECN field, which is none of TCP's, is not read.
    pub segment: Segment,
}

/// Reason for which a file cannot be read as a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It does not begin as our captures do.
    #[error("this is no capture that testbed has written")]
    Foreign,
    /// A block is longer than what is left of the file.
    #[error("the block at byte {0} does not end within the file")]
    Cut(usize),
}

/// Calls `visit` with each TCP segment of a file that no link damaged. Returns the number of frames that the file
/// says it left out.
pub fn each_segment(file: &[u8], mut visit: impl FnMut(Captured)) -> Result<u64, ReadError> {
    if word(file, 0) != Some(SECTION) || word(file, 8) != Some(LITTLE_ENDIAN) {
        return Err(ReadError::Foreign);
    }
    let (mut at, mut left_out) = (0, 0);
    while at < file.len() {
        let len = word(file, at + 4).map_or(0, |len| len as usize);
        let body = len.checked_sub(AROUND).and_then(|len| file.get(at + 8..at + 8 + len));
        let (Some(kind), Some(body)) = (word(file, at), body) else { return Err(ReadError::Cut(at)) };
        match kind {
            PACKET => {
                if let Some(captured) = captured(body) {
                    visit(captured);
                }
            }
            STATISTICS => left_out += dropped(body),
            _ => {}
        }
        at += len;
    }
    Ok(left_out)
}

/// The segment of a packet's block: interface, stamp in two halves, two lengths, and the frame.
fn captured(body: &[u8]) -> Option<Captured> {
    let at = u64::from(word(body, 4)?) << 32 | u64::from(word(body, 8)?);
    let frame = body.get(20..20 + word(body, 12)? as usize)?;
    let (flow, direction, segment) = frame::segment(frame)?;
    Some(Captured { at: Instant::from_nanos(at), flow, direction, segment })
}

/// Frames that a block of statistics counts as dropped: interface, stamp, and the option.
fn dropped(body: &[u8]) -> u64 {
    let Some([code, _, _, _, count @ ..]) = body.get(12..24) else { return 0 };
    let count: Option<[u8; 8]> = count.try_into().ok();
    count.filter(|_| u16::from(*code) == DROPPED).map_or(0, u64::from_le_bytes)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Datagram;
    use crate::wire::pcapng::Pcapng;
    use crate::wire::{Flags, Packet, Payload, SeqNumber};

    fn packet(flow: u32, direction: Direction, seq: u32) -> Packet {
        let segment = Segment {
            seq: SeqNumber(seq),
            flags: Flags::ACK,
            payload: Payload::zeros(100),
            ..Segment::default()
        };
        Packet::new(FlowId(flow), direction, segment)
    }

    #[test]
    fn segments_come_back_as_they_were_captured_and_nothing_else_does() {
        let mut file = Pcapng::new("a comment", &["up in", "up out"], 0);
        let at = |n: u64| Instant::from_nanos(n << 31);
        let mut damaged = packet(1, Direction::Up, 9);
        damaged.corrupt();
        let datagram = Packet::datagram(
            FlowId(2),
            Direction::Up,
            Datagram { number: 0, payload: 56, sent: Instant::ZERO },
        );
        let all = [packet(0, Direction::Up, 1), damaged, datagram, packet(70_000, Direction::Down, 2)];
        for (n, packet) in (0u32..).zip(&all) {
            file.push(n % 2, at(n.into()), None, &frame::bytes(packet), (n == 3).then_some("dropped"));
        }
        let file = file.finish(at(9), 5);
        let mut seen = Vec::new();
        let left_out = each_segment(&file, |captured| {
            seen.push((captured.at, captured.flow.0, captured.direction, captured.segment.seq.0));
            assert_eq!(captured.segment.payload.len(), 100);
        });
        assert_eq!(left_out, Ok(5));
        assert_eq!(seen, [(at(0), 0, Direction::Up, 1), (at(3), 70_000, Direction::Down, 2)]);
    }

    #[test]
    fn damaged_files_are_errors_and_no_panics() {
        let mut file = Pcapng::new("", &["x"], 0);
        file.push(0, Instant::ZERO, None, &frame::bytes(&packet(0, Direction::Up, 1)), None);
        let file = file.finish(Instant::ZERO, 1);
        assert_eq!(each_segment(b"time_s,flow", |_| {}), Err(ReadError::Foreign));
        for len in 12..file.len() {
            let read = each_segment(&file[..len], |_| {});
            assert!(matches!(read, Ok(0) | Err(ReadError::Cut(_))), "{len}: {read:?}");
        }
        for at in 12..file.len() {
            for value in [0, 1, 255] {
                let mut other = file.clone();
                other[at] = value;
                let _ = each_segment(&other, |_| {});
            }
        }
    }
}
