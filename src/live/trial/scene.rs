//! Operations of an application in a trial: the wall clock's counterpart of the engine's `Io`.

use std::io;
use std::net::Shutdown;
use std::rc::Rc;

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};

use crate::app::{ChunkId, Conn, Io, MessageId, RequestId};
use crate::engine::chunks::Chunks;
use crate::engine::messages::Messages;
use crate::engine::requests::Requests;
use crate::facts::{ChunkOutcome, Datagram, RequestOutcome};
use crate::live::clock::Clock;
use crate::time::{Duration, Instant};

/// One read.
const READ: usize = 64 * 1024;
/// Bytes for one write of an application that asks for zeros.
const ZEROS: &[u8] = &[0; 64 * 1024];

/// State that an application may act on.
pub(super) struct Scene {
    pub clock: Clock,
    horizon: Instant,
    pub messages: Messages,
    pub requests: Requests,
    pub chunks: Chunks,
    conns: Vec<[End; 2]>,
    /// Hears of the connections that are wanted, each with the number of its client.
    openings: mpsc::UnboundedSender<(Conn, usize)>,
    /// By application, if it is a client: which one, and the application at the other end.
    clients: Vec<Option<(usize, usize)>>,
    buffer: Vec<u8>,
}

/// One end of a connection.
pub(super) struct End {
    pub app: usize,
    pub socket: Option<Rc<TcpStream>>,
    /// It has written less than it wanted.
    pub wants_room: bool,
    pub room: Rc<Notify>,
    /// The peer has ended; this end has.
    pub peer_ended: bool,
    pub ended: bool,
    /// Bytes read, to see whether anybody reads.
    pub read: u64,
}

impl Scene {
    pub fn new(
        clock: Clock,
        interval: (Instant, Instant),
        openings: mpsc::UnboundedSender<(Conn, usize)>,
        clients: Vec<Option<(usize, usize)>>,
    ) -> Scene {
        Scene {
            clock,
            horizon: interval.1,
            messages: Messages::new(interval),
            requests: Requests::new(interval),
            chunks: Chunks::new(interval),
            conns: Vec::new(),
            openings,
            clients,
            buffer: vec![0; READ],
        }
    }

    pub fn end(&mut self, conn: Conn, side: usize) -> &mut End {
        &mut self.conns[conn.0 as usize][side]
    }

    /// Reads what there is; returns how much that was.
    pub fn read(&mut self, conn: Conn, side: usize, take: &mut dyn FnMut(&[u8])) -> u64 {
        let end = &mut self.conns[conn.0 as usize][side];
        let mut all = 0;
        while let Some(socket) = &end.socket {
            match socket.try_read(&mut self.buffer) {
                Ok(0) => {
                    end.peer_ended = true;
                    break;
                }
                Ok(count) => {
                    take(&self.buffer[..count]);
                    all += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // A reset ends both directions.
                Err(_) => {
                    end.peer_ended = true;
                    end.ended = true;
                    break;
                }
            }
        }
        end.read += all;
        all
    }
}

impl End {
    fn of(app: usize) -> End {
        End {
            app,
            socket: None,
            wants_room: false,
            room: Rc::default(),
            peer_ended: false,
            ended: false,
            read: 0,
        }
    }

    /// Writes what goes; notes that it was not all.
    fn write(&mut self, mut bytes: &[u8]) -> usize {
        let mut written = 0;
        while !bytes.is_empty() && !self.ended {
            let Some(socket) = &self.socket else { break };
            match socket.try_write(bytes) {
                Ok(count) => {
                    written += count;
                    bytes = &bytes[count..];
                }
                // An error is the reader's news.
                Err(_) => break,
            }
        }
        if !bytes.is_empty() && !self.ended {
            self.wants_room = true;
            self.room.notify_waiters();
        }
        written
    }
}

/// The scene as one application sees it.
pub(super) struct SceneIo<'a> {
    pub scene: &'a mut Scene,
    pub app: usize,
}

