//! Records that outlive the server, in one SQLite file: accounts, messages to everyone, and of registered
//! people their rooms and what waits for them.
//!
//! Each call of [`Store::write`] is one transaction: afterwards all of it
//! is kept, or nothing is, and an earlier failure leaves no transaction open. What was written
//! outlives a killed process (not a power failure: `synchronous` is `NORMAL`). A file belongs to one server at a
//! time: two would each tell their people half of what is said, and count rooms and waiting messages for themselves.

mod error;
mod lock;
mod owed;
mod shape;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, params};

use crate::chat::message::{Event, Name};
use crate::chat::room::Change;

pub use error::{OpenError, StoreError};
pub use owed::Mail;

/// The open file.
#[derive(Debug)]
pub struct Store {
    file: Connection,
    /// Keeps other servers away as long as it is open.
    _lock: std::fs::File,
    /// The database and its log, as they were opened.
    places: Vec<Place>,
}

/// A file's name, and which file that is: its device and inode.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    is: (u64, u64),
}

/// Something to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Message of a person to everyone.
    Message {
        /// Time of the message, in nanoseconds since 1970.
        unix_nanos: u64,
        /// Author of the message.
        from: Name,
        /// Text of the message.
        text: Name,
    },
    /// Change of the records of registered people.
    Change {
        /// Time of the change, in nanoseconds since 1970.
        unix_nanos: u64,
        /// Description of the change.
        change: Change,
    },
    /// Messages that waited for a person and have been heard, by their numbers.
    Heard(Vec<i64>),
}

/// Patience with another program that has locked the file: at the start, and later, when everybody
/// waits for it.
const OPENS_WITHIN: Duration = Duration::from_secs(2);
const WRITES_WITHIN: Duration = Duration::from_millis(50);

impl Store {
    /// Opens the file, and makes it if it is not there. Nothing is written into somebody else's.
    pub fn open(path: &Path) -> Result<Store, OpenError> {
        // Such as it stands: SQLite takes `:memory:` and an empty name for no file at all.
        let path = std::path::absolute(path).map_err(OpenError::NoPlace)?;
        let lock = lock::take(&path)?;
        let flags = OpenFlags::default() & !OpenFlags::SQLITE_OPEN_URI;
        let file = Connection::open_with_flags(&path, flags)?;
        file.busy_timeout(OPENS_WITHIN)?;
        let version = shape::check(&file)?;
        if file.is_readonly("main")? {
            return Err(OpenError::ReadOnly);
        }
        let verdict: String = file.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if verdict != "ok" {
            return Err(OpenError::Damaged(verdict.replace('\n', " ")));
        }
        shape::upgrade(&file, version)?;
        // Its log may be somebody else's, who has run as another user.
        file.execute_batch("BEGIN IMMEDIATE; COMMIT")?;
        file.busy_timeout(WRITES_WITHIN)?;
        let database = path.canonicalize().map_err(OpenError::NoPlace)?;
        let mut log = database.clone().into_os_string();
        log.push("-wal");
        let places = [database, log.into()].into_iter().filter_map(Place::of).collect();
        Ok(Store { file, _lock: lock, places })
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
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Keeps all of these, or none of them.
    pub fn write(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        self.check_places()?;
        match self.transact(entries) {
            Err(error) if error.may_be_full() => {
                // The log holds a page as often as it was written; its end frees more than it takes.
                self.empty_log();
                self.transact(entries)
            }
            result => result,
        }
    }

    fn transact(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        // Rolled back wherever this function ends early, and if the commit fails.
        let transaction = self.file.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for entry in entries {
            match entry {
                Entry::Change { unix_nanos, change } => owed::write(&transaction, *unix_nanos, change)?,
                Entry::Heard(mail) => owed::forget(&transaction, mail)?,
                Entry::Message { unix_nanos, from, text } => {
                    transaction
                        .prepare_cached(
                            "INSERT INTO messages (unix_nanos, sender, text) VALUES (?1, ?2, ?3)",
                        )?
                        .execute(params![unix_nanos.cast_signed(), &**from, &**text])?;
                }
            }
        }
        Ok(transaction.commit()?)
    }

    /// Moves what the log holds into the database and gives its space back; where that cannot be done,
    /// everything stays as it is.
    fn empty_log(&self) {
        let _ = self.file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }

    /// A file that was deleted, moved or replaced is open still, but nobody will find it again.
    fn check_places(&self) -> Result<(), StoreError> {
        let Some(moved) = self.places.iter().find(|place| !place.holds()) else { return Ok(()) };
        // Changes written before must not go with the log.
        self.empty_log();
        Err(StoreError::Moved(moved.path.clone()))
    }

    /// The digest of the password of this nick, if somebody has registered it.
    pub fn password(&self, folded: &str) -> Result<Option<String>, StoreError> {
        let mut query = self.file.prepare_cached("SELECT password FROM accounts WHERE folded = ?1")?;
        Ok(query.query_row([folded], |row| row.get(0)).optional()?)
    }

    /// All nicks that somebody has registered.
    pub fn registered(&self) -> Result<Vec<String>, StoreError> {
        let mut query = self.file.prepare("SELECT folded FROM accounts")?;
        let rows = query.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Registers a nick; whether nobody was faster.
    pub fn register(&mut self, folded: &str, digest: &str) -> Result<bool, StoreError> {
        self.check_places()?;
        let insert = "INSERT OR IGNORE INTO accounts (folded, password) VALUES (?1, ?2)";
        Ok(self.file.execute(insert, [folded, digest])? == 1)
    }
}

impl Place {
    fn of(path: PathBuf) -> Option<Place> {
        Some(Place { is: identity(&path)?, path })
    }

    fn holds(&self) -> bool {
        identity(&self.path) == Some(self.is)
    }
}

/// Identity of the file. It is not opened: to close it would free SQLite's locks (fcntl's) in this process.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Elsewhere the name of an open file is kept.
#[cfg(not(unix))]
fn identity(path: &Path) -> Option<(u64, u64)> {
    path.is_file().then_some((0, 0))
}

/// A password's digest by Argon2id with a salt of its own (RFC 9106); takes tens of milliseconds.
pub fn digest(password: &str) -> Option<String> {
    let salt = SaltString::generate(&mut OsRng);
    Some(Argon2::default().hash_password(password.as_bytes(), &salt).ok()?.to_string())
}

/// True if the digest is of this password; takes tens of milliseconds.
pub fn verifies(digest: &str, password: &str) -> bool {
    PasswordHash::new(digest)
        .is_ok_and(|digest| Argon2::default().verify_password(password.as_bytes(), &digest).is_ok())
}
