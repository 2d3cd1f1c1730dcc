//! Two streams joined: what one says the other hears, the end of each direction and a reset too.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional_with_sizes};
use tokio::net::TcpStream;

use super::gateway::Stream;

/// Something whose connection can be reset.
pub trait Abort {
    /// Resets it.
    fn abort(self);
}

impl Abort for Stream {
    fn abort(self) {
        Stream::abort(self);
    }
}

impl Abort for TcpStream {
    fn abort(self) {
        // Zero seconds of lingering make the system send a reset. A socket that refuses is closed.
        let _ = self.set_zero_linger();
    }
}

/// Carries bytes both ways until both directions have ended, or resets both sides when one breaks.
/// Returns how many bytes `a` and `b` have said.
pub async fn splice<A, B>(mut a: A, mut b: B) -> io::Result<(u64, u64)>
where
    A: AsyncRead + AsyncWrite + Abort + Unpin,
    B: AsyncRead + AsyncWrite + Abort + Unpin,
{
    const BUFFER: usize = 16 * 1024;
    let result = copy_bidirectional_with_sizes(&mut a, &mut b, BUFFER, BUFFER).await;
    if result.is_err() {
        a.abort();
        b.abort();
    }
    result
}
