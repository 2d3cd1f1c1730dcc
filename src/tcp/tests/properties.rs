//! Properties under any network: the receiver's stream is a prefix of the sender's, and complete once
//! the network recovers. A failing case is printed whole, shrunk, with its seeds. The cases are the
//! same in every run; `PROPTEST_RNG_SEED=7 PROPTEST_CASES=20000 cargo test --lib tcp::tests::properties` tries
//! others.

use std::panic::AssertUnwindSafe;

use super::{End, Fate, Pair, Reading, at, ms};
use crate::congestion::ALGORITHMS;
use crate::rng::{Rng, Seed};
use crate::tcp::{Config, Connection, DelayedAck, Event, Recovery, RtoFloor, State};
use crate::time::Duration;
use crate::wire::Payload;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Virtual milliseconds of bad network.
const STORM_MS: u64 = 4_000;
/// Virtual time by which all must be over after it: probes and timeouts may have backed off.
const RECOVERY: Duration = Duration::from_secs(1_500);

#[derive(Clone, Debug)]
struct Storm {
    /// Per mille, each direction: dropped (or damaged, which is the same to TCP), duplicated,
    /// delayed by up to `jitter`.
    drop: [u64; 2],
    duplicate: u64,
    delay: u64,
    jitter: u64,
    seed: u64,
}

/// Behaviour of the application at one end.
#[derive(Clone, Debug)]
struct Habit {
    writes: Vec<u32>,
    /// Milliseconds between two writes, and between two rounds of reading.
    write_every: u64,
    read_every: u64,
    /// Writes zeros that exist only as a number instead of bytes.
    zeros: bool,
}

fn config() -> impl Strategy<Value = Config> {
    let shape = (
        prop_oneof![Just(64u16), Just(536), Just(1448), Just(9000)],
        prop_oneof![Just(1u32), Just(10)],
        prop_oneof![Just(Recovery::Sack), Just(Recovery::Rack), Just(Recovery::NewReno)],
        prop_oneof![Just(0u64), Just(1), 2_000u64..200_000],
        prop_oneof![Just(300u64), 1_000u64..100_000],
        0..ALGORITHMS.len(),
        prop_oneof![Just(None), (1u32..4).prop_map(Some)],
    );
    (shape, any::<[bool; 7]>()).prop_map(
        |((mss, initial_window, recovery, window, send_buffer, algorithm, delayed), flags)| Config {
            congestion: ALGORITHMS[algorithm].with_defaults(),
            mss,
            initial_window,
            recovery,
            delayed_ack: delayed.map(|segments| DelayedAck {
                segments,
                timeout: ms(40),
                adaptive: false,
                stretch: true,
            }),
            byte_counting: flags[0],
            rto_floor: if flags[1] { RtoFloor::Rto } else { RtoFloor::Variance },
            nagle: flags[2],
            timestamps: flags[3],
            sack: flags[4],
            window_scale: flags[5],
            limited_transmit: flags[6],
            // 0 stands for one segment, 1 for less than one.
            receive_window: match window {
                0 => mss.into(),
                1 => u64::from(mss) / 2,
                bytes => bytes,
            },
            send_buffer,
            max_rto: Duration::from_secs(20),
            ..Config::default()
        },
    )
}

fn storm() -> impl Strategy<Value = Storm> {
    let rate = || prop_oneof![Just(0u64), 0u64..100, 0u64..600];
    ([rate(), rate()], rate(), rate(), 1u64..300, any::<u64>())
        .prop_map(|(drop, duplicate, delay, jitter, seed)| Storm { drop, duplicate, delay, jitter, seed })
}

fn habit() -> impl Strategy<Value = Habit> {
    let size = prop_oneof![1u32..50, 1u32..3_000, 1u32..30_000];
    (prop::collection::vec(size, 0..6), 0u64..700, prop_oneof![Just(0u64), 1u64..900], any::<bool>())
        .prop_map(|(writes, write_every, read_every, zeros)| Habit { writes, write_every, read_every, zeros })
}

/// The stream of an end: position-dependent bytes, different for both.
fn byte(end: usize, position: usize) -> u8 {
    (position * 31 + position / 251 + end * 97) as u8
}

fn per_mille(rng: &mut Rng, n: u64) -> bool {
    rng.below(1_000) < n
}

/// A pair in a storm with two applications.
struct Trial {
    pair: Pair,
    habits: [Habit; 2],
    /// Writes begun, bytes accepted of the present one, bytes accepted in all.
    progress: [(usize, u32, usize); 2],
    /// Bytes of each inbox that were compared already.
    checked: [usize; 2],
}

