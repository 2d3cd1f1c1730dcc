//! One sender's window in the hands of somebody else, who sets it at even intervals of a trial and sees what came of
//! it: an environment for learning. The world goes on in virtual time, from one setting to the next.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::congestion::{
    Ack, Algorithm, Choice, CongestionController, Loss, LostSegment, Marking, Path, Restart,
};
use crate::engine::World;
use crate::facts::{Beliefs, Phase};
use crate::rng::Seed;
use crate::scenario::{RecordTrials, Scenario, Trial, build};
use crate::time::{Duration, Instant};
use crate::units::Rate;

/// A trial that goes on step by step.
pub struct Steps {
    scenario: Scenario,
    dial: Arc<Mutex<Dial>>,
    world: World,
    step: Duration,
    mss: u64,
}

/// Things seen of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seen {
    /// Bytes delivered.
    pub delivered: u64,
    /// Bytes found lost.
    pub lost: u64,
    /// Mean of the round-trip times measured, in seconds; the smoothed one where none was.
    pub rtt_s: f64,
    /// Smallest round-trip time of the trial so far, in seconds; 0 before the first.
    pub min_rtt_s: f64,
    /// Smoothed round-trip time at the end, in seconds; 0 before the first.
    pub srtt_s: f64,
    /// Bytes in flight at the last acknowledgment.
    pub flight: u64,
    /// The window at the end, in bytes.
    pub window: u64,
    /// Retransmission timeouts.
    pub timeouts: u32,
    /// True if the trial is over.
    pub is_over: bool,
}

/// Setting of the sender, and what it heard since the last step.
#[derive(Debug, Default)]
struct Dial {
    window: Option<u64>,
    rate: Option<Rate>,
    /// Controller that has the window instead, as a scenario chose it.
    inner: Option<Choice>,
    seen: Seen,
    rtts: (f64, u32),
}

impl Steps {
    /// Trials of a scenario in which the one member of `group` sends as it is told, in steps of so long. If
    /// `is_watched` it sends by its own controller instead, of which the same is seen. An error says why the scenario
    /// does not do.
    pub fn new(
        mut scenario: Scenario,
        group: &str,
        is_watched: bool,
        step: Duration,
    ) -> Result<Steps, String> {
        if step.is_zero() || step > scenario.duration {
            return Err(format!("a step of {step} is no part of a trial of {}", scenario.duration));
        }
        let names: Vec<String> = scenario.groups.iter().map(|group| group.name.clone()).collect();
        let Some(sender) = scenario.groups.iter_mut().find(|candidate| candidate.name == group) else {
            return Err(format!("there is no group \"{group}\" among the clients: {}", names.join(", ")));
        };
        if sender.count != 1 {
            return Err(format!("group \"{group}\" has {} members: it must have one", sender.count));
        }
        let inner = is_watched.then(|| sender.tcp.congestion.clone());
        let dial = Arc::new(Mutex::new(Dial { inner, ..Dial::default() }));
        sender.tcp.congestion = stand_in(&dial).with_defaults();
        let mss = u64::from(sender.tcp.mss);
        // Nobody looks at what it would keep, which grows with the trial.
        scenario.record.trials = RecordTrials::None;
        scenario.record.pcap.clear();
        scenario.record.qlog = false;
        let world = build(&scenario, trial(0));
        Ok(Steps { scenario, dial, world, step, mss })
    }

    /// Begins a trial with this seed.
    pub fn reset(&mut self, seed: u64) -> Seen {
        let inner = self.lock().inner.take();
        *self.lock() = Dial { inner, ..Dial::default() };
        self.world = build(&self.scenario, trial(seed));
        self.lock().end_step()
    }

