//! Frames of WebSocket (RFC 6455 §5), however their bytes arrive.

use crate::chat::protocol::Malformed;

/// Side of a connection that a reader hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat::protocol) enum From {
    /// Every frame is masked (§5.1).
    Client,
    /// No frame is.
    Server,
}

/// Violation of the protocol, by which the connection fails (§7.1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat::protocol) enum Fault {
    /// No frame may look so.
    Protocol,
    /// A message of bytes, where only texts are spoken.
    Binary,
    /// A text that is no UTF-8.
    NoText,
    /// A message beyond the limit.
    TooBig,
    /// A text that is no sentence of the dialect.
    Policy,
}

impl std::convert::From<Fault> for Malformed {
    /// The close frame with the status code of §7.4.1.
    fn from(fault: Fault) -> Malformed {
        let farewell: &[u8] = match fault {
            Fault::Protocol => b"\x88\x02\x03\xea",
            Fault::Binary => b"\x88\x02\x03\xeb",
            Fault::NoText => b"\x88\x02\x03\xef",
            Fault::Policy => b"\x88\x02\x03\xf0",
            Fault::TooBig => b"\x88\x02\x03\xf1",
        };
        Malformed { farewell }
    }
}

/// The close frame of an end in order: 1000.
pub(in crate::chat::protocol) const CLOSE: &[u8] = b"\x88\x02\x03\xe8";
/// A ping without a payload.
pub(in crate::chat::protocol) const PING: &[u8] = b"\x89\x00";

