//! The documentation, held against the program: links, commands, options, columns, scenarios.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes that one reads in five minutes; the rest belongs into docs/.
const README_BYTES: usize = 9216;

/// Longer chapters are two.
const CHAPTER_LINES: usize = 400;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn chapter(name: &str) -> String {
    read(&root().join("docs").join(name))
}

fn files_in(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = vec![];
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_in(&path, extension));
        } else if path.extension().is_some_and(|other| other == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The README and the chapters.
fn pages() -> Vec<PathBuf> {
    let mut pages = files_in(&root().join("docs"), "md");
    assert!(pages.len() >= 12, "{pages:?}");
    pages.insert(0, root().join("README.md"));
    pages
}

/// The text outside of fences, and the fences as (language, text).
fn split(text: &str) -> (String, Vec<(String, String)>) {
    let (mut prose, mut fences) = (String::new(), Vec::new());
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(language), None) => open = Some((language.to_owned(), String::new())),
            (Some(_), Some(_)) => fences.extend(open.take()),
            (None, Some((_, fence))) => *fence += &format!("{line}\n"),
            (None, None) => prose += &format!("{line}\n"),
        }
    }
    assert!(open.is_none(), "a fence without an end");
    (prose, fences)
}

/// The pieces between backticks, and the text without them.
fn spans(prose: &str) -> (Vec<String>, String) {
    let mut pieces = prose.split('`');
    let mut outside = pieces.next().unwrap_or_default().to_owned();
    let mut inside = vec![];
    while let (Some(span), Some(rest)) = (pieces.next(), pieces.next()) {
        inside.push(span.to_owned());
        outside += rest;
    }
    (inside, outside)
}

/// The anchors that GitHub gives to the headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let (prose, _) = split(text);
    let mut found = BTreeSet::new();
    for heading in prose.lines().filter(|line| line.starts_with('#')) {
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let slug: String =
            heading.trim_start_matches('#').trim().to_lowercase().chars().filter(kept).collect();
        let slug = slug.replace(' ', "-");
        let again = (1..).map(|n| format!("{slug}-{n}"));
        let free = std::iter::once(slug.clone()).chain(again).find(|name| !found.contains(name));
        found.extend(free);
    }
    found
}

#[test]
fn the_readme_is_short_and_so_is_each_chapter() {
    let size = read(&root().join("README.md")).len();
    assert!(size <= README_BYTES, "README.md has {size} bytes");
    for page in pages() {
        let lines = read(&page).lines().count();
        assert!(lines <= CHAPTER_LINES, "{} has {lines} lines", page.display());
    }
}

