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
fn change(stays: impl Fn(&Algorithm) -> bool, added: Vec<&'static Algorithm>) -> Result<(), String> {
    let mut registered = REGISTERED.write().unwrap_or_else(PoisonError::into_inner);
    let kept = registered.iter().copied().filter(|other| stays(other)).collect();
    *registered = together(kept, added)?;
    GENERATION.fetch_add(1, Ordering::Release);
    Ok(())
}

/// All of these, unless two have one name or one is no controller that a scenario can name.
fn together(
    mut all: Vec<&'static Algorithm>,
    added: Vec<&'static Algorithm>,
) -> Result<Vec<&'static Algorithm>, String> {
    for algorithm in added {
        if ALGORITHMS.iter().chain(all.iter().copied()).any(|other| other.name == algorithm.name) {
            return Err(format!("there are two congestion controllers \"{}\"", algorithm.name));
        }
        algorithm.check()?;
        all.push(algorithm);
    }
    Ok(all)
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

    // Not in the registry itself: which names there are is a fact of the whole process, tests included.
    #[test]
    fn a_name_is_one_controllers_only() {
        static FIRST: Algorithm =
            Algorithm { name: "mine", summary: "", parameters: &[], build: |_| Box::new(Unlimited) };
        static SECOND: Algorithm = Algorithm { summary: "second", ..FIRST };
        static RENO: Algorithm = Algorithm { name: "reno", ..FIRST };
        static UNSOUND: Algorithm = Algorithm {
            name: "unsound",
            parameters: &[Parameter {
                name: "no name",
                default: 0.0,
                values: Values::Range(0.0, 1.0),
                summary: "",
            }],
            ..FIRST
        };
        let refusal = together(vec![&FIRST], vec![&SECOND]).expect_err("the name is taken");
        assert!(refusal.contains("two congestion controllers \"mine\""), "{refusal}");
        assert_eq!(together(vec![], vec![&SECOND]).map(|all| all[0].summary), Ok("second"));
        assert!(together(vec![], vec![&UNSOUND]).is_err() && together(vec![], vec![&RENO]).is_err());
    }
}
