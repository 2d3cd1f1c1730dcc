//! How one comes in: a password first where the nick has one, then a nick that nobody else has, then
//! what was said before.

use std::sync::Arc;

use tracing::{info, warn};

use super::{Hub, Shared};
use crate::chat::message::{Audience, ClientId, Event, Name, Refusal, Request};
use crate::chat::protocol::Moment;
use crate::live::server::accounts::{self, Gate, Tried, Waiting};

impl Hub {
    /// Serves a request, at once or after its author's password is known to be right.
    pub(super) fn admit(&mut self, moment: Moment, id: ClientId, mut request: Request) {
        if !self.hears(id) {
            return;
        }
        if let Some(words) = self.is_kept_out(moment.now, id, &request) {
            let refusal = Refusal::Other(words.into());
            let renames = matches!(request, Request::Rename { .. });
            let event = if renames { Event::Refused(refusal) } else { Event::Rejected(refusal) };
            self.note(id, &event);
            return self.tell(moment, &Audience::One(id), &event);
        }
        if self.memory.knows_accounts()
            && let Request::Join { nick } | Request::Rename { nick } = &mut request
        {
            let (name, password) = accounts::split(nick);
            let name = name.to_owned();
            let renames = self.room.nick(id).is_some();
            // What nobody may be called is refused below, and not registered.
            let is_own = renames
                && self.room.account(id).is_some_and(|own| self.memory.owner(&name).as_ref() == Some(own));
            let gate = if self.room.is_fit(&name) && !is_own {
                self.memory.gate(&name, password)
            } else {
                Gate::Open
            };
            match gate {
                Gate::Open => *nick = name,
                Gate::Broken(words) => {
                    let refusal = Refusal::NotNow(words.into());
                    let event = if renames { Event::Refused(refusal) } else { Event::Rejected(refusal) };
                    return self.tell(moment, &Audience::One(id), &event);
                }
                // Who is in keeps its nick: only a join can show a password.
                gate if gate == Gate::Shut || renames => {
                    let refusal = self.password_needed(&name, renames);
                    let event = if renames { Event::Refused(refusal) } else { Event::Rejected(refusal) };
                    self.note(id, &event);
                    return self.tell(moment, &Audience::One(id), &event);
                }
                gate => {
                    let Some(serial) = self.peer(id).map(|peer| peer.serial) else { return };
                    let client = Waiting { id, serial };
                    self.gated.push(client);
                    self.gates.push((client, name, gate));
                    self.turn_ends.notify_one();
                    return;
                }
            }
        }
        self.serve(moment, id, request);
    }

    /// What somebody must do who may not have this name as it was asked for.
    fn password_needed(&self, name: &str, renames: bool) -> Refusal {
        match (renames, self.memory.owner(name).is_some()) {
            (true, true) => Refusal::LeaveForPassword,
            (true, false) => Refusal::LeaveToRegister,
            (false, true) => Refusal::PasswordNeeded,
            (false, false) => Refusal::PasswordRegisters,
        }
    }

    /// Whether the connection is still there and has not been told about its password.
    fn waits_for_password(&self, client: Waiting) -> bool {
        self.gated.contains(&client)
    }

    /// A password was tried: goes on with its owner.
    fn on_tried(&mut self, client: Waiting, nick: &str, tried: Tried) {
        let Some(place) = self.gated.iter().position(|&other| other == client) else { return };
        self.gated.swap_remove(place);
        let id = client.id;
        let moment = self.clock.moment();
        if !self.hears(id) {
            return;
        }
        let right = match tried {
            Tried::Right => Ok(true),
            Tried::Wrong => Ok(false),
            Tried::New(digest) => self.memory.register(moment.now, nick, &digest),
        };
        let refusal = match right {
            Ok(true) => {
                info!(client = id.0, nick, "showed its password");
                self.serve(moment, id, Request::Join { nick: nick.to_owned() });
                return self.claim(moment, id, nick);
            }
            Ok(false) => {
                warn!(client = id.0, nick, "a wrong password");
                Refusal::Other("Wrong password".into())
            }
            Err(why) => {
                warn!(client = id.0, nick, "not registered");
                Refusal::NotNow(why)
            }
        };
        self.tell(moment, &Audience::One(id), &Event::Rejected(refusal));
    }

    /// Where a taken nick would only make the client come back again, it gets a number.
    pub(super) fn settle_nick(&mut self, id: ClientId, request: Request) -> Request {
        match request {
            Request::Join { nick } if self.peer(id).is_some_and(|peer| peer.session.numbers_duplicates()) => {
                Request::Join { nick: self.room.free_nick(&nick) }
            }
            request => request,
        }
    }

    /// A newcomer learns what its nick has become and what was said before.
    pub(super) fn greet(&mut self, moment: Moment, id: ClientId, wanted: &str, nick: &Name) {
        if let Some(peer) = self.peer(id) {
            peer.join_by = None;
        }
        let to = Audience::One(id);
        for event in self.memory.past() {
            self.tell(moment, &to, &event);
        }
        if wanted.trim() != &**nick {
            let text = format!("'{}' is taken; you are {nick}", wanted.trim()).into();
            self.tell(moment, &to, &Event::Notice { text });
        }
    }
}

/// Has a password tried, after those before it: passwords that are compared one after the other cannot be
/// guessed fast.
pub(super) async fn try_password(hub: Shared, client: Waiting, nick: String, gate: Gate) {
    let turn = Arc::clone(&hub.borrow().hashing);
    let Ok(_turn) = turn.acquire_owned().await else { return };
    // Nobody else waits for one who has gone.
    if !hub.borrow().waits_for_password(client) {
        return;
    }
    let tried = accounts::hash(gate).await;
    hub.borrow_mut().on_tried(client, &nick, tried);
}
