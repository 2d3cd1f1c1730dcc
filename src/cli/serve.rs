//! `testbed serve`: the chat on real sockets.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::network::{self, admin_unusable, host_and_port, resolve, unusable};
use super::output::Failure;
use super::reliable::Reliable;
use super::tls::ServerTls;
use crate::chat::protocol::{self, Dialect, WEB};
use crate::live::gateway::{Conditions, Options};
use crate::live::server::{Contradiction, NEWCOMERS, Place, Server, Settings};
use crate::live::tls::Identity;
use crate::live::web;
use crate::time::Duration;
use crate::units::Bytes;

/// Serve the chat on real sockets, in six dialects, one of them a page for browsers
///
/// Without --dialect, each dialect listens at its usual port of 127.0.0.1: reliable 8888, json-lines
/// 12345, rooms 44444, slash and pipe together 5555 (told apart by who speaks first).
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Serve {
    /// A file of these options (TOML): max-clients = 100; the command line goes before it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A listener, e. g. json-lines=0.0.0.0:12345; may be repeated
    #[arg(long = "dialect", value_name = "NAME=ADDR")]
    dialects: Vec<String>,
    /// Address of the chat's page for browsers, e. g. 127.0.0.1:8866, beside the dialects; no page without it
    #[arg(long, value_name = "ADDR", value_parser = host_and_port)]
    web: Option<String>,
    /// A name under which browsers may reach the page, e. g. chat.example.org; addresses and localhost always
    /// do; may be repeated
    #[arg(long = "web-name", value_name = "HOST")]
    web_names: Vec<String>,
    #[command(flatten)]
    tls: ServerTls,
    /// Address at which administrators connect; anything but this machine needs --admin-token
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8889", value_parser = host_and_port)]
    admin: String,
    /// Token that admin clients must send
    #[arg(
        long,
        value_name = "TOKEN",
        env = "TESTBED_ADMIN_TOKEN",
        hide_env_values = true,
        value_parser = network::token
    )]
    admin_token: Option<String>,
    /// Maximum number of clients online at once
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = network::some::<usize>)]
    max_clients: usize,
    /// Maximum number of rooms; 0 allows none
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    max_rooms: usize,
    /// Rooms that one person owns at a time; 0 is none
    #[arg(long, value_name = "N", default_value_t = 20)]
    max_rooms_each: usize,
    /// Maximum length of a message's text
    #[arg(long, value_name = "SIZE", default_value = "32KiB", value_parser = network::some::<Bytes>)]
    max_message: Bytes,
    /// Size of the largest file that one person may send to others; 0B allows none
    #[arg(long, value_name = "SIZE", default_value = "64MiB")]
    max_file: Bytes,
    /// Requests a second that one client may make, 256 bytes of text counting as one more; 0 is without
    /// limit
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    rate_limit: u32,
    /// Most bytes that may wait for a slow reader before it is disconnected; at least the longest text
    #[arg(long, value_name = "SIZE", default_value = "1MiB")]
    max_queue: Bytes,
    /// Most bytes that may wait for all clients together; beyond, the client with the longest queue is disconnected
    #[arg(long, value_name = "SIZE", default_value = "256MiB")]
    max_queues: Bytes,
    /// Time within which a connection must join
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = network::some::<Duration>)]
    join_timeout: Duration,
    /// Least time between two messages to a client without frames [default: each dialect's own]
    #[arg(long, value_name = "TIME")]
    pacing: Option<Duration>,
    /// Time for which a kicked person is kept out: the name and, unless others are here from it,
    /// the address
    #[arg(long, value_name = "TIME", default_value = "60s")]
    kick_for: Duration,
    /// Messages to everyone that a newcomer is shown
    #[arg(long, value_name = "N", default_value_t = 0)]
    history: usize,
    /// A file (SQLite) in which accounts, messages to everyone, and rooms outlive the server
    ///
    /// A name is registered by joining as NAME:PASSWORD; from then on it opens to that password only. Whose
    /// name is registered is in its rooms again when it comes back, and hears then what was said to it alone.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Private messages kept for a registered name that is away; 0 is none
    #[arg(long, value_name = "N", default_value_t = 100, requires = "store")]
    max_mail: usize,
    /// Let in registered names only; needs --store
    #[arg(long, requires = "store")]
    accounts_only: bool,
    /// Let the dialect slash give names (User 1) instead of asking for them
    #[arg(long)]
    assign_names: bool,
    /// Refuse texts into rooms that their author is not in from the dialect rooms, too, which the original
    /// delivers
    #[arg(long)]
    members_only: bool,
    /// Send the dialect rooms nothing but ASCII, for its older client; other characters become `?`
    #[arg(long)]
    rooms_ascii: bool,
    /// Let the dialect pipe list `all`, to whom its graphical client can write then
    #[arg(long)]
    list_everyone: bool,
    /// Let each person on a page set the network of its own connection
    #[arg(long)]
    own_network: bool,
    #[command(flatten)]
    reliable: Reliable,
    #[command(flatten)]
    network: Options,
    #[command(flatten)]
    capture: network::Capture,
    /// Level of the log on stderr: error, warn, info, debug, or a filter by module
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: String,
    /// Log as JSON, one object a line
    #[arg(long)]
    log_json: bool,
    /// Log into a file, too; beyond 10 MiB it becomes FILE.1, and FILE.1 to FILE.5 are kept
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,
    #[arg(skip)]
    is_demonstration: bool,
}

