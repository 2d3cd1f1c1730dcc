//! A process of somebody's code: it never outlives its use, and of what it says no more is kept than is read.

use std::io::{self, ErrorKind, Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use crate::cli::system;

/// Bytes kept of the beginning of a stream, and of its end.
const KEPT: usize = 64 << 10;

/// Time for the rest of a stream, whose other end a process may have handed on.
const REST: Duration = Duration::from_secs(1);

/// A process with those that it begins. All of them end with this.
pub struct Process {
    child: Child,
    streams: [Receiver<Vec<u8>>; 2],
    has_ended: bool,
}

impl Process {
    /// Begins a process that reads a few words.
    pub fn begin(mut command: Command, words: &str) -> io::Result<Process> {
        system::set_apart(&mut command);
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn()?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let process = Process { child, streams: [ends_of(stdout), ends_of(stderr)], has_ended: false };
        // One that ends before it reads says why by itself.
        let _ = stdin.map(|mut stdin| stdin.write_all(words.as_bytes()));
        Ok(process)
    }

    /// Its status once it has ended.
    pub fn status(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Ends it; stdout and stderr, of long ones the beginning and the end.
    pub fn said(mut self) -> [String; 2] {
        self.end();
        self.streams.each_ref().map(|stream| {
            String::from_utf8_lossy(&stream.recv_timeout(REST).unwrap_or_default()).into_owned()
        })
    }

    fn end(&mut self) {
        if !self.has_ended {
            self.has_ended = true;
            system::end_with_children(&mut self.child);
            let _ = self.child.wait();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Reads a stream to its end on a thread.
fn ends_of(stream: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut kept, mut chunk) = (Vec::new(), [0; 8192]);
        if let Some(mut stream) = stream {
            loop {
                match stream.read(&mut chunk) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Ok(0) | Err(_) => break,
                    Ok(read) => kept.extend_from_slice(&chunk[..read]),
                }
                if kept.len() > 4 * KEPT {
                    kept.drain(KEPT..kept.len() - KEPT);
                }
            }
        }
        let _ = sender.send(kept);
    });
    receiver
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// Output of a script that has ended by itself.
    fn said(script: &str, words: &str) -> [String; 2] {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut process = Process::begin(command, words).expect("sh");
        while process.status().expect("a child").is_none() {
            std::thread::yield_now();
        }
        process.said()
    }

    #[test]
    fn a_process_hears_its_words_and_is_heard() {
        let both = said("read word; echo got $word; echo no >&2", "it\n");
        assert_eq!(both, ["got it\n".to_owned(), "no\n".to_owned()]);
    }

    #[test]
    fn its_children_end_with_it() {
        let [child, _] = said("sleep 1000 & echo $!", "");
        // As long as the child lived, it would keep the stream open, of which nothing would be known.
        assert!(child.trim().parse::<u32>().is_ok(), "{child}");
    }

    #[test]
    fn of_long_words_both_ends_are_kept() {
        let words = io::Cursor::new([vec![b'a'; 1 << 20], b"end".to_vec()].concat());
        let kept = ends_of(Some(words)).recv().expect("read");
        assert!(kept.starts_with(b"aaa") && kept.ends_with(b"aend") && kept.len() <= 4 * KEPT);
    }
}