impl Trial {
    fn end(&mut self, i: usize) -> &mut Connection {
        if i == 0 { &mut self.pair.client } else { &mut self.pair.server }
    }

    /// Writes what is due by `round` milliseconds and fits.
    fn write(&mut self, i: usize, elapsed: u64) {
        while let Some(&size) = self.habits[i].writes.get(self.progress[i].0) {
            if self.progress[i].0 as u64 * self.habits[i].write_every > elapsed {
                return;
            }
            let (_, done, total) = self.progress[i];
            let left = size - done;
            let accepted = if self.habits[i].zeros {
                self.end(i).write_zeros(left.into()) as u32
            } else {
                let bytes: Vec<u8> = (0..left as usize).map(|k| byte(i, total + k)).collect();
                self.end(i).write(&Payload::shared(bytes))
            };
            self.progress[i].1 += accepted;
            self.progress[i].2 += accepted as usize;
            if self.progress[i].1 < size {
                return;
            }
            self.progress[i].0 += 1;
            self.progress[i].1 = 0;
        }
    }

    fn has_written_all(&self, i: usize) -> bool {
        self.progress[i].0 == self.habits[i].writes.len()
    }

    /// Invariants of every instant.
    fn check(&mut self) -> Result<(), TestCaseError> {
        let now = self.pair.now;
        for i in [0, 1] {
            let zeros = self.habits[i].zeros;
            let (sent, inbox) = (self.progress[i].2, &self.pair.inbox[1 - i]);
            prop_assert!(inbox.len() <= sent, "{} bytes read of {sent}", inbox.len());
            let right = |k: usize| if zeros { 0 } else { byte(i, k) };
            let wrong = (self.checked[1 - i]..inbox.len()).find(|&k| inbox[k] != right(k));
            prop_assert!(wrong.is_none(), "byte {wrong:?} is not what was sent");
            self.checked[1 - i] = inbox.len();
            let state = self.end(i).state();
            if state == State::Established {
                let snapshot = self.end(i).snapshot();
                prop_assert!(snapshot.cwnd >= 64, "cwnd {}", snapshot.cwnd);
                // The peer's buffer bounds the flight, SYN and FIN aside.
                prop_assert!(snapshot.flight <= 4 << 20, "flight {}", snapshot.flight);
            }
            prop_assert!(
                self.end(i).poll_timeout() >= now || state == State::Closed,
                "a timer that stays due"
            );
        }
        Ok(())
    }

    /// Lives until `horizon` or until both have said and heard everything.
    fn live(&mut self, until_ms: u64, stop_when_done: bool) -> Result<bool, TestCaseError> {
        let slice = 20;
        loop {
            let elapsed = self.pair.now.as_nanos() / 1_000_000;
            if elapsed >= until_ms {
                return Ok(false);
            }
            for i in [0, 1] {
                self.write(i, elapsed);
                let every = self.habits[i].read_every;
                let reads = every == 0 || elapsed >= STORM_MS || (elapsed / every.max(1)) % 2 == 1;
                self.pair.reading[i] = if reads { Reading::Keep } else { Reading::Hold };
            }
            let before = self.pair.log.len();
            self.pair.run_for(ms(slice));
            // No livelock: 20 ms of a world of this size hold a bounded number of segments.
            prop_assert!(self.pair.log.len() - before < 20_000, "a flood of segments");
            self.check()?;
            let open = self.pair.events.iter().all(|events| events.contains(&Event::Connected));
            let all = open
                && (0..2)
                    .all(|i| self.has_written_all(i) && self.pair.inbox[1 - i].len() == self.progress[i].2);
            if stop_when_done && all {
                return Ok(true);
            }
            // Skip quiet stretches.
            if elapsed > STORM_MS {
                let quiet = self.pair.log.len() == before;
                if quiet {
                    self.pair.run_for(ms(200));
                }
            }
        }
    }
}

fn trial(configs: &(Config, Config), storm: &Storm, habits: [Habit; 2], iss: (u32, u32)) -> Trial {
    let mut pair = Pair::with(&configs.0, &configs.1, iss, at(0));
    pair.delay = ms(10);
    let storm = storm.clone();
    let mut rng = Seed(storm.seed).stream("storm");
    pair.faults(move |sent| {
        let i = usize::from(sent.from == End::Server);
        if sent.at >= at(STORM_MS) {
            return Fate::Pass;
        }
        let (drop, duplicate, late) = (
            per_mille(&mut rng, storm.drop[i]),
            per_mille(&mut rng, storm.duplicate),
            per_mille(&mut rng, storm.delay),
        );
        let by = ms(rng.below(storm.jitter));
        match (drop, late, duplicate) {
            (true, ..) => Fate::Drop,
            (_, true, _) => Fate::Delay(by),
            (.., true) => Fate::Duplicate,
            _ => Fate::Pass,
        }
    });
    Trial { pair, habits, progress: [(0, 0, 0); 2], checked: [0; 2] }
}

