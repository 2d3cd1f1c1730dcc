//! `testbed page`: a scenario as one file that a browser opens, with the engine in it.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde_json::{Map, Value, json};

use super::filing::known_elsewhere;
use super::output::{Failure, beside, load, print};
use super::version;

/// Write a page in which a scenario runs: one file, for a browser, offline
///
/// The page holds the engine itself: its figures are those of `run`. It asks nothing of any server, and opens from
/// a disk as well. Conditions are sliders, the scenario's text stands beside them, and its address holds the
/// experiment, so that a link is a hand-out.
#[derive(Debug, Args)]
pub struct Page {
    /// Scenario file; without one the page offers three that come with the program
    #[arg(value_name = "SCENARIO")]
    file: Option<PathBuf>,
    /// Override a key of the scenario, e. g. link.access.loss=20%
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "file")]
    sets: Vec<String>,
}

/// Most bytes of a page.
const MOST_BYTES: usize = 1_500_000;

const ENGINE: &[u8] = include_bytes!("../../web/testbed.wasm");
const FRAME: &str = include_str!("../../web/page/index.html");
const WORKER: &str = include_str!("../../web/page/worker.js");
const STYLES: [(&str, &str); 2] = [
    (r#"<link rel="stylesheet" href="style.css">"#, include_str!("../../web/page/style.css")),
    (
        r#"<link rel="stylesheet" href="chart.css" id="chart-style">"#,
        include_str!("../../web/page/chart.css"),
    ),
];

/// The page's modules: each imports from those before it only.
const MODULES: [(&str, &str); 14] = [
    ("./dom.js", include_str!("../../web/page/dom.js")),
    ("./units.js", include_str!("../../web/page/units.js")),
    ("./engine.js", include_str!("../../web/page/engine.js")),
    ("./chart.js", include_str!("../../web/page/chart.js")),
    ("./controls.js", include_str!("../../web/page/controls.js")),
    ("./own.js", include_str!("../../web/page/own.js")),
    ("./panels.js", include_str!("../../web/page/panels.js")),
    ("./histogram.js", include_str!("../../web/page/histogram.js")),
    ("./play.js", include_str!("../../web/page/play.js")),
    ("./preview.js", include_str!("../../web/page/preview.js")),
    ("./results.js", include_str!("../../web/page/results.js")),
    ("./share.js", include_str!("../../web/page/share.js")),
    ("./source.js", include_str!("../../web/page/source.js")),
    ("./main.js", include_str!("../../web/page/main.js")),
];

/// Rules that the browser holds the page to: whatever runs in it, a controller that came with a link included, it
/// speaks with nobody.
const RULES: &str = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src \
    'unsafe-inline' 'unsafe-eval' blob:; worker-src blob:; style-src 'unsafe-inline'; img-src data: blob:\">";

/// Scenarios of a page that is asked for none.
const SHIPPED: [(&str, &str); 3] = [
    ("scenarios/bufferbloat.toml", include_str!("../../scenarios/bufferbloat.toml")),
    ("scenarios/loss10.toml", include_str!("../../scenarios/loss10.toml")),
    ("scenarios/fairness.toml", include_str!("../../scenarios/fairness.toml")),
];

impl Page {
    /// Writes the page to stdout.
    pub fn execute(self) -> Result<(), Failure> {
        print(&self.written()?)
    }

    fn written(&self) -> Result<String, Failure> {
        let scenarios = match &self.file {
            None => SHIPPED.iter().map(|(path, text)| scenario(path, text, &[], &Map::new())).collect(),
            Some(file) => {
                let (plan, text) = load(file, &self.sets)?;
                let mut files = Map::new();
                for name in plan.files().keys() {
                    let bytes = beside(file, name)
                        .map_err(|error| Failure::other(format!("cannot read {name}: {error}"), ""))?;
                    let text = String::from_utf8(bytes).map_err(|_| {
                        let problem = format!("{name} is not UTF-8, as all that a page holds must be");
                        Failure::other(problem, "convert it, such as with iconv -t UTF-8")
                    })?;
                    files.insert(name.clone(), Value::String(text));
                }
                vec![scenario(&known_elsewhere(file), &text, &self.sets, &files)]
            }
        };
        let page = page(&scenarios);
        if page.len() > MOST_BYTES {
            let help = "shorten the traces and tables that the scenario names";
            let problem = format!("the page would have {} bytes, more than {MOST_BYTES}", page.len());
            return Err(Failure::other(problem, help));
        }
        Ok(page)
    }
}

fn scenario(path: &str, text: &str, sets: &[String], files: &Map<String, Value>) -> Value {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    json!({ "file": file, "path": path, "text": text, "sets": sets, "files": files })
}

/// The frame with everything in it: what it names beside it stands where it is named.
fn page(scenarios: &[Value]) -> String {
    let own = json!({ "scenarios": scenarios, "version": format!("testbed {}", version()) });
    let data = [
        packed("shipped", own.to_string().as_bytes()),
        packed("engine", ENGINE),
        element(r#"type="text/plain" id="worker""#, WORKER),
    ];
    let modules: String = MODULES.iter().map(|(name, text)| inlined(name, text)).collect();
    let mut page = FRAME.to_owned();
    for (link, style) in STYLES {
        let id = if link.contains("id=") { " id=\"chart-style\"" } else { "" };
        page = page.replacen(link, &format!("<style{id}>\n{style}</style>"), 1);
    }
    let first = r#"<meta charset="utf-8">"#;
    let page = page.replacen(first, &format!("{first}\n{RULES}"), 1);
    let named = r#"<script type="text/plain" id="shipped"></script>"#;
    let page = page.replacen(named, &data.join("\n"), 1);
    let main = r#"<script type="module" src="main.js"></script>"#;
    page.replacen(main, &element(r#"type="module""#, &format!("const modules = {{}};\n{modules}")), 1)
}

/// A script element: nothing in its text may look like its end, or like the beginning of another.
fn element(attributes: &str, text: &str) -> String {
    let text = text.replace("</", "\\u003c/").replace("<!--", "\\u003c!--");
    format!("<script {attributes}>\n{text}\n</script>")
}

/// A script element with bytes, compressed.
fn packed(id: &str, bytes: &[u8]) -> String {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
    let written = packed.write_all(bytes).and_then(|()| packed.finish());
    let packed = written.expect("memory takes everything");
    element(&format!(r#"type="text/plain" id="{id}" data-bytes="{}""#, packed.len()), &dense(&packed))
}

/// 13 bits as two characters, of `!` to `}` without `<` and `\\`: 23 % longer, where base64 is a third. The first bits of
/// a byte, and the first of the two, are the low ones.
fn dense(bytes: &[u8]) -> String {
    const DIGITS: u32 = 91;
    let mut text = String::with_capacity(bytes.len() * 16 / 13 + 2);
    let mut push = |bits: u32| {
        for digit in [bits % DIGITS, bits / DIGITS] {
            let digit = digit as u8;
            let skipped = u8::from(digit >= b'<' - b'!') + u8::from(digit >= b'\\' - b'!' - 1);
            text.push(char::from(b'!' + digit + skipped));
        }
    };
    let (mut bits, mut count) = (0u32, 0);
    for &byte in bytes {
        bits |= u32::from(byte) << count;
        count += 8;
        if count >= 13 {
            push(bits & 0x1fff);
            bits >>= 13;
            count -= 13;
        }
    }
    if count > 0 {
        push(bits);
    }
    text
}

/// A module as a function of its own, without its comments: a page from a disk may not import. Each import and each
/// export has a line for itself, and so has each comment.
fn inlined(name: &str, module: &str) -> String {
    let mut exports = vec![];
    let mut inside = String::new();
    for line in module.lines().filter(|line| !line.trim_start().starts_with("//")) {
        let import =
            line.strip_prefix("import ").and_then(|rest| rest.trim_end_matches(';').split_once(" from "));
        if let Some((names, from)) = import {
            inside += &format!("const {names} = modules[{from}];\n");
            continue;
        }
        let kept = line.strip_prefix("export ").unwrap_or(line);
        if kept.len() < line.len() {
            let word = |word: &&str| !["async", "function", "class", "const", "let"].contains(word);
            let name = kept.split(' ').find(word).unwrap_or_default();
            exports.push(name.split(['(', ';', '=']).next().unwrap_or_default());
        }
        inside += kept;
        inside.push('\n');
    }
    format!("modules[\"{name}\"] = (() => {{\n{inside}return {{ {} }};\n}})();\n", exports.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_one_small_file_that_names_no_other() {
        let page = page(&[scenario("a/b.toml", "title = \"</script><!--\"", &[], &Map::new())]);
        assert!(page.len() < MOST_BYTES, "{}", page.len());
        // Packed bytes hold no blank, but any other sequence some time.
        for other in [" src=", "<link rel=\"stylesheet\"", "\nimport ", "\nexport ", "http://", "https://"] {
            let rest = page.replace("http://www.w3.org/2000/svg", "");
            assert!(!rest.contains(other), "{other}");
        }
        assert_eq!(page.matches("</script>").count(), 4, "no text ends an element");
        assert!(!page.contains("<!--"));
    }

    #[test]
    fn modules_import_from_those_before_them_what_those_export() {
        for (place, (name, text)) in MODULES.iter().enumerate() {
            for line in text.lines().filter_map(|line| line.strip_prefix("import ")) {
                let (names, from) = line.trim_end_matches(';').split_once(" from ").expect("one line each");
                let from = from.trim_matches('"');
                let (_, exporter) = MODULES[..place].iter().find(|(other, _)| *other == from).expect(from);
                let inlined = inlined(from, exporter);
                let exported = inlined.lines().rev().nth(1).expect("a line of exports");
                for word in names.trim_matches(['{', '}', ' ']).split(", ") {
                    let listed = exported.split([' ', ',', '{', '}']).any(|other| other == word);
                    assert!(listed, "{name} imports {word} from {from}: {exported}");
                }
            }
        }
    }

    #[test]
    fn every_shipped_scenario_has_its_page() {
        for folder in ["scenarios", "scenarios/labs"] {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let file = entry.expect("an entry").path();
                if file.extension().is_some_and(|extension| extension == "toml") {
                    let page = Page { file: Some(file.clone()), sets: vec![] };
                    assert!(page.written().is_ok(), "{}", file.display());
                }
            }
        }
    }

    #[test]
    fn dense_text_holds_its_bytes() {
        let bytes: Vec<u8> = (0..=255).chain([255; 7]).chain([0; 6]).collect();
        let text = dense(&bytes);
        assert!(text.bytes().all(|c| (b'!'..=b'}').contains(&c) && c != b'<' && c != b'\\'), "{text}");
        let digit = |c: u8| u128::from(c - b'!' - u8::from(c > b'<') - u8::from(c > b'\\'));
        // Thirteen bytes are sixteen characters.
        let word = |pairs: &[u8]| {
            let bits = pairs.chunks(2).map(|pair| digit(pair[0]) + 91 * digit(pair[1]));
            bits.enumerate().fold(0, |word, (n, bits)| word | bits << (13 * n))
        };
        let read: Vec<u8> =
            text.as_bytes().chunks(16).flat_map(|pairs| word(pairs).to_le_bytes()[..13].to_vec()).collect();
        assert_eq!(read[..bytes.len()], bytes);
    }
}
