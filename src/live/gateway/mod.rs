//! The emulated path for real sockets: a world of its own, advanced by the wall clock on a thread
//! of its own. A [`Stream`] pair is a TCP connection inside it, whose segments are dropped, delayed
//! and sent again as in a scenario.
//!
//! An entering event is stamped with the wall time, or the world's own if that is ahead; events that are
//! late run at their due instant, so that lateness never adds up. How late each was is counted.

mod budget;
mod change;
mod changes;
mod conditions;
mod ends;
mod pipe;
mod recording;
mod thread;

use std::sync::{Arc, mpsc};
use std::time::Duration as Span;

use hdrhistogram::Histogram;
use tokio::sync::oneshot;

pub use change::Change;
pub use changes::OwnNetwork;
pub use conditions::{Conditions, Options};
pub use pipe::Stream;
pub use recording::{Recorded, Recording};

use crate::engine::PortInfo;
use crate::facts::Outcome;
use crate::live::clock::Clock;
use crate::scenario::{Scenario, Trial};
use crate::units::Bytes;

/// A handle on the world's thread; the thread ends with the last one.
#[derive(Clone, Debug)]
pub struct Gateway {
    commands: mpsc::Sender<thread::Command>,
}

/// Memory for what is under way over all connections, unless told otherwise.
pub const MEMORY: Bytes = Bytes(256 << 20);
/// Time for what is under way to arrive when a server or a proxy ends, of the second in which it has to.
pub const GRACE: Span = Span::from_millis(600);

/// The world's thread has ended.
#[derive(Debug)]
pub struct Ended;

/// Counters of a gateway so far.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// Packets that reached an end.
    pub packets: u64,
    /// Packets that links dropped, for whatever reason.
    pub dropped: u64,
    /// Connections opened.
    pub opened: u64,
    /// Bytes that have come out at the servers' ends, and at the clients'.
    pub bytes: [u64; 2],
    /// The open connections: number, and how they look from the client's and the server's end.
    pub connections: Vec<(u64, [PortInfo; 2])>,
    /// Lateness of each instant of the world, in nanoseconds.
    pub lateness: Histogram<u64>,
}

impl Gateway {
    /// Starts the thread of a world with these conditions.
    pub fn start(conditions: &Conditions) -> std::io::Result<Gateway> {
        Gateway::start_within(conditions, MEMORY)
    }

    /// The same, in which what is under way takes no more than so many bytes of memory, 64 KiB for each
    /// direction of a connection aside.
    pub fn start_within(conditions: &Conditions, memory: Bytes) -> std::io::Result<Gateway> {
        Gateway::start_recording(conditions, memory, None)
    }

    /// The same, whose packets go into a file.
    pub fn start_recording(
        conditions: &Conditions,
        memory: Bytes,
        recording: Option<Recording>,
    ) -> std::io::Result<Gateway> {
        let conditions = conditions.clone();
        Gateway::spawn(move |inbox| thread::Driver::new(&conditions, memory.0, recording, inbox))
    }

    /// Starts the thread of a trial's world, which counts its instants by `clock`.
    pub fn start_trial(scenario: &Arc<Scenario>, trial: Trial, clock: Clock) -> std::io::Result<Gateway> {
        let scenario = Arc::clone(scenario);
        Gateway::spawn(move |inbox| thread::Driver::of_trial(&scenario, trial, clock, inbox))
    }

    /// A world stays in the thread that it was built in.
    fn spawn(
        build: impl FnOnce(mpsc::Receiver<thread::Command>) -> thread::Driver + Send + 'static,
    ) -> std::io::Result<Gateway> {
        let (commands, inbox) = mpsc::channel();
        std::thread::Builder::new().name("world".to_owned()).spawn(move || build(inbox).run())?;
        Ok(Gateway { commands })
    }

    /// Opens a connection: its client's end and its server's.
    pub async fn open(&self) -> Result<[Stream; 2], Ended> {
        let commands = self.commands.clone();
        self.ask(|reply| thread::Command::Open(None, reply, commands)).await
    }

    /// Opens the next connection of client number `client` of a trial.
    pub async fn open_of(&self, client: usize) -> Result<[Stream; 2], Ended> {
        let commands = self.commands.clone();
        self.ask(|reply| thread::Command::Open(Some(client), reply, commands)).await
    }

    /// Ends a trial's measurements, after its horizon: what it left behind.
    pub async fn conclude(&self) -> Result<Outcome, Ended> {
        self.ask(thread::Command::Conclude).await
    }

    /// Ends the capture of its packets, if there is one.
    pub async fn end_recording(&self) -> Result<Option<Recorded>, Ended> {
        self.ask(thread::Command::EndRecording).await
    }

    /// Changes the conditions for all connections from now on, open ones too; of TCP their controller only, which
    /// [takes over](crate::engine::World::set_controller).
    pub fn set(&self, conditions: &Conditions) -> Result<(), Ended> {
        self.commands.send(thread::Command::Set(Box::new(conditions.clone()))).map_err(|_| Ended)
    }

    /// Changes the network that one connection has for itself; what is not its own is as everybody's.
    pub fn set_own(&self, connection: u64, own: &OwnNetwork) -> Result<(), Ended> {
        self.commands.send(thread::Command::SetOwn(connection, Box::new(own.clone()))).map_err(|_| Ended)
    }

    /// Runs the world a hundred times as fast as the wall clock from now on, so that what is under way when a server ends
    /// arrives before its clients are cut off, whatever the network is.
    pub fn hurry(&self) -> Result<(), Ended> {
        self.commands.send(thread::Command::Hurry).map_err(|_| Ended)
    }

    /// Counters so far.
    pub async fn statistics(&self) -> Result<Statistics, Ended> {
        self.ask(thread::Command::Statistics).await
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> thread::Command) -> Result<T, Ended> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).map_err(|_| Ended)?;
        answer.await.map_err(|_| Ended)
    }
}

impl From<Ended> for std::io::Error {
    fn from(_: Ended) -> std::io::Error {
        std::io::Error::other("the emulated network has ended")
    }
}
