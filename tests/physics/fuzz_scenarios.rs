//! Damaged scenario files and arguments: whatever they hold, reading them and showing what is wrong
//! with them ends without a panic, and shows nothing that a terminal obeys.
//!
//! `SCENARIO_FUZZ=seed:count cargo test --test physics fuzz_scenarios` tries others.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::support::shipped;
use testbed::rng::{Rng, Seed};
use testbed::scenario::{Plan, text_of};

const TEXTS: [&str; 7] = [
    include_str!("../../scenarios/reference.toml"),
    include_str!("../../scenarios/loss10.toml"),
    include_str!("../../scenarios/collapse.toml"),
    include_str!("../../scenarios/chat-100.toml"),
    include_str!("../../scenarios/jitter-reorder.toml"),
    include_str!("../../scenarios/burst-loss.toml"),
    include_str!("../../scenarios/labs/fetch-time.toml"),
];

/// Bytes that are put where they do not belong.
const PIECES: [&[u8]; 30] = [
    b"",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\r",
    b"\x1b[2J",
    "\u{202e}".as_bytes(),
    "\u{e9}\u{3bc}".as_bytes(),
    b"=",
    b"\"",
    b"'''",
    b"[",
    b"]]",
    b"{",
    b"}",
    b",",
    b".",
    b"#",
    b"-1",
    b"1e400",
    b"nan",
    b"99999999999999999999999999",
    b"0x7fffffffffffffff",
    b"\"0ms\"",
    b"\"999999999999999999999h\"",
    b"\"1e9%\"",
    b"\"100%\"",
    b"\"1bdp\"",
    b"[[]]",
    b"1979-05-27T07:32:00Z",
];

fn pick(rng: &mut Rng, below: usize) -> usize {
    rng.below(below.max(1) as u64) as usize
}

/// A text with a few pieces put in, taken out, repeated or stretched.
fn damaged(rng: &mut Rng) -> Vec<u8> {
    let mut text = TEXTS[pick(rng, TEXTS.len())].as_bytes().to_vec();
    for _ in 0..=pick(rng, 4) {
        let at = pick(rng, text.len());
        let end = at + pick(rng, (text.len() - at).min(60));
        match pick(rng, 10) {
            0..=3 => drop(text.splice(at..at, PIECES[pick(rng, PIECES.len())].iter().copied())),
            4 | 5 => drop(text.splice(at..end, PIECES[pick(rng, PIECES.len())].iter().copied())),
            6 => {
                let again = text[at..end].to_vec();
                drop(text.splice(at..at, again));
            }
            7 => text = String::from_utf8_lossy(&text).replace('\n', "\r\n").into_bytes(),
            8 => drop(text.splice(at..at, vec![b' '; 70_000])),
            _ => {
                // All in one line, with something behind it.
                let values = vec!["64"; 9_000 * pick(rng, 2) + 10].join(", ");
                text.extend(format!("\n[sweep]\n\"tcp.mss\" = [{values}, x, \"y\"]\n").bytes());
            }
        }
    }
    text
}

/// Reads a text and shows what is wrong with it.
fn read(text: Vec<u8>, sets: &[String]) -> String {
    let plan =
        text_of("x.toml", Ok(text)).and_then(|text| Plan::parse_with("x.toml", &text, sets, &mut shipped));
    match plan {
        Ok(plan) => plan.render_warnings(false),
        Err(error) => error.render(false) + &error.render(true).replace('\x1b', ""),
    }
}

fn survives(what: &str, text: &[u8], sets: &[String]) {
    let shown = catch_unwind(AssertUnwindSafe(|| read(text.to_vec(), sets)));
    let shown = shown.unwrap_or_else(|_| panic!("{what}: {}", String::from_utf8_lossy(text)));
    assert!(!shown.contains(['\x1b', '\u{202e}', '\0']), "{what}: {shown}");
}

#[test]
fn no_damage_to_a_file_or_an_argument_makes_a_panic() {
    let wanted = std::env::var("SCENARIO_FUZZ").ok();
    let wanted = wanted.as_deref().and_then(|text| text.split_once(':'));
    let (seed, count) = wanted
        .map_or((1, 1500), |(seed, count)| (seed.parse().expect("a seed"), count.parse().expect("a count")));
    println!("SCENARIO_FUZZ={seed}:{count}");
    let mut rng = Seed(seed).stream("fuzz");
    for n in 0..count {
        let text = damaged(&mut rng);
        let piece = String::from_utf8_lossy(PIECES[pick(&mut rng, PIECES.len())]).into_owned();
        let key = ["tcp.mss", "link.access.delay", "clients.upload.path", "tcp.congestion", "x.y"];
        let set = format!("{}={piece}", key[pick(&mut rng, key.len())]);
        let sets = if n % 4 == 0 { vec![set] } else { vec![] };
        survives(&format!("number {n} of seed {seed}"), &text, &sets);
    }
}

#[test]
fn texts_of_odd_shapes_make_no_panic() {
    let deep = |open: &str, close: &str, n: usize| format!("a = {}1{}\n", open.repeat(n), close.repeat(n));
    let reference = TEXTS[0];
    for text in [
        String::new(),
        "\u{feff}".to_owned(),
        "\n".repeat(100_000),
        deep("[", "]", 50),
        deep("[", "]", 100_000),
        deep("{ a = ", " }", 100_000),
        format!("a{} = 1\n", ".a".repeat(100_000)),
        format!("[a{}]\nb = 1\n", ".a".repeat(100_000)),
        format!("{} = 1\n", "k".repeat(1_000_000)),
        format!("title = \"{}\"\n", "\u{e9}".repeat(100_000)),
        format!("a = \"{}", "\u{e9}".repeat(100_000)),
        reference.replace('\n', "\r\n"),
        reference.replace("10s", "\u{1b}[2J"),
        reference.replace(" = ", &format!("{}= ", "\t".repeat(20_000))),
    ] {
        survives("an odd text", text.as_bytes(), &[]);
        survives("an odd argument", reference.as_bytes(), &[format!("tcp.mss={text}"), text]);
    }
}
