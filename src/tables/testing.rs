//! Synthetic outcomes for tests: a coarse model of a few flows over one bottleneck, good enough for
//! curves that look like TCP's.

use super::axis::Axis;
use super::study::Study;
use crate::facts::{
    Beliefs, Counters, Direction, DirectionOutcome, FlowEvent, FlowOutcome, FlowSample, Limit, LinkOutcome,
    LinkSample, Measure, MessageOutcome, NO_WINDOW, Outcome, Phase, ProbeOutcome, QueueOutcome, Realised,
    SenderEvent, Series, Snapshot,
};
use crate::rng::{Rng, Seed};
use crate::time::{Duration, Instant};
use crate::units::Rate;

const MSS: f64 = 1448.0;
const RATE_MBIT: f64 = 10.0;
const BASE_RTT_S: f64 = 0.05;
const QUEUE_SEGMENTS: f64 = 42.0;
const STEP: Duration = Duration::from_millis(10);

pub fn study(axes: &[(&str, &[&str])]) -> Study {
    let axes = axes.iter().map(|(key, values)| Axis {
        key: (*key).to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    });
    Study {
        name: "sample".to_owned(),
        title: "Reno against no congestion control".to_owned(),
        expect: Some("Losses keep Reno's window small; without control the link stays full.".to_owned()),
        axes: axes.collect(),
        trials: 3,
        seed: 1,
        duration: Duration::from_secs(30),
        warmup: Duration::from_secs(2),
        mss: 1448,
        measures: [("goodput".to_owned(), vec!["upload".to_owned()])].into(),
        mixed: false,
        random: true,
        policed: false,
        claims: Vec::new(),
        l4s: false,
        backwards: false,
        recorded: false,
        files: std::collections::BTreeMap::new(),
        overrides: Vec::new(),
        topology: None,
        live: false,
        group_mss: std::collections::BTreeMap::new(),
        scenario: "title = \"Reno against no congestion control\"\n".to_owned(),
    }
}

/// The study, of a scenario with people who chat as well.
pub fn with_chat(study: Study) -> Study {
    with_measure(study, Measure::Latency, "talkers")
}

/// The study, of a scenario with another group.
pub fn with_measure(mut study: Study, measure: Measure, group: &str) -> Study {
    study.measures.entry(measure.name().to_owned()).or_default().push(group.to_owned());
    study
}

/// One bulk flow over a lossy bottleneck.
pub fn bulk_outcome(seed: u64, congestion: &'static str, loss: f64) -> Outcome {
    Model { seed, congestion, loss, flows: 1, chat: false, seconds: 30 }.outcome()
}

/// A bulk flow beside a chat.
pub fn chat_outcome(seed: u64, loss: f64) -> Outcome {
    Model { seed, congestion: "reno", loss, flows: 1, chat: true, seconds: 3 }.outcome()
}

/// Model of made-up results.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    pub seed: u64,
    pub congestion: &'static str,
    pub loss: f64,
    pub flows: usize,
    pub chat: bool,
    pub seconds: u64,
}

#[derive(Default)]
struct Sender {
    cwnd: f64,
    ssthresh: f64,
    recovery: u32,
    acked: f64,
    totals: DirectionOutcome,
}

impl Model {
    pub fn outcome(self) -> Outcome {
        let mut rng = Seed(self.seed).stream("synthetic");
        let mut senders: Vec<Sender> = (0..self.flows)
            .map(|_| Sender { cwnd: 10.0, ssthresh: f64::INFINITY, ..Sender::default() })
            .collect();
        let mut series = Series { interval: STEP, ..Series::default() };
        let mut drops = 0;
        let bdp = RATE_MBIT * 1e6 * BASE_RTT_S / 8.0 / MSS;
        for step in 0..self.seconds * 100 {
            let time = Instant::ZERO + STEP * step;
            let offered: f64 = senders.iter().map(|s| self.window(s).min(400.0)).sum();
            let queue = (offered - bdp).clamp(0.0, QUEUE_SEGMENTS);
            let rtt = BASE_RTT_S + queue * MSS * 8.0 / (RATE_MBIT * 1e6);
            let overflow = offered > bdp + QUEUE_SEGMENTS;
            for (n, sender) in senders.iter_mut().enumerate() {
                self.step(&mut rng, sender, rtt, overflow, offered, |kind| {
                    drops += 3;
                    let flow = n as u32;
                    series.events.push(FlowEvent { time, flow, direction: Direction::Up, kind });
                });
                let none = self.congestion == "none";
                series.flows.push(FlowSample {
                    time,
                    flow: n as u32,
                    direction: Direction::Up,
                    sender: Snapshot {
                        cwnd: if none { NO_WINDOW } else { (sender.cwnd * MSS) as u64 },
                        ssthresh: (!none && sender.ssthresh.is_finite())
                            .then_some((sender.ssthresh * MSS) as u64),
                        flight: (self.window(sender) * MSS * (0.9 + 0.1 * rng.uniform())) as u64,
                        srtt: Some(Duration::from_secs_f64(rtt)),
                        rto: Duration::from_millis(250),
                        pacing: self.bandwidth(),
                        beliefs: Beliefs {
                            bandwidth: self.bandwidth(),
                            min_rtt: Some(Duration::from_secs_f64(BASE_RTT_S)),
                            ..Beliefs::default()
                        },
                        phase: if self.congestion == "bbr" {
                            Phase::ProbeBandwidth
                        } else if sender.cwnd < sender.ssthresh {
                            Phase::SlowStart
                        } else {
                            Phase::CongestionAvoidance
                        },
                    },
                    delivered: (sender.acked * MSS) as u64,
                    arrived: (sender.acked * MSS) as u64,
                });
            }
            for link in 0..2 {
                let waiting = if link == 0 { queue } else { 0.0 };
                series.links.push(LinkSample {
                    time,
                    link,
                    backlog_bytes: (waiting * 1500.0) as u64,
                    backlog_packets: waiting as u64,
                    drops: if link == 0 { drops } else { 0 },
                    marks: 0,
                    capacity: None,
                });
            }
        }
        let measured = Duration::from_secs(self.seconds) - Duration::from_secs(2.min(self.seconds));
        let flows = senders.into_iter().enumerate().map(|(n, mut sender)| {
            sender.totals.bytes_delivered = (sender.acked * MSS) as u64;
            sender.totals.carried = true;
            sender.totals.active = measured;
            sender.totals.srtt_mean = Some(Duration::from_millis(70));
            sender.totals.cwnd_mean = (self.congestion != "none").then_some(sender.cwnd * MSS);
            sender.totals.limited_by = Limit::CongestionWindow;
            sender.totals.links = vec![0];
            FlowOutcome {
                name: format!("upload-{}", n + 1),
                group: "upload".to_owned(),
                congestion: self.congestion,
                measures: &[Measure::Goodput],
                began: true,
                lasting: true,
                directions: [Some(sender.totals), None],
            }
        });
        Outcome {
            captures: Vec::new(),
            lateness: Vec::new(),
            flows: flows.collect(),
            links: Direction::BOTH.map(|direction| self.link(direction)).into(),
            datagrams: Vec::new(),
            datagram_delay_ms: None,
            probes: (0..30).map(|number| self.probe(number)).collect(),
            requests: Vec::new(),
            chunks: Vec::new(),
            messages: self.chat.then(|| self.messages(&mut rng)),
            series: Some(series),
            events: 100_000,
            measured,
        }
    }

