//! Problems of a scenario, their places and their mends.

use std::fmt;
use std::fmt::Write as _;
use std::io;

#[cfg(feature = "cli")]
use super::drawing::draw;
#[cfg(not(feature = "cli"))]
use plain as draw;

/// One thing that is wrong (or odd) in a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Severity: an error prevents a run.
    pub severity: Severity,
    /// Description of the problem.
    pub message: String,
    /// Mend; empty if none is known.
    pub help: String,
    /// Place in the text.
    pub place: Place,
}

/// Severity of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It does.
    Error,
    /// It does not, but the file may not mean what its author thinks.
    Warning,
}

/// A stretch of text: byte offsets into the file or into the argument of a `--set`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Text that it lies in.
    pub source: Source,
    /// Its first byte.
    pub start: usize,
    /// The byte behind its last.
    pub end: usize,
}

/// A text that a scenario is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The scenario file.
    #[default]
    File,
    /// The argument of the nth `--set`, from 0.
    Set(usize),
}

/// The texts that places point into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// The file as the user called it.
    pub file: String,
    /// Content of the text.
    pub text: String,
    /// The arguments of `--set`, in order.
    pub sets: Vec<String>,
}

/// Everything that is wrong with a scenario: at least one problem, in the order of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// Texts that the places point into.
    pub texts: Texts,
    /// The problems; warnings may be among them.
    pub problems: Vec<Problem>,
}

impl Problem {
    /// An error at `place`.
    pub fn error(place: Place, message: impl Into<String>, help: impl Into<String>) -> Problem {
        Problem { severity: Severity::Error, message: message.into(), help: help.into(), place }
    }

    /// A warning at `place`.
    pub fn warning(place: Place, message: impl Into<String>, help: impl Into<String>) -> Problem {
        Problem { severity: Severity::Warning, ..Problem::error(place, message, help) }
    }
}

impl Texts {
    /// The text that `source` means.
    pub fn of(&self, source: Source) -> &str {
        match source {
            Source::File => &self.text,
            Source::Set(n) => self.sets.get(n).map_or("", String::as_str),
        }
    }

    /// Text at `place`.
    pub fn at(&self, place: Place) -> &str {
        self.of(place.source).get(place.start..place.end).unwrap_or("")
    }

    /// The line of `place`, from 1.
    pub fn line(&self, place: Place) -> usize {
        let before = self.of(place.source).as_bytes().iter().take(place.start);
        1 + before.filter(|&&byte| byte == b'\n').count()
    }
}

impl ScenarioError {
    /// The error for `problems`, ordered by place, without repetitions.
    pub(super) fn new(texts: &Texts, mut problems: Vec<Problem>) -> ScenarioError {
        tidy(&mut problems);
        ScenarioError { texts: texts.clone(), problems }
    }

    /// Message to the user: for each problem the file, the line, the place under it and the mend.
    pub fn render(&self, colour: bool) -> String {
        render(&self.texts, &self.problems, colour)
    }
}

/// Renders problems of any severity.
pub fn render(texts: &Texts, problems: &[Problem], colour: bool) -> String {
    let mut out = draw(texts, &problems[..problems.len().min(MOST_SHOWN)], colour);
    if problems.len() > MOST_SHOWN {
        let _ = writeln!(out, "… and {} more", problems.len() - MOST_SHOWN);
    }
    out
}

/// Problems without a drawing, a line each and one for its mend, as a compiler says them.
#[cfg(any(test, not(feature = "cli")))]
fn plain(texts: &Texts, problems: &[Problem], _colour: bool) -> String {
    let mut out = String::new();
    for problem in problems {
        let Problem { severity, message, help, place } = problem;
        let name = match place.source {
            Source::File => words(&texts.file),
            Source::Set(_) => "--set".to_owned(),
        };
        let severity = if *severity == Severity::Error { "error" } else { "warning" };
        let _ = writeln!(out, "{name}:{}: {severity}: {}", texts.line(*place), words(message));
        if !help.is_empty() {
            let _ = writeln!(out, "  help: {}", words(help));
        }
    }
    out
}

