//! One direction of a connection as a capture has it: segments, acknowledgments, the window that the receiver
//! offers, and what it reports by SACK. Numbers are bytes of the stream, from the initial sequence number on.

use crate::wire::pcapng::read::{Captured, ReadError, each_segment};
use crate::wire::{Direction, Flags, FlowId, SeqNumber};

/// A segment with data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sent {
    pub at: f64,
    pub from: f64,
    pub to: f64,
    /// True if it begins below what went before it.
    pub again: bool,
}

/// One direction of a connection over time.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    pub sent: Vec<Sent>,
    /// Cumulative acknowledgments, by time.
    pub acks: Vec<(f64, f64)>,
    /// Right edges of the window, by time.
    pub edges: Vec<(f64, f64)>,
    /// Bytes that a SACK block reports for the first time: time, from, to.
    pub sacked: Vec<(f64, f64, f64)>,
    /// Frames that the capture had no room for.
    pub left_out: u64,
}

impl Trace {
    /// Reads the direction of a flow from a capture.
    pub fn read(file: &[u8], flow: FlowId, direction: Direction) -> Result<Trace, ReadError> {
        let (mut trace, mut state) = (Trace::default(), State::default());
        trace.left_out = each_segment(file, |captured| {
            if captured.flow != flow {
            } else if captured.direction == direction {
                trace.take_data(&mut state, &captured);
            } else {
                trace.take_ack(&mut state, &captured);
            }
        })?;
        Ok(trace)
    }

    fn take_data(&mut self, state: &mut State, captured: &Captured) {
        let segment = &captured.segment;
        if segment.flags.has(Flags::SYN) {
            state.scales[0] = segment.syn_options().window_scale;
            state.start = Some(segment.seq.add(1));
            return;
        }
        let start = *state.start.get_or_insert(segment.seq);
        let len = u64::from(segment.payload.len());
        let Some(from) = segment.seq.offset(start, state.highest).filter(|_| len > 0) else { return };
        let again = from < state.highest;
        state.highest = state.highest.max(from + len);
        self.sent.push(Sent {
            at: captured.at.as_secs_f64(),
            from: from as f64,
            to: (from + len) as f64,
            again,
        });
    }

    fn take_ack(&mut self, state: &mut State, captured: &Captured) {
        let segment = &captured.segment;
        if segment.flags.has(Flags::SYN) {
            state.scales[1] = segment.syn_options().window_scale;
        }
        let (Some(start), true) = (state.start, segment.flags.has(Flags::ACK)) else { return };
        let Some(ack) = segment.ack.offset(start, state.acked) else { return };
        let at = captured.at.as_secs_f64();
        // Of ACKs that overtake each other the older one says nothing (RFC 9293 §3.10.7.4).
        if ack >= state.acked {
            state.acked = ack;
            // Not scaled in a SYN, and only if both ends offer it (RFC 7323 §2.2).
            let shift = match state.scales {
                [Some(_), Some(shift)] if !segment.flags.has(Flags::SYN) => shift,
                _ => 0,
            };
            self.acks.push((at, ack as f64));
            self.edges.push((at, (ack + (u64::from(segment.window) << shift)) as f64));
        }
        for (from, to) in segment.sack_blocks() {
            let offset = |number: &SeqNumber| number.offset(start, state.highest);
            if let (Some(from), Some(to)) = (offset(from), offset(to)) {
                let news = state.report(from.max(state.acked), to);
                self.sacked.extend(news.into_iter().map(|(from, to)| (at, from as f64, to as f64)));
            }
        }
    }
}

/// Knowledge of a connection while its segments are read.
#[derive(Debug, Default)]
struct State {
    /// Number of the stream's first byte.
    start: Option<SeqNumber>,
    /// Window scales of sender and receiver.
    scales: [Option<u8>; 2],
    /// End of what was sent so far.
    highest: u64,
    acked: u64,
    /// Reported ranges, ascending and apart.
    reported: Vec<(u64, u64)>,
}