    /// An echo request, of thirty over the trial; the last is lost.
    fn probe(self, number: u32) -> ProbeOutcome {
        let sent = Instant::ZERO + Duration::from_millis(self.seconds * 1000 * u64::from(number) / 30);
        let rtt = (number < 29).then(|| Duration::from_millis(50 + u64::from(number)));
        ProbeOutcome { flow: 0, number, sent, rtt }
    }

    /// Bandwidth that a controller with a model of the path believes in.
    fn bandwidth(self) -> Option<Rate> {
        Rate::from_bits_per_second((RATE_MBIT * 1e6) as u64).filter(|_| self.congestion == "bbr")
    }

    fn window(self, sender: &Sender) -> f64 {
        if self.congestion == "none" { 180.0 / self.flows as f64 } else { sender.cwnd }
    }

    fn step(
        self,
        rng: &mut Rng,
        sender: &mut Sender,
        rtt: f64,
        overflow: bool,
        offered: f64,
        mut event: impl FnMut(SenderEvent),
    ) {
        let capacity =
            RATE_MBIT * 1e6 / 8.0 / MSS * STEP.as_secs_f64() * self.window(sender) / offered.max(1.0);
        let acked = (self.window(sender) * STEP.as_secs_f64() / rtt).min(capacity);
        sender.acked += acked * (1.0 - self.loss);
        sender.totals.segments_sent += acked.ceil() as u64;
        if sender.recovery > 0 {
            sender.recovery -= 1;
            if sender.recovery == 0 {
                event(SenderEvent::RecoveryExit);
            }
            return;
        }
        let lost = rng.uniform() < self.loss * acked || (overflow && rng.uniform() < 0.5);
        if lost {
            sender.totals.retransmits += 1;
            sender.ssthresh = (self.window(sender) / 2.0).max(2.0);
            if rng.uniform() < 0.15 || sender.cwnd < 4.0 {
                sender.totals.timeouts += 1;
                sender.cwnd = 1.0;
                event(SenderEvent::Timeout);
            } else {
                sender.totals.recovery_episodes += 1;
                sender.cwnd = sender.ssthresh;
                sender.recovery = 7;
                event(SenderEvent::FastRetransmit);
            }
        } else if sender.cwnd < sender.ssthresh {
            sender.cwnd += acked;
        } else {
            sender.cwnd += acked / sender.cwnd;
        }
    }

    fn link(self, direction: Direction) -> LinkOutcome {
        let sent = 10_000;
        let lost = (sent as f64 * self.loss) as u64;
        LinkOutcome {
            name: "bottleneck".to_owned(),
            direction,
            shared: true,
            counters: Counters {
                offered: sent,
                delivered: sent - lost,
                dropped_loss: lost,
                ..Counters::default()
            },
            in_flight: 0,
            utilisation: Some(if direction == Direction::Up { 0.93 } else { 0.04 }),
            rate_mbit: Some(RATE_MBIT),
            queue: Some(QueueOutcome { mean_ms: 20.5, p99_ms: 47.0, max_ms: 50.4 }),
            l4s_queue: None,
            realised: vec![Realised {
                quantity: "loss_percent",
                configured: self.loss * 100.0,
                realised: self.loss * 100.0,
                low: self.loss * 90.0,
                high: self.loss * 110.0,
                pass: Some(true),
            }],
        }
    }

    fn messages(self, rng: &mut Rng) -> MessageOutcome {
        let expected = 2000;
        let mut latency = hdrhistogram::Histogram::new(3).expect("three digits are allowed");
        for _ in 0..expected {
            let mut millis = 26.0 + 2.0 * rng.standard_normal().abs();
            let mut timeout = 200.0;
            while rng.uniform() < self.loss {
                millis += timeout + 5.0 * rng.uniform();
                timeout *= 2.0;
            }
            latency.record((millis * 1e6) as u64).expect("it grows");
        }
        MessageOutcome { sent: 100, deliveries_expected: expected, deliveries: expected, latency }
    }
}
