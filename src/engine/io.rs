//! Operations of an application in a world.

use std::rc::Rc;

use super::core::Core;
use super::flow::{End, Flow};
use super::log::content_of;
use crate::app::{ChunkId, Conn, Io, MessageId, RequestId};
use crate::facts::{ChunkOutcome, Content, Datagram, RequestOutcome};
use crate::time::{Duration, Instant};
use crate::wire::{Direction, Payload};

/// The world as application number `app` sees it.
pub(super) struct WorldIo<'a> {
    pub core: &'a mut Core,
    pub app: u32,
}

impl WorldIo<'_> {
    /// The application's own end of a connection.
    fn direction(&self, conn: Conn) -> Direction {
        let flow = &self.core.flows[conn.0 as usize];
        if flow.ends[0].app == self.app { Direction::Up } else { Direction::Down }
    }

    fn end(&mut self, conn: Conn) -> &mut End {
        let direction = self.direction(conn);
        &mut self.core.flows[conn.0 as usize].ends[direction.index()]
    }

    /// The client's next flow; the first is there from the beginning.
    fn next_flow(&mut self) -> u32 {
        let (now, seed) = (self.core.now, self.core.seed);
        let client = self.core.clients[self.app as usize].as_mut().expect("servers do not connect");
        match client.connections.reserved.take() {
            Some(first) => first,
            None => {
                let flow = Flow::new(client, self.app, now, seed);
                self.core.push_flow(flow)
            }
        }
    }

    /// Notes bytes that the application wrote or read, if anybody keeps a log.
    fn note(&mut self, conn: Conn, read: bool, content: impl FnOnce() -> Content) {
        if self.core.taps.is_some() {
            let direction = self.direction(conn);
            let direction = if read { direction.reverse() } else { direction };
            let now = self.core.now;
            if let Some(log) = self.core.taps.as_mut().and_then(|taps| taps.log.as_mut()) {
                log.bytes(now, conn.0, direction, read, content());
            }
        }
    }

    fn touch(&mut self, conn: Conn) {
        let direction = self.direction(conn);
        self.core.touch(conn.0, direction);
    }
}

impl Io for WorldIo<'_> {
    fn now(&self) -> Instant {
        self.core.now
    }

    fn horizon(&self) -> Instant {
        // A trial that needs too much memory begins nothing new.
        if self.core.budget.halt.is_some() { self.core.now } else { self.core.horizon }
    }

    fn connect(&mut self) -> Conn {
        let number = self.next_flow();
        self.core.touch(number, Direction::Up);
        Conn(number)
    }

    fn write(&mut self, conn: Conn, bytes: &Rc<[u8]>, from: usize) -> usize {
        let payload = Payload::rest(bytes, from);
        let direction = self.direction(conn);
        let end = &mut self.core.flows[conn.0 as usize].ends[direction.index()];
        let accepted = end.connection.write(&payload);
        self.note(conn, false, || content_of(&payload.slice(0, accepted)));
        self.core.touch(conn.0, direction);
        accepted as usize
    }

    fn write_zeros(&mut self, conn: Conn, len: u64) -> u64 {
        let accepted = self.end(conn).connection.write_zeros(len);
        self.note(conn, false, || Content::Zeros(accepted));
        self.touch(conn);
        accepted
    }

    fn read(&mut self, conn: Conn, take: &mut dyn FnMut(&[u8])) {
        let direction = self.direction(conn);
        loop {
            let end = &mut self.core.flows[conn.0 as usize].ends[direction.index()];
            let Some(piece) = end.connection.read() else { break };
            end.delivered += u64::from(piece.len());
            self.note(conn, true, || content_of(&piece));
            piece.lend(take);
        }
    }

    fn discard(&mut self, conn: Conn) -> u64 {
        let end = self.end(conn);
        let taken = end.connection.discard();
        end.delivered += taken;
        self.note(conn, true, || Content::Unseen(taken));
        taken
    }

    fn sink(&mut self, conn: Conn) {
        self.end(conn).connection.sink();
    }

    fn close(&mut self, conn: Conn) {
        self.end(conn).connection.close();
        self.touch(conn);
    }

    fn abort(&mut self, conn: Conn) {
        self.end(conn).connection.abort();
        self.touch(conn);
    }

    fn open_datagrams(&mut self, playout: Option<Duration>) -> Conn {
        let number = self.next_flow();
        self.core.open_datagrams(number, playout);
        Conn(number)
    }

    fn send_datagram(&mut self, conn: Conn, payload: u32) {
        let direction = self.direction(conn);
        self.core.send_datagram(conn.0, direction, payload, None);
    }

    fn answer_datagram(&mut self, conn: Conn, datagram: Datagram) {
        let direction = self.direction(conn);
        self.core.send_datagram(conn.0, direction, datagram.payload, Some(datagram.number));
    }

    fn request_intended(&mut self, request: RequestOutcome) -> RequestId {
        self.core.step();
        RequestId(self.core.requests.intend(request))
    }

    fn request_completed(&mut self, id: RequestId) {
        let now = self.core.now;
        self.core.requests.complete(id.0, now);
    }

    fn chunk_asked(&mut self, chunk: ChunkOutcome, dry: Option<Instant>) -> ChunkId {
        self.core.step();
        ChunkId(self.core.chunks.ask(chunk, dry))
    }

    fn chunk_came(&mut self, id: ChunkId, dry: Option<Instant>) {
        let now = self.core.now;
        self.core.chunks.arrive(id.0, now, dry);
    }

    fn message_intended(&mut self, intended: Instant, audience: u32) -> MessageId {
        self.core.step();
        let talker = self.app as usize;
        if self.core.talkers.len() <= talker {
            self.core.talkers.resize(talker + 1, 0);
        }
        self.core.talkers[talker] += 1;
        let messages = self.core.messages.as_mut().expect("a world that counts messages");
        MessageId(messages.intend(intended, audience))
    }

    fn message_fanned_out(&mut self, id: MessageId, audience: u32) {
        if let Some(messages) = &mut self.core.messages {
            messages.correct_audience(id.0, audience);
        }
    }

    fn message_delivered(&mut self, id: MessageId) {
        let now = self.core.now;
        if let Some(messages) = &mut self.core.messages {
            messages.deliver(id.0, now);
        }
    }
}