    /// Sets window and pacing rate, each where it is given, and goes on for a step. A setting is heeded from the
    /// next acknowledgment on, as a controller's is. An error says why a controller cannot go on.
    pub fn step(&mut self, window: Option<u64>, rate: Option<Rate>) -> Result<Seen, String> {
        {
            let mut dial = self.lock();
            dial.window = window.or(dial.window);
            dial.rate = rate;
        }
        let end = Instant::ZERO + self.scenario.duration;
        let until = self.world.now().saturating_add(self.step).min(end);
        self.world.advance(until);
        if let Some(failure) = self.world.failure() {
            return Err(failure.to_string());
        }
        let mut seen = self.lock().end_step();
        seen.is_over = until >= end;
        Ok(seen)
    }

    /// Length of the trial.
    pub fn duration(&self) -> Duration {
        self.scenario.duration
    }

    /// Time of the trial that has passed.
    pub fn now(&self) -> Instant {
        self.world.now()
    }

    /// Largest payload of the sender's segments, in bytes.
    pub fn mss(&self) -> u64 {
        self.mss
    }

    fn lock(&self) -> MutexGuard<'_, Dial> {
        locked(&self.dial)
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        let mut dials = DIALS.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(dials) = &mut *dials {
            dials.retain(|_, dial| !Arc::ptr_eq(dial, &self.dial));
        }
    }
}

impl Dial {
    /// Things seen since the last step.
    fn end_step(&mut self) -> Seen {
        let mut seen = self.seen;
        seen.rtt_s = if self.rtts.1 == 0 { seen.srtt_s } else { self.rtts.0 / f64::from(self.rtts.1) };
        self.rtts = (0.0, 0);
        (self.seen.delivered, self.seen.lost, self.seen.timeouts) = (0, 0, 0);
        seen
    }
}

fn trial(seed: u64) -> Trial {
    Trial { cell: 0, number: 0, seed: Seed(seed) }
}

fn locked(dial: &Mutex<Dial>) -> MutexGuard<'_, Dial> {
    dial.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Dials by the addresses of the algorithms that stand for them.
static DIALS: RwLock<Option<BTreeMap<usize, Arc<Mutex<Dial>>>>> = RwLock::new(None);

/// An algorithm whose controllers heed a dial. It is never freed: some forty bytes for each [`Steps`].
fn stand_in(dial: &Arc<Mutex<Dial>>) -> &'static Algorithm {
    let algorithm: &'static Algorithm = Box::leak(Box::new(Algorithm {
        name: "steps",
        summary: "a window set from outside",
        parameters: &[],
        build: |path| Box::new(Heeding::new(path)),
    }));
    let mut dials = DIALS.write().unwrap_or_else(PoisonError::into_inner);
    dials.get_or_insert_default().insert(std::ptr::from_ref(algorithm) as usize, Arc::clone(dial));
    algorithm
}

fn dial_of(algorithm: &'static Algorithm) -> Arc<Mutex<Dial>> {
    let dials = DIALS.read().unwrap_or_else(PoisonError::into_inner);
    let address = std::ptr::from_ref(algorithm) as usize;
    dials.as_ref().and_then(|dials| dials.get(&address)).cloned().unwrap_or_default()
}

/// Controller that heeds a dial.
#[derive(Debug)]
struct Heeding {
    dial: Arc<Mutex<Dial>>,
    inner: Option<Box<dyn CongestionController>>,
}

impl Heeding {
    fn new(path: &Path) -> Heeding {
        // No lock is held while the inner one is made: that may wait for an interpreter, whose holder waits for us.
        let dial = dial_of(path.algorithm);
        let inner = locked(&dial).inner.clone();
        let inner = inner.map(|choice| choice.build(path.clone()));
        let mut heeding = Heeding { dial, inner };
        heeding.note(|dial| {
            dial.window.get_or_insert(path.initial_window);
        });
        heeding
    }

    /// Passes news on to the inner one, and notes the window after it.
    fn pass(&mut self, news: impl FnOnce(&mut dyn CongestionController)) {
        if let Some(inner) = &mut self.inner {
            news(inner.as_mut());
        }
        self.note(|_| {});
    }

