//! `testbed admin`: asks a running server, in program 0's format.

mod conversation;
mod reply;

use std::io::IsTerminal as _;
use std::time::Duration as Span;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::monitor::screen;
use super::network::{host_and_port, milliseconds, per_cent, seconds};
use super::output::{Failure, print};
use crate::live::admin::Administrator;
use crate::time::Duration;
use crate::units::Probability;

/// Administer a running server: statistics, people, rooms, network
///
/// Without a command, reads commands line by line; `help` lists them.
#[derive(Debug, Args)]
pub struct Admin {
    /// The server's administration port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8889", global = true, value_parser = host_and_port)]
    address: String,
    /// Token that the server requires
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
    /// Number of clients, messages and bytes, and the state of each connection
    Stats,
    /// List of the people connected
    Clients,
    /// The rooms, private ones too
    Rooms,
    /// The last lines of the server's log
    Log,
    /// Disconnect a client and keep it out for a while
    ///
    /// Its name stays out for the time of `serve --kick-for`, its address only if nobody else is here from there.
    /// A person who was disconnected lately can be named again, with another option.
    Kick {
        /// Its id or its name, as `clients` lists them; the server gives names of two words, such as User 3
        #[arg(required = true)]
        client: Vec<String>,
        /// Keep the address out even if others share it, such as a whole classroom
        #[arg(long)]
        address_too: bool,
        /// Keep out the name only
        #[arg(long, conflicts_with = "address_too")]
        name_only: bool,
    },
    /// Say something to everyone
    Broadcast {
        /// Text of the message
        #[arg(required = true, trailing_var_arg = true)]
        words: Vec<String>,
    },
    /// End a room, whoever owns it
    Close {
        /// Its name
        room: String,
    },
    /// Change the emulated network, for everybody or for one person
    Simulate {
        /// Loss in each direction, e. g. 10%; a bare number is per cent, as in the original tool
        #[arg(value_parser = per_cent, allow_negative_numbers = true, requires = "delay", required_unless_present_any = ["reset", "congestion"])]
        loss: Option<Probability>,
        /// One-way delay, e. g. 50ms; a bare number is milliseconds
        #[arg(value_parser = milliseconds, allow_negative_numbers = true, required_unless_present_any = ["reset", "congestion"])]
        delay: Option<Duration>,
        /// Congestion control from now on, e. g. reno; loss and delay stay if they are left out
        #[arg(long, value_name = "CONTROLLER")]
        congestion: Option<String>,
        /// A person whose connection alone changes, and stays so when it comes back
        #[arg(long)]
        name: Option<String>,
        /// Back to the network of the start, or for one person to that of everybody
        #[arg(long, conflicts_with_all = ["loss", "delay", "congestion"])]
        reset: bool,
    },
    /// End the server
    Shutdown,
}

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
        print(&reply::rendered(command, &reply))
    }

    fn request(&self, server: &mut Administrator, command: &Command) -> Result<Value, Failure> {
        let (name, params) = match command {
            Command::Stats => ("get_stats", json!({})),
            Command::Clients => ("get_clients", json!({})),
            Command::Rooms => ("get_rooms", json!({})),
            Command::Log => ("get_log", json!({})),
            Command::Kick { client, address_too, name_only } => {
                let clients = self.ask(server, "get_clients", &json!({}))?;
                let keep_out = match (address_too, name_only) {
                    (true, _) => "address",
                    (_, true) => "name",
                    _ => "person",
                };
                let client = client.join(" ");
                ("kick_client", json!({ "client_id": id_of(&client, &clients), "keep_out": keep_out }))
            }
            Command::Broadcast { words } if words.iter().all(|word| word.trim().is_empty()) => {
                return Err(Failure::usage("there is nothing to say", "write what, e. g. broadcast hello"));
            }
            Command::Broadcast { words } => {
                ("broadcast", json!({ "message": format!("[ADMIN] {}", words.join(" ")) }))
            }
            Command::Close { room } => ("close_room", json!({ "room": room })),
            Command::Simulate { loss, delay, congestion, name, reset } => {
                let (loss, delay) = (loss.map(Probability::as_f64), delay.map(Duration::as_secs_f64));
                let params = json!({
                    "packet_loss_rate": loss,
                    "delay": delay,
                    "congestion": congestion,
                    "name": name,
                    "reset": reset,
                });
                ("set_network_sim", params)
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
                // A refusal by the server itself, such as of a token, will not change.
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
}

/// The id of whom `clients` lists under this id or name.
fn id_of<'a>(client: &'a str, clients: &'a Value) -> &'a str {
    let listed = || clients["clients"].as_array().into_iter().flatten();
    let is = |member: &str| listed().find(|listed| listed[member].as_str() == Some(client));
    let found = is("id").or_else(|| is("username")).and_then(|listed| listed["id"].as_str());
    found.unwrap_or(client)
}

#[cfg(test)]
mod tests {
    use super::*;

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
