//! The server's emulated network, while a test changes it.

use serde_json::{Value, json};

use crate::cli::output::Failure;
use crate::live::admin::Administrator;

/// An emulated network that is changed for a while.
#[derive(Debug)]
pub struct Network {
    admin: String,
    /// Conditions before the change, once there is one.
    before: Option<Value>,
}

const HELP: &str = "start the server with `testbed serve --loss 0%`, and name its port with --admin";

impl Network {
    /// The network of the server whose administration port this is.
    pub fn new(admin: &str) -> Network {
        Network { admin: admin.to_owned(), before: None }
    }

    /// Sets loss and delay (in seconds), if what is there can be put back.
    pub async fn change(&mut self, loss: f64, delay: f64) -> Result<(), Failure> {
        let now = self.ask("get_stats", json!({})).await?["network"].take();
        if now.is_object() && (now["packet_loss_rate"].is_null() || now["delay"].is_null()) {
            let words = now["description"].as_str().unwrap_or("of an unknown kind");
            return Err(Failure::other(
                format!("the network of {} could not be put back: it is {words}", self.admin),
                "test a server whose network is a loss and a delay, the same in both directions",
            ));
        }
        self.before = now.is_object().then_some(now);
        self.ask("set_network_sim", json!({ "packet_loss_rate": loss, "delay": delay })).await.map(drop)
    }

    /// Puts back what was there.
    pub async fn restore(&mut self) -> Result<(), Failure> {
        match self.before.take() {
            Some(before) => self.ask("set_network_sim", before).await.map(drop),
            None => Ok(()),
        }
    }

    async fn ask(&self, command: &'static str, params: Value) -> Result<Value, Failure> {
        let (admin, token) = (self.admin.clone(), std::env::var("TESTBED_ADMIN_TOKEN").ok());
        // Off this thread, so that an interruption is heard meanwhile.
        let asked =
            tokio::task::spawn_blocking(move || Administrator::connect(&admin, token)?.ask(command, &params));
        let reply = asked.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        let failed = |problem: &str| {
            Failure::other(format!("cannot change the network at {}: {problem}", self.admin), HELP)
        };
        let reply = reply.map_err(|error| failed(&error.to_string()))?;
        match reply["error"].as_str() {
            Some(error) => Err(failed(error)),
            None => Ok(reply),
        }
    }
}
