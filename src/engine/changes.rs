//! Changes of one connection while it is open, for whoever holds its ports.

use super::World;
use super::core::rearm_link;
use super::port::Port;
use crate::congestion::Choice;
use crate::link;
use crate::wire::Direction;

impl World {
    /// Instances of links that are this connection's own, in the order of its path.
    pub fn own_links(&self, port: Port) -> &[[u32; 2]] {
        &self.core.flows[port.flow as usize].own_links
    }

    /// Changes the links that are this connection's own from now on, in the order of its path.
    pub fn set_links(&mut self, port: Port, configs: &[[link::Config; 2]]) {
        let core = &mut self.core;
        for (instance, configs) in core.flows[port.flow as usize].own_links.iter().zip(configs) {
            for (number, config) in instance.iter().zip(configs) {
                let link = &mut core.topology.links[*number as usize];
                link.reconfigure(core.now, config);
                rearm_link(link, &mut core.queue, *number);
            }
        }
        self.settle();
    }

    /// Gives both ends of this connection another controller from now on, unless they have it.
    pub fn set_controller(&mut self, port: Port, choice: &Choice) {
        let flow = &mut self.core.flows[port.flow as usize];
        if flow.congestion == *choice {
            return;
        }
        flow.congestion = choice.clone();
        let (name, now, seed) = (flow.name.clone(), self.core.now, self.core.seed);
        for direction in Direction::BOTH {
            let label = format!("flow/{name}/{}/congestion/{}", direction.name(), now.as_nanos());
            let rng = seed.stream(&label);
            let port = Port { direction, ..port };
            self.act(port, |end| end.connection.set_controller(now, choice, rng));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::congestion::{ALGORITHMS, Algorithm};
    use crate::link::config::LossModel;
    use crate::rng::Seed;
    use crate::tcp::{Config, EcnMode, Profile};
    use crate::time::{Duration, Instant};
    use crate::units::{Probability, Rate};

    fn at(ms: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(ms)
    }

    fn world(loss: f64) -> World {
        let mut world = World::new(Seed(7), Instant::ZERO, Instant::MAX);
        let mut config = link::Config::default();
        config.delay.mean = Duration::from_millis(10);
        config.loss = LossModel::Independent(Probability::new(loss).expect("a chance"));
        config.rate = Rate::from_bits_per_second(8_000_000);
        world.add_link("path", [config.clone(), config]);
        world
    }

    fn choice(name: &str) -> Choice {
        Algorithm::by_name(name).expect("a controller").with_defaults()
    }

    #[test]
    fn another_controller_loses_no_byte_whatever_is_under_repair() {
        let profiles = [Profile::Linux, Profile::Rfc, Profile::Textbook, Profile::Ns3];
        for (seed, profile) in profiles.into_iter().chain([Profile::Linux]).enumerate() {
            let ecn = [EcnMode::Off, EcnMode::Classic, EcnMode::Accurate][seed % 3];
            let mut world = world(0.05);
            let [near, far] = world.open_ports(&[(0, None)], &Arc::new(Config { ecn, ..profile.config() }));
            let bytes: Vec<u8> = (0..1_500_000u32).map(|n| (n * 31 / 7) as u8).collect();
            let (mut sent, mut heard, mut changes) = (0, Vec::new(), seed);
            let mut ms = 0;
            while heard.len() < bytes.len() {
                ms += 1;
                assert!(ms < 600_000, "{} of {} bytes", heard.len(), bytes.len());
                sent += world.port_write(near, &bytes[sent..]);
                world.advance(at(ms));
                world.port_read(far, &mut heard, usize::MAX);
                // Also before it is open, and in every phase of a repair.
                if ms % (13 + seed as u64) == 0 {
                    changes += 1;
                    world.set_controller(near, &ALGORITHMS[changes % ALGORITHMS.len()].with_defaults());
                }
            }
            assert!(heard == bytes && changes > 2 * ALGORITHMS.len());
            assert!(world.port_info(near).stats.retransmits > 0);
        }
    }

    #[test]
    fn another_controller_begins_with_the_initial_window_at_both_ends() {
        let mut world = world(0.0);
        let [near, far] = world.open_ports(&[(0, None)], &Arc::new(Config::default()));
        let mut sent = 0;
        let mut heard = Vec::new();
        for ms in 0..2_000 {
            sent += world.port_write(near, &[7; 10_000]);
            world.advance(at(ms));
            world.port_read(far, &mut heard, usize::MAX);
        }
        let window = |world: &mut World, port| world.port_info(port).snapshot.cwnd;
        let grown = window(&mut world, near);
        world.set_controller(near, &choice("reno"));
        assert_eq!(window(&mut world, near), grown, "it has that one");
        world.set_controller(far, &choice("bbr"));
        let first = 10 * 1448;
        assert_eq!([near, far].map(|port| window(&mut world, port)), [first; 2]);
        assert!(grown > 2 * first && sent > 0, "{grown}");
        world.advance(at(4_000));
        assert!(world.port_info(near).snapshot.pacing.is_some(), "BBR paces");
    }
}
