//! A trial of a scenario on the wall clock: the same applications as in virtual time, on real
//! sockets, over connections whose middle is the scenario's network.
//!
//! ```text
//! client app ─ socket ═ socket ─ [ connection of the world ] ─ socket ═ socket ─ server app
//! ```
//!
//! The world, its links, its TCP and its records are those of a virtual trial with the same seed;
//! what differs is that operating system, sockets and threads take their time, too. How much is in
//! the outcome's lateness.

mod scene;
mod stage;

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration as Span;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use super::clock::Clock;
use super::gateway::Gateway;
use super::lateness;
use super::splice::{Moved, splice};
use crate::app::Conn;
use crate::engine::DRAIN;
use crate::facts::Outcome;
use crate::scenario::{Scenario, Trial, cast};
use crate::time::{Duration, Instant};
use stage::Stage;

/// Interval at which a waiting task is asked whether to go on.
const ASK: Span = Span::from_millis(50);

/// Runs one trial in real time: it takes as long as the scenario says. `go_on` is asked now and
/// then; when it says no, the trial is abandoned and there is no outcome.
pub fn run(
    scenario: &Arc<Scenario>,
    trial: Trial,
    go_on: &mut dyn FnMut() -> bool,
) -> io::Result<Option<Outcome>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, perform(scenario, trial, go_on))
}

async fn perform(
    scenario: &Arc<Scenario>,
    trial: Trial,
    go_on: &mut dyn FnMut() -> bool,
) -> io::Result<Option<Outcome>> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let (openings, mut wanted) = mpsc::unbounded_channel();
    let horizon = Instant::ZERO + scenario.duration;
    let warmup = Instant::ZERO + scenario.warmup;
    let cast = cast(scenario, trial);
    let clock = Clock::start();
    let gateway = Gateway::start_trial(scenario, trial, clock)?;
    let stage = Stage::new(cast, clock, (warmup, horizon), openings);
    let timing = tokio::task::spawn_local(stage::keep_time(Rc::clone(&stage)));
    let mut ask = tokio::time::interval(ASK);
    let gone = loop {
        tokio::select! {
            Some((conn, client)) = wanted.recv() => {
                open(&stage, &gateway, &listener, conn, client).await?;
            }
            _ = ask.tick() => {
                if !go_on() {
                    break true;
                }
                let now = clock.now();
                let waits = stage.borrow().waits_for_answers() && now < horizon + DRAIN;
                // The world's thread, too, must have measured all that is measured up to the horizon.
                if now >= horizon + Duration::from_nanos(ASK.as_nanos() as u64) && !waits {
                    break false;
                }
            }
        }
    };
    timing.abort();
    if gone {
        return Ok(None);
    }
    let mut outcome = gateway.conclude().await?;
    let stage = stage.borrow();
    outcome.messages = stage.messages();
    outcome.requests = stage.requests();
    outcome.chunks = stage.chunks();
    outcome.lateness.push(lateness::account("applications", stage.lateness()));
    Ok(Some(outcome))
}

/// Opens a connection for an application: a socket for it, one for its peer, and between them the
/// world.
async fn open(
    stage: &Rc<RefCell<Stage>>,
    gateway: &Gateway,
    listener: &TcpListener,
    conn: Conn,
    client: usize,
) -> io::Result<()> {
    let [near, far] = gateway.open_of(client).await?;
    let (client_end, outside) = pair(listener).await?;
    let (inside, server_end) = pair(listener).await?;
    // Their ends are their applications' news.
    for (socket, end) in [(outside, near), (inside, far)] {
        let moved = Moved::default();
        tokio::task::spawn_local(async move { splice(socket, end, &moved, std::future::pending()).await });
    }
    stage::attach(stage, conn, [client_end, server_end]);
    Ok(())
}

/// A real connection: its client's end and its server's.
async fn pair(listener: &TcpListener) -> io::Result<(TcpStream, TcpStream)> {
    let client = TcpStream::connect(listener.local_addr()?).await?;
    client.set_nodelay(true)?;
    loop {
        let (server, address) = listener.accept().await?;
        // Anybody on this machine may knock.
        if address == client.local_addr()? {
            server.set_nodelay(true)?;
            return Ok((client, server));
        }
    }
}
