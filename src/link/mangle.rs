//! Duplication and damage, netem's `duplicate` and `corrupt`.

use super::impairment::{Impairment, Verdict};
use crate::rng::Rng;
use crate::time::Instant;
use crate::units::Probability;
use crate::wire::Packet;

/// Doubles each packet with the same chance. Unlike netem, which sends the copy through the whole
/// discipline again, the copy follows right behind the original with the same delay and is not
/// judged itself: so duplication leaves the draws of all other components alone.
#[derive(Debug)]
pub struct Duplicate(pub Probability);

/// Damages each packet with the same chance.
#[derive(Debug)]
pub struct Corrupt(pub Probability);

impl Impairment for Duplicate {
    fn judge(&mut self, _: Instant, _: &Packet, rng: &mut Rng) -> Verdict {
        if rng.chance(self.0) { Verdict::Duplicate } else { Verdict::Pass }
    }
}

impl Impairment for Corrupt {
    fn judge(&mut self, _: Instant, _: &Packet, rng: &mut Rng) -> Verdict {
        if rng.chance(self.0) { Verdict::Corrupt } else { Verdict::Pass }
    }
}
