//! Connections to a server that may speak and be gone within the instant of connecting.
//!
//! Linux keeps what was received before a reset for its reader. Both the standard library and tokio
//! look at the socket's pending error to learn whether it is connected, find that reset, and close the
//! socket with everything that waits in it.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use rustix::io::Errno;
use socket2::{Domain, Socket, Type};
use tokio::net::{TcpStream, lookup_host};

/// A fresh connection.
#[derive(Debug)]
pub struct Connected {
    /// Its socket.
    pub socket: TcpStream,
    /// Its peer has reset it already. What the peer said before can still be read; the system has told
    /// of the reset and shows an end in its place.
    pub was_reset: bool,
}

impl From<TcpStream> for Connected {
    /// A connection of which nothing is known yet.
    fn from(socket: TcpStream) -> Connected {
        Connected { socket, was_reset: false }
    }
}

/// Connects to `HOST:PORT`, to the first of its addresses that answers.
///
/// # Errors
///
/// `NotFound` if the name has no address, else the error of the last address.
pub async fn connect(address: &str) -> io::Result<Connected> {
    let mut problem = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in lookup_host(address).await? {
        match connect_to(address).await {
            Ok(connected) => return Ok(connected),
            Err(error) => problem = error,
        }
    }
    Err(problem)
}

/// True if a connection that is not open at once is being opened.
fn is_under_way(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock || error.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error())
}

async fn connect_to(address: SocketAddr) -> io::Result<Connected> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if is_under_way(&error) => {}
        Err(error) => return Err(error),
    }
    let socket = TcpStream::from_std(socket.into())?;
    socket.writable().await?;
    // Before a connection is open a reset reads as "refused", behind an end as "broken pipe".
    match socket.take_error()? {
        Some(error) if !matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
            Err(error)
        }
        error => {
            let was_reset = error.is_some_and(|error| error.kind() == ErrorKind::ConnectionReset);
            Ok(Connected { socket, was_reset })
        }
    }
}
