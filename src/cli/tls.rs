//! The options of TLS: who a server is, and whom a client believes.

use std::path::PathBuf;

use clap::Args;

use super::output::Failure;
use crate::chat::protocol::Kind;
use crate::live::client::Target;
use crate::live::tls::{Identity, TlsError, Trust};

/// For servers.
#[derive(Debug, Args)]
pub struct ServerTls {
    /// Speak TLS on every listener, with the certificates in this file (PEM), the server's own first
    ///
    /// With --tls-dialect, only on those listeners.
    #[arg(long = "tls-cert", value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The key that belongs to --tls-cert (PEM)
    #[arg(long = "tls-key", value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// A listener that speaks TLS, beside those of --dialect, which then do not; may be repeated
    #[arg(long = "tls-dialect", value_name = "NAME=ADDR", requires = "cert")]
    pub listeners: Vec<String>,
}

/// For clients.
#[derive(Debug, Args)]
pub struct ClientTls {
    /// Speak TLS; the server must have a certificate for the host of --address
    #[arg(long)]
    tls: bool,
    /// Whom to believe: certificates of authorities, or the server's own (PEM) [default: the system's]
    #[arg(long, value_name = "FILE", requires = "tls")]
    tls_ca: Option<PathBuf>,
}

impl ServerTls {
    /// Who the server is, if it speaks TLS.
    pub fn identity(&self) -> Result<Option<Identity>, Failure> {
        match (&self.cert, &self.key) {
            (Some(chain), Some(key)) => Ok(Some(Identity::load(chain, key)?)),
            _ => Ok(None),
        }
    }
}

impl ClientTls {
    /// The server at `address`, or at the dialect's usual port of this machine.
    pub fn target(&self, address: Option<&str>, dialect: &str) -> Result<Target, Failure> {
        let kind = spoken(dialect)?;
        let usual = || format!("127.0.0.1:{}", kind.port());
        let tls = if self.tls { Some(Trust::load(self.tls_ca.as_deref())?) } else { None };
        Ok(Target { address: address.map_or_else(usual, str::to_owned), kind, tls })
    }
}

/// The dialect of that name, if a client can speak it.
fn spoken(name: &str) -> Result<Kind, Failure> {
    let can = |kind: &&Kind| **kind != Kind::SlashOrPipe;
    let names: Vec<&str> = Kind::ALL.iter().filter(can).map(|kind| kind.name()).collect();
    let problem = match Kind::by_name(name) {
        Some(kind) if can(&&kind) => return Ok(kind),
        Some(_) => format!("'{name}' is a listener for two dialects, and a client speaks one"),
        None => format!("there is no dialect '{name}'"),
    };
    Err(Failure::usage(problem, format!("write one of {}", names.join(", "))))
}

impl From<TlsError> for Failure {
    fn from(error: TlsError) -> Failure {
        Failure::usage(error.problem, error.help)
    }
}
