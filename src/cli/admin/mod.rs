//! `testbed admin`: asks a running server, in program 0's format.

use std::fmt::Write as _;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::time::Duration as Span;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::monitor::screen;
use super::network::{host_and_port, milliseconds, per_cent, seconds};
use super::output::{Failure, print, printable};
use crate::live::admin::Administrator;
use crate::time::Duration;
use crate::units::{Probability, plural};

/// Ask a running server: statistics, clients, kick, broadcast, close, simulate, shutdown
///
/// Without a command, reads commands line by line; `help` lists them.
#[derive(Debug, Args)]
pub struct Admin {
    /// The server's administration port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8889", global = true, value_parser = host_and_port)]
    address: String,
    /// What the server wants to see
    #[arg(long, value_name = "TOKEN", env = "TESTBED_ADMIN_TOKEN", hide_env_values = true, global = true)]
    token: Option<String>,
    /// Print the server's replies as JSON
    #[arg(long, global = true)]
    json: bool,
    /// Read commands, or show the statistics again and again [default: interactive]
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// Between two looks of the monitor
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = seconds)]
    interval: Duration,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    Interactive,
    Monitor,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// How many clients, messages, bytes, and each connection's state
    Stats,
    /// Who is connected
    Clients,
    /// Disconnect a client
    Kick {
        /// Its id or its name, as `clients` lists them
        client: String,
    },
    /// Say something to everyone
    Broadcast {
        /// What
        #[arg(required = true, trailing_var_arg = true)]
        words: Vec<String>,
    },
    /// End a room, whoever owns it
    Close {
        /// Its name
        room: String,
    },
    /// Change the emulated network
    Simulate {
        /// Loss in each direction, e. g. 10%; a bare number is per cent, as in the original tool
        #[arg(value_parser = per_cent, allow_negative_numbers = true)]
        loss: Probability,
        /// One-way delay, e. g. 50ms; a bare number is milliseconds
        #[arg(value_parser = milliseconds, allow_negative_numbers = true)]
        delay: Duration,
    },
    /// End the server
    Shutdown,
}

/// The commands as they are typed line by line.
#[derive(Debug, clap::Parser)]
#[command(no_binary_name = true, disable_help_flag = true, disable_help_subcommand = true)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

const HELP: &str =
    "stats | clients | kick CLIENT | broadcast TEXT | close ROOM | simulate LOSS DELAY | shutdown | quit";

impl Admin {
    /// Asks one thing, watches, or reads commands until the end of input.
    pub fn execute(self) -> Result<(), Failure> {
        let result = self.run();
        if let (true, Err(Failure::Other { problem, help } | Failure::Usage { problem, help })) =
            (self.json, &result)
        {
            print(&format!("{:#}\n", json!({ "error": problem, "help": help })))?;
        }
        result
    }

    fn run(&self) -> Result<(), Failure> {
        if let (Some(_), Some(_)) = (&self.command, self.mode) {
            return Err(Failure::usage("--mode is for no command", "leave out one of them"));
        }
        let mut server = self.connect()?;
        match (&self.command, self.mode) {
            (Some(command), _) => self.obey(&mut server, command),
            (None, Some(Mode::Monitor)) => self.monitor(server),
            (None, Some(Mode::Interactive) | None) => self.converse(&mut server),
        }
    }

    fn obey(&self, server: &mut Administrator, command: &Command) -> Result<(), Failure> {
        let reply = self.request(server, command)?;
        if self.json {
            return print(&format!("{reply:#}\n"));
        }
        print(&rendered(command, &reply))
    }

