//! Keeps samples and events of a trial, if asked. The world tells it at three places only: at the
//! sampling instants, when a sender signals something, and at the end.

use super::flow::{End, Flow};
use super::topology::Topology;
use crate::facts::{FlowEvent, FlowSample, SenderEvent, Series};
use crate::time::{Duration, Instant};
use crate::wire::Direction;

/// The series of a trial as they grow.
#[derive(Debug)]
pub struct Recorder {
    series: Series,
}

impl Recorder {
    /// A recorder that samples every `interval`.
    pub fn new(interval: Duration) -> Recorder {
        Recorder { series: Series { interval, ..Series::default() } }
    }

    /// Time between two samples.
    pub fn interval(&self) -> Duration {
        self.series.interval
    }

    /// Number of rows: of flows, of links, of events.
    pub fn rows(&self) -> [usize; 3] {
        [self.series.flows.len(), self.series.links.len(), self.series.events.len()]
    }

    /// Takes a sample of everything.
    pub fn sample(&mut self, now: Instant, flows: &[Flow], topology: &mut Topology) {
        for (number, flow) in flows.iter().enumerate() {
            for direction in Direction::BOTH {
                let End { connection, drained, .. } = &flow.ends[direction.index()];
                // A direction has rows from its first data to the first sample after its end.
                let over = drained.is_some_and(|at| now.saturating_since(at) >= self.series.interval);
                if !connection.state().is_synchronized() || !flow.carries(direction) || over {
                    continue;
                }
                self.series.flows.push(FlowSample {
                    time: now,
                    flow: number as u32,
                    direction,
                    sender: connection.snapshot(),
                    delivered: flow.delivered(direction),
                    arrived: flow.arrived(direction),
                });
            }
        }
        topology.sample(now, |sample| self.series.links.push(sample));
    }

    /// A sender signalled something.
    pub fn signal(&mut self, time: Instant, flow: u32, direction: Direction, kind: SenderEvent) {
        self.series.events.push(FlowEvent { time, flow, direction, kind });
    }

    /// The series; of directions in which no data went only the timeouts, of SYN and FIN.
    pub fn finish(mut self, flows: &[Flow]) -> Series {
        self.series.events.retain(|row| {
            row.kind == SenderEvent::Timeout || flows[row.flow as usize].carries(row.direction)
        });
        self.series
    }
}
