//! A person's connection to a chat server, in any dialect, over a real socket.

use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::time::Duration as Span;

use tokio::time::sleep_until;

use super::clock::Clock;
use super::connect::connect;
use super::socket::Socket;
use super::tls::Trust;
use super::web::{knock, no_chat};
use crate::chat::message::{Event, Request};
use crate::chat::protocol::guess::{ENOUGH, Spoken, guess};
use crate::chat::protocol::{After, ClientSession, Dialect, Manner, NotSaid, RELIABLE};
use crate::time::Instant;

/// Time within which a server must accept a connection, and again shake hands.
const CONNECT_WITHIN: Span = Span::from_secs(10);
/// Time within which a server must show its dialect.
const SOUNDS_WITHIN: Span = Span::from_secs(2);
/// The most that one read takes: what the original clients take, and more.
const READ: usize = 64 * 1024;

/// A server, as a client must know it.
#[derive(Clone, Debug)]
pub struct Target {
    /// `HOST:PORT`.
    pub address: String,
    /// The dialect to speak there.
    pub dialect: &'static dyn Dialect,
    /// Authorities that vouch for that server, if it speaks TLS.
    pub tls: Option<Trust>,
}

/// An open connection.
#[derive(Debug)]
pub struct Client {
    session: Box<dyn ClientSession>,
    socket: Socket,
    clock: Clock,
    /// Messages that wait to be written; of the first, `written` bytes are.
    queue: VecDeque<Rc<[u8]>>,
    written: usize,
    /// True if bytes that count as written wait in the session of TLS.
    flushes: bool,
    /// Time at which the next message may be written.
    next_write: Instant,
    buffer: Vec<u8>,
    target: Target,
    /// First bytes of the server, to guess its dialect, until it has let this client in.
    first: Vec<u8>,
    is_in: bool,
}

impl Client {
    /// Connects, and shakes hands where TLS is spoken.
    pub async fn connect(target: &Target, clock: Clock) -> io::Result<Client> {
        let socket = open(target).await?;
        Ok(Client {
            session: target.dialect.client(),
            socket,
            clock,
            queue: VecDeque::new(),
            written: 0,
            flushes: false,
            next_write: Instant::ZERO,
            buffer: vec![0; READ],
            target: target.clone(),
            first: Vec::new(),
            is_in: false,
        })
    }

    /// Asks something; [`next`](Self::next) sends it.
    pub fn ask(&mut self, request: &Request) -> Result<(), NotSaid> {
        let result = self.session.ask(self.clock.moment(), request);
        self.collect();
        result
    }

    /// An error if the dialect has no words for a request, or this server does not know it.
    pub fn speaks(&self, request: &Request) -> Result<(), NotSaid> {
        self.session.speaks(request)
    }

    /// Manner of the dialect's servers.
    pub fn manner(&self) -> Manner {
        self.session.manner()
    }

    /// Asks for a sign that everything so far is answered; until it comes, it is unsettled.
    pub fn fence(&mut self) {
        self.session.fence(self.clock.moment());
        self.collect();
    }

    /// Requests that the server has not acknowledged, oldest first.
    pub fn unacknowledged(&self) -> Vec<Request> {
        self.session.unacknowledged()
    }

    /// Number of requests that are not written, or not acknowledged where the dialect has that.
    pub fn unsettled(&self) -> usize {
        self.session.unsettled().max(self.queue.len()).max(usize::from(self.flushes))
    }

