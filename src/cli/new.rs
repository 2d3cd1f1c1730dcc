//! `testbed new`: a first scenario of one's own, from three questions.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;

use clap::Args;

use super::output::{Failure, print};
use crate::scenario::Plan;
use crate::units::quoted;

/// Write a commented scenario from three questions
///
/// Asks at a terminal for what is not given: the traffic, the network, and what is compared. The file is sound as it
/// stands; its comments say what to change.
#[derive(Debug, Args)]
pub struct New {
    /// Name of the scenario; the file is NAME.toml
    #[arg(value_parser = name)]
    name: String,
    /// Traffic: downloads, chat, web or voice
    #[arg(long, value_name = "KIND", value_parser = |text: &str| choice(TRAFFIC, text))]
    traffic: Option<&'static Choice>,
    /// Network: home, mobile, satellite or datacentre
    #[arg(long, value_name = "KIND", value_parser = |text: &str| choice(NETWORKS, text))]
    network: Option<&'static Choice>,
    /// Comparison: controllers, queues, losses or delays
    #[arg(long, value_name = "KIND", value_parser = |text: &str| choice(COMPARISONS, text))]
    compare: Option<&'static Choice>,
}

/// An answer, and its part of the file.
#[derive(Debug)]
struct Choice {
    name: &'static str,
    words: &'static str,
    /// Blocks of lines, with an empty one between two.
    blocks: &'static [&'static str],
}

/// Traffic that others have to share a queue with.
const DOWNLOAD: &str = "[[clients]]\n\
    name  = \"download\"\n\
    path  = [\"line\"]\n\
    app   = { kind = \"bulk\", direction = \"down\" }\n";

const TRAFFIC: &[Choice] = &[
    Choice {
        name: "downloads",
        words: "four downloads that take all they can get",
        blocks: &["[[clients]]\n\
                name         = \"download\"\n\
                count        = 4\n\
                path         = [\"line\"]          # the links from client to server, by name\n\
                start_spread = \"1s\"              # they begin at random within it\n\
                app          = { kind = \"bulk\", direction = \"down\" }   # with `bytes = \"2MB\"`, transfers of one size\n"],
    },
    Choice {
        name: "chat",
        words: "ten people in a chat beside a download",
        blocks: &[
            "[[clients]]\n\
                name  = \"people\"\n\
                count = 10\n\
                path  = [\"line\"]                 # the links from client to server, by name\n\
                app   = { kind = \"chat\", rate = \"1/s\", size = \"200B\" }   # texts to everyone\n",
            DOWNLOAD,
        ],
    },
    Choice {
        name: "web",
        words: "a web page every other second, and pings, beside a download",
        blocks: &[
            "[[clients]]\n\
                name  = \"page\"\n\
                path  = [\"line\"]                 # the links from client to server, by name\n\
                app   = { kind = \"web\", rate = \"0.5/s\", size = \"100kB\" }\n\
                \n\
                [[clients]]\n\
                name  = \"ping\"\n\
                path  = [\"line\"]\n\
                app   = { kind = \"ping\", rate = \"10/s\" }\n",
            DOWNLOAD,
        ],
    },
    Choice {
        name: "voice",
        words: "a telephone call beside a download",
        blocks: &[
            "[[clients]]\n\
                name  = \"call\"\n\
                path  = [\"line\"]                 # the links from client to server, by name\n\
                app   = { kind = \"voip\" }          # G.711, rated by the E-model\n",
            DOWNLOAD,
        ],
    },
];

