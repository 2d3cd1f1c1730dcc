//! Commands typed line by line, by a person or by a script.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use super::super::output::{Failure, print};
use super::{Admin, Command};
use crate::live::admin::Administrator;
use crate::units::plural;

/// The commands as they are typed line by line.
#[derive(Debug, clap::Parser)]
#[command(no_binary_name = true, disable_help_flag = true, disable_help_subcommand = true)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

/// Forms of the commands.
const FORMS: [&str; 10] = [
    "stats",
    "clients",
    "rooms",
    "log",
    "kick CLIENT [--address-too | --name-only]",
    "broadcast TEXT",
    "close ROOM",
    "simulate [LOSS DELAY] [--congestion CONTROLLER] [--name NAME] | simulate --reset [--name NAME]",
    "shutdown",
    "quit",
];

impl Admin {
    /// Reads commands until the end of input.
    pub(super) fn converse(&self, server: &mut Administrator) -> Result<(), Failure> {
        let asks = std::io::stdin().is_terminal();
        if asks {
            // A person may take long to type a command: the server knows by then who it is.
            self.request(server, &Command::Stats)?;
        }
        let mut failed = 0;
        loop {
            if asks {
                eprint!("admin> ");
                let _ = std::io::stderr().flush();
            }
            let mut line = String::new();
            let read = std::io::stdin().lock().read_line(&mut line);
            if read.map_err(|error| Failure::other(format!("cannot read commands: {error}"), ""))? == 0 {
                return account(failed, asks);
            }
            match line.trim() {
                "" => {}
                "quit" | "exit" => return account(failed, asks),
                "help" => print(&format!("{}\n", FORMS.join(" | ")))?,
                line => match <Line as clap::Parser>::try_parse_from(words(line)) {
                    Err(error) => {
                        failed += 1;
                        objection(line, &error).report();
                    }
                    Ok(Line { command }) => {
                        if matches!(command, Command::Shutdown) && asks && !confirmed()? {
                            continue;
                        }
                        // A refusal by the server ends nothing; a lost connection does.
                        match self.obey(server, &command) {
                            Err(failure) if server.is_lost() => return Err(failure),
                            Err(failure) => {
                                failed += 1;
                                failure.report();
                            }
                            Ok(()) => {}
                        }
                    }
                },
            }
        }
    }
}

/// Reason for which a line is no command, and how to write it.
fn objection(line: &str, error: &clap::Error) -> Failure {
    let word = line.split_whitespace().next().unwrap_or_default();
    let Some(form) = FORMS.iter().find(|form| form.split(' ').next() == Some(word)) else {
        return Failure::other(format!("there is no command '{word}'"), FORMS.join(" | "));
    };
    let problem = if error.kind() == clap::error::ErrorKind::MissingRequiredArgument {
        format!("'{line}' is not complete")
    } else {
        let said = error.to_string();
        said.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
    };
    Failure::other(problem, format!("write {form}"))
}

/// A script wants to know whether all was done; a person has seen it.
fn account(failed: u64, asks: bool) -> Result<(), Failure> {
    if asks || failed == 0 {
        return Ok(());
    }
    Err(Failure::other(format!("{} failed, see above", plural(failed, "command")), ""))
}

/// A typed line in words, as a shell takes it apart where quotes stand around them.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let quoted = ['"', '\''].into_iter().filter(|&quote| quote == first).find_map(|quote| {
            let (word, after) = rest[1..].split_once(quote)?;
            (after.is_empty() || after.starts_with(char::is_whitespace)).then_some((word, after))
        });
        let plain = || rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
        let (word, after) = quoted.unwrap_or_else(plain);
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

fn confirmed() -> Result<bool, Failure> {
    eprint!("End the server? (yes/no) ");
    let _ = std::io::stderr().flush();
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|error| Failure::other(format!("cannot read the answer: {error}"), ""))?;
    Ok(line.trim() == "yes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    #[test]
    fn quotes_group_words_and_apostrophes_are_letters() {
        assert_eq!(words(" broadcast  \"hello  all\" "), ["broadcast", "hello  all"]);
        assert_eq!(words("broadcast 'hi' don't 'panic"), ["broadcast", "hi", "don't", "'panic"]);
        assert_eq!(words("broadcast \"\""), ["broadcast", ""]);
        assert!(words("  ").is_empty());
    }

    /// The original tool's form.
    #[test]
    fn bare_numbers_are_per_cent_and_milliseconds() {
        let parse = |line: &str| <Line as clap::Parser>::try_parse_from(words(line)).map(|line| line.command);
        for line in ["simulate 10 50", "simulate 10% 50ms"] {
            let Ok(Command::Simulate { loss: Some(loss), delay, .. }) = parse(line) else { panic!("{line}") };
            assert_eq!(
                (loss.to_string().as_str(), delay),
                ("10%", Some(Duration::from_millis(50))),
                "{line}"
            );
        }
        for line in ["simulate --congestion bbr --name kim", "simulate 1 5 --congestion bbr"] {
            assert!(parse(line).is_ok(), "{line}");
        }
        for line in [
            "simulate 101 50",
            "simulate 10 -5",
            "simulate 10 50x",
            "simulate nan 50",
            "simulate 10",
            "simulate",
            "simulate 10 --congestion bbr",
            "simulate --reset 5 5",
            "simulate --reset --congestion bbr",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
