//! The command line: one file per subcommand. Progress goes to stderr and only to a terminal,
//! results to stdout. Exit codes: 0 done, 1 failed, 2 bad usage or bad scenario, 99 a claim or a
//! case failed, 130 interrupted.

/// As the standard library's, but for a stderr that takes nothing, which is no reason to end: there is
/// nobody to tell.
macro_rules! eprintln {
    ($($words:tt)*) => { $crate::cli::output::say(format_args!("{}\n", format_args!($($words)*))) };
}

/// See `eprintln`.
macro_rules! eprint {
    ($($words:tt)*) => { $crate::cli::output::say(format_args!($($words)*)) };
}

mod admin;
mod bench;
mod chat;
mod check;
mod choice;
mod compare;
mod completions;
mod config;
mod doctor;
pub(crate) mod embedded;
mod estimate;
mod export;
mod filing;
mod lab;
mod list;
mod logging;
mod man;
mod memory;
mod merge;
mod monitor;
mod network;
mod new;
mod output;
mod page;
mod places;
mod plan;
mod plot;
mod probe;
mod progress;
mod proxy;
mod refusals;
mod reliable;
mod run;
mod schema;
mod serve;
mod shard;
mod signals;
mod system;
mod tls;
mod trace;
mod validate;
mod verify;
mod web;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{Parser, Subcommand};

use crate::congestion::{self, Algorithm};
use crate::report::too_many_files;
use crate::report::version::{REVISION, VERSION, named};

/// A network-emulation testbed: real TCP and a chat system behind lossy links, in one
/// deterministic world. No root, no kernel module; the same seed gives the same bytes.
#[derive(Debug, Parser)]
#[command(name = "testbed", version = version(), max_term_width = 100, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    New(new::New),
    Run(run::Run),
    Check(check::Check),
    List(list::List),
    Schema(schema::Schema),
    Trace(trace::Trace),
    Plot(plot::Plot),
    Page(page::Page),
    Compare(compare::Compare),
    Export(export::Export),
    Verify(verify::Verify),
    Lab(lab::LabCommand),
    Merge(merge::Merge),
    Plan(plan::PlanCommand),
    Bench(bench::Bench),
    Validate(validate::Validate),
    Serve(Box<serve::Serve>),
    Web(Box<web::Web>),
    Proxy(proxy::ProxyCommand),
    Admin(admin::Admin),
    Probe(probe::Probe),
    Chat(chat::Chat),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Text of `--version`.
fn version() -> &'static str {
    static NAMED: LazyLock<String> = LazyLock::new(|| named(VERSION, REVISION));
    &NAMED
}

/// The command line. A program of one's own adds its controllers, and has every command.
///
/// ```no_run
/// # use testbed::congestion::{Algorithm, CongestionController, Path};
/// # fn build(_: &Path) -> Box<dyn CongestionController> { unimplemented!() }
/// static AIMD: Algorithm = Algorithm { name: "aimd", summary: "…", parameters: &[], build };
///
/// fn main() -> std::process::ExitCode {
///     testbed::cli::Testbed::new().controller(&AIMD).main()
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Testbed {
    controllers: Vec<&'static Algorithm>,
}

impl Testbed {
    /// The command line with the controllers that come with it.
    pub fn new() -> Testbed {
        Testbed::default()
    }

    /// Adds a controller, which scenarios then know by its name.
    pub fn controller(mut self, algorithm: &'static Algorithm) -> Testbed {
        self.controllers.push(algorithm);
        self
    }

    /// Runs the program with the arguments of this process.
    pub fn main(self) -> ExitCode {
        if let Err(problem) = congestion::register(self.controllers) {
            return output::Failure::other(problem, "give each controller a name of its own").report().into();
        }
        run(std::env::args_os()).into()
    }
}

/// Runs the program with these arguments, its name first; its exit code.
fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let given = match config::expanded(arguments.into_iter().collect(), &definition()) {
        Ok(given) => given,
        Err(failure) => return failure.report(),
    };
    let note = |words: &str| {
        given.note(words, &definition()).into_iter().for_each(|note| eprintln!("note: {note}"));
    };
    let arguments = match Arguments::try_parse_from(&given.arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version count as success; a closed pipe is nobody's error.
            let _ = error.print();
            if !error.use_stderr() {
                return 0;
            }
            // Behind that come all options that are there.
            note(error.render().to_string().split("Usage:").next().unwrap_or_default());
            return 2;
        }
    };
    if let Err(failure) = check_open_files() {
        return failure.report();
    }
    system::outlive_large_files();
    let result = match arguments.command {
        Command::New(command) => command.execute(),
        Command::Run(command) => command.execute(),
        Command::Check(command) => command.execute(),
        Command::List(command) => command.execute(),
        Command::Schema(command) => command.execute(),
        Command::Trace(command) => command.execute(),
        Command::Plot(command) => command.execute(),
        Command::Page(command) => command.execute(),
        Command::Compare(command) => command.execute(),
        Command::Export(command) => command.execute(),
        Command::Verify(command) => command.execute(),
        Command::Lab(command) => command.execute(),
        Command::Merge(command) => command.execute(),
        Command::Plan(command) => command.execute(),
        Command::Bench(command) => command.execute(),
        Command::Validate(command) => command.execute(),
        Command::Serve(command) => command.execute(),
        Command::Web(command) => command.execute(),
        Command::Proxy(command) => command.execute(),
        Command::Admin(command) => command.execute(),
        Command::Probe(command) => command.execute(),
        Command::Chat(command) => command.execute(),
        Command::Doctor(command) => command.execute(),
        Command::Completions(command) => command.execute(),
        Command::Man(command) => command.execute(),
    };
    match result {
        Ok(()) => 0,
        Err(failure) => {
            let words = failure.words();
            let code = failure.report();
            note(&words);
            code
        }
    }
}

/// The runtime panics where it cannot open what it needs, so this is asked beforehand.
fn check_open_files() -> Result<(), output::Failure> {
    const NEEDED: usize = 12;
    let opened: Result<Vec<_>, _> = (0..NEEDED).map(|_| std::fs::File::open(system::NOTHING)).collect();
    match opened {
        Err(error) if too_many_files(&error) => {
            Err(output::Failure::other(format!("cannot start: {error}"), "allow more open files (ulimit -n)"))
        }
        _ => Ok(()),
    }
}

/// The definition of the command line, for completions and manual pages.
fn definition() -> clap::Command {
    <Arguments as clap::CommandFactory>::command()
}
