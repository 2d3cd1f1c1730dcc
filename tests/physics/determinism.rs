//! The same scenario and seed give the same bytes, and no component's chances depend on another's.

#![expect(clippy::disallowed_methods, reason = "the program is watched from outside, in real time")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::support::{Sightings, finish, run, survivors, watch, world};

/// Chat and uploads, all impairments, a schedule, series and a grid: everything that writes files.
const SCENARIO: &str = r#"
title = "A bit of everything"
duration = "4s"
warmup = "1s"
trials = 3
[link.access]
per_client = true
delay = { mean = "20ms", jitter = "3ms", distribution = "pareto", reorder = true }
loss = "2%"
duplicate = "1%"
corrupt = "1%"
[link.bottleneck]
rate = "4mbit"
delay = "5ms"
queue = "1bdp"
[[clients]]
name = "people"
count = 4
path = ["access", "bottleneck"]
app = { kind = "chat", rate = "2/s", churn = { stay = "2s", away = "500ms" } }
[[clients]]
name = "upload"
count = 2
path = ["access", "bottleneck"]
app = { kind = "bulk" }
[[schedule]]
at = "2s"
set = { "link.bottleneck.rate" = "2mbit" }
[sweep]
"tcp.congestion" = ["reno", "cubic"]
"link.access.loss" = ["0%", "5%"]
"#;

/// Runs the program; panics unless it ends as expected.
fn testbed(dir: &Path, words: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
    let output = command.current_dir(dir).args(words).output().expect("the program runs");
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Every file of a result folder, without what may differ: `wall_s`, and the times, the command and
/// the hashes of files with `wall_s` in the manifest.
fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(dir).expect("inside").to_string_lossy().into_owned();
            let bytes = std::fs::read(&path).expect("a file");
            let bytes = match name.as_str() {
                "manifest.json" => manifest(&bytes),
                "trials.csv" => without_wall(&String::from_utf8(bytes).expect("text")),
                "report.html" => page(&String::from_utf8(bytes).expect("text")),
                _ => bytes,
            };
            files.insert(name, bytes);
        }
    }
    files
}

fn manifest(bytes: &[u8]) -> Vec<u8> {
    let mut value: serde_json::Value = serde_json::from_slice(bytes).expect("JSON");
    let object = value.as_object_mut().expect("an object");
    object.retain(|key, _| !["started", "finished", "command"].contains(&key.as_str()));
    let hashes = object["sha256"].as_object_mut().expect("hashes");
    // These two hold the times themselves.
    hashes.retain(|file, _| file != "trials.csv" && file != "report.html");
    serde_json::to_vec_pretty(&value).expect("JSON")
}

/// A table without its columns about wall time.
fn without_wall(text: &str) -> Vec<u8> {
    let columns: Vec<&str> = text.lines().next().expect("a header").split(',').collect();
    let kept: Vec<bool> = columns.iter().map(|name| !name.starts_with("wall_s")).collect();
    assert!(kept.iter().any(|kept| !kept), "there is a column wall_s");
    let row = |line: &str| {
        let fields = line.split(',').zip(&kept).filter(|(_, kept)| **kept).map(|(field, _)| field);
        fields.collect::<Vec<_>>().join(",")
    };
    text.lines().map(row).collect::<Vec<_>>().join("\n").into_bytes()
}

/// The page quotes the manifest's times and command.
fn page(text: &str) -> Vec<u8> {
    let varies = |line: &str| {
        ["testbed run", "Z</", "Z to ", "started", "finished"].iter().any(|mark| line.contains(mark))
    };
    text.lines().filter(|line| !varies(line)).collect::<Vec<_>>().join("\n").into_bytes()
}

fn assert_same(one: &BTreeMap<String, Vec<u8>>, other: &BTreeMap<String, Vec<u8>>, when: &str) {
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(one), names(other), "{when}: the same files");
    for (name, bytes) in one {
        assert!(*bytes == other[name], "{when}: {name} differs");
    }
}

