//! The applications of a trial, each with its sockets: the wall clock's counterpart of the engine's
//! `Io`.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration as Span;

use hdrhistogram::Histogram;
use rustix::net::{Shutdown, shutdown};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};

use crate::app::{App, Conn, Event, Io, MessageId};
use crate::engine::messages::Messages;
use crate::live::clock::Clock;
use crate::live::lateness;
use crate::record::MessageOutcome;
use crate::scenario::Cast;
use crate::time::Instant;

/// The runtime's timers are a millisecond late; the rest is waited for awake.
const SLACK: Span = Span::from_micros(1_500);
/// One read.
const READ: usize = 64 * 1024;
/// What an application that asks for zeros gets to write at once.
const ZEROS: &[u8] = &[0; 64 * 1024];

/// All applications.
pub(super) struct Stage {
    apps: Vec<Slot>,
    scene: Scene,
    /// Rouses the timer: something may be due earlier.
    timer: Rc<Notify>,
    lateness: Histogram<u64>,
}

struct Slot {
    /// Taken out while it acts.
    app: Option<Box<dyn App>>,
    /// When it wants to be woken.
    due: Instant,
    started: bool,
    /// Of a client: which one, and the application at the other end.
    client: Option<(usize, usize)>,
}

/// What an application may act on.
struct Scene {
    clock: Clock,
    horizon: Instant,
    messages: Messages,
    chats: bool,
    conns: Vec<[End; 2]>,
    openings: mpsc::UnboundedSender<(Conn, usize)>,
    clients: Vec<Option<(usize, usize)>>,
    buffer: Vec<u8>,
}

/// One end of a connection.
struct End {
    app: usize,
    socket: Option<Rc<TcpStream>>,
    /// It has written less than it wanted.
    wants_room: bool,
    room: Rc<Notify>,
    /// The peer has ended; this end has.
    peer_ended: bool,
    ended: bool,
    /// Bytes read, to see whether anybody reads.
    read: u64,
}

impl Stage {
    /// Applications that begin at their time; `openings` hears of the connections that they want,
    /// each with the number of its client.
    pub fn new(
        cast: Cast,
        clock: Clock,
        interval: (Instant, Instant),
        openings: mpsc::UnboundedSender<(Conn, usize)>,
    ) -> Rc<RefCell<Stage>> {
        let chats = cast.chat_server.is_some();
        let mut apps = Vec::new();
        let mut add = |app, due, client| {
            apps.push(Slot { app: Some(app), due, started: false, client });
            apps.len() - 1
        };
        let chat_server = cast.chat_server.map(|app| add(app, Instant::ZERO, None));
        for (number, part) in cast.parts.into_iter().enumerate() {
            let server = match part.server {
                Some(app) => add(app, Instant::ZERO, None),
                None => chat_server.expect("a server where there is chat"),
            };
            add(part.client, part.identity.starts, Some((number, server)));
        }
        let clients = apps.iter().map(|slot| slot.client).collect();
        let scene = Scene {
            clock,
            horizon: interval.1,
            messages: Messages::new(interval),
            chats,
            conns: Vec::new(),
            openings,
            clients,
            buffer: vec![0; READ],
        };
        let stage = Stage { apps, scene, timer: Rc::default(), lateness: lateness::histogram() };
        Rc::new(RefCell::new(stage))
    }

    /// Whether something that was said has not been heard.
    pub fn waits_for_messages(&self) -> bool {
        !self.scene.messages.is_complete()
    }

    /// The figures of what was said.
    pub fn messages(&self) -> Option<MessageOutcome> {
        self.scene.chats.then(|| self.scene.messages.outcome())
    }

    /// How late applications acted.
    pub fn lateness(&self) -> &Histogram<u64> {
        &self.lateness
    }

