//! Changes of the network: for everybody, or for one person.

use serde_json::Value;

use super::network::NO_NETWORK;
use super::server::Admin;
use crate::congestion::{Algorithm, Choice, algorithms};
use crate::live::gateway::{Change, Conditions, OwnNetwork};
use crate::time::Duration;
use crate::units::Probability;

/// A network that is asked for.
#[derive(Debug)]
pub enum Wanted {
    /// That of the start, or of a person, everybody's.
    First,
    /// Another one. A person's has a controller of its own if that is named, too.
    Whole(Conditions, bool),
    /// Some of it.
    Some(Change),
}

impl Admin {
    /// The network that a person has, or everybody.
    pub fn network_of(&self, name: Option<&str>) -> Result<Conditions, String> {
        let own = || self.hub.as_ref()?.borrow().own_network(name?)?.links.clone();
        own().or_else(|| Some(self.network.as_ref()?.now())).ok_or_else(|| NO_NETWORK.to_owned())
    }

    /// Changes the network for a person or for everybody; returns it in words.
    pub fn change_network(&self, name: Option<&str>, wanted: Wanted) -> Result<String, String> {
        let network = self.network.as_ref().ok_or(NO_NETWORK)?;
        let Some(name) = name else {
            let changed = match wanted {
                Wanted::First => {
                    if let Some(hub) = &self.hub {
                        hub.borrow_mut().forget_own_networks();
                    }
                    network.first()
                }
                Wanted::Whole(changed, _) => changed,
                Wanted::Some(change) => network.now().changed(&change),
            };
            self.check(&changed, false)?;
            return network.set(changed);
        };
        let hub = self.hub.as_ref().ok_or("this is a proxy: its connections have no names")?;
        let before = hub.borrow().own_network(name).cloned().unwrap_or_default();
        let own = match wanted {
            Wanted::First => OwnNetwork::default(),
            Wanted::Whole(links, is_controlled) => {
                let congestion = is_controlled.then(|| links.congestion().clone());
                OwnNetwork { links: Some(links), congestion }
            }
            Wanted::Some(change) => {
                let links = change.is_of_links().then(|| self.network_of(Some(name)));
                let links = links.transpose()?.map(|links| links.changed(&change)).or(before.links);
                OwnNetwork { links, congestion: change.congestion.or(before.congestion) }
            }
        };
        if let Some(links) = &own.links {
            self.check(links, true)?;
        }
        let words = (!own.is_empty()).then(|| own.describe());
        let name = hub.borrow_mut().set_own_network(name, own)?;
        Ok(match words {
            Some(words) => format!("the network of {name} is now: {words}"),
            None => format!("{name} has the network of everybody: {}", network.now().describe()),
        })
    }

    /// An error unless links can take these settings: everybody's, or those that each connection has for itself.
    fn check(&self, changed: &Conditions, is_own: bool) -> Result<(), String> {
        let network = self.network.as_ref().ok_or(NO_NETWORK)?;
        if !network.first().can_become(changed, is_own) {
            return Err(
                "a link keeps the kind of its queue, and Wi-Fi stays Wi-Fi: start the server with this network"
                    .to_owned(),
            );
        }
        if is_own && !network.first().has_own_links() {
            return Err("the links of this network are shared: they change for everybody only".to_owned());
        }
        Ok(())
    }

    /// The same with the parameters of `set_network_sim`.
    pub(super) fn simulate(&self, params: &Value) -> Result<String, String> {
        let name = match &params["name"] {
            Value::Null => None,
            Value::String(name) => Some(name.as_str()),
            _ => return Err("`name` is a text".to_owned()),
        };
        let wanted = if params["reset"] == true { Wanted::First } else { Wanted::Some(change(params)?) };
        let words = self.change_network(name, wanted)?;
        Ok(if name.is_some() { words } else { format!("the network is now: {words}") })
    }
}

/// Loss and delay, which the original's tool sends both, or a controller, or all of them.
fn change(params: &Value) -> Result<Change, String> {
    let congestion = match &params["congestion"] {
        Value::Null => None,
        Value::String(name) => Some(controller(name)?),
        _ => return Err("`congestion` is the name of a controller".to_owned()),
    };
    if congestion.is_some() && params["packet_loss_rate"].is_null() && params["delay"].is_null() {
        return Ok(Change { congestion, ..Change::default() });
    }
    let number = |key: &str| params[key].as_f64().ok_or_else(|| format!("`params` needs a number `{key}`"));
    let (loss, delay) = (number("packet_loss_rate")?, number("delay")?);
    let loss = Probability::new(loss).ok_or("`packet_loss_rate` is between 0 and 1")?;
    if !(0.0..=60.0).contains(&delay) {
        return Err("`delay` is in seconds, at most 60".to_owned());
    }
    let delay = Duration::from_secs_f64(delay);
    Ok(Change { loss: Some(loss), delay: Some(delay), congestion, ..Change::default() })
}

/// The controller of this name with its defaults.
fn controller(name: &str) -> Result<Choice, String> {
    let names = || algorithms().iter().map(|algorithm| algorithm.name).collect::<Vec<_>>().join(", ");
    let found = Algorithm::by_name(name).map(Algorithm::with_defaults);
    found.ok_or_else(|| format!("there is no controller '{name}', but {}", names()))
}
