//! Applications without an engine: a server and its clients over pipes in memory that take as little
//! at a time as they like and deliver it cut anywhere.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use super::{App, ChunkId, Conn, Event, Io, MessageId, RequestId};
use crate::facts::{ChunkOutcome, Datagram, RequestOutcome};
use crate::rng::{Rng, Seed};
use crate::time::{Duration, Instant};

/// A server, its clients, and what is between them.
pub(super) struct World<S> {
    pub(super) server: S,
    pub(super) clients: Vec<Box<dyn App>>,
    pub(super) net: Net,
}

/// Pipes, and what was announced.
pub(super) struct Net {
    pub(super) now: Instant,
    pub(super) horizon: Instant,
    /// Capacity of a direction, in bytes.
    pub(super) capacity: usize,
    /// The most that is delivered at once, in bytes.
    pub(super) piece: u64,
    /// Bytes delivered up and down.
    pub(super) moved: (u64, u64),
    pub(super) conns: Vec<Pair>,
    /// (intended, announced at, audience) of each message.
    pub(super) messages: Vec<(Instant, Instant, u32)>,
    pub(super) requests: Vec<RequestOutcome>,
    pub(super) chunks: Vec<ChunkOutcome>,
    /// (client, message), in order.
    pub(super) delivered: Vec<(usize, MessageId)>,
    events: VecDeque<(Option<usize>, Conn, Event)>,
    rng: Rng,
}

/// A connection.
pub(super) struct Pair {
    pub(super) client: usize,
    /// True if nothing moves downwards.
    pub(super) frozen: bool,
    pub(super) up: Pipe,
    pub(super) down: Pipe,
    pub(super) gone: bool,
}

/// One direction of a connection.
#[derive(Default)]
pub(super) struct Pipe {
    sent: VecDeque<u8>,
    ready: Vec<u8>,
    short: bool,
    closed: bool,
    announced: bool,
}

impl<S: App> World<S> {
    pub(super) fn new(seed: u64, server: S, horizon: Instant) -> World<S> {
        let net = Net {
            now: Instant::ZERO,
            horizon,
            capacity: 700,
            piece: 400,
            moved: (0, 0),
            conns: Vec::new(),
            messages: Vec::new(),
            requests: Vec::new(),
            chunks: Vec::new(),
            delivered: Vec::new(),
            events: VecDeque::new(),
            rng: Seed(seed).stream("net"),
        };
        World { server, clients: Vec::new(), net }
    }

    pub(super) fn add(&mut self, client: impl App + 'static) {
        self.clients.push(Box::new(client));
    }

    pub(super) fn start(&mut self) {
        self.server.start(&mut Side { net: &mut self.net, who: None });
        for (n, client) in self.clients.iter_mut().enumerate() {
            client.start(&mut Side { net: &mut self.net, who: Some(n) });
        }
    }

    /// Starts if it has not, and goes on until nothing is left to happen.
    pub(super) fn run(&mut self) {
        if self.net.conns.is_empty() {
            self.start();
        }
        self.run_until(Instant::MAX);
    }

    /// Goes on until nothing is left to happen before `end`.
    pub(super) fn run_until(&mut self, end: Instant) {
        loop {
            self.steps(usize::MAX);
            let due = self.clients.iter().map(App::poll_timeout);
            let Some(due) = due.chain([self.server.poll_timeout()]).flatten().min() else { return };
            if due >= end {
                return;
            }
            assert!(due >= self.net.now, "{due} lies before {}", self.net.now);
            self.net.now = due;
            let now = Some(due);
            if self.server.poll_timeout() == now {
                self.server.on_timeout(&mut Side { net: &mut self.net, who: None });
            }
            for (n, client) in self.clients.iter_mut().enumerate() {
                if client.poll_timeout() == now {
                    client.on_timeout(&mut Side { net: &mut self.net, who: Some(n) });
                }
            }
        }
    }

    /// Moves bytes and tells of events, at most `n` rounds of it; no time passes.
    pub(super) fn steps(&mut self, n: usize) {
        for _ in 0..n {
            self.net.step();
            if self.net.events.is_empty() {
                return;
            }
            while let Some((who, conn, event)) = self.net.events.pop_front() {
                if self.net.conns[conn.0 as usize].gone && event != Event::Closed {
                    continue;
                }
                let mut io = Side { net: &mut self.net, who };
                match who {
                    None => self.server.on_event(conn, event, &mut io),
                    Some(n) => self.clients[n].on_event(conn, event, &mut io),
                }
            }
        }
    }
}

