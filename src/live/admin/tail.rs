//! The end of the log, for administrators who do not see the server's terminal.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Lines that are kept.
const LINES: usize = 200;
/// Characters of a line that are kept.
const LINE: usize = 1_000;

/// The last lines of a log. All clones have the same ones.
#[derive(Clone, Debug, Default)]
pub struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    /// All lines that are kept, the oldest first.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// Each write is whole lines.
impl io::Write for Tail {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for line in String::from_utf8_lossy(bytes).lines() {
            if kept.len() == LINES {
                kept.pop_front();
            }
            kept.push_back(line.chars().take(LINE).collect());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_no_more() {
        let tail = Tail::default();
        for n in 0..LINES + 5 {
            tail.clone().write_all(format!("line {n}\n").as_bytes()).expect("memory");
        }
        assert_eq!(tail.lines().len(), LINES);
        assert_eq!(tail.lines()[0], "line 5");
        assert_eq!(*tail.lines().last().expect("a line"), format!("line {}", LINES + 4));
    }

    #[test]
    fn a_line_has_its_bound_in_characters() {
        let tail = Tail::default();
        tail.clone().write_all("ä".repeat(2 * LINE).as_bytes()).expect("memory");
        assert_eq!(tail.lines()[0].chars().count(), LINE);
    }
}
