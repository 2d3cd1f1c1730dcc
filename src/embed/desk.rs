//! Requests in JSON and their answers: one experiment lies on the desk, and perhaps one trial that is watched.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::bench::Bench;
use super::lab::{Lab, Texts};
use super::overview::key_forms;
use super::play::Stage;
use crate::time::Duration;

/// Place at which requests are answered, one after the other.
#[derive(Default)]
pub struct Desk {
    lab: Option<Lab>,
    stage: Option<Stage>,
    bench: Option<Bench>,
}

/// Something to be done.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Request {
    /// Puts an experiment on the desk, and describes it at a cell.
    Open {
        #[serde(flatten)]
        texts: Texts,
        #[serde(default)]
        cell: usize,
    },
    /// The text with what was set written into it, if that has a place there.
    Written,
    /// Runs a trial, or its beginning until a time in seconds: its series.
    Run {
        cell: usize,
        trial: u32,
        #[serde(default)]
        until: Option<f64>,
    },
    /// Begins to watch a trial.
    Watch { cell: usize, trial: u32 },
    /// The watched trial at a time in seconds, which goes forwards.
    Advance { to: f64 },
    /// Runs a trial for the tables.
    Trial { cell: usize, trial: u32 },
    /// The short table over the trials so far, and what is said of them.
    Say,
    /// The tables so far, by the names of their files.
    Files,
    /// SHA-256 of every file of the trials so far.
    Hashes,
    /// Every key of scenario files.
    Keys,
}

impl Desk {
    /// A desk with nothing on it.
    pub fn new() -> Desk {
        Desk::default()
    }

    /// Answers a request in JSON, in JSON: an object, with `problems` if texts are wrong, or with `failure` in words
    /// if something else is.
    pub fn answer(&mut self, request: &str) -> String {
        match serde_json::from_str(request) {
            Ok(request) => self.handle(request).unwrap_or_else(|words| failure(&words)),
            Err(error) => failure(&format!("this is no request: {error}")),
        }
    }

    fn handle(&mut self, request: Request) -> Result<String, String> {
        match request {
            Request::Open { texts, cell } => {
                (self.stage, self.bench) = (None, None);
                let opened = Lab::open(texts).and_then(|lab| lab.overview(cell).map(|form| (lab, form)));
                match opened {
                    Ok((lab, form)) => {
                        self.lab = Some(lab);
                        written(&form)
                    }
                    Err(problems) => written(&json!({ "problems": problems })),
                }
            }
            Request::Written => written(&json!({ "text": self.lab()?.written() })),
            Request::Run { cell, trial, until } => {
                self.lab()?.picture(cell, trial, until, |picture| written(picture))?
            }
            Request::Watch { cell, trial } => {
                self.stage = Some(self.lab()?.stage(cell, trial)?);
                Ok("{}".to_owned())
            }
            Request::Advance { to } => {
                let stage = self.stage.as_mut().ok_or("no trial is watched")?;
                // Nanoseconds of a century fit.
                let nanos = (to.clamp(0.0, 3e9) * 1e9) as u64;
                written(&stage.advance(Duration::from_nanos(nanos))?)
            }
            Request::Trial { cell, trial } => {
                let lab = self.lab.as_ref().ok_or(NOTHING)?;
                self.bench.get_or_insert_with(|| lab.bench()).add(lab, cell, trial)?;
                Ok("{}".to_owned())
            }
            Request::Say => written(&self.bench()?.say()?),
            Request::Files => written(&self.bench()?.files()?),
            Request::Hashes => written(&self.bench()?.hashes()?),
            Request::Keys => written(&key_forms()),
        }
    }

    fn lab(&self) -> Result<&Lab, String> {
        self.lab.as_ref().ok_or_else(|| NOTHING.to_owned())
    }

    fn bench(&self) -> Result<&Bench, String> {
        self.bench.as_ref().ok_or_else(|| "no trial was run for the tables yet".to_owned())
    }
}

const NOTHING: &str = "there is no experiment yet";

fn failure(words: &str) -> String {
    json!({ "failure": words }).to_string()
}