/// Messages that a newcomer of the demonstration is shown.
const SHOWN: usize = 100;

impl Serve {
    /// With a page, and a network that everyone may change, where none is asked for: a slow line that loses some.
    pub fn into_demonstration(mut self) -> Serve {
        self.web.get_or_insert_with(|| format!("127.0.0.1:{}", WEB.port()));
        if self.history == 0 {
            self.history = SHOWN;
        }
        if self.network.is_empty() {
            let text = |text: &str| Some(text.to_owned());
            let (loss, delay, rate, queue) = (text("2%"), text("40ms"), text("2mbit"), text("2bdp"));
            self.network = Options { loss, delay, rate, queue, ..Options::default() };
        }
        self.is_demonstration = true;
        self
    }

    /// Serves until Ctrl-C, SIGTERM or an administrator ends it.
    pub fn execute(self) -> Result<(), Failure> {
        let log = super::logging::start(&self.log, self.log_json, self.log_file.as_deref())?;
        if let Some(file) = &self.config {
            tracing::debug!(file = %file.display(), "options");
        }
        if self.own_network && self.web.is_none() {
            return Err(Failure::usage("--own-network: there is no page", "add --web ADDR"));
        }
        self.reliable.check()?;
        let identity = self.tls.identity()?;
        let listeners = self.listeners(identity)?;
        self.check_addresses(&listeners)?;
        let network =
            if self.network.is_empty() { None } else { Some(super::network::conditions(&self.network)?) };
        let recording = self.capture.recording(network.is_some())?;
        let settings = Settings {
            max_people: self.max_clients,
            max_rooms: self.max_rooms,
            max_rooms_each: self.max_rooms_each,
            max_connections: self.max_clients.saturating_add(NEWCOMERS),
            max_file: self.max_file.0,
            max_backlog: self.max_queue.0 as usize,
            max_memory: self.max_queues.0 as usize,
            rate_limit: self.rate_limit,
            join_within: self.join_timeout,
            network,
            recording,
            log,
            history: self.history,
            store: self.store.clone(),
            max_mail: self.max_mail,
            accounts_only: self.accounts_only,
            pacing: self.pacing,
            web: web::Settings {
                names: self.web_names.clone(),
                opens_network: self.is_demonstration,
                opens_own_network: self.own_network || self.is_demonstration,
            },
            kicked_for: self.kick_for,
            dialects: protocol::Settings {
                assign_names: self.assign_names,
                list_everyone: self.list_everyone,
                rooms_ascii: self.rooms_ascii,
                outsiders_post: !self.members_only,
                max_text: self.max_message.0 as usize,
                timing: self.reliable.timing(),
                welcome_pause: self.pacing.unwrap_or(protocol::Settings::default().welcome_pause),
                ..protocol::Settings::default()
            },
        };
        if let Some(Contradiction { greater, lesser, why }) = settings.contradiction() {
            let [option, other] = [greater.0, lesser.0].map(|name| format!("--{}", name.replace('_', "-")));
            let problem = format!("{option} {}: {why} {}", greater.1, lesser.1);
            return Err(Failure::usage(problem, format!("let {option} be at least as much as {other}")));
        }
        super::logging::raise_open_files(settings.max_connections);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::other(format!("cannot start: {error}"), ""))?;
        runtime.block_on(self.serve(settings, listeners))
    }

    /// Plain ones and those that speak TLS: all are one or the other, unless both were asked for.
    fn listeners(&self, identity: Option<Identity>) -> Result<Listeners, Failure> {
        let (asked, secure) = (&self.dialects, &self.tls.listeners);
        let mut all = match identity {
            None => Listeners { plain: listeners("--dialect", asked)?, tls: None },
            Some(identity) if secure.is_empty() => {
                Listeners { plain: Vec::new(), tls: Some((identity, listeners("--dialect", asked)?)) }
            }
            Some(identity) => {
                let plain = if asked.is_empty() { Vec::new() } else { listeners("--dialect", asked)? };
                Listeners { plain, tls: Some((identity, listeners("--tls-dialect", secure)?)) }
            }
        };
        if let Some(address) = &self.web {
            // A page that anybody on the way can change keeps no secret.
            let places = all.tls.as_mut().map_or(&mut all.plain, |(_, places)| places);
            places.push((WEB, address.clone()));
        }
        Ok(all)
    }

    /// Two listeners cannot have one address, nor one that is nowhere.
    fn check_addresses(&self, listeners: &Listeners) -> Result<(), Failure> {
        let mut taken: Vec<(String, SocketAddr)> = Vec::new();
        let secure = listeners.tls.as_ref().map(|(_, addresses)| addresses.as_slice()).unwrap_or_default();
        let named = |(dialect, address): &Place| (format!("{}={address}", dialect.name()), address.clone());
        let admin = (format!("--admin {}", self.admin), self.admin.clone());
        for (option, address) in listeners.plain.iter().chain(secure).map(named).chain([admin]) {
            // A name may stand for one address several times.
            for resolved in BTreeSet::from_iter(resolve(&option, &address, "choose another address")?) {
                let other = taken.iter().find(|(_, there)| *there == resolved && resolved.port() != 0);
                if let Some((other, _)) = other {
                    let problem = format!("{other} and {option} are one address");
                    return Err(Failure::usage(problem, "give each a port of its own"));
                }
                taken.push((option.clone(), resolved));
            }
        }
        Ok(())
    }

    async fn serve(self, settings: Settings, listeners: Listeners) -> Result<(), Failure> {
        let store = self.store.as_ref().map(|path| path.display().to_string());
        let failed = |error: std::io::Error, option: &str| {
            let about_store = store.as_ref().is_some_and(|path| error.to_string().contains(path.as_str()));
            let help = if about_store {
                "name another file with --store".to_owned()
            } else if error.to_string().contains(" for web: ") {
                "choose another address with --web ADDR".to_owned()
            } else {
                format!("choose another address with {option} NAME=ADDR")
            };
            unusable(&error, help)
        };
        let description = settings.network.as_ref().map(Conditions::describe);
        let bound = Server::bind(settings, &listeners.plain).await;
        let mut server = bound.map_err(|error| failed(error, "--dialect"))?;
        if let Some((identity, addresses)) = &listeners.tls {
            let option = if self.tls.listeners.is_empty() { "--dialect" } else { "--tls-dialect" };
            let bound = server.with_tls(identity, addresses).await;
            server = bound.map_err(|error| failed(error, option))?;
        }
        let bound = server.with_admin(&self.admin, self.admin_token).await;
        let server = bound.map_err(|error| admin_unusable(&error))?;
        for (kind, address) in server.addresses() {
            let scheme = if kind.speaks_http() { "http://" } else { "" };
            eprintln!("{:<12} {scheme}{address}", kind.name());
        }
        for (kind, address) in server.tls_addresses() {
            let scheme = if kind.speaks_http() { "https://" } else { "" };
            eprintln!("{:<12} {scheme}{address} TLS", kind.name());
        }
        if let Some(network) = &description {
            eprintln!("{:<12} {network}", "network");
        }
        if let Some(address) = server.admin_address() {
            eprintln!("{:<12} {address}", "admin");
        }
        let stop = super::network::stop_on_signals()?;
        let recorded = server.run(stop).await;
        self.capture.report(recorded);
        Ok(())
    }
}

