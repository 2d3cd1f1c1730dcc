//! Video against closed forms: what a player shows at rates above and below its ladder, and that no second and no byte
//! of it is lost.

use crate::support::run;
use testbed::facts::{ChunkOutcome, Outcome};
use testbed::time::Duration;

/// A viewer on a link.
fn watch(seconds: u64, link: &str, app: &str) -> Outcome {
    run(
        &format!(
            "duration = \"{seconds}s\"\n[link.w]\ndelay = \"10ms\"\nqueue = \"300 packets\"\n{link}\n[[clients]]\n\
             name = \"x\"\npath = [\"w\"]\napp = {{ kind = \"video\", {app} }}\n"
        ),
        1,
    )
}

const LADDER: &str = "ladder = [\"500kbit\", \"1mbit\", \"2mbit\", \"4mbit\"]";
const RULES: [&str; 3] = ["bba", "rate", "bola"];

fn sum(chunks: &[ChunkOutcome], of: fn(&ChunkOutcome) -> Duration) -> f64 {
    chunks.iter().map(|chunk| of(chunk).as_secs_f64()).sum()
}

#[test]
fn far_above_the_ladder_nothing_stalls_and_the_top_is_chosen() {
    for rule in RULES {
        let outcome = watch(120, "rate = \"40mbit\"", &format!("{LADDER}, rule = \"{rule}\""));
        let chunks = &outcome.chunks;
        assert!(sum(chunks, |chunk| chunk.stalled) == 0.0, "{rule}");
        // Seven chunks fill the buffer of 30 s; then one in four seconds.
        assert!((35..=38).contains(&chunks.len()), "{rule}: {} chunks", chunks.len());
        let rates: Vec<u64> = chunks.iter().map(|chunk| chunk.bitrate / 1000).collect();
        assert!(rates[12..].iter().all(|kbit| *kbit == 4000), "{rule}: {rates:?}");
        assert_eq!(rates[0], 500, "{rule}: nothing is known before the first");
        // Two round trips of 20 ms (the handshake, and the first window), and a few more for 250 kB.
        let startup = chunks[0].startup.expect("it plays").as_secs_f64();
        assert!((0.1..0.3).contains(&startup), "{rule}: {startup}");
    }
}

#[test]
fn below_the_ladder_it_stalls_by_arithmetic() {
    for rule in RULES {
        let outcome = watch(400, "rate = \"300kbit\"", &format!("{LADDER}, rule = \"{rule}\""));
        let chunks = &outcome.chunks;
        assert!(chunks.iter().all(|chunk| chunk.bitrate == 500_000), "{rule}");
        // 300 kbit/s carry 1448 of 1500 bytes as media of 500 kbit/s.
        let plays = 300.0 * 1448.0 / 1500.0 / 500.0;
        let (played, stalled) = (sum(chunks, |chunk| chunk.played), sum(chunks, |chunk| chunk.stalled));
        let share = stalled / (played + stalled);
        assert!((share - (1.0 - plays)).abs() < 0.02, "{rule}: {share}");
        // One chunk is enough to go on, so that each but the first is waited for.
        let waits = chunks[1..chunks.len() - 1].iter().all(|chunk| !chunk.stalled.is_zero());
        assert!(waits, "{rule}");
    }
}

#[test]
fn every_second_is_start_up_playback_or_stall() {
    for (rule, link) in [
        ("bba", "rate = \"2mbit\"\nloss = \"1%\""),
        ("rate", "rate = \"1mbit\"\nloss = \"5%\""),
        ("bola", "rate = \"3mbit\"\nloss = \"3%\""),
    ] {
        let outcome = watch(150, link, &format!("{LADDER}, startup = \"8s\", rule = \"{rule}\""));
        let chunks = &outcome.chunks;
        let startup = chunks[0].startup.expect("it plays");
        let spent = chunks.iter().fold(startup, |sum, chunk| sum + chunk.played + chunk.stalled);
        assert_eq!(spent, Duration::from_secs(150), "{rule}");
        assert!(chunks.windows(2).all(|pair| pair[0].request < pair[1].request), "one after the other");
    }
}

#[test]
fn a_video_plays_as_long_as_it_is_and_its_bytes_are_those_of_its_chunks() {
    for rule in RULES {
        let app = format!("{LADDER}, length = \"60s\", chunk = \"3s\", rule = \"{rule}\"");
        let outcome = watch(300, "rate = \"2mbit\"\nloss = \"2%\"", &app);
        let chunks = &outcome.chunks;
        let played = sum(chunks, |chunk| chunk.played);
        assert!(chunks.len() == 20 && (played - 60.0).abs() < 1e-9, "{rule}: {played} s");
        assert!(chunks.iter().all(|chunk| chunk.completion.is_some()), "{rule}");
        let bytes: u64 = chunks.iter().map(|chunk| chunk.bytes).sum();
        let down = outcome.flows[0].directions[1].as_ref().expect("data");
        assert_eq!(down.bytes_delivered, bytes, "{rule}");
        let size = chunks.iter().all(|chunk| chunk.bytes == chunk.bitrate * 3 / 8);
        assert!(size, "media of 3 s");
    }
}
