//! The line being typed at a terminal: a thread that edits it, one that prints above it, and the
//! care that the terminal is as it was when the program ends, however it ends.

use std::io::ErrorKind;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration as Span;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{
    Cmd, ColorMode, ConditionalEventHandler, Config, Context, Event as Key, EventContext, EventHandler,
    ExternalPrinter as _, Helper, KeyEvent, Movement, RepeatCount,
};
use tokio::sync::watch;

use super::known::Known;
use super::words::Look;
use crate::chat::message::Request;
use crate::chat::protocol::commands::{self, Command};
use crate::cli::output::{Failure, print};
use crate::cli::system::Terminal;

/// Names known so far, for the threads that need them.
pub type Shared = Arc<Mutex<Known>>;

/// Takes the lock; whoever panicked with it left nothing half done.
pub fn lock(known: &Shared) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Time for a server to let somebody in before there is a line to be typed; what is typed meanwhile waits.
const BEGINS_AFTER: Span = Span::from_secs(2);

/// A terminal with a line being typed. Dropped, it leaves the terminal as it was.
#[derive(Debug)]
pub struct Editor {
    /// Lines to be shown above; none once it ends.
    above: Option<SyncSender<String>>,
    /// Closed when all of them are shown.
    shown: Receiver<()>,
    _terminal: Terminal,
    /// Word that the first line may be typed.
    begin: mpsc::Sender<()>,
    /// True while a line is being typed.
    typing: Arc<Mutex<bool>>,
}

type Lines = tokio::sync::mpsc::Sender<String>;
type Inner = rustyline::Editor<Assistant, MemHistory>;

impl Editor {
    /// Begins to edit: lines go to `lines`, and `left` says when the person has left.
    pub fn start(
        known: Shared,
        look: Look,
        lines: Lines,
        left: watch::Sender<bool>,
    ) -> Result<Editor, Failure> {
        let failed =
            |error: &dyn std::fmt::Display| Failure::other(format!("cannot use this terminal: {error}"), "");
        let terminal = Terminal::here().map_err(|error| failed(&error))?;
        let colours = if look.colours { ColorMode::Enabled } else { ColorMode::Disabled };
        let config = Config::builder().auto_add_history(true).color_mode(colours).build();
        let mut inner = Inner::with_history(config, MemHistory::new()).map_err(|error| failed(&error))?;
        inner.set_helper(Some(Assistant(Arc::clone(&known))));
        inner.bind_sequence(KeyEvent::ctrl('C'), EventHandler::Conditional(Box::new(ClearOrLeave)));
        let mut printer = inner.create_external_printer().map_err(|error| failed(&error))?;
        // Between two lines, too, what is typed ahead is neither shown twice nor kept back by the terminal.
        terminal.keep_quiet().map_err(|error| failed(&error))?;
        let (above, waiting) = mpsc::sync_channel::<String>(1_024);
        let (done, shown) = mpsc::channel::<()>();
        // On a thread of its own: a terminal that is stopped (Ctrl-S) must not stop the connection.
        std::thread::spawn(move || {
            while let Ok(text) = waiting.recv() {
                if printer.print(text).is_err() {
                    break;
                }
            }
            drop(done);
        });
        let typing = Arc::new(Mutex::new(false));
        let flag = Arc::clone(&typing);
        let (begin, begun) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            // A prompt that is drawn while the program ends would stand in or behind its last words.
            let _ = begun.recv_timeout(BEGINS_AFTER);
            edit(&mut inner, &known, look, &lines, &flag);
            left.send_replace(true);
        });
        Ok(Editor { above: Some(above), shown, _terminal: terminal, begin, typing })
    }

    /// Lets the person type: a server that refuses has done so by now.
    pub fn begin(&self) {
        let _ = self.begin.send(());
    }

    /// Shows lines above the one being typed.
    pub fn show(&self, text: String) {
        if let Some(above) = &self.above {
            let _ = above.send(text);
        }
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        // As long as a terminal takes that is not stopped.
        const PATIENCE: Span = Span::from_millis(300);
        self.above = None;
        let _ = self.shown.recv_timeout(PATIENCE);
        if *self.typing.lock().unwrap_or_else(PoisonError::into_inner) {
            /// No marks around what is pasted, and a line of its own for what comes next.
            const FAREWELL: &str = "\x1b[?2004l\r\x1b[J";
            let _ = print(FAREWELL);
        }
    }
}

/// Edits line after line until the person leaves.
fn edit(inner: &mut Inner, known: &Shared, look: Look, lines: &Lines, typing: &Mutex<bool>) {
    let set = |value| *typing.lock().unwrap_or_else(PoisonError::into_inner) = value;
    loop {
        let own = lock(known).nick.clone();
        set(true);
        let line = inner.readline(&(format!("{own}> "), look.prompt(&own)));
        set(false);
        let typed = match line {
            Ok(typed) => typed,
            // Text that is not UTF-8 is no reason to leave.
            Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => continue,
            Err(_) => return,
        };
        // Pasted text may be many lines.
        for line in typed.lines() {
            let leaves = matches!(commands::parse(line), Some(Command::Ask(Request::Leave)));
            if lines.blocking_send(line.to_owned()).is_err() || leaves {
                return;
            }
        }
    }
}

/// Ctrl-C: away with what is typed, or with oneself if there is nothing.
struct ClearOrLeave;

impl ConditionalEventHandler for ClearOrLeave {
    fn handle(&self, _: &Key, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        Some(if context.line().is_empty() { Cmd::Interrupt } else { Cmd::Kill(Movement::WholeBuffer) })
    }
}

/// Completes words.
struct Assistant(Shared);

impl Completer for Assistant {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(lock(&self.0).completions(&line[..at]))
    }
}

impl Hinter for Assistant {
    type Hint = String;
}

impl Highlighter for Assistant {}
impl Validator for Assistant {}
impl Helper for Assistant {}
