//! People present, and the recipients of each event: a pure function from (client, request) to deliveries.
//!
//! A [`Room`] is the whole chat; in it people may found smaller rooms by name. Nothing is iterated
//! in an order that could differ between two runs. Lists are shared with the deliveries and changed
//! in place once those are gone, so that a join costs no copy of the list, however many are here.
//!
//! | rule | where it comes from |
//! | --- | --- |
//! | names are trimmed, 1 to 32 characters, all of them visible | program 0's rule; narrower ones belong to the dialects |
//! | no name has a blank or one of `[]:|,`, or begins with `#`, `/` or `@` | so that it can be addressed everywhere, and no message passes for another kind; the originals' own clients ask for none. `User 3`, which program 2's server gives, is the exception |
//! | `#den` is the room `den` | rooms are shown with that mark |
//! | two nicks that look the same cannot be in at once | so that nobody passes for somebody else; [`names`](super::names) |
//! | a person is addressed by its nick, in any case | a look-alike reaches nobody |
//! | a hidden person hears and speaks, but is in no list | program 3 |
//! | two rooms that look the same cannot be at once; a room is named in any case | as with nicks |
//! | a room outlives its members as long as its owner, who founded it, is here or registered | program 3's rooms never end |
//! | an owner may end its room, and owns so many at most | so that one client cannot found all |
//! | a private room is there for those who are in, own it or are invited; to all others it is like one that is not there, but that its name is taken | chats of this kind |
//! | a registered person is a member, an owner and invited while it is away, too | `kept` |
//! | what is said to a registered person that is away waits for it | `kept` |
//! | only members speak in a room, but for [`Request::Post`] | program 3 lets everybody |
//! | entering founds no room, unless [`Rules`] say so | program 3; synthetic people agree by name alone |
//! | an envelope, which the server does not understand, goes to one person whose client opens it | `envelopes` |
//! | a file is offered to those whose clients take files, and its parts go to those who ask for them | `files` |
//! | a text without a visible character is no message | programs 1 and 2 |

mod den;
mod dens;
mod envelopes;
mod files;
mod hints;
mod kept;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::message::{Audience, ClientId, Delivery, Event, Name, Names, Refusal, Request};
use super::names::{Likeness, exact};

use den::Dens;
pub use dens::RoomInfo;
use files::Files;
pub use kept::{Change, Forgetful, Keeper, KeptRoom, Standing};
pub use rules::Rules;

/// The chat: its people, their nicks and their rooms.
#[derive(Debug, Default)]
pub struct Room {
    rules: Rules,
    members: BTreeMap<ClientId, Member>,
    /// Nicks as they are looked up.
    nicks: BTreeSet<(String, ClientId)>,
    /// Skeletons of their nicks, which look-alikes share.
    looks: BTreeSet<(String, ClientId)>,
    /// Everyone, in the order of joining.
    here: Arc<Vec<ClientId>>,
    /// The nicks that lists show: the order of joining, without those who hide.
    shown: Names,
    rooms: Dens,
    files: Files,
    /// Registered people who are here.
    accounts: BTreeMap<Name, ClientId>,
}

#[derive(Debug)]
struct Member {
    nick: Name,
    hidden: bool,
    /// True if its client shows who is writing.
    takes_hints: bool,
    /// True if its client opens envelopes.
    opens_envelopes: bool,
    /// Clients that open none and have read that this one tried.
    tried: BTreeSet<ClientId>,
    /// The name by which it is registered.
    account: Option<Name>,
    /// The rooms that it is in, that it owns, and that it is invited into, as they are looked up.
    rooms: Vec<Name>,
    owns: Vec<Name>,
    invited: Vec<Name>,
}

impl Room {
    /// An empty room.
    pub fn new(rules: Rules) -> Room {
        Room { rules, ..Room::default() }
    }

    /// Has other rules from now on; what is there stays.
    pub fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// Number of people who have joined.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// True if nobody has joined.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The nick of a client that is in.
    pub fn nick(&self, client: ClientId) -> Option<&Name> {
        self.members.get(&client).map(|member| &member.nick)
    }

    /// Everyone, in the order of joining.
    pub fn everyone(&self) -> &Arc<Vec<ClientId>> {
        &self.here
    }

    /// The nicks that lists show.
    pub fn people(&self) -> Names {
        self.shown.clone()
    }

    /// True if a person with this nick has joined.
    pub fn is_here(&self, nick: &str) -> bool {
        self.find(nick.trim()).is_some()
    }

    /// True if anybody may have this nick, as far as it goes by the nick alone.
    pub fn is_fit(&self, nick: &str) -> bool {
        self.rules.nick(nick).is_ok()
    }

