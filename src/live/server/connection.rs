//! One connection's task: it hears and it speaks. The two share the hub and nothing else, and the first that
//! ends ends the connection, as the hub does when that takes too long.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration as Span;

use tokio::io::AsyncWriteExt as _;
use tokio::sync::Notify;
use tokio::task::coop::consume_budget;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use super::hub::{Flushed, Shared};
use super::peer::Ticket;
use super::porter::{Inside, read_frame, write_frame};
use crate::chat::message::ClientId;
use crate::chat::protocol::ServerSession;
use crate::chat::server::{Outlet, Turn};
use crate::live::clock::Clock;
use crate::live::gateway::Stream;
use crate::live::socket::Socket;
use crate::time::Duration;

/// Time in which a client that has ended its side may read nothing of its queue.
const READS_WITHIN: Span = Span::from_secs(5);
/// Time in which a client may come back on another connection before others are told that it is gone.
const AWAITED_FOR: Span = Span::from_secs(60);
/// The most that one read takes.
pub(super) const READ: usize = 16 * 1024;

/// A new connection, and its treatment.
#[derive(Debug)]
pub(super) struct Newcomer {
    pub dialect: &'static str,
    pub address: SocketAddr,
    pub session: Box<dyn ServerSession>,
    pub pacing: Duration,
    /// Key with which its client may come back, or has.
    pub ticket: Option<Ticket>,
}

/// Serves a socket until it ends.
pub(super) async fn serve_socket(hub: Shared, newcomer: Newcomer, socket: Socket) {
    let socket = Rc::new(socket);
    let Some(id) = open(&hub, newcomer, Some(Rc::clone(&socket))) else { return };
    let Handles { clock, roused, wake } = handles(&hub, id);
    let hear = async {
        loop {
            let turn = hub.borrow_mut().schedule(id);
            match turn {
                Turn::Read => tokio::select! {
                    biased;
                    () = roused.notified() => continue,
                    ready = socket.readable() => ready?,
                },
                Turn::Yield => {
                    yield_now().await;
                    continue;
                }
                Turn::Wait(at) | Turn::Pause(at) => tokio::select! {
                    biased;
                    () = roused.notified() => continue,
                    () = sleep_until(clock.wall(at)) => continue,
                    ready = socket.readable(), if turn.reads() => ready?,
                },
            }
            match read(&hub, id, &socket) {
                // There may be as much again, without end: the others first.
                Ok(READ) => yield_now().await,
                Ok(1..) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(0) => return end_of_file(&hub, id).await,
                Err(error) if hub.borrow().outlives_connection(id) => return Err(error),
                // Requests that came before a reset are served, too.
                Err(_) => {
                    hub.borrow_mut().break_off(id);
                    return end_of_file(&hub, id).await;
                }
            }
        }
    };
    let speak = async {
        loop {
            let flushed = hub.borrow_mut().flush(id);
            match flushed {
                // Of a broken socket, what its person said before is heard still, to its end.
                Flushed::Idle | Flushed::Broken => wake.notified().await,
                Flushed::Blocked => socket.writable().await?,
                Flushed::Until(at) => sleep_until(clock.wall(at)).await,
                Flushed::Finished => return Ok(()),
            }
        }
    };
    converse(&hub, id, hear, speak).await;
}

/// Serves a person at the far end of an emulated path, where each message is a frame.
pub(super) async fn serve_path(hub: Shared, newcomer: Newcomer, far: Stream, inside: Rc<[Inside; 2]>) {
    let number = far.connection();
    let Some(id) = open(&hub, newcomer, None) else { return };
    if let Some(peer) = hub.borrow_mut().peer(id) {
        peer.path = Some(number);
    }
    // One that has come back has a name.
    hub.borrow_mut().shape(id);
    let Handles { clock, roused, wake } = handles(&hub, id);
    let (mut reader, mut writer) = tokio::io::split(far);
    let hear = async {
        let mut frame = Vec::new();
        loop {
            let more = {
                let mut reading = pin!(read_frame(&mut reader, &mut frame, &inside[0]));
                loop {
                    let turn = hub.borrow_mut().schedule(id);
                    let at = match turn {
                        Turn::Read => None,
                        Turn::Yield => {
                            yield_now().await;
                            continue;
                        }
                        Turn::Wait(at) | Turn::Pause(at) => Some(at),
                    };
                    tokio::select! {
                        biased;
                        () = roused.notified() => {}
                        () = sleep_until(clock.wall(at.unwrap_or(clock.now()))), if at.is_some() => {}
                        more = &mut reading, if turn.reads() => break more?,
                    }
                }
            };
            if !more {
                return end_of_file(&hub, id).await;
            }
            hub.borrow_mut().receive(id, &frame);
            // A stream in memory is always ready.
            consume_budget().await;
        }
    };
    let speak = async {
        loop {
            let next = hub.borrow_mut().take(id);
            match next {
                Ok(bytes) => {
                    set_outlet(&hub, id, Outlet::Stalled);
                    write_frame(&mut writer, &bytes, &inside[1]).await?;
                    set_outlet(&hub, id, Outlet::Open);
                }
                Err(Flushed::Until(at)) => sleep_until(clock.wall(at)).await,
                Err(Flushed::Finished) => return writer.shutdown().await,
                Err(_) => wake.notified().await,
            }
        }
    };
    converse(&hub, id, hear, speak).await;
}

