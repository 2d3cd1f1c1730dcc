//! Options of a server in a file: `--config FILE`. A key is an option's name, its value what stands behind that; what is
//! on the command line goes before.

use std::ffi::OsString;
use std::path::Path;

use clap::Arg;
use clap::error::ErrorKind;
use toml::Value;

use super::output::Failure;

const OPTION: &str = "--config";
/// Commands that take one.
const COMMANDS: [&str; 2] = ["serve", "web"];

/// Arguments of a command line, with those of its file before the others.
#[derive(Debug)]
pub struct Expanded {
    /// The arguments.
    pub arguments: Vec<OsString>,
    /// Name of the file, and its keys.
    source: Option<(String, Vec<Key>)>,
}

/// A key of the file, its option, and its words as arguments.
#[derive(Debug)]
struct Key {
    name: String,
    option: String,
    words: Vec<OsString>,
}

impl Expanded {
    /// Line about the options that a failure of these words is about, as far as the file has given them: the command line
    /// shows none of those.
    pub fn note(&self, words: &str, whole: &clap::Command) -> Option<String> {
        let (file, keys) = self.source.as_ref()?;
        let goes_on = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
        let is_named = |key: &Key| words.split(&key.option).skip(1).any(|rest| !goes_on(rest));
        // The option that asks for another one is not in these words.
        let is_lacking = words.contains("required arguments were not provided");
        let lacks = |key: &Key| {
            let alone = self.arguments[..2].iter().chain(&key.words);
            let parsed = whole.clone().try_get_matches_from(alone);
            parsed.is_err_and(|error| error.kind() == ErrorKind::MissingRequiredArgument)
        };
        let named = keys.iter().filter(|key| is_named(key) || is_lacking && lacks(key));
        let each: Vec<_> = named.map(|Key { name, option, .. }| format!("{option} is `{name}`")).collect();
        (!each.is_empty()).then(|| format!("{} in {file}", each.join(", ")))
    }
}

/// Puts the options of the file that a command line names before the others.
pub fn expanded(arguments: Vec<OsString>, whole: &clap::Command) -> Result<Expanded, Failure> {
    let without = |arguments| Ok(Expanded { arguments, source: None });
    let command = arguments.get(1).and_then(|word| word.to_str()).unwrap_or_default();
    let Some(definition) = whole.find_subcommand(command).filter(|_| COMMANDS.contains(&command)) else {
        return without(arguments);
    };
    let Some(file) = file(&arguments) else { return without(arguments) };
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::usage(format!("{OPTION}: cannot read {name}: {error}"), "name a file of options (TOML)")
    })?;
    let wrong = |problem: String| {
        Failure::usage(format!("{name}: {problem}"), format!("`testbed {command} --help` has the options"))
    };
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| wrong(error.to_string()))?;
    let (mut all, mut keys): (Vec<OsString>, _) = (arguments[..2].to_vec(), Vec::new());
    let given: Vec<&Arg> = definition
        .get_arguments()
        .filter(|known| known.get_long().is_some_and(|long| is_given(&arguments, long)))
        .collect();
    for (key, value) in &table {
        let long = key.replace('_', "-");
        if *key != long && table.contains_key(&long) {
            return Err(wrong(format!("`{key}` and `{long}` are one option")));
        }
        let known = definition.get_arguments().find(|argument| argument.get_long() == Some(&long));
        let known = known.filter(|_| format!("--{long}") != OPTION);
        let known = known.ok_or_else(|| wrong(format!("there is no option `{key}`")))?;
        let is_other = |other: &&Arg| *other == known || conflict(definition, known, other);
        if !given.iter().any(is_other) {
            let takes = known.get_action().takes_values();
            let words = words(value, takes).ok_or_else(|| wrong(unfit(key, takes)))?;
            let option = format!("--{long}");
            let words = words.into_iter().map(|word| match word {
                Some(word) => format!("{option}={word}").into(),
                None => option.clone().into(),
            });
            let words: Vec<OsString> = words.collect();
            all.extend_from_slice(&words);
            keys.push(Key { name: key.clone(), option, words });
        }
    }
    // Here it is known that a value is the file's; what belongs together may be on the command line.
    if let Err(error) = whole.clone().try_get_matches_from(&all)
        && matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation)
    {
        let words = error.render().to_string();
        let first = words.lines().next().unwrap_or_default();
        return Err(wrong(first.trim_start_matches("error: ").to_owned()));
    }
    all.extend_from_slice(&arguments[2..]);
    Ok(Expanded { arguments: all, source: Some((name.clone(), keys)) })
}

/// True if one of two options is not allowed beside the other.
fn conflict(definition: &clap::Command, one: &Arg, other: &Arg) -> bool {
    let excludes = |a, b| definition.get_arg_conflicts_with(a).contains(&b);
    excludes(one, other) || excludes(other, one)
}

/// The last file that is named.
fn file(arguments: &[OsString]) -> Option<&Path> {
    let place = arguments.iter().rposition(|argument| argument == OPTION);
    let behind = place.and_then(|place| arguments.get(place + 1)).map(Path::new);
    let joined = || arguments.iter().rev().find_map(|argument| argument.to_str()?.strip_prefix("--config="));
    behind.or_else(|| joined().map(Path::new))
}

fn is_given(arguments: &[OsString], long: &str) -> bool {
    let mut named = arguments.iter().filter_map(|argument| argument.to_str()?.strip_prefix("--"));
    named.any(|word| word.split('=').next() == Some(long))
}

