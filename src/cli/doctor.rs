//! `testbed doctor`: whether this machine may disturb runs in real time, and what optional parts lack.

use std::process::{Command, Stdio};
use std::time::{Duration as Span, Instant};

use clap::Args;

use super::export::WITHOUT;
use super::logging::raise_open_files;
use super::memory;
use super::output::{Failure, print, processors};

/// Say what of this machine may disturb runs in real time, and what optional parts lack
///
/// Virtual time needs none of it: results do not depend on the machine. Takes about a second.
#[derive(Debug, Args)]
pub struct Doctor {}

/// A line of the answer.
struct Finding {
    is_well: bool,
    what: &'static str,
    words: String,
}

/// Sleeps that are timed.
const SLEEPS: usize = 300;
const SLEEP: Span = Span::from_millis(1);
/// Lateness of a sleep from which on real time is disturbed: a tenth of a short delay.
const LATE: Span = Span::from_micros(500);
/// Sockets of a hundred people in real time.
const SOCKETS: usize = 400;

impl Doctor {
    /// Looks, and prints a line for each thing.
    pub fn execute(self) -> Result<(), Failure> {
        let Doctor {} = self;
        let findings = [cores(), sleeps(), files(), room(), disk(), pythons(), readers(), parquet()];
        let lines: String = findings
            .iter()
            .map(|Finding { is_well, what, words }| {
                format!("{:<5} {what:<12} {words}\n", if *is_well { "ok" } else { "note" })
            })
            .collect();
        print(&lines)
    }
}

fn cores() -> Finding {
    let cores = processors();
    let words = if cores == 1 {
        "one processor: in real time, network and applications wait for each other".to_owned()
    } else {
        format!("{cores} processors: so many trials run at once")
    };
    Finding { is_well: cores > 1, what: "processors", words }
}

#[expect(clippy::disallowed_methods, reason = "the clock is what is examined")]
fn sleeps() -> Finding {
    let mut late: Vec<Span> = (0..SLEEPS)
        .map(|_| {
            let asleep = Instant::now();
            std::thread::sleep(SLEEP);
            asleep.elapsed().saturating_sub(SLEEP)
        })
        .collect();
    late.sort();
    let [median, most] = [late[SLEEPS / 2], late[SLEEPS * 99 / 100]].map(|late| late.as_secs_f64() * 1e3);
    let is_well = late[SLEEPS * 99 / 100] <= LATE;
    let mend = if is_well {
        ""
    } else {
        "; other programs, a saving mode or a virtual machine: runs in real time will say how late they were"
    };
    let words = format!("a sleep of 1 ms ends {median:.2} ms late (median), {most:.2} ms (99 of 100){mend}");
    Finding { is_well, what: "timers", words }
}

fn files() -> Finding {
    let allowed = raise_open_files(SOCKETS);
    let is_well = allowed >= SOCKETS;
    let words = if is_well {
        format!("{SOCKETS} sockets and more may be open")
    } else {
        format!("{allowed} sockets may be open; `ulimit -n` raises it")
    };
    Finding { is_well, what: "open files", words }
}

fn room() -> Finding {
    let share = memory::share(processors());
    Finding { is_well: true, what: "memory", words: format!("{share} for each trial (--memory)") }
}

fn disk() -> Finding {
    let here = tempfile::tempfile_in(".");
    let words = match &here {
        Ok(_) => "results can be written here".to_owned(),
        Err(error) => format!("results cannot be written here ({error}); --out DIR names another folder"),
    };
    Finding { is_well: here.is_ok(), what: "folder", words }
}

/// A part that works without these programs, and does less.
fn optional(what: &'static str, programs: &[&str], there: &str, missing: &str) -> Finding {
    let runs = |program: &&str| {
        let mut command = Command::new(program);
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let is_well = programs.iter().any(runs);
    Finding { is_well, what, words: (if is_well { there } else { missing }).to_owned() }
}

fn pythons() -> Finding {
    let there = "Python is there, for the notebooks";
    optional("notebooks", &["python3", "python"], there, "no Python, which only the notebooks need")
}

fn readers() -> Finding {
    let there = "tshark is there, to read captures (--pcap)";
    optional("captures", &["tshark"], there, "no tshark, which only reading captures (--pcap) needs")
}

fn parquet() -> Finding {
    let is_well = cfg!(feature = "parquet");
    let words = if is_well {
        "built in, for `testbed export`".to_owned()
    } else {
        format!("not built in; only `testbed export` needs it; {WITHOUT}")
    };
    Finding { is_well, what: "parquet", words }
}
