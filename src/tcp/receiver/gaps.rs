//! Acknowledgments while something is missing: what they report beyond the gap, and when they leave.

use super::{NOTHING, Receiver};
use crate::tcp::echo::Echo;
use crate::tcp::rtt::RttEstimator;
use crate::tcp::scoreboard::DUP_THRESH;
use crate::time::{Duration, Instant};
use crate::wire::SackBlocks;

/// `tcp_comp_sack_nr`: so many in a row wait at most.
const MOST_HELD: u32 = 44;
/// `tcp_comp_sack_delay_ns`, and the slack of its timer (`tcp_comp_sack_slack_ns`).
const LONGEST: Duration = Duration::from_millis(1);
const SLACK: Duration = Duration::from_micros(100);
/// Part of a round trip that they wait, if that is shorter.
const PART: u64 = 20;
/// `TCP_SACK_BLOCKS_EXPECTED`: changes of so many blocks, and of a new one, fit beside timestamps.
const BLOCKS: usize = 2;

/// Linux's compression of selective acknowledgments (`__tcp_ack_snd_check`): beyond the third duplicate, with which
/// the sender knows of the loss, one acknowledgment tells of all that arrives within a millisecond. Unlike RFC 5681
/// §4.2, which wants one at once.
#[derive(Debug)]
pub(super) struct Compression {
    pub(super) enabled: bool,
    /// The gap that is acknowledged, and duplicates that told of it.
    gap: u64,
    told: u32,
    /// Acknowledgments that the next one stands for.
    pub(super) held: u32,
}

impl Compression {
    pub(super) const OFF: Compression = Compression { enabled: false, gap: 0, told: 0, held: 0 };

    /// Time for which the acknowledgment of what arrived beyond `gap` may wait; none if it may not.
    fn wait(&mut self, gap: u64, rtt: Option<Duration>) -> Option<Duration> {
        if !self.enabled || self.held >= MOST_HELD {
            return None;
        }
        if self.gap != gap {
            (self.gap, self.told) = (gap, 0);
        }
        if self.told < DUP_THRESH {
            self.told += 1;
            return None;
        }
        self.held += 1;
        Some(rtt.map_or(LONGEST, |rtt| (rtt / PART).min(LONGEST)) + SLACK)
    }
}

impl Receiver {
    /// `[start, end)` will be taken in out of order. An acknowledgment that waited leaves with it if it would have to
    /// tell of more blocks than an option holds (`tcp_sack_new_ofo_skb`).
    #[inline(never)]
    pub(super) fn note_out_of_order(&mut self, start: u64, end: u64) {
        self.note_duplicate(start, end);
        if self.compression.held > 0 {
            let mut blocks = self.assembler.blocks();
            let known = blocks.len();
            let place = blocks.position(|(from, to)| start <= to && from <= end).unwrap_or(known);
            self.ack_now |= place >= BLOCKS;
        }
    }

    /// Something arrived out of order, or filled a gap: that is acknowledged at once (RFC 5681 §4.2), unless it says
    /// little that the sender does not know.
    #[inline(never)]
    pub(super) fn acknowledge_gap(&mut self, now: Instant, rtt: &RttEstimator) {
        let next = self.next();
        let fills = !self.assembler.has_gap() || next - self.last_ack_sent > self.mss;
        let wait = if fills || self.ack_now { None } else { self.compression.wait(next, rtt.smoothed()) };
        match wait {
            Some(wait) => self.delayed.bring_forward_exactly(self.wheel, now + wait),
            None => self.ack_now = true,
        }
    }

    /// The next acknowledgment reports what of `[start, end)` is here already (RFC 2883 §4), once.
    #[inline(never)]
    pub fn note_duplicate(&mut self, start: u64, end: u64) {
        if !self.reports_duplicates {
            return;
        }
        let known = std::iter::once((0, self.next())).chain(self.assembler.blocks());
        let overlaps = known.map(|(from, to)| (from.max(start), to.min(end)));
        if let Some(first) = overlaps.filter(|(from, to)| from < to).min() {
            self.duplicate = first;
        }
    }

    /// Bytes of the options of the next acknowledgment beside timestamps; SACK blocks if `sack` is agreed.
    #[inline]
    pub fn option_bytes(&self, sack: bool) -> u32 {
        let blocks = sack && self.has_blocks();
        if !blocks && matches!(self.echo, Echo::Nothing) {
            return 0;
        }
        let duplicates = usize::from(self.duplicate != NOTHING);
        self.echo.option_bytes(if blocks { self.assembler.blocks().len() + duplicates } else { 0 })
    }

    #[inline]
    fn has_blocks(&self) -> bool {
        self.assembler.has_gap() || self.duplicate != NOTHING
    }

    /// The SACK blocks to send now, if there are any: as many as an option holds, what arrived twice
    /// before all (RFC 2883 §4), then the newest first (RFC 2018 §4).
    pub fn take_sack_blocks(&mut self) -> Option<SackBlocks> {
        if !self.has_blocks() {
            return None;
        }
        let mut blocks = SackBlocks::default();
        let (start, end) = std::mem::replace(&mut self.duplicate, NOTHING);
        blocks.push(self.irs.at(start), self.irs.at(end));
        for (start, end) in self.assembler.blocks() {
            if !blocks.push(self.irs.at(start), self.irs.at(end)) {
                break;
            }
        }
        Some(blocks)
    }
}
