//! End of a connection, and its consequence.

use std::io::ErrorKind;
use std::time::Duration as Span;

use tokio::sync::watch;

use crate::chat::message::{Event, Name, Refusal};
use crate::chat::protocol::guess::usual_at;
use crate::chat::protocol::{DIALECTS, Dialect, KICKED, SERVER};
use crate::cli::output::one_line;

/// End of a connection.
pub enum End {
    /// The person has left.
    Left,
    /// The server does not want this person.
    Rejected(Refusal),
    /// An administrator does not want this person.
    Kicked,
    /// It is no server of this dialect: what is spoken there.
    Foreign(String),
    /// It may be none: nobody has been let in.
    Silent(String),
    /// The connection was lost.
    Lost {
        /// Reason of the end.
        why: String,
        /// True if the connection was of any use before.
        was_steady: bool,
    },
}

/// The waits before further attempts to connect: 1 s, 2 s, 4 s and so on to 32 s.
#[derive(Debug)]
pub struct Waits {
    attempt: u32,
    most: u32,
}

impl Waits {
    /// For so many attempts.
    pub fn new(most: u32) -> Waits {
        Waits { attempt: 0, most }
    }

    /// The next wait, if there is to be another attempt.
    pub fn next(&mut self) -> Option<Span> {
        let wait = (self.attempt < self.most).then(|| Span::from_secs(1 << self.attempt.min(5)))?;
        self.attempt += 1;
        Some(wait)
    }
}

/// True of a server's last words to a person whom an administrator disconnects.
pub fn says_kicked(event: &Event) -> bool {
    match event {
        Event::Notice { text } => text.starts_with(KICKED),
        Event::Message { from, text } => **from == *SERVER && text.starts_with(KICKED),
        _ => false,
    }
}

/// True if a server that is being started may be there soon.
pub fn is_not_there(error: &std::io::Error) -> bool {
    use ErrorKind::{ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable};
    matches!(error.kind(), ConnectionRefused | ConnectionReset | HostUnreachable | NetworkUnreachable)
}

/// Message about a server that has not let anybody in `within` a span, if no other dialect shows in
/// its first words.
pub fn silent(first_words: &str, within: Span) -> String {
    let seconds = within.as_secs();
    match one_line(first_words.trim()).as_str() {
        "" => format!("the server has said nothing for {seconds} s"),
        words => format!("the server has not let you in for {seconds} s; it said \"{words}\""),
    }
}

/// Other dialects that may be spoken at an address where nobody understands `dialect`.
pub fn other_dialects(address: &str, dialect: &dyn Dialect) -> String {
    let port = address.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or_default();
    let usual: Vec<&str> = usual_at(port).map(Dialect::name).collect();
    if !usual.is_empty() && !usual.contains(&dialect.name()) {
        return format!("its port is the usual one of {0}: add --dialect {0}", usual.join(" or "));
    }
    let names = DIALECTS.iter().map(|dialect| dialect.name());
    let others: Vec<&str> = names.filter(|other| *other != dialect.name()).collect();
    format!(
        "it may be no chat server, or speak TLS (add --tls) or another dialect (add --dialect and one of {})",
        others.join(", ")
    )
}

/// True if the server takes a nick with its password for a name.
pub fn exposes_password(nick: &str, event: &Event) -> bool {
    let whole = nick.trim();
    let shows = |people: &[Name]| people.iter().any(|name| **name == *whole);
    whole.contains(':')
        && match event {
            Event::Welcome { nick, people } => **nick == *whole || shows(people),
            Event::People { names } => shows(names),
            _ => false,
        }
}

/// True if the server speaks another protocol, and does not show which.
pub fn is_strange(error: &std::io::Error) -> bool {
    error.kind() == ErrorKind::Unsupported
}

/// Waits until the person at the terminal has left; for a script, forever.
pub async fn has_left(left: &mut watch::Receiver<bool>) {
    if left.wait_for(|&left| left).await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::protocol::JSON_LINES;

    #[test]
    fn a_port_that_is_usual_for_another_dialect_is_told() {
        let help = |address| other_dialects(address, JSON_LINES);
        assert!(help("localhost:8888").ends_with("add --dialect reliable"));
        assert!(help("[::1]:5555").ends_with("add --dialect slash or pipe"));
        for address in ["localhost:12345", "localhost:7"] {
            assert!(help(address).contains("one of reliable, slash, rooms, pipe"), "{}", help(address));
        }
    }

    #[test]
    fn waits_double_and_end() {
        let mut waits = Waits::new(8);
        let seconds: Vec<u64> = std::iter::from_fn(|| waits.next()).map(|wait| wait.as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 32, 32]);
        assert_eq!(Waits::new(0).next(), None);
    }
}
