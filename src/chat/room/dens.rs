//! Requests about rooms: founding, entering, inviting, speaking, ending.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::den::{Den, Person};
use super::kept::{Change, Keeper, KeptRoom, Standing};
use super::{Member, Room, answer_to, rules};
use crate::chat::message::{ClientId, Delivery, Event, Name, Refusal, Request};

/// Description of a room for an administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomInfo {
    /// Its name.
    pub name: Name,
    /// True if only the invited enter and see it.
    pub private: bool,
    /// The person that owns it, if one does.
    pub owner: Option<Name>,
    /// Members who are here.
    pub here: usize,
    /// Registered members who are away.
    pub away: usize,
    /// People who are invited and have not entered.
    pub invited: usize,
}

/// Keeps what there is to be kept.
fn keep(keeper: &mut dyn Keeper, change: Option<Change>) -> Result<(), Refusal> {
    change.map_or(Ok(()), |change| keeper.keep(change))
}

impl Room {
    /// The rooms as they were when the server ended; before anybody comes.
    pub fn restore(&mut self, rooms: Vec<KeptRoom>) {
        for KeptRoom { name, owner, private, people } in rooms {
            let mut den = Den { name, private, owner: owner.map(Person::Account), ..Den::default() };
            for (account, standing) in people {
                match standing {
                    Standing::Member => drop(den.away.insert(account)),
                    Standing::Invited { by } => drop(den.invited.insert(Person::Account(account), by)),
                }
            }
            self.rooms.add(den);
        }
    }

    /// The newcomer is this registered person, and in its rooms again; false if that person is here
    /// already.
    pub fn claim(&mut self, client: ClientId, account: &Name, out: &mut Vec<Delivery>) -> bool {
        let Some(member) = self.members.get_mut(&client) else { return false };
        if self.accounts.contains_key(account) {
            return false;
        }
        self.accounts.insert(account.clone(), client);
        member.account = Some(account.clone());
        let person = Person::Account(account.clone());
        for (key, den) in &mut self.rooms.by_name {
            if den.owner.as_ref() == Some(&person) {
                member.owns.push(key.clone());
            }
            if den.away.remove(account) {
                Arc::make_mut(&mut den.members).push(client);
                member.rooms.push(key.clone());
                answer_to(client, Event::Entered { room: den.name.clone() }, out);
            }
            if let Some(from) = den.invited.get(&person) {
                let event = Event::Invitation { room: den.name.clone(), from: from.clone() };
                answer_to(client, event, out);
            }
        }
        true
    }

    /// The registered name of a client that is in.
    pub fn account(&self, client: ClientId) -> Option<&Name> {
        self.members.get(&client)?.account.as_ref()
    }

    fn person(&self, client: ClientId) -> Person {
        self.account(client).cloned().map_or(Person::Guest(client), Person::Account)
    }

    /// The room of this name. For those to whom a private one is not open, there is none: nothing tells it from a
    /// name that nobody has.
    fn open_room(&self, client: ClientId, room: &str) -> Result<(Name, &Den), Refusal> {
        let found = self.rooms.get(room).filter(|(_, den)| den.is_open_to(client, &self.person(client)));
        found.ok_or_else(|| Refusal::NoSuchRoom(room.into()))
    }

    /// The requests about rooms.
    pub(super) fn serve_room(
        &mut self,
        client: ClientId,
        from: Name,
        request: Request,
        keeper: &mut dyn Keeper,
        out: &mut Vec<Delivery>,
    ) -> Result<(), Refusal> {
        match request {
            Request::SayIn { room, text } => {
                let room = rules::room_name(&room);
                let (_, den) = self.open_room(client, room)?;
                if !den.members.contains(&client) {
                    return Err(Refusal::NotMember(den.name.clone()));
                }
                self.post(client, from, room, text, out)
            }
            Request::Post { room, text } => self.post(client, from, rules::room_name(&room), text, out),
            Request::Create { room, private } => {
                let room = self.found(client, rules::room_name(&room), private, keeper)?;
                answer_to(client, Event::Created { room }, out);
                Ok(())
            }
            Request::Enter { room, create } => {
                let room = self.enter(client, rules::room_name(&room), create, keeper)?;
                answer_to(client, Event::Entered { room }, out);
                Ok(())
            }
            Request::Exit { room } => {
                let room = self.exit(client, rules::room_name(&room), keeper)?;
                answer_to(client, Event::Exited { room }, out);
                Ok(())
            }
            Request::Invite { to, room } => {
                self.invite(client, from, to.trim(), room.as_deref(), keeper, out)
            }
            Request::Close { room } => {
                let room = rules::room_name(&room);
                let (_, den) = self.open_room(client, room)?;
                if den.owner.as_ref() != Some(&self.person(client)) {
                    return Err(Refusal::NotOwner(den.name.clone()));
                }
                let is_outside = !den.members.contains(&client);
                let event = self.close(room, from, keeper, out)?;
                if is_outside {
                    answer_to(client, event, out);
                }
                Ok(())
            }
            _ => {
                let person = self.person(client);
                let open = self.rooms.by_name.values().filter(|den| den.is_open_to(client, &person));
                let names = Arc::new(open.map(|den| den.name.clone()).collect());
                answer_to(client, Event::Rooms { names }, out);
                Ok(())
            }
        }
    }