    fn request(&self, server: &mut Administrator, command: &Command) -> Result<Value, Failure> {
        let (name, params) = match command {
            Command::Stats => ("get_stats", json!({})),
            Command::Clients => ("get_clients", json!({})),
            Command::Kick { client } => {
                let clients = self.ask(server, "get_clients", &json!({}))?;
                ("kick_client", json!({ "client_id": id_of(client, &clients) }))
            }
            Command::Broadcast { words } if words.iter().all(|word| word.trim().is_empty()) => {
                return Err(Failure::usage("there is nothing to say", "write what, e. g. broadcast hello"));
            }
            Command::Broadcast { words } => {
                ("broadcast", json!({ "message": format!("[ADMIN] {}", words.join(" ")) }))
            }
            Command::Close { room } => ("close_room", json!({ "room": room })),
            Command::Simulate { loss, delay } => {
                let loss = loss.as_f64();
                ("set_network_sim", json!({ "packet_loss_rate": loss, "delay": delay.as_secs_f64() }))
            }
            Command::Shutdown => ("shutdown", json!({})),
        };
        self.ask(server, name, &params)
    }

    fn ask(&self, server: &mut Administrator, command: &str, params: &Value) -> Result<Value, Failure> {
        let reply = server.ask(command, params).map_err(|error| {
            Failure::other(
                format!("no reply from {}: {error}", self.address),
                "is this an administration port?",
            )
        })?;
        match reply["error"].as_str() {
            Some("a wrong token") => Err(Failure::other(
                "the server wants another token",
                "give it with --token TOKEN or in TESTBED_ADMIN_TOKEN",
            )),
            Some(error) => Err(Failure::other(error, "")),
            None => Ok(reply),
        }
    }

    /// Looks again and again. A server that is away is waited for.
    #[expect(clippy::disallowed_methods, reason = "a monitor waits between two looks and shows the time")]
    fn monitor(&self, server: Administrator) -> Result<(), Failure> {
        let clear = if std::io::stdout().is_terminal() && !self.json { "\x1b[2J\x1b[H" } else { "" };
        let (mut server, mut before) = (Some(server), None);
        loop {
            let reply = match &mut server {
                Some(server) => self.request(server, &Command::Stats),
                None => self.connect().and_then(|again| self.request(server.insert(again), &Command::Stats)),
            };
            let time = chrono::Local::now().format("%H:%M:%S");
            match reply {
                Ok(reply) if self.json => print(&format!("{reply:#}\n"))?,
                Ok(reply) => {
                    let text = screen(&time.to_string(), &self.address, &reply, before.as_ref());
                    print(&format!("{clear}{text}"))?;
                    before = Some(reply);
                }
                // What the server itself refuses, such as a token, will not change.
                Err(failure) if server.as_ref().is_some_and(|server| !server.is_lost()) => {
                    return Err(failure);
                }
                Err(Failure::Other { problem, .. }) => {
                    server = None;
                    eprintln!("{time}  {problem}; trying again every {}", self.interval);
                }
                Err(failure) => return Err(failure),
            }
            std::thread::sleep(Span::from_nanos(self.interval.as_nanos()));
        }
    }

    fn connect(&self) -> Result<Administrator, Failure> {
        Administrator::connect(&self.address, self.token.clone()).map_err(|error| {
            let help = "start one with `testbed serve`, or name another with --address HOST:PORT";
            Failure::other(format!("cannot reach a server at {}: {error}", self.address), help)
        })
    }