    /// True if every request is written.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && !self.flushes
    }

    /// True if a part of what is not written may have reached the server.
    pub fn is_cut(&self) -> bool {
        self.written > 0 || self.flushes
    }

    /// First words of the server; empty if it has not said anything.
    pub fn first_words(&self) -> String {
        String::from_utf8_lossy(&self.first).into_owned()
    }

    /// Dialect spoken at its address in place of its own, as far as new connections show it.
    pub async fn sound(&self, nick: &str) -> Option<Spoken> {
        let spoken = sound(&self.target, nick, self.clock).await?;
        (spoken != Spoken::Dialect(self.target.dialect)).then_some(spoken)
    }

    /// A server that has let nobody in and does not speak this dialect.
    fn misunderstood(&self) -> Option<io::Error> {
        let spoken = guess(&self.first).filter(|spoken| *spoken != Spoken::Dialect(self.target.dialect));
        spoken.filter(|_| !self.is_in).map(|spoken| invalid(spoken.to_string()))
    }

    fn collect(&mut self) {
        while let Some(bytes) = self.session.poll_send() {
            self.queue.push_back(bytes);
        }
    }

    /// Waits until it can read or write something, and does; what the server has told is appended to
    /// `events`. `false` at the end of the connection; an error of [`io::ErrorKind::InvalidData`] says what
    /// else is spoken there, one of [`io::ErrorKind::Unsupported`] that it is something else. Nothing is lost
    /// if it is dropped while it waits.
    pub async fn next(&mut self, events: &mut Vec<Event>) -> io::Result<bool> {
        let waits = !self.is_idle();
        let deadline = self.session.poll_timeout();
        let (clock, next_write) = (self.clock, if self.flushes { Instant::ZERO } else { self.next_write });
        tokio::select! {
            ready = self.socket.readable() => {
                ready?;
                self.read(events)
            }
            ready = write_ready(&self.socket, clock, next_write), if waits => {
                ready?;
                self.write().map(|()| true)
            }
            () = sleep_until(clock.wall(deadline.unwrap_or(Instant::MAX))), if deadline.is_some() => {
                let after = self.session.handle_timeout(clock.moment());
                self.collect();
                match after {
                    After::Stay => Ok(true),
                    After::Close => Err(io::Error::new(io::ErrorKind::TimedOut, "the server acknowledges nothing")),
                }
            }
        }
    }

    /// Says nothing more; what the server says is still heard. For when everything is written.
    pub async fn end(&self) -> io::Result<()> {
        self.socket.shutdown().await
    }

    fn read(&mut self, events: &mut Vec<Event>) -> io::Result<bool> {
        match self.socket.try_read(&mut self.buffer) {
            Ok(0) => Ok(false),
            Ok(read) => {
                let missing = ENOUGH.saturating_sub(self.first.len());
                self.first.extend_from_slice(&self.buffer[..read.min(missing)]);
                let (moment, known) = (self.clock.moment(), events.len());
                let result = self.session.receive(moment, &self.buffer[..read], events);
                self.collect();
                self.is_in |= events[known..].iter().any(|event| matches!(event, Event::Welcome { .. }));
                if let Some(error) = self.misunderstood() {
                    // Events of a misunderstood read are none of the server's.
                    events.truncate(known);
                    return Err(error);
                }
                let words = format!("the server does not speak {}", self.target.dialect.name());
                result.map(|()| true).map_err(|_| io::Error::new(io::ErrorKind::Unsupported, words))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self) -> io::Result<()> {
        if self.flushes && !self.flush()? {
            return Ok(());
        }
        let Some(bytes) = self.queue.front() else { return Ok(()) };
        match self.socket.try_write(&bytes[self.written..]) {
            Ok(written) => {
                self.written += written;
                if self.written == bytes.len() {
                    self.written = 0;
                    self.queue.pop_front();
                    self.next_write = self.clock.now() + self.session.gap();
                }
                self.flush().map(drop)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// True if nothing that counts as written waits here.
    fn flush(&mut self) -> io::Result<bool> {
        self.flushes = match self.socket.try_flush() {
            Ok(()) => false,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => true,
            Err(error) => return Err(error),
        };
        Ok(!self.flushes)
    }
}

impl Drop for Client {
    /// An end that is announced is no loss; who does not listen any more need not hear it.
    fn drop(&mut self) {
        self.socket.say_last();
        let _ = self.socket.try_flush();
    }
}

/// Dialect spoken at an address, as far as two new connections show it: one says a name, as three dialects
/// expect it, and the other joins as a fourth would, which administrators' ports answer, too. For clients
/// that were told nothing.
async fn sound(target: &Target, nick: &str, clock: Clock) -> Option<Spoken> {
    let line = [nick.as_bytes(), b"\r\n\r\n"].concat();
    let mut session = RELIABLE.client();
    session.ask(clock.moment(), &Request::Join { nick: nick.to_owned() }).ok()?;
    let join = session.poll_send()?;
    for words in [&line[..], &join[..]] {
        let heard = tokio::time::timeout(SOUNDS_WITHIN, first_words(target, words)).await;
        if let Ok(Ok(Some(spoken))) = heard {
            return Some(spoken);
        }
    }
    None
}

/// Says this, and listens until what is spoken there shows.
async fn first_words(target: &Target, words: &[u8]) -> io::Result<Option<Spoken>> {
    let socket = open(target).await?;
    socket.writable().await?;
    socket.try_write(words)?;
    let _ = socket.try_flush();
    let (mut first, mut buffer) = (Vec::new(), [0; ENOUGH]);
    loop {
        socket.readable().await?;
        match socket.try_read(&mut buffer) {
            Ok(0) => return Ok(None),
            Ok(read) => first.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        // An echo is no answer.
        let is_echo = words.starts_with(&first[..first.len().min(words.len())]);
        if let Some(spoken) = guess(&first).filter(|_| !is_echo) {
            return Ok(Some(spoken));
        }
        if first.len() >= ENOUGH {
            return Ok(None);
        }
    }
}

fn invalid(words: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words)
}

async fn open(target: &Target) -> io::Result<Socket> {
    let connecting = tokio::time::timeout(CONNECT_WITHIN, connect(&target.address)).await;
    let wire = connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?.socket;
    let _ = wire.set_nodelay(true);
    let socket = match &target.tls {
        None => Socket::Plain(wire),
        Some(trust) => {
            let shaking = Socket::shake_hands(wire, trust.session(&target.address)?);
            let Ok(shaken) = tokio::time::timeout(CONNECT_WITHIN, shaking).await else {
                let problem = "nothing answers the handshake; it does not speak TLS there";
                return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
            };
            shaken.map_err(|error| trust.explain(&target.address, error))?
        }
    };
    if target.dialect.speaks_http() {
        let knocking = tokio::time::timeout(CONNECT_WITHIN, knock(&socket, &target.address));
        knocking.await.unwrap_or_else(|_| Err(no_chat()))?;
    }
    Ok(socket)
}

async fn write_ready(socket: &Socket, clock: Clock, not_before: Instant) -> io::Result<()> {
    if clock.now() < not_before {
        sleep_until(clock.wall(not_before)).await;
    }
    socket.writable().await
}
