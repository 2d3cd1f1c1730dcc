//! One connection of the operating system, plain or under TLS, with the same three verbs for both:
//! wait until it is ready, read what is there, write what goes. A plain one pays for the choice with
//! one comparison.
//!
//! The session of TLS is driven by hand rather than wrapped in a stream, because the hub writes to
//! thousands of sockets in one turn without a task for each.

use std::cell::RefCell;
use std::io::{self, ErrorKind, IoSlice, Read as _, Write as _};
use std::net::Shutdown;
use std::task::{Context, Poll};

use rustls::Connection;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::task::coop::consume_budget;

use super::splice;

/// A connected socket.
#[derive(Debug)]
pub enum Socket {
    /// Bytes as they are.
    Plain(TcpStream),
    /// Under TLS, its handshake done.
    Tls(Box<Tls>),
}

/// A TLS session on a socket.
#[derive(Debug)]
pub struct Tls {
    wire: TcpStream,
    session: RefCell<Connection>,
}

impl Socket {
    /// Shakes hands on a fresh connection. It takes as long as the other side does: mind the time.
    pub async fn shake_hands(wire: TcpStream, session: Connection) -> io::Result<Socket> {
        let tls = Tls { wire, session: RefCell::new(session) };
        loop {
            match tls.push() {
                Ok(()) if !tls.session.borrow().is_handshaking() => return Ok(Socket::Tls(Box::new(tls))),
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    tls.wire.writable().await?;
                    continue;
                }
                Err(error) => return Err(error),
            }
            tls.wire.readable().await?;
            match tls.pull() {
                Ok(0) => return Err(cut_off()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn wire(&self) -> &TcpStream {
        match self {
            Socket::Plain(wire) => wire,
            Socket::Tls(tls) => &tls.wire,
        }
    }

    /// Waits until there may be something to read. A socket that is always ready starves no other.
    pub async fn readable(&self) -> io::Result<()> {
        consume_budget().await;
        match self {
            Socket::Plain(wire) => wire.readable().await,
            // One record may have brought more than one read took.
            Socket::Tls(tls) if tls.holds_text()? => Ok(()),
            Socket::Tls(tls) => tls.wire.readable().await,
        }
    }

    /// Waits until there is something to read, or the end; it stays there.
    pub async fn speaks(&self) -> io::Result<()> {
        let tls = match self {
            Socket::Plain(wire) => return wire.peek(&mut [0]).await.map(drop),
            Socket::Tls(tls) => tls,
        };
        while !tls.holds_text()? {
            tls.wire.readable().await?;
            match tls.pull() {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until it may take more.
    pub async fn writable(&self) -> io::Result<()> {
        consume_budget().await;
        self.wire().writable().await
    }

    /// The same as [`readable`](Self::readable), for a reader that is polled and has found nothing.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire().poll_read_ready(cx)
    }

    /// The same for a writer.
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire().poll_write_ready(cx)
    }

    /// Reads what is there; 0 is the end, and nothing there is an error of the kind `WouldBlock`.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Plain(wire) => wire.try_read(buffer),
            Socket::Tls(tls) => tls.try_read(buffer),
        }
    }

    /// Writes as much as goes; if nothing does, that is an error of the kind `WouldBlock`.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Plain(wire) => wire.try_write(bytes),
            Socket::Tls(tls) => tls.try_write(|session| session.writer().write(bytes)),
        }
    }

    /// The same for several pieces at once.
    pub fn try_write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Socket::Plain(wire) => wire.try_write_vectored(pieces),
            Socket::Tls(tls) => tls.try_write(|session| session.writer().write_vectored(pieces)),
        }
    }

    /// Sees that everything written has left this process; `WouldBlock` if the system takes no more.
    pub fn try_flush(&self) -> io::Result<()> {
        match self {
            Socket::Plain(_) => Ok(()),
            Socket::Tls(tls) => tls.push(),
        }
    }

    /// Tells the other side that nothing follows, where that takes words. Says it once.
    pub fn say_last(&self) {
        if let Socket::Tls(tls) = self {
            tls.session.borrow_mut().send_close_notify();
        }
    }

    /// Writes all of it.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.try_write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable().await?,
                Err(error) => return Err(error),
            }
        }
        self.flush().await
    }

    /// Ends the direction from here.
    pub async fn shutdown(&self) -> io::Result<()> {
        self.say_last();
        self.flush().await?;
        SockRef::from(self.wire()).shutdown(Shutdown::Write)
    }

    /// Ends the connection by a reset, behind what was written.
    pub async fn reset(&self) {
        splice::reset(self.wire()).await;
    }

    async fn flush(&self) -> io::Result<()> {
        loop {
            match self.try_flush() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable().await?,
                result => return result,
            }
        }
    }
}

impl Tls {
    /// True if there is decrypted text that nobody has read.
    fn holds_text(&self) -> io::Result<bool> {
        let state = self.session.borrow_mut().process_new_packets().map_err(broken)?;
        Ok(state.plaintext_bytes_to_read() > 0)
    }

    /// Takes one read of the wire into the session; 0 at its end.
    fn pull(&self) -> io::Result<usize> {
        let mut session = self.session.borrow_mut();
        let read = session.read_tls(&mut Wire(&self.wire))?;
        if let Err(error) = session.process_new_packets() {
            // The reason, in an alert, if the wire takes it.
            let _ = session.write_tls(&mut Wire(&self.wire));
            return Err(broken(error));
        }
        Ok(read)
    }

    /// Gives the wire what the session has for it.
    fn push(&self) -> io::Result<()> {
        let mut session = self.session.borrow_mut();
        while session.wants_write() {
            session.write_tls(&mut Wire(&self.wire))?;
        }
        Ok(())
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.read_text(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            result => return result,
        }
        // One read only, or who sends nothing but overhead would keep the whole server busy.
        self.pull()?;
        self.read_text(buffer)
    }

    fn read_text(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = self.session.borrow_mut().reader().read(buffer);
        result.map_err(|error| if error.kind() == ErrorKind::UnexpectedEof { cut_off() } else { error })
    }

    /// Takes more only when everything before is on the wire, so that what waits in the session is
    /// never more than one write.
    fn try_write(&self, write: impl FnOnce(&mut Connection) -> io::Result<usize>) -> io::Result<usize> {
        self.push()?;
        let written = write(&mut self.session.borrow_mut())?;
        match self.push() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(written),
        }
    }
}

fn broken(error: rustls::Error) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

fn cut_off() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "the connection was cut off")
}

/// The socket as the session of TLS wants it: what cannot be done at once is an error.
struct Wire<'a>(&'a TcpStream);

impl io::Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl io::Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(pieces)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
