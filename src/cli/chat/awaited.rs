//! Private texts for people who were there before the server was lost: each comes back at a time of its own, and a text that is
//! refused because of that waits for a minute, as on the page.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration as Span;

use tokio::time::Instant;

use crate::chat::message::{Event, Refusal, Request};
use crate::cli::output::one_line;

/// Time for which they are awaited; `COMES_BACK` of the page's `state.js`.
const COMES_BACK: Span = Span::from_secs(60);

/// Those people, and what they are to be told.
#[derive(Debug, Default)]
pub struct Awaited {
    /// People here, and people of before who are not.
    here: BTreeSet<String>,
    before: BTreeSet<String>,
    until: Option<Instant>,
    /// Texts to these that the server has and has not answered, oldest first.
    said: Vec<Request>,
    /// Texts that it has refused.
    held: Vec<Request>,
}

/// Name in the form in which names are the same.
fn exact(name: &str) -> String {
    name.to_lowercase()
}

/// Person to whom a request says something alone.
fn reader(request: &Request) -> Option<String> {
    match request {
        Request::Tell { to, .. } => Some(exact(to)),
        _ => None,
    }
}

impl Awaited {
    /// Number of texts that wait.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// The connection has taken a request.
    pub fn handed(&mut self, now: Instant, request: &Request) {
        let is_on = self.until.is_some_and(|until| now < until);
        if is_on && reader(request).is_some_and(|to| self.before.contains(&to)) {
            self.said.push(request.clone());
        }
    }

    /// Takes note of an event; a line if it is a refusal that is no last word. What need wait no longer goes to `waiting`.
    pub fn hear(&mut self, now: Instant, event: &Event, waiting: &mut VecDeque<Request>) -> Option<String> {
        match event {
            Event::Welcome { people, .. } => {
                if self.until.is_none_or(|until| until < now) {
                    self.before.clear();
                }
                self.before.append(&mut self.here);
                self.until = (!self.before.is_empty()).then(|| now + COMES_BACK);
                self.said.clear();
                people.iter().for_each(|name| self.comes(name));
            }
            Event::People { names } => {
                self.here.clear();
                names.iter().for_each(|name| self.comes(name));
            }
            Event::Joined { nick } => self.comes(nick),
            Event::Left { nick } => drop(self.here.remove(&exact(nick))),
            Event::Renamed { from, to } => {
                self.here.remove(&exact(from));
                self.comes(to);
            }
            Event::Told { to, .. } => drop(self.take_said(to)),
            Event::Refused(Refusal::NoSuchPerson(nick)) => {
                let request = self.take_said(nick)?;
                self.held.push(request);
                let name = one_line(nick);
                return Some(format!("waits: {name} is not back; it is said when {name} comes in"));
            }
            _ => return None,
        }
        let is_here = |request: &Request| reader(request).is_some_and(|to| self.here.contains(&to));
        let (ready, others): (Vec<_>, _) = std::mem::take(&mut self.held).into_iter().partition(is_here);
        self.held = others;
        waiting.extend(ready);
        None
    }

    /// Somebody is here: what is refused from now on is so for good.
    fn comes(&mut self, name: &str) {
        let name = exact(name);
        self.said.retain(|request| reader(request).as_ref() != Some(&name));
        self.before.remove(&name);
        self.here.insert(name);
    }

    fn take_said(&mut self, to: &str) -> Option<Request> {
        let to = exact(to);
        let place = self.said.iter().position(|request| reader(request).as_ref() == Some(&to))?;
        Some(self.said.remove(place))
    }

    /// Time at which what waits has waited too long.
    pub fn is_late_at(&self) -> Option<Instant> {
        self.until.filter(|_| self.held() > 0)
    }

    /// Gives up what waits; a line about each.
    pub fn give_up(&mut self) -> Vec<String> {
        let line = |request: Request| match request {
            Request::Tell { to, text } => format!("not said to {}, who is not back: {text}", one_line(&to)),
            _ => String::new(),
        };
        std::mem::take(&mut self.held).into_iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::message::Name;

    fn welcome(people: &[&str]) -> Event {
        Event::Welcome {
            nick: "kim".into(),
            people: people.iter().map(|&name| Name::from(name)).collect::<Vec<_>>().into(),
        }
    }

    fn tell(to: &str) -> Request {
        Request::Tell { to: to.to_owned(), text: "psst".into() }
    }

    fn refused(nick: &str) -> Event {
        Event::Refused(Refusal::NoSuchPerson(nick.into()))
    }

    #[test]
    fn a_text_waits_for_who_was_there_before_and_for_nobody_else() {
        let (mut awaited, mut waiting, now) = (Awaited::default(), VecDeque::new(), Instant::now());
        awaited.hear(now, &welcome(&["kim", "Lea", "ann"]), &mut waiting);
        awaited.handed(now, &tell("lea"));
        assert_eq!(awaited.hear(now, &refused("lea"), &mut waiting), None, "the server is the first");
        awaited.hear(now, &welcome(&["kim", "ann"]), &mut waiting);
        for to in ["lea", "ann", "bob"] {
            awaited.handed(now, &tell(to));
            let line = awaited.hear(now, &refused(to), &mut waiting);
            assert_eq!(line.is_some(), to == "lea", "{to}: {line:?}");
        }
        assert_eq!((awaited.held(), waiting.len()), (1, 0));
        awaited.hear(now, &Event::Joined { nick: "lea".into() }, &mut waiting);
        assert_eq!((awaited.held(), waiting.clone()), (0, VecDeque::from([tell("lea")])));
        awaited.handed(now, &tell("lea"));
        assert_eq!(awaited.hear(now, &refused("lea"), &mut waiting), None, "she has left again");
    }

    #[test]
    fn after_a_minute_it_is_said_that_a_text_was_not() {
        let (mut awaited, mut waiting, now) = (Awaited::default(), VecDeque::new(), Instant::now());
        for people in [&["kim", "lea"][..], &["kim"]] {
            awaited.hear(now, &welcome(people), &mut waiting);
        }
        assert_eq!(awaited.is_late_at(), None);
        awaited.handed(now, &tell("lea"));
        assert!(awaited.hear(now, &refused("lea"), &mut waiting).is_some());
        assert_eq!(awaited.is_late_at(), Some(now + COMES_BACK));
        assert_eq!(awaited.give_up(), ["not said to lea, who is not back: psst"]);
        awaited.handed(now + COMES_BACK, &tell("lea"));
        assert_eq!(awaited.hear(now + COMES_BACK, &refused("lea"), &mut waiting), None);
    }
}
