//! What outlives the server: accounts and what was said to everyone, in one SQLite file.
//!
//! Messages of one turn of the event loop are one transaction, which is committed before anything
//! of that turn is written to a socket: who has seen an acknowledgment will find the message after
//! the process was killed. (Not after a power failure: `synchronous` is `NORMAL`.)

use std::fmt;
use std::path::Path;

use argon2::Argon2;
use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::chat::message::Event;

/// The open file.
#[derive(Debug)]
pub struct Store {
    file: Connection,
    /// Whether a transaction is open.
    begun: bool,
}

/// Why the file cannot be read or written.
pub type StoreError = rusqlite::Error;

/// Why the file cannot be used.
#[derive(Debug)]
pub enum OpenError {
    /// It cannot be read or written, or is no database.
    Unusable(StoreError),
    /// It holds this table, which is none of ours: somebody else's file.
    Foreign(String),
}

impl OpenError {
    /// Whether it is never going to be ours: a folder, or something else than a database.
    pub fn is_lasting(&self) -> bool {
        use rusqlite::ErrorCode::{CannotOpen, NotADatabase};
        match self {
            OpenError::Unusable(error) => {
                matches!(error.sqlite_error_code(), Some(CannotOpen | NotADatabase))
            }
            OpenError::Foreign(_) => true,
        }
    }
}

/// What may be in a file of ours, and in which columns.
const SHAPE: [(&str, &str); 2] =
    [("accounts", "folded, password"), ("messages", "id, unix_nanos, sender, text")];

const TABLES: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA busy_timeout = 2000;
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
";

impl Store {
    /// Opens the file, and makes it if it is not there. Nothing is written into somebody else's.
    pub fn open(path: &Path) -> Result<Store, OpenError> {
        let file = Connection::open(path)?;
        let ours = |(name, columns): &(String, String)| SHAPE.contains(&(name, columns));
        if let Some((name, columns)) = tables(&file)?.into_iter().find(|table| !ours(table)) {
            return Err(OpenError::Foreign(format!("{name} ({columns})")));
        }
        file.execute_batch(TABLES)?;
        Ok(Store { file, begun: false })
    }

    /// The last `count` messages, oldest first.
    pub fn past(&self, count: usize) -> Result<Vec<Event>, StoreError> {
        const LAST: &str = "SELECT unix_nanos, sender, text FROM
            (SELECT * FROM messages ORDER BY id DESC LIMIT ?1) ORDER BY id";
        let mut query = self.file.prepare_cached(LAST)?;
        let rows = query.query_map(params![i64::try_from(count).unwrap_or(i64::MAX)], |row| {
            let (from, text): (String, String) = (row.get(1)?, row.get(2)?);
            let unix_nanos = row.get::<_, i64>(0)?.cast_unsigned();
            Ok(Event::Past { unix_nanos, from: from.into(), text: text.into() })
        })?;
        rows.collect()
    }

    /// Keeps a message; it is safe after the next [`commit`](Self::commit).
    pub fn keep(&mut self, unix_nanos: u64, from: &str, text: &str) -> Result<(), StoreError> {
        if !self.begun {
            self.file.execute_batch("BEGIN")?;
            self.begun = true;
        }
        let mut insert = self
            .file
            .prepare_cached("INSERT INTO messages (unix_nanos, sender, text) VALUES (?1, ?2, ?3)")?;
        insert.execute(params![unix_nanos.cast_signed(), from, text])?;
        Ok(())
    }

    /// Makes safe what was kept.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        if self.begun {
            self.file.execute_batch("COMMIT")?;
            self.begun = false;
        }
        Ok(())
    }

    /// The digest of the password of this nick, if somebody has registered it.
    pub fn password(&self, folded: &str) -> Result<Option<String>, StoreError> {
        let mut query = self.file.prepare_cached("SELECT password FROM accounts WHERE folded = ?1")?;
        query.query_row([folded], |row| row.get(0)).optional()
    }

    /// All nicks that somebody has registered.
    pub fn registered(&self) -> Result<Vec<String>, StoreError> {
        self.file.prepare("SELECT folded FROM accounts")?.query_map([], |row| row.get(0))?.collect()
    }

    /// Registers a nick; whether nobody was faster.
    pub fn register(&mut self, folded: &str, digest: &str) -> Result<bool, StoreError> {
        let insert = "INSERT OR IGNORE INTO accounts (folded, password) VALUES (?1, ?2)";
        Ok(self.file.execute(insert, [folded, digest])? == 1)
    }
}

/// The tables of a file with their columns.
fn tables(file: &Connection) -> Result<Vec<(String, String)>, StoreError> {
    const ALL: &str = "SELECT name, coalesce((SELECT group_concat(c.name, ', ') FROM
            (SELECT name FROM pragma_table_info(t.name) ORDER BY cid) c), '')
        FROM sqlite_schema t WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite!_%' ESCAPE '!'";
    file.prepare(ALL)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> OpenError {
        OpenError::Unusable(error)
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Unusable(error) => error.fmt(f),
            OpenError::Foreign(table) => write!(f, "it is another program's: it holds the table {table}"),
        }
    }
}

impl std::error::Error for OpenError {}

/// A password's digest by Argon2id with a salt of its own (RFC 9106); takes tens of milliseconds.
pub fn digest(password: &str) -> Option<String> {
    let salt = SaltString::generate(&mut OsRng);
    Some(Argon2::default().hash_password(password.as_bytes(), &salt).ok()?.to_string())
}

/// Whether the digest is of this password; takes tens of milliseconds.
pub fn verifies(digest: &str, password: &str) -> bool {
    PasswordHash::new(digest)
        .is_ok_and(|digest| Argon2::default().verify_password(password.as_bytes(), &digest).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_committed_is_there_after_reopening() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("chat.db");
        let mut store = Store::open(&path).expect("a new file");
        for n in 0..5 {
            store.keep(n, "kim", &format!("text {n}")).expect("kept");
        }
        store.commit().expect("committed");
        store.keep(9, "kim", "lost").expect("kept");
        drop(store);
        let past = Store::open(&path).expect("the same file").past(2).expect("messages");
        let said =
            |n: u64| Event::Past { unix_nanos: n, from: "kim".into(), text: format!("text {n}").into() };
        assert_eq!(past, [said(3), said(4)]);
    }

    #[test]
    fn somebody_elses_file_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        for (n, theirs) in
            ["CREATE TABLE notes (text)", "CREATE TABLE accounts (name, secret)"].iter().enumerate()
        {
            let path = folder.path().join(format!("{n}.db"));
            Connection::open(&path).expect("a new file").execute_batch(theirs).expect("a table");
            let before = std::fs::read(&path).expect("readable");
            let error = Store::open(&path).expect_err("not ours").to_string();
            assert!(error.contains("another program's"), "{error}");
            assert!(std::fs::read(&path).expect("readable") == before, "it was written to");
        }
    }

    #[test]
    fn a_nick_is_registered_once_and_its_password_verified() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(&folder.path().join("chat.db")).expect("a new file");
        assert_eq!(store.password("kim").expect("readable"), None);
        let first = digest("secret").expect("a digest");
        assert!(store.register("kim", &first).expect("written"));
        assert!(!store.register("kim", &digest("other").expect("a digest")).expect("written"));
        let kept = store.password("kim").expect("readable").expect("registered");
        assert!(verifies(&kept, "secret") && !verifies(&kept, "other") && !verifies("junk", "secret"));
    }
}