#[test]
fn every_link_and_anchor_resolves() {
    let others =
        ["CHANGELOG.md", "results/README.md", "results/sample/loss10/README.md", "docs/data/README.md"];
    let mut faults = vec![];
    let mut links = 0;
    for page in pages().into_iter().chain(others.map(|name| root().join(name))) {
        let (_, outside) = spans(&split(&read(&page)).0);
        for (at, _) in outside.match_indices("](") {
            let target = outside[at + 2..].split(')').next().unwrap_or_default();
            if target.starts_with("https://") {
                continue;
            }
            links += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if path.is_empty() { page.clone() } else { page.with_file_name("").join(path) };
            let sound = file.exists() && (anchor.is_empty() || anchors(&read(&file)).contains(anchor));
            if !sound {
                faults.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(links > 60, "{links} links");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_contents_name_every_chapter() {
    for contents in ["README.md", "docs/README.md", "docs/SUMMARY.md"].map(|name| root().join(name)) {
        let text = read(&contents);
        for page in files_in(&root().join("docs"), "md") {
            let name = page.file_name().expect("a name").to_string_lossy().into_owned();
            let contents_itself = ["README.md", "SUMMARY.md"].contains(&name.as_str());
            assert!(
                contents_itself || text.contains(&format!("{name})")),
                "{} omits {name}",
                contents.display()
            );
        }
    }
}

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_testbed")).args(arguments).arg("--help").output();
    String::from_utf8(output.expect("it starts").stdout).expect("a text")
}

/// The subcommands in the help of `arguments`.
fn subcommands(arguments: &[&str]) -> Vec<String> {
    let help = help(arguments);
    let list = help.split("Commands:\n").nth(1).unwrap_or_default().split("\n\n").next().unwrap_or_default();
    let names = list.lines().filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The long options in a text.
fn options(text: &str) -> BTreeSet<String> {
    let kept = |c: &char| c.is_ascii_lowercase() || *c == '-';
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, '`' | '[' | '(' | '|' | ','));
    let option =
        |word: &str| word.starts_with("--").then(|| word.chars().take_while(kept).collect::<String>());
    words.filter_map(option).filter(|option| option.len() > 2).collect()
}

#[test]
fn every_command_and_option_has_its_place() {
    let text = chapter("commands.md");
    let sections: BTreeMap<&str, &str> =
        text.split("\n### testbed ").skip(1).map(|part| part.split_once('\n').expect("a heading")).collect();
    let commands = subcommands(&[]);
    assert!(commands.len() >= 12, "{commands:?}");
    let mut faults = vec![];
    for command in &commands {
        let Some(section) = sections.get(command.as_str()) else {
            faults.push(format!("no section on {command}"));
            continue;
        };
        // The emulated network's options are described at `serve`, and all of its own.
        let shared = if ["proxy", "web"].contains(&command.as_str()) { sections["serve"] } else { "" };
        let described = options(&format!("{section} {shared}"));
        let missing = options(&help(&[command])).into_iter().filter(|option| !described.contains(option));
        faults
            .extend(missing.filter(|option| option != "--help").map(|option| format!("{command} {option}")));
        let missing =
            subcommands(&[command]).into_iter().filter(|sub| !section.contains(&format!("`{sub}`")));
        faults.extend(missing.map(|sub| format!("{command} {sub}")));
    }
    assert!(faults.is_empty(), "docs/commands.md does not describe: {}", faults.join(", "));
}

#[test]
fn what_the_texts_tell_one_to_type_exists() {
    let commands = subcommands(&[]);
    let all = |command: &String| {
        let below = subcommands(&[command]).into_iter().map(|sub| help(&[command, &sub]));
        options(&below.chain([help(&[command])]).collect::<String>())
    };
    let helps: BTreeMap<&str, BTreeSet<String>> =
        commands.iter().map(|command| (command.as_str(), all(command))).collect();
    let (mut faults, mut seen) = (vec![], 0);
    for page in pages() {
        let (prose, fences) = split(&read(&page));
        let shells = fences.into_iter().filter(|(language, _)| language == "sh");
        let lines = shells.flat_map(|(_, text)| {
            let joined = text.replace("\\\n", " ");
            joined.lines().map(str::to_owned).collect::<Vec<_>>()
        });
        for line in lines.chain(spans(&prose).0) {
            let Some(typed) = line.trim().strip_prefix("testbed ") else { continue };
            let typed = typed.split('#').next().unwrap_or_default();
            let command = typed.split_whitespace().next().unwrap_or_default();
            // `testbed --version`, and a name in capitals that stands for a command.
            if command.starts_with("--") || command.chars().all(char::is_uppercase) {
                continue;
            }
            seen += 1;
            match helps.get(command) {
                None => faults.push(format!("{}: {line}", page.display())),
                Some(known) => faults.extend(
                    options(typed)
                        .into_iter()
                        .filter(|option| !known.contains(option) && option != "--help")
                        .map(|option| format!("{}: {command} has no {option}", page.display())),
                ),
            }
        }
    }
    assert!(seen > 50, "{seen} commands");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A second of chat, bulk and requests in real time, and one of datagrams, which write every table that there is.
const EVERYTHING: &str = r#"
duration = "1s"
[link.wire]
rate  = "10mbit"
delay = "1ms"
[record]
interval = "100ms"
[[clients]]
name  = "talkers"
count = 2
path  = ["wire"]
app   = { kind = "chat", rate = "20/s" }
[[clients]]
name  = "upload"
path  = ["wire"]
app   = { kind = "bulk" }
[[clients]]
name  = "surfer"
path  = ["wire"]
app   = { kind = "web", rate = "5/s" }
"#;

const DATAGRAMS: &str = r#"
duration = "1s"
[link.wire]
rate  = "10mbit"
delay = "1ms"
[[clients]]
name  = "phone"
path  = ["wire"]
app   = { kind = "voip" }
[[clients]]
name  = "ping"
path  = ["wire"]
app   = { kind = "ping", rate = "5/s" }
"#;

#[test]
fn every_file_and_column_is_described() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    for (name, text, more) in [("everything", EVERYTHING, &["--live"][..]), ("datagrams", DATAGRAMS, &[])] {
        let file = folder.path().join(name).with_extension("toml");
        std::fs::write(&file, text).expect("written");
        let mut run = Command::new(env!("CARGO_BIN_EXE_testbed"));
        run.args(["run", "--no-plots", "--quiet"]).args(more).arg("--out").args([&out.join(name), &file]);
        let run = run.output().expect("it starts");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    }

    let text = chapter("results.md");
    let tables = files_in(&out, "csv");
    assert!(tables.len() >= 18, "{tables:?}");
    let mut faults = vec![];
    for table in tables {
        let name = table.file_name().expect("a name").to_string_lossy().into_owned();
        if !text.contains(&format!("`{name}`")) {
            faults.push(name.clone());
        }
        for column in read(&table).lines().next().expect("a header").split(',') {
            let figure = ["_mean", "_ci95"].iter().find_map(|end| column.strip_suffix(end));
            let column = figure.filter(|_| name == "summary.csv").unwrap_or(column);
            if !text.contains(&format!("`{column}`")) {
                faults.push(format!("{name}: {column}"));
            }
        }
    }
    assert!(faults.is_empty(), "docs/results.md does not describe:\n{}", faults.join("\n"));
}

#[test]
fn every_controller_and_scenario_is_described() {
    let text = chapter("controllers.md");
    for algorithm in testbed::congestion::ALGORITHMS {
        let name = algorithm.name;
        assert!(text.contains(&format!("| `{name}` |")), "docs/controllers.md does not describe `{name}`");
    }
    let text = chapter("teaching.md");
    for scenario in files_in(&root().join("scenarios"), "toml") {
        let name = scenario.strip_prefix(root()).expect("inside").display();
        assert!(text.contains(&format!("../{name})")), "docs/teaching.md does not name {name}");
    }
}

#[test]
fn the_controller_in_the_book_is_the_example() {
    let (_, fences) = split(&chapter("controllers.md"));
    let (_, text) = fences.iter().find(|(language, _)| language == "rust,no_run").expect("a program");
    let example = read(&root().join("examples/aimd.rs"));
    assert_eq!(*text, example.split_once("\n\n").expect("a head").1);
}

#[test]
fn whole_scenarios_in_the_texts_are_sound() {
    let mut seen = 0;
    for page in pages() {
        let (_, fences) = split(&read(&page));
        let whole = |text: &str| text.contains("duration") && text.contains("[[clients]]");
        for (_, text) in fences.iter().filter(|(language, text)| language == "toml" && whole(text)) {
            seen += 1;
            let plan = testbed::scenario::Plan::parse(&page.to_string_lossy(), text, &[]);
            plan.unwrap_or_else(|error| panic!("{}", error.render(false)));
        }
    }
    assert!(seen >= 3, "{seen} scenarios");
}

#[test]
fn what_a_script_fills_in_is_there() {
    let script = read(&root().join(".ci/refresh"));
    let mut places = 0;
    for page in pages() {
        for place in read(&page).split("<!-- made by .ci/refresh: ").skip(1) {
            let (name, rest) = place.split_once(" -->").expect("the marker ends");
            // The contents page explains the marker.
            if name == "…" {
                continue;
            }
            places += 1;
            let (filling, _) = rest.split_once("<!-- end -->").expect("the place ends");
            assert!(script.contains(&format!("\"{name}\"")), ".ci/refresh does not know {name}");
            assert!(filling.trim().lines().count() >= 3, "{} is empty in {}", name, page.display());
        }
    }
    assert!(places >= 4, "{places} places");
}
