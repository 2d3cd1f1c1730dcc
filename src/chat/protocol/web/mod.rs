//! The dialect of the page: the words of `json-lines`, each object a text message of WebSocket (RFC 6455).
//!
//! The handshake is HTTP's and is over when a session begins. Beside the words of
//! [`json_lines`](super::json_lines), all of which a server here knows from the start:
//!
//! | client | server |
//! | --- | --- |
//! | `join` with `"password": "secret"` | as `username` `bob:secret` of the other dialects |
//! | `join` with `"resumes": true` | keeps what it sends until the client has `seen` it, and counts what it hears |
//! | `{"type": "seen", "count": 12}` | nothing: so many messages have come |
//! | `{"type": "line", "message": "/list"}` | the answer to a line as it is typed in a terminal |
//! | | `{"type": "heard", "count": 3, "served": 3}`: so many messages have come from the client, and of these so many are done |
//! | closes by a close frame | `user_left` to the others |
//! | breaks off, and comes back | all that it has not `seen`, behind a `heard` that says what to send again |
//!
//! An answer to a message of the client's own, an echo or an `error`, has its `number`, from 1 for the join.
//! `seen` and `heard` are counted by neither side. A text from before the client came is a `chat` with
//! `"past": true`. An unanswered ping ends a connection, because a browser answers even where its page
//! sleeps.

mod frame;
mod kept;
mod server;
#[cfg(test)]
mod tests;

use super::client::web::WebClient;
use super::session::{ClientSession, ServerSession};
use super::{Dialect, Settings};
use crate::time::Duration;

pub(super) use frame::{From, Piece, Reader, push_masked_text, push_pong};

/// Beginning of a message that no side counts.
pub(super) const UNCOUNTED: &str = "{\"type\": \"heard\"";

/// The page's language.
#[derive(Debug)]
pub(super) struct Web;

impl Dialect for Web {
    fn name(&self) -> &'static str {
        "web"
    }

    fn summary(&self) -> &'static str {
        "the page: JSON in WebSocket messages"
    }

    fn port(&self) -> u16 {
        8866
    }

    fn is_framed(&self) -> bool {
        true
    }

    fn pacing(&self) -> Duration {
        Duration::ZERO
    }

    fn speaks_http(&self) -> bool {
        true
    }

    fn server(&self, settings: &Settings) -> Box<dyn ServerSession> {
        Box::new(server::Session::new(settings))
    }

    fn client(&self) -> Box<dyn ClientSession> {
        Box::new(WebClient::default())
    }
}
