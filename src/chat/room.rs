//! Who is here, and who hears what: a pure function from (client, request) to deliveries.
//!
//! A [`Room`] is the whole chat; in it people may found smaller rooms by name. Nothing is iterated
//! in an order that could differ between two runs. Lists are shared with the deliveries and changed
//! in place once those are gone, so that a join costs no copy of the list, however many are here.
//!
//! | rule | where it comes from |
//! | --- | --- |
//! | names are trimmed, 1 to 32 characters, all of them visible | program 0's rule; narrower ones belong to the dialects |
//! | two nicks that differ only in case are the same | so that nobody passes for somebody else |
//! | a hidden person hears and speaks, but is in no list | program 3 |
//! | rooms outlive their members, and outsiders may post to them | program 3; [`Rules`] can forbid posting |
//! | a text without a visible character is no message | programs 1 and 2 |

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::message::{Audience, ClientId, Delivery, Event, Name, Names, Refusal, Request};

/// The chat: its people, their nicks and their rooms.
#[derive(Debug, Default)]
pub struct Room {
    rules: Rules,
    members: BTreeMap<ClientId, Member>,
    /// Nicks in lower case, for uniqueness and for finding people.
    nicks: BTreeSet<(String, ClientId)>,
    /// Everyone, in the order of joining.
    here: Arc<Vec<ClientId>>,
    /// The nicks that lists show: the order of joining, without those who hide.
    shown: Names,
    rooms: BTreeMap<Name, Arc<Vec<ClientId>>>,
}

/// What a room allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The longest nick or room name, in characters.
    pub name_chars: usize,
    /// The longest text, in bytes of UTF-8.
    pub text_bytes: usize,
    /// The most people at a time.
    pub people: usize,
    /// The most rooms at a time.
    pub rooms: usize,
    /// Whether a nick belongs to one person only.
    pub unique_nicks: bool,
    /// Nicks that nobody may have, in lower case.
    pub reserved: &'static [&'static str],
    /// Whether people may speak in rooms that they are not members of.
    pub outsiders_post: bool,
}

#[derive(Debug)]
struct Member {
    nick: Name,
    hidden: bool,
    rooms: Vec<Name>,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            name_chars: 32,
            text_bytes: 65_536,
            people: 100_000,
            rooms: 10_000,
            unique_nicks: true,
            reserved: &[],
            outsiders_post: true,
        }
    }
}

impl Room {
    /// An empty room.
    pub fn new(rules: Rules) -> Room {
        Room { rules, ..Room::default() }
    }

    /// How many people are in.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether nobody is in.
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

    /// Whoever has this nick, whatever its case.
    pub fn client(&self, nick: &str) -> Option<ClientId> {
        self.find(&fold(nick.trim()))
    }

    /// `nick` if nobody has it, else the first of `nick_2`, `nick_3` … that is free.
    pub fn free_nick(&self, nick: &str) -> String {
        let nick = nick.trim();
        if self.client(nick).is_none() {
            return nick.to_owned();
        }
        let numbered = |n: u32| {
            let suffix = format!("_{n}");
            let kept = self.rules.name_chars.saturating_sub(suffix.len());
            nick.chars().take(kept).collect::<String>() + &suffix
        };
        // One more than there are people cannot all be taken.
        let free = (2..self.len() as u32 + 3).map(numbered).find(|nick| self.client(nick).is_none());
        free.unwrap_or_else(|| nick.to_owned())
    }

    /// Does what `client` asks and appends what anyone hears of it to `out`: the client's own
    /// answer first.
    pub fn handle(&mut self, client: ClientId, request: Request, out: &mut Vec<Delivery>) {
        let answer = match request {
            Request::Join { nick } => match self.join(client, &nick, out) {
                Ok(()) => return,
                Err(refusal) => Event::Rejected(refusal),
            },
            Request::Leave => return self.leave(client, out),
            Request::Ping => Event::Pong,
            Request::Help => Event::Help,
            request => match self.serve(client, request, out) {
                Ok(()) => return,
                Err(refusal) => Event::Refused(refusal),
            },
        };
        answer_to(client, answer, out);
    }

