//! Whose nick it is. A nick with a password is written `kim:secret`, in whatever way the dialect asks
//! for a name: the first who does so registers it, and from then on it opens to that password only.

use std::rc::Rc;

use tracing::{info, warn};

use super::hub::Shared;
use crate::chat::message::ClientId;
use crate::live::store;

/// A nick as it was given, with its password if there is one.
pub(super) fn split(given: &str) -> (&str, Option<&str>) {
    match given.split_once(':') {
        Some((nick, password)) => (nick.trim(), Some(password.trim())),
        None => (given.trim(), None),
    }
}

/// What is to be done before a nick is given away.
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

/// Hashes off the server's thread, one at a time, and lets the client in or not.
pub(super) fn pass(hub: &Shared, client: Waiting, nick: String, gate: Gate) {
    let id = client.id;
    let hub = Rc::clone(hub);
    tokio::task::spawn_local(async move {
        // Passwords that are compared one after the other cannot be guessed fast.
        let turn = std::sync::Arc::clone(&hub.borrow().hashing);
        let Ok(_turn) = turn.acquire_owned().await else { return };
        // Nobody else waits for one who has gone.
        if !hub.borrow().waits_for_password(client) {
            return;
        }
        let work = match gate {
            Gate::Open | Gate::Shut | Gate::Broken(_) => return,
            Gate::Verify { digest, password } => tokio::task::spawn_blocking(move || {
                if store::verifies(&digest, &password) { Some(None) } else { None }
            }),
            Gate::Register { password } => {
                tokio::task::spawn_blocking(move || store::digest(&password).map(Some))
            }
        };
        let passed = match work.await {
            Ok(Some(None)) => Ok(true),
            Ok(Some(Some(digest))) => {
                let mut hub = hub.borrow_mut();
                let now = hub.clock().now();
                if hub.waits_for_password(client) {
                    hub.memory.register(now, &nick, &digest)
                } else {
                    Ok(false)
                }
            }
            Ok(None) | Err(_) => Ok(false),
        };
        match passed {
            Ok(true) => info!(client = id.0, nick, "showed its password"),
            Ok(false) => warn!(client = id.0, nick, "a wrong password"),
            Err(_) => warn!(client = id.0, nick, "not registered"),
        }
        hub.borrow_mut().passed(client, &nick, passed);
    });
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