/// One read into the hub's buffer: ten thousand idle connections need none of their own.
fn read(hub: &Shared, id: ClientId, socket: &Socket) -> io::Result<usize> {
    let mut hub = hub.borrow_mut();
    let mut buffer = std::mem::take(&mut hub.buffer);
    buffer.resize(READ, 0);
    let result = socket.try_read(&mut buffer);
    if let Ok(bytes) = result
        && bytes > 0
    {
        hub.receive(id, &buffer[..bytes]);
    }
    hub.buffer = buffer;
    result
}

/// Its number; nothing if it says that it has come back and cannot.
fn open(hub: &Shared, newcomer: Newcomer, socket: Option<Rc<Socket>>) -> Option<ClientId> {
    let mut hub = hub.borrow_mut();
    match newcomer.ticket.filter(|ticket| ticket.returns) {
        Some(ticket) => hub.come_back(&ticket, newcomer.address, socket),
        None => Some(hub.open(newcomer, socket)),
    }
}

/// Notifications for the tasks of a connection.
struct Handles {
    clock: Clock,
    /// It may be heard on.
    roused: Rc<Notify>,
    /// There is something to write.
    wake: Rc<Notify>,
}

fn handles(hub: &Shared, id: ClientId) -> Handles {
    let mut hub = hub.borrow_mut();
    let clock = hub.clock();
    let (roused, wake) =
        hub.peer(id).map(|peer| (peer.heard.clone(), peer.writer.clone())).unwrap_or_default();
    Handles { clock, roused, wake }
}

/// A path that does not take everything at once is no pacer's doing.
fn set_outlet(hub: &Shared, id: ClientId, outlet: Outlet) {
    hub.borrow_mut().set_outlet(id, outlet);
}

async fn converse(
    hub: &Shared,
    id: ClientId,
    hear: impl Future<Output = io::Result<()>>,
    speak: impl Future<Output = io::Result<()>>,
) {
    let overdue = hub.borrow_mut().peer(id).map(|peer| Rc::clone(&peer.overdue)).unwrap_or_default();
    tokio::select! {
        _ = hear => {}
        _ = speak => {}
        () = overdue.notified() => {}
    }
    if hub.borrow().is_present(id, &overdue) && !comes_back(hub, id, &overdue).await {
        hub.borrow_mut().forget(id);
    }
}

/// Serves what the client of a broken connection has asked, and keeps what is said to it, until it has come back
/// on another.
async fn comes_back(hub: &Shared, id: ClientId, overdue: &Rc<Notify>) -> bool {
    if !hub.borrow().outlives_connection(id) {
        return false;
    }
    hub.borrow_mut().detach(id);
    let Handles { clock, roused, wake } = handles(hub, id);
    let until = Instant::now() + AWAITED_FOR;
    while hub.borrow().is_present(id, overdue) {
        if hub.borrow().is_over(id) || Instant::now() >= until {
            return false;
        }
        let turn = hub.borrow_mut().schedule(id);
        let at = match turn {
            Turn::Read => until,
            Turn::Yield => Instant::now(),
            Turn::Wait(at) | Turn::Pause(at) => until.min(clock.wall(at)),
        };
        tokio::select! {
            () = overdue.notified() => {}
            () = roused.notified() => {}
            () = wake.notified() => {}
            () = sleep_until(at) => {}
        }
    }
    true
}

/// It will say nothing more: what it has asked is served, and what waits for it is written.
async fn end_of_file(hub: &Shared, id: ClientId) -> io::Result<()> {
    if hub.borrow().outlives_connection(id) {
        return Ok(());
    }
    hub.borrow_mut().read_all(id);
    let Handles { clock, roused, .. } = handles(hub, id);
    let mut got_on = (0, Instant::now());
    loop {
        let turn = hub.borrow_mut().schedule(id);
        let at = match turn {
            Turn::Read => break,
            Turn::Yield => clock.now(),
            Turn::Wait(at) | Turn::Pause(at) => at,
        };
        let (written, waiting) = hub.borrow().progress(id);
        if written != got_on.0 || waiting == 0 {
            got_on = (written, Instant::now());
        } else if got_on.1.elapsed() > READS_WITHIN {
            // Output that it does not read holds up nothing that it asked.
            hub.borrow_mut().break_off(id);
        }
        tokio::select! {
            () = roused.notified() => {}
            () = sleep_until(clock.wall(at)) => {}
        }
    }
    hub.borrow_mut().end_of_file(id);
    std::future::pending().await
}
