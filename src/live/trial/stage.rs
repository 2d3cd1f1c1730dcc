//! The applications of a trial: they act when their time has come, and hear what their sockets have
//! for them.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration as Span;

use hdrhistogram::Histogram;
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};

use super::scene::{Scene, SceneIo};
use crate::app::{App, Conn, Event};
use crate::facts::{ChunkOutcome, MessageOutcome, RequestOutcome};
use crate::live::clock::Clock;
use crate::live::lateness;
use crate::scenario::Cast;
use crate::time::Instant;

/// The runtime's timers are a millisecond late; the rest is waited for awake.
const SLACK: Span = Span::from_micros(1_500);

/// All applications.
pub(super) struct Stage {
    apps: Vec<Slot>,
    scene: Scene,
    /// True if the scenario has chats.
    chats: bool,
    /// Rouses the timer: something may be due earlier.
    timer: Rc<Notify>,
    lateness: Histogram<u64>,
}

struct Slot {
    /// Taken out while it acts.
    app: Option<Box<dyn App>>,
    /// Time at which it wants to be woken.
    due: Instant,
    started: bool,
    /// Of a client: which one, and the application at the other end.
    client: Option<(usize, usize)>,
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
        let scene = Scene::new(clock, interval, openings, clients);
        let stage = Stage { apps, scene, chats, timer: Rc::default(), lateness: lateness::histogram() };
        Rc::new(RefCell::new(stage))
    }

    /// True if a message has not been heard yet.
    pub fn waits_for_answers(&self) -> bool {
        !self.scene.messages.is_complete() || !self.scene.requests.is_complete()
    }

    /// The figures of what was said.
    pub fn messages(&self) -> Option<MessageOutcome> {
        self.chats.then(|| self.scene.messages.outcome())
    }

    /// The requests that figures are about.
    pub fn requests(&self) -> Vec<RequestOutcome> {
        self.scene.requests.outcomes()
    }

    /// The chunks of video that figures are about.
    pub fn chunks(&self) -> Vec<ChunkOutcome> {
        self.scene.chunks.outcomes()
    }

    /// Lateness of the applications' actions.
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
        let app = self.scene.end(conn, side).app;
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
        stage.borrow_mut().scene.end(conn, side).socket = Some(Rc::clone(&socket));
        let room = Rc::clone(&stage.borrow_mut().scene.end(conn, side).room);
        stage.borrow_mut().tell(conn, side, Event::Connected);
        let (hearing, writing) = (Rc::clone(stage), Rc::clone(stage));
        let writer = Rc::clone(&socket);
        tokio::task::spawn_local(async move {
            tokio::select! {
                () = hear(&hearing, conn, side, &socket) => {}
                () = make_room(&writing, conn, side, &writer, &room) => {}
            }
            let mut stage = hearing.borrow_mut();
            stage.scene.end(conn, side).socket = None;
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
            stage.scene.read(conn, side, &mut |_| {});
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
