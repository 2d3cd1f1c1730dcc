//! Effects of an event: packets arrive, timers expire, and everything that this touches drains.

use super::core::{arm_end, end_of};
use super::io::WorldIo;
use super::port::{PORT, Port};
use super::queue::{Class, Event};
use super::{BATCH, World};
use crate::app::{App, Conn};
use crate::facts::StreamEvent;
use crate::time::Instant;
use crate::wire::pcapng::Heading;
use crate::wire::{Direction, Packet};

impl World {
    /// The head of a link has arrived, and perhaps others with it.
    #[inline(always)]
    pub(super) fn handle_arrivals(&mut self, event: Event) {
        let link = event.target as usize;
        if !self.core.topology.links[link].is_announced(event.at) {
            // An earlier arrival has overtaken this wake-up.
            self.core.step();
            self.core.queue.pop(Class::Arrival);
            return;
        }
        // Arrivals due beyond a batch wait for the next round: this event stays the first until then.
        for _ in 0..BATCH {
            let Some((packet, is_last)) = self.core.poll_arrival(link) else { break };
            match self.core.pass_on(link, packet) {
                None => self.core.step(),
                Some(packet) => self.receive(packet, is_last),
            }
            if is_last {
                break;
            }
        }
        self.settle();
        // The key is still the first: whatever was pushed meanwhile comes later in the order.
        debug_assert_eq!(self.core.queue.peek(), Some(event));
        if let Some(taps) = &mut self.core.taps {
            taps.gather(self.core.topology.spot(link), &mut self.core.topology.links[link]);
        }
        let link = &mut self.core.topology.links[link];
        if link.next_event() > event.at {
            link.forget_wakeup();
            match link.poll_wakeup() {
                Some(next) => self.core.queue.replace_first(next, Class::Arrival, event.target),
                None => self.core.queue.pop(Class::Arrival),
            }
        }
    }

    /// A packet has come to its host. `is_last` tells that its link has nothing more for this instant.
    #[inline(always)]
    fn receive(&mut self, mut packet: Box<Packet>, is_last: bool) {
        let core = &mut self.core;
        // Packets that go up end at the server.
        let (number, side) = (packet.flow.0, packet.direction.reverse());
        let flow = &mut core.flows[number as usize];
        core.packets += 1;
        if let Some(taps) = &mut core.taps {
            taps.at_host(core.now, (&flow.group, &flow.name), &mut packet, Heading::In);
        }
        if !packet.is_intact_segment() {
            let datagram = flow.take_unusual(core.now, &packet);
            core.step();
            if let Some(datagram) = datagram {
                self.tell_datagram(number, side, datagram);
            }
            return;
        }
        let connection = &mut flow.ends[side.index()].connection;
        connection.handle_segment(core.now, &packet.segment);
        // Unless it must act at once, it takes in what else arrives at this instant: data in order are read as one.
        let is_urgent = packet.segment.payload.is_empty() || connection.is_urgent();
        core.reuse(packet);
        core.step();
        if core.touched.is_empty() && (is_urgent || is_last) {
            self.settle_end(number, side);
        } else {
            core.touch(number, side);
        }
        if is_urgent {
            self.settle();
        }
    }

    pub(super) fn handle_connection_timer(&mut self, event: Event) {
        let (number, direction) = end_of(event.target);
        let now = event.at;
        let end = &mut self.core.flows[number as usize].ends[direction.index()];
        if end.armed != now {
            return;
        }
        end.armed = Instant::MAX;
        if end.connection.poll_timeout() <= now {
            end.connection.handle_timeout(now);
            self.core.touch(number, direction);
            self.settle();
        } else {
            arm_end(end, &mut self.core.queue, now, event.target);
        }
    }

    pub(super) fn handle_app_timer(&mut self, event: Event) {
        let slot = &mut self.apps[event.target as usize];
        if slot.armed != event.at {
            return;
        }
        slot.armed = Instant::MAX;
        if slot.started {
            self.call_app(event.target, |app, io| {
                if app.poll_timeout().is_some_and(|at| at <= io.core.now) {
                    app.on_timeout(io);
                }
            });
        } else {
            slot.started = true;
            self.call_app(event.target, |app, io| app.start(io));
        }
        self.tell_opened();
        self.settle();
    }

    /// Lets an application act, then queues its next wake-up.
    pub(super) fn call_app(&mut self, number: u32, act: impl FnOnce(&mut dyn App, &mut WorldIo<'_>)) {
        let slot = &mut self.apps[number as usize];
        let app = &mut *slot.app;
        act(app, &mut WorldIo { core: &mut self.core, app: number });
        if let Some(at) = app.poll_timeout() {
            let at = at.max(self.core.now);
            if at < slot.armed {
                slot.armed = at;
                self.core.queue.push(at, Class::App, number);
            }
        }
    }

    /// Drains every touched end: events to applications, segments to links, until nothing is left.
    #[inline(always)]
    pub(super) fn settle(&mut self) {
        if !self.core.touched.is_empty() {
            self.settle_touched();
        }
    }

    fn settle_touched(&mut self) {
        let mut next = 0;
        while let Some(&(number, direction)) = self.core.touched.get(next) {
            next += 1;
            self.core.flows[number as usize].ends[direction.index()].touched = false;
            self.settle_end(number, direction);
        }
        self.core.touched.clear();
    }

    /// Drains one end.
    #[inline(always)]
    fn settle_end(&mut self, number: u32, direction: Direction) {
        let end = &mut self.core.flows[number as usize].ends[direction.index()];
        if let Some(event) = end.connection.poll_event() {
            self.tell(number, direction, event);
        }
        self.core.transmit(number, direction);
    }

    /// Tells the application of an end what has happened there, and what happens then.
    fn tell(&mut self, number: u32, direction: Direction, mut event: StreamEvent) {
        loop {
            let end = &mut self.core.flows[number as usize].ends[direction.index()];
            let app = end.app;
            if app == PORT {
                self.core.tell_port(Port { flow: number, direction }, event);
            } else {
                self.call_app(app, |app, io| app.on_event(Conn(number), event, io));
            }
            let end = &mut self.core.flows[number as usize].ends[direction.index()];
            let Some(another) = end.connection.poll_event() else { return };
            event = another;
        }
    }
}