    /// The requests that only members may make.
    fn serve(&mut self, client: ClientId, request: Request, out: &mut Vec<Delivery>) -> Result<(), Refusal> {
        let from = self.nick(client).ok_or(Refusal::NotJoined)?.clone();
        match request {
            Request::Say { text } => {
                if self.is_worth_saying(&text)? {
                    answer_to(client, Event::Said { from: from.clone(), text: text.clone() }, out);
                    out.push(self.to_others(client, Event::Message { from, text }));
                }
            }
            Request::Tell { to, text } => {
                let to = to.trim();
                let other = self.find(&fold(to)).ok_or_else(|| Refusal::NoSuchPerson(to.into()))?;
                if self.is_worth_saying(&text)? {
                    let to = self.nick(other).cloned().unwrap_or_default();
                    answer_to(client, Event::Told { to, text: text.clone() }, out);
                    answer_to(other, Event::Direct { from, text }, out);
                }
            }
            Request::SayIn { room, text } => self.say_in(client, from, room.trim(), text, out)?,
            Request::Create { room } => {
                let room = room.trim();
                if self.rooms.contains_key(room) {
                    return Err(Refusal::RoomExists(room.into()));
                }
                let room = self.found(room)?;
                self.enter(client, room.clone());
                answer_to(client, Event::Created { room }, out);
            }
            Request::Enter { room, create } => {
                let room = match self.rooms.get_key_value(room.trim()) {
                    Some((room, members)) if members.contains(&client) => {
                        return Err(Refusal::AlreadyMember(room.clone()));
                    }
                    Some((room, _)) => room.clone(),
                    None if create => self.found(room.trim())?,
                    None => return Err(Refusal::NoSuchRoom(room.trim().into())),
                };
                self.enter(client, room.clone());
                answer_to(client, Event::Entered { room }, out);
            }
            Request::Exit { room } => {
                let room: Name = room.trim().into();
                let member = self.members.get_mut(&client).ok_or(Refusal::NotJoined)?;
                let place = member.rooms.iter().position(|name| *name == room);
                member.rooms.remove(place.ok_or_else(|| Refusal::NotMember(room.clone()))?);
                self.strike(client, &room);
                answer_to(client, Event::Exited { room }, out);
            }
            Request::People => answer_to(client, Event::People { names: self.people() }, out),
            Request::Rooms => {
                let names = Arc::new(self.rooms.keys().cloned().collect());
                answer_to(client, Event::Rooms { names }, out);
            }
            Request::Rename { nick } => {
                let to = self.admit(client, &nick)?;
                self.rename(client, &from, &to);
                answer_to(client, Event::NickChanged { to: to.clone() }, out);
                out.push(self.to_others(client, Event::Renamed { from, to }));
            }
            Request::Hide => self.show(client, false, Event::Hidden, out),
            Request::Reveal => self.show(client, true, Event::Revealed, out),
            // Answered before anyone asked whether the client is a member.
            Request::Join { .. } | Request::Leave | Request::Ping | Request::Help => {}
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
        self.nicks.insert((fold(&nick), client));
        Arc::make_mut(&mut self.here).push(client);
        Arc::make_mut(&mut self.shown).push(nick.clone());
        self.members.insert(client, Member { nick: nick.clone(), hidden: false, rooms: Vec::new() });
        answer_to(client, Event::Welcome { nick: nick.clone(), people: self.shown.clone() }, out);
        out.push(self.to_others(client, Event::Joined { nick }));
        Ok(())
    }

    fn leave(&mut self, client: ClientId, out: &mut Vec<Delivery>) {
        answer_to(client, Event::Bye, out);
        let Some(member) = self.members.remove(&client) else { return };
        self.nicks.remove(&(fold(&member.nick), client));
        Arc::make_mut(&mut self.here).retain(|&other| other != client);
        Arc::make_mut(&mut self.shown).retain(|nick| !Arc::ptr_eq(nick, &member.nick));
        for room in &member.rooms {
            self.strike(client, room);
        }
        out.push(self.to_others(client, Event::Left { nick: member.nick }));
    }

    fn say_in(
        &mut self,
        client: ClientId,
        from: Name,
        room: &str,
        text: Name,
        out: &mut Vec<Delivery>,
    ) -> Result<(), Refusal> {
        let (room, members) =
            self.rooms.get_key_value(room).ok_or_else(|| Refusal::NoSuchRoom(room.into()))?;
        let is_member = members.contains(&client);
        if !is_member && !self.rules.outsiders_post {
            return Err(Refusal::NotMember(room.clone()));
        }
        if self.is_worth_saying(&text)? {
            if is_member {
                let event = Event::SaidIn { room: room.clone(), from: from.clone(), text: text.clone() };
                answer_to(client, event, out);
            }
            let to = Audience::Group { members: members.clone(), but: Some(client) };
            out.push(Delivery { to, event: Event::RoomMessage { room: room.clone(), from, text } });
        }
        Ok(())
    }

    /// Whether there is anything to be heard; an overlong text is refused rather than cut.
    fn is_worth_saying(&self, text: &str) -> Result<bool, Refusal> {
        if text.len() > self.rules.text_bytes {
            return Err(Refusal::TextTooLong);
        }
        Ok(!text.trim().is_empty())
    }

    /// The nick that `client` may have, as it will be shown.
    fn admit(&self, client: ClientId, nick: &str) -> Result<Name, Refusal> {
        let nick = self.visible(nick).ok_or(Refusal::NickInvalid)?;
        let folded = fold(nick);
        if self.rules.reserved.contains(&folded.as_str()) {
            return Err(Refusal::NickInvalid);
        }
        match self.find(&folded) {
            Some(other) if other != client && self.rules.unique_nicks => Err(Refusal::NickTaken),
            _ => Ok(nick.into()),
        }
    }

    /// The name without surrounding blanks, if it is of a good length and can be seen.
    fn visible<'a>(&self, name: &'a str) -> Option<&'a str> {
        let name = name.trim();
        let fits = !name.is_empty() && name.chars().nth(self.rules.name_chars).is_none();
        (fits && !name.chars().any(is_invisible)).then_some(name)
    }

    /// Whoever has this nick; if several have, the one with the lowest number.
    fn find(&self, folded: &str) -> Option<ClientId> {
        let (nick, client) = self.nicks.range((folded.to_owned(), ClientId(0))..).next()?;
        (nick == folded).then_some(*client)
    }

    fn rename(&mut self, client: ClientId, from: &Name, to: &Name) {
        self.nicks.remove(&(fold(from), client));
        self.nicks.insert((fold(to), client));
        for shown in Arc::make_mut(&mut self.shown) {
            if Arc::ptr_eq(shown, from) {
                *shown = to.clone();
            }
        }
        if let Some(member) = self.members.get_mut(&client) {
            member.nick = to.clone();
        }
    }

    /// Puts a person into the list or out of it; where it is so already, nobody hears anything.
    fn show(&mut self, client: ClientId, visible: bool, answer: Event, out: &mut Vec<Delivery>) {
        let Some(member) = self.members.get_mut(&client) else { return };
        if member.hidden != visible {
            return;
        }
        member.hidden = !visible;
        let shown = Arc::make_mut(&mut self.shown);
        if visible {
            shown.push(member.nick.clone());
        } else {
            shown.retain(|nick| !Arc::ptr_eq(nick, &member.nick));
        }
        answer_to(client, answer, out);
    }

    fn found(&mut self, room: &str) -> Result<Name, Refusal> {
        let room: Name = self.visible(room).ok_or(Refusal::RoomInvalid)?.into();
        if self.rooms.len() >= self.rules.rooms {
            return Err(Refusal::TooManyRooms);
        }
        self.rooms.insert(room.clone(), Arc::default());
        Ok(room)
    }

    fn enter(&mut self, client: ClientId, room: Name) {
        if let Some(members) = self.rooms.get_mut(&room) {
            Arc::make_mut(members).push(client);
        }
        if let Some(member) = self.members.get_mut(&client) {
            member.rooms.push(room);
        }
    }

    fn strike(&mut self, client: ClientId, room: &Name) {
        if let Some(members) = self.rooms.get_mut(room) {
            Arc::make_mut(members).retain(|&other| other != client);
        }
    }

    fn to_others(&self, client: ClientId, event: Event) -> Delivery {
        Delivery { to: Audience::Group { members: self.here.clone(), but: Some(client) }, event }
    }
}

