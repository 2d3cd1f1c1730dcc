//! Seat of a person: its nick, its room, and the people it can speak to.

use std::sync::Arc;

use super::person::Intent;
use super::talk::{Addressee, Talk};
use crate::chat::message::{Name, Request};

/// A person's place among the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Everyone's nick.
    pub people: Arc<Vec<Name>>,
    /// Index of its own nick among them.
    pub me: usize,
    /// The room that it is a member of and speaks in.
    pub room: Option<Name>,
    /// Number of people who should hear its messages if everyone is here.
    pub audience: u32,
}

impl Seat {
    /// The seats of all people of a world, from each group's name, its head count and how it talks.
    /// Nicks are `<group>-<n>` from 1, or `p<n>`, counted over everyone, where that has more than
    /// `nick_chars` characters. The nth of a group that speaks in rooms is in `room-<n modulo rooms>`.
    pub fn all(groups: &[(&str, u32, &Talk)], nick_chars: usize) -> Vec<Seat> {
        let mut nicks: Vec<Name> = Vec::new();
        let mut places = Vec::new();
        for &(group, count, talk) in groups {
            for n in 0..count {
                let nick = format!("{group}-{}", n + 1);
                let fits = nick.chars().nth(nick_chars).is_none();
                nicks.push(if fits { nick } else { format!("p{}", nicks.len() + 1) }.into());
                let room = (talk.to == Addressee::Room).then(|| n % talk.rooms.max(1));
                places.push((talk.to, room));
            }
        }
        let mut members = std::collections::BTreeMap::new();
        for room in places.iter().filter_map(|&(_, room)| room) {
            *members.entry(room).or_insert(0u32) += 1;
        }
        let others = (nicks.len() as u32).saturating_sub(1);
        let people = Arc::new(nicks);
        let seat = |(me, (to, room)): (usize, (Addressee, Option<u32>))| Seat {
            people: people.clone(),
            me,
            room: room.map(|room| format!("room-{room}").into()),
            audience: match (to, room) {
                (Addressee::Everyone, _) => others,
                (Addressee::One, _) => others.min(1),
                (Addressee::Room, room) => room.map_or(0, |room| members[&room] - 1),
            },
        };
        places.into_iter().enumerate().map(seat).collect()
    }

    /// Its nick.
    pub fn nick(&self) -> &Name {
        &self.people[self.me]
    }

    /// Request with which a person in this seat says `text`. A person who is alone says it to
    /// an empty room.
    pub fn request(&self, to: Addressee, intent: Intent, text: Name) -> Request {
        match (to, &self.room) {
            (Addressee::One, _) if self.people.len() > 1 => {
                Request::Tell { to: self.other(intent.draw).to_string(), text }
            }
            (Addressee::Room, Some(room)) => Request::SayIn { room: room.to_string(), text },
            _ => Request::Say { text },
        }
    }

    /// One of the others, each with the same chance.
    fn other(&self, draw: u64) -> &Name {
        let others = self.people.len() - 1;
        let at = ((u128::from(draw) * others as u128) >> 64) as usize;
        self.people.get(at + usize::from(at >= self.me)).unwrap_or(self.nick())
    }
}