impl State {
    /// Notes a block of SACK; returns its parts that no block before had.
    fn report(&mut self, from: u64, to: u64) -> Vec<(u64, u64)> {
        let acked = self.acked;
        self.reported.retain(|range| range.1 > acked);
        let (mut news, mut at) = (Vec::new(), from);
        for &(low, high) in self.reported.iter().filter(|range| range.0 < to && range.1 > from) {
            if low > at {
                news.push((at, low));
            }
            at = at.max(high);
        }
        if at < to {
            news.push((at, to));
        }
        self.reported.extend(&news);
        self.reported.sort_unstable();
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;
    use crate::wire::pcapng::Pcapng;
    use crate::wire::{Options, Packet, Payload, SackBlocks, Segment, SynOptions, frame};

    /// A capture of segments of flow 7, by milliseconds.
    fn capture(segments: Vec<(u64, Direction, Segment)>) -> Vec<u8> {
        let mut file = Pcapng::new("", &["x"], 0);
        for (at, direction, segment) in segments {
            let packet = Packet::new(FlowId(7), direction, segment);
            file.push(0, Instant::from_nanos(at * 1_000_000), None, &frame::bytes(&packet), None);
        }
        file.finish(Instant::ZERO, 0)
    }

    const START: u32 = u32::MAX - 1500;

    fn syn(scale: u8) -> Segment {
        let options = SynOptions { window_scale: Some(scale), ..SynOptions::default() };
        let flags = Flags(Flags::SYN.0 | Flags::ACK.0);
        Segment { flags, options: Options::Syn(options), window: 9000, ..Segment::default() }
    }

    fn data(offset: u32) -> Segment {
        let seq = SeqNumber(START).add(1 + offset);
        Segment { seq, flags: Flags::ACK, payload: Payload::zeros(1000), ..Segment::default() }
    }

    fn ack(offset: u32, blocks: &[(u32, u32)]) -> Segment {
        let number = |offset: u32| SeqNumber(START).add(1 + offset);
        let mut sack = SackBlocks::default();
        for &(from, to) in blocks {
            sack.push(number(from), number(to));
        }
        let options = Options::Sack(sack);
        Segment { ack: number(offset), flags: Flags::ACK, window: 100, options, ..Segment::default() }
    }

    #[test]
    fn offsets_windows_and_reports_are_those_of_the_segments() {
        use Direction::{Down, Up};
        let opened = Segment { seq: SeqNumber(START), flags: Flags::SYN, ..syn(4) };
        let answered = Segment { ack: SeqNumber(START).add(1), ..syn(7) };
        let file = capture(vec![
            (0, Up, opened),
            (50, Down, answered),
            // The numbers wrap within the second segment; the second is lost.
            (51, Up, data(0)),
            (52, Up, data(1000)),
            (53, Up, data(2000)),
            (54, Up, data(3000)),
            (101, Down, ack(1000, &[])),
            (103, Down, ack(1000, &[(2000, 3000)])),
            (104, Down, ack(1000, &[(2000, 4000)])),
            (105, Up, data(1000)),
            (155, Down, ack(4000, &[])),
            (156, Down, ack(1000, &[(2000, 4000)])),
        ]);
        let trace = Trace::read(&file, FlowId(7), Up).expect("a capture");
        let again: Vec<(f64, bool)> = trace.sent.iter().map(|sent| (sent.from, sent.again)).collect();
        assert_eq!(again, [(0.0, false), (1000.0, false), (2000.0, false), (3000.0, false), (1000.0, true)]);
        assert_eq!(trace.sent[3], Sent { at: 0.054, from: 3000.0, to: 4000.0, again: false });
        let acks: Vec<f64> = trace.acks.iter().map(|ack| ack.1).collect();
        assert_eq!(acks, [0.0, 1000.0, 1000.0, 1000.0, 4000.0]);
        // 9000 bytes as the SYN-ACK says it, then 100 shifted by the receiver's seven.
        let edges: Vec<f64> = trace.edges.iter().map(|edge| edge.1).collect();
        assert_eq!(edges, [9000.0, 13_800.0, 13_800.0, 13_800.0, 16_800.0]);
        assert_eq!(trace.sacked, [(0.103, 2000.0, 3000.0), (0.104, 3000.0, 4000.0)]);
        // The other direction carries nothing.
        assert!(Trace::read(&file, FlowId(7), Down).expect("a capture").sent.is_empty());
        assert!(Trace::read(&file, FlowId(6), Up).expect("a capture").sent.is_empty());
    }

    #[test]
    fn only_the_new_parts_of_a_block_are_news() {
        let mut state = State { acked: 10, ..State::default() };
        assert_eq!(state.report(20, 30), [(20, 30)]);
        assert_eq!(state.report(40, 50), [(40, 50)]);
        assert_eq!(state.report(15, 60), [(15, 20), (30, 40), (50, 60)]);
        assert_eq!(state.report(15, 60), []);
    }
}
