//! The packets inside a link as a drawing shows them.

use super::Link;
use crate::time::Instant;
use crate::wire::Packet;

/// Part of a link that a packet is in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Whereabouts {
    /// It waits, or is in transmission.
    Queue,
    /// It propagates: the part of the way behind it, 0 to 1.
    Wire(f64),
}

impl Link {
    /// Visits every packet inside at `now`, those on the wire from the end of the link on, then those that wait.
    /// A packet counts as waiting while its arrival is further off than the mean delay, so that jitter blurs the
    /// border between the two.
    pub fn each_inside(&self, now: Instant, visit: &mut dyn FnMut(Whereabouts, &Packet)) {
        let delay = self.config().delay.mean.as_secs_f64();
        for (arrival, packet) in self.flight.by_arrival() {
            let left = arrival.saturating_since(now).as_secs_f64();
            let waits = left > delay || delay == 0.0;
            visit(if waits { Whereabouts::Queue } else { Whereabouts::Wire(1.0 - left / delay) }, packet);
        }
        if let Some(service) = &self.service {
            service.each(&mut |item| visit(Whereabouts::Queue, &item.packet));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::config::Delay;
    use crate::link::testing::packet;
    use crate::link::{Config, Discipline};
    use crate::rng::Seed;
    use crate::time::Duration;
    use crate::units::Rate;

    #[test]
    fn every_packet_inside_is_seen_once_where_it_is() {
        for kind in ["droptail", "codel"] {
            let mut config = Config {
                rate: Rate::from_bits_per_second(12_000_000),
                delay: Delay { mean: Duration::from_millis(10), ..Delay::default() },
                ..Config::default()
            };
            config.queue.discipline = Discipline::by_name(kind).expect("a discipline");
            config.queue.parameters = config.queue.discipline.defaults();
            let mut link = Link::new(&config, Seed(1), "x");
            for _ in 0..20 {
                link.handle_packet(Instant::ZERO, packet(1500));
            }
            // Each takes 1 ms: after 4.5 ms four are on the wire, the first of them 3.5 ms along.
            let now = Instant::ZERO + Duration::from_micros(4500);
            while link.poll_deliver(now).is_some() {}
            let mut seen = vec![];
            link.each_inside(now, &mut |place, _| seen.push(place));
            assert_eq!(seen.len() as u64, link.in_flight(), "{kind}");
            let on_wire: Vec<f64> = seen
                .iter()
                .filter_map(|place| match place {
                    Whereabouts::Wire(part) => Some(*part),
                    Whereabouts::Queue => None,
                })
                .collect();
            assert_eq!(on_wire.len(), 4, "{kind}: {seen:?}");
            assert!((on_wire[0] - 0.35).abs() < 0.01, "{kind}: {on_wire:?}");
        }
    }
}