    /// Name of a room that a client is a member of, and its other members.
    pub(super) fn fellows(&self, client: ClientId, room: &str) -> Result<(Name, Vec<ClientId>), Refusal> {
        let (_, den) = self.open_room(client, room)?;
        if !den.members.contains(&client) {
            return Err(Refusal::NotMember(den.name.clone()));
        }
        let others = den.members.iter().copied().filter(|&other| other != client);
        Ok((den.name.clone(), others.collect()))
    }

    fn post(
        &self,
        client: ClientId,
        from: Name,
        room: &str,
        text: Name,
        out: &mut Vec<Delivery>,
    ) -> Result<(), Refusal> {
        let (_, den) = self.open_room(client, room)?;
        let is_member = den.members.contains(&client);
        if den.private && !is_member {
            return Err(Refusal::NotMember(den.name.clone()));
        }
        if self.rules.is_worth_saying(&text)? {
            let room = &den.name;
            if is_member {
                let event = Event::SaidIn { room: room.clone(), from: from.clone(), text: text.clone() };
                answer_to(client, event, out);
            }
            let event = Event::RoomMessage { room: room.clone(), from, text };
            out.push(Delivery { to: den.everybody(Some(client)), event });
        }
        Ok(())
    }

    fn found(
        &mut self,
        client: ClientId,
        room: &str,
        private: bool,
        keeper: &mut dyn Keeper,
    ) -> Result<Name, Refusal> {
        if let Some(other) = self.rooms.like(room) {
            // Names are of one kind: that this one is taken cannot be hidden, how it is written can.
            let is_open = other.is_open_to(client, &self.person(client));
            return Err(Refusal::RoomExists(if is_open { other.name.clone() } else { room.into() }));
        }
        let name: Name = self.rules.room(room)?.into();
        let owner = self.person(client);
        let member = self.members.get_mut(&client).ok_or(Refusal::NotJoined)?;
        if self.rooms.by_name.len() >= self.rules.rooms {
            return Err(Refusal::TooManyRooms);
        }
        if member.owns.len() >= self.rules.rooms_each {
            return Err(Refusal::TooManyOwnRooms);
        }
        let members = Arc::new(vec![client]);
        let den = Den { name: name.clone(), private, owner: Some(owner.clone()), members, ..Den::default() };
        keep(keeper, den.change(&owner, Some(Standing::Member)))?;
        let key = self.rooms.add(den);
        member.owns.push(key.clone());
        member.rooms.push(key);
        Ok(name)
    }

    fn enter(
        &mut self,
        client: ClientId,
        room: &str,
        create: bool,
        keeper: &mut dyn Keeper,
    ) -> Result<Name, Refusal> {
        let person = self.person(client);
        let Some((key, den)) = self.rooms.get(room) else {
            if create && self.rules.entering_founds {
                return self.found(client, room, false, keeper);
            }
            return Err(Refusal::NoSuchRoom(room.into()));
        };
        if den.members.contains(&client) {
            return Err(Refusal::AlreadyMember(den.name.clone()));
        }
        if !den.is_open_to(client, &person) {
            return Err(Refusal::NoSuchRoom(room.into()));
        }
        keep(keeper, den.change(&person, Some(Standing::Member)))?;
        let (den, member) =
            self.rooms.by_name.get_mut(&key).zip(self.members.get_mut(&client)).ok_or(Refusal::NotJoined)?;
        den.invited.remove(&person);
        Arc::make_mut(&mut den.members).push(client);
        member.rooms.push(key);
        Ok(den.name.clone())
    }

    fn exit(&mut self, client: ClientId, room: &str, keeper: &mut dyn Keeper) -> Result<Name, Refusal> {
        let person = self.person(client);
        let found = self.rooms.get(room).filter(|(_, den)| den.members.contains(&client));
        let (key, den) = found.ok_or_else(|| Refusal::NotMember(room.into()))?;
        keep(keeper, den.change(&person, None))?;
        let name = den.name.clone();
        if let Some(member) = self.members.get_mut(&client) {
            member.rooms.retain(|other| *other != key);
        }
        self.strike(client, &key);
        Ok(name)
    }