fn answer_to(client: ClientId, event: Event, out: &mut Vec<Delivery>) {
    out.push(Delivery { to: Audience::One(client), event });
}

fn fold(nick: &str) -> String {
    nick.to_lowercase()
}

/// Control characters, and those that change or hide what stands around them.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: ClientId = ClientId(7);
    const BOB: ClientId = ClientId(3);
    const CAROL: ClientId = ClientId(5);

    fn ask(room: &mut Room, client: ClientId, request: Request) -> Vec<(Vec<u32>, Event)> {
        let mut out = Vec::new();
        room.handle(client, request, &mut out);
        out.into_iter().map(|d| (d.to.iter().map(|c| c.0).collect(), d.event)).collect()
    }

    fn join(room: &mut Room, client: ClientId, nick: &str) -> Vec<(Vec<u32>, Event)> {
        ask(room, client, Request::Join { nick: nick.to_owned() })
    }

    fn three(rules: Rules) -> Room {
        let mut room = Room::new(rules);
        for (client, nick) in [(ALICE, "alice"), (BOB, "bob"), (CAROL, "carol")] {
            join(&mut room, client, nick);
        }
        room
    }

    fn say(text: &str) -> Request {
        Request::Say { text: text.into() }
    }

    fn names(list: &[&str]) -> Names {
        Arc::new(list.iter().map(|&name| name.into()).collect())
    }

    fn people(room: &mut Room) -> Names {
        match ask(room, ALICE, Request::People).pop() {
            Some((_, Event::People { names })) => names,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_newcomer_sees_everyone_and_is_announced() {
        let mut room = three(Rules::default());
        let heard = join(&mut room, ClientId(9), "  dave ");
        let people = names(&["alice", "bob", "carol", "dave"]);
        assert_eq!(
            heard,
            [
                (vec![9], Event::Welcome { nick: "dave".into(), people }),
                (vec![7, 3, 5], Event::Joined { nick: "dave".into() }),
            ]
        );
    }

    #[test]
    fn bad_nicks_are_rejected_and_change_nothing() {
        let mut room = three(Rules { people: 4, ..Rules::default() });
        let long = "x".repeat(33);
        for nick in ["", "   ", "a\0b", "a\nb", "a\u{200b}", "\u{202e}bob", &long] {
            let heard = join(&mut room, ClientId(9), nick);
            assert_eq!(heard, [(vec![9], Event::Rejected(Refusal::NickInvalid))], "{nick:?}");
        }
        assert_eq!(join(&mut room, ClientId(9), "BOB")[0].1, Event::Rejected(Refusal::NickTaken));
        assert_eq!(join(&mut room, ALICE, "alice2")[0].1, Event::Rejected(Refusal::AlreadyJoined));
        assert_eq!(room.len(), 3);
        // Characters are counted, not bytes.
        assert!(matches!(join(&mut room, ClientId(9), &"ü".repeat(32))[0].1, Event::Welcome { .. }));
        assert_eq!(join(&mut room, ClientId(10), "eve")[0].1, Event::Rejected(Refusal::Full));
    }

    #[test]
    fn everyone_else_hears_a_broadcast_in_one_delivery() {
        let mut room = three(Rules::default());
        let (from, text): (Name, Name) = ("bob".into(), "hi".into());
        assert_eq!(
            ask(&mut room, BOB, say("hi")),
            [
                (vec![3], Event::Said { from: from.clone(), text: text.clone() }),
                (vec![7, 5], Event::Message { from, text }),
            ]
        );
        assert_eq!(ask(&mut room, BOB, say(" \t")), []);
        let refused = ask(&mut room, BOB, say(&"x".repeat(65_537)));
        assert_eq!(refused, [(vec![3], Event::Refused(Refusal::TextTooLong))]);
    }

    #[test]
    fn strangers_may_only_join_ping_and_ask_for_help() {
        let mut room = three(Rules::default());
        let stranger = ClientId(9);
        assert_eq!(ask(&mut room, stranger, say("hi")), [(vec![9], Event::Refused(Refusal::NotJoined))]);
        assert_eq!(ask(&mut room, stranger, Request::Ping), [(vec![9], Event::Pong)]);
        assert_eq!(ask(&mut room, stranger, Request::Help), [(vec![9], Event::Help)]);
        assert_eq!(ask(&mut room, stranger, Request::Leave), [(vec![9], Event::Bye)]);
    }

    #[test]
    fn a_direct_text_reaches_one_person_whatever_the_case_of_the_nick() {
        let mut room = three(Rules::default());
        let tell = |to: &str| Request::Tell { to: to.to_owned(), text: "psst".into() };
        assert_eq!(
            ask(&mut room, ALICE, tell("Bob")),
            [
                (vec![7], Event::Told { to: "bob".into(), text: "psst".into() }),
                (vec![3], Event::Direct { from: "alice".into(), text: "psst".into() }),
            ]
        );
        let nobody = Event::Refused(Refusal::NoSuchPerson("nobody".into()));
        assert_eq!(ask(&mut room, ALICE, tell("nobody")), [(vec![7], nobody)]);
    }

    #[test]
    fn who_leaves_is_heard_no_more_and_hears_no_more() {
        let mut room = three(Rules::default());
        ask(&mut room, BOB, Request::Create { room: "r".to_owned() });
        ask(&mut room, ALICE, Request::Enter { room: "r".to_owned(), create: false });
        let heard = ask(&mut room, BOB, Request::Leave);
        assert_eq!(heard, [(vec![3], Event::Bye), (vec![7, 5], Event::Left { nick: "bob".into() })]);
        assert_eq!(ask(&mut room, BOB, Request::Leave), [(vec![3], Event::Bye)]);
        assert_eq!(people(&mut room), names(&["alice", "carol"]));
        let post = Request::SayIn { room: "r".to_owned(), text: "alone".into() };
        assert_eq!(ask(&mut room, ALICE, post).last().map(|(to, _)| to.clone()), Some(vec![]));
        // The nick is free again.
        assert!(matches!(join(&mut room, ClientId(9), "bob")[0].1, Event::Welcome { .. }));
    }

    #[test]
    fn only_members_hear_a_room() {
        let mut room = three(Rules::default());
        let r = || "r".to_owned();
        let post = || Request::SayIn { room: r(), text: "hi".into() };
        assert_eq!(
            ask(&mut room, ALICE, Request::Enter { room: r(), create: false })[0].1,
            Event::Refused(Refusal::NoSuchRoom("r".into()))
        );
        assert_eq!(
            ask(&mut room, ALICE, Request::Create { room: r() })[0].1,
            Event::Created { room: "r".into() }
        );
        assert_eq!(
            ask(&mut room, BOB, Request::Create { room: r() })[0].1,
            Event::Refused(Refusal::RoomExists("r".into()))
        );
        let enter = || Request::Enter { room: r(), create: true };
        assert_eq!(ask(&mut room, BOB, enter())[0].1, Event::Entered { room: "r".into() });
        assert_eq!(ask(&mut room, BOB, enter())[0].1, Event::Refused(Refusal::AlreadyMember("r".into())));
        let to: Vec<_> = ask(&mut room, ALICE, post()).into_iter().map(|(to, _)| to).collect();
        assert_eq!(to, [vec![7], vec![3]]);
        // An outsider reaches the members and gets no echo.
        let to: Vec<_> = ask(&mut room, CAROL, post()).into_iter().map(|(to, _)| to).collect();
        assert_eq!(to, [vec![7, 3]]);
        assert_eq!(ask(&mut room, BOB, Request::Rooms)[0].1, Event::Rooms { names: names(&["r"]) });
        assert_eq!(ask(&mut room, BOB, Request::Exit { room: r() })[0].1, Event::Exited { room: "r".into() });
        assert_eq!(
            ask(&mut room, BOB, Request::Exit { room: r() })[0].1,
            Event::Refused(Refusal::NotMember("r".into()))
        );
    }

    #[test]
    fn rules_can_close_rooms_to_outsiders_and_allow_namesakes() {
        let rules = Rules { outsiders_post: false, unique_nicks: false, rooms: 1, ..Rules::default() };
        let mut room = three(rules);
        ask(&mut room, ALICE, Request::Create { room: "r".to_owned() });
        let post = Request::SayIn { room: "r".to_owned(), text: "hi".into() };
        assert_eq!(ask(&mut room, BOB, post)[0].1, Event::Refused(Refusal::NotMember("r".into())));
        let second = Request::Create { room: "s".to_owned() };
        assert_eq!(ask(&mut room, BOB, second)[0].1, Event::Refused(Refusal::TooManyRooms));
        join(&mut room, ClientId(1), "Alice");
        ask(&mut room, ALICE, Request::Leave);
        let tell = Request::Tell { to: "alice".to_owned(), text: "hi".into() };
        assert_eq!(ask(&mut room, BOB, tell)[1].0, [1]);
    }

    #[test]
    fn hiding_touches_the_list_alone() {
        let mut room = three(Rules::default());
        assert_eq!(ask(&mut room, BOB, Request::Hide), [(vec![3], Event::Hidden)]);
        assert_eq!(ask(&mut room, BOB, Request::Hide), []);
        assert_eq!(people(&mut room), names(&["alice", "carol"]));
        assert_eq!(ask(&mut room, ALICE, say("hi"))[1].0, [3, 5]);
        assert_eq!(ask(&mut room, BOB, Request::Reveal), [(vec![3], Event::Revealed)]);
        assert_eq!(people(&mut room), names(&["alice", "carol", "bob"]));
    }

    #[test]
    fn a_new_nick_keeps_the_place_and_frees_the_old_one() {
        let mut room = three(Rules::default());
        let rename = |nick: &str| Request::Rename { nick: nick.to_owned() };
        assert_eq!(ask(&mut room, ALICE, rename("BOB"))[0].1, Event::Refused(Refusal::NickTaken));
        assert_eq!(
            ask(&mut room, ALICE, rename("Alice")),
            [
                (vec![7], Event::NickChanged { to: "Alice".into() }),
                (vec![3, 5], Event::Renamed { from: "alice".into(), to: "Alice".into() }),
            ]
        );
        ask(&mut room, ALICE, rename("al"));
        assert_eq!(people(&mut room), names(&["al", "bob", "carol"]));
        assert!(matches!(join(&mut room, ClientId(9), "alice")[0].1, Event::Welcome { .. }));
    }

    #[test]
    fn a_taken_nick_gets_the_first_free_number() {
        let mut room = three(Rules { name_chars: 7, reserved: &["server"], ..Rules::default() });
        assert_eq!(room.free_nick(" dave "), "dave");
        assert_eq!(room.free_nick("Alice"), "Alice_2");
        join(&mut room, ClientId(9), "alice_2");
        assert_eq!(room.free_nick("alice"), "alice_3");
        join(&mut room, ClientId(10), "abcdefg");
        assert_eq!(room.free_nick("abcdefg"), "abcde_2");
        assert_eq!(join(&mut room, ClientId(11), "Server")[0].1, Event::Rejected(Refusal::NickInvalid));
    }

    #[test]
    fn a_join_copies_no_list() {
        let mut room = three(Rules::default());
        let before = Arc::as_ptr(&room.here);
        join(&mut room, ClientId(9), "dave");
        assert_eq!(Arc::as_ptr(&room.here), before);
    }
}
