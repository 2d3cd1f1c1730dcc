//! A synthetic person: when it speaks, how much, and to whom; when it goes and comes back.
//!
//! A person keeps to its own clock and never waits for the network: when each message is *meant* to
//! be sent is a pure function of its random streams, so that a slow network cannot hide its own
//! slowness by keeping people from speaking (coordinated omission). Times, sizes, addressees and
//! absences come from separate streams; changing one leaves the others as they were.

use std::sync::Arc;

use super::marker;
use super::message::{Name, Request};
use crate::rng::{Rng, Seed};
use crate::time::{Duration, Instant};

/// How a person talks.
#[derive(Clone, Debug, PartialEq)]
pub struct Talk {
    /// The mean time from one message to the next.
    pub interval: Duration,
    /// How messages are spread over time.
    pub arrivals: Arrivals,
    /// How long the texts are.
    pub size: SizeDistribution,
    /// Who is spoken to.
    pub to: Addressee,
    /// Over how many rooms people are spread, if they speak in rooms; at least one.
    pub rooms: u32,
    /// Whether people go and come back.
    pub churn: Option<Churn>,
}

/// How messages are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// Independently: exponential times between messages.
    Poisson,
    /// At equal distances, from a random point of the first interval on.
    Periodic,
    /// In bursts of `size` messages `gap` apart. The pauses between bursts are exponential, with
    /// the mean that keeps the mean interval; where the gaps alone are longer, there is no pause.
    Bursts {
        /// Messages in a burst; at least one.
        size: u32,
        /// From message to message within a burst.
        gap: Duration,
    },
}

/// How long texts are, in bytes. Every draw is clamped to what a text can be:
/// [`marker::LEN`] to [`marker::MAX_TEXT`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SizeDistribution {
    /// Always the same.
    Constant(u64),
    /// Equally likely from `low` to `high`, both included.
    Uniform {
        /// The shortest.
        low: u64,
        /// The longest.
        high: u64,
    },
    /// Many short ones, few long ones: exponential with this mean.
    Exponential {
        /// The mean.
        mean: f64,
    },
    /// Log-normal with this mean and standard deviation (of the sizes, not of their logarithms).
    Lognormal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        sd: f64,
    },
}

/// Who is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressee {
    /// Everyone who is here.
    Everyone,
    /// One other person, another one each time.
    One,
    /// The members of the person's room.
    Room,
}

/// How people go and come back, with exponential times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Churn {
    /// The mean time that a person stays.
    pub stay: Duration,
    /// The mean time that it is away.
    pub away: Duration,
}

/// A person's place among the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Everyone's nick.
    pub people: Arc<Vec<Name>>,
    /// Which of them is its own.
    pub me: usize,
    /// The room that it is a member of and speaks in.
    pub room: Option<Name>,
    /// How many people should hear what it says if everyone is here.
    pub audience: u32,
}

/// What a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It means to say something.
    Speak(Intent),
    /// It goes.
    Leave,
    /// It is back.
    Return,
}

/// A message as meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The length of its text in bytes.
    pub size: usize,
    /// A number that chooses the addressee among all others, if it is for one.
    pub draw: u64,
}

/// A synthetic person's will, without any connection.
#[derive(Clone, Debug)]
pub struct Person {
    talk: Talk,
    arrivals: Rng,
    sizes: Rng,
    addressees: Rng,
    churn: Rng,
    /// When it means to speak next.
    speaks: Instant,
    /// Messages of the present burst that are still to come after that.
    burst_left: u32,
    /// When it goes or comes back next.
    moves: Instant,
    present: bool,
}

impl Person {
    /// A person that comes at `start`. Its streams are `<label>/arrivals`, `/sizes`, `/addressees`
    /// and `/churn`; a label is a flow's name such as `client/talkers-3`.
    pub fn new(seed: Seed, label: &str, talk: Talk, start: Instant) -> Person {
        let stream = |what: &str| seed.stream(&format!("{label}/{what}"));
        let mut person = Person {
            arrivals: stream("arrivals"),
            sizes: stream("sizes"),
            addressees: stream("addressees"),
            churn: stream("churn"),
            speaks: start,
            burst_left: 0,
            moves: Instant::MAX,
            present: true,
            talk,
        };
        let first = match person.talk.arrivals {
            Arrivals::Periodic => {
                Duration::from_nanos(person.arrivals.below(person.talk.interval.as_nanos().max(1)))
            }
            Arrivals::Poisson | Arrivals::Bursts { .. } => person.pause(),
        };
        person.speaks = start.saturating_add(first);
        if let Some(churn) = person.talk.churn {
            person.moves = start.saturating_add(person.churn.exponential(churn.stay));
        }
        person
    }

