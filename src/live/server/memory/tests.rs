//! Memory of the server, also while nothing can be kept.

use super::*;

fn said(memory: &mut Memory, text: &str, now: Instant) -> Result<(), Name> {
    memory.keep(Timestamp::EPOCH, &Event::Message { from: "kim".into(), text: text.into() });
    memory.settle(now)
}

#[test]
fn an_outage_refuses_and_ends_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, away) = (folder.path().join("chat.db"), folder.path().join("away"));
    let store = Store::open(&path).expect("a new file");
    let mut memory = Memory::new(Some(store), 10, false, 0);
    assert_eq!(said(&mut memory, "one", Instant::ZERO), Ok(()));
    std::fs::rename(&path, &away).expect("moved");
    let why = said(&mut memory, "two", Instant::ZERO).expect_err("gone");
    assert!(why.contains("its file has vanished"), "{why}");
    assert!(memory.register(Instant::ZERO, "kim", "digest").is_err());
    std::fs::rename(&away, &path).expect("moved back");
    // It rests for a moment.
    assert_eq!(said(&mut memory, "three", Instant::ZERO), Err(why));
    assert_eq!(said(&mut memory, "four", Instant::ZERO + REST), Ok(()));
    assert_eq!(said(&mut memory, "five", Instant::ZERO + REST), Ok(()));
    let shown: Vec<_> = memory.past().iter_mut().filter_map(|past| past.text_mut().cloned()).collect();
    assert_eq!(shown, ["one".into(), "four".into(), "five".into()]);
}

#[test]
fn a_look_alike_of_a_registered_nick_needs_its_password() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("chat.db");
    let memory = || Memory::new(Some(Store::open(&path).expect("a file")), 0, false, 0);
    let mut first = memory();
    assert_eq!(first.register(Instant::ZERO, "Bob", "digest"), Ok(true));
    // Registered at the same time.
    assert_eq!(first.register(Instant::ZERO, "b\u{3bf}b", "other"), Ok(false));
    let mut reopened = Some(first);
    for _ in 0..2 {
        // The file belongs to one at a time.
        let first = reopened.take();
        let memory = first.unwrap_or_else(memory);
        for nick in ["bob", "BOB", "b\u{3bf}b", "\u{ff42}ob", "B0b"] {
            assert_eq!(memory.gate(nick, None), Gate::Shut, "{nick}");
            let verify = Gate::Verify { digest: "digest".into(), password: "x".into() };
            assert_eq!(memory.gate(nick, Some("x")), verify, "{nick}");
        }
        assert_eq!(memory.gate("rob", None), Gate::Open);
    }
}
