//! A browser that is ours: requests and frames by hand, also those that no browser sends.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use crate::sockets::{PATIENCE, Running};
use testbed::chat::protocol::WEB;

/// A page's socket.
pub struct Page {
    pub stream: TcpStream,
    inbox: Vec<u8>,
    /// Messages that a page counts.
    pub seen: u64,
}

/// Request of a page for the chat.
pub struct Asks<'a> {
    pub path: &'a str,
    pub host: &'a str,
    pub origin: Option<&'a str>,
    pub protocols: &'a str,
}

/// The usual way, at this machine.
pub const USUAL: Asks<'static> = Asks {
    path: "/chat",
    host: "localhost:80",
    origin: Some("http://localhost:80"),
    protocols: "chat.testbed",
};

pub fn open(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a listener");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
    stream.set_nodelay(true).expect("a socket");
    stream
}

/// The head of an answer, and its body as far as `Content-Length` goes.
pub fn answer(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            other => panic!("{other:?} after {:?}", String::from_utf8_lossy(&head)),
        }
    }
    let head = String::from_utf8(head).expect("a text");
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).expect("a body");
    (head, body)
}

/// The answer to a request with these lines, at this machine.
pub fn request(address: SocketAddr, lines: &str) -> (String, Vec<u8>) {
    let mut stream = open(address);
    stream.write_all(format!("{lines}\r\nConnection: close\r\n\r\n").as_bytes()).expect("an open connection");
    answer(&mut stream)
}

/// The answer to `METHOD PATH` with these headers and this body.
pub fn ask(address: SocketAddr, what: &str, headers: &[&str], body: &str) -> (String, Vec<u8>) {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    let mut stream = open(address);
    let head = format!(
        "{what} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    // The server may answer before it has taken all.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    answer(&mut stream)
}

/// The head of a masked frame, and its payload.
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [9, 8, 7, 6];
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            frame.push(0xfe);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0xff);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

impl Page {
    /// The server's answer to the handshake, and the socket behind it.
    pub fn asks(address: SocketAddr, asks: &Asks<'_>) -> (String, Page) {
        let Asks { path, host, origin, protocols } = asks;
        let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
        let mut stream = open(address);
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\n{origin}Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: {protocols}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("an open connection");
        let (head, _) = answer(&mut stream);
        (head, Page { stream, inbox: Vec::new(), seen: 0 })
    }

    /// A page with a secret, which has seen so many messages; whether it is in the place of another.
    pub fn with_secret(address: SocketAddr, secret: &str, seen: u64) -> (bool, Page) {
        let protocols = format!("chat.testbed, return.testbed, session.{secret}.{seen}");
        let (head, page) = Page::asks(address, &Asks { protocols: &protocols, ..USUAL });
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        (head.contains("return.testbed"), Page { seen, ..page })
    }

    /// A page that is in.
    pub fn joined(server: &Running, name: &str) -> Page {
        let (head, mut page) = Page::asks(server.address(WEB), &USUAL);
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        page.joins(name);
        page
    }

    pub fn joins(&mut self, name: &str) {
        self.says(&json!({"type": "join", "username": name, "resumes": true}));
        self.waits_for("welcome");
    }

    pub fn says(&mut self, message: &Value) {
        self.sends(&masked(0x81, message.to_string().as_bytes()));
    }

    pub fn sends(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("an open connection");
    }

    /// The next frame: its first byte and its payload; nothing at the end.
    pub fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let [first, length, rest @ ..] = &self.inbox[..] {
                let (size, length) = match length {
                    126 => (2, rest.first_chunk().map(|length| u16::from_be_bytes(*length).into())),
                    127 => (8, rest.first_chunk().map(|length| u64::from_be_bytes(*length) as usize)),
                    length => (0, Some(usize::from(*length))),
                };
                if let Some(payload) = length.and_then(|length| rest.get(size..size + length)) {
                    let (first, payload) = (*first, payload.to_vec());
                    self.inbox.drain(..2 + size + payload.len());
                    return Some((first, payload));
                }
            }
            let mut buffer = [0; 16_384];
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(read) => self.inbox.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// The next message that a page counts.
    pub fn hears(&mut self) -> Value {
        loop {
            let (first, payload) = self.frame().expect("an open connection");
            if first == 0x81 {
                let value: Value = serde_json::from_slice(&payload).expect("JSON");
                if value["type"] != "heard" {
                    self.seen += 1;
                    return value;
                }
            }
        }
    }

    /// The next message of this type; others are dropped.
    pub fn waits_for(&mut self, kind: &str) -> Value {
        loop {
            let value = self.hears();
            if value["type"] == kind {
                return value;
            }
            assert_ne!(value["type"], "error", "{value}");
        }
    }

    /// The status of the close frame with which the server ends the connection.
    pub fn ends_with(&mut self) -> Option<u16> {
        let mut status = None;
        while let Some((first, payload)) = self.frame() {
            if first == 0x88 {
                status = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
            }
        }
        status
    }
}
