//! Identity of a server, and trust of a client: certificates and keys from PEM files.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::NoServerSessionStorage;
use rustls::{CertificateError, ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig};
use rustls::{InvalidMessage, ServerConnection};

/// A server's certificate and key.
#[derive(Clone, Debug)]
pub struct Identity(Arc<ServerConfig>);

/// The authorities that a client believes.
#[derive(Clone, Debug)]
pub struct Trust {
    config: Arc<ClientConfig>,
    file: PathBuf,
}

/// A file that does not serve.
#[derive(Debug)]
pub struct TlsError {
    /// Description of the problem, with the file's name.
    pub problem: String,
    /// Mend.
    pub help: &'static str,
}

/// Files in which systems keep the authorities that everybody believes.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

const HOW_TO: &str = "docs/sockets.md says, under “TLS”, how openssl makes a certificate and its key";

impl Identity {
    /// Reads a chain of certificates, the server's own first, and the key that belongs to that.
    pub fn load(chain: &Path, key: &Path) -> Result<Identity, TlsError> {
        let certificates = certificates(chain)?;
        let private = PrivateKeyDer::from_pem_file(key).map_err(|error| {
            let help = if matches!(error, pem::Error::NoItemsFound) {
                "give an unencrypted key in PEM: -----BEGIN PRIVATE KEY-----"
            } else {
                HOW_TO
            };
            TlsError { problem: format!("cannot use {} as a key: {}", key.display(), words(&error)), help }
        })?;
        let unfit = |error: rustls::Error| {
            let (chain, key) = (chain.display(), key.display());
            if let rustls::Error::InconsistentKeys(_) = error {
                return TlsError {
                    problem: format!("the key in {key} does not belong to the certificate in {chain}"),
                    help: "give the two files that were made together, the server's own certificate first",
                };
            }
            TlsError { problem: format!("cannot use {chain} with {key}: {error}"), help: HOW_TO }
        };
        let versions = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let versions = versions.with_safe_default_protocol_versions().map_err(unfit)?;
        let mut config =
            versions.with_no_client_auth().with_single_cert(certificates, private).map_err(unfit)?;
        // A chat lasts: nothing is gained by resuming, and nothing need be remembered.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Identity(Arc::new(config)))
    }

    /// The server's side of a new session.
    pub(super) fn session(&self) -> io::Result<Connection> {
        let session = ServerConnection::new(Arc::clone(&self.0)).map_err(io::Error::other)?;
        Ok(Connection::Server(session))
    }
}

impl Trust {
    /// Believes the certificates in a file, or those that the system believes.
    pub fn load(file: Option<&Path>) -> Result<Trust, TlsError> {
        let file = match file {
            Some(file) => file.to_owned(),
            None => BUNDLES.iter().map(PathBuf::from).find(|file| file.exists()).ok_or_else(|| TlsError {
                problem: "this system keeps no certificates of authorities where others do".to_owned(),
                help: "name a file of them with --tls-ca FILE",
            })?,
        };
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(certificates(&file)?);
        if added == 0 {
            let problem = format!("{} has no certificate that can be believed", file.display());
            return Err(TlsError { problem, help: HOW_TO });
        }
        let versions = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let versions = versions
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError { problem: format!("cannot use TLS: {error}"), help: "" })?;
        let config = versions.with_root_certificates(roots).with_no_client_auth();
        Ok(Trust { config: Arc::new(config), file })
    }

    /// The client's side of a new session with the server at `address`, `HOST:PORT`.
    pub(super) fn session(&self, address: &str) -> io::Result<Connection> {
        let host = host(address);
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("'{host}' is no name of a server"))
        })?;
        let session = ClientConnection::new(Arc::clone(&self.config), name).map_err(io::Error::other)?;
        Ok(Connection::Client(session))
    }

    /// Reason of a failed handshake, in words that give the mend.
    pub(super) fn explain(&self, address: &str, error: io::Error) -> io::Error {
        let Some(cause) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
            let is_closed = matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset);
            let words = "it closed the connection instead of shaking hands; if it does not speak TLS there, \
                         leave out --tls";
            return if is_closed { io::Error::new(ErrorKind::InvalidData, words) } else { error };
        };
        let (host, file) = (host(address), self.file.display());
        let text = match cause {
            rustls::Error::InvalidCertificate(certificate) => match certificate {
                CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                    format!("nobody in {file} vouches for its certificate; name who does with --tls-ca FILE")
                }
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    format!("its certificate is not for '{host}'; connect by a name that it has")
                }
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    "its certificate has expired; the server needs a new one".to_owned()
                }
                other if format!("{other:?}").contains("CaUsedAsEndEntity") => {
                    "its certificate is an authority's; a server's own has CA:FALSE in it".to_owned()
                }
                other => format!("its certificate is refused: {other}"),
            },
            rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
                "it does not speak TLS there; leave out --tls, or name the port that does".to_owned()
            }
            other => format!("TLS failed: {other}"),
        };
        io::Error::new(error.kind(), text)
    }
}

/// The host of `HOST:PORT` or `[HOST]:PORT`.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unfit = |error: pem::Error| TlsError {
        problem: format!("cannot use {} for certificates: {}", file.display(), words(&error)),
        help: HOW_TO,
    };
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).map_err(unfit)?.collect();
    match found.map_err(unfit)? {
        found if found.is_empty() => Err(TlsError {
            problem: format!("cannot use {} for certificates: there is none in it", file.display()),
            help: "give a file in PEM: -----BEGIN CERTIFICATE-----",
        }),
        found => Ok(found),
    }
}

fn words(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "there is none in it".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_address_has_no_port_and_no_brackets() {
        assert_eq!(host("chat.example:5555"), "chat.example");
        assert_eq!(host("127.0.0.1:5555"), "127.0.0.1");
        assert_eq!(host("[::1]:5555"), "::1");
    }
}
