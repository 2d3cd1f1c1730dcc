//! A run in parts gives the bytes of one in one piece.

#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::program::testbed;
use crate::verify::{first_utilisation, forge, lab, said};

/// All files of a folder but the manifest, and `wall_s`, the last column of `trials.csv`.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            let name = path.strip_prefix(dir).expect("below it").display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if name == "trials.csv" {
                let text = fs::read_to_string(&path).expect("text");
                let rows: String =
                    text.lines().filter_map(|row| Some(row.rsplit_once(',')?.0.to_owned() + "\n")).collect();
                found.push((name, rows.into_bytes()));
            } else if name != "manifest.json" {
                found.push((name, fs::read(&path).expect("bytes")));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn parts_in_any_order_make_the_whole_byte_for_byte() {
    let lab = lab();
    let dir = lab.path();
    said(dir, &["run", "lab.toml", "-q"], 0);
    for k in ["1", "2", "3", "4"] {
        let (shard, out) = (format!("{k}/4"), format!("part-{k}"));
        said(dir, &["run", "lab.toml", "-q", "--shard", &shard, "--out", &out], 0);
    }
    let some = said(dir, &["merge", "part-4", "part-1", "part-2", "--out", "some"], 1);
    assert!(some.contains("1 of 6 trials are missing, cell 0, trial 2 first"), "{some}");
    assert!(some.contains("testbed run lab.toml --resume --out some"), "{some}");
    // A part twice, and parts that were merged before, do no harm.
    said(dir, &["merge", "part-3", "some", "part-1", "part-2", "part-4", "--out", "whole", "-q"], 0);
    assert!(files(&dir.join("whole")) == files(&dir.join("results/lab")));
    said(dir, &["verify", "whole"], 0);
    // Rows in another order, as threads of a stopped run may leave them.
    let trials = dir.join("part-2/trials.csv");
    let rows = fs::read_to_string(&trials).expect("a table");
    let lines: Vec<&str> = rows.split_inclusive('\n').collect();
    fs::write(&trials, [lines[0], lines[2], lines[1]].concat()).expect("written");
    said(dir, &["merge", "part-1", "part-2", "part-3", "part-4", "--out", "mixed", "-q"], 0);
    assert!(files(&dir.join("mixed")) == files(&dir.join("whole")));
    said(dir, &["merge", "part-3", "--out", "some", "-q"], 0);
    assert!(files(&dir.join("some")) == files(&dir.join("whole")), "an earlier merge goes on");
    said(dir, &["verify", "some"], 0);
}

#[test]
fn a_part_that_was_killed_is_missed_and_goes_on() {
    let lab = lab();
    let dir = lab.path();
    for k in ["1/2", "2/2"] {
        said(dir, &["run", "lab.toml", "-q", "--shard", k, "--out", &k[..1]], 0);
    }
    let trials = dir.join("2/trials.csv");
    let text = fs::read_to_string(&trials).expect("a table");
    fs::write(&trials, &text[..text.len() - 5]).expect("cut");
    // Hashes are taken at the end of a run.
    let manifest = dir.join("2/manifest.json");
    let mut read: serde_json::Value =
        serde_json::from_slice(&fs::read(&manifest).expect("a file")).expect("JSON");
    read["sha256"] = serde_json::json!({});
    fs::write(&manifest, read.to_string()).expect("written");
    assert!(said(dir, &["merge", "1", "2", "--out", "m"], 1).contains("1 of 6 trials are missing"));
    said(dir, &["run", "lab.toml", "-q", "--shard", "2/2", "--out", "2", "--resume"], 0);
    said(dir, &["merge", "1", "2", "--out", "m", "--force"], 0);
    said(dir, &["verify", "m"], 0);
}

#[test]
fn what_is_no_part_is_refused() {
    let lab = lab();
    let dir = lab.path();
    said(dir, &["run", "lab.toml", "-q", "--shard", "1/2", "--out", "1"], 0);
    said(dir, &["run", "lab.toml", "-q", "--shard", "2/2", "--out", "2", "--set", "seed=5"], 0);
    let other = said(dir, &["merge", "1", "2", "--out", "m"], 1);
    assert!(other.contains("2 cannot be merged") && other.contains("same --set"), "{other}");
    assert!(said(dir, &["merge", "1", "--out", "1"], 2).contains("1 is one of the parts"));
    let none = said(dir, &["run", "lab.toml", "--shard", "7/7"], 2);
    assert!(none.contains("shard 7/7 of \"lab\" has none of its 6 trials"), "{none}");
    let wrong = said(dir, &["run", "lab.toml", "--shard", "3/2"], 2);
    assert!(wrong.contains("a shard is K/N with K from 1 to N"), "{wrong}");
    // The figures of a part are changed by hand.
    said(dir, &["run", "lab.toml", "-q", "--shard", "2/2", "--out", "2", "--force"], 0);
    forge(&dir.join("2/trials.csv"), &first_utilisation(&dir.join("2/trials.csv")), "0.111111");
    let changed = said(dir, &["merge", "1", "2", "--out", "m"], 1);
    assert!(changed.contains("trials.csv has been changed since the run wrote it"), "{changed}");
}

#[test]
fn scripts_of_a_plan_make_the_whole() {
    let lab = lab();
    let dir = lab.path();
    let written = said(dir, &["plan", "lab.toml", "--shards", "3", "--set", "trials=2"], 0);
    assert_eq!(written, "shards/lab/slurm.sh\nshards/lab/Snakefile\nshards/lab/local.sh\n");
    let program = Path::new(env!("CARGO_BIN_EXE_testbed")).parent().expect("a folder");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").expect("a path"));
    let sh = |words: &[&str], task: &str| {
        let mut command = Command::new("sh");
        command.current_dir(dir).env("PATH", &path).env("SLURM_ARRAY_TASK_ID", task).args(words);
        let output = command.output().expect("a shell");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    // As Slurm runs an array job: each task has its number.
    for task in ["2", "3", "1"] {
        sh(&["shards/lab/slurm.sh"], task);
    }
    sh(&["shards/lab/local.sh"], "");
    said(dir, &["verify", "results/lab"], 0);
    let asks = ["plan", "lab.toml", "--shards", "3", "--set", "trials=2"];
    assert_eq!(said(dir, &asks, 0), written, "the same again is no change");
    std::fs::write(dir.join("shards/lab/slurm.sh"), "#SBATCH --partition=mine\n").expect("a file");
    assert!(said(dir, &asks, 2).contains("slurm.sh is there, and says something else"));
    assert_eq!(said(dir, &[&asks[..], &["--force"]].concat(), 0), written);
    assert!(said(dir, &["plan", "lab.toml", "--shards", "7"], 2).contains("at most as many parts"));
    let braces = said(dir, &["plan", "lab.toml", "--shards", "2", "--out", "{k}"], 0);
    assert!(braces.starts_with("{k}/slurm.sh\n{k}/local.sh\nwarning: no Snakefile:"), "{braces}");
    assert!(braces.ends_with("for a wildcard\n"), "{braces}");
    fs::write(dir.join("{k}/Snakefile"), "older").expect("written");
    let braces = said(dir, &["plan", "lab.toml", "--shards", "2", "--out", "{k}"], 0);
    assert!(braces.ends_with("for a wildcard; {k}/Snakefile is an older one, and stays\n"), "{braces}");
}

/// The most memory that a command of the program takes, in bytes. The system says it while the program runs, so that it is
/// asked until the end.
fn most_memory(dir: &Path, words: &[&str]) -> Option<u64> {
    let mut child = testbed(words).current_dir(dir).spawn().expect("the program runs");
    let file = format!("/proc/{}/status", child.id());
    let mut most = None;
    while child.try_wait().expect("it is ours").is_none() {
        let status = fs::read_to_string(&file).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        most = most.max(kilobytes.map(|kilobytes| kilobytes * 1024));
        std::thread::park_timeout(std::time::Duration::from_millis(1));
    }
    assert!(child.wait().expect("it ended").success(), "{words:?}");
    most
}

#[test]
fn memory_hardly_grows_with_the_number_of_trials() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let text = "duration = \"40ms\"\nrecord.trials = \"none\"\n\
        [link.l]\nrate = \"10mbit\"\ndelay = \"1ms\"\nloss = \"5%\"\nqueue = \"20 packets\"\n\
        [[clients]]\nname = \"one\"\npath = [\"l\"]\napp.kind = \"bulk\"\n\
        [[clients]]\nname = \"other\"\npath = [\"l\"]\napp.kind = \"bulk\"\n";
    fs::write(dir.path().join("many.toml"), text).expect("written");
    let of = |trials: &str| {
        let quietly = ["-q", "--no-plots", "--out"];
        let run =
            [&["run", "many.toml", "--jobs", "1", "--trials", trials], &quietly[..], &[trials]].concat();
        let whole = format!("whole-{trials}");
        let merge = [&["merge", trials], &quietly[..], &[&whole]].concat();
        [run, merge].map(|words| most_memory(dir.path(), &words))
    };
    let (few, many) = (of("1000"), of("7000"));
    for (command, (few, many)) in ["run", "merge"].into_iter().zip(few.into_iter().zip(many)) {
        let (Some(few), Some(many)) = (few, many) else {
            eprintln!("skipped: /proc does not say how much memory was used");
            return;
        };
        let each = many.saturating_sub(few) / 6000;
        println!("{command}: {each} bytes a trial");
        // Rows with options for their figures took 600 and more.
        assert!(each < 200, "{command}: {each} bytes a trial");
    }
}
