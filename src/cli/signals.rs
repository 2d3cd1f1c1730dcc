//! Signals that ask a program to end before it has done all: a computation or a server ends in order at the
//! first signal and at once at a second; a client waits for one beside everything else.

use std::io::Write as _;

use super::output::Failure;
use super::system;
use crate::live::clock::Clock;
use crate::time::{Duration, Instant};

/// From now on none of the signals that end a program kills this one; waits for the first. At a terminal
/// Ctrl-C is the line editor's business.
pub fn interrupted(at_terminal: bool) -> Result<impl Future<Output = ()> + use<>, Failure> {
    system::interrupted(at_terminal)
        .map_err(|error| Failure::other(format!("cannot listen for signals: {error}"), ""))
}

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

/// Ends the program after `grace` with these words, unless it has ended by then.
#[expect(clippy::disallowed_methods, reason = "who has sent a signal waits in real time")]
pub fn exit_after(grace: std::time::Duration, words: &'static str) {
    let end = move || {
        std::thread::sleep(grace);
        // A message that reaches nobody does not keep it from ending.
        let _ = writeln!(std::io::stderr(), "{words}");
        std::process::exit(130);
    };
    // A second signal does the same if no thread can start.
    let _ = std::thread::Builder::new().name("end".to_owned()).spawn(end);
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