/// The text of a scenario file from what reading it gave. `file` is its name as the user wrote it.
pub fn text_of(file: &str, read: io::Result<Vec<u8>>) -> Result<String, ScenarioError> {
    let mut bytes = read.map_err(|error| unreadable(file, &error))?;
    if bytes.len() > MOST_BYTES {
        let help = format!("a scenario has at most {MOST_BYTES} bytes");
        return Err(without_text(file, format!("{file} is too large for a scenario"), help));
    }
    // Some editors write a byte order mark; no reader counts it as part of the first line.
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    String::from_utf8(bytes).map_err(|error| {
        let start = error.utf8_error().valid_up_to();
        // The text shown has a replacement character (three bytes) at that place.
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let place = Place { source: Source::File, start, end: start + '\u{fffd}'.len_utf8() };
        let problem = Problem::error(place, "the file is not UTF-8 text", "save it as UTF-8");
        ScenarioError { texts: Texts { file: file.to_owned(), text, sets: vec![] }, problems: vec![problem] }
    })
}

fn unreadable(file: &str, error: &io::Error) -> ScenarioError {
    let (message, help) = match error.kind() {
        io::ErrorKind::NotFound => {
            (format!("there is no file {file}"), "`testbed list` shows the scenarios that exist".to_owned())
        }
        io::ErrorKind::IsADirectory => {
            let folder = file.trim_end_matches('/');
            (format!("{file} is a folder"), format!("name a scenario in it: {folder}/<name>.toml"))
        }
        _ => (format!("{file} cannot be read: {error}"), String::new()),
    };
    without_text(file, message, help)
}

/// The problem of a file of which nothing can be shown.
fn without_text(file: &str, message: String, help: String) -> ScenarioError {
    let problem = Problem::error(Place::default(), message, help);
    ScenarioError { texts: Texts { file: file.to_owned(), ..Texts::default() }, problems: vec![problem] }
}

/// True if an error was found at exactly this place.
pub(super) fn fails_at(problems: &[Problem], place: Place) -> bool {
    problems.iter().any(|problem| problem.severity == Severity::Error && problem.place == place)
}

/// Orders problems by place and removes repetitions.
pub(super) fn tidy(problems: &mut Vec<Problem>) {
    problems.sort_by(|a, b| (a.place, &a.message).cmp(&(b.place, &b.message)));
    problems.dedup_by(|a, b| a.place == b.place && a.message == b.message);
}

/// "did you mean" and the list of what is allowed.
pub(super) fn suggest<'a>(word: &str, allowed: impl IntoIterator<Item = &'a str>) -> String {
    let allowed: Vec<&str> = allowed.into_iter().collect();
    let list = match allowed.len() {
        0 => "nothing can stand here: leave it out".to_owned(),
        1..=MOST_LISTED => format!("allowed: {}", allowed.join(", ")),
        n => format!("allowed: {}, … ({n} in all)", allowed[..MOST_LISTED].join(", ")),
    };
    match nearest(word, allowed) {
        Some(nearest) => format!("did you mean `{nearest}`? {list}"),
        None => list,
    }
}

/// The allowed word that `word` was probably meant to be.
pub(super) fn nearest<'a>(word: &str, allowed: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = allowed.into_iter().map(|candidate| (strsim::jaro_winkler(word, candidate), candidate));
    let likely = likeness.filter(|(likeness, _)| *likeness > 0.75);
    likely.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, nearest)| nearest)
}

/// Words of ours around words of a file: nothing that a terminal obeys, and no novel.
pub(super) fn words(text: &str) -> String {
    let shown = text.replace(|c: char| is_obeyed(c) && c != '\n', "\u{fffd}");
    match shown.char_indices().nth(LONGEST_WORDS) {
        Some((end, _)) => format!("{} …", &shown[..end]),
        None => shown,
    }
}

/// Control characters, and those that turn the direction of writing.
pub(super) fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for ScenarioError {}

