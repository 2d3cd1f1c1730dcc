//! Records that are kept, and the messages where nothing can be kept.

use super::*;
use crate::chat::room::{KeptRoom, Standing};

fn message(n: u64, text: &str) -> Entry {
    Entry::Message { unix_nanos: n, from: "kim".into(), text: text.into() }
}

/// The texts that a file holds, oldest first.
fn texts(store: &Store) -> Vec<String> {
    let past = store.past(usize::MAX).expect("readable").into_iter();
    past.filter_map(|mut event| event.text_mut().map(|text| text.to_string())).collect()
}

fn pragma(store: &Store, words: &str) -> i64 {
    store.file.query_row(&format!("PRAGMA {words}"), [], |row| row.get(0)).expect("a number")
}

#[test]
fn what_was_written_is_there_after_reopening() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("chat.db");
    let mut store = Store::open(&path).expect("a new file");
    let entries: Vec<Entry> = (0..5).map(|n| message(n, &format!("text {n}"))).collect();
    store.write(&entries).expect("written");
    drop(store);
    let past = Store::open(&path).expect("the same file").past(2).expect("messages");
    let said = |n: u64| Event::Past { unix_nanos: n, from: "kim".into(), text: format!("text {n}").into() };
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

/// The limit is the database's own, and the disk's as SQLite reports it.
#[test]
fn what_finds_no_room_is_refused_whole_and_room_is_used_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("chat.db");
    let mut store = Store::open(&path).expect("a new file");
    pragma(&store, "max_page_count = 12");
    let (mut kept, mut refused) = (Vec::new(), 0);
    for n in 0..100_u64 {
        let pair = [format!("first {n} {}", "x".repeat(700)), format!("second {n}")];
        match store.write(&[message(n, &pair[0]), message(n, &pair[1])]) {
            Ok(()) => kept.extend(pair),
            Err(error) => {
                assert_eq!(error.brief(), "its disk is full");
                assert!(store.file.is_autocommit(), "a transaction stays open");
                refused += 1;
            }
        }
        if n == 80 {
            pragma(&store, "max_page_count = 1000");
        }
    }
    assert!(refused > 10 && kept.len() > 40, "{refused} refused, {} kept", kept.len());
    assert_eq!(texts(&store), kept);
    drop(store);
    assert_eq!(texts(&Store::open(&path).expect("the same file")), kept);
}

#[test]
fn a_locked_file_is_refused_within_a_moment_and_used_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("chat.db");
    let mut store = Store::open(&path).expect("a new file");
    let other = Connection::open(&path).expect("the same file");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    let error = store.write(&[message(1, "one")]).expect_err("locked");
    assert_eq!(error.brief(), "its file is locked");
    other.execute_batch("COMMIT").expect("an end");
    store.write(&[message(2, "two")]).expect("free again");
    assert_eq!(texts(&store), ["two"]);
}

#[test]
fn a_file_that_vanishes_is_written_again_only_when_it_is_back() {
    for name in ["chat.db", "chat.db-wal"] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("chat.db");
        let mut store = Store::open(&path).expect("a new file");
        store.write(&[message(1, "one")]).expect("written");
        let (here, away) = (folder.path().join(name), folder.path().join("away"));
        std::fs::rename(&here, &away).expect("moved");
        let error = store.write(&[message(2, "two")]).expect_err("gone");
        assert_eq!(error.brief(), "its file has vanished");
        assert!(store.register("kim", "digest").is_err(), "an account was lost");
        std::fs::rename(&away, &here).expect("moved back");
        store.write(&[message(3, "three")]).expect("back");
        drop(store);
        assert_eq!(texts(&Store::open(&path).expect("the same file")), ["one", "three"], "{name}");
    }
}

/// Somebody deletes the log of a running server, which is killed then.
#[test]
fn what_was_written_before_its_log_vanished_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("chat.db");
    let mut store = Store::open(&path).expect("a new file");
    store.write(&[message(1, "one")]).expect("written");
    std::fs::remove_file(folder.path().join("chat.db-wal")).expect("deleted");
    store.write(&[message(2, "two")]).expect_err("gone");
    // As a killed process leaves it.
    let copy = folder.path().join("copy.db");
    std::fs::copy(&path, &copy).expect("copied");
    assert_eq!(texts(&Store::open(&copy).expect("a database")), ["one"]);
}

#[test]
fn a_damaged_file_is_noticed_when_it_is_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("chat.db");
    let mut store = Store::open(&path).expect("a new file");
    let entries: Vec<Entry> = (0..200).map(|n| message(n, &"x".repeat(500))).collect();
    store.write(&entries).expect("written");
    drop(store);
    let sound = std::fs::read(&path).expect("readable");
    assert!(sound.len() > 20 * 4_096);
    for at in [4_096 + 3, 4_096 * 6 + 3, 4_096 * 15] {
        let mut damaged = sound.clone();
        damaged[at..at + 64].fill(0xa5);
        std::fs::write(&path, &damaged).expect("writable");
        let error = Store::open(&path).expect_err("damaged");
        assert!(error.is_lasting() && error.to_string().contains("it is damaged"), "{at}: {error}");
    }
    std::fs::write(&path, &sound).expect("writable");
    Store::open(&path).expect("sound");
}

