//! Ctrl-C and SIGTERM: the first ends what runs in order, a second one at once.

use super::output::Failure;
use crate::live::clock::Clock;
use crate::time::{Duration, Instant};

/// Calls `stop` at the first signal; the program ends at a second one.
pub fn at_first(stop: impl Fn() + Send + 'static) -> Result<(), Failure> {
    let (clock, mut first) = (Clock::start(), None);
    ctrlc::set_handler(move || {
        if is_second(&mut first, clock.now()) {
            std::process::exit(130);
        }
        stop();
    })
    .map_err(|error| Failure::other(format!("cannot listen for Ctrl-C: {error}"), ""))
}

/// Two signals within a moment are one: `timeout` signals the process, and then its group.
fn is_second(first: &mut Option<Instant>, now: Instant) -> bool {
    const MOMENT: Duration = Duration::from_millis(200);
    now.saturating_since(*first.get_or_insert(now)) >= MOMENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_comes_twice_at_once_is_one() {
        let at = |ms| Instant::ZERO + Duration::from_millis(ms);
        let mut first = None;
        assert_eq!(
            [3_000, 3_001, 3_199, 3_200].map(|ms| is_second(&mut first, at(ms))),
            [false, false, false, true]
        );
    }
}
