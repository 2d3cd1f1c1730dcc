//! Two streams joined: what one says the other hears, the end of each direction and a reset too.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional_with_sizes};
use tokio::net::TcpStream;

use super::gateway::Stream;

/// Something whose connection can be reset.
pub trait Abort {
    /// Makes its end, when it is dropped, a reset.
    fn abort(&self);
}

impl Abort for Stream {
    fn abort(&self) {
        Stream::abort(self);
    }
}

impl Abort for TcpStream {
    fn abort(&self) {
        // Zero seconds of lingering make the system send a reset. A socket that refuses is closed.
        let _ = self.set_zero_linger();
    }
}

/// Two ends of what was to be carried. Unless both directions have ended, both are reset, so that nobody
/// takes the part that arrived for the whole: also where nobody waits for the end.
struct Ends<A: Abort, B: Abort> {
    a: A,
    b: B,
    in_order: bool,
}

impl<A: Abort, B: Abort> Drop for Ends<A, B> {
    fn drop(&mut self) {
        if !self.in_order {
            self.a.abort();
            self.b.abort();
        }
    }
}

/// Carries bytes both ways until both directions have ended, or resets both sides when one breaks or
/// this is dropped before. Returns how many bytes `a` and `b` have said.
pub async fn splice<A, B>(a: A, b: B) -> io::Result<(u64, u64)>
where
    A: AsyncRead + AsyncWrite + Abort + Unpin,
    B: AsyncRead + AsyncWrite + Abort + Unpin,
{
    const BUFFER: usize = 16 * 1024;
    let mut ends = Ends { a, b, in_order: false };
    let result = copy_bidirectional_with_sizes(&mut ends.a, &mut ends.b, BUFFER, BUFFER).await;
    ends.in_order = result.is_ok();
    result
}