fn written(value: &impl Serialize) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const FAIRNESS: &str = include_str!("../../scenarios/fairness.toml");

    fn ask(desk: &mut Desk, request: &Value) -> Value {
        serde_json::from_str(&desk.answer(&request.to_string())).expect("JSON")
    }

    fn open(desk: &mut Desk, text: &str, sets: &[&str]) -> Value {
        ask(desk, &json!({ "do": "open", "file": "fairness.toml", "text": text, "sets": sets }))
    }

    #[test]
    fn a_trial_has_its_series() {
        let mut desk = Desk::new();
        let form = open(&mut desk, FAIRNESS, &["duration=30s"]);
        assert_eq!(form["cells"], 4, "{form}");
        let text = ask(&mut desk, &json!({ "do": "written" }));
        assert!(text["text"].as_str().expect("a text").contains("duration = \"30s\""));
        let picture = ask(&mut desk, &json!({ "do": "run", "cell": 1, "trial": 0 }));
        let flow = &picture["flows"][3];
        assert_eq!(flow["name"], "second-2", "{picture}");
        let times = flow["time_s"].as_array().expect("times").len();
        assert!((400..=601).contains(&times), "{times}");
        for column in ["cwnd_bytes", "ssthresh_bytes", "srtt_ms", "phase", "delivered_bytes"] {
            assert_eq!(flow[column].as_array().expect("a column").len(), times, "{column}");
        }
        assert_eq!(picture["links"].as_array().expect("links").len(), 4);
        let figures = picture["figures"].as_array().expect("figures");
        assert!(figures.iter().any(|figure| figure["column"] == "goodput_mbit"), "{figures:?}");
    }

    #[test]
    fn a_preview_is_the_beginning_of_its_trial() {
        let mut desk = Desk::new();
        open(&mut desk, FAIRNESS, &["duration=30s"]);
        let whole = ask(&mut desk, &json!({ "do": "run", "cell": 3, "trial": 1 }));
        for until in [3.0_f64, 22.5, 1e9] {
            let part = ask(&mut desk, &json!({ "do": "run", "cell": 3, "trial": 1, "until": until }));
            let columns = |picture: &Value, list: &str, place: usize| -> Vec<(String, Vec<Value>)> {
                let line = picture[list][place].as_object().expect("a line");
                line.iter().filter_map(|(name, of)| Some((name.clone(), of.as_array()?.clone()))).collect()
            };
            // 20 samples a second, of flows that begin in the first two.
            let most = (until.min(30.0) * 20.0) as usize + 1;
            for (list, place) in [("flows", 0), ("flows", 3), ("links", 2)] {
                let pairs = columns(&part, list, place).into_iter().zip(columns(&whole, list, place));
                for ((name, part), (_, whole)) in pairs {
                    assert_eq!(part, whole[..part.len()], "{list} {place}: {name} until {until}");
                    assert!((most - 45..=most).contains(&part.len()), "{until}: {}", part.len());
                }
            }
        }
    }

    #[test]
    fn samples_change_no_figure() {
        let texts = Texts {
            file: "fairness.toml".to_owned(),
            text: FAIRNESS.to_owned(),
            sets: vec!["duration=21s".to_owned()],
            ..Texts::default()
        };
        let lab = Lab::open(texts).expect("sound");
        let delivered = |outcome: crate::facts::Outcome| -> Vec<u64> {
            outcome
                .flows
                .iter()
                .map(|flow| flow.directions[0].as_ref().map_or(0, |d| d.bytes_delivered))
                .collect()
        };
        let plain = delivered(lab.run(0, 2).expect("a trial"));
        assert_eq!(plain, delivered(lab.observe(0, 2, Duration::from_millis(7)).expect("a trial")));
        assert!(plain.iter().all(|bytes| *bytes > 0));
    }

    #[test]
    fn tables_have_their_rows_and_sentences() {
        let mut desk = Desk::new();
        open(&mut desk, FAIRNESS, &["duration=25s", "trials=2", "link.detour.delay=0ms"]);
        assert!(ask(&mut desk, &json!({ "do": "say" }))["failure"].is_string());
        for (cell, trial) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            assert_eq!(ask(&mut desk, &json!({ "do": "trial", "cell": cell, "trial": trial })), json!({}));
        }
        let said = ask(&mut desk, &json!({ "do": "say" }));
        assert_eq!(said["rows"].as_array().map(Vec::len), Some(2), "{said}");
        assert_eq!(said["rows"][1][0], "cubic");
        assert!(said["findings"]["verdict"][0].as_str().is_some_and(|text| text.ends_with('.')), "{said}");
        let hashes = ask(&mut desk, &json!({ "do": "hashes" }));
        let names: Vec<&str> =
            hashes.as_array().expect("files").iter().filter_map(|file| file[0].as_str()).collect();
        for name in ["trials.csv", "summary.csv", "groups.csv", "series/0/trial-0/flows.csv"] {
            assert!(names.contains(&name), "{name}: {names:?}");
        }
        let files = ask(&mut desk, &json!({ "do": "files" }));
        assert!(files.as_array().expect("files").iter().any(|file| file[0] == "summary.csv"));
    }

    #[test]
    fn a_mistake_is_shown_with_its_place() {
        let mut desk = Desk::new();
        let text = FAIRNESS.replace("\"20mbit\"", "\"20mbot\"");
        let line = text.lines().position(|line| line.contains("20mbot")).expect("a line") + 1;
        let answer = open(&mut desk, &text, &[]);
        let problem = &answer["problems"][0];
        assert_eq!(problem["line"], line, "{answer}");
        assert_eq!(problem["text"], "rate  = \"20mbot\"");
        assert_eq!(problem["caret"], "        ^^^^^^^^");
        let answer = open(&mut desk, FAIRNESS, &["duration=x"]);
        assert_eq!(answer["problems"][0]["set"], 0, "{answer}");
    }

    #[test]
    fn a_watched_trial_shows_packets_on_their_way() {
        let mut desk = Desk::new();
        open(&mut desk, FAIRNESS, &[]);
        assert!(ask(&mut desk, &json!({ "do": "advance", "to": 1 }))["failure"].is_string());
        ask(&mut desk, &json!({ "do": "watch", "cell": 0, "trial": 0 }));
        let frame = ask(&mut desk, &json!({ "do": "advance", "to": 10.0 }));
        let neck = &frame["links"][2];
        let inside = |part: &str| neck[part].as_array().expect("packets").len();
        assert!(inside("wire") > 10 && inside("queue") > 5, "{neck}");
        assert_eq!(frame["flows"].as_array().expect("flows").len(), 4);
        let before = ask(&mut desk, &json!({ "do": "advance", "to": 2.0 }));
        assert_eq!(before["time_s"], 10.0, "time does not go back");
    }

    #[test]
    fn odd_requests_are_failures_in_words() {
        let mut desk = Desk::new();
        for odd in ["", "{}", "[]", r#"{"do":"run","cell":0,"trial":0}"#, r#"{"do":"run","cell":-1}"#] {
            let answer: Value = serde_json::from_str(&desk.answer(odd)).expect("JSON");
            assert!(answer["failure"].is_string(), "{odd}: {answer}");
        }
        open(&mut desk, FAIRNESS, &[]);
        let answer = ask(&mut desk, &json!({ "do": "run", "cell": 4, "trial": 0 }));
        assert!(answer["failure"].is_string(), "{answer}");
    }
}
