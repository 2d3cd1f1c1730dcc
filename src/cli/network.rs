//! Common parts of `serve` and `proxy`: the emulated network, and the ways to end them.

use std::fmt::Display;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tokio::sync::watch;

use super::output::{Failure, beside};
use super::signals;
use crate::congestion::script;
use crate::live::gateway::{Conditions, Options, Recorded, Recording};
use crate::scenario::text_of;
use crate::time::Duration;
use crate::units::{Bytes, Probability, UnitError, plural};

/// Capture of the emulated network.
#[derive(Debug, clap::Args)]
pub struct Capture {
    /// Write every packet of the emulated network into a capture for Wireshark, in real time; a pipe does as well
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Size at which the capture ends
    #[arg(long, value_name = "SIZE", default_value = "256MiB", requires = "pcap", value_parser = some::<Bytes>)]
    pcap_max: Bytes,
}

impl Capture {
    /// The file, if one is asked for.
    pub fn recording(&self, is_emulated: bool) -> Result<Option<Recording>, Failure> {
        let Some(path) = &self.pcap else { return Ok(None) };
        if !is_emulated {
            let problem = "--pcap: there is no emulated network to capture";
            return Err(Failure::usage(problem, "add --loss, --delay, --rate or --scenario"));
        }
        let name = path.display();
        let on_wait = || eprintln!("note: {name} waits for a program that reads it");
        Recording::create(path, self.pcap_max.0, on_wait).map(Some).map_err(|error| {
            let help = match error.kind() {
                io::ErrorKind::AlreadyExists => "name a file that is not there yet",
                io::ErrorKind::NotFound => "make its folder first",
                io::ErrorKind::PermissionDenied => "name a file in a folder that you may write to",
                _ => "name another file",
            };
            Failure::other(format!("--pcap: cannot write {name}: {error}"), help)
        })
    }

    /// Says at the end that the capture lacks packets, and why.
    pub fn report(&self, recorded: Option<Recorded>) {
        let (Some(path), Some(Recorded { left_out: n @ 1.., fault })) = (&self.pcap, recorded) else {
            return;
        };
        let (name, packets) = (path.display(), plural(n, "packet"));
        match fault {
            None => eprintln!("warning: {name} lacks {packets}; raise --pcap-max"),
            Some(fault) => {
                eprintln!("warning: {name} lacks {packets} ({fault}); name a file on a disk with room");
            }
        }
    }
}

/// The network that the options ask for.
pub fn conditions(options: &Options) -> Result<Conditions, Failure> {
    let text = match &options.scenario {
        Some(file) => Some(read(file)?),
        None => None,
    };
    let file = text.as_ref().map(|(name, text)| (name.as_str(), text.as_str()));
    let folder = options.scenario.as_deref().unwrap_or(Path::new(""));
    let conditions =
        options.conditions_with(file, &mut |named| beside(folder, named)).map_err(Failure::Scenario)?;
    if conditions.scenario().has_scripts() {
        return Err(Failure::usage(script::LATE, "name another controller"));
    }
    if !conditions.swept().is_empty() {
        eprintln!(
            "note: there is one network here: {} keep the values outside [sweep]; choose others with --set",
            conditions.swept().join(", ")
        );
    }
    Ok(conditions)
}

fn read(file: &Path) -> Result<(String, String), Failure> {
    let name = file.display().to_string();
    let text = text_of(&name, std::fs::read(file))?;
    Ok((name, text))
}

/// Mend for an address at which administrators cannot connect.
pub const ADMIN_HELP: &str = "choose another address with --admin ADDR";

/// Failure of an administrators' port: an address that anybody reaches needs a token, which is an address
/// that cannot be used as it is written.
pub fn admin_unusable(error: &io::Error) -> Failure {
    let token = if error.kind() == io::ErrorKind::InvalidInput { ", or set --admin-token TOKEN" } else { "" };
    unusable(error, format!("{ADMIN_HELP}{token}"))
}

/// Failure of an address or a file that cannot be used: as it is written, or only now.
pub fn unusable(error: &io::Error, help: impl Display) -> Failure {
    match error.kind() {
        io::ErrorKind::InvalidInput => Failure::usage(error, help),
        _ => Failure::other(error, help),
    }
}

/// Address to listen at; `option` is the option that gave it.
pub fn resolve(option: &str, address: &str, help: &str) -> Result<Vec<SocketAddr>, Failure> {
    let failed = |error| Failure::usage(format!("{option}: cannot listen on {address}: {error}"), help);
    Ok(address.to_socket_addrs().map_err(failed)?.collect())
}

/// An address as it is written on the command line: `HOST:PORT`.
pub fn host_and_port(text: &str) -> Result<String, String> {
    let parts = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    let port = parts.and_then(|(_, port)| port.parse::<u16>().ok());
    match port {
        Some(_) => Ok(text.to_owned()),
        None => Err("an address is HOST:PORT, e. g. 127.0.0.1:9000".to_owned()),
    }
}

/// Token that administrators must send; an empty one would be everybody's.
pub fn token(text: &str) -> Result<String, String> {
    match text {
        "" => Err("an empty token keeps nobody out: write one, or leave it out (TESTBED_ADMIN_TOKEN, too)"
            .to_owned()),
        token => Ok(token.to_owned()),
    }
}

/// A span in which something can happen.
pub fn above_zero(text: &str) -> Result<Duration, String> {
    let span: Duration = text.parse().map_err(|error: UnitError| error.to_string())?;
    if span.is_zero() { Err("it must be above 0".to_owned()) } else { Ok(span) }
}

/// A span, or seconds without a unit, as the original tool takes them.
pub fn seconds(text: &str) -> Result<Duration, String> {
    above_zero(&with_unit(text, "s"))
}

/// A chance, or per cent without a sign, as the original tool takes it.
pub fn per_cent(text: &str) -> Result<Probability, String> {
    with_unit(text, "%").parse().map_err(|error: UnitError| error.to_string())
}

/// A span, or milliseconds without a unit, as the original tool takes them.
pub fn milliseconds(text: &str) -> Result<Duration, String> {
    with_unit(text, "ms").parse().map_err(|error: UnitError| error.to_string())
}

fn with_unit(text: &str, unit: &str) -> String {
    if text.parse::<f64>().is_ok() { format!("{text}{unit}") } else { text.to_owned() }
}

/// A quantity of which nothing would not do.
pub fn some<T>(text: &str) -> Result<T, String>
where
    T: FromStr<Err: Display> + Default + PartialEq,
{
    match text.parse() {
        Ok(nothing) if nothing == T::default() => {
            Err("it must be more than 0, or nobody can talk".to_owned())
        }
        Ok(some) => Ok(some),
        Err(error) => Err(error.to_string()),
    }
}

/// A flag that Ctrl-C and SIGTERM set; a second one ends the program at once.
pub fn stop_on_signals() -> Result<watch::Sender<bool>, Failure> {
    let stop = watch::Sender::new(false);
    let flag = stop.clone();
    signals::at_first(move || {
        flag.send_replace(true);
    })?;
    Ok(stop)
}