impl SceneIo<'_> {
    fn end(&mut self, conn: Conn) -> &mut End {
        let side = self.side(conn);
        self.scene.end(conn, side)
    }

    fn side(&self, conn: Conn) -> usize {
        usize::from(self.scene.conns[conn.0 as usize][0].app != self.app)
    }
}

impl Io for SceneIo<'_> {
    fn now(&self) -> Instant {
        self.scene.clock.now()
    }

    fn horizon(&self) -> Instant {
        self.scene.horizon
    }

    fn connect(&mut self) -> Conn {
        let (client, server) = self.scene.clients[self.app].expect("servers do not connect");
        let conn = Conn(u32::try_from(self.scene.conns.len()).expect("fewer than 2^32 connections"));
        self.scene.conns.push([End::of(self.app), End::of(server)]);
        // Nobody listens any more when the trial is over.
        let _ = self.scene.openings.send((conn, client));
        conn
    }

    fn write(&mut self, conn: Conn, bytes: &Rc<[u8]>, from: usize) -> usize {
        self.end(conn).write(&bytes[from..])
    }

    fn write_zeros(&mut self, conn: Conn, len: u64) -> u64 {
        let end = self.end(conn);
        let mut written = 0;
        while written < len {
            let piece = ZEROS.len().min(usize::try_from(len - written).unwrap_or(usize::MAX));
            let count = end.write(&ZEROS[..piece]);
            written += count as u64;
            if count < piece {
                break;
            }
        }
        written
    }

    fn read(&mut self, conn: Conn, take: &mut dyn FnMut(&[u8])) {
        let side = self.side(conn);
        self.scene.read(conn, side, take);
    }

    fn discard(&mut self, conn: Conn) -> u64 {
        let side = self.side(conn);
        self.scene.read(conn, side, &mut |_| {})
    }

    fn close(&mut self, conn: Conn) {
        let end = self.end(conn);
        end.ended = true;
        end.wants_room = false;
        end.room.notify_waiters();
        if let Some(socket) = &end.socket {
            // A socket that is broken already is closed, too.
            let _ = SockRef::from(&**socket).shutdown(Shutdown::Write);
        }
    }

    fn abort(&mut self, conn: Conn) {
        let end = self.end(conn);
        end.ended = true;
        end.peer_ended = true;
        end.room.notify_waiters();
        if let Some(socket) = end.socket.take() {
            let _ = socket.set_zero_linger();
            let _ = SockRef::from(&*socket).shutdown(Shutdown::Both);
        }
    }

    fn open_datagrams(&mut self, _: Option<Duration>) -> Conn {
        unreachable!("a scenario with datagrams is refused");
    }

    fn send_datagram(&mut self, _: Conn, _: u32) {}

    fn answer_datagram(&mut self, _: Conn, _: Datagram) {}

    fn request_intended(&mut self, request: RequestOutcome) -> RequestId {
        RequestId(self.scene.requests.intend(request))
    }

    fn request_completed(&mut self, id: RequestId) {
        let now = self.scene.clock.now();
        self.scene.requests.complete(id.0, now);
    }

    fn chunk_asked(&mut self, chunk: ChunkOutcome, dry: Option<Instant>) -> ChunkId {
        ChunkId(self.scene.chunks.ask(chunk, dry))
    }

    fn chunk_came(&mut self, id: ChunkId, dry: Option<Instant>) {
        let now = self.scene.clock.now();
        self.scene.chunks.arrive(id.0, now, dry);
    }

    fn message_intended(&mut self, intended: Instant, audience: u32) -> MessageId {
        MessageId(self.scene.messages.intend(intended, audience))
    }

    fn message_fanned_out(&mut self, id: MessageId, audience: u32) {
        self.scene.messages.correct_audience(id.0, audience);
    }

    fn message_delivered(&mut self, id: MessageId) {
        let now = self.scene.clock.now();
        self.scene.messages.deliver(id.0, now);
    }
}
