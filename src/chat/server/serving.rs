//! A request is served: the room answers it, and all who hear of it are told.

use std::sync::Arc;

use super::backing::{Admission, Backing, Ending};
use super::outgoing::Origin;
use super::{RoomServer, limit};
use crate::chat::marker;
use crate::chat::message::{Audience, ClientId, Delivery, Event, Name, Refusal, Request};
use crate::chat::protocol::{After, Ask, Encodings, Moment, SERVER, ServerSession};
use crate::chat::room::{Change, Keeper};

/// One request that was served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// The number that its text carries, if it is a synthetic message: see [`marker`].
    pub marker: Option<u32>,
    /// Number of people who were told a message because of it.
    pub audience: u32,
}

/// Changes that a room keeps go to the server's backing, with the time.
struct Keeping<'a, B> {
    backing: &'a mut B,
    moment: Moment,
    /// True if something could not be kept.
    failed: bool,
}

impl<B: Backing> Keeper for Keeping<'_, B> {
    fn account(&self, nick: &str) -> Option<Name> {
        self.backing.account(nick)
    }

    fn keep(&mut self, change: Change) -> Result<(), Refusal> {
        let result = self.backing.change(self.moment, change);
        self.failed |= matches!(result, Err(Refusal::NotNow(_)));
        result
    }
}

impl<B: Backing> RoomServer<B> {
    /// Serves the next thing that a connection has asked; nothing if that is all, or it is ending.
    pub fn serve_next(&mut self, moment: Moment, id: ClientId) -> Option<Served> {
        let seat = self.seats.get_mut(id).filter(|seat| !seat.is_closing)?;
        let Some(ask) = seat.next_asked() else {
            let malformed = seat.malformed.take()?;
            if !malformed.farewell.is_empty() {
                seat.push(malformed.farewell.into(), Origin::Own, moment.now);
            }
            self.counts.malformed += 1;
            self.backing.on_end(id, Ending::Malformed);
            self.close(moment, id);
            return None;
        };
        let (is_of_flow, weight) = (ask.is_of_flow(), limit::weight(&ask));
        if is_of_flow {
            seat.bucket.take_of_flow();
        } else {
            seat.bucket.take(weight);
        }
        seat.pressure.on_served(moment.now);
        seat.out.on_served(moment.now, weight);
        let was_free = self.is_floor_free(moment.now);
        self.deliveries_made += 1;
        self.reached_others = false;
        let before = self.author.replace(id);
        let mut served = Served::default();
        match ask {
            Ask::Room(request) => {
                self.begin(moment, id, Some(&request));
                served = self.admit(moment, id, request);
            }
            Ask::Session(answer) => {
                self.begin(moment, id, None);
                self.answer(moment, id, answer);
            }
            Ask::Note(_) => self.begin(moment, id, None),
        }
        self.collect(moment, id);
        self.author = before;
        let reached_others = self.reached_others;
        self.seat(id).into_iter().for_each(|seat| seat.was_answered_alone = !reached_others);
        if reached_others && !is_of_flow && self.bounds.is_some() {
            self.spoke(moment.now, id, weight, was_free);
        }
        Some(served)
    }

    /// Serves a request unless it is for a nick that its author may not have, or not yet.
    fn admit(&mut self, moment: Moment, id: ClientId, request: Request) -> Served {
        if !matches!(request, Request::Join { .. } | Request::Rename { .. }) {
            return self.serve(moment, id, request);
        }
        match self.backing.admit(moment, &self.room, id, request) {
            Admission::Serve(request) => return self.serve(moment, id, request),
            Admission::Answer(event) => {
                self.backing.on_event(moment, id, &event);
                self.tell(moment, &Audience::One(id), &event);
            }
            Admission::Later => {
                self.seat(id).into_iter().for_each(|seat| seat.is_gated = true);
                self.desk.ends_turn = true;
            }
        }
        Served::default()
    }

    /// True if a client waits for what its [`Backing`] decides about its nick.
    pub fn is_gated(&self, id: ClientId) -> bool {
        self.seats.get(id).is_some_and(|seat| seat.is_gated)
    }

    /// The decision about a client that was to be admitted [later](Admission::Later).
    pub fn admit_later(&mut self, moment: Moment, id: ClientId, decision: Result<Request, Event>) {
        let Some(seat) = self.seat(id).filter(|seat| seat.is_gated) else { return };
        seat.is_gated = false;
        match decision {
            Ok(request) => drop(self.serve(moment, id, request)),
            Err(event) => self.tell(moment, &Audience::One(id), &event),
        }
    }

