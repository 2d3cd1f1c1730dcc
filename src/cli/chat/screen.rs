//! Screen and keyboard of a conversation: at a terminal with an editor, or line by line wherever
//! one of the two is no terminal.

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::sync::{Arc, Mutex};

use tokio::sync::{mpsc, watch};

use super::commands::words;
use super::editor::{Editor, Shared, lock};
use super::known::Known;
use super::words::{Look, parts, plain};
use crate::chat::message::Event;
use crate::chat::protocol::{Moment, clock_text};
use crate::cli::output::{Failure, print, printable};

/// Output of a conversation.
#[derive(Debug)]
pub enum Screen {
    /// Lines to stdout.
    Lines,
    /// Above the line being typed.
    Editor {
        /// The terminal.
        editor: Editor,
        /// People and rooms heard of.
        known: Shared,
        /// Look of its lines.
        look: Look,
    },
}

/// Lines that are typed.
#[derive(Debug)]
pub struct Typed {
    /// Line by line; it ends with the input.
    pub lines: mpsc::Receiver<String>,
    /// True if the person at the terminal has left. Scripts never do: the end of their lines is not
    /// the end of what they have said.
    pub left: watch::Receiver<bool>,
}

/// Lines that are read before they can be said.
const LINES: usize = 16;
/// Of a longer line the rest is not kept: no dialect could say it.
const LONGEST: u64 = 1 << 20;

impl Screen {
    /// Begins, for a person who would be called `nick`.
    pub fn open(nick: &str) -> Result<(Screen, Typed), Failure> {
        let (sender, lines) = mpsc::channel(LINES);
        let (leave, left) = watch::channel(false);
        let typed = Typed { lines, left };
        let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        if dumb || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
            read_lines(sender, leave);
            return Ok((Screen::Lines, typed));
        }
        let look = Look { colours: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) };
        print(&look.note(HINT))?;
        let known = Arc::new(Mutex::new(Known::new(nick)));
        let editor = Editor::start(Arc::clone(&known), look, sender, leave)?;
        Ok((Screen::Editor { editor, known, look }, typed))
    }

    /// Lets the person type, whom the server has let in.
    pub fn begin(&self) {
        if let Screen::Editor { editor, .. } = self {
            editor.begin();
        }
    }

    /// Shows what happened.
    pub fn event(&self, moment: Moment, event: &Event) -> Result<(), Failure> {
        let parts = parts(event);
        let time = clock_text(moment);
        match (self, parts) {
            (Screen::Lines, Some(parts)) => print(&format!("[{time}] {}\n", plain(&parts))),
            (Screen::Lines, None) => Ok(()),
            (Screen::Editor { editor, known, look }, parts) => {
                let own = {
                    let mut known = lock(known);
                    known.learn(event);
                    known.nick.clone()
                };
                if let Some(parts) = parts {
                    editor.show(look.line(&time, &own, &parts));
                }
                Ok(())
            }
        }
    }

    /// These commands can be completed from now on.
    pub fn offer(&self, usages: &[&'static str]) {
        if let Screen::Editor { known, .. } = self {
            lock(known).commands = words(usages);
        }
    }

    /// Answers a command.
    pub fn answer(&self, words: &str) -> Result<(), Failure> {
        match self {
            Screen::Lines => print(&format!("{words}\n")),
            Screen::Editor { editor, look, .. } => {
                editor.show(look.note(words));
                Ok(())
            }
        }
    }

    /// Says what is the matter with the connection.
    pub fn warn(&self, words: &str) {
        match self {
            Screen::Lines => eprintln!("{}", printable(words)),
            Screen::Editor { editor, look, .. } => editor.show(look.note(words)),
        }
    }
}

const HINT: &str = "joining; /help lists the commands, /quit leaves";

/// Lines from a thread of its own: reading from a terminal cannot be waited for otherwise.
fn read_lines(sender: mpsc::Sender<String>, leave: watch::Sender<bool>) {
    std::thread::spawn(move || {
        if std::io::stdin().is_terminal() {
            eprintln!("{HINT}");
        }
        let (mut input, mut line) = (std::io::stdin().lock(), Vec::new());
        while let Ok(1..) = (&mut input).take(LONGEST).read_until(b'\n', &mut line) {
            if !line.ends_with(b"\n") && input.skip_until(b'\n').is_err() {
                break;
            }
            // Bytes that are not UTF-8 become U+FFFD, as with a server.
            if sender.blocking_send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
            line.clear();
        }
        // Never said: what was typed is still to be spoken.
        drop(leave);
    });
}