#[test]
fn twice_and_on_one_or_two_threads_all_result_files_are_the_same_bytes() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(dir.path().join("mixed.toml"), SCENARIO).expect("written");
    for (out, jobs) in [("a", "1"), ("b", "1"), ("c", "2")] {
        testbed(dir.path(), &["run", "mixed.toml", "--out", out, "--jobs", jobs, "-q"]);
    }
    let first = contents(&dir.path().join("a"));
    let count = |end: &str| first.keys().filter(|name| name.ends_with(end)).count();
    assert!(count(".csv") >= 5 + 4 * 3 && count(".png") >= 5 && count(".hlog") == 12, "{:?}", first.keys());
    assert_same(&first, &contents(&dir.path().join("b")), "twice");
    assert_same(&first, &contents(&dir.path().join("c")), "two threads");
}

#[test]
fn what_a_kill_leaves_is_resumed_to_the_same_bytes() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(dir.path().join("mixed.toml"), SCENARIO).expect("written");
    let run = ["run", "mixed.toml", "--no-plots", "-q", "--out"];
    testbed(dir.path(), &[&run[..], &["whole"]].concat());
    let whole = contents(&dir.path().join("whole"));
    let mut interrupted = 0;
    for (n, wait_ms) in [5, 60, 120, 250, 500].into_iter().enumerate() {
        let out = format!("killed-{n}");
        let mut child = Command::new(env!("CARGO_BIN_EXE_testbed"))
            .current_dir(dir.path())
            .args([&run[..], &[out.as_str()]].concat())
            .spawn()
            .expect("the program runs");
        std::thread::sleep(std::time::Duration::from_millis(wait_ms));
        // SIGKILL: nothing can be tidied up.
        let _ = child.kill();
        interrupted += u32::from(!child.wait().expect("it ended").success());
        testbed(dir.path(), &[&run[..], &[out.as_str(), "--resume"]].concat());
        assert_same(&whole, &contents(&dir.path().join(&out)), &format!("killed after {wait_ms} ms"));
    }
    assert!(interrupted > 0, "at least the first kill came before the end");
}

/// Two uploads, each on an access link of its own, whose fates are compared.
fn uploads(access: &str, more: &str) -> String {
    format!(
        "duration = \"10s\"\ntcp.congestion = \"fixed\"\n\
         [link.access]\nper_client = true\ndelay = \"10ms\"\nup.loss = \"5%\"\n{access}\n\
         [link.spare]\nper_client = true\n\
         [[clients]]\nname = \"first\"\npath = [\"access\", \"spare\"]\napp = {{ kind = \"bulk\" }}\n{more}"
    )
}

/// Fates of the first client's packets at its access link, up to where both runs have packets.
fn losses(text: &str) -> Vec<bool> {
    let mut world = world(text, 7);
    let (before, behind): (Sightings, Sightings) = (watch(&mut world, 0), watch(&mut world, 2));
    finish(world);
    let mut fates = survivors(&before, &behind);
    // Packets under way at the end are neither lost nor there.
    let last = fates.iter().rposition(|&arrived| arrived).expect("something arrived");
    fates.truncate(last + 1);
    fates
}

#[test]
fn another_client_or_impairment_does_not_change_which_packets_are_lost() {
    let alone = losses(&uploads("", ""));
    assert!(alone.len() > 3000 && alone.iter().filter(|&&arrived| !arrived).count() > 100);
    let other = "[[clients]]\nname = \"second\"\ncount = 3\npath = [\"access\", \"spare\"]\napp = { kind = \"bulk\" }\n";
    assert!(losses(&uploads("", other)) == alone, "with another client");
    // Acknowledgments that are late, lost or damaged change how much is sent, but not the fates.
    for access in
        ["down.loss = \"3%\"", "down.delay = { mean = \"10ms\", jitter = \"2ms\" }", "down.corrupt = \"2%\""]
    {
        let changed = losses(&uploads(access, ""));
        let both = alone.len().min(changed.len());
        assert!(both > 3000, "{access}: {both} packets");
        assert!(changed[..both] == alone[..both], "with {access}");
    }
}

