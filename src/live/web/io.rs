//! One of our sockets as hyper wants it.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};

use crate::live::socket::Socket;

/// Bytes of one read: a request is shorter.
const READ: usize = 8 * 1024;

/// A socket that is asked when it is ready.
#[derive(Debug)]
pub(super) struct Polled(pub Socket);

impl Read for Polled {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut buffer = [0; READ];
        let room = cursor.remaining().min(READ);
        loop {
            match self.0.try_read(&mut buffer[..room]) {
                Ok(read) => {
                    cursor.put_slice(&buffer[..read]);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => ready!(self.0.poll_readable(cx))?,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl Write for Polled {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.when_writable(cx, |socket| socket.try_write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.when_writable(cx, Socket::try_flush)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.say_last();
        self.poll_flush(cx)
    }
}

impl Polled {
    fn when_writable<T>(
        &self,
        cx: &mut Context<'_>,
        write: impl Fn(&Socket) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            match write(&self.0) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => ready!(self.0.poll_writable(cx))?,
                result => return Poll::Ready(result),
            }
        }
    }
}
