//! Steps of a conversation with program 3's server, which prompts for what belongs to a command.

use crate::time::Instant;

/// Something to be sent in its turn.
#[derive(Debug)]
pub(super) enum Step {
    Send(String),
    /// A command that the original ignores.
    Added(String),
    Prompted(Prompted),
}

/// A command, the prompt that it brings, and the answer to that.
#[derive(Debug)]
pub(super) struct Prompted {
    pub command: &'static str,
    pub prompt: &'static str,
    /// One's own nick if absent: as it is then.
    pub answer: Option<String>,
    /// State that it wants, hidden or shown, if any.
    pub hides: Option<bool>,
}

/// A text of the server before which nothing more is sent, and the time by which it is given up.
#[derive(Debug)]
pub(super) struct Pending {
    pub text: ServerText,
    pub by: Instant,
}

/// Kinds of such texts.
#[derive(Debug)]
pub(super) enum ServerText {
    /// The prompt.
    Prompt(Prompted),
    /// That the answer has come: the server would read a command close behind it as a part of it.
    Confirmation,
    /// The server's answer to this command of ours; the list of members that was asked for behind it
    /// comes first where it answers nothing.
    Verdict(String),
}
