//! Two dialects on the port that their programs share, told apart by who speaks first.

use super::session::{ClientSession, ServerSession};
use super::{DIALECTS, Dialect, PIPE, SLASH, Settings};
use crate::time::Duration;

/// Time for which a listener for two dialects waits for the client's first word.
pub const SPEAKS_WITHIN: Duration = Duration::from_millis(300);

/// A listener for two dialects. Once it is known who speaks first, the connection is of one of them; by
/// itself this is the one whose clients wait for a greeting.
#[derive(Debug)]
pub struct SharedPort {
    name: &'static str,
    summary: &'static str,
    /// The dialect of clients that wait for a greeting.
    waits: &'static dyn Dialect,
    /// The dialect of clients that speak within [`SPEAKS_WITHIN`].
    speaks: &'static dyn Dialect,
}

/// Programs 2 and 4 on their common port.
pub const SLASH_OR_PIPE: &dyn Dialect = SHARED[0];

static SHARED: &[&SharedPort] = &[&SharedPort {
    name: "slash-or-pipe",
    summary: "programs 2 and 4 on one port, by who speaks first",
    waits: SLASH,
    speaks: PIPE,
}];

impl Dialect for SharedPort {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn port(&self) -> u16 {
        self.waits.port()
    }

    fn is_framed(&self) -> bool {
        self.waits.is_framed()
    }

    fn pacing(&self) -> Duration {
        self.waits.pacing()
    }

    fn server(&self, settings: &Settings) -> Box<dyn ServerSession> {
        self.waits.server(settings)
    }

    fn client(&self) -> Box<dyn ClientSession> {
        self.waits.client()
    }

    fn told_apart(&self) -> Option<[&'static dyn Dialect; 2]> {
        Some([self.waits, self.speaks])
    }
}

/// Everything that a listener may speak.
pub fn listeners() -> impl Iterator<Item = &'static dyn Dialect> {
    let shared = SHARED.iter().map(|&shared| shared as &dyn Dialect);
    DIALECTS.iter().copied().chain(shared)
}

/// Those that together serve all original programs at their usual ports.
pub fn usual_listeners() -> impl Iterator<Item = &'static dyn Dialect> {
    DIALECTS.iter().copied().filter(|dialect| !dialect.speaks_http()).filter_map(|dialect| {
        if SHARED.iter().any(|shared| shared.speaks == dialect) {
            return None;
        }
        let shared = SHARED.iter().find(|shared| shared.waits == dialect);
        Some(shared.map_or(dialect, |&shared| shared as &dyn Dialect))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_usual_listeners_serve_every_program_at_a_port_of_its_own() {
        let usual: Vec<_> = usual_listeners().collect();
        let ports: BTreeSet<u16> = usual.iter().map(|dialect| dialect.port()).collect();
        assert_eq!(ports.len(), usual.len());
        let served =
            usual.iter().flat_map(|dialect| dialect.told_apart().map_or(vec![*dialect], |two| two.to_vec()));
        let mut served: Vec<&str> = served.map(Dialect::name).collect();
        served.sort_unstable();
        let programs = DIALECTS.iter().filter(|dialect| !dialect.speaks_http());
        let mut all: Vec<&str> = programs.map(|dialect| dialect.name()).collect();
        all.sort_unstable();
        assert_eq!(served, all);
    }
}