const NETWORKS: &[Choice] = &[
    Choice {
        name: "home",
        words: "a home line: 20 Mbit/s, round trip 30 ms, queue of 100 packets",
        blocks: &["[link.line]\n\
                rate  = \"20mbit\"\n\
                delay = \"15ms\"                   # one way\n\
                queue = \"100 packets\"\n"],
    },
    Choice {
        name: "mobile",
        words: "a mobile phone: 8 Mbit/s, round trip 60 ms with jitter, 0.5 % loss, a deep queue",
        blocks: &["[link.line]\n\
                rate  = \"8mbit\"\n\
                delay = { mean = \"30ms\", jitter = \"5ms\" }   # one way\n\
                loss  = \"0.5%\"                   # of packets, in both directions\n\
                queue = \"500 packets\"\n"],
    },
    Choice {
        name: "satellite",
        words: "a geostationary satellite: 10 Mbit/s, round trip 600 ms, 0.1 % loss",
        blocks: &["[link.line]\n\
                rate  = \"10mbit\"\n\
                delay = \"300ms\"                  # one way\n\
                loss  = \"0.1%\"                   # of packets, in both directions\n\
                queue = \"1bdp\"                   # rate times base round trip\n"],
    },
    Choice {
        name: "datacentre",
        words: "a data centre: 1 Gbit/s, round trip 0.2 ms, a shallow queue",
        blocks: &["[link.line]\n\
                rate  = \"1gbit\"\n\
                delay = \"100us\"                  # one way\n\
                queue = \"100 packets\"\n"],
    },
];

const COMPARISONS: &[Choice] = &[
    Choice {
        name: "controllers",
        words: "congestion controllers: Reno, CUBIC, BBR",
        blocks: &["\"tcp.congestion\" = [\"reno\", \"cubic\", \"bbr\"]   # more: testbed list controllers\n"],
    },
    Choice {
        name: "queues",
        words: "queues: drop-tail, CoDel, FQ-CoDel",
        blocks: &[
            "\"link.line.queue.kind\" = [\"droptail\", \"codel\", \"fq_codel\"]   # more: testbed list queues\n",
        ],
    },
    Choice {
        name: "losses",
        words: "loss from 0 to 5 %",
        blocks: &["\"link.line.loss\" = [\"0%\", \"0.1%\", \"1%\", \"5%\"]\n"],
    },
    Choice {
        name: "delays",
        words: "delays from 5 to 100 ms",
        blocks: &["\"link.line.delay\" = [\"5ms\", \"20ms\", \"100ms\"]   # one way\n"],
    },
];

impl New {
    /// Asks, and writes the file.
    pub fn execute(self) -> Result<(), Failure> {
        let file = PathBuf::from(format!("{}.toml", self.name));
        if file.exists() {
            return Err(Failure::usage(
                format!("{} is there already", file.display()),
                "choose another name",
            ));
        }
        let traffic = answer(self.traffic, "--traffic", "What runs over the network?", TRAFFIC)?;
        let network = answer(self.network, "--network", "Which network?", NETWORKS)?;
        let compared = answer(self.compare, "--compare", "What is compared?", COMPARISONS)?;
        let text = text(&self.name, traffic, network, compared);
        Plan::parse(&file.display().to_string(), &text, &[])?;
        let mut options = std::fs::OpenOptions::new();
        let written = options.write(true).create_new(true).open(&file);
        written.and_then(|mut opened| opened.write_all(text.as_bytes())).map_err(|error| {
            Failure::other(
                format!("cannot write {}: {error}", file.display()),
                "go to a folder that you may write to",
            )
        })?;
        print(&format!(
            "{} is written; now: testbed run {}\n",
            file.display(),
            quoted(&file.display().to_string())
        ))
    }
}

/// A name for a file that needs no quotes.
fn name(text: &str) -> Result<String, String> {
    let text = text.strip_suffix(".toml").unwrap_or(text);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !text.is_empty() && text.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("a name has letters, digits, `-` and `_`".to_owned())
    }
}