    /// When it does something next.
    pub fn due(&self) -> Instant {
        self.speaks.min(self.moves)
    }

    /// What it does at [`due`](Person::due). What it means to say while it is away is drawn, so that
    /// the streams do not depend on absences, and passed over.
    pub fn act(&mut self) -> Option<Act> {
        if self.moves <= self.speaks {
            return self.come_or_go();
        }
        let intent = Intent { size: self.size(), draw: self.addressees.next_u64() };
        let gap = self.pause();
        self.speaks = self.speaks.saturating_add(gap);
        self.present.then_some(Act::Speak(intent))
    }

    fn come_or_go(&mut self) -> Option<Act> {
        let churn = self.talk.churn?;
        self.present = !self.present;
        let (act, mean) = if self.present { (Act::Return, churn.stay) } else { (Act::Leave, churn.away) };
        // At least a nanosecond, so that no churn can make time stand still.
        let span = self.churn.exponential(mean).max(Duration::from_nanos(1));
        self.moves = self.moves.saturating_add(span);
        Some(act)
    }

    /// The time until the next message.
    fn pause(&mut self) -> Duration {
        let interval = self.talk.interval.max(Duration::from_nanos(1));
        match self.talk.arrivals {
            Arrivals::Poisson => self.arrivals.exponential(interval),
            Arrivals::Periodic => interval,
            Arrivals::Bursts { gap, .. } if self.burst_left > 0 => {
                self.burst_left -= 1;
                gap
            }
            Arrivals::Bursts { size, gap } => {
                self.burst_left = size.saturating_sub(1);
                let cycle = interval.saturating_mul(u64::from(size.max(1)));
                let busy = gap.saturating_mul(u64::from(self.burst_left));
                self.arrivals.exponential(cycle.saturating_sub(busy))
            }
        }
    }

    fn size(&mut self) -> usize {
        let size = match self.talk.size {
            SizeDistribution::Constant(size) => size,
            SizeDistribution::Uniform { low, high } => {
                low.saturating_add(self.sizes.below(high.saturating_sub(low).saturating_add(1)))
            }
            SizeDistribution::Exponential { mean } => {
                libm::round(-libm::log(1.0 - self.sizes.uniform()) * mean) as u64
            }
            SizeDistribution::Lognormal { mean, sd } => {
                let variance = libm::log1p((sd / mean) * (sd / mean));
                let location = libm::log(mean) - variance / 2.0;
                let z = self.sizes.standard_normal();
                // A float-to-integer cast saturates, and NaN becomes zero.
                libm::round(libm::exp(location + libm::sqrt(variance) * z)) as u64
            }
        };
        size.clamp(marker::LEN as u64, marker::MAX_TEXT as u64) as usize
    }
}

impl Seat {
    /// The seats of all people of a world, from each group's name, its head count and how it talks.
    /// Nicks are `<group>-<n>` from 1, or `p<n>`, counted over everyone, where that has more than
    /// `nick_chars` characters. The nth of a group that speaks in rooms is in `room-<n modulo rooms>`.
    pub fn all(groups: &[(&str, u32, &Talk)], nick_chars: usize) -> Vec<Seat> {
        let mut nicks: Vec<Name> = Vec::new();
        let mut places = Vec::new();
        for &(group, count, talk) in groups {
            for n in 0..count {
                let nick = format!("{group}-{}", n + 1);
                let fits = nick.chars().nth(nick_chars).is_none();
                nicks.push(if fits { nick } else { format!("p{}", nicks.len() + 1) }.into());
                let room = (talk.to == Addressee::Room).then(|| n % talk.rooms.max(1));
                places.push((talk.to, room));
            }
        }
        let mut members = std::collections::BTreeMap::new();
        for room in places.iter().filter_map(|&(_, room)| room) {
            *members.entry(room).or_insert(0u32) += 1;
        }
        let others = (nicks.len() as u32).saturating_sub(1);
        let people = Arc::new(nicks);
        let seat = |(me, (to, room)): (usize, (Addressee, Option<u32>))| Seat {
            people: people.clone(),
            me,
            room: room.map(|room| format!("room-{room}").into()),
            audience: match (to, room) {
                (Addressee::Everyone, _) => others,
                (Addressee::One, _) => others.min(1),
                (Addressee::Room, room) => room.map_or(0, |room| members[&room] - 1),
            },
        };
        places.into_iter().enumerate().map(seat).collect()
    }

