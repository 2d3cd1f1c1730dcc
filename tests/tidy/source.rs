//! The house rules, read off the source: who may name whom, what nobody may name, how long files are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The chapter whose table says who may import whom.
const ARCHITECTURE: &str = "docs/architecture.md";

/// Names that only some modules may use.
const RESERVED: &[(&str, &[&str])] = &[
    ("std::thread", &["runner", "report", "live", "cli"]),
    ("tokio", &["live", "cli"]),
    ("std::fs", &["report", "cli", "live"]),
    ("TcpStream", &["live", "cli"]),
    ("UdpSocket", &["live", "cli"]),
    ("SystemTime", &["runner", "cli", "live"]),
    ("std::time::Instant", &["runner", "cli", "live"]),
    ("HashMap", &["runner", "report", "cli", "live"]),
    ("HashSet", &["runner", "report", "cli", "live"]),
    (".powf(", &["tables", "runner", "report", "cli", "live"]),
    (".powi(", &["tables", "runner", "report", "cli", "live"]),
    (".exp()", &["tables", "runner", "report", "cli", "live"]),
    (".ln()", &["tables", "runner", "report", "cli", "live"]),
    (".cbrt()", &["tables", "runner", "report", "cli", "live"]),
    (".sin()", &["tables", "runner", "report", "cli", "live"]),
    (".unwrap()", &[]),
    ("todo!(", &[]),
    ("unimplemented!(", &[]),
    ("dbg!(", &[]),
    ("StdRng", &[]),
    ("SmallRng", &[]),
    ("thread_rng", &[]),
];

const LONGEST: usize = 600;

/// First words of comment lines that are riddles: a comment begins with the noun that it explains.
const RIDDLES: &[&str] = &[
    "What",
    "Whatever",
    "Who",
    "Whom",
    "Whose",
    "Whoever",
    "How",
    "However",
    "Whether",
    "Where",
    "Wherever",
    "When",
    "Whenever",
    "Which",
    "Whichever",
    "Why",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A source file without its tests and comments.
struct Source {
    path: PathBuf,
    module: String,
    lines: Vec<String>,
    code: String,
}

fn files_under(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = vec![];
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_under(&path, extension));
        } else if path.extension().is_some_and(|other| other == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let is_test = |path: &Path| {
        let stem = path.file_stem().expect("a name").to_string_lossy();
        ["tests", "testing"].contains(&stem.as_ref())
            || path.components().any(|part| part.as_os_str() == "tests")
    };
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a text");
        let own = path.strip_prefix(&src).expect("inside").iter().next().expect("a name").to_string_lossy();
        let module = own.trim_end_matches(".rs").to_owned();
        // Tests stand at the foot.
        let foot = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
        let lines: Vec<String> = text[..foot].lines().map(str::to_owned).collect();
        let uncommented = |line: &String| line.split("//").next().unwrap_or_default().to_owned();
        let code = lines.iter().map(uncommented).collect::<Vec<_>>().join("\n");
        Source { path, module, lines, code }
    };
    let all: Vec<Source> =
        files_under(&src, "rs").into_iter().filter(|path| !is_test(path)).map(read).collect();
    assert!(all.len() > 80, "{} files", all.len());
    all
}

/// Permitted imports, by the table in the architecture chapter: names, `all above`, or `–`. Modules of
/// the first row may be imported by all.
struct Imports {
    allowed: BTreeMap<String, BTreeSet<String>>,
    common: BTreeSet<String>,
}

impl Imports {
    fn read() -> Imports {
        let text = std::fs::read_to_string(root().join(ARCHITECTURE)).expect("a chapter");
        let section = text.split("## Import rules").nth(1).expect("a section");
        let section = section.split("\n## ").next().unwrap_or_default();
        let mut imports = Imports { allowed: BTreeMap::new(), common: BTreeSet::new() };
        for row in section.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let names = |cell: &str| -> Vec<String> {
                cell.split(',').map(|name| name.trim().replace('`', "")).collect()
            };
            let may: BTreeSet<String> = match cells[2] {
                "–" => BTreeSet::new(),
                "all above" => imports.allowed.keys().cloned().collect(),
                listed => names(listed).into_iter().collect(),
            };
            for module in names(cells[1]) {
                if cells[3] == "anything" {
                    imports.common.insert(module.clone());
                }
                let unknown = may.iter().find(|name| !imports.allowed.contains_key(*name));
                assert!(unknown.is_none(), "{ARCHITECTURE}: {unknown:?} has no row above `{module}`");
                imports.allowed.insert(module, may.clone());
            }
        }
        assert!(imports.allowed.len() > 15, "{:?}", imports.allowed);
        imports
    }

    /// The modules of ours that a file names: `crate::x`, also in groups, and `testbed::x` from `main`.
    fn named_in(&self, code: &str) -> BTreeSet<String> {
        let mut named = named_in(code);
        named.retain(|name| self.allowed.contains_key(name));
        named
    }
}

