//! Ownership of nicks. A nick with a password is written `kim:secret`, in whatever way the dialect asks
//! for a name: the first who does so registers it, and from then on it opens to that password only.

use crate::chat::message::ClientId;
use crate::live::store;

/// A nick as it was given, with its password if there is one.
pub(super) fn split(given: &str) -> (&str, Option<&str>) {
    match given.split_once(':') {
        Some((nick, password)) => (nick.trim(), Some(password.trim())),
        None => (given.trim(), None),
    }
}

/// Check before a nick is given away.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// Nothing: it is free, and nobody showed a password.
    Open,
    /// It is somebody's, or only registered nicks are let in.
    Shut,
    /// Nobody can say whose it is now, for this reason.
    Broken(String),
    /// The password must be compared with this digest.
    Verify { digest: String, password: String },
    /// Nobody has it yet: it will be registered under this password.
    Register { password: String },
}

/// A connection that waits for its password. Its number alone is not enough: once it is gone, the next
/// one may get that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub id: ClientId,
    pub serial: u64,
}

/// Verdict on a password.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tried {
    /// The account's.
    Right,
    Wrong,
    /// That of a new account, with this digest.
    New(String),
}

/// Compares or makes a digest, off the server's thread.
pub(super) async fn hash(gate: Gate) -> Tried {
    let work = tokio::task::spawn_blocking(move || match gate {
        Gate::Verify { digest, password } if store::verifies(&digest, &password) => Tried::Right,
        Gate::Register { password } => store::digest(&password).map_or(Tried::Wrong, Tried::New),
        _ => Tried::Wrong,
    });
    work.await.unwrap_or(Tried::Wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_stands_behind_a_colon() {
        assert_eq!(split(" kim "), ("kim", None));
        assert_eq!(split("kim:se:cret"), ("kim", Some("se:cret")));
        assert_eq!(split(":x"), ("", Some("x")));
    }
}
