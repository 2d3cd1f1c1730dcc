//! A world that goes on step by step, for a drawing in which packets move.

use serde::Serialize;

use super::lab::Lab;
use crate::engine::{LinkView, PacketView, World};
use crate::link::Whereabouts;
use crate::time::{Duration, Instant};

/// A trial that is watched.
pub(super) struct Stage {
    world: World,
    horizon: Instant,
}

/// One frame.
#[derive(Debug, Serialize)]
pub(super) struct Frame {
    time_s: f64,
    over: bool,
    links: Vec<LinkFrame>,
    flows: Vec<FlowFrame>,
}

#[derive(Debug, Serialize)]
struct LinkFrame {
    /// Flow, bytes and place of each packet on the wire: the part of the way behind it in thousandths.
    wire: Vec<(u32, u32, u32)>,
    /// Flow and bytes of each that waits, the next to leave first.
    queue: Vec<(u32, u32)>,
    lost: u64,
    dropped: u64,
    marked: u64,
}

#[derive(Debug, Serialize)]
struct FlowFrame {
    flow: u32,
    direction: &'static str,
    cwnd_bytes: Option<u64>,
    flight_bytes: u64,
    phase: &'static str,
    srtt_ms: Option<f64>,
    delivered_bytes: u64,
}

impl Lab {
    /// A trial at its start.
    pub(super) fn stage(&self, cell: usize, number: u32) -> Result<Stage, String> {
        let mut world = self.world(cell, number, &|_| ())?;
        world.limit_memory(super::lab::MEMORY);
        let duration = self.plan.scenario(cell).map_err(|error| error.render(false))?.duration;
        Ok(Stage { world, horizon: Instant::ZERO.saturating_add(duration) })
    }
}

impl Stage {
    /// Goes on to a time, unless it is there or further, and shows what is then.
    /// Words say why it cannot.
    pub fn advance(&mut self, to: Duration) -> Result<Frame, String> {
        let to = Instant::ZERO.saturating_add(to).min(self.horizon);
        if to > self.world.now() {
            self.world.advance(to);
        }
        if let Some(halt) = self.world.halted() {
            return Err(halt.to_string());
        }
        let view = self.world.view();
        Ok(Frame {
            time_s: self.world.now().as_secs_f64(),
            over: self.world.now() >= self.horizon,
            links: view.links.iter().map(link_frame).collect(),
            flows: (view.flows.iter())
                .map(|flow| FlowFrame {
                    flow: flow.flow,
                    direction: flow.direction.name(),
                    cwnd_bytes: flow.sender.window(),
                    flight_bytes: flow.sender.flight,
                    phase: flow.sender.phase.name(),
                    srtt_ms: flow.sender.srtt.map(Duration::as_millis_f64),
                    delivered_bytes: flow.delivered,
                })
                .collect(),
        })
    }
}

fn link_frame(link: &LinkView) -> LinkFrame {
    let (mut wire, mut queue) = (vec![], vec![]);
    for PacketView { flow, size, place } in &link.packets {
        match place {
            Whereabouts::Wire(part) => wire.push((*flow, *size, (part.clamp(0.0, 1.0) * 1000.0) as u32)),
            Whereabouts::Queue => queue.push((*flow, *size)),
        }
    }
    LinkFrame { wire, queue, lost: link.lost, dropped: link.dropped, marked: link.marked }
}