fn choice(choices: &'static [Choice], text: &str) -> Result<&'static Choice, String> {
    let names: Vec<&str> = choices.iter().map(|choice| choice.name).collect();
    let found = choices.iter().find(|choice| choice.name == text);
    found.ok_or_else(|| format!("choose from {}", names.join(", ")))
}

/// The choice that was given, or that the person at the terminal makes.
fn answer(
    given: Option<&'static Choice>,
    option: &str,
    question: &str,
    choices: &'static [Choice],
) -> Result<&'static Choice, Failure> {
    if let Some(choice) = given {
        return Ok(choice);
    }
    if !std::io::stdin().is_terminal() {
        let names: Vec<&str> = choices.iter().map(|choice| choice.name).collect();
        return Err(Failure::usage(
            format!("there is nobody to ask: {question}"),
            format!("add {option} with one of {}", names.join(", ")),
        ));
    }
    eprintln!("{question}");
    for (n, choice) in choices.iter().enumerate() {
        eprintln!("  {}  {:11}  {}", n + 1, choice.name, choice.words);
    }
    loop {
        eprint!("1 to {} or a name [1]: ", choices.len());
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        if !matches!(read, Ok(1..)) {
            eprintln!("");
            return Err(Failure::Interrupted);
        }
        match picked(choices, line.trim()) {
            Some(choice) => {
                eprintln!("");
                return Ok(choice);
            }
            None => eprintln!("there is no such answer; a number from 1 to {}, or a name", choices.len()),
        }
    }
}

/// The choice that a person types: its number or its name, or nothing for the first.
fn picked(choices: &'static [Choice], answer: &str) -> Option<&'static Choice> {
    match answer.parse::<usize>() {
        Ok(number) => choices.get(number.checked_sub(1)?),
        Err(_) if answer.is_empty() => choices.first(),
        Err(_) => choices.iter().find(|choice| choice.name.eq_ignore_ascii_case(answer)),
    }
}

fn text(name: &str, traffic: &Choice, network: &Choice, compared: &Choice) -> String {
    let Choice { words, .. } = compared;
    let check = format!("testbed check {name}.toml");
    let [run, schema] = [format!("testbed run {name}.toml"), "testbed schema KEY".to_owned()]
        .map(|command| format!("{command:0$}", check.len()));
    format!(
        "# {traffic}, over {network}.\n\
         #\n\
         #   {check}   is it sound, and how long will it take?\n\
         #   {run}   tables, pictures and a page in results/{name}\n\
         #   {schema}   what a key means; all of them: testbed list keys\n\
         \n\
         title    = \"{title}\"\n\
         expect   = \"\"             # write down what you expect to see, before you run it\n\
         duration = \"30s\"          # of virtual time, each trial\n\
         warmup   = \"3s\"           # left out of the figures\n\
         trials   = 5              # with seeds 1, 2, 3, …: intervals need three or more\n\
         \n\
         {link}\n\
         {clients}\n\
         [sweep]                   # every combination of these values is a cell: {words}\n\
         {axis}",
        traffic = traffic.words,
        network = network.words,
        title = name.replace(['-', '_'], " "),
        link = network.blocks.join("\n"),
        clients = traffic.blocks.join("\n"),
        axis = compared.blocks.join("\n"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_is_a_sound_scenario() {
        for traffic in TRAFFIC {
            for network in NETWORKS {
                for compared in COMPARISONS {
                    let text = text("x", traffic, network, compared);
                    let plan = Plan::parse("x.toml", &text, &[]);
                    let plan = plan.unwrap_or_else(|error| panic!("{}\n{text}", error.render(false)));
                    assert!(
                        plan.cells() >= 3 && plan.warnings.is_empty(),
                        "{}\n{text}",
                        plan.render_warnings(false)
                    );
                }
            }
        }
    }

    #[test]
    fn an_answer_is_a_number_or_a_name() {
        let picked = |answer| picked(TRAFFIC, answer).map(|choice| choice.name);
        assert_eq!(["", "2", "web", "Voice"].map(picked), ["downloads", "chat", "web", "voice"].map(Some));
        assert_eq!(["0", "5", "-1", "we", "2 3"].map(picked), [None; 5]);
    }

    #[test]
    fn names_are_those_of_files_that_need_no_quotes() {
        assert_eq!(name("my-first_1.toml").as_deref(), Ok("my-first_1"));
        for text in ["", ".toml", "a b", "../a", "a/b", "ü"] {
            assert!(name(text).is_err(), "{text}");
        }
    }
}
