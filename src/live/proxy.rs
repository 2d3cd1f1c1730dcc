//! A TCP proxy whose connections cross an emulated network.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration as Span;

use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tracing::{debug, info, warn};

use super::connect::{Connected, connect};
use super::gateway::{GRACE, Gateway};
use super::splice::{Moved, both, reset_now, splice};

/// A proxy with its socket bound.
#[derive(Debug)]
pub struct Proxy {
    listener: TcpListener,
    upstream: String,
    gateway: Gateway,
    max_connections: usize,
}

/// Connections that a proxy carries at a time, unless told otherwise.
pub const MAX_CONNECTIONS: usize = 1_000;
/// A flood of connections with the same trouble makes one line of the log in so much time.
const SAYS_AGAIN: Span = Span::from_secs(1);

/// Totals of a proxy.
#[derive(Debug, Default)]
pub struct Count {
    /// Connections that came.
    pub connections: AtomicU64,
    /// Connections for which the upstream server could not be reached.
    pub refused: AtomicU64,
    /// Connections that were reset at once because there were too many.
    pub turned_away: AtomicU64,
    said_refused: Rarely,
    said_turned_away: Rarely,
    said_not_accepted: Rarely,
}

/// A line of the log that a flood would repeat.
#[derive(Debug, Default)]
struct Rarely(Mutex<Option<Instant>>);

impl Rarely {
    /// True if the line is to be written now.
    fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= SAYS_AGAIN);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}

impl Proxy {
    /// Binds `listen`; connections go to `upstream`.
    pub async fn bind(listen: &str, upstream: &str, gateway: Gateway) -> io::Result<Proxy> {
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {listen}: {error}")))?;
        let here = listener.local_addr()?;
        // A server that cannot be found now may be there later.
        let found = lookup_host(upstream).await;
        if let Err(error) = &found {
            warn!("UPSTREAM {upstream} cannot be found: {error}; connections are refused until it can");
        }
        let mut upstreams = found.into_iter().flatten();
        if upstreams.any(|there| leads_to(there, here)) {
            let problem =
                format!("UPSTREAM {upstream} is LISTEN {listen}: each connection would make another");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
        }
        let upstream = upstream.to_owned();
        Ok(Proxy { listener, upstream, gateway, max_connections: MAX_CONNECTIONS })
    }

    /// Carries no more than so many connections at a time.
    pub fn with_max_connections(mut self, most: usize) -> Proxy {
        self.max_connections = most;
        self
    }

    /// Address at which it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Carries connections until `stop` says so; those that are open are then reset on both sides, behind
    /// what was read before.
    pub async fn run(self, mut stop: watch::Receiver<bool>) -> Arc<Count> {
        let count = Arc::new(Count::default());
        let mut tasks = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stop.wait_for(|&stop| stop) => break,
                Some(_) = tasks.join_next() => continue,
            };
            match accepted {
                Ok((socket, address)) if tasks.len() >= self.max_connections => {
                    reset_now(&socket);
                    let all = count.turned_away.fetch_add(1, Ordering::Relaxed) + 1;
                    if count.said_turned_away.is_due() {
                        let max = self.max_connections;
                        warn!(%address, max, all, "refuse connection: --max-connections are open");
                    }
                }
                Ok((socket, address)) => {
                    debug!(%address, "connected");
                    count.connections.fetch_add(1, Ordering::Relaxed);
                    let (gateway, upstream, count) =
                        (self.gateway.clone(), self.upstream.clone(), Arc::clone(&count));
                    let stop = stop.clone();
                    tasks.spawn(
                        async move { carry(socket, address, &gateway, &upstream, &count, stop).await },
                    );
                }
                Err(error) => {
                    if count.said_not_accepted.is_due() {
                        warn!("cannot accept: {error}");
                    }
                    tokio::time::sleep(Span::from_millis(100)).await;
                }
            }
        }
        info!("shutting down");
        drop(self.listener);
        // Of a network that has ended nothing is under way.
        let _ = self.gateway.hurry();
        let all = async { while tasks.join_next().await.is_some() {} };
        let _ = timeout(GRACE, all).await;
        tasks.shutdown().await;
        count
    }
}

/// True if a connection to `there` reaches the listener at `here`.
fn leads_to(there: SocketAddr, here: SocketAddr) -> bool {
    let (mut ip, all) = (there.ip().to_canonical(), here.ip().is_unspecified());
    // To connect to no address in particular is to connect to this machine.
    if ip.is_unspecified() {
        ip = if ip.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
    }
    // Only this machine's own addresses can be bound.
    let is_own = || std::net::UdpSocket::bind((ip, 0)).is_ok();
    let is_heard =
        if all { (here.is_ipv6() || ip.is_ipv4()) && is_own() } else { here.ip().to_canonical() == ip };
    there.port() == here.port() && is_heard
}

/// One connection: client, world, server.
async fn carry(
    socket: TcpStream,
    address: SocketAddr,
    gateway: &Gateway,
    upstream: &str,
    count: &Count,
    stop: watch::Receiver<bool>,
) {
    let _ = socket.set_nodelay(true);
    let Ok([near, far]) = gateway.open().await else {
        reset_now(&socket);
        return;
    };
    let moved = Moved::default();
    let client = splice(socket, near, &moved, stopped(stop.clone()));
    let server = async {
        let server = reach(upstream, count).await.inspect_err(|_| far.abort())?;
        splice(server, far, &moved, stopped(stop)).await
    };
    // Bytes of a side that broke are still under way to the other.
    let result = both(client, server, &moved, |_| false).await;
    if let Err(error) = result {
        debug!(%address, "ended: {error}");
    }
}

/// Comes when the proxy ends.
async fn stopped(mut stop: watch::Receiver<bool>) {
    // The sender of the stop may be gone.
    let _ = stop.wait_for(|&stop| stop).await;
}

async fn reach(upstream: &str, count: &Count) -> io::Result<Connected> {
    /// As long as a client would wait.
    const PATIENCE: Span = Span::from_secs(10);
    let connected = timeout(PATIENCE, connect(upstream)).await;
    let connected = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let server = connected.inspect_err(|error| {
        let all = count.refused.fetch_add(1, Ordering::Relaxed) + 1;
        if count.said_refused.is_due() {
            warn!(all, "cannot reach {upstream}: {error}");
        }
    })?;
    let _ = server.socket.set_nodelay(true);
    Ok(server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_knows_itself_by_all_its_names() {
        for (there, here, same) in [
            ("127.0.0.1:9", "127.0.0.1:9", true),
            ("127.0.0.1:9", "127.0.0.1:8", false),
            ("127.0.0.1:9", "127.0.0.2:9", false),
            ("127.0.0.1:9", "0.0.0.0:9", true),
            ("127.0.0.1:9", "[::]:9", true),
            ("0.0.0.0:9", "127.0.0.1:9", true),
            ("0.0.0.0:9", "[::]:9", true),
            ("[::ffff:127.0.0.1]:9", "127.0.0.1:9", true),
            ("[::]:9", "[::1]:9", true),
            ("[::1]:9", "0.0.0.0:9", false),
            // Of a network for documents: nobody's.
            ("192.0.2.1:9", "0.0.0.0:9", false),
        ] {
            let [there, here]: [SocketAddr; 2] = [there, here].map(|text| text.parse().expect("an address"));
            assert_eq!(leads_to(there, here), same, "{there} {here}");
        }
    }
}
