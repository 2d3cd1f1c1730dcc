//! `testbed web`: the chat's page beside a network, in one command.

use clap::Args;

use super::output::Failure;
use super::serve::Serve;

/// Serve the chat's page beside a demonstration network, in one command
///
/// The same as `testbed serve --web 127.0.0.1:8866 --history 100` with a network of 2% loss, 40 ms of delay and
/// 2 Mbit/s, and with the leave for everyone to change that network in the page. Any option of `serve` takes
/// the place of these; one of the network's, of the whole network.
#[derive(Debug, Args)]
pub struct Web {
    #[command(flatten)]
    serve: Serve,
}

impl Web {
    /// Serves until Ctrl-C, SIGTERM or an administrator ends it.
    pub fn execute(self) -> Result<(), Failure> {
        self.serve.into_demonstration().execute()
    }
}