impl Net {
    fn step(&mut self) {
        for (n, pair) in self.conns.iter_mut().enumerate().filter(|(_, pair)| !pair.gone) {
            let (conn, client) = (Conn(n as u32), pair.client);
            let directions = [(&mut pair.up, Some(client), None), (&mut pair.down, None, Some(client))];
            for (pipe, from, to) in directions {
                if pair.frozen && from.is_none() {
                    continue;
                }
                let piece = 1 + self.rng.below(self.piece) as usize;
                let piece = piece.min(pipe.sent.len());
                if piece > 0 {
                    pipe.ready.extend(pipe.sent.drain(..piece));
                    self.events.push_back((to, conn, Event::Readable));
                    let moved = if from.is_some() { &mut self.moved.0 } else { &mut self.moved.1 };
                    *moved += piece as u64;
                }
                if pipe.short && pipe.sent.len() < self.capacity {
                    pipe.short = false;
                    self.events.push_back((from, conn, Event::Writable));
                }
                if pipe.closed && pipe.sent.is_empty() && !pipe.announced {
                    pipe.announced = true;
                    self.events.push_back((to, conn, Event::PeerClosed));
                }
            }
            // One step after the second announcement, so that it comes through.
            if pair.up.announced && pair.down.announced && self.events.iter().all(|event| event.1 != conn) {
                pair.gone = true;
                self.events.push_back((None, conn, Event::Closed));
                self.events.push_back((Some(client), conn, Event::Closed));
            }
        }
    }

    pub(super) fn all_closed(&self) -> bool {
        self.conns.iter().all(|pair| pair.gone)
    }

    /// Bytes that a connection holds upwards.
    pub(super) fn buffered(&self, conn: usize) -> usize {
        self.conns[conn].up.sent.len()
    }

    /// Breaks a connection on both sides.
    pub(super) fn cut(&mut self, conn: Conn) {
        let client = self.conns[conn.0 as usize].client;
        self.conns[conn.0 as usize].gone = true;
        self.events.push_back((None, conn, Event::Closed));
        self.events.push_back((Some(client), conn, Event::Closed));
    }
}

/// The network as one application sees it; the server is `None`.
struct Side<'a> {
    net: &'a mut Net,
    who: Option<usize>,
}

impl Side<'_> {
    /// The pipes out and in; `None` if there is nothing to write to any more.
    fn pipes(&mut self, conn: Conn) -> Option<(&mut Pipe, &mut Pipe)> {
        let pair = self.net.conns.get_mut(conn.0 as usize).filter(|pair| !pair.gone)?;
        Some(if self.who.is_some() { (&mut pair.up, &mut pair.down) } else { (&mut pair.down, &mut pair.up) })
    }

    fn push(&mut self, conn: Conn, bytes: impl ExactSizeIterator<Item = u8>) -> usize {
        let capacity = self.net.capacity;
        let Some((out, _)) = self.pipes(conn) else { return 0 };
        assert!(!out.closed, "written after closing");
        let wanted = bytes.len();
        let accepted = wanted.min(capacity - out.sent.len());
        out.sent.extend(bytes.take(accepted));
        out.short |= accepted < wanted;
        accepted
    }
}

