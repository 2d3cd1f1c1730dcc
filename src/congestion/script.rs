//! Controllers in scripts: `python:my_cc.py:Aimd` names a file beside the scenario and a class in it. An interpreter
//! around this library reads the script; the program alone has none, and says where to get one.

use std::sync::OnceLock;

use super::Algorithm;

/// Begin of a word that names a controller in a script.
pub const PREFIX: &str = "python:";

/// Error of a script where time is real.
pub const LATE: &str = "controllers in Python do not run in real time";

/// Reads a controller from its word, the script's name and its bytes; an error says what is wrong with it.
pub type Reader = fn(word: &str, file: &str, class: &str, text: &[u8]) -> Result<&'static Algorithm, String>;

static READER: OnceLock<Reader> = OnceLock::new();

/// Reason for which a script gives no controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Description of the problem.
    pub message: String,
    /// Mend.
    pub help: String,
}

/// From now on scripts are read so. The first reader stays.
pub fn read_with(reader: Reader) {
    let _ = READER.set(reader);
}

/// True if a word names a controller in a script.
pub fn is_named(word: &str) -> bool {
    word.starts_with(PREFIX)
}

/// File and class that a word names, if there is somebody to read them.
pub fn parts(word: &str) -> Option<(&str, &str)> {
    READER.get()?;
    split(word)
}

/// Reads the controller that a word names from the bytes of its script. Two files of one name give two controllers:
/// it is for the caller to keep what belongs to its own.
pub fn read(word: &str, text: &[u8]) -> Result<&'static Algorithm, Refusal> {
    check(word)?;
    let (Some(reader), Some((file, class))) = (READER.get(), split(word)) else { return Err(no_script()) };
    reader(word, file, class, text)
        .map_err(|message| Refusal { message, help: format!("mend {file}, or name another controller") })
}

/// The error of a place where there are no scripts.
pub fn no_script() -> Refusal {
    Refusal {
        message: "no script can be named here".to_owned(),
        help: "write it under `congestion`".to_owned(),
    }
}

/// An error if a word can name no controller, whatever its script.
pub fn check(word: &str) -> Result<(), Refusal> {
    let refused = |message: &str, help: &str| Refusal { message: message.to_owned(), help: help.to_owned() };
    if READER.get().is_none() {
        let help = "install the package with `pip install ./python`, whose `testbed` runs it";
        return Err(refused("controllers in Python need the Python package", help));
    }
    if split(word).is_none() {
        let help = "write \"python:FILE.py:CLASS\"";
        return Err(refused("this names no class of a file", help));
    }
    Ok(())
}

fn split(word: &str) -> Option<(&str, &str)> {
    let (file, class) = word.strip_prefix(PREFIX)?.rsplit_once(':')?;
    (!file.is_empty() && !class.is_empty()).then_some((file, class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_names_a_file_and_a_class() {
        assert_eq!(split("python:a/b.py:Aimd"), Some(("a/b.py", "Aimd")));
        assert_eq!(split("python:C:\\x.py:Aimd"), Some(("C:\\x.py", "Aimd")));
        for word in ["python:", "python:a.py", "python::Aimd", "python:a.py:", "reno"] {
            assert_eq!(split(word), None, "{word}");
        }
    }

    #[test]
    fn a_program_without_an_interpreter_says_where_one_is() {
        let refusal = read("python:a.py:Aimd", b"").expect_err("no interpreter");
        assert!(refusal.help.contains("pip install ./python"), "{refusal:?}");
    }
}