/// Names that follow `crate::` and `testbed::`.
fn named_in(code: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for marker in ["crate::", "testbed::"] {
        for (at, _) in code.match_indices(marker) {
            let rest = &code[at + marker.len()..];
            let ident = |text: &str| {
                text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
            };
            match rest.strip_prefix('{') {
                Some(group) => {
                    let inside = group.split('}').next().unwrap_or_default();
                    named.extend(inside.split(',').map(|part| ident(part.trim())));
                }
                None => drop(named.insert(ident(rest))),
            }
        }
    }
    named
}

#[test]
fn modules_name_only_whom_they_may() {
    let imports = Imports::read();
    let mut faults = vec![];
    for source in sources() {
        let Some(allowed) = imports.allowed.get(&source.module) else {
            faults.push(format!(
                "{}: module `{}` has no row in the table of {ARCHITECTURE}",
                source.path.display(),
                source.module
            ));
            continue;
        };
        for name in imports.named_in(&source.code) {
            if name != source.module && !imports.common.contains(&name) && !allowed.contains(&name) {
                faults.push(format!("{}: `{}` must not know `{name}`", source.path.display(), source.module));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_two_modules_depend_on_each_other() {
    let imports = Imports::read();
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources() {
        let mut names = imports.named_in(&source.code);
        names.remove(&source.module);
        graph.entry(source.module).or_default().extend(names);
    }
    // Takes away what depends on nothing that is left; a circle remains.
    while let Some(leaf) = graph
        .iter()
        .find(|(_, needs)| needs.iter().all(|need| !graph.contains_key(need)))
        .map(|(name, _)| name.clone())
    {
        graph.remove(&leaf);
    }
    assert!(graph.is_empty(), "a circle among {graph:?}");
}

#[test]
fn nobody_names_what_is_reserved_to_others() {
    let mut faults = vec![];
    for source in sources() {
        for (word, may) in RESERVED {
            if may.contains(&source.module.as_str()) || source.module == "main" {
                continue;
            }
            for (number, line) in source.code.lines().enumerate() {
                // `libm::` functions are called by path, never as methods.
                if line.contains(word) {
                    faults.push(format!("{}:{}: {}", source.path.display(), number + 1, line.trim()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn files_are_short_enough_to_be_read() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|source| source.lines.len() > LONGEST)
        .map(|source| format!("{}: {} lines without tests", source.path.display(), source.lines.len()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// True if a comment on this line begins with a riddle, whatever stands before it.
fn is_riddle(line: &str) -> bool {
    let comments = ["// ", "//! ", "/* ", "/** "].into_iter().filter_map(|mark| line.split_once(mark));
    let mut firsts = comments.filter_map(|(_, words)| words.split(|c: char| !c.is_alphabetic()).next());
    firsts.any(|word| RIDDLES.contains(&word))
}

#[test]
fn comments_begin_with_a_noun() {
    for mark in ["//", "///", "//!", "/*", "/**", "call(); //"] {
        assert!(is_riddle(&format!("    {mark} {} it does.", RIDDLES[0])), "{mark}");
    }
    let mut faults = vec![];
    for folder in ["src", "tests", "examples", "benches", "python/src", "web/engine/src", "web/page", ".ci"] {
        for extension in ["rs", "js", "mjs", "css"] {
            for path in files_under(&root().join(folder), extension) {
                let text = std::fs::read_to_string(&path).expect("a text");
                for (number, line) in text.lines().enumerate().filter(|(_, line)| is_riddle(line)) {
                    faults.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} lines:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_shipped_scenario_is_sound() {
    let files = files_under(&root().join("scenarios"), "toml");
    assert!(files.len() >= 8, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a text");
        let mut load = |name: &str| std::fs::read(file.parent().expect("a folder").join(name));
        let plan = testbed::scenario::Plan::parse_with(&file.to_string_lossy(), &text, &[], &mut load);
        plan.unwrap_or_else(|error| panic!("{}", error.render(false)));
    }
}

#[test]
fn nothing_in_the_tree_names_a_machine() {
    // Put together here, so that this file does not name them either.
    let marks = [
        ["/ho", "me/"],
        ["/Use", "rs/"],
        ["/wo", "rk/"],
        ["/ro", "ot/"],
        ["127.0.", "0.1:3"],
        ["local", "host:4"],
    ];
    let mut faults = vec![];
    for folder in ["src", "tests", "benches", "scenarios", "notebooks", "docs", ".ci", ".cargo"] {
        for extension in ["rs", "toml", "md", "py", "csv", "sh", "txt"] {
            for path in files_under(&root().join(folder), extension) {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                for mark in marks.map(|parts| parts.concat()) {
                    if text.contains(&mark) {
                        faults.push(format!("{} names {mark}", path.display()));
                    }
                }
            }
        }
    }
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap_or_default();
    for line in lock.lines().filter(|line| line.starts_with("source = ")) {
        let official = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
        if line != official {
            faults.push(format!("Cargo.lock: {line}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