    /// Lets an application act, then asks when it wants to be woken.
    fn call(&mut self, number: usize, act: impl FnOnce(&mut dyn App, &mut SceneIo<'_>)) {
        let slot = &mut self.apps[number];
        let Some(mut app) = slot.app.take() else { return };
        act(&mut *app, &mut SceneIo { scene: &mut self.scene, app: number });
        let due = if slot.started { app.poll_timeout().unwrap_or(Instant::MAX) } else { slot.due };
        if due < slot.due {
            self.timer.notify_one();
        }
        slot.due = due;
        slot.app = Some(app);
    }

    fn tell(&mut self, conn: Conn, side: usize, event: Event) {
        let app = self.scene.conns[conn.0 as usize][side].app;
        self.call(app, |app, io| app.on_event(conn, event, io));
    }

    fn next_due(&self) -> Instant {
        self.apps.iter().map(|slot| slot.due).min().unwrap_or(Instant::MAX)
    }

    /// Wakes everybody whose time has come.
    fn wake(&mut self) {
        let now = self.scene.clock.now();
        for number in 0..self.apps.len() {
            let slot = &mut self.apps[number];
            if slot.due > now {
                continue;
            }
            self.lateness.saturating_record((now - slot.due).as_nanos().max(1));
            if std::mem::replace(&mut slot.started, true) {
                self.call(number, |app, io| app.on_timeout(io));
            } else {
                self.call(number, |app, io| app.start(io));
            }
        }
    }
}

/// Wakes applications at their time, for ever.
pub(super) async fn keep_time(stage: Rc<RefCell<Stage>>) {
    let (clock, timer) = (stage.borrow().scene.clock, Rc::clone(&stage.borrow().timer));
    loop {
        let due = stage.borrow().next_due();
        if due <= clock.now() {
            stage.borrow_mut().wake();
            tokio::task::yield_now().await;
            continue;
        }
        let nearly = clock.wall(due) - SLACK;
        tokio::select! {
            () = timer.notified() => continue,
            () = tokio::time::sleep_until(nearly) => {}
        }
        while clock.now() < due {
            tokio::task::yield_now().await;
        }
    }
}

/// Gives a connection its sockets, and its ends the news.
pub(super) fn attach(stage: &Rc<RefCell<Stage>>, conn: Conn, sockets: [TcpStream; 2]) {
    for (side, socket) in sockets.into_iter().enumerate() {
        let socket = Rc::new(socket);
        stage.borrow_mut().scene.conns[conn.0 as usize][side].socket = Some(Rc::clone(&socket));
        let room = Rc::clone(&stage.borrow().scene.conns[conn.0 as usize][side].room);
        stage.borrow_mut().tell(conn, side, Event::Connected);
        let (hearing, writing) = (Rc::clone(stage), Rc::clone(stage));
        let writer = Rc::clone(&socket);
        tokio::task::spawn_local(async move {
            tokio::select! {
                () = hear(&hearing, conn, side, &socket) => {}
                () = make_room(&writing, conn, side, &writer, &room) => {}
            }
            let mut stage = hearing.borrow_mut();
            stage.scene.conns[conn.0 as usize][side].socket = None;
            stage.tell(conn, side, Event::Closed);
        });
    }
}

/// Tells an end what comes, until the connection is over.
async fn hear(stage: &Rc<RefCell<Stage>>, conn: Conn, side: usize, socket: &TcpStream) {
    loop {
        if socket.readable().await.is_err() {
            return;
        }
        let mut stage = stage.borrow_mut();
        let before = stage.scene.end(conn, side).read;
        stage.tell(conn, side, Event::Readable);
        let end = stage.scene.end(conn, side);
        if end.socket.is_none() {
            return;
        }
        if !end.peer_ended && end.read == before {
            // Its application does not care; what nobody takes would be told for ever.
            SceneIo::discard_at(&mut stage.scene, conn, side);
        }
        if stage.scene.end(conn, side).peer_ended {
            break;
        }
    }
    stage.borrow_mut().tell(conn, side, Event::PeerClosed);
    // Over when this end has ended as well.
    let room = Rc::clone(&stage.borrow_mut().scene.end(conn, side).room);
    while !stage.borrow_mut().scene.end(conn, side).ended {
        room.notified().await;
    }
}

/// Tells an end that wanted to write more when it can.
async fn make_room(stage: &Rc<RefCell<Stage>>, conn: Conn, side: usize, socket: &TcpStream, room: &Notify) {
    loop {
        if !stage.borrow_mut().scene.end(conn, side).wants_room {
            room.notified().await;
            continue;
        }
        if socket.writable().await.is_err() {
            return;
        }
        let mut stage = stage.borrow_mut();
        stage.scene.end(conn, side).wants_room = false;
        stage.tell(conn, side, Event::Writable);
    }
}

impl Scene {
    fn end(&mut self, conn: Conn, side: usize) -> &mut End {
        &mut self.conns[conn.0 as usize][side]
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
struct SceneIo<'a> {
    scene: &'a mut Scene,
    app: usize,
}

impl SceneIo<'_> {
    fn end(&mut self, conn: Conn) -> &mut End {
        let side = self.side(conn);
        self.scene.end(conn, side)
    }

    fn side(&self, conn: Conn) -> usize {
        usize::from(self.scene.conns[conn.0 as usize][0].app != self.app)
    }

    fn read_at(scene: &mut Scene, conn: Conn, side: usize, take: &mut dyn FnMut(&[u8])) -> u64 {
        let end = &mut scene.conns[conn.0 as usize][side];
        let mut all = 0;
        while let Some(socket) = &end.socket {
            match socket.try_read(&mut scene.buffer) {
                Ok(0) => {
                    end.peer_ended = true;
                    break;
                }
                Ok(count) => {
                    take(&scene.buffer[..count]);
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

    fn discard_at(scene: &mut Scene, conn: Conn, side: usize) -> u64 {
        SceneIo::read_at(scene, conn, side, &mut |_| {})
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
        SceneIo::read_at(self.scene, conn, side, take);
    }

    fn discard(&mut self, conn: Conn) -> u64 {
        let side = self.side(conn);
        SceneIo::discard_at(self.scene, conn, side)
    }

    fn close(&mut self, conn: Conn) {
        let end = self.end(conn);
        end.ended = true;
        end.wants_room = false;
        end.room.notify_waiters();
        if let Some(socket) = &end.socket {
            // A socket that is broken already is closed, too.
            let _ = shutdown(&**socket, Shutdown::Write);
        }
    }

    fn abort(&mut self, conn: Conn) {
        let end = self.end(conn);
        end.ended = true;
        end.peer_ended = true;
        end.room.notify_waiters();
        if let Some(socket) = end.socket.take() {
            let _ = socket.set_zero_linger();
            let _ = shutdown(&*socket, Shutdown::Both);
        }
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