/// The rows of two uploads over a link without a rate that everybody shares, with other groups before
/// and behind them.
fn shared(link: &str, before: &str, behind: &str) -> Vec<String> {
    let text = format!(
        "duration = \"20s\"\nwarmup = \"1s\"\n[link.wifi]\n{link}\n{before}\n\
         [[clients]]\nname = \"u\"\ncount = 2\npath = [\"wifi\"]\napp = {{ kind = \"bulk\" }}\n{behind}"
    );
    let outcome = run(&text, 1);
    let mine = outcome.flows.iter().filter(|flow| flow.group == "u");
    mine.map(|flow| format!("{} {:?}", flow.name, flow.directions)).collect()
}

#[test]
fn another_client_on_a_shared_link_changes_nobodys_luck() {
    let chatters = |name: &str, start: &str| {
        format!(
            "[[clients]]\nname = \"{name}\"\ncount = 2\nstart = \"{start}\"\npath = [\"wifi\"]\n\
             app = {{ kind = \"chat\", rate = \"3/s\" }}\n"
        )
    };
    let (early, late) = (chatters("early", "0s"), chatters("late", "2s"));
    for link in [
        "delay = \"10ms\"\nloss = \"5%\"",
        "delay = { mean = \"10ms\", jitter = \"2ms\", reorder = true }\nloss = \"1%\"\nduplicate = \"3%\"\n\
         corrupt = \"1%\"\nreorder = \"2%\"",
    ] {
        let alone = shared(link, "", "");
        assert_eq!(alone.len(), 2);
        assert_ne!(alone[0].split_once(' ').expect("a name").1, alone[1].split_once(' ').expect("a name").1);
        assert_eq!(shared(link, "", &late), alone, "{link}: with others behind them");
        assert_eq!(shared(link, &early, &late), alone, "{link}: with others before them");
    }
}

/// Times at which the first person's messages enter the network, by their first transmission.
fn spoken(link: &str, more: &str) -> Vec<u64> {
    let text = format!(
        "duration = \"60s\"\n[link.access]\nper_client = true\ndelay = \"10ms\"\n{link}\n\
         [[clients]]\nname = \"people\"\ncount = 2\npath = [\"access\"]\napp = {{ kind = \"chat\", rate = \"1/s\" }}\n{more}"
    );
    let mut world = world(&text, 3);
    let seen = watch(&mut world, 0);
    finish(world);
    let seen = seen.lock().expect("notes");
    let mut sent_to = None;
    let mut times = vec![];
    for packet in seen.iter().filter(|packet| packet.identity.1 > 0) {
        let end = packet.identity.0.wrapping_add(packet.identity.1);
        if sent_to.is_none_or(|last: u32| end.wrapping_sub(last).cast_signed() > 0) {
            sent_to = Some(end);
            // Behind the greeting, whose time depends on the handshake.
            if packet.at.as_secs_f64() > 2.0 {
                times.push(packet.at.as_nanos());
            }
        }
    }
    times
}

#[test]
fn other_people_or_a_lossy_link_do_not_change_when_somebody_speaks() {
    let plain = spoken("", "");
    assert!(plain.len() > 30, "{} messages", plain.len());
    let others = "[[clients]]\nname = \"others\"\ncount = 5\npath = [\"access\"]\napp = { kind = \"chat\", rate = \"3/s\" }\n";
    assert_eq!(spoken("", others), plain, "with others");
    assert_eq!(spoken("down.loss = \"5%\"", ""), plain, "with losses on the way back");
    assert_eq!(spoken("corrupt = \"2%\"", ""), plain, "with damage");
}