impl Io for Side<'_> {
    fn now(&self) -> Instant {
        self.net.now
    }

    fn horizon(&self) -> Instant {
        self.net.horizon
    }

    fn connect(&mut self) -> Conn {
        let client = self.who.expect("a client");
        let conn = Conn(self.net.conns.len() as u32);
        let (up, down) = (Pipe::default(), Pipe::default());
        self.net.conns.push(Pair { client, frozen: false, up, down, gone: false });
        self.net.events.push_back((Some(client), conn, Event::Connected));
        self.net.events.push_back((None, conn, Event::Connected));
        conn
    }

    fn write(&mut self, conn: Conn, bytes: &Rc<[u8]>, from: usize) -> usize {
        self.push(conn, bytes[from..].iter().copied())
    }

    fn write_zeros(&mut self, conn: Conn, len: u64) -> u64 {
        self.push(conn, vec![0; len.min(1_000_000) as usize].into_iter()) as u64
    }

    fn read(&mut self, conn: Conn, take: &mut dyn FnMut(&[u8])) {
        if let Some((_, input)) = self.pipes(conn) {
            std::mem::take(&mut input.ready).chunks(7).for_each(take);
        }
    }

    fn discard(&mut self, conn: Conn) -> u64 {
        self.pipes(conn).map_or(0, |(_, input)| std::mem::take(&mut input.ready).len() as u64)
    }

    fn close(&mut self, conn: Conn) {
        if let Some((out, _)) = self.pipes(conn) {
            assert!(!out.closed, "closed twice");
            out.closed = true;
        }
    }

    fn abort(&mut self, conn: Conn) {
        let pair = &mut self.net.conns[conn.0 as usize];
        pair.gone = true;
        let peer = if self.who.is_some() { None } else { Some(pair.client) };
        self.net.events.push_back((peer, conn, Event::Closed));
    }

    fn open_datagrams(&mut self, _: Option<Duration>) -> Conn {
        unreachable!("this network has no datagrams");
    }

    fn send_datagram(&mut self, _: Conn, _: u32) {}

    fn answer_datagram(&mut self, _: Conn, _: Datagram) {}

    fn chunk_asked(&mut self, chunk: ChunkOutcome, _: Option<Instant>) -> ChunkId {
        self.net.chunks.push(chunk);
        ChunkId(self.net.chunks.len() as u32 - 1)
    }

    fn chunk_came(&mut self, id: ChunkId, _: Option<Instant>) {
        let chunk = &mut self.net.chunks[id.0 as usize];
        chunk.completion = Some(self.net.now - chunk.request);
    }

    fn request_intended(&mut self, request: RequestOutcome) -> RequestId {
        self.net.requests.push(request);
        RequestId(self.net.requests.len() as u32 - 1)
    }

    fn request_completed(&mut self, id: RequestId) {
        let request = &mut self.net.requests[id.0 as usize];
        assert!(request.completion.is_none(), "completed twice");
        request.completion = Some(self.net.now - request.start);
    }

    fn message_intended(&mut self, intended: Instant, audience: u32) -> MessageId {
        assert!(intended < self.net.horizon, "meant after the horizon");
        self.net.messages.push((intended, self.net.now, audience));
        MessageId(self.net.messages.len() as u32 - 1)
    }

    fn message_fanned_out(&mut self, id: MessageId, audience: u32) {
        assert!(self.who.is_none(), "a client fans out");
        self.net.messages[id.0 as usize].2 = audience;
    }

    fn message_delivered(&mut self, id: MessageId) {
        self.net.delivered.push((self.who.expect("a client"), id));
    }
}

impl<T: App + ?Sized> App for Box<T> {
    fn start(&mut self, io: &mut dyn Io) {
        (**self).start(io);
    }

    fn on_event(&mut self, conn: Conn, event: Event, io: &mut dyn Io) {
        (**self).on_event(conn, event, io);
    }

    fn on_timeout(&mut self, io: &mut dyn Io) {
        (**self).on_timeout(io);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        (**self).poll_timeout()
    }
}

/// A client that sends given bytes, then closes if told to, and keeps what it hears.
pub(super) struct Raw {
    pub(super) send: Vec<u8>,
    pub(super) close: bool,
    pub(super) heard: Arc<std::sync::Mutex<Vec<u8>>>,
}

impl Raw {
    pub(super) fn new(send: &str) -> Raw {
        Raw { send: send.as_bytes().to_vec(), close: false, heard: Arc::default() }
    }
}

impl App for Raw {
    fn start(&mut self, io: &mut dyn Io) {
        io.connect();
    }

    fn on_event(&mut self, conn: Conn, event: Event, io: &mut dyn Io) {
        match event {
            Event::Connected | Event::Writable => {
                if !self.send.is_empty() {
                    let written = io.write(conn, &self.send.as_slice().into(), 0);
                    self.send.drain(..written);
                }
                if self.close && self.send.is_empty() {
                    io.close(conn);
                }
            }
            Event::Readable => {
                let mut heard = self.heard.lock().expect("one thread");
                io.read(conn, &mut |bytes| heard.extend_from_slice(bytes));
            }
            Event::PeerClosed if !self.close => {
                self.send.clear();
                io.close(conn);
            }
            Event::PeerClosed | Event::Closed => {}
        }
    }
}

/// So many milliseconds after the beginning.
pub(super) fn ms(n: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(n)
}