    /// Its nick.
    pub fn nick(&self) -> &Name {
        &self.people[self.me]
    }

    /// What a person in this seat asks of the room to say `text`. A person who is alone tells it to
    /// itself.
    pub fn request(&self, to: Addressee, intent: Intent, text: Name) -> Request {
        match (to, &self.room) {
            (Addressee::One, _) => Request::Tell { to: self.other(intent.draw).to_string(), text },
            (Addressee::Room, Some(room)) => Request::SayIn { room: room.to_string(), text },
            (Addressee::Everyone | Addressee::Room, _) => Request::Say { text },
        }
    }

    /// One of the others, each with the same chance.
    fn other(&self, draw: u64) -> &Name {
        let others = self.people.len().saturating_sub(1).max(1);
        let at = ((u128::from(draw) * others as u128) >> 64) as usize;
        self.people.get(at + usize::from(at >= self.me)).unwrap_or(self.nick())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk() -> Talk {
        Talk {
            interval: Duration::from_secs(1),
            arrivals: Arrivals::Poisson,
            size: SizeDistribution::Constant(200),
            to: Addressee::Everyone,
            rooms: 1,
            churn: None,
        }
    }

    fn person(talk: Talk) -> Person {
        Person::new(Seed(1), "client/talkers-3", talk, Instant::ZERO)
    }

    /// The first `n` acts with their times.
    fn acts(mut person: Person, n: usize) -> Vec<(Instant, Act)> {
        let mut out = Vec::new();
        while out.len() < n {
            let due = person.due();
            out.extend(person.act().map(|act| (due, act)));
        }
        out
    }

    /// The mean interval of `n` messages in seconds.
    fn mean_interval(talk: Talk, n: usize) -> f64 {
        acts(person(talk), n).last().map_or(0.0, |(at, _)| at.as_secs_f64()) / n as f64
    }

    fn sizes(size: SizeDistribution, n: usize) -> Vec<f64> {
        let size_of = |(_, act)| match act {
            Act::Speak(intent) => intent.size as f64,
            other => panic!("{other:?}"),
        };
        acts(person(Talk { size, ..talk() }), n).into_iter().map(size_of).collect()
    }

    #[test]
    fn poisson_times_are_pinned() {
        let times: Vec<_> = acts(person(talk()), 3).iter().map(|(at, _)| at.as_nanos()).collect();
        assert_eq!(times, [656_982_643, 5_163_124_212, 5_941_262_537]);
    }

    #[test]
    fn every_kind_of_arrivals_keeps_the_mean_interval() {
        let bursts = |gap| Arrivals::Bursts { size: 5, gap: Duration::from_millis(gap) };
        for arrivals in [Arrivals::Poisson, Arrivals::Periodic, bursts(0), bursts(10), bursts(1000)] {
            let mean = mean_interval(Talk { arrivals, ..talk() }, 20_000);
            // Bursts of five have the largest standard error, √5/√20000 = 1.6 %; allow five of them.
            assert!((mean - 1.0).abs() < 0.08, "{arrivals:?}: {mean}");
        }
    }

    #[test]
    fn periodic_people_are_not_in_step_and_keep_their_pace() {
        let talk = Talk { arrivals: Arrivals::Periodic, ..talk() };
        let times: Vec<_> = acts(person(talk.clone()), 3).iter().map(|(at, _)| *at).collect();
        assert!(times[0] < Instant::ZERO + Duration::from_secs(1));
        assert_eq!(times[2] - times[0], Duration::from_secs(2));
        let other = Person::new(Seed(1), "client/talkers-4", talk, Instant::ZERO);
        assert_ne!(other.due(), times[0]);
    }

    #[test]
    fn a_burst_is_as_long_and_as_dense_as_configured() {
        let arrivals = Arrivals::Bursts { size: 3, gap: Duration::from_millis(10) };
        let times: Vec<_> = acts(person(Talk { arrivals, ..talk() }), 6).iter().map(|(at, _)| *at).collect();
        for burst in times.chunks(3) {
            assert_eq!(burst[1] - burst[0], Duration::from_millis(10));
            assert_eq!(burst[2] - burst[1], Duration::from_millis(10));
        }
        assert!(times[3] - times[2] > Duration::from_millis(10));
    }

    #[test]
    fn sizes_have_their_distribution() {
        let n = 20_000;
        let mean = |sizes: &[f64]| sizes.iter().sum::<f64>() / sizes.len() as f64;
        assert_eq!(sizes(SizeDistribution::Constant(200), 2), [200.0, 200.0]);

        let uniform = sizes(SizeDistribution::Uniform { low: 100, high: 300 }, n);
        assert!(uniform.iter().all(|size| (100.0..=300.0).contains(size)));
        assert!(uniform.contains(&100.0) && uniform.contains(&300.0));
        // The standard error is 58/√20000 = 0.41; allow five of them.
        assert!((mean(&uniform) - 200.0).abs() < 2.1);

        let lognormal = sizes(SizeDistribution::Lognormal { mean: 200.0, sd: 100.0 }, n);
        let average = mean(&lognormal);
        let sd = (lognormal.iter().map(|x| (x - average) * (x - average)).sum::<f64>() / n as f64).sqrt();
        assert!((average - 200.0).abs() < 3.6, "{average}");
        assert!((sd - 100.0).abs() < 6.0, "{sd}");
    }

    #[test]
    fn impossible_sizes_are_clamped() {
        for size in [
            SizeDistribution::Constant(0),
            SizeDistribution::Uniform { low: 5, high: 1 },
            SizeDistribution::Lognormal { mean: -1.0, sd: 1.0 },
        ] {
            assert_eq!(sizes(size, 1), [marker::LEN as f64]);
        }
        let huge = SizeDistribution::Uniform { low: u64::MAX, high: u64::MAX };
        assert_eq!(sizes(huge, 1), [marker::MAX_TEXT as f64]);
    }

    #[test]
    fn the_streams_do_not_depend_on_each_other() {
        let size = SizeDistribution::Lognormal { mean: 200.0, sd: 100.0 };
        let churn = Some(Churn { stay: Duration::from_secs(5), away: Duration::from_secs(5) });
        let plain = acts(person(talk()), 200);
        let sized = acts(person(Talk { size, ..talk() }), 50);
        let churned = acts(person(Talk { churn, ..talk() }), 50);
        assert!(plain.iter().zip(&sized).all(|(a, b)| a.0 == b.0));
        // Who comes and goes says a part of the very same messages.
        let mut spoken = churned.iter().filter(|(_, act)| matches!(act, Act::Speak(_)));
        assert!(spoken.all(|act| plain.contains(act)));
    }

    #[test]
    fn who_is_away_says_nothing() {
        let churn = Some(Churn { stay: Duration::from_secs(5), away: Duration::from_secs(2) });
        let mut present = true;
        let mut moves = 0;
        for (_, act) in acts(person(Talk { churn, ..talk() }), 500) {
            match act {
                Act::Speak(_) => assert!(present),
                Act::Leave => present = !std::mem::replace(&mut present, false),
                Act::Return => present = true,
            }
            moves += u32::from(!matches!(act, Act::Speak(_)));
        }
        assert!(moves > 50, "{moves}");
    }

    #[test]
    fn seats_know_the_rooms_and_everybody() {
        let in_rooms = Talk { to: Addressee::Room, rooms: 2, ..talk() };
        let to_one = Talk { to: Addressee::One, ..talk() };
        let groups = [("a", 3, &in_rooms), ("a-very-long-group-name", 1, &talk()), ("c", 1, &to_one)];
        let seats = Seat::all(&groups, 20);
        let nicks: Vec<_> = seats.iter().map(|seat| &**seat.nick()).collect();
        assert_eq!(nicks, ["a-1", "a-2", "a-3", "p4", "c-1"]);
        let rooms: Vec<_> = seats.iter().map(|seat| seat.room.as_deref()).collect();
        assert_eq!(rooms, [Some("room-0"), Some("room-1"), Some("room-0"), None, None]);
        let audiences: Vec<_> = seats.iter().map(|seat| seat.audience).collect();
        assert_eq!(audiences, [1, 0, 1, 4, 1]);
    }

    #[test]
    fn everyone_but_oneself_is_addressed_with_the_same_chance() {
        let to_one = Talk { to: Addressee::One, ..talk() };
        let seats = Seat::all(&[("p", 5, &to_one)], 20);
        let mut rng = Seed(1).stream("test");
        let mut times = std::collections::BTreeMap::new();
        for _ in 0..4000 {
            let intent = Intent { size: 9, draw: rng.next_u64() };
            match seats[2].request(Addressee::One, intent, "x".into()) {
                Request::Tell { to, .. } => *times.entry(to).or_insert(0) += 1,
                other => panic!("{other:?}"),
            }
        }
        // 1000 ± 5 standard deviations of a binomial(4000, 1/4).
        assert_eq!(times.keys().collect::<Vec<_>>(), ["p-1", "p-2", "p-4", "p-5"]);
        assert!(times.values().all(|n| (863..=1137).contains(n)), "{times:?}");
    }
}
