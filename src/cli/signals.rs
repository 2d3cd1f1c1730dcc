//! How a client is told to end before it has done all.

use std::task::Poll;

use tokio::signal::unix::{SignalKind, signal};

use super::output::Failure;

/// Ctrl-C and SIGTERM.
pub const ENDS: &[SignalKind] = &[SignalKind::interrupt(), SignalKind::terminate()];
/// Whatever ends a program at a terminal.
pub const ENDS_AT_TERMINAL: &[SignalKind] =
    &[SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()];

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
