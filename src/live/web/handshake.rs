//! The opening handshake of a WebSocket (RFC 6455 §4), of both sides, and the guard against other sites.
//!
//! A page comes back to its connection with a secret that it has drawn itself and sends among the subprotocols,
//! the only header that a browser lets a page choose: an address would end in logs.

use std::io;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::{Request, Response, StatusCode};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use super::reply::{Problem, Reply, problem};
use crate::live::server::Ticket;
use crate::live::socket::Socket;

/// Path of the chat.
pub(super) const PATH: &str = "/chat";

/// The subprotocol of a new connection, and of one in the place of another.
const NEW: &str = "chat.testbed";
const RETURN: &str = "return.testbed";
/// Beginning of the one that is no protocol but a secret of 128 bits and the number of messages seen:
/// `session.0123….42`.
const SECRET: &str = "session.";

/// Concatenated with a client's key (RFC 6455 §1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// An error if the request is another site's doing. Its host must be an address, this machine, or one of
/// `names`: any other name may have been pointed here by its owner (DNS rebinding). And where a browser says
/// from whose page it comes, that must be from here.
pub(super) fn check_site(request: &Request<Incoming>, names: &[String]) -> Result<(), Problem> {
    let headers = request.headers();
    let host = text(headers, &HOST).unwrap_or_default();
    let name = host_of(host);
    let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    if !is_address && name != "localhost" && !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        let words = "the page is not served under this name; allow it with --web-name";
        return Err(problem(StatusCode::MISDIRECTED_REQUEST, words));
    }
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let own = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, place)| place);
    if own.is_some_and(|own| own.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    Err(problem(StatusCode::FORBIDDEN, "the request comes from another site's page"))
}

/// A host without its port.
fn host_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The parts of a header that lists some, in whatever lines.
fn listed<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

/// The answer that makes a WebSocket of a request, and how its client may come back.
pub(super) fn admit(
    request: &Request<Incoming>,
    knows: impl FnOnce(&Ticket) -> bool,
) -> Result<(Reply, Option<Ticket>), Problem> {
    let headers = request.headers();
    let has = |name, word: &str| listed(headers, &name).any(|part| part.eq_ignore_ascii_case(word));
    if !has(CONNECTION, "upgrade")
        || !has(UPGRADE, "websocket")
        || text(headers, &SEC_WEBSOCKET_VERSION) != Some("13")
    {
        return Err(problem(StatusCode::UPGRADE_REQUIRED, "the chat is a WebSocket, version 13"));
    }
    let bad = |words: &'static str| problem(StatusCode::BAD_REQUEST, words);
    let key = text(headers, &SEC_WEBSOCKET_KEY).unwrap_or_default();
    if STANDARD.decode(key).map_or(0, |key| key.len()) != 16 {
        return Err(bad("Sec-WebSocket-Key is not 16 bytes in base64"));
    }
    if !listed(headers, &SEC_WEBSOCKET_PROTOCOL).any(|part| part == NEW) {
        return Err(bad("the subprotocol chat.testbed is not among those offered"));
    }
    let secret = listed(headers, &SEC_WEBSOCKET_PROTOCOL).find_map(|part| part.strip_prefix(SECRET));
    let ticket = match secret {
        None => None,
        Some(secret) => {
            Some(ticket(secret).ok_or_else(|| bad("a session is 32 hexadecimal digits and a count"))?)
        }
    };
    let ticket = ticket.map(|ticket| Ticket { returns: knows(&ticket), ..ticket });
    let protocol = if ticket.is_some_and(|ticket| ticket.returns) { RETURN } else { NEW };
    let mut reply = Response::new(Full::new(Bytes::new()));
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = reply.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    let accept = HeaderValue::from_str(&accept(key)).map_err(|_| bad("Sec-WebSocket-Key is no text"))?;
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    Ok((reply, ticket))
}

/// Proof that a server has read a client's key.
fn accept(key: &str) -> String {
    STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// `SECRET.COUNT`.
fn ticket(text: &str) -> Option<Ticket> {
    let (secret, seen) = text.split_once('.')?;
    Some(Ticket { key: key_of(secret)?, seen: seen.parse().ok()?, returns: false })
}

/// Key of a secret of 128 bits.
pub(super) fn key_of(secret: &str) -> Option<[u8; 32]> {
    let is_drawn = secret.len() == 32 && secret.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_drawn.then(|| Sha256::digest(secret).into())
}

/// The client's side, for programs of ours: asks for the chat and waits until it is a WebSocket. Mind the time.
pub(in crate::live) async fn knock(socket: &Socket, host: &str) -> io::Result<()> {
    /// It need not be secret: it shows that the answer is no cached one, and nothing is cached here.
    const KEY: &str = "dGVzdGJlZCBrbm9ja3MgIQ==";
    const VERSION: &[u8] = b"HTTP/1.1 ";
    let request = format!(
        "GET {PATH} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Protocol: {NEW}\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        socket.readable().await?;
        match socket.try_read(&mut byte) {
            Ok(1..) if answer.len() < super::HEAD => {
                answer.push(byte[0]);
                // A server that greets, or speaks something else, has no page.
                if !answer.starts_with(&VERSION[..VERSION.len().min(answer.len())]) {
                    return Err(no_chat());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(_) => return Err(no_chat()),
            Err(error) => return Err(error),
        }
    }
    let answer = String::from_utf8_lossy(&answer).to_lowercase();
    let proof = accept(KEY).to_lowercase();
    let is_proven =
        answer.lines().any(|line| line.strip_prefix("sec-websocket-accept:").map(str::trim) == Some(&proof));
    if answer.starts_with("http/1.1 101 ") && is_proven { Ok(()) } else { Err(no_chat()) }
}

/// Error of a client whose server shows no page.
pub(in crate::live) fn no_chat() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "no page's chat answers there: it is where `testbed serve --web` listens",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_that_of_the_rfc() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_host_may_have_a_port() {
        for (host, name) in [
            ("a.example:80", "a.example"),
            ("a.example", "a.example"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(host_of(host), name);
        }
    }
}
