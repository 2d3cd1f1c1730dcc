//! Limits that change while the server runs, by the names of the options of `serve`.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::Settings;
use crate::time::Duration;
use crate::units::Bytes;

/// A limit: its name, its unit, its least value, and its place among the settings.
struct Limit {
    name: &'static str,
    unit: Unit,
    least: u64,
    get: fn(&Settings) -> u64,
    set: fn(&mut Settings, u64),
}

#[derive(Clone, Copy)]
enum Unit {
    Count,
    Bytes,
    Nanoseconds,
}

/// Connections beyond those of people: some have not joined yet.
pub const NEWCOMERS: usize = 1_000;

#[rustfmt::skip]
static LIMITS: [Limit; 10] = [
    Limit { name: "max_clients", unit: Unit::Count, least: 1, get: |now| now.max_people as u64, set: |now, n| {
        now.max_people = n as usize;
        now.max_connections = now.max_people.saturating_add(NEWCOMERS);
    } },
    Limit { name: "max_rooms", unit: Unit::Count, least: 0, get: |now| now.max_rooms as u64, set: |now, n| now.max_rooms = n as usize },
    Limit { name: "max_rooms_each", unit: Unit::Count, least: 0, get: |now| now.max_rooms_each as u64, set: |now, n| now.max_rooms_each = n as usize },
    Limit { name: "max_message", unit: Unit::Bytes, least: 1, get: |now| now.dialects.max_text as u64, set: |now, n| now.dialects.max_text = n as usize },
    Limit { name: "max_file", unit: Unit::Bytes, least: 0, get: |now| now.max_file, set: |now, n| now.max_file = n },
    Limit { name: "rate_limit", unit: Unit::Count, least: 0, get: |now| now.rate_limit.into(), set: |now, n| now.rate_limit = n as u32 },
    Limit { name: "max_queue", unit: Unit::Bytes, least: 1, get: |now| now.max_backlog as u64, set: |now, n| now.max_backlog = n as usize },
    Limit { name: "max_queues", unit: Unit::Bytes, least: 1, get: |now| now.max_memory as u64, set: |now, n| now.max_memory = n as usize },
    Limit { name: "join_timeout", unit: Unit::Nanoseconds, least: 1, get: |now| now.join_within.as_nanos(), set: |now, n| now.join_within = Duration::from_nanos(n) },
    Limit { name: "kick_for", unit: Unit::Nanoseconds, least: 0, get: |now| now.kicked_for.as_nanos(), set: |now, n| now.kicked_for = Duration::from_nanos(n) },
];

/// The most of a count: it is a number of 32 bits in some places.
const MOST: u64 = u32::MAX as u64;

impl Limit {
    fn write(&self, value: u64) -> Value {
        match self.unit {
            Unit::Count => value.into(),
            Unit::Bytes => Bytes(value).to_string().into(),
            Unit::Nanoseconds => Duration::from_nanos(value).to_string().into(),
        }
    }

    fn read(&self, value: &Value) -> Result<u64, String> {
        let name = self.name;
        let number = match self.unit {
            Unit::Count => value.as_u64().filter(|&number| number <= MOST),
            Unit::Bytes => parsed(value, |bytes: Bytes| bytes.0),
            Unit::Nanoseconds => parsed(value, Duration::as_nanos),
        };
        let form = match self.unit {
            Unit::Count => "a whole number, at most 4294967295",
            Unit::Bytes => "a size such as \"32KiB\"",
            Unit::Nanoseconds => "a span such as \"30s\"",
        };
        let number = number.ok_or_else(|| format!("`{name}` is {form}"))?;
        if number < self.least {
            return Err(format!("`{name}` must be more than 0"));
        }
        Ok(number)
    }
}

fn parsed<T: FromStr>(value: &Value, number: fn(T) -> u64) -> Option<u64> {
    value.as_str()?.parse().ok().map(number)
}

impl Settings {
    /// The limits by their names.
    pub fn limits(&self) -> Value {
        let all = LIMITS.iter().map(|limit| (limit.name.to_owned(), limit.write((limit.get)(self))));
        Value::Object(all.collect())
    }