/// Most bytes of a scenario file: room for the longest sweep.
pub const MOST_BYTES: usize = 16 << 20;
/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Characters of a message.
const LONGEST_WORDS: usize = 2000;
/// More problems than this help nobody.
const MOST_SHOWN: usize = 20;
/// Longer lists of what is allowed are cut.
const MOST_LISTED: usize = 30;

#[cfg(test)]
mod tests {
    use super::super::Plan;
    use super::super::testing::{errors, refused, with};
    use super::*;

    #[test]
    fn a_problem_is_drawn_with_file_line_caret_and_mend() {
        let (error, _) = errors(&with("delay", "dellay"), &[]);
        let expected = "\
  × unknown key `dellay` in `link.access`
   ╭─[dir/test.toml:4:1]
 3 │ [link.access]
 4 │ dellay = \"10ms\"
   · ──────
 5 │ loss = \"1%\"
   ╰────
  help: did you mean `delay`?";
        assert!(error.render(false).contains(expected), "{error}");
        assert!(!error.render(false).contains('\u{1b}'));
        assert!(error.render(true).contains('\u{1b}'));
    }

    #[test]
    fn a_problem_is_said_in_lines_where_nothing_is_drawn() {
        let (error, _) = errors(&with("delay", "dellay"), &[]);
        let said = plain(&error.texts, &error.problems, false);
        let expected =
            "dir/test.toml:4: error: unknown key `dellay` in `link.access`\n  help: did you mean `delay`?";
        assert!(said.contains(expected), "{said}");
    }

    #[test]
    fn what_is_not_toml_is_shown_with_the_parsers_words() {
        refused(&with("\"10mbit\"", "10mbit"), 7, "10mbit", "this is not TOML", "");
        refused(&with("[tcp]", "[tcp"), 10, "p", "this is not TOML", "");
        refused(&with("warmup", "duration"), 2, "duration", "duplicate key", "");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_by_line() {
        let error = text_of("x.toml", Ok(b"seed = 1\ntitle = \"\xff\"\n".to_vec())).expect_err("no UTF-8");
        assert_eq!(error.texts.line(error.problems[0].place), 2);
        assert!(error.render(false).contains("[x.toml:2:10]"), "{error}");
        assert!(error.render(false).contains("save it as UTF-8"), "{error}");
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        let text = text_of("x.toml", Ok("\u{feff}sed = 1\n".into())).expect("a text");
        let error = Plan::parse("x.toml", &text, &[]).expect_err("a misspelt key").render(false);
        assert!(error.contains("[x.toml:1:1]\n 1 │ sed = 1\n   · ───\n"), "{error}");
        let error = text_of("x.toml", Ok(b"\xef\xbb\xbfa = \"\xff\"\n".to_vec())).expect_err("no UTF-8");
        assert!(error.render(false).contains("[x.toml:1:6]"), "{error}");
    }

    #[test]
    fn a_missing_file_and_a_folder_are_told_apart() {
        let error =
            |kind: io::ErrorKind| text_of("a/b", Err(kind.into())).expect_err("unreadable").render(false);
        assert!(error(io::ErrorKind::NotFound).contains("there is no file a/b"));
        assert!(error(io::ErrorKind::IsADirectory).contains("a/b is a folder"));
        assert!(error(io::ErrorKind::IsADirectory).contains("a/b/<name>.toml"));
        assert!(error(io::ErrorKind::PermissionDenied).contains("a/b cannot be read"));
    }

    #[test]
    fn a_file_without_end_is_refused() {
        let error = text_of("/dev/zero", Ok(vec![0; MOST_BYTES + 1])).expect_err("too much").render(false);
        assert!(error.contains("/dev/zero is too large for a scenario"), "{error}");
    }

    #[test]
    fn very_many_problems_are_counted_instead() {
        let keys: Vec<String> = (0..50).map(|n| format!("k{n} = 1")).collect();
        let (error, found) = errors(&keys.join("\n"), &[]);
        assert!(found.len() >= 50);
        assert!(error.render(false).contains("… and 32 more"), "{error}");
    }
}
