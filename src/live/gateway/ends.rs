//! Between pipes and ports: how bytes, ends and resets of a connection cross the world.
//!
//! Bytes that an end's holder wrote arrive before the reset that follows them, whatever is lost: the reset
//! crosses as a FIN, and is told apart from an end at the other side. A reset of TCP's own would
//! overtake what has to be sent again, and could itself be lost for good.

use std::sync::{Arc, Mutex};

use super::budget::Account;
use super::pipe::{CAPACITY, Pipe, lock};
use super::thread::Driver;
use crate::engine::Port;
use crate::tcp::State;

/// One end of a connection, between its pipe and its port.
#[expect(clippy::struct_excessive_bools, reason = "each is a thing that has happened or not")]
pub(super) struct End {
    pub pipe: Arc<Mutex<Pipe>>,
    pub port: Port,
    pub connection: u64,
    pub connected: bool,
    /// The peer has ended; what it sent may still wait in the world.
    pub peer_closed: bool,
    /// The FIN is sent.
    closed: bool,
    /// The peer's FIN stands for a reset.
    peer_resets: bool,
    /// It was reset, or what it received will never be read.
    broken: bool,
    /// The task was handed all that the peer said, and the end or the reset after it.
    has_heard: bool,
    /// The task holds it no more.
    dropped: bool,
    account: Account,
}

impl End {
    pub fn new(pipe: Arc<Mutex<Pipe>>, port: Port, connection: u64) -> End {
        End {
            pipe,
            port,
            connection,
            connected: false,
            peer_closed: false,
            closed: false,
            peer_resets: false,
            broken: false,
            has_heard: false,
            dropped: false,
            account: Account::default(),
        }
    }
}

impl Driver {
    /// Moves bytes between a pipe and its port, both ways, as far as there is room.
    pub(super) fn serve(&mut self, mut number: usize) {
        // Reading makes room for bytes of the other end.
        while self.exchange(number, CAPACITY) {
            number ^= 1;
        }
    }

    /// The same, with so much room for what was received; returns whether the other end waited for
    /// what that freed.
    fn exchange(&mut self, number: usize, room: usize) -> bool {
        let first = number & !1;
        let Some([near, far]) = self.ends.get_mut(first..first + 2) else { return false };
        let (end, mut other) = if number == first { (near, far.as_mut()) } else { (far, near.as_mut()) };
        let Some(end) = end else { return false };
        let shared = Arc::clone(&end.pipe);
        let mut pipe = lock(&shared);
        pipe.told = false;
        end.dropped = pipe.dropped;
        if (pipe.aborted || pipe.dropped) && !end.connected && pipe.outbound.is_empty() {
            let info = self.world.port_info(end.port);
            // Nobody was told anything: the connection is refused, or was never wanted.
            if info.written == 0 && (pipe.aborted || info.state == State::Listen) {
                self.world.port_abort(end.port);
                return false;
            }
        }
        end.account.starved = false;
        while !pipe.outbound.is_empty() {
            let room = self.budget.room(&end.account);
            end.account.starved = room == 0;
            let bytes = pipe.outbound.as_slices().0;
            let piece = &bytes[..bytes.len().min(room)];
            let accepted = self.world.port_write(end.port, piece);
            if accepted == 0 {
                break;
            }
            self.budget.charge(&mut end.account, accepted as u64);
            pipe.outbound.drain(..accepted);
        }
        if pipe.outbound.len() < CAPACITY / 2 {
            pipe.wake_writer();
        }
        if !end.connected {
            return false;
        }
        if pipe.taken > 0 {
            let taken = std::mem::take(&mut pipe.taken);
            pipe.inbound.drain(..taken);
        }
        let before = pipe.inbound.len();
        let room = if pipe.dropped { usize::MAX } else { room };
        let all = self.world.port_read(end.port, &mut pipe.inbound, room);
        let read = pipe.inbound.len() - before;
        self.bytes[end.port.direction.reverse().index()] += read as u64;
        let mut freed = false;
        if let Some(other) = &mut other {
            self.budget.release(&mut other.account, read as u64);
            freed = read > 0 && other.account.starved;
        }
        end.broken |= pipe.aborted;
        if pipe.dropped && read > 0 {
            // As an operating system does: nobody will ever read this.
            pipe.inbound.clear();
            end.broken = true;
        }
        // Nobody may close before it is connected: the bytes of a listening end would be lost.
        if pipe.shut && pipe.outbound.is_empty() && !end.closed {
            end.closed = true;
            if let Some(other) = &mut other {
                other.peer_resets = end.broken;
            }
            self.world.port_shutdown(end.port);
        }
        if all && end.peer_closed {
            end.has_heard = true;
            pipe.ended |= !end.peer_resets;
            pipe.reset |= end.peer_resets;
        }
        if pipe.unread() > 0 || end.has_heard {
            pipe.wake_reader();
        }
        drop(pipe);
        self.part(number);
        freed
    }

    /// Gives up a broken connection when there is nobody any more for whom something is under way.
    fn part(&mut self, number: usize) {
        let ends = [number, number ^ 1].map(|number| self.ends[number].as_ref());
        let [Some(end), other] = ends else { return };
        let port = end.port;
        let Some(other) = other else {
            if end.dropped && end.broken {
                self.world.port_abort(port);
            }
            return;
        };
        let other_port = other.port;
        let is_over = |from: &End, to: &End| from.broken && from.dropped && (to.has_heard || to.dropped);
        if is_over(other, end) {
            // The other's reset has arrived here.
            self.world.port_abort(other_port);
            self.world.port_abort(port);
        } else if is_over(end, other) {
            // The other was told that all was said in order; that nobody reads is a reset of its own.
            self.world.port_abort(port);
        }
    }

    /// A port's connection is gone.
    pub(super) fn finish(&mut self, number: usize) {
        // The port is given up: its reader may be late, but must find all that came in order.
        self.exchange(number, usize::MAX);
        let Some(end) = self.ends.get_mut(number).and_then(Option::take) else { return };
        self.budget.close(&end.account);
        let mut pipe = lock(&end.pipe);
        // In order if both sides have ended; else by a reset.
        if !(pipe.ended && end.closed) {
            pipe.reset = true;
        }
        pipe.wake_reader();
        pipe.wake_writer();
        let other = number ^ 1;
        match self.ends[other].as_ref().map(|end| end.port) {
            // It never heard of its peer and never will.
            Some(port) if self.world.port_info(port).state == State::Listen => self.world.port_abort(port),
            Some(_) => {}
            None => {
                self.free.push(number & !1);
                self.forget_own(end.connection);
            }
        }
    }
}
