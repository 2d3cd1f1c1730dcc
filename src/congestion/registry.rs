//! Controllers from outside, by name. The names that a scenario may use are a property of the program, like
//! [`ALGORITHMS`]; a program of one's own adds its own before the first scenario is read, and an interpreter as its
//! user defines them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use super::{ALGORITHMS, Algorithm};

static REGISTERED: RwLock<Vec<&'static Algorithm>> = RwLock::new(Vec::new());
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Makes controllers of other programs known by name. An error names one whose name is taken.
pub fn register(algorithms: Vec<&'static Algorithm>) -> Result<(), String> {
    change(|_| true, algorithms)
}

/// Makes a controller known by name; one that was registered under this name before gives way, unless there is an
/// error, which says that the name belongs to a controller of the table.
pub fn replace(algorithm: &'static Algorithm) -> Result<(), String> {
    change(|other| other.name != algorithm.name, vec![algorithm])
}

/// Adds controllers to those that stay, at one instant for all threads; an error leaves all as they are.
fn change(stays: impl Fn(&Algorithm) -> bool, algorithms: Vec<&'static Algorithm>) -> Result<(), String> {
    let mut registered = REGISTERED.write().unwrap_or_else(PoisonError::into_inner);
    let mut all: Vec<_> = registered.iter().copied().filter(|other| stays(other)).collect();
    for algorithm in algorithms {
        if ALGORITHMS.iter().chain(all.iter().copied()).any(|other| other.name == algorithm.name) {
            return Err(format!("there are two congestion controllers \"{}\"", algorithm.name));
        }
        algorithm.check()?;
        all.push(algorithm);
    }
    *registered = all;
    GENERATION.fetch_add(1, Ordering::Release);
    Ok(())
}

/// A number that grows whenever a controller comes.
pub fn generation() -> u64 {
    GENERATION.load(Ordering::Acquire)
}

/// The controllers from outside.
pub fn registered() -> Vec<&'static Algorithm> {
    REGISTERED.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// All controllers, those from outside last.
pub fn algorithms() -> Vec<&'static Algorithm> {
    ALGORITHMS.iter().chain(registered()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::none::Unlimited;
    use super::super::{Parameter, Values};
    use super::*;

    #[test]
    fn a_name_is_one_controllers_only_until_it_is_replaced() {
        static FIRST: Algorithm =
            Algorithm { name: "mine", summary: "", parameters: &[], build: |_| Box::new(Unlimited) };
        static SECOND: Algorithm = Algorithm { name: "mine", summary: "second", ..FIRST };
        static RENO: Algorithm = Algorithm { name: "reno", ..FIRST };
        assert_eq!(register(vec![&FIRST]), Ok(()));
        assert!(
            register(vec![&SECOND]).is_err_and(|error| error.contains("two congestion controllers \"mine\""))
        );
        assert_eq!(replace(&SECOND), Ok(()));
        assert_eq!(Algorithm::by_name("mine").map(|found| found.summary), Some("second"));
        static UNSOUND: Algorithm = Algorithm {
            parameters: &[Parameter {
                name: "no name",
                default: 0.0,
                values: Values::Range(0.0, 1.0),
                summary: "",
            }],
            ..FIRST
        };
        assert!(replace(&UNSOUND).is_err());
        assert_eq!(Algorithm::by_name("mine").map(|found| found.summary), Some("second"), "it has not gone");
        assert!(replace(&RENO).is_err() && register(vec![&RENO]).is_err());
    }
}
