//! Places below one folder for what is written of each of several folders.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::output::Failure;

/// The place of one of some folders: `below` for a single one, else the folder of its name in there.
pub fn place_of(dir: &Path, all: &[PathBuf], below: &Path) -> PathBuf {
    if all.len() == 1 { below.to_owned() } else { below.join(name_of(dir)) }
}

/// Refuses folders that would have one place, with the mend.
pub fn check_apart(all: &[PathBuf], below: &Path, help: &str) -> Result<(), Failure> {
    let mut taken: BTreeMap<OsString, &Path> = BTreeMap::new();
    for dir in all {
        let Some(first) = taken.insert(name_of(dir), dir) else { continue };
        let both = format!("{} and {}", first.display(), dir.display());
        let place = below.join(name_of(dir));
        return Err(Failure::usage(format!("{both} would both be written to {}", place.display()), help));
    }
    Ok(())
}

/// The name of a folder, of `.` too.
fn name_of(dir: &Path) -> OsString {
    let whole = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    whole.file_name().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_one_name_have_no_places_below_one_folder() {
        let dirs = ["a/x", "b/y"].map(PathBuf::from);
        assert_eq!(place_of(&dirs[1], &dirs, Path::new("out")), Path::new("out/y"));
        assert_eq!(place_of(&dirs[1], &dirs[1..], Path::new("out")), Path::new("out"));
        check_apart(&dirs, Path::new("out"), "").expect("two names");
        let dirs = ["a/x", "b/y", "c/x"].map(PathBuf::from);
        let Err(Failure::Usage { problem, help }) = check_apart(&dirs, Path::new("out"), "mend") else {
            panic!("one name")
        };
        assert_eq!(problem, "a/x and c/x would both be written to out/x");
        assert_eq!(help, "mend");
    }
}
