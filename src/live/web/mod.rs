//! The HTTP before a page's connection: it hands out the page, turns a request for the chat into a WebSocket
//! (RFC 6455 §4), and answers questions about the server beside it.
//!
//! | file | what it does |
//! | --- | --- |
//! | `handshake` | requests that become a WebSocket, and those of another site, which must not |
//! | `pages` | the page's files |
//! | `api` | the network beside the conversation, and the administrator's requests |
//! | `metrics` | the server's figures for Prometheus |
//! | `reply` | answers, and the headers that keep a page to itself |
//! | `io` | our sockets as hyper wants them |

mod api;
mod handshake;
mod io;
mod metrics;
mod pages;
mod reply;

use std::cell::Cell;
use std::convert::Infallible;
use std::io::{Error, ErrorKind, Result};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use tokio::time::timeout;

pub(super) use handshake::{knock, no_chat};

use super::admin::Admin;
use super::server::{Shared, Ticket};
use super::socket::Socket;
use io::Polled;
use reply::{Reply, problem};

/// Bytes of the longest request, without its body.
const HEAD: usize = 16 * 1024;

/// Time for a client to end its side when it was answered.
const LINGER: Duration = Duration::from_secs(1);

/// Settings of the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Names beside addresses under which browsers may reach it.
    pub names: Vec<String>,
    /// True if everyone may change the emulated network.
    pub opens_network: bool,
    /// True if each person may change it for itself.
    pub opens_own_network: bool,
}

/// Those who answer requests from an address.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    hub: Shared,
    admin: Rc<Admin>,
    from: IpAddr,
}

impl Desk {
    pub fn new(hub: &Shared, admin: Rc<Admin>, from: IpAddr) -> Desk {
        Desk { hub: Rc::clone(hub), admin, from }
    }
}

/// Serves requests until one asks for the chat; nothing if the client has gone before. A connection ends when
/// its time to join is over, whatever it has asked.
pub(super) async fn receive(
    desk: Desk,
    socket: Socket,
    patience: Duration,
) -> Result<Option<(Socket, Option<Ticket>)>> {
    let upgraded = Cell::new(None);
    let service = service_fn(|request| async {
        let (reply, admitted) = answer(&desk, request).await;
        if admitted.is_some() {
            upgraded.set(admitted);
        }
        Ok::<Reply, Infallible>(reply)
    });
    let serving = http1::Builder::new().max_buf_size(HEAD).serve_connection(Polled(socket), service);
    let served = timeout(patience, serving.without_shutdown()).await;
    let parts = served
        .map_err(|_| Error::from(ErrorKind::TimedOut))?
        .map_err(|error| Error::new(ErrorKind::InvalidData, error))?;
    let Polled(socket) = parts.io;
    match upgraded.take() {
        // Before it is answered a client says nothing (RFC 6455 §4.1).
        Some(_) if !parts.read_buf.is_empty() => Err(ErrorKind::InvalidData.into()),
        Some(ticket) => Ok(Some((socket, ticket))),
        None => {
            socket.shutdown().await?;
            let _ = timeout(LINGER, drain(&socket)).await;
            Ok(None)
        }
    }
}

/// Reads what a client still sends, to its end: closed before that, the system would take back the answer.
async fn drain(socket: &Socket) -> Result<()> {
    let mut buffer = [0; 4_096];
    loop {
        socket.readable().await?;
        match socket.try_read(&mut buffer) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
    }
}

/// The answer to a request; for one that becomes a WebSocket, also how its client may come back.
async fn answer(desk: &Desk, request: Request<Incoming>) -> (Reply, Option<Option<Ticket>>) {
    if let Err(refused) = handshake::check_site(&request, &desk.hub.borrow().web().names) {
        return (refused.into(), None);
    }
    let path = request.uri().path();
    if path == handshake::PATH && request.method() == Method::GET {
        let hub = desk.hub.borrow();
        return match handshake::admit(&request, |ticket| hub.knows(ticket)) {
            Ok((reply, ticket)) => (reply, Some(ticket)),
            Err(refused) => (refused.into(), None),
        };
    }
    let reply = match pages::find(path) {
        Some(page) if matches!(*request.method(), Method::GET | Method::HEAD) => page.reply(&request),
        Some(_) => problem(StatusCode::METHOD_NOT_ALLOWED, "the page is read only").into(),
        None => api::answer(desk, request).await,
    };
    (reply, None)
}
