//! Changes of the network: for everybody, or for one person.

use serde_json::Value;

use super::network::NO_NETWORK;
use super::server::Admin;
use crate::live::gateway::Conditions;
use crate::time::Duration;
use crate::units::Probability;

impl Admin {
    /// The network that a person has, or everybody.
    pub fn network_of(&self, name: Option<&str>) -> Result<Conditions, String> {
        let own = || self.hub.as_ref()?.borrow().own_network(name?).cloned();
        own().or_else(|| Some(self.network.as_ref()?.now())).ok_or_else(|| NO_NETWORK.to_owned())
    }

    /// Changes the network for a person or for everybody; nothing is what everybody has, or what there was at the
    /// start. Returns it in words.
    pub fn change_network(&self, name: Option<&str>, changed: Option<Conditions>) -> Result<String, String> {
        let network = self.network.as_ref().ok_or(NO_NETWORK)?;
        if changed.as_ref().is_some_and(|changed| !network.first().can_become(changed, name.is_some())) {
            return Err(
                "a link keeps the kind of its queue, and Wi-Fi stays Wi-Fi: start the server with this network"
                    .to_owned(),
            );
        }
        let Some(name) = name else {
            if let (None, Some(hub)) = (&changed, &self.hub) {
                hub.borrow_mut().forget_own_networks();
            }
            return network.set(changed.unwrap_or_else(|| network.first()));
        };
        let hub = self.hub.as_ref().ok_or("this is a proxy: its connections have no names")?;
        if !network.first().has_own_links() {
            return Err("the links of this network are shared: it changes for everybody only".to_owned());
        }
        let words = changed.as_ref().map(Conditions::describe_links);
        let name = hub.borrow_mut().set_own_network(name, changed)?;
        Ok(match words {
            Some(words) => format!("the network of {name} is now: {words}"),
            None => format!("{name} has the network of everybody: {}", network.now().describe()),
        })
    }

    /// The same with the parameters of `set_network_sim`.
    pub(super) fn simulate(&self, params: &Value) -> Result<String, String> {
        let name = match &params["name"] {
            Value::Null => None,
            Value::String(name) => Some(name.as_str()),
            _ => return Err("`name` is a text".to_owned()),
        };
        let mut note = "";
        let changed = if params["reset"] == true {
            None
        } else {
            let number =
                |key: &str| params[key].as_f64().ok_or_else(|| format!("`params` needs a number `{key}`"));
            let (loss, delay) = (number("packet_loss_rate")?, number("delay")?);
            let loss = Probability::new(loss).ok_or("`packet_loss_rate` is between 0 and 1")?;
            if !(0.0..=60.0).contains(&delay) {
                return Err("`delay` is in seconds, at most 60".to_owned());
            }
            let before = self.network_of(name)?;
            if !before.scenario().schedule.is_empty() {
                note = "; its schedule is over, and all else is as at the schedule's start";
            }
            Some(before.with(loss, Duration::from_secs_f64(delay)))
        };
        let words = self.change_network(name, changed)?;
        Ok(if name.is_some() { words + note } else { format!("the network is now: {words}{note}") })
    }
}
