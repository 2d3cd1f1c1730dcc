//! Kicks: the people an administrator has disconnected, and the names and addresses kept out for a while.
//!
//! The name always is, and what looks like it. The address is only if nobody else is here from there: a classroom
//! behind one address must not be shut out for one of its people, unless the administrator says so.

use tracing::info;

use super::Hub;
use super::registry::Registry;
use crate::chat::message::{Audience, ClientId, Event, Name, Request};
use crate::chat::names::{Likeness, exact};
use crate::chat::protocol::KICKED;
use crate::live::server::accounts;
use crate::live::site::Site;
use crate::time::{Duration, Instant};
use crate::units::plural;

/// Scope of a kick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeepOut {
    /// The name, and the address unless others are here from it.
    #[default]
    Person,
    /// The name alone.
    Name,
    /// The name and the address, whoever else comes from it.
    Address,
}

impl KeepOut {
    /// The one of that name, or what the names are.
    pub fn by_name(name: &str) -> Result<KeepOut, String> {
        match name {
            "person" => Ok(KeepOut::Person),
            "name" => Ok(KeepOut::Name),
            "address" => Ok(KeepOut::Address),
            _ => Err("`keep_out` is person, name or address".to_owned()),
        }
    }
}

/// Somebody whom an administrator disconnected.
#[derive(Clone, Debug)]
pub(super) struct Kicked {
    /// Its nick, and the name by which it is registered if that is another.
    names: Vec<Name>,
    site: Site,
    keeps_site: bool,
    until: Instant,
}

impl Hub {
    /// Disconnects a client by its public name and keeps it out for a while. Somebody who was disconnected lately
    /// can be named again, to keep out more or less. Returns what was done, in words, or why nothing was.
    pub fn kick(&mut self, public: &str, keep_out: KeepOut) -> Result<String, String> {
        let moment = self.clock.moment();
        self.server.backing_mut().kicked.retain(|kicked| moment.now < kicked.until);
        let here = self.ids().find(|&id| self.public_id(id).is_some_and(|name| name == public));
        let before = here.is_none().then(|| self.server.backing().kicked_lately(public)).flatten();
        let (who, names, site) = match (here, before) {
            (Some(id), _) => {
                let nick = self.server.room().nick(id).cloned();
                let who = nick.as_deref().unwrap_or(public).to_owned();
                let mut names: Vec<Name> =
                    nick.into_iter().chain(self.server.room().account(id).cloned()).collect();
                names.dedup_by_key(|name| exact(name));
                let site = self.server.backing().site(id).ok_or("it has just gone")?;
                (who, names, site)
            }
            (None, Some(place)) => {
                let Kicked { names, site, .. } = self.server.backing_mut().kicked.swap_remove(place);
                (public.to_owned(), names, site)
            }
            (None, None) => return Err(format!("there is no client '{public}'; `clients` lists them")),
        };
        let neighbours = self.ids().filter(|&id| Some(id) != here && self.server.room().nick(id).is_some());
        let neighbours = neighbours.filter(|&id| self.server.backing().site(id) == Some(site)).count();
        let keeps_site = match keep_out {
            KeepOut::Person => neighbours == 0,
            KeepOut::Name => false,
            KeepOut::Address => true,
        };
        let span = self.settings.kicked_for;
        let has_name = !names.is_empty();
        let address = keeps_site.then(|| tracing::field::display(site));
        info!(client = here.map(|id| id.0), nick = who, %site, kept_out = %span, address, neighbours, "kicked");
        self.server.backing_mut().kicked.push(Kicked { names, site, keeps_site, until: moment.now + span });
        if let Some(id) = here {
            self.server.tell(moment, &Audience::One(id), &Event::Notice { text: KICKED.into() });
            self.server.close(moment, id);
            self.pass_on();
        }
        let mut words =
            if here.is_some() { format!("{who} was disconnected") } else { format!("{who} is not here") };
        if span.is_zero() {
            return Ok(words);
        }
        words += &match (has_name, keeps_site) {
            (true, true) => format!("; the name and the address {site} are kept out for {span}"),
            (true, false) => format!("; the name is kept out for {span}"),
            (false, true) => format!("; the address {site} is kept out for {span}"),
            (false, false) => String::new(),
        };
        if keeps_site && neighbours > 0 {
            words +=
                &format!(" ({} from there may stay, but not come again)", plural(neighbours as u64, "other"));
        } else if keep_out == KeepOut::Person && neighbours > 0 {
            let others = plural(neighbours as u64, "other");
            words += &format!(
                ". The address is not, because {others} here came from {site}: `kick {who} --address-too` does that"
            );
        }
        Ok(words)
    }
}

impl Registry {
    /// In what words the nick that it wants, or its address if it comes in, is still kept out.
    pub(super) fn is_kept_out(&self, now: Instant, id: ClientId, request: &Request) -> Option<String> {
        let (nick, joins) = match request {
            Request::Join { nick } => (accounts::split(nick).0, true),
            Request::Rename { nick } => (accounts::split(nick).0, false),
            _ => return None,
        };
        let (look, site) = (Likeness::of(nick), self.site(id)?);
        let left = |is_meant: &dyn Fn(&Kicked) -> bool| -> Option<Duration> {
            let meant = self.kicked.iter().filter(|kicked| now < kicked.until && is_meant(kicked));
            meant.map(|kicked| kicked.until - now).max()
        };
        let seconds = |left: Duration| left.as_nanos().div_ceil(1_000_000_000);
        let named = |kicked: &Kicked| kicked.names.iter().any(|name| Likeness::of(name).is_like(&look));
        if let Some(left) = left(&named) {
            let left = seconds(left);
            return Some(if joins {
                format!("{KICKED}; come back in {left} s")
            } else {
                format!("The name '{nick}' is kept out for {left} s: an administrator has disconnected it")
            });
        }
        let left = left(&|kicked| joins && kicked.keeps_site && kicked.site == site)?;
        let left = seconds(left);
        Some(format!(
            "Nobody comes in from your address for {left} s: an administrator has disconnected somebody there"
        ))
    }

    /// The person disconnected lately whom this name means.
    fn kicked_lately(&self, name: &str) -> Option<usize> {
        let wanted = exact(name);
        self.kicked.iter().rposition(|kicked| kicked.names.iter().any(|name| exact(name) == wanted))
    }
}