/// Values of an option, nothing for one that takes none; `None` if this is no value of it.
fn words(value: &Value, takes: bool) -> Option<Vec<Option<String>>> {
    Some(match value {
        Value::Boolean(is_on) if !takes => vec![None; usize::from(*is_on)],
        _ if !takes => return None,
        Value::String(text) => vec![Some(text.clone())],
        Value::Integer(number) => vec![Some(number.to_string())],
        Value::Float(number) => vec![Some(number.to_string())],
        Value::Array(all) => {
            let each: Option<Vec<_>> = all.iter().map(|value| words(value, takes)).collect();
            each?.into_iter().flatten().collect()
        }
        _ => return None,
    })
}

fn unfit(key: &str, takes: bool) -> String {
    if takes {
        format!("`{key}` is a text or a number, or a list of them")
    } else {
        format!("`{key}` is true or false")
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::{Arguments, Command, definition};
    use super::*;

    fn arguments(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    fn written(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("a file");
        file
    }

    fn expand(text: &str, more: &[&str]) -> Result<Vec<String>, String> {
        let file = written(text);
        let path = file.path().to_str().expect("a text");
        let all = arguments(&[&["testbed", "serve", "--config", path], more].concat());
        match expanded(all, &definition()) {
            Ok(Expanded { arguments: all, .. }) => {
                Ok(all[2..].iter().filter_map(|word| word.to_str()).map(str::to_owned).collect())
            }
            Err(Failure::Usage { problem, .. }) => Err(problem),
            Err(_) => Err("another failure".to_owned()),
        }
    }

    #[test]
    fn a_files_options_come_first_and_the_command_lines_instead_of_them() {
        let text = "max_clients = 50\nrate-limit = 7\nassign_names = true\nmembers-only = false\n\
            dialect = [\"slash=127.0.0.1:1\", \"pipe=127.0.0.1:2\"]\n";
        let all = expand(text, &["--rate-limit", "9"]).expect("a sound file");
        let mut from_file = all.iter().take_while(|word| *word != "--config").collect::<Vec<_>>();
        from_file.sort();
        assert_eq!(
            from_file,
            [
                "--assign-names",
                "--dialect=pipe=127.0.0.1:2",
                "--dialect=slash=127.0.0.1:1",
                "--max-clients=50"
            ]
        );
        for (text, words) in [
            ("max_client = 5\n", "there is no option `max_client`"),
            ("config = \"other.toml\"\n", "there is no option `config`"),
            ("assign_names = 3\n", "`assign_names` is true or false"),
            ("max_clients = true\n", "`max_clients` is a text or a number"),
            ("max_clients = \n", "TOML parse error"),
            ("max_clients = 5\nmax-clients = 6\n", "`max_clients` and `max-clients` are one option"),
            ("join_timeout = \"soon\"\n", "invalid value 'soon' for '--join-timeout"),
        ] {
            let problem = expand(text, &[]).expect_err(text);
            assert!(problem.contains(words), "{problem}");
        }
    }

    #[test]
    fn a_files_options_yield_to_those_that_exclude_them() {
        for (text, more) in
            [("scenario = \"a.toml\"\n", "--loss=5%"), ("loss = \"5%\"\n", "--scenario=a.toml")]
        {
            let all = expand(text, &[more]).expect("a sound file");
            assert!(all.len() == 3 && all[2] == more, "{all:?}");
        }
    }

    #[test]
    fn a_failure_names_the_keys_of_the_options_that_it_is_about() {
        let file = written("min_rto = \"61s\"\nmax-queues = \"1MiB\"\naccounts-only = true\n");
        let name = file.path().to_str().expect("a text");
        let words = arguments(&["testbed", "serve", "--config", name, "--max-queue=2MiB"]);
        let all = expanded(words, &definition()).unwrap_or_else(|_| panic!("a sound file"));
        let note = |words| all.note(words, &definition()).map(|note| note.replace(name, "FILE"));
        assert_eq!(
            note("--min-rto 61s and --max-rto 60s"),
            Some("--min-rto is `min_rto` in FILE".to_owned())
        );
        assert_eq!(note("--max-queue 2MiB: a text may have 3MiB"), None);
        let both = note("let --max-queues be more than --min-rto");
        assert_eq!(both, Some("--max-queues is `max-queues`, --min-rto is `min_rto` in FILE".to_owned()));
        let lacks = note("the following required arguments were not provided: --store");
        assert_eq!(lacks, Some("--accounts-only is `accounts-only` in FILE".to_owned()));
    }

    /// The file of the documentation has every limit and interval, at its default.
    #[test]
    fn the_documented_file_is_what_there_is_without_one() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/deploy/testbed.toml");
        let all = expanded(arguments(&["testbed", "serve", "--config", file]), &definition());
        let all = all.unwrap_or_else(|_| panic!("a sound file")).arguments;
        assert!(all.len() > 25, "{all:?}");
        let plain = |all: Vec<OsString>| {
            let parsed = Arguments::try_parse_from(all).unwrap_or_else(|error| panic!("{error}"));
            let Command::Serve(serve) = parsed.command else { panic!("another command") };
            format!("{serve:?}")
        };
        let without = plain(arguments(&["testbed", "serve"]));
        assert_eq!(plain(all).replace(&format!("Some(\"{file}\")"), "None"), without);
    }
}