    /// `nick` if nobody has it, else the first of `nick_2`, `nick_3` … that is free.
    pub fn free_nick(&self, nick: &str) -> String {
        let nick = nick.trim();
        let is_free = |nick: &str| !self.is_like_another(None, nick);
        // An unfit nick is refused anyway, taken or not.
        if !self.is_fit(nick) || is_free(nick) {
            return nick.to_owned();
        }
        let numbered = |n: u32| {
            let suffix = format!("_{n}");
            let kept = self.rules.name_chars.saturating_sub(suffix.len());
            nick.chars().take(kept).collect::<String>() + &suffix
        };
        // One more than there are people cannot all be taken.
        let free = (2..self.len() as u32 + 3).map(numbered).find(|nick| is_free(nick));
        free.unwrap_or_else(|| nick.to_owned())
    }

    /// Does what `client` asks and appends what anyone hears of it to `out`: the client's own
    /// answer first.
    pub fn handle(&mut self, client: ClientId, request: Request, out: &mut Vec<Delivery>) {
        self.handle_kept(client, request, &mut Forgetful, out);
    }

    /// The same where something outlives the people: what `keeper` refuses to keep is not done.
    pub fn handle_kept(
        &mut self,
        client: ClientId,
        request: Request,
        keeper: &mut dyn Keeper,
        out: &mut Vec<Delivery>,
    ) {
        let answer = match request {
            Request::Join { nick } => match self.join(client, &nick, out) {
                Ok(()) => return,
                Err(refusal) => Event::Rejected(refusal),
            },
            Request::Leave => return self.leave(client, out),
            Request::Ping => Event::Pong,
            Request::Help => Event::Help,
            request => match self.serve(client, request, keeper, out) {
                Ok(()) => return,
                Err(refusal) => Event::Refused(refusal),
            },
        };
        answer_to(client, answer, out);
    }

    /// The requests that only members may make.
    fn serve(
        &mut self,
        client: ClientId,
        request: Request,
        keeper: &mut dyn Keeper,
        out: &mut Vec<Delivery>,
    ) -> Result<(), Refusal> {
        let from = self.nick(client).ok_or(Refusal::NotJoined)?.clone();
        match request {
            Request::Say { text } => {
                if self.rules.is_worth_saying(&text)? {
                    answer_to(client, Event::Said { from: from.clone(), text: text.clone() }, out);
                    out.push(self.to_others(client, Event::Message { from, text }));
                }
            }
            Request::Tell { to, text } => self.tell(client, from, to.trim(), text, keeper, out)?,
            Request::People => answer_to(client, Event::People { names: self.people() }, out),
            Request::Rename { nick } => {
                let to = self.admit(client, &nick)?;
                self.rename(client, &from, &to);
                answer_to(client, Event::NickChanged { to: to.clone() }, out);
                out.push(self.to_others(client, Event::Renamed { from, to }));
            }
            Request::File(request) => self.serve_file(client, &from, request, out)?,
            Request::Hint(to) => self.hint(client, from, &to, out),
            Request::Seal { to, envelope } => self.seal(client, from, to.trim(), envelope, out)?,
            Request::Hide => self.show(client, false, Event::Hidden, out),
            Request::Reveal => self.show(client, true, Event::Revealed, out),
            // Answered before anyone asked whether the client is a member.
            Request::Join { .. } | Request::Leave | Request::Ping | Request::Help => {}
            about_rooms => self.serve_room(client, from, about_rooms, keeper, out)?,
        }
        Ok(())
    }

    fn join(&mut self, client: ClientId, nick: &str, out: &mut Vec<Delivery>) -> Result<(), Refusal> {
        if self.members.contains_key(&client) {
            return Err(Refusal::AlreadyJoined);
        }
        if self.members.len() >= self.rules.people {
            return Err(Refusal::Full);
        }
        let nick = self.admit(client, nick)?;
        self.note(client, &nick);
        Arc::make_mut(&mut self.here).push(client);
        Arc::make_mut(&mut self.shown).push(nick.clone());
        let member = Member {
            nick: nick.clone(),
            hidden: false,
            takes_hints: false,
            opens_envelopes: false,
            tried: BTreeSet::new(),
            account: None,
            rooms: Vec::new(),
            owns: Vec::new(),
            invited: Vec::new(),
        };
        self.members.insert(client, member);
        answer_to(client, Event::Welcome { nick: nick.clone(), people: self.shown.clone() }, out);
        out.push(self.to_others(client, Event::Joined { nick }));
        Ok(())
    }

