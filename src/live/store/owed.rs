//! Records of registered people: their rooms, and the messages that wait for them.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::{Store, StoreError};
use crate::chat::message::Name;
use crate::chat::room::{Change, KeptRoom, Standing};

/// Something that was said to a person alone while it was away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Its number.
    pub id: i64,
    /// Time of the message, in nanoseconds since 1970.
    pub unix_nanos: u64,
    /// Author of the message.
    pub from: Name,
    /// Text of the message.
    pub text: Name,
}

/// A room is there as long as a registered person owns it or is something to it.
const SWEEP: &str = "DELETE FROM rooms WHERE name = ?1 AND owner IS NULL
    AND NOT EXISTS (SELECT 1 FROM standings WHERE room = ?1)";

/// Writes a change within a transaction.
pub(super) fn write(file: &Connection, unix_nanos: u64, change: &Change) -> rusqlite::Result<()> {
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| file.prepare_cached(sql)?.execute(values);
    match change {
        Change::Standing { room, owner, private, account, standing } => {
            run(
                "INSERT OR REPLACE INTO rooms (name, owner, private) VALUES (?1, ?2, ?3)",
                params![&**room, owner.as_deref(), private],
            )?;
            match standing {
                None => {
                    run(
                        "DELETE FROM standings WHERE room = ?1 AND account = ?2",
                        params![&**room, &**account],
                    )?;
                    run(SWEEP, params![&**room])?;
                }
                Some(standing) => {
                    let by = match standing {
                        Standing::Member => None,
                        Standing::Invited { by } => Some(&**by),
                    };
                    run(
                        "INSERT OR REPLACE INTO standings (room, account, invited_by) VALUES (?1, ?2, ?3)",
                        params![&**room, &**account, by],
                    )?;
                }
            }
        }
        Change::Closed { room } => {
            run("DELETE FROM standings WHERE room = ?1", params![&**room])?;
            run("DELETE FROM rooms WHERE name = ?1", params![&**room])?;
        }
        Change::Mail { to, from, text } => {
            run(
                "INSERT INTO mail (unix_nanos, account, sender, text) VALUES (?1, ?2, ?3, ?4)",
                params![unix_nanos.cast_signed(), &**to, &**from, &**text],
            )?;
        }
    }
    Ok(())
}

/// Forgets what has been heard.
pub(super) fn forget(file: &Connection, mail: &[i64]) -> rusqlite::Result<()> {
    let mut delete = file.prepare_cached("DELETE FROM mail WHERE id = ?1")?;
    mail.iter().try_for_each(|id| delete.execute([id]).map(drop))
}

impl Store {
    /// The rooms of registered people, in alphabetical order.
    pub fn rooms(&self) -> Result<Vec<KeptRoom>, StoreError> {
        let mut rooms = BTreeMap::new();
        let mut query = self.file.prepare("SELECT name, owner, private FROM rooms")?;
        let rows = query.query_map([], |row| {
            let (name, owner): (String, Option<String>) = (row.get(0)?, row.get(1)?);
            let owner = owner.map(Name::from);
            Ok((
                name.clone(),
                KeptRoom { name: name.into(), owner, private: row.get(2)?, people: Vec::new() },
            ))
        })?;
        for row in rows {
            let (name, room) = row?;
            rooms.insert(name, room);
        }
        let all = "SELECT room, account, invited_by FROM standings ORDER BY room, account";
        let mut query = self.file.prepare(all)?;
        let rows = query.query_map([], |row| {
            let (room, account): (String, String) = (row.get(0)?, row.get(1)?);
            let by: Option<String> = row.get(2)?;
            let standing = by.map_or(Standing::Member, |by| Standing::Invited { by: by.into() });
            Ok((room, Name::from(account), standing))
        })?;
        for row in rows {
            let (room, account, standing) = row?;
            if let Some(room) = rooms.get_mut(&room) {
                room.people.push((account, standing));
            }
        }
        Ok(rooms.into_values().collect())
    }

    /// For whom something waits, and how much.
    pub fn waiting(&self) -> Result<BTreeMap<Name, usize>, StoreError> {
        let mut query = self.file.prepare("SELECT account, count(*) FROM mail GROUP BY account")?;
        let rows = query.query_map([], |row| {
            let (account, count): (String, i64) = (row.get(0)?, row.get(1)?);
            Ok((Name::from(account), usize::try_from(count).unwrap_or(usize::MAX)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Messages that wait for a person, oldest first.
    pub fn mail(&self, account: &str) -> Result<Vec<Mail>, StoreError> {
        let of = "SELECT id, unix_nanos, sender, text FROM mail WHERE account = ?1 ORDER BY id";
        let mut query = self.file.prepare_cached(of)?;
        let rows = query.query_map([account], |row| {
            let (from, text): (String, String) = (row.get(2)?, row.get(3)?);
            let unix_nanos = row.get::<_, i64>(1)?.cast_unsigned();
            Ok(Mail { id: row.get(0)?, unix_nanos, from: from.into(), text: text.into() })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
