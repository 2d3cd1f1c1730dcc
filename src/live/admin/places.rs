//! Places for connections at the administrator's port.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;

use tokio::task::AbortHandle;

/// Administrators who have been answered: they may think for long.
const KNOWN: usize = 16;
/// Connections of which nobody knows yet whether they are that. There is always a place for one more:
/// somebody else loses it.
const STRANGERS: usize = 64;

/// All connections to the port.
#[derive(Debug, Default)]
pub struct Places {
    next: u64,
    known: BTreeSet<u64>,
    /// In the order of coming.
    strangers: BTreeMap<u64, (IpAddr, Option<AbortHandle>)>,
}

/// A connection's place; given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    number: u64,
    all: Rc<RefCell<Places>>,
}

impl Place {
    /// A place for who comes from there. If there is none, the most crowded address loses its oldest.
    pub fn take(all: &Rc<RefCell<Places>>, from: IpAddr) -> Place {
        let mut places = all.borrow_mut();
        if places.strangers.len() >= STRANGERS {
            places.make_room();
        }
        let number = places.next;
        places.next += 1;
        places.strangers.insert(number, (from, None));
        Place { number, all: Rc::clone(all) }
    }

    /// Handle that ends its connection, should somebody else need the place.
    pub fn ends_by(&self, handle: AbortHandle) {
        if let Some((_, end)) = self.all.borrow_mut().strangers.get_mut(&self.number) {
            *end = Some(handle);
        }
    }

    /// It is an administrator's. Those for whom there is no such place keep a stranger's.
    pub fn is_known(&self) -> bool {
        let mut places = self.all.borrow_mut();
        if places.known.len() < KNOWN && places.strangers.remove(&self.number).is_some() {
            places.known.insert(self.number);
        }
        places.known.contains(&self.number)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.all.borrow_mut();
        places.known.remove(&self.number);
        places.strangers.remove(&self.number);
    }
}

impl Places {
    /// Ends the oldest connection of the address that has most strangers here.
    fn make_room(&mut self) {
        let mut crowds = BTreeMap::new();
        for (from, _) in self.strangers.values() {
            *crowds.entry(*from).or_insert(0_usize) += 1;
        }
        let crowded = crowds.into_iter().max_by_key(|&(_, count)| count).map(|(from, _)| from);
        let oldest = self.strangers.iter().find(|(_, (from, _))| Some(*from) == crowded);
        if let Some(number) = oldest.map(|(&number, _)| number)
            && let Some((_, Some(end))) = self.strangers.remove(&number)
        {
            end.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_crowded_address_makes_room() {
        let all = Rc::default();
        let [one, crowd]: [IpAddr; 2] = [[10, 0, 0, 1].into(), [10, 0, 0, 2].into()];
        let honest = Place::take(&all, one);
        let idle: Vec<Place> = (0..2 * STRANGERS).map(|_| Place::take(&all, crowd)).collect();
        assert_eq!(all.borrow().strangers.len(), STRANGERS);
        assert!(honest.is_known() && !idle[0].is_known());
        let newest = idle.last().expect("many");
        assert!(newest.is_known());
        drop(idle);
        assert_eq!((all.borrow().strangers.len(), all.borrow().known.len()), (0, 1));
    }

    #[test]
    fn an_administrator_without_a_place_may_stay_as_a_stranger() {
        let all = Rc::default();
        let places: Vec<Place> = (0..=KNOWN).map(|_| Place::take(&all, [10, 0, 0, 1].into())).collect();
        assert_eq!(places.iter().filter(|place| place.is_known()).count(), KNOWN);
        assert!(!places[KNOWN].is_known() && all.borrow().strangers.len() == 1);
    }
}
