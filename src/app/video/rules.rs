//! Rules of adaptation: the rung of the ladder that the next chunk has.

use crate::time::Duration;
use crate::units::Rate;

/// A rule that clients follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// BBA-0 (Huang et al., "A buffer-based approach to rate adaptation", SIGCOMM 2014, algorithm 1).
    Buffer,
    /// The highest bitrate below the harmonic mean of the last five throughputs (Yin et al., SIGCOMM 2015, section
    /// 7.1: RB; the mean is that of FESTIVE, Jiang et al., 2012).
    Throughput,
    /// BOLA-BASIC (Spiteri, Urgaonkar and Sitaraman, INFOCOM 2016, section III).
    Utility,
}

/// State before a choice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation<'a> {
    /// Bitrates, rising.
    pub ladder: &'a [Rate],
    /// Rung of the chunk before.
    pub last: Option<usize>,
    /// Media in the buffer.
    pub level: Duration,
    /// Media that it holds.
    pub capacity: Duration,
    /// Media in a chunk.
    pub chunk: Duration,
    /// Bits per second of the last chunks.
    pub throughputs: &'a [f64],
}

/// Throughputs that the mean is of.
pub(super) const PAST: usize = 5;
/// Parts of the buffer of BBA-0's player, which held 240 s: the cushion reached to 216 s, and the reservoir had 90 s of them.
const UPPER: f64 = 216.0 / 240.0;
const RESERVOIR: f64 = 90.0 / 216.0;
/// BOLA's weight of smooth playback, γp.
const SMOOTHNESS: f64 = 5.0;

impl Rule {
    /// The rung of the next chunk.
    pub(super) fn choose(self, situation: &Situation<'_>) -> usize {
        match self {
            Rule::Buffer => buffer_based(situation),
            Rule::Throughput => throughput_based(situation),
            Rule::Utility => utility_based(situation),
        }
    }
}

fn bits(rate: Rate) -> f64 {
    rate.bits_per_second() as f64
}

/// The rate map f rises over the cushion from the least to the greatest bitrate; the last one is kept until the map reaches
/// a neighbour of it.
fn buffer_based(now: &Situation<'_>) -> usize {
    let top = now.ladder.len() - 1;
    let (least, most) = (bits(now.ladder[0]), bits(now.ladder[top]));
    let filled = now.level.as_secs_f64() / now.capacity.as_secs_f64();
    // A small buffer never holds more than leaves room for the chunk that is asked for.
    let upper = UPPER.min(1.0 - now.chunk.as_secs_f64() / now.capacity.as_secs_f64());
    let reservoir = RESERVOIR * upper;
    let map = least + (filled - reservoir) / (upper - reservoir) * (most - least);
    let last = now.last.unwrap_or(0);
    if filled <= reservoir {
        0
    } else if filled >= upper {
        top
    } else if map >= bits(now.ladder[(last + 1).min(top)]) {
        now.ladder.iter().rposition(|rung| bits(*rung) < map).unwrap_or(0)
    } else if map <= bits(now.ladder[last.saturating_sub(1)]) {
        now.ladder.iter().position(|rung| bits(*rung) > map).unwrap_or(top)
    } else {
        last
    }
}

fn throughput_based(now: &Situation<'_>) -> usize {
    let times: f64 = now.throughputs.iter().map(|bits| 1.0 / bits).sum();
    let mean = now.throughputs.len() as f64 / times;
    now.ladder.iter().rposition(|rung| bits(*rung) <= mean).unwrap_or(0)
}

/// The rung m with the greatest (V (υ + γp) − Q) / S, where υ is the logarithm of S over the least S, and V lets the
/// buffer fill.
fn utility_based(now: &Situation<'_>) -> usize {
    let chunks = |media: Duration| media.as_secs_f64() / now.chunk.as_secs_f64();
    let utility = |rung: Rate| libm::log(bits(rung) / bits(now.ladder[0]));
    let highest = now.ladder.last().map_or(0.0, |rung| utility(*rung));
    let weight = (chunks(now.capacity) - 1.0) / (highest + SMOOTHNESS);
    let worth = |rung: usize| {
        let rung = now.ladder[rung];
        (weight * (utility(rung) + SMOOTHNESS) - chunks(now.level)) / bits(rung)
    };
    (1..now.ladder.len()).fold(0, |best, rung| if worth(rung) > worth(best) { rung } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LADDER: [u64; 4] = [500_000, 1_000_000, 2_000_000, 4_000_000];

    fn choose(rule: Rule, last: usize, seconds: u64, throughputs: &[f64]) -> usize {
        let ladder = LADDER.map(|bits| Rate::from_bits_per_second(bits).expect("a rate"));
        rule.choose(&Situation {
            ladder: &ladder,
            last: Some(last),
            level: Duration::from_secs(seconds),
            capacity: Duration::from_secs(240),
            chunk: Duration::from_secs(4),
            throughputs,
        })
    }

    #[test]
    fn the_buffer_chooses_by_the_map_and_sticks_to_the_last_rung() {
        let bba = |last, seconds| choose(Rule::Buffer, last, seconds, &[]);
        assert_eq!((bba(3, 90), bba(0, 216)), (0, 3));
        // At 108 s the map has 1 Mbit/s, at 117 s 1.25.
        assert_eq!((bba(0, 107), bba(0, 109), bba(1, 117)), (0, 1, 1));
        // Down only when the map is at the rung below: at 144 s it has 2 Mbit/s.
        assert_eq!((bba(3, 145), bba(3, 143)), (3, 2));
        // Up over two rungs at once: at 150 s it has 2.17 Mbit/s.
        assert_eq!(bba(0, 150), 2);
    }

    #[test]
    fn throughputs_have_their_harmonic_mean() {
        let rate = |throughputs: &[f64]| choose(Rule::Throughput, 0, 0, throughputs);
        // Of 1 and 4 Mbit/s it is 1.6.
        assert_eq!(rate(&[1e6, 4e6]), 1);
        assert_eq!((rate(&[]), rate(&[1e5]), rate(&[2e6]), rate(&[1e9])), (0, 0, 2, 3));
    }

    #[test]
    fn utility_climbs_with_the_buffer() {
        let bola = |seconds| choose(Rule::Utility, 0, seconds, &[]);
        let rungs: Vec<usize> = (0..=236).map(bola).collect();
        assert_eq!((rungs[0], rungs[236]), (0, 3));
        assert!(rungs.windows(2).all(|pair| pair[0] <= pair[1]), "{rungs:?}");
        // Rungs 0 and 1 are worth the same where Q = V (γp + υ0 - (υ1 - υ0)), υ1 = ln 2 and V = 59 / (5 + ln 8):
        // at 35.9 chunks.
        assert_eq!((bola(143), bola(144)), (0, 1));
    }
}