    fn leave(&mut self, client: ClientId, out: &mut Vec<Delivery>) {
        answer_to(client, Event::Bye, out);
        let Some(member) = self.members.remove(&client) else { return };
        self.strike_off(client, &member.nick);
        Arc::make_mut(&mut self.here).retain(|&other| other != client);
        Arc::make_mut(&mut self.shown).retain(|nick| !Arc::ptr_eq(nick, &member.nick));
        self.leave_rooms(client, &member);
        self.files.leave(client, &member.nick, out);
        out.push(self.to_others(client, Event::Left { nick: member.nick }));
    }

    /// To one person, who hears it at once or, if registered, when it comes back.
    fn tell(
        &mut self,
        client: ClientId,
        from: Name,
        to: &str,
        text: Name,
        keeper: &mut dyn Keeper,
        out: &mut Vec<Delivery>,
    ) -> Result<(), Refusal> {
        let missing = || Refusal::NoSuchPerson(to.into());
        if let Some(other) = self.find(to) {
            if self.rules.is_worth_saying(&text)? {
                let to = self.nick(other).cloned().unwrap_or_default();
                answer_to(client, Event::Told { to, text: text.clone() }, out);
                answer_to(other, Event::Direct { from, text }, out);
            }
            return Ok(());
        }
        let account = keeper.account(to).ok_or_else(missing)?;
        if self.rules.is_worth_saying(&text)? {
            keeper.keep(Change::Mail { to: account.clone(), from, text: text.clone() })?;
            answer_to(client, Event::Told { to: account.clone(), text }, out);
            let text = format!("{account} is away: your message is kept until they come back").into();
            answer_to(client, Event::Notice { text }, out);
        }
        Ok(())
    }

    /// The nick that `client` may have, as it will be shown.
    fn admit(&self, client: ClientId, nick: &str) -> Result<Name, Refusal> {
        let nick = self.rules.nick(nick)?;
        if self.rules.unique_nicks && self.is_like_another(Some(client), nick) {
            return Err(Refusal::NickTaken);
        }
        Ok(nick.into())
    }

    /// True if a client other than `client` has a nick that looks like this one.
    fn is_like_another(&self, client: Option<ClientId>, nick: &str) -> bool {
        Likeness::of(nick).forms().iter().any(|form| {
            let from_there = self.looks.range((form.clone(), ClientId(0))..);
            from_there.take_while(|(look, _)| look == form).any(|&(_, other)| Some(other) != client)
        })
    }

    /// Client with this nick, or that has registered it and has another name now; if several have, the
    /// one with the lowest number.
    fn find(&self, nick: &str) -> Option<ClientId> {
        let wanted = exact(nick);
        let first = self.nicks.range((wanted.clone(), ClientId(0))..).next();
        let called = first.and_then(|(nick, client)| (*nick == wanted).then_some(*client));
        called.or_else(|| self.accounts.get(wanted.as_str()).copied())
    }

    /// Notes whose nick this is.
    fn note(&mut self, client: ClientId, nick: &str) {
        self.nicks.insert((exact(nick), client));
        let looks = Likeness::of(nick).forms().clone();
        self.looks.extend(looks.map(|look| (look, client)));
    }

    /// Nobody's nick is this any longer.
    fn strike_off(&mut self, client: ClientId, nick: &str) {
        self.nicks.remove(&(exact(nick), client));
        for look in Likeness::of(nick).forms() {
            self.looks.remove(&(look.clone(), client));
        }
    }

    fn rename(&mut self, client: ClientId, from: &Name, to: &Name) {
        self.strike_off(client, from);
        self.note(client, to);
        for shown in Arc::make_mut(&mut self.shown) {
            if Arc::ptr_eq(shown, from) {
                *shown = to.clone();
            }
        }
        if let Some(member) = self.members.get_mut(&client) {
            member.nick = to.clone();
        }
    }

    /// Puts a person into the list or out of it, and says so even if it was so already.
    fn show(&mut self, client: ClientId, visible: bool, answer: Event, out: &mut Vec<Delivery>) {
        let Some(member) = self.members.get_mut(&client) else { return };
        if std::mem::replace(&mut member.hidden, !visible) == visible {
            let shown = Arc::make_mut(&mut self.shown);
            if visible {
                shown.push(member.nick.clone());
            } else {
                shown.retain(|nick| !Arc::ptr_eq(nick, &member.nick));
            }
        }
        answer_to(client, answer, out);
    }

    fn to_others(&self, client: ClientId, event: Event) -> Delivery {
        Delivery { to: Audience::Group { members: self.here.clone(), but: Some(client) }, event }
    }
}

fn answer_to(client: ClientId, event: Event, out: &mut Vec<Delivery>) {
    out.push(Delivery { to: Audience::One(client), event });
}