    fn converse(&self, server: &mut Administrator) -> Result<(), Failure> {
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
                "help" => print(&format!("{HELP}\n"))?,
                line => match <Line as clap::Parser>::try_parse_from(words(line)) {
                    Err(_) => {
                        failed += 1;
                        Failure::other(format!("'{line}' is no command"), HELP).report();
                    }
                    Ok(Line { command }) => {
                        if matches!(command, Command::Shutdown) && asks && !confirmed()? {
                            continue;
                        }
                        // What the server refuses ends nothing; a lost connection does.
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

/// A script wants to know whether all was done; a person has seen it.
fn account(failed: u64, asks: bool) -> Result<(), Failure> {
    if asks || failed == 0 {
        return Ok(());
    }
    Err(Failure::other(format!("{} failed, see above", plural(failed, "command")), ""))
}

/// The id of whom `clients` lists under this id or name.
fn id_of<'a>(client: &'a str, clients: &'a Value) -> &'a str {
    let listed = || clients["clients"].as_array().into_iter().flatten();
    let is = |member: &str| listed().find(|listed| listed[member].as_str() == Some(client));
    let found = is("id").or_else(|| is("username")).and_then(|listed| listed["id"].as_str());
    found.unwrap_or(client)
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

/// A reply as people read it.
fn rendered(command: &Command, reply: &Value) -> String {
    match command {
        Command::Stats => {
            let number = |name: &str| reply[name].as_u64().unwrap_or_default();
            let mut text = format!(
                "{}, {}, up {:.0} s, {} messages in, {} delivered, {} bytes\n",
                plural(number("connected_clients"), "connection"),
                match number("people") {
                    1 => "1 person".to_owned(),
                    n => format!("{n} people"),
                },
                reply["uptime"].as_f64().unwrap_or_default(),
                number("total_messages"),
                number("messages_delivered"),
                number("bytes_transferred"),
            );
            let clients: Vec<&Value> =
                reply["client_details"].as_object().map(|map| map.values().collect()).unwrap_or_default();
            table(&clients, &mut text);
            text
        }
        Command::Clients => {
            let mut text = String::new();
            table(
                &reply["clients"].as_array().map(|list| list.iter().collect::<Vec<_>>()).unwrap_or_default(),
                &mut text,
            );
            text
        }
        _ => format!("{}\n", printable(reply["message"].as_str().unwrap_or("done"))),
    }
}

const COLUMNS: &[(&str, &str)] = &[
    ("id", "client"),
    ("username", "name"),
    ("dialect", "dialect"),
    ("address", "address"),
    ("messages_in", "in"),
    ("messages_out", "out"),
    ("bytes_in", "B in"),
    ("bytes_out", "B out"),
    ("queue_bytes", "queue B"),
    ("rtt", "RTT s"),
    ("congestion_window", "cwnd"),
    ("ssthresh", "ssthresh"),
    ("rto", "RTO s"),
    ("retransmissions", "retx"),
    ("state", "state"),
];

fn table(clients: &[&Value], text: &mut String) {
    if clients.is_empty() {
        text.push_str("nobody is connected\n");
        return;
    }
    let cell = |client: &Value, key: &str| match &client[key] {
        Value::Null => "-".to_owned(),
        Value::String(words) => words.escape_debug().to_string(),
        Value::Number(number) if number.is_f64() => format!("{:.3}", number.as_f64().unwrap_or_default()),
        other => other.to_string(),
    };
    let rows: Vec<Vec<String>> =
        std::iter::once(COLUMNS.iter().map(|(_, head)| (*head).to_owned()).collect())
            .chain(clients.iter().map(|client| COLUMNS.iter().map(|(key, _)| cell(client, key)).collect()))
            .collect();
    let widths: Vec<usize> = (0..COLUMNS.len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    for row in rows {
        let line: Vec<String> =
            row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "{}", line.join("  ").trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let Ok(Command::Simulate { loss, delay }) = parse(line) else { panic!("{line}") };
            assert_eq!((loss.to_string().as_str(), delay), ("10%", Duration::from_millis(50)), "{line}");
        }
        for line in ["simulate 101 50", "simulate 10 -5", "simulate 10 50x", "simulate nan 50"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_name_stands_for_its_id_unless_it_is_one() {
        let clients = json!({ "clients": [
            { "id": "client_1_1", "username": "kim" },
            { "id": "kim", "username": "bob" },
        ]});
        assert_eq!(id_of("bob", &clients), "kim");
        assert_eq!(id_of("kim", &clients), "kim");
        assert_eq!(id_of("client_1_1", &clients), "client_1_1");
        assert_eq!(id_of("nobody", &clients), "nobody");
    }
}
