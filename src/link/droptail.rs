//! Drop-tail, where order and departure are fixed at the entrance; and the packets that wait for their
//! transmission to end, in front of any queue's transmitter.

use super::config::Config;
use super::flight::Transit;
use super::propagation::{Order, Passage};
use super::statistics::{Measured, Replayed};
use super::trace::NEVER;
use super::{Link, Waiting};
use crate::time::{Duration, Instant};

impl Link {
    /// Drop-tail: queues, serialises and propagates a packet of `size` bytes, unless there is no room.
    #[inline(always)]
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
    #[inline]
    pub(super) fn catch_up(&mut self, now: Instant) {
        self.serve(now);
        self.retire(now);
    }

    /// Takes note of the transmissions that have ended by `now`.
    #[inline(always)]
    pub(super) fn retire(&mut self, now: Instant) {
        while let Some(head) = self.waiting.pop_front_if(|head| head.departure <= now) {
            self.backlog = self.backlog.without(head.size);
            self.measured.queue_delay.record(head.start - head.entered);
            if self.serialiser.is_shaped() {
                let head = *head;
                self.retire_shaped(head);
            } else if head.back_to_back {
                let epoch = &mut self.measured.epoch;
                epoch.saturated_packets += 1;
                epoch.saturated_bytes += u64::from(head.size);
                epoch.saturated_span += head.departure - head.start;
            }
        }
    }

    /// The same for the account of a rate that is not even: packets that follow each other share the
    /// time from one departure to the next.
    #[inline(never)]
    fn retire_shaped(&mut self, head: Waiting) {
        let Measured { epoch, last, replayed, .. } = &mut self.measured;
        replayed.bytes += u64::from(head.size);
        let follows = head.back_to_back && last.is_some();
        let doubt = |at: Instant| self.serialiser.opportunities().map_or(0, |line| line.bytes_at(at));
        if let &mut Some((before, follower)) = last {
            if follows != follower {
                epoch.saturated_doubt += doubt(before);
            }
            if follows {
                epoch.saturated_packets += 1;
                epoch.saturated_bytes += u64::from(head.size);
                epoch.saturated_span += head.departure - before;
                let line = self.serialiser.opportunities();
                epoch.saturated_chances += line.map_or(0, |line| line.bytes_in(before, head.departure));
            }
        }
        *last = Some((head.departure, follows));
    }

    /// Time for which opportunities were used in the measured interval, until `now`.
    pub(super) fn replaying(&self, now: Instant) -> Duration {
        let Replayed { since, bytes, busy } = self.measured.replayed;
        let Some(line) = self.serialiser.opportunities() else { return busy };
        let share = bytes as f64 / line.bytes_in(since, now).max(1) as f64;
        busy + Duration::from_secs_f64((now - since).as_secs_f64() * share.min(1.0))
    }

    /// Sends what waits behind the packet in transmission at another rate.
    pub(super) fn reschedule(&mut self, now: Instant, config: &Config) {
        self.measured.replayed = Replayed { since: now, bytes: 0, busy: self.replaying(now) };
        self.measured.last = None;
        // One that waits for an opportunity is not in transmission, nor one that no opportunity ends.
        let under_way = self.waiting.get_mut(0).filter(|head| head.start <= now && head.departure < NEVER);
        let free = match under_way {
            Some(head) => {
                // Its time belongs to the old rate, and its end to the new one's measured interval.
                head.back_to_back = false;
                head.departure
            }
            None => self.serialiser.free().min(now),
        };
        let kept = usize::from(free > now);
        self.serialiser.change_rate(now, config, free, &self.chance);
        for i in kept..self.waiting.len() {
            let waiting = &mut self.waiting[i];
            (waiting.start, waiting.departure) = self.serialiser.send(free.max(now), waiting.size);
        }

        // The waiting packets were the last to depart or to be planned.
        let first = self.next_entry - self.waiting.len() as u64;
        for ((mut transit, packet), waiting) in
            self.flight.split_off(first).into_iter().zip(self.waiting.iter())
        {
            let due = waiting.departure + waiting.passage.delay;
            transit.arrival =
                if waiting.passage.order == Order::Kept { due.max(self.flight.latest()) } else { due };
            self.flight.push(transit, packet);
        }
    }
}
