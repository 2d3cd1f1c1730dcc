//! Flows over which no data goes are seen all the same: their timeouts are all that happened.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs a scenario and gives the rows of a file of its results, by column.
fn rows(dir: &Path, scenario: &str, file: &str) -> Vec<Vec<(String, String)>> {
    let path = dir.join("a.toml");
    fs::write(&path, scenario).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_testbed"))
        .current_dir(dir)
        .args(["run", "a.toml", "--out", "out", "--force", "--no-plots", "--quiet"])
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(dir.join("out").join(file)).expect("a table");
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned));
    let names: Vec<String> = lines.next().expect("a header").collect();
    lines.map(|fields| names.iter().cloned().zip(fields).collect()).collect()
}

fn of<'a>(row: &'a [(String, String)], name: &str) -> &'a str {
    let field = row.iter().find(|(column, _)| column == name);
    &field.unwrap_or_else(|| panic!("no column {name}")).1
}

fn number(row: &[(String, String)], name: &str) -> u32 {
    of(row, name).parse().expect("a number")
}

fn scenario(loss: &str, more: &str, direction: &str) -> String {
    format!(
        "duration = \"20s\"\ntcp.syn_linear_timeouts = 0\ntcp.tick = \"0s\"\n[link.wire]\ndelay = \"10ms\"\nrate = \"5mbit\"\nloss = \"{loss}\"\n{more}\n\
         [[clients]]\nname = \"bulk\"\ncount = 2\npath = [\"wire\"]\n\
         app = {{ kind = \"bulk\", direction = \"{direction}\", size = \"1MB\" }}\n"
    )
}

#[test]
fn a_flow_that_never_connects_has_a_row_with_its_timeouts_only() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for direction in ["up", "down"] {
        let scenario = scenario("100%", "", direction);
        let flows = rows(dir.path(), &scenario, "flows.csv");
        assert_eq!(flows.len(), 2, "{flows:?}");
        for flow in &flows {
            assert_eq!((of(flow, "direction"), of(flow, "bytes_delivered")), ("up", "0"));
            for empty in ["goodput_mbit", "srtt_mean_ms", "cwnd_mean_bytes", "completion_s", "limited_by"] {
                assert_eq!(of(flow, empty), "", "{empty}");
            }
            // 1, 3, 7 and 15 s after the first SYN (RFC 6298 §2, §5.5).
            assert_eq!(number(flow, "timeouts"), 4);
        }
        let trials = rows(dir.path(), &scenario, "trials.csv");
        assert_eq!((of(&trials[0], "timeouts"), of(&trials[0], "completion_mean_s")), ("8", ""));
        let events = rows(dir.path(), &scenario, "series/0/trial-0/events.csv");
        assert_eq!(events.iter().filter(|event| of(event, "event") == "timeout").count(), 8);
    }
}

#[test]
fn timeouts_of_the_syn_of_a_download_count_in_its_row() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    // SYNs leave at 0, 1, 3 and 7 s.
    let schedule = "[[schedule]]\nat = \"4s\"\nset = { \"link.wire.loss\" = \"0%\" }";
    let scenario = scenario("100%", schedule, "down");
    for file in ["flows.csv", "trials.csv"] {
        let timeouts: u32 = rows(dir.path(), &scenario, file).iter().map(|row| number(row, "timeouts")).sum();
        assert_eq!(timeouts, 6, "{file}");
    }
    let flows = rows(dir.path(), &scenario, "flows.csv");
    assert!(flows.len() == 2 && flows.iter().all(|flow| of(flow, "direction") == "down"), "{flows:?}");
}