    /// The settings with other limits; an error for the first that cannot be.
    pub fn with_limits(&self, changes: &Map<String, Value>) -> Result<Settings, String> {
        let mut changed = self.clone();
        for (name, value) in changes {
            let limit = LIMITS.iter().find(|limit| limit.name == name).ok_or_else(|| {
                let names: Vec<_> = LIMITS.iter().map(|limit| limit.name).collect();
                format!("there is no limit `{name}`, but {}", names.join(", "))
            })?;
            (limit.set)(&mut changed, limit.read(value)?);
        }
        match changed.contradiction() {
            None => Ok(changed),
            Some(Contradiction { greater, lesser, why }) => Err(format!(
                "`{}` {}: {why} {}; let it be at least as much as `{}`",
                greater.0, greater.1, lesser.1, lesser.0
            )),
        }
    }

    /// The first limit that is less than another that it has to hold.
    pub fn contradiction(&self) -> Option<Contradiction> {
        let sizes = [self.dialects.max_text, self.max_backlog, self.max_memory];
        let [text, queue, queues] = sizes.map(|bytes| Bytes(bytes as u64));
        let rows = [
            Contradiction {
                greater: ("max_queue", queue),
                lesser: ("max_message", text),
                why: "a text may have",
            },
            Contradiction {
                greater: ("max_queues", queues),
                lesser: ("max_queue", queue),
                why: "one client may have",
            },
        ];
        rows.into_iter().find(|row| row.greater.1.0 < row.lesser.1.0)
    }
}

/// Two limits of which one is less than the other that it has to hold.
#[derive(Clone, Copy, Debug)]
pub struct Contradiction {
    /// That one.
    pub greater: (&'static str, Bytes),
    /// The other.
    pub lesser: (&'static str, Bytes),
    /// The reason, in front of the other's value.
    pub why: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn changed(changes: &Value) -> Result<Settings, String> {
        Settings::default().with_limits(changes.as_object().expect("an object"))
    }

    #[test]
    fn every_limit_is_read_as_it_is_written() {
        let first = Settings::default();
        let Value::Object(all) = first.limits() else { panic!("no object") };
        assert_eq!(all.len(), LIMITS.len());
        assert_eq!(first.with_limits(&all).map(|same| same.limits()), Ok(first.limits()));
        for limit in &LIMITS {
            let mut other = first.clone();
            let value = (limit.get)(&first) / 2;
            (limit.set)(&mut other, value);
            assert_eq!((limit.get)(&other), value, "{}", limit.name);
            assert_eq!(limit.read(&limit.write(value)), Ok(value), "{}", limit.name);
        }
    }

    #[test]
    fn a_limit_that_cannot_be_is_refused_with_its_name_and_nothing_changes() {
        for (changes, words) in [
            (json!({ "max_chairs": 3 }), "there is no limit `max_chairs`, but max_clients, max_rooms"),
            (json!({ "max_rooms": "3" }), "`max_rooms` is a whole number"),
            (json!({ "max_rooms": -3 }), "`max_rooms` is a whole number"),
            (json!({ "rate_limit": 1u64 << 40 }), "`rate_limit` is a whole number"),
            (json!({ "max_clients": 0 }), "`max_clients` must be more than 0"),
            (json!({ "max_message": 32 }), "`max_message` is a size such as"),
            (json!({ "max_message": "32" }), "`max_message` is a size such as"),
            (json!({ "join_timeout": "0s" }), "`join_timeout` must be more than 0"),
            (json!({ "kick_for": "soon" }), "`kick_for` is a span such as"),
            (json!({ "max_rooms": 3, "max_queue": "16KiB" }), "`max_queue` 16KiB: a text may have 32KiB"),
            (json!({ "max_queues": "1B" }), "`max_queues` 1B: one client may have 1MiB"),
        ] {
            let error = changed(&changes).expect_err("it cannot be");
            assert!(error.starts_with(words), "{changes}: {error}");
        }
        let both = changed(&json!({ "max_queue": "16KiB", "max_message": "1KiB" })).expect("they fit");
        assert_eq!((both.max_backlog, both.dialects.max_text), (16 << 10, 1 << 10));
    }
}
