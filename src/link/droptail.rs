//! Drop-tail, where order and departure are fixed at the entrance; and the packets that wait for their
//! transmission to end, in front of any queue's transmitter.

use super::flight::Transit;
use super::propagation::{Order, Passage};
use super::{Link, Waiting};
use crate::time::Instant;
use crate::units::Rate;

impl Link {
    /// Drop-tail: queues, serialises and propagates a packet of `size` bytes, unless there is no room.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "one call on the hot path: a frame costs more than it saves")]
    pub(super) fn accept(
        &mut self,
        now: Instant,
        size: u32,
        passage: Passage,
        damaged: bool,
        queues: bool,
    ) -> Option<Transit> {
        let mut departure = now;
        if queues {
            self.retire(now);
            if !self.measured.epoch.config.queue.capacity.holds(self.backlog.with(size)) {
                self.counters.dropped_queue += 1;
                return None;
            }
            departure = self.enqueue(now, size, passage);
        }
        Some(self.depart(departure, passage, damaged))
    }

    /// Takes a place in the queue and returns when its transmission ends.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "one call on the hot path: a frame costs more than it saves")]
    fn enqueue(&mut self, now: Instant, size: u32, passage: Passage) -> Instant {
        let (start, departure) = self.serialiser.send(now, size);
        let back_to_back = !self.waiting.is_empty();
        self.waiting.push_back(Waiting { entered: now, start, departure, passage, size, back_to_back });
        self.backlog = self.backlog.with(size);
        self.note_longest();
        departure
    }

    #[inline]
    pub(super) fn note_longest(&mut self) {
        let epoch = &mut self.measured.epoch;
        epoch.longest_packets = epoch.longest_packets.max(self.backlog.packets);
        epoch.longest_bytes = epoch.longest_bytes.max(self.backlog.bytes);
    }

    /// Takes note of all that has happened by `now`, though nobody asked yet.
    pub(super) fn catch_up(&mut self, now: Instant) {
        self.serve(now);
        self.retire(now);
    }

    /// Takes note of the transmissions that have ended by `now`.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "one call on the hot path: a frame costs more than it saves")]
    pub(super) fn retire(&mut self, now: Instant) {
        while let Some(head) = self.waiting.front()
            && head.departure <= now
        {
            self.backlog = self.backlog.without(head.size);
            self.measured.queue_delay.record(head.start - head.entered);
            if head.back_to_back {
                let epoch = &mut self.measured.epoch;
                epoch.saturated_packets += 1;
                epoch.saturated_bytes += u64::from(head.size);
                epoch.saturated_span += head.departure - head.start;
            }
            self.waiting.pop_front();
        }
    }

    /// Sends what waits behind the packet in transmission at another rate.
    pub(super) fn reschedule(&mut self, rate: Option<Rate>) {
        let Some(head) = self.waiting.get_mut(0) else {
            self.serialiser.change_rate(rate, self.serialiser.free());
            return;
        };
        // Its time belongs to the old rate, and its end to the new one's measured interval.
        head.back_to_back = false;
        self.serialiser.change_rate(rate, head.departure);
        for i in 1..self.waiting.len() {
            let waiting = &mut self.waiting[i];
            (waiting.start, waiting.departure) = self.serialiser.send(waiting.entered, waiting.size);
        }

        // The waiting packets were the last to depart or to be planned.
        let first = self.next_entry - self.waiting.len() as u64;
        for ((mut transit, mut packet), waiting) in
            self.flight.split_off(first).into_iter().zip(self.waiting.iter())
        {
            let due = waiting.departure + waiting.passage.delay;
            transit.arrival =
                if waiting.passage.order == Order::Kept { due.max(self.flight.latest()) } else { due };
            self.flight.push(transit, &mut packet);
        }
    }
}