/// Addresses to listen at.
struct Listeners {
    plain: Vec<Place>,
    tls: Option<(Identity, Vec<Place>)>,
}

/// `NAME=ADDR`, or all dialects at their usual places.
fn listeners(option: &str, asked: &[String]) -> Result<Vec<Place>, Failure> {
    if asked.is_empty() {
        let usual = |dialect: &'static dyn Dialect| (dialect, format!("127.0.0.1:{}", dialect.port()));
        return Ok(protocol::usual_listeners().map(usual).collect());
    }
    let names = || protocol::listeners().map(Dialect::name).collect::<Vec<_>>().join(", ");
    let parse = |text: &String| {
        let bad = |problem: String| {
            Failure::usage(problem, format!("write {option} NAME=ADDR; NAME is one of {}", names()))
        };
        let (name, address) =
            text.split_once('=').ok_or_else(|| bad(format!("{option} {text}: there is no `=`")))?;
        let dialect = protocol::listeners()
            .find(|dialect| dialect.name() == name)
            .ok_or_else(|| bad(format!("{option} {text}: there is no dialect '{name}'")))?;
        let address = host_and_port(address).map_err(|error| bad(format!("{option} {text}: {error}")))?;
        Ok((dialect, address))
    };
    asked.iter().map(parse).collect()
}
