//! A file that this person offers.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration as Span;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::chat::files::{About, FileRequest, Recipient, safe_name};
use crate::chat::message::Request;
use crate::units::hex;

/// Time for which one whose reader has left is offered again when it comes back.
const OFFERED_AGAIN: Span = Span::from_secs(300);

/// A file that is offered.
#[derive(Debug)]
pub struct Sending {
    pub to: Recipient,
    pub about: About,
    content: File,
    /// Number of the offer, once the server has given it.
    pub file: Option<u32>,
    /// People who have not ended it.
    pub people: u32,
    pub has_begun: bool,
    /// Time at which its reader left.
    pub gone: Option<Instant>,
}

impl Sending {
    /// A file at a path, whose content is read once for its checksum.
    pub fn open(path: &Path, to: Recipient) -> io::Result<Sending> {
        // Of a pipe there is no part.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        let mut content = File::open(path)?;
        let (mut sum, mut buffer, mut size) = (Sha256::new(), vec![0; 1 << 16], 0);
        loop {
            match content.read(&mut buffer)? {
                0 => break,
                bytes => {
                    sum.update(&buffer[..bytes]);
                    size += bytes as u64;
                }
            }
        }
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let about = About { name: safe_name(&name).into(), size, sum: hex(&sum.finalize()).into() };
        Ok(Sending { to, about, content, file: None, people: 0, has_begun: false, gone: None })
    }

    /// True while the server has not answered its offer.
    pub fn waits_for_answer(&self) -> bool {
        self.file.is_none() && self.gone.is_none()
    }

    /// Request that offers it.
    pub fn offer(&self) -> Request {
        Request::File(FileRequest::Offer { to: self.to.clone(), about: self.about.clone() })
    }

    /// False of what was offered to somebody who has left long ago.
    pub fn is_wanted(&self, now: Instant) -> bool {
        self.gone.is_none_or(|gone| now.saturating_duration_since(gone) < OFFERED_AGAIN)
    }

    /// The part that begins at a byte, in Base64.
    pub fn part(&mut self, from: u64) -> io::Result<String> {
        self.has_begun = true;
        let length = self.about.part(from).ok_or_else(|| io::Error::other("there is no such part"))?;
        let mut bytes = vec![0; length as usize];
        self.content.seek(SeekFrom::Start(from))?;
        self.content.read_exact(&mut bytes)?;
        Ok(STANDARD.encode(bytes))
    }
}
