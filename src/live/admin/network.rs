//! The emulated network as administrators see and change it.

use std::cell::RefCell;

use serde_json::{Value, json};

use crate::link::config::{Capacity, Config, LossModel};
use crate::live::gateway::{Conditions, Ended, Gateway, Statistics};
use crate::time::Duration;
use crate::units::{Bytes, Probability};

/// Error of a server without one.
pub const NO_NETWORK: &str =
    "this server has no emulated network; start it with --loss 0% or another condition";

/// A network that clients' bytes cross, and its present conditions.
#[derive(Debug)]
pub struct Network {
    first: Conditions,
    now: RefCell<Conditions>,
    gateway: Gateway,
}

impl Network {
    /// A network that began with these conditions.
    pub fn new(conditions: Conditions, gateway: Gateway) -> Network {
        Network { first: conditions.clone(), now: RefCell::new(conditions), gateway }
    }

    /// The conditions that it began with.
    pub fn first(&self) -> Conditions {
        self.first.clone()
    }

    /// The present conditions.
    pub fn now(&self) -> Conditions {
        self.now.borrow().clone()
    }

    /// Changes them for everyone; returns them in words.
    pub fn set(&self, changed: Conditions) -> Result<String, String> {
        self.gateway.set(&changed).map_err(|_| "the emulated network has ended")?;
        let words = changed.describe();
        *self.now.borrow_mut() = changed;
        Ok(words)
    }

    /// Counters so far.
    pub async fn statistics(&self) -> Result<Statistics, Ended> {
        self.gateway.statistics().await
    }

    /// The conditions in words, and in the numbers of `set_network_sim` where these say all that it can change.
    pub fn describe(&self) -> Value {
        let now = self.now.borrow();
        let mut value = json!({ "description": now.describe() });
        if let Some((loss, delay)) = loss_and_delay(&now) {
            value["packet_loss_rate"] = json!(loss.as_f64());
            value["delay"] = json!(delay.as_secs_f64());
        }
        value
    }
}

/// A network as the options of the command line, of the path's first link upwards; what it does not have is null.
pub fn options_of(conditions: &Conditions) -> Value {
    let Config { loss, delay, rate, queue, .. } = conditions.first_link();
    let loss = match loss {
        LossModel::Independent(loss) => Some(loss.to_string()),
        LossModel::GilbertElliott { .. } => None,
    };
    let queue = match queue.capacity {
        Capacity::Packets(packets) => format!("{packets} packets"),
        Capacity::Bytes(bytes) => Bytes(bytes).to_string(),
    };
    json!({
        "loss": loss,
        "delay": delay.mean.to_string(),
        "jitter": delay.jitter.to_string(),
        "rate": rate.map(|rate| rate.to_string()),
        "queue": rate.map(|_| queue),
        "congestion": conditions.congestion().algorithm.name,
    })
}

/// Loss and one-way delay of a path of one link that is the same in both directions and stays so.
fn loss_and_delay(conditions: &Conditions) -> Option<(Probability, Duration)> {
    let scenario = conditions.scenario();
    let [hop] = scenario.groups.first()?.path[..] else { return None };
    // Putting these back would end the schedule's own.
    if !scenario.schedule.is_empty() {
        return None;
    }
    let of = |config: &Config| match config.loss {
        LossModel::Independent(loss) => Some((loss, config.delay.mean)),
        LossModel::GilbertElliott { .. } => None,
    };
    let [up, down] = hop.directions(&scenario.links);
    of(up).filter(|up| of(down).as_ref() == Some(up))
}