    fn invite(
        &mut self,
        client: ClientId,
        from: Name,
        to: &str,
        room: Option<&str>,
        keeper: &mut dyn Keeper,
        out: &mut Vec<Delivery>,
    ) -> Result<(), Refusal> {
        let own = &self.members.get(&client).ok_or(Refusal::NotJoined)?.rooms;
        let room = match (room, own.as_slice()) {
            (Some(room), _) => rules::room_name(room),
            (None, [only]) => only,
            (None, _) => return Err(Refusal::WhichRoom),
        };
        let (key, den) = self.open_room(client, room)?;
        let room = den.name.clone();
        if !den.is_of(client, &self.person(client)) {
            return Err(Refusal::NotMember(room));
        }
        let here = self.find(to);
        let person = match here {
            Some(other) => self.person(other),
            None => {
                let account = keeper.account(to);
                Person::Account(account.ok_or_else(|| Refusal::NoSuchPerson(to.into()))?)
            }
        };
        let is_in = here.is_some_and(|other| den.members.contains(&other))
            || person.account().is_some_and(|account| den.away.contains(account));
        let shown = here.and_then(|other| self.nick(other)).or(person.account());
        let to = shown.cloned().unwrap_or_default();
        if is_in {
            return Err(Refusal::MemberAlready(to, room));
        }
        // A guest's room does not outlive its owner.
        if matches!(den.owner, Some(Person::Account(_))) {
            keep(keeper, den.change(&person, Some(Standing::Invited { by: from.clone() })))?;
        }
        if let (Person::Guest(_), Some(guest)) = (&person, here.and_then(|id| self.members.get_mut(&id))) {
            guest.invited.push(key.clone());
        }
        if let Some(den) = self.rooms.by_name.get_mut(&key) {
            den.invited.insert(person, from.clone());
        }
        answer_to(client, Event::Invited { room: room.clone(), to }, out);
        if let Some(other) = here {
            answer_to(other, Event::Invitation { room, from }, out);
        }
        Ok(())
    }

    /// All rooms, private ones too, as an administrator sees them, in alphabetical order.
    pub fn rooms(&self) -> impl Iterator<Item = RoomInfo> {
        self.rooms.by_name.values().map(|den| {
            let owner = den.owner.as_ref().and_then(|owner| match owner {
                Person::Guest(client) => self.nick(*client),
                Person::Account(account) => Some(account),
            });
            RoomInfo {
                name: den.name.clone(),
                private: den.private,
                owner: owner.cloned(),
                here: den.members.len(),
                away: den.away.len(),
                invited: den.invited.len(),
            }
        })
    }

    /// Ends a room, whoever owns it; its members hear the event that is returned.
    pub fn close(
        &mut self,
        room: &str,
        by: Name,
        keeper: &mut dyn Keeper,
        out: &mut Vec<Delivery>,
    ) -> Result<Event, Refusal> {
        let room = rules::room_name(room);
        let (key, den) = self.rooms.get(room).ok_or_else(|| Refusal::NoSuchRoom(room.into()))?;
        let is_kept = matches!(den.owner, Some(Person::Account(_)))
            || !den.away.is_empty()
            || den.members.iter().any(|&member| self.account(member).is_some());
        keep(keeper, is_kept.then(|| Change::Closed { room: den.name.clone() }))?;
        let event = Event::Closed { room: den.name.clone(), by };
        out.push(Delivery { to: den.everybody(None), event: event.clone() });
        self.rooms.remove(&key);
        for member in self.members.values_mut() {
            for rooms in [&mut member.rooms, &mut member.owns, &mut member.invited] {
                rooms.retain(|other| *other != key);
            }
        }
        Ok(event)
    }

    /// Somebody has gone; its rooms know those who come back.
    pub(super) fn leave_rooms(&mut self, client: ClientId, member: &Member) {
        if let Some(account) = &member.account {
            self.accounts.remove(account);
            for key in &member.rooms {
                if let Some(den) = self.rooms.by_name.get_mut(key) {
                    den.away.insert(account.clone());
                }
            }
        } else {
            for key in &member.owns {
                if let Some(den) = self.rooms.by_name.get_mut(key) {
                    den.owner = None;
                }
                self.rooms.end_if_deserted(key);
            }
        }
        for key in &member.invited {
            if let Some(den) = self.rooms.by_name.get_mut(key) {
                den.invited.remove(&Person::Guest(client));
            }
        }
        for key in &member.rooms {
            self.strike(client, key);
        }
    }

    fn strike(&mut self, client: ClientId, key: &Name) {
        if let Some(den) = self.rooms.by_name.get_mut(key) {
            Arc::make_mut(&mut den.members).retain(|&other| other != client);
        }
        self.rooms.end_if_deserted(key);
    }
}
