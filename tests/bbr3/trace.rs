//! A trace of BBR's variables at each piece of news, and questions to it.

use std::cell::{Cell, RefCell};

use testbed::congestion::{
    Ack, Algorithm, Beliefs, Choice, CongestionController, Loss, LostSegment, Phase, Restart,
};
use testbed::time::{Duration, Instant};
use testbed::units::Rate;

/// Kind of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    Ack,
    Lost,
    Recovery,
    Timeout,
    Spurious,
    Restart,
}

/// State after a piece of news. Times in seconds, windows in bytes, rates in bytes per second.
#[derive(Clone, Debug)]
pub struct Row {
    pub at: f64,
    pub news: News,
    pub phase: Phase,
    pub cwnd: f64,
    pub pacing: f64,
    pub bw: f64,
    pub min_rtt: f64,
    /// Bytes in the network after it.
    pub inflight: f64,
    pub delivered: f64,
    pub lost: f64,
    pub rtt: Option<f64>,
    /// Rate of its sample, unless that may be the application's.
    pub rate: Option<f64>,
    /// The segment that was lost.
    pub segment: Option<LostSegment>,
    variables: Vec<f64>,
}

thread_local! {
    static ROWS: RefCell<Vec<Row>> = const { RefCell::new(Vec::new()) };
    static NAMES: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
    static HIDES_EXTRA: Cell<bool> = const { Cell::new(false) };
}

impl Row {
    /// A variable by its name in the draft.
    pub fn get(&self, name: &str) -> f64 {
        let at = NAMES.with_borrow(|names| names.iter().position(|&known| known == name));
        self.variables[at.unwrap_or_else(|| panic!("no variable {name}"))]
    }
}

/// Forgets the last run.
pub fn clear() {
    ROWS.with_borrow_mut(Vec::clear);
    HIDES_EXTRA.set(false);
}

/// From now on the connection does not see that part of the window that is for gathered acknowledgments.
pub fn hide_extra_acked() {
    HIDES_EXTRA.set(true);
}

/// The trace so far.
pub fn rows() -> Vec<Row> {
    ROWS.with_borrow(Clone::clone)
}

/// The last row, asked.
pub fn last<T>(ask: impl FnOnce(&Row) -> T) -> Option<T> {
    ROWS.with_borrow(|rows| rows.last().map(ask))
}

/// BBR v3 with a trace.
#[derive(Debug)]
struct Traced(Box<dyn CongestionController>);

impl Traced {
    fn note(&self, at: Instant, news: News, ack: Option<&Ack>, segment: Option<&LostSegment>) {
        let (mut names, mut variables) = (Vec::new(), Vec::new());
        self.0.variables(&mut |name, value| {
            names.push(name);
            variables.push(value);
        });
        NAMES.set(names);
        let beliefs = self.0.beliefs();
        let rate = |rate: Option<Rate>| rate.map_or(0.0, |rate| rate.bits_per_second() as f64 / 8.0);
        let sample = ack.and_then(|ack| ack.sample).filter(|sample| !sample.app_limited);
        ROWS.with_borrow_mut(|rows| {
            let (inflight, delivered, lost) = match ack {
                Some(ack) => (ack.pipe.1 as f64, ack.delivered as f64, ack.lost as f64),
                None => rows.last().map_or((0.0, 0.0, 0.0), |row| (row.inflight, row.delivered, row.lost)),
            };
            rows.push(Row {
                at: (at - Instant::ZERO).as_secs_f64(),
                news,
                phase: self.0.phase(),
                cwnd: self.0.cwnd() as f64,
                pacing: rate(self.0.pacing_rate()),
                bw: rate(beliefs.bandwidth),
                min_rtt: beliefs.min_rtt.map_or(f64::INFINITY, Duration::as_secs_f64),
                inflight,
                delivered,
                lost,
                rtt: ack.and_then(|ack| ack.rtt).map(Duration::as_secs_f64),
                rate: sample.map(|sample| sample.delivered as f64 / sample.interval.as_secs_f64()),
                segment: segment.copied(),
                variables,
            });
        });
    }

