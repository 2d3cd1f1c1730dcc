//! Which dialects there are, and how a real connection in each is served.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::session::ServerSession;
use super::{json_lines, pipe, reliable, rooms, slash};
use crate::chat::names;
use crate::time::Duration;

/// How a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Program 0: length-prefixed JSON, acknowledged.
    Reliable,
    /// Program 1: one JSON object per line.
    JsonLines,
    /// Program 2: bare text, slash commands.
    Slash,
    /// Program 3: bare text, rooms.
    Rooms,
    /// Program 4: words separated by `|`.
    Pipe,
    /// Programs 2 and 4 on their common port: who speaks within [`SPEAKS_WITHIN`] is program 4.
    SlashOrPipe,
}

/// How long a listener for two dialects waits for the client's first word.
pub const SPEAKS_WITHIN: Duration = Duration::from_millis(300);

/// What the dialects leave open.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Settings {
    /// Whether `slash` gives names (`User 1`) instead of asking for them.
    pub assign_names: bool,
    /// How many it has given; shared by all copies of these settings.
    pub names_given: Arc<AtomicU64>,
    /// Whether `pipe` lists [`EVERYONE`](super::EVERYONE), whom its graphical client can only
    /// write to if it is in the list.
    pub list_everyone: bool,
    /// Whether `rooms` sends nothing but ASCII, for its older client, which ends at any other character.
    pub rooms_ascii: bool,
    /// Whether who speaks `rooms` may post to rooms that it is not in, as in the original.
    pub outsiders_post: bool,
    /// Bytes of the longest text. A longer one is refused whole, before it is cut to what one read takes.
    pub max_text: usize,
    /// `pipe`'s pause between its welcome and the list of users.
    pub welcome_pause: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            assign_names: false,
            names_given: Arc::default(),
            list_everyone: false,
            rooms_ascii: false,
            outsiders_post: true,
            max_text: 32_768,
            welcome_pause: Duration::from_millis(50),
        }
    }
}

impl Settings {
    /// The next name that `slash` gives, if it does.
    pub(super) fn next_name(&self) -> Option<String> {
        self.assign_names.then(|| names::given(self.names_given.fetch_add(1, Ordering::Relaxed) + 1))
    }
}

impl Kind {
    /// All of them.
    pub const ALL: &[Kind] =
        &[Kind::Reliable, Kind::JsonLines, Kind::Slash, Kind::Rooms, Kind::Pipe, Kind::SlashOrPipe];
    /// Those that together serve all five programs at their usual ports.
    pub const USUAL: &[Kind] = &[Kind::Reliable, Kind::JsonLines, Kind::SlashOrPipe, Kind::Rooms];

    /// The name by which it is chosen.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Reliable => "reliable",
            Kind::JsonLines => "json-lines",
            Kind::Slash => "slash",
            Kind::Rooms => "rooms",
            Kind::Pipe => "pipe",
            Kind::SlashOrPipe => "slash-or-pipe",
        }
    }

    /// One line about it.
    pub fn summary(self) -> &'static str {
        match self {
            Kind::Reliable => "length-prefixed JSON with acknowledgments (program 0)",
            Kind::JsonLines => "one JSON object per line (program 1)",
            Kind::Slash => "bare text and slash commands (program 2)",
            Kind::Rooms => "bare text and rooms (program 3)",
            Kind::Pipe => "words separated by |, private messages (program 4)",
            Kind::SlashOrPipe => "programs 2 and 4 on one port, by who speaks first",
        }
    }

    /// The one of that name.
    pub fn by_name(name: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// The program's usual port.
    pub fn port(self) -> u16 {
        match self {
            Kind::Reliable => 8888,
            Kind::JsonLines => 12345,
            Kind::Slash | Kind::Pipe | Kind::SlashOrPipe => 5555,
            Kind::Rooms => 44444,
        }
    }

    /// The least time between two messages to a client: programs 1, 3 and 4 take what one read brings for one
    /// message; program 2 shows it in one line, and ends at a read that ends within a character.
    pub fn pacing(self) -> Duration {
        const GAP: Duration = Duration::from_millis(10);
        match self {
            Kind::Reliable => Duration::ZERO,
            Kind::JsonLines | Kind::Slash | Kind::Rooms | Kind::Pipe | Kind::SlashOrPipe => GAP,
        }
    }
}

/// The server's side of a new connection. For [`Kind::SlashOrPipe`] it must be known by now who
/// spoke first; it is served as `slash`.
pub fn server_session(kind: Kind, settings: &Settings) -> Box<dyn ServerSession> {
    // Forms: what is encoded alike has one number.
    match kind {
        Kind::Reliable => Box::new(reliable::Session::new(reliable::Forms { six: 0, eight: 1, id: 2 })),
        Kind::JsonLines => Box::new(json_lines::Session::new(json_lines::Forms { plain: 3, whole: 4 })),
        Kind::Slash | Kind::SlashOrPipe => Box::new(slash::Session::new(5, settings)),
        // One for each set of characters.
        Kind::Rooms => Box::new(rooms::Session::new([6, 7, 8], settings)),
        Kind::Pipe => Box::new(pipe::Session::new(9, settings)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_found() {
        for (n, kind) in Kind::ALL.iter().enumerate() {
            assert_eq!(Kind::by_name(kind.name()), Some(*kind));
            assert!(Kind::ALL[..n].iter().all(|other| other.name() != kind.name()));
        }
        assert_eq!(Kind::by_name("morse"), None);
    }

    #[test]
    fn only_program_0_takes_several_messages_at_once() {
        for kind in Kind::ALL {
            let gap = Duration::from_millis(if *kind == Kind::Reliable { 0 } else { 10 });
            assert_eq!(kind.pacing(), gap, "{}", kind.name());
        }
    }
}
