//! The HTTP before a page's connection: it hands out the page, and turns a request for the chat into a WebSocket
//! (RFC 6455 §4).
//!
//! | file | what it does |
//! | --- | --- |
//! | `handshake` | requests that become a WebSocket, and those of another site, which must not |
//! | `pages` | the page's files |
//! | `reply` | answers, and the headers that keep a page to itself |
//! | `io` | our sockets as hyper wants them |

mod handshake;
mod io;
mod pages;
mod reply;

use std::cell::Cell;
use std::convert::Infallible;
use std::io::{Error, ErrorKind, Result};

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use tokio::time::timeout;

pub(super) use handshake::knock;

use super::server::{Shared, Ticket};
use super::socket::Socket;
use io::Polled;
use reply::{Reply, problem};

/// Bytes of the longest request, without its body.
const HEAD: usize = 16 * 1024;

/// Serves requests until one asks for the chat; nothing if the client has gone before. A connection ends when
/// its time to join is over, whatever it has asked.
pub(super) async fn receive(
    hub: &Shared,
    socket: Socket,
    patience: std::time::Duration,
) -> Result<Option<(Socket, Option<Ticket>)>> {
    let upgraded = Cell::new(None);
    let service = service_fn(|request| {
        let (reply, admitted) = answer(hub, &request);
        if admitted.is_some() {
            upgraded.set(admitted);
        }
        async { Ok::<Reply, Infallible>(reply) }
    });
    let serving = http1::Builder::new().max_buf_size(HEAD).serve_connection(Polled(socket), service);
    let served = timeout(patience, serving.without_shutdown()).await.map_err(|_| Error::from(ErrorKind::TimedOut))?;
    let parts = served.map_err(|error| Error::new(ErrorKind::InvalidData, error))?;
    let Polled(socket) = parts.io;
    match upgraded.take() {
        // Before it is answered a client says nothing (RFC 6455 §4.1).
        Some(_) if !parts.read_buf.is_empty() => Err(ErrorKind::InvalidData.into()),
        Some(ticket) => Ok(Some((socket, ticket))),
        None => socket.shutdown().await.map(|()| None),
    }
}

/// The answer to a request; for one that becomes a WebSocket, also how its client may come back.
fn answer(hub: &Shared, request: &Request<Incoming>) -> (Reply, Option<Option<Ticket>>) {
    let hub = hub.borrow();
    if let Err(refused) = handshake::check_site(request, hub.web_names()) {
        return (refused, None);
    }
    match (request.method(), request.uri().path()) {
        (&Method::GET, handshake::PATH) => match handshake::admit(request, |ticket| hub.knows(ticket)) {
            Ok((reply, ticket)) => (reply, Some(ticket)),
            Err(refused) => (refused, None),
        },
        (&Method::GET | &Method::HEAD, path) => match pages::find(path) {
            Some(page) => (page.reply(request), None),
            None => (problem(StatusCode::NOT_FOUND, "there is nothing of that name"), None),
        },
        _ => (problem(StatusCode::METHOD_NOT_ALLOWED, "the page is read only"), None),
    }
}