    /// Notes news, and the window after it.
    fn note(&mut self, news: impl FnOnce(&mut Dial)) {
        let own = self.inner.as_ref().map(|inner| inner.cwnd());
        let mut dial = locked(&self.dial);
        news(&mut dial);
        dial.seen.window = own.or(dial.window).unwrap_or(0);
    }
}

impl CongestionController for Heeding {
    fn cwnd(&self) -> u64 {
        self.inner.as_ref().map_or_else(|| locked(&self.dial).window.unwrap_or(1), |inner| inner.cwnd())
    }

    fn on_ack(&mut self, ack: &Ack) {
        if let Some(inner) = &mut self.inner {
            inner.on_ack(ack);
        }
        self.note(|dial| {
            let seen = &mut dial.seen;
            seen.delivered += ack.bytes;
            seen.lost += ack.newly_lost;
            seen.srtt_s = ack.srtt.as_secs_f64();
            seen.flight = ack.pipe.1;
            if ack.min_rtt < Duration::MAX {
                seen.min_rtt_s = ack.min_rtt.as_secs_f64();
            }
            if let Some(rtt) = ack.rtt {
                dial.rtts = (dial.rtts.0 + rtt.as_secs_f64(), dial.rtts.1 + 1);
            }
        });
    }

    fn on_loss(&mut self, loss: &Loss) {
        self.pass(|inner| inner.on_loss(loss));
    }

    fn on_timeout(&mut self, loss: &Loss) {
        if let Some(inner) = &mut self.inner {
            inner.on_timeout(loss);
        }
        self.note(|dial| dial.seen.timeouts += 1);
    }

    fn on_recovered(&mut self, now: Instant) {
        self.pass(|inner| inner.on_recovered(now));
    }

    fn marking(&self) -> Marking {
        self.inner.as_ref().map_or(Marking::Classic, |inner| inner.marking())
    }

    fn on_ecn(&mut self, loss: &Loss) {
        self.pass(|inner| inner.on_ecn(loss));
    }

    fn on_spurious(&mut self) {
        self.pass(|inner| inner.on_spurious());
    }

    fn on_idle(&mut self) {
        self.pass(|inner| inner.on_idle());
    }

    fn on_decay(&mut self, timeouts: u32) {
        self.pass(|inner| inner.on_decay(timeouts));
    }

    fn on_lost(&mut self, now: Instant, lost: &LostSegment) {
        self.pass(|inner| inner.on_lost(now, lost));
    }

    fn on_restart(&mut self, restart: Restart) {
        self.pass(|inner| inner.on_restart(restart));
    }

    fn holds_back(&self) -> bool {
        self.inner.as_ref().is_some_and(|inner| inner.holds_back())
    }

    fn send_quantum(&self) -> u64 {
        self.inner.as_ref().map_or(0, |inner| inner.send_quantum())
    }

    fn pacing_rate(&self) -> Option<Rate> {
        self.inner.as_ref().map_or_else(|| locked(&self.dial).rate, |inner| inner.pacing_rate())
    }

    fn failure(&self) -> Option<&str> {
        self.inner.as_ref().and_then(|inner| inner.failure())
    }

    fn beliefs(&self) -> Beliefs {
        self.inner.as_ref().map_or_else(Beliefs::default, |inner| inner.beliefs())
    }

    fn variables(&self, give: &mut dyn FnMut(&'static str, f64)) {
        if let Some(inner) = &self.inner {
            inner.variables(give);
        }
    }

    fn phase(&self) -> Phase {
        self.inner.as_ref().map_or(Phase::Steady, |inner| inner.phase())
    }

    fn wants_prr(&self) -> bool {
        self.inner.as_ref().is_some_and(|inner| inner.wants_prr())
    }

    fn wants_losses(&self) -> bool {
        self.inner.as_ref().is_some_and(|inner| inner.wants_losses())
    }

    fn ssthresh(&self) -> Option<u64> {
        self.inner.as_ref().and_then(|inner| inner.ssthresh())
    }
}
