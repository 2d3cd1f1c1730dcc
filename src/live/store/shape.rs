//! The tables of a file: whether they are ours, and how an older file gets those of today.

use rusqlite::Connection;

use super::OpenError;

/// The shape that this program writes, as SQLite's `user_version`. The first is 0: accounts and messages.
const VERSION: i64 = 1;

/// Tables that a file of ours may have, with their columns.
const SHAPE: [(&str, &str); 5] = [
    ("accounts", "folded, password"),
    ("messages", "id, unix_nanos, sender, text"),
    ("rooms", "name, owner, private"),
    ("standings", "room, account, invited_by"),
    ("mail", "id, unix_nanos, account, sender, text"),
];

/// All of it or nothing.
const TABLES: &str = "
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS messages (
        id INTEGER PRIMARY KEY,
        unix_nanos INTEGER NOT NULL,
        sender TEXT NOT NULL,
        text TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS accounts (
        folded TEXT PRIMARY KEY,
        password TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS rooms (
        name TEXT PRIMARY KEY,
        owner TEXT,
        private INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS standings (
        room TEXT NOT NULL,
        account TEXT NOT NULL,
        invited_by TEXT,
        PRIMARY KEY (room, account)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS mail (
        id INTEGER PRIMARY KEY,
        unix_nanos INTEGER NOT NULL,
        account TEXT NOT NULL,
        sender TEXT NOT NULL,
        text TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS mail_of ON mail (account);
    PRAGMA user_version = 1;
    COMMIT;
";

/// Refuses a file that is none of ours, or of a later program; else its version.
pub(super) fn check(file: &Connection) -> Result<i64, OpenError> {
    let version = file.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let tables = tables(file)?;
    let has = |name: &str| tables.iter().any(|(table, _)| table == name);
    if version > VERSION && has("accounts") && has("messages") {
        return Err(OpenError::Newer { version, known: VERSION });
    }
    let ours = |(name, columns): &&(String, String)| SHAPE.contains(&(name, columns));
    if let Some((name, columns)) = tables.iter().find(|table| !ours(table)) {
        return Err(OpenError::Foreign(format!("{name} ({columns})")));
    }
    Ok(version)
}

/// Gives a file of an older version the tables of this one.
pub(super) fn upgrade(file: &Connection, version: i64) -> Result<(), OpenError> {
    file.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
    if version < VERSION {
        file.execute_batch(TABLES)?;
    }
    Ok(())
}

/// The tables of a file with their columns.
fn tables(file: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    const ALL: &str = "SELECT name, coalesce((SELECT group_concat(c.name, ', ') FROM
            (SELECT name FROM pragma_table_info(t.name) ORDER BY cid) c), '')
        FROM sqlite_schema t WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite!_%' ESCAPE '!'";
    file.prepare(ALL)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
