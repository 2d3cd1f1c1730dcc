//! Output of every subcommand, and its failures.

use std::fmt::{Arguments, Display};
use std::io::{IsTerminal, Read as _, Write};
use std::path::Path;

use super::system;
use crate::report::ReportError;
use crate::report::check_plots;
use crate::scenario::{MOST_FILE_BYTES, Plan, ScenarioError, problem::MOST_BYTES, text_of};
use crate::tables::check_claims;

/// Reason of a command's failure, with its exit code.
#[derive(Debug)]
pub enum Failure {
    /// 2: the scenario or the arguments are wrong; the text is rendered already.
    Scenario(Box<ScenarioError>),
    /// 2: the arguments are wrong, with what is right.
    Usage {
        /// Description of the problem.
        problem: String,
        /// Mend.
        help: String,
    },
    /// 1: something else, with what can be done about it.
    Other {
        /// Description of the problem.
        problem: String,
        /// Mend.
        help: String,
    },
    /// 99: what was claimed does not hold.
    Refuted(String),
    /// 130: interrupted; what was finished is kept, and how to go on has been said.
    Interrupted,
    /// 0: nobody reads on.
    ClosedPipe,
}

impl Failure {
    /// Says it on stderr; its exit code.
    pub fn report(self) -> u8 {
        match self {
            Failure::Scenario(error) => {
                eprint!("{}", error.render(colour_on_stderr()));
                2
            }
            Failure::Usage { problem, help } => {
                complain(&problem, &help);
                2
            }
            Failure::Other { problem, help } => {
                complain(&problem, &help);
                1
            }
            Failure::Refuted(claim) => {
                eprintln!("{claim}");
                99
            }
            Failure::Interrupted => 130,
            Failure::ClosedPipe => 0,
        }
    }

    /// Its words, as far as they are about arguments.
    pub fn words(&self) -> String {
        match self {
            Failure::Usage { problem, help } | Failure::Other { problem, help } => {
                format!("{problem} {help}")
            }
            _ => String::new(),
        }
    }

    /// Arguments that cannot be.
    pub fn usage(problem: impl Display, help: impl Display) -> Failure {
        Failure::Usage { problem: problem.to_string(), help: help.to_string() }
    }

    /// A failure without a particular mend.
    pub fn other(problem: impl Display, help: impl Display) -> Failure {
        Failure::Other { problem: problem.to_string(), help: help.to_string() }
    }
}

fn complain(problem: &str, help: &str) {
    // It may be in a server's words.
    eprintln!("error: {}", printable(problem));
    if !help.is_empty() {
        eprintln!("help: {help}");
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Failure {
        match error {
            ReportError::NoAxis { .. } | ReportError::Unfit { .. } => Failure::usage(&error, error.help()),
            _ if error.is_no_folder() => Failure::usage(&error, error.help()),
            _ => Failure::other(&error, error.help()),
        }
    }
}

impl From<ScenarioError> for Failure {
    fn from(error: ScenarioError) -> Failure {
        Failure::Scenario(Box::new(error))
    }
}

/// Writes to stderr, if that takes it.
pub fn say(words: Arguments<'_>) {
    let _ = std::io::stderr().lock().write_fmt(words);
}

/// Writes `text` to stdout.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Failure::ClosedPipe
        } else {
            let help = match error.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    "free some space there, or send the output to another disk"
                }
                std::io::ErrorKind::FileTooLarge => "allow larger files (ulimit -f)",
                _ => "check where the output goes",
            };
            Failure::other(format!("cannot write to stdout: {error}"), help)
        }
    })
}

/// A server that does not mind its clients' terminals is minded here.
pub fn printable(words: &str) -> String {
    words.replace(|c: char| is_obeyed(c) && c != '\n' && c != '\t', "\u{fffd}")
}

/// The same for what has no line breaks of its own.
pub fn one_line(words: &str) -> String {
    words.replace(is_obeyed, "\u{fffd}")
}

/// Characters that a terminal obeys instead of showing them: control characters, and those that turn the
/// direction of writing.
fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// True if errors may have colours: a terminal, and nobody objects (no-color.org).
pub fn colour_on_stderr() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Threads that run at once.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Reads and validates a scenario file; its warnings go to stderr.
pub fn load(file: &Path, sets: &[String]) -> Result<(Plan, String), Failure> {
    let text = text_in(file)?;
    let plan = planned(file, &text, sets)?;
    if !plan.warnings.is_empty() {
        eprint!("{}", plan.render_warnings(colour_on_stderr()));
    }
    Ok((plan, text))
}

/// Validates the text of a scenario, which goes by the name of this file.
pub fn planned(file: &Path, text: &str, sets: &[String]) -> Result<Plan, Failure> {
    let name = file.display().to_string();
    let plan = Plan::parse_with(&name, text, sets, &mut |named| beside(file, named))?;
    check_claims(&plan).map_err(Failure::Scenario)?;
    check_plots(&plan).map_err(Failure::Scenario)?;
    Ok(plan)
}

/// Text of a scenario file.
pub fn text_in(file: &Path) -> Result<String, Failure> {
    let name = file.display().to_string();
    let bytes = read(file);
    if let (Err(error), Some(meant)) = (&bytes, meant(file))
        && error.kind() == std::io::ErrorKind::NotFound
    {
        return Err(Failure::usage(format!("there is no file {name}"), format!("did you mean `{meant}`?")));
    }
    Ok(text_of(&name, bytes)?)
}

/// Reads a file that a scenario names, from the scenario's folder.
pub fn beside(scenario: &Path, named: &str) -> std::io::Result<Vec<u8>> {
    let path = scenario.parent().unwrap_or(Path::new("")).join(named);
    // A pipe or a device may never end, and gives other bytes each time.
    match std::fs::metadata(&path)? {
        found if found.is_dir() => Err(std::io::ErrorKind::IsADirectory.into()),
        found if !found.is_file() => Err(std::io::Error::other("it is no regular file")),
        _ => {
            let mut bytes = Vec::new();
            std::fs::File::open(path)?.take(MOST_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        }
    }
}

/// The scenario file that a bare name stands for: `scenarios/loss10.toml` for `loss10`.
fn meant(name: &Path) -> Option<String> {
    let file = Path::new("scenarios").join(name.file_name()?).with_extension("toml");
    file.exists().then(|| file.display().to_string())
}

/// The bytes of a file, and one more than a scenario may have of those that never end. A pipe that lies in
/// a folder is refused, since it may wait for a writer for ever; one that a shell hands over has one.
fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    if system::is_named_pipe(std::fs::symlink_metadata(file)?.file_type()) {
        return Err(std::io::Error::other("it is a named pipe"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
