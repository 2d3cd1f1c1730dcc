//! How a program is told to end before it has done all: what computes or serves ends in order at the
//! first signal and at once at a second; a client waits for one beside everything else.

use std::io::Write as _;
use std::task::Poll;

use tokio::signal::unix::{SignalKind, signal};

use super::output::Failure;
use crate::live::clock::Clock;
use crate::time::{Duration, Instant};

/// Ctrl-C and SIGTERM.
pub const ENDS: &[SignalKind] = &[SignalKind::interrupt(), SignalKind::terminate()];
/// Whatever ends a program at a terminal, where Ctrl-C is the line editor's business.
pub const ENDS_AT_TERMINAL: &[SignalKind] =
    &[SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()];

/// From now on a file that may not grow is an error of whoever writes it, and ends nothing.
pub fn survive_file_limits() -> Result<(), Failure> {
    let kind = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    // It stays caught when nobody listens any more.
    let caught = signal(kind).map(drop);
    caught.map_err(|error| Failure::other(format!("cannot listen for signals: {error}"), ""))
}

/// From now on one of these signals does not kill; waits for the first.
pub fn interrupted(kinds: &[SignalKind]) -> Result<impl Future<Output = ()> + use<>, Failure> {
    let listening: Result<Vec<_>, _> = kinds.iter().map(|&kind| signal(kind)).collect();
    let mut signals =
        listening.map_err(|error| Failure::other(format!("cannot listen for signals: {error}"), ""))?;
    Ok(std::future::poll_fn(move |context| {
        let came = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
        if came { Poll::Ready(()) } else { Poll::Pending }
    }))
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
        // Where nobody can be told, it ends all the same.
        let _ = writeln!(std::io::stderr(), "{words}");
        std::process::exit(130);
    };
    // Where no thread can start, a second signal does the same.
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