/// The environment may ask for other cases and for more of them.
fn cases() -> ProptestConfig {
    let asked = ProptestConfig::default();
    let named = |name| std::env::var_os(name).is_some();
    ProptestConfig {
        cases: if named("PROPTEST_CASES") { asked.cases } else { 1_000 },
        rng_seed: if named("PROPTEST_RNG_SEED") { asked.rng_seed } else { RngSeed::Fixed(1) },
        max_shrink_iters: 300,
        failure_persistence: None,
        ..asked
    }
}

proptest! {
    #![proptest_config(cases())]

    /// All that is written arrives, in order and unchanged, and then both ends close cleanly.
    #[test]
    fn every_stream_arrives_whole_once_the_storm_is_over(
        configs in (config(), config()),
        storm in storm(),
        habits in [habit(), habit()],
        iss in any::<(u32, u32)>(),
    ) {
        let mut trial = trial(&configs, &storm, habits, iss);
        let done = trial.live(RECOVERY.as_millis(), true)?;
        prop_assert!(done, "incomplete: {:?} and {:?} bytes of {:?}",
            trial.pair.inbox[1].len(), trial.pair.inbox[0].len(), trial.progress);
        trial.pair.run_for(ms(100));
        trial.pair.client.close();
        trial.pair.run_for(ms(storm.jitter));
        trial.pair.server.close();
        let ended = |state| matches!(state, State::TimeWait | State::Closed);
        let deadline = trial.pair.now + Duration::from_secs(300);
        while !(ended(trial.pair.client.state()) && ended(trial.pair.server.state())) {
            prop_assert!(trial.pair.now < deadline, "{:?} {:?}", trial.pair.client.state(), trial.pair.server.state());
            trial.pair.run_for(ms(100));
        }
        prop_assert!(trial.pair.client.is_drained() && trial.pair.server.is_drained());
    }

    /// A close or an abort at any moment leaves a prefix at the other end and no connection that
    /// lives for ever.
    #[test]
    fn a_close_or_abort_at_any_moment_ends_the_connection(
        configs in (config(), config()),
        storm in storm(),
        habits in [habit(), habit()],
        iss in any::<(u32, u32)>(),
        ends in [(0u64..6_000, any::<bool>()), (0u64..6_000, any::<bool>())],
    ) {
        let mut trial = trial(&configs, &storm, habits, iss);
        let mut order = [(ends[0], 0), (ends[1], 1)];
        order.sort_unstable();
        for ((millis, aborts), i) in order {
            trial.live(millis.max(trial.pair.now.as_nanos() / 1_000_000), false)?;
            if aborts { trial.end(i).abort() } else { trial.end(i).close() }
            let habit = &mut trial.habits[i];
            habit.writes.truncate(trial.progress[i].0);
        }
        // A listener that never heard of its peer waits for ever; everything else ends.
        for _ in 0..40 {
            let now = trial.pair.now.as_nanos() / 1_000_000;
            trial.live(now + 500, false)?;
            trial.pair.run_for(Duration::from_secs(60));
        }
        trial.check()?;
        let aborted = ends[0].1 || ends[1].1;
        let states = [trial.pair.client.state(), trial.pair.server.state()];
        for i in [0, 1] {
            // An end with nothing to send never learns of an abort whose reset was lost.
            let waits = aborted && trial.end(i).snapshot().flight == 0;
            let over = states[i] == State::Closed || (i == 1 && states[i] == State::Listen);
            prop_assert!(over || waits, "{states:?}");
        }
    }
}

/// The harness would notice: a stream with one byte changed is not a prefix.
#[test]
fn the_check_for_prefixes_can_fail() {
    let habit = Habit { writes: vec![100], write_every: 0, read_every: 0, zeros: false };
    let storm = Storm { drop: [0, 0], duplicate: 0, delay: 0, jitter: 1, seed: 1 };
    let mut trial = trial(&(Config::default(), Config::default()), &storm, [habit.clone(), habit], (1, 2));
    trial.live(500, true).expect("a quiet network");
    trial.checked = [0; 2];
    trial.pair.inbox[1][50] ^= 1;
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| trial.check().is_err()));
    assert!(outcome.expect("no panic"));
}
