//! The page and its engine, as they lie in the tree.

use std::path::{Path, PathBuf};

/// Longer files are two.
const LONGEST: usize = 400;

fn web() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("web")
}

#[test]
fn the_engine_names_no_place_of_the_machine_that_built_it() {
    let engine = std::fs::read(web().join("testbed.wasm")).expect("the engine");
    assert!(engine.starts_with(b"\0asm") && engine.len() > 500_000, "{}", engine.len());
    let names = |place: &str| engine.windows(place.len()).any(|part| part == place.as_bytes());
    // In two parts, so that this file names none.
    let places = [
        ["/ro", "ot/"],
        ["/ho", "me/"],
        ["/Us", "ers/"],
        ["C:", "\\"],
        [".cargo/", "registry"],
        ["tool", "chains/"],
    ];
    for place in places.map(|parts| parts.concat()) {
        assert!(!names(&place), "it names {place}: build it with web/build");
    }
    let root = env!("CARGO_MANIFEST_DIR");
    assert!(!names(root), "it names {root}: build it with web/build");
}

#[test]
fn files_of_the_page_are_short_and_name_no_other_place() {
    let mut seen = 0;
    for entry in std::fs::read_dir(web().join("page")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a text");
        assert!(text.lines().count() <= LONGEST, "{}", path.display());
        let text = text.replace("http://www.w3.org/2000/svg", "");
        assert!(!text.contains("http://") && !text.contains("https://"), "{}", path.display());
        seen += 1;
    }
    assert!(seen > 12, "{seen}");
}