    fn last(&self) -> Instant {
        let at = ROWS.with_borrow(|rows| rows.last().map_or(0.0, |row| row.at));
        Instant::ZERO + Duration::from_nanos((at * 1e9).round() as u64)
    }
}

impl CongestionController for Traced {
    fn cwnd(&self) -> u64 {
        let extra = ROWS.with_borrow(|rows| rows.last().map_or(0.0, |row| row.get("extra_acked")));
        let hidden = if HIDES_EXTRA.get() { extra as u64 } else { 0 };
        self.0.cwnd().saturating_sub(hidden)
    }

    fn on_ack(&mut self, ack: &Ack) {
        self.0.on_ack(ack);
        self.note(ack.now, News::Ack, Some(ack), None);
    }

    fn on_loss(&mut self, loss: &Loss) {
        self.0.on_loss(loss);
        self.note(loss.now, News::Recovery, None, None);
    }

    fn on_lost(&mut self, now: Instant, lost: &LostSegment) {
        self.0.on_lost(now, lost);
        self.note(now, News::Lost, None, Some(lost));
    }

    fn on_timeout(&mut self, loss: &Loss) {
        self.0.on_timeout(loss);
        self.note(loss.now, News::Timeout, None, None);
    }

    fn on_recovered(&mut self, now: Instant) {
        self.0.on_recovered(now);
    }

    fn on_ecn(&mut self, loss: &Loss) {
        self.0.on_ecn(loss);
    }

    fn on_spurious(&mut self) {
        self.0.on_spurious();
        self.note(self.last(), News::Spurious, None, None);
    }

    fn on_idle(&mut self) {
        self.0.on_idle();
    }

    fn on_restart(&mut self, restart: Restart) {
        self.0.on_restart(restart);
        self.note(restart.now, News::Restart, None, None);
    }

    fn pacing_rate(&self) -> Option<Rate> {
        self.0.pacing_rate()
    }

    fn send_quantum(&self) -> u64 {
        self.0.send_quantum()
    }

    fn wants_prr(&self) -> bool {
        self.0.wants_prr()
    }

    fn wants_losses(&self) -> bool {
        self.0.wants_losses()
    }

    fn holds_back(&self) -> bool {
        self.0.holds_back()
    }

    fn beliefs(&self) -> Beliefs {
        self.0.beliefs()
    }
}

pub static TRACED: Algorithm = Algorithm {
    name: "bbr3_traced",
    summary: "bbr3 with a trace of its variables",
    parameters: &[],
    build: |path| Box::new(Traced(Choice::named("bbr3").build(path.clone()))),
};

/// An uninterrupted stay in a phase.
#[derive(Clone, Debug)]
pub struct Stay {
    pub phase: Phase,
    pub from: f64,
    pub to: f64,
    /// Places of its first row and of the first row behind it.
    pub rows: std::ops::Range<usize>,
}

/// Stays in phases, in order; the last is still going on.
pub fn stays(rows: &[Row]) -> Vec<Stay> {
    let mut stays: Vec<Stay> = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        if let Some(stay) = stays.last_mut() {
            (stay.to, stay.rows.end) = (row.at, i);
            if stay.phase == row.phase {
                stay.rows.end = i + 1;
                continue;
            }
        }
        stays.push(Stay { phase: row.phase, from: row.at, to: row.at, rows: i..i + 1 });
    }
    stays
}

/// Payload per second delivered between two instants.
pub fn goodput(rows: &[Row], from: f64, to: f64) -> f64 {
    let at = |second: f64| {
        let next = rows.partition_point(|row| row.at <= second);
        rows[next.saturating_sub(1)].delivered
    };
    (at(to) - at(from)) / (to - from)
}

/// Part of the bytes sent between two instants that was lost.
pub fn loss(rows: &[Row], from: f64, to: f64) -> f64 {
    let at = |second: f64| {
        let row = &rows[rows.partition_point(|row| row.at <= second).saturating_sub(1)];
        (row.lost, row.delivered)
    };
    let (before, after) = (at(from), at(to));
    let (lost, delivered) = (after.0 - before.0, after.1 - before.1);
    lost / (lost + delivered)
}