/// One thing that the other side says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat::protocol) enum Piece<'a> {
    /// A whole message.
    Text(&'a str),
    /// To be answered by a [`pong`].
    Ping(&'a [u8]),
    Pong,
    /// It says nothing more.
    Close,
}

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;
/// In the place of a length: it follows in two bytes, or in eight.
const LONGER: u8 = 126;
const LONGEST: u8 = 127;
/// The longest payload of a control frame (§5.5).
const CONTROL: usize = 125;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSING: u8 = 8;
const PINGING: u8 = 9;
const PONGING: u8 = 10;

/// Cuts a stream of bytes into frames, and puts fragments of messages together.
#[derive(Debug)]
pub(in crate::chat::protocol) struct Reader {
    from: From,
    /// Bytes of the longest message.
    limit: usize,
    /// The beginning of a frame.
    partial: Vec<u8>,
    /// The fragments of a message so far, if one has begun.
    message: Option<Vec<u8>>,
}

/// The head of a frame, read.
struct Head {
    opcode: u8,
    is_last: bool,
    mask: Option<[u8; 4]>,
    /// Place and length of the payload.
    at: usize,
    length: usize,
}

impl Reader {
    /// A reader of messages of at most `limit` bytes.
    pub fn new(from: From, limit: usize) -> Reader {
        Reader { from, limit, partial: Vec::new(), message: None }
    }

    /// Takes bytes and gives everything that is complete to `each`, which may stop by an error.
    pub fn feed<E: std::convert::From<Fault>>(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut partial = std::mem::take(&mut self.partial);
        partial.extend_from_slice(bytes);
        let mut rest = &mut partial[..];
        while let Some(head) = self.head(rest)? {
            let (frame, after) = rest.split_at_mut(head.at + head.length);
            self.take(&head, &mut frame[head.at..], &mut each)?;
            rest = after;
        }
        let left = rest.len();
        partial.drain(..partial.len() - left);
        // The memory of one long message is not kept by an idle connection.
        if partial.is_empty() {
            partial = Vec::new();
        }
        self.partial = partial;
        Ok(())
    }

    /// The head of a frame that is complete; a fault is found before its payload has come.
    fn head(&self, bytes: &[u8]) -> Result<Option<Head>, Fault> {
        let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
        let (opcode, is_last) = (first & 0x0f, first & FIN != 0);
        let is_control = opcode >= CLOSING;
        let is_known = matches!(opcode, CONTINUATION | TEXT | BINARY | CLOSING | PINGING | PONGING);
        if first & RESERVED != 0 || !is_known || (is_control && !is_last) {
            return Err(Fault::Protocol);
        }
        if (second & MASKED != 0) != (self.from == From::Client) {
            return Err(Fault::Protocol);
        }
        let (length, size) = match second & !MASKED {
            LONGER => match rest.first_chunk() {
                Some(length) => (u64::from(u16::from_be_bytes(*length)), 2),
                None => return Ok(None),
            },
            LONGEST => match rest.first_chunk() {
                Some(length) => (u64::from_be_bytes(*length), 8),
                None => return Ok(None),
            },
            length => (u64::from(length), 0),
        };
        let begun = self.message.as_ref().map_or(0, Vec::len);
        match opcode {
            BINARY => return Err(Fault::Binary),
            // A message ends before the next one begins (§5.4).
            TEXT if self.message.is_some() => return Err(Fault::Protocol),
            CONTINUATION if self.message.is_none() => return Err(Fault::Protocol),
            _ if is_control && length > CONTROL as u64 => return Err(Fault::Protocol),
            TEXT | CONTINUATION if length > (self.limit - begun) as u64 => return Err(Fault::TooBig),
            _ => {}
        }
        let at = 2 + size + if self.from == From::Client { 4 } else { 0 };
        let mask = match self.from {
            From::Client => match rest[size..].first_chunk() {
                Some(mask) => Some(*mask),
                None => return Ok(None),
            },
            From::Server => None,
        };
        let length = length as usize;
        Ok((bytes.len() >= at + length).then_some(Head { opcode, is_last, mask, at, length }))
    }

    fn take<E: std::convert::From<Fault>>(
        &mut self,
        head: &Head,
        payload: &mut [u8],
        each: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(mask) = head.mask {
            apply(mask, payload);
        }
        match head.opcode {
            PINGING => each(Piece::Ping(payload)),
            PONGING => each(Piece::Pong),
            CLOSING => each(Piece::Close),
            TEXT if head.is_last => each(Piece::Text(text(payload)?)),
            _ => {
                let message = self.message.get_or_insert_default();
                message.extend_from_slice(payload);
                if !head.is_last {
                    return Ok(());
                }
                let message = self.message.take().unwrap_or_default();
                each(Piece::Text(text(&message)?))
            }
        }
    }
}

fn text(payload: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(payload).map_err(|_| Fault::NoText)
}

fn apply(mask: [u8; 4], payload: &mut [u8]) {
    for (n, byte) in payload.iter_mut().enumerate() {
        *byte ^= mask[n % 4];
    }
}

/// A whole message from a server.
pub(in crate::chat::protocol) fn push_text(payload: &[u8], out: &mut Vec<u8>) {
    push(TEXT, payload, None, out);
}

/// A whole message from a client.
pub(in crate::chat::protocol) fn push_masked_text(payload: &[u8], mask: [u8; 4], out: &mut Vec<u8>) {
    push(TEXT, payload, Some(mask), out);
}

/// The answer to a ping.
pub(in crate::chat::protocol) fn push_pong(payload: &[u8], mask: Option<[u8; 4]>, out: &mut Vec<u8>) {
    push(PONGING, payload, mask, out);
}

fn push(opcode: u8, payload: &[u8], mask: Option<[u8; 4]>, out: &mut Vec<u8>) {
    let masked = if mask.is_some() { MASKED } else { 0 };
    out.push(FIN | opcode);
    match payload.len() {
        length @ 0..=125 => out.push(masked | length as u8),
        length @ 126..=0xffff => {
            out.push(masked + LONGER);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(masked + LONGEST);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(mask.as_ref().map_or(&[], <[u8; 4]>::as_slice));
    let at = out.len();
    out.extend_from_slice(payload);
    if let Some(mask) = mask {
        apply(mask, &mut out[at..]);
    }
}