#[test]
fn a_read_only_file_is_refused_when_it_is_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("chat.db");
    drop(Store::open(&path).expect("a new file"));
    let mut permissions = std::fs::metadata(&path).expect("a file").permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&path, permissions).expect("its owner");
    // The system's administrator may write it all the same.
    let forbidden = std::fs::OpenOptions::new().write(true).open(&path).is_err();
    let opened = Store::open(&path);
    assert_eq!(opened.is_err(), forbidden);
    assert!(opened.err().is_none_or(|error| error.to_string().starts_with("no permission to write it")));
}

#[test]
fn an_empty_name_is_no_file() {
    let error = Store::open(Path::new("")).expect_err("no name");
    assert!(error.is_lasting(), "{error}");
}

/// As the first version made it.
const FIRST: &str = "
    CREATE TABLE messages (id INTEGER PRIMARY KEY, unix_nanos INTEGER NOT NULL, sender TEXT NOT NULL,
        text TEXT NOT NULL) STRICT;
    CREATE TABLE accounts (folded TEXT PRIMARY KEY, password TEXT NOT NULL) STRICT;
    INSERT INTO messages VALUES (1, 5, 'kim', 'old');
    INSERT INTO accounts VALUES ('kim', 'digest');";

fn standing(account: &str, standing: Option<Standing>) -> Entry {
    let change = Change::Standing {
        room: "den".into(),
        owner: Some("kim".into()),
        private: true,
        account: account.into(),
        standing,
    };
    Entry::Change { unix_nanos: 7, change }
}

#[test]
fn an_older_file_is_brought_up_to_date_and_keeps_what_it_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("chat.db");
    Connection::open(&path).expect("a new file").execute_batch(FIRST).expect("tables");
    for _ in 0..2 {
        let mut store = Store::open(&path).expect("an older file");
        assert_eq!(texts(&store), ["old"]);
        assert_eq!(store.registered().expect("readable"), ["kim"]);
        store.write(&[standing("kim", Some(Standing::Member))]).expect("written");
        assert_eq!(store.rooms().expect("readable").len(), 1);
    }
}

#[test]
fn a_newer_file_is_left_to_newer_programs() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("chat.db");
    drop(Store::open(&path).expect("a new file"));
    let newer = "CREATE TABLE pictures (id); PRAGMA user_version = 9";
    Connection::open(&path).expect("ours").execute_batch(newer).expect("changed");
    let error = Store::open(&path).expect_err("newer");
    assert!(error.is_lasting() && error.to_string().contains("a newer testbed has written it"), "{error}");
}

#[test]
fn rooms_and_what_waits_are_kept_and_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("chat.db");
    let mut store = Store::open(&path).expect("a new file");
    let mail = |text: &str| Entry::Change {
        unix_nanos: u64::MAX >> 1,
        change: Change::Mail { to: "kim".into(), from: "bob".into(), text: text.into() },
    };
    let invited = Standing::Invited { by: "kim".into() };
    let written = [
        standing("kim", Some(Standing::Member)),
        standing("lea", Some(invited.clone())),
        mail("one"),
        mail("two"),
    ];
    store.write(&written).expect("written");
    drop(store);
    let mut store = Store::open(&path).expect("the same file");
    let people = vec![("kim".into(), Standing::Member), ("lea".into(), invited)];
    let den = KeptRoom { name: "den".into(), owner: Some("kim".into()), private: true, people };
    assert_eq!(store.rooms().expect("readable"), [den]);
    let waits = store.mail("kim").expect("readable");
    let said: Vec<&str> = waits.iter().map(|one| &*one.text).collect();
    assert_eq!((said.as_slice(), waits[0].unix_nanos), (&["one", "two"][..], u64::MAX >> 1));
    assert_eq!(store.waiting().expect("readable"), [("kim".into(), 2)].into());
    store.write(&[Entry::Heard(vec![waits[0].id])]).expect("written");
    assert_eq!(store.mail("kim").expect("readable"), waits[1..]);
    store
        .write(&[Entry::Change { unix_nanos: 0, change: Change::Closed { room: "den".into() } }])
        .expect("written");
    assert_eq!(store.rooms().expect("readable"), []);
}

#[test]
fn a_room_that_nobody_registered_owns_goes_with_the_last_of_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(&folder.path().join("chat.db")).expect("a new file");
    let mut stands = |account: &str, standing: Option<Standing>| {
        let (room, account) = ("den".into(), account.into());
        let change = Change::Standing { room, owner: None, private: false, account, standing };
        store.write(&[Entry::Change { unix_nanos: 0, change }]).expect("written");
        store.rooms().expect("readable").len()
    };
    assert_eq!(stands("kim", Some(Standing::Member)), 1);
    assert_eq!(stands("lea", Some(Standing::Member)), 1);
    assert_eq!(stands("kim", None), 1);
    assert_eq!(stands("lea", None), 0);
}

#[test]
fn what_to_do_is_said_when_the_file_was_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, away) = (folder.path().join("chat.db"), folder.path().join("away"));
    let mut store = Store::open(&path).expect("a new file");
    std::fs::rename(&path, &away).expect("moved");
    let gone = store.write(&[message(1, "one")]).expect_err("gone");
    assert!(gone.to_string().contains("is gone: put it back, or start the server again"), "{gone}");
    std::fs::write(&path, "another").expect("writable");
    let replaced = store.write(&[message(1, "one")]).expect_err("replaced");
    assert_eq!(replaced.brief(), "its file was replaced");
    let words = replaced.to_string();
    assert!(words.contains("put the first one back, or start the server again to go on with this one"));
}
