//! The options of TLS: who a server is, and whom a client believes.

use std::path::PathBuf;

use clap::Args;

use super::output::Failure;
use crate::chat::protocol::{DIALECTS, Dialect, by_name, listeners};
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
    /// Trusted CA certificates, or the server's own (PEM) [default: the system's]
    #[arg(long, value_name = "FILE", requires = "tls")]
    tls_ca: Option<PathBuf>,
}

impl ServerTls {
    /// Identity of the server, if it speaks TLS.
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
        let dialect = spoken(dialect)?;
        let usual = || format!("127.0.0.1:{}", dialect.port());
        let tls = if self.tls { Some(Trust::load(self.tls_ca.as_deref())?) } else { None };
        Ok(Target { address: address.map_or_else(usual, str::to_owned), dialect, tls })
    }
}

/// The dialect of that name, if a client can speak it.
fn spoken(name: &str) -> Result<&'static dyn Dialect, Failure> {
    if let Some(dialect) = by_name(name) {
        return Ok(dialect);
    }
    let problem = if listeners().any(|listener| listener.name() == name) {
        format!("'{name}' is a listener for two dialects, and a client speaks one")
    } else {
        format!("there is no dialect '{name}'")
    };
    let names: Vec<&str> = DIALECTS.iter().map(|dialect| dialect.name()).collect();
    Err(Failure::usage(problem, format!("write one of {}", names.join(", "))))
}

impl From<TlsError> for Failure {
    fn from(error: TlsError) -> Failure {
        Failure::usage(error.problem, error.help)
    }
}
