//! Frames: four bytes of length, then JSON.

use std::io::{self, Read, Write};

use serde_json::Value;

/// The longest frame that is read, in bytes: a server with ten thousand clients says about three
/// million.
pub const LONGEST: usize = 16 << 20;

/// Writes one frame.
pub fn write_frame(out: &mut impl Write, value: &Value) -> io::Result<()> {
    out.write_all(&encode(value))?;
    out.flush()
}

/// A frame's bytes.
pub(super) fn encode(value: &Value) -> Vec<u8> {
    let json = value.to_string();
    let mut frame = (json.len() as u32).to_be_bytes().to_vec();
    frame.extend_from_slice(json.as_bytes());
    frame
}

/// Reads one frame; `None` at the end of the stream.
pub fn read_frame(input: &mut impl Read) -> io::Result<Option<Value>> {
    let mut length = [0; 4];
    match input.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > LONGEST {
        let words = "what comes is no message of administrators";
        return Err(io::Error::new(io::ErrorKind::InvalidData, words));
    }
    let mut json = vec![0; length];
    input.read_exact(&mut json)?;
    Ok(Some(serde_json::from_slice(&json)?))
}

/// Asks one thing and waits for the reply.
pub fn ask(stream: &mut (impl Read + Write), request: &Value) -> io::Result<Value> {
    write_frame(stream, request)?;
    let closed = || io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection");
    read_frame(stream)?.ok_or_else(closed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_written_and_bounded() {
        let value = serde_json::json!({"command": "get_stats", "params": {}});
        let mut bytes = Vec::new();
        write_frame(&mut bytes, &value).expect("memory");
        assert_eq!(bytes[..4], [0, 0, 0, bytes.len() as u8 - 4]);
        assert_eq!(read_frame(&mut bytes.as_slice()).expect("a frame"), Some(value));
        assert_eq!(read_frame(&mut [].as_slice()).expect("the end"), None);
        assert!(read_frame(&mut [0x40, 0, 0, 0].as_slice()).is_err());
        assert!(read_frame(&mut [0, 0, 0, 9, b'{'].as_slice()).is_err());
    }
}
