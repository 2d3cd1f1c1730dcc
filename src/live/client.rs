//! A person's connection to a chat server, in any dialect, over a real socket.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration as Span;

use tokio::net::TcpStream;
use tokio::time::sleep_until;

use super::clock::Clock;
use crate::chat::message::{Event, Request};
use crate::chat::protocol::{After, ClientSession, Kind, NotSpoken, client_session};
use crate::time::Instant;

/// How long a server may take to accept a connection.
const CONNECT_WITHIN: Span = Span::from_secs(10);
/// The most that one read takes: what the original clients take, and more.
const READ: usize = 64 * 1024;

/// An open connection.
#[derive(Debug)]
pub struct Client {
    session: Box<dyn ClientSession>,
    socket: TcpStream,
    clock: Clock,
    /// What waits to be written; of the first, `written` bytes are.
    queue: VecDeque<Arc<[u8]>>,
    written: usize,
    /// When the next message may be written.
    next_write: Instant,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects to `address` and speaks `kind`.
    pub async fn connect(address: &str, kind: Kind, clock: Clock) -> io::Result<Client> {
        let connecting = tokio::time::timeout(CONNECT_WITHIN, TcpStream::connect(address)).await;
        let socket = connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
        socket.set_nodelay(true)?;
        Ok(Client {
            session: client_session(kind),
            socket,
            clock,
            queue: VecDeque::new(),
            written: 0,
            next_write: Instant::ZERO,
            buffer: vec![0; READ],
        })
    }

    /// Asks something; [`next`](Self::next) sends it.
    pub fn ask(&mut self, request: &Request) -> Result<(), NotSpoken> {
        let result = self.session.ask(self.clock.moment(), request);
        self.collect();
        result
    }

    /// Requests that the server has not acknowledged, oldest first.
    pub fn unacknowledged(&self) -> Vec<Request> {
        self.session.unacknowledged()
    }

    /// Whether everything that was asked is written.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    fn collect(&mut self) {
        while let Some(bytes) = self.session.poll_send() {
            self.queue.push_back(bytes);
        }
    }

    /// Reads, writes and waits until the server has told something, which is appended to `events`;
    /// `false` at the end of the connection. Nothing is lost if it is dropped while it waits.
    pub async fn next(&mut self, events: &mut Vec<Event>) -> io::Result<bool> {
        loop {
            let before = events.len();
            let waits = !self.queue.is_empty();
            let deadline = self.session.poll_timeout();
            let (clock, next_write) = (self.clock, self.next_write);
            tokio::select! {
                ready = self.socket.readable() => {
                    ready?;
                    if !self.read(events)? {
                        return Ok(false);
                    }
                }
                ready = write_ready(&self.socket, clock, next_write), if waits => {
                    ready?;
                    self.write()?;
                }
                () = sleep_until(clock.wall(deadline.unwrap_or(Instant::MAX))), if deadline.is_some() => {
                    if self.session.handle_timeout(clock.moment()) == After::Close {
                        return Ok(false);
                    }
                    self.collect();
                }
            }
            if events.len() > before {
                return Ok(true);
            }
        }
    }

    fn read(&mut self, events: &mut Vec<Event>) -> io::Result<bool> {
        match self.socket.try_read(&mut self.buffer) {
            Ok(0) => Ok(false),
            Ok(read) => {
                let moment = self.clock.moment();
                let result = self.session.receive(moment, &self.buffer[..read], events);
                self.collect();
                result.map(|()| true).map_err(|_| {
                    io::Error::new(io::ErrorKind::InvalidData, "the server speaks another dialect")
                })
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self) -> io::Result<()> {
        let Some(bytes) = self.queue.front() else { return Ok(()) };
        match self.socket.try_write(&bytes[self.written..]) {
            Ok(written) => {
                self.written += written;
                if self.written == bytes.len() {
                    self.written = 0;
                    self.queue.pop_front();
                    self.next_write = self.clock.now() + self.session.gap();
                }
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }
}

async fn write_ready(socket: &TcpStream, clock: Clock, not_before: Instant) -> io::Result<()> {
    if clock.now() < not_before {
        sleep_until(clock.wall(not_before)).await;
    }
    socket.writable().await
}
