//! Admission: a password first where the nick has one, then a nick that nobody else has.

use std::sync::Arc;

use tracing::{info, warn};

use super::registry::Registry;
use super::{Hub, Shared};
use crate::chat::message::{ClientId, Event, Refusal, Request};
use crate::chat::protocol::Moment;
use crate::chat::room::Room;
use crate::chat::server::Admission;
use crate::live::server::accounts::{self, Gate, Tried, Waiting};

impl Registry {
    /// Decision about a client that wants a nick: at once, or after its password is known to be right.
    pub(super) fn judge_nick(
        &mut self,
        moment: Moment,
        room: &Room,
        id: ClientId,
        mut request: Request,
    ) -> Admission {
        let refuse = |renames: bool, refusal: Refusal| {
            Admission::Answer(if renames { Event::Refused(refusal) } else { Event::Rejected(refusal) })
        };
        if let Some(words) = self.is_kept_out(moment.now, id, &request) {
            return refuse(matches!(request, Request::Rename { .. }), Refusal::Other(words.into()));
        }
        if self.memory.knows_accounts()
            && let Request::Join { nick } | Request::Rename { nick } = &mut request
        {
            let (name, password) = accounts::split(nick);
            let name = name.to_owned();
            let renames = room.nick(id).is_some();
            // An unfit nick is refused by the room, and not registered.
            let is_own =
                renames && room.account(id).is_some_and(|own| self.memory.owner(&name).as_ref() == Some(own));
            let gate =
                if room.is_fit(&name) && !is_own { self.memory.gate(&name, password) } else { Gate::Open };
            match gate {
                Gate::Open => *nick = name,
                Gate::Broken(words) => return refuse(renames, Refusal::NotNow(words.into())),
                // A member keeps its nick: only a join can show a password.
                gate if gate == Gate::Shut || renames => {
                    return refuse(renames, self.password_needed(&name, renames));
                }
                gate => {
                    if let Some(visitor) = self.visitor(id) {
                        self.gates.push((Waiting { id, serial: visitor.serial }, name, gate));
                    }
                    return Admission::Later;
                }
            }
        }
        Admission::Serve(request)
    }

    /// Advice to a person who may not have this name as it was asked for.
    fn password_needed(&self, name: &str, renames: bool) -> Refusal {
        match (renames, self.memory.owner(name).is_some()) {
            (true, true) => Refusal::LeaveForPassword,
            (true, false) => Refusal::LeaveToRegister,
            (false, true) => Refusal::PasswordNeeded,
            (false, false) => Refusal::PasswordRegisters,
        }
    }
}

impl Hub {
    /// True if the connection is still there and has not been told about its password.
    fn waits_for_password(&self, client: Waiting) -> bool {
        let visitor = self.server.backing().visitor(client.id);
        self.server.is_gated(client.id) && visitor.is_some_and(|visitor| visitor.serial == client.serial)
    }

    /// A password was tried: goes on with its owner.
    fn on_tried(&mut self, client: Waiting, nick: &str, tried: Tried) {
        if !self.waits_for_password(client) {
            return;
        }
        let (id, moment) = (client.id, self.clock.moment());
        let right = match tried {
            Tried::Right => Ok(true),
            Tried::Wrong => Ok(false),
            Tried::New(digest) => self.server.backing_mut().memory.register(moment.now, nick, &digest),
        };
        let decision = match right {
            Ok(true) => {
                info!(client = id.0, nick, "showed its password");
                Ok(Request::Join { nick: nick.to_owned() })
            }
            Ok(false) => {
                warn!(client = id.0, nick, "a wrong password");
                Err(Event::Rejected(Refusal::Other("Wrong password".into())))
            }
            Err(why) => {
                warn!(client = id.0, nick, "not registered");
                Err(Event::Rejected(Refusal::NotNow(why)))
            }
        };
        let is_right = decision.is_ok();
        self.server.admit_later(moment, id, decision);
        if is_right {
            self.claim(moment, id, nick);
        }
        self.pass_on();
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
