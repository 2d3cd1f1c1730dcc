//! An administrator's side: asks a running server, and never waits for ever.

use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration as Span, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::wire::ask;

/// Time within which a server must accept a connection.
const CONNECT_WITHIN: Span = Span::from_secs(10);
/// Time within which it must answer: wrong tokens are answered slowly.
const ANSWER_WITHIN: Span = Span::from_secs(20);

/// A connection to a server's administration port.
#[derive(Debug)]
pub struct Administrator {
    stream: TcpStream,
    token: Option<String>,
    patience: Span,
    lost: bool,
}

impl Administrator {
    /// Connects; `token` is shown with each request.
    pub fn connect(address: &str, token: Option<String>) -> io::Result<Administrator> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, CONNECT_WITHIN) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(Administrator { stream, token, patience: ANSWER_WITHIN, lost: false });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Asks one thing; the reply may have an `error`.
    pub fn ask(&mut self, command: &str, params: &Value) -> io::Result<Value> {
        let mut request = json!({ "command": command, "params": params, "timestamp": now() });
        if let Some(token) = &self.token {
            request["token"] = json!(token);
        }
        self.stream.set_read_timeout(Some(self.patience))?;
        self.stream.set_write_timeout(Some(self.patience))?;
        let reply = ask(&mut self.stream, &request);
        self.lost = reply.is_err();
        reply.map_err(|error| match error.kind() {
            // The words of a socket for it are about something else.
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                let words = format!("nothing came within {} s", self.patience.as_secs_f64());
                io::Error::new(io::ErrorKind::TimedOut, words)
            }
            _ => error,
        })
    }

    /// True if the last question has no answer, so that a later one could be taken for it.
    pub fn is_lost(&self) -> bool {
        self.lost
    }
}

#[expect(clippy::disallowed_methods, reason = "program 0's requests carry the time")]
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_silent_server_is_waited_for_so_long() {
        let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = silent.local_addr().expect("bound").to_string();
        let mut server = Administrator::connect(&address, None).expect("it listens");
        server.patience = Span::from_millis(200);
        let error = server.ask("get_stats", &json!({})).expect_err("it is silent");
        assert_eq!(error.to_string(), "nothing came within 0.2 s");
        assert!(server.is_lost());
    }
}