    /// Lets the room answer a request and tells everyone who hears of it.
    pub(super) fn serve(&mut self, moment: Moment, id: ClientId, request: Request) -> Served {
        if let Request::Join { nick } | Request::Rename { nick } = &request {
            self.announce_departure_of(moment, nick);
        }
        let wanted = if let Request::Join { nick } = &request { Some(nick.clone()) } else { None };
        if wanted.is_some() {
            // A newcomer's history begins where its own hearing ends.
            self.settle(moment.now);
        }
        let marker = request.text().and_then(|text| marker::read(text.as_bytes()));
        let mut served = Served { marker, audience: 0 };
        let request = match request {
            // A refusal would only make its client come again.
            Request::Join { nick } if self.seat(id).is_some_and(|seat| seat.session.numbers_duplicates()) => {
                Request::Join { nick: self.room.free_nick(&nick) }
            }
            request => request,
        };
        let mut people_changed = false;
        let mut deliveries = std::mem::take(&mut self.deliveries);
        let mut keeping = Keeping { backing: &mut self.backing, moment, failed: false };
        self.room.handle_kept(id, request.printable(), &mut keeping, &mut deliveries);
        if keeping.failed {
            self.holding.refuse_last();
        }
        for Delivery { to, event } in deliveries.drain(..) {
            if event.is_message() {
                served.audience += to.count() as u32;
            }
            self.backing.on_event(moment, id, &event);
            if let Event::Left { nick } = &event
                && !self.tells_departure(moment.now, nick)
            {
                continue;
            }
            people_changed |= event.changes_people();
            self.tell(moment, &to, &event);
        }
        self.deliveries = deliveries;
        if let (Some(wanted), Some(nick)) = (wanted, self.room.nick(id).cloned()) {
            self.greet(moment, id, &wanted, &nick);
        }
        if people_changed {
            self.tell_watchers(moment);
        }
        served
    }

    /// A newcomer learns what was said before and what its nick has become.
    fn greet(&mut self, moment: Moment, id: ClientId, wanted: &str, nick: &Name) {
        self.seat(id).into_iter().for_each(|seat| seat.join_by = None);
        if self.session(id).is_some_and(ServerSession::takes_files) {
            self.room.takes_files(id);
        }
        if self.session(id).is_some_and(ServerSession::takes_hints) {
            self.room.takes_hints(id);
        }
        if self.session(id).is_some_and(ServerSession::opens_envelopes) {
            self.room.opens_envelopes(id);
        }
        let to = Audience::One(id);
        for event in self.backing.past() {
            self.tell(moment, &to, &event);
        }
        if wanted.trim() != &**nick {
            let text = format!("'{}' is taken; you are {nick}", wanted.trim()).into();
            self.tell(moment, &to, &Event::Notice { text });
        }
    }

    /// Return of a person with a right password to its rooms; true if that is news.
    pub fn claim(&mut self, moment: Moment, id: ClientId, account: &Name) -> bool {
        let mut deliveries = Vec::new();
        let is_news = self.room.claim(id, account, &mut deliveries);
        for Delivery { to, event } in deliveries {
            self.tell(moment, &to, &event);
        }
        is_news
    }

    /// Ends a room in the server's name.
    pub fn close_room(&mut self, moment: Moment, room: &str) -> Result<(), Refusal> {
        self.settle(moment.now);
        let mut keeping = Keeping { backing: &mut self.backing, moment, failed: false };
        let mut deliveries = Vec::new();
        self.room.close(room, SERVER.into(), &mut keeping, &mut deliveries)?;
        for Delivery { to, event } in deliveries {
            self.tell(moment, &to, &event);
        }
        Ok(())
    }

    /// Gives the list of people to those who want it at every change.
    pub(super) fn tell_watchers(&mut self, moment: Moment) {
        if self.watchers.is_empty() {
            return;
        }
        let members = self.watchers.iter().copied().filter(|&id| self.room.nick(id).is_some()).collect();
        let to = Audience::Group { members: Arc::new(members), but: None };
        self.tell(moment, &to, &Event::People { names: self.room.people() });
    }

    /// Tells somebody something.
    pub(super) fn tell_now(&mut self, moment: Moment, to: &Audience, event: &Event) {
        self.events += 1;
        let mut encodings = Encodings::new(self.events);
        for id in to.iter() {
            let seat = self.seats.get_mut(id);
            let Some(seat) = seat.filter(|seat| !seat.is_closing) else { continue };
            self.deliveries_made += 1;
            self.reached_others |= self.author != Some(id);
            if seat.is_broken() {
                continue;
            }
            let after = seat.session.tell(moment, event, &mut encodings);
            match event {
                Event::Past { .. } => seat.collect(Origin::Past, moment.now),
                Event::File(file) if file.is_of_flow() => seat.collect(Origin::Flow, moment.now),
                _ => {}
            }
            self.collect(moment, id);
            if after == After::Close {
                self.counts.rejected += u64::from(matches!(event, Event::Rejected(_)));
                self.close(moment, id);
            }
        }
    }
}
