//! `rate` of a link: a number, a token bucket, a trace, or a table over time.

use super::conditions::Table;
use super::form::{Flag, Form, Line, Maybe, Placed, quoted};
use super::kind::Kind;
use super::leaf::{self, Fault};
use super::problem::Problem;
use super::quantity::{Rate, Size};
use super::reader::Reader;
use super::tree::Node;
use super::visit::{At, Visitor, required};
use crate::link::config::{Config, Offset, Pattern, Policer, Replay};
use crate::time::{Duration, Instant};
use crate::units;

/// A rate as it stands in the file.
struct Said {
    rate: Option<units::Rate>,
    burst: Option<u64>,
    trace: Option<At<String>>,
    looped: bool,
    offset: Offset,
    csv: Option<At<String>>,
}

/// Declares the keys of a rate; a table over time goes to `table`.
pub(super) fn keys(v: &mut impl Visitor, config: &mut Config, table: &mut Option<Table>) {
    let offset = Offset::At(Duration::ZERO);
    let mut said = Said { rate: None, burst: None, trace: None, looped: true, offset, csv: None };
    v.key("rate", &mut said.rate, Maybe(Rate), "bits per second");
    let burst = "bytes that leave at once from a full token bucket (tc-tbf); without it the rate is even";
    v.key("burst", &mut said.burst, Maybe(BURST), burst);
    let trace = "path of a mahimahi trace, from this file's folder: its opportunities instead of a rate";
    v.key("trace", &mut said.trace, Maybe(Placed(Line)), trace);
    v.key("loop", &mut said.looped, Flag, "whether the trace begins anew behind its last opportunity");
    let offset = "how far into the trace a trial begins; \"trial\" draws a place for each";
    v.key("offset", &mut said.offset, Place, offset);
    let csv = "path of a CSV with time_s, rate_mbit and if you like delay_ms and loss_percent, from this file's folder";
    v.key("csv", &mut said.csv, Maybe(Placed(Line)), csv);
    v.check(|reader| said.resolve(reader, config, table));
}

/// Declares the keys of a policer.
pub(super) fn policer(v: &mut impl Visitor, policer: &mut Option<Policer>) {
    let rate = units::Rate::from_bits_per_second(1).expect("not zero");
    let start = Policer { rate, burst: 0 };
    v.optional(
        "policer",
        policer,
        start,
        "what exceeds a token bucket is dropped, before the queue",
        |v, policer| {
            v.key(required("rate"), &mut policer.rate, Rate, "rate at which the bucket fills");
            v.key(required("burst"), &mut policer.burst, BURST, "bytes that it holds");
        },
    );
}

/// Bytes of a token bucket.
const BURST: Size = Size(40, 1 << 30);

impl Said {
    /// Makes a rate of what is said, which must be one thing.
    fn resolve(self, reader: &mut Reader, config: &mut Config, table: &mut Option<Table>) {
        let base = reader.base();
        let place_of = |key: &str| base.entry(key).map(|entry| entry.place);
        let kinds: Vec<&str> =
            ["rate", "trace", "csv"].into_iter().filter(|key| reader.get(key).is_some()).collect();
        let help = "write one of `rate`, `trace` and `csv`";
        match kinds[..] {
            [] => return reader.error(base.place, "the rate is not said", help),
            [_] => {}
            [.., last] => {
                let message = format!("`{}` and `{last}` both say the rate", kinds[0]);
                return reader.error(place_of(last).unwrap_or(base.place), message, help);
            }
        }
        for (key, of) in [("burst", "rate"), ("loop", "trace"), ("offset", "trace")] {
            if let Some(place) = place_of(key).filter(|_| kinds != [of]) {
                reader.error(place, format!("`{key}` is of a `{of}`, and there is none"), "leave it out");
            }
        }
        if let Some(At { place, value: name }) = &self.csv {
            match reader.files.table(name) {
                Ok(conditions) => {
                    conditions.apply(Instant::ZERO, config);
                    *table = Some(Table::Listed(conditions));
                }
                Err(fault) => blame(reader, *place, fault, config),
            }
        } else if let Some(At { place, value: name }) = &self.trace {
            match reader.files.trace(name) {
                Ok(trace) => {
                    if let Offset::At(offset) = self.offset
                        && !self.looped
                        && offset >= trace.length()
                        && let Some(place) = place_of("offset")
                    {
                        let message = format!("the trace is over after {}", trace.length());
                        reader.error(place, message, "begin earlier, or let it loop");
                    }
                    config.rate = Some(trace.mean());
                    let replay = Replay { trace, looped: self.looped, offset: self.offset };
                    config.pattern = Pattern::Replay(replay);
                }
                Err(fault) => blame(reader, *place, fault, config),
            }
        } else {
            config.rate = self.rate;
            config.pattern = self.burst.map_or(Pattern::Even, Pattern::Bucket);
        }
    }
}

/// Reports a file that cannot be used; some rate keeps what follows from it quiet.
fn blame(reader: &mut Reader, place: super::Place, fault: Fault, config: &mut Config) {
    config.rate = units::Rate::from_bits_per_second(1_000_000);
    if !fault.message.is_empty() {
        reader.problems.push(Problem::error(place, fault.message, fault.help));
    }
}

/// A time, or `"trial"`.
struct Place;

impl Form<Offset> for Place {
    fn kind(&self) -> Kind {
        Kind::Offset
    }

    fn read(&self, node: &Node) -> Result<Offset, Fault> {
        leaf::offset(node)
    }

    fn text(&self, value: &Offset) -> Option<String> {
        match value {
            Offset::At(span) => quoted(span),
            Offset::Trial => quoted(&leaf::TRIAL),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::super::testing::{SOUND, and};
    use super::super::{Plan, Scenario, ScenarioError};
    use super::*;

    /// Files of a folder that exists in memory only.
    fn load(name: &str) -> io::Result<Vec<u8>> {
        match name {
            "dir/a.up" => Ok(b"1\n2\n3\n".to_vec()),
            "bad.up" => Ok(b"1\n2x\n".to_vec()),
            "steps.csv" => Ok(b"time_s,rate_mbit,loss_percent\n0,8,0\n2,4,1\n3,4,1\n99,1,0\n".to_vec()),
            "delays.csv" => Ok(b"rate_mbit, delay_ms, time_s\r\n 8, 5, 0\r\n8,7.5,1.5\r\n".to_vec()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn read(text: &str, sets: &[&str]) -> Result<Plan, ScenarioError> {
        let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
        Plan::parse_with("dir/test.toml", text, &sets, &mut load)
    }

    /// The sound text with another rate of its bottleneck.
    fn with(rate: &str) -> String {
        SOUND.replacen("rate = \"10mbit\"", &format!("rate = {rate}"), 1)
    }

    fn scenario(text: &str) -> Scenario {
        read(text, &[]).unwrap_or_else(|error| panic!("{error}")).base
    }

    #[track_caller]
    fn refused(text: &str, sets: &[&str], says: &str, mend: &str) {
        let error = read(text, sets).expect_err(says);
        let found: Vec<&str> = error.problems.iter().map(|problem| problem.message.as_str()).collect();
        assert!(found.len() == 1 && found[0].contains(says), "{error}");
        assert!(error.problems[0].help.contains(mend), "{error}");
    }

    #[test]
    fn a_trace_has_a_mean_and_either_direction_may_have_its_own() {
        let cell = scenario(&with("{ trace = \"dir/a.up\", offset = \"trial\" }\ndown.rate = \"2mbit\""));
        let [up, down] = &cell.links[1].directions;
        assert_eq!(up.rate.map(|rate| rate.to_string()), Some("12mbit".to_owned()));
        let Pattern::Replay(replay) = &up.pattern else { panic!("a trace") };
        assert_eq!((replay.looped, replay.offset, replay.trace.opportunities()), (true, Offset::Trial, 3));
        assert_eq!(
            (down.rate.map(|rate| rate.to_string()), &down.pattern),
            (Some("2mbit".to_owned()), &Pattern::Even)
        );
        // 12 Mbit/s × 30 ms.
        assert_eq!(up.queue, crate::link::Capacity::Packets(30).into());
        assert!(cell.is_random());
    }

    #[test]
    fn traces_are_an_axis_and_their_files_are_named() {
        let text = and("[sweep]\n\"link.bottleneck.rate\" = [\"5mbit\", { trace = \"dir/a.up\" }]\n");
        let plan = read(&text, &[]).unwrap_or_else(|error| panic!("{error}"));
        let rate = |cell| plan.scenario(cell).expect("sound").links[1].directions[0].rate;
        assert_eq!(
            [rate(0), rate(1)].map(|rate| rate.map(|rate| rate.to_string())),
            [Some("5mbit".to_owned()), Some("12mbit".to_owned())]
        );
        let print = &plan.files()["dir/a.up"];
        assert_eq!((print.bytes, &print.sha256[..8]), (6, "14c5e74c"));
        let one = read(
            &with("{ trace = \"dir/a.up\" }"),
            &["link.bottleneck.rate.trace=[\"dir/a.up\", \"no.up\"]"],
        );
        assert!(one.expect_err("no file").to_string().contains("there is no file no.up"));
    }

    #[test]
    fn what_is_wrong_with_a_rate_is_said() {
        refused(&with("{ trace = \"b.up\" }"), &[], "there is no file b.up", "from the scenario's folder");
        refused(
            &with("{ trace = \"bad.up\" }"),
            &[],
            "bad.up, line 2: \"2x\" is no whole number",
            "mahimahi",
        );
        refused(&with("{ csv = \"bad.up\" }"), &[], "bad.up, line 1: there is no column \"1\"", "rate_mbit");
        refused(&with("{ csv = \"steps.csv\", trace = \"dir/a.up\" }"), &[], "both say the rate", "one of");
        refused(&with("{ loop = true }"), &[], "the rate is not said", "one of");
        refused(
            &with("{ rate = \"1mbit\", offset = \"1s\" }"),
            &[],
            "`offset` is of a `trace`",
            "leave it out",
        );
        let over = "{ trace = \"dir/a.up\", loop = false, offset = \"3ms\" }";
        refused(&with(over), &[], "the trace is over after 3ms", "let it loop");
        refused(&with("{ rate = \"1mbit\", burst = \"1499B\" }"), &[], "1500 bytes never fit", "\"1500B\"");
        let policer = "\"1mbit\"\npolicer = { rate = \"1mbit\", burst = \"1499B\" }";
        refused(&with(policer), &[], "1500 bytes never fit into this bucket", "\"1500B\"");
        let without = Plan::parse("x.toml", &with("{ trace = \"dir/a.up\" }"), &[]).expect_err("no files");
        assert!(
            without.to_string().contains("dir/a.up cannot be read: there are no files here"),
            "{without}"
        );
    }

    #[test]
    fn a_bucket_and_a_policer_are_read() {
        let text = with(
            "{ rate = \"1mbit\", burst = \"32KiB\" }\npolicer = { rate = \"2mbit\", burst = \"64KiB\" }",
        );
        let config = &scenario(&text).links[1].directions[1];
        assert_eq!(config.pattern, Pattern::Bucket(32_768));
        let rate = "2mbit".parse().expect("a rate");
        assert_eq!(config.policer, Some(Policer { rate, burst: 65_536 }));
    }

    #[test]
    fn rows_of_a_table_are_changes_beside_those_of_the_schedule() {
        let change = |at: &str, set: &str| format!("[[schedule]]\nat = \"{at}\"\nset = {{ {set} }}\n");
        let text = with("{ csv = \"steps.csv\" }\ndown.rate = \"1mbit\"")
            + &change("2500ms", "\"link.bottleneck.duplicate\" = \"1%\"")
            + &change("4s", "\"link.bottleneck.rate\" = \"3mbit\"");
        let cell = scenario(&text);
        let up = |links: &[(usize, [Config; 2])]| {
            let config = &links.iter().find(|(link, _)| *link == 1).expect("it changes").1[0];
            let rate = config.rate.map(|rate| rate.to_string()).unwrap_or_default();
            (rate, format!("{:?}", config.loss), config.duplicate.to_string())
        };
        let seen: Vec<_> =
            cell.schedule.iter().map(|change| (change.at.as_secs_f64(), up(&change.links))).collect();
        let loss = |percent: f64| {
            format!(
                "{:?}",
                crate::link::config::LossModel::Independent(
                    crate::units::Probability::new(percent / 100.0).expect("a share")
                )
            )
        };
        let state = |rate: &str, percent, copies: &str| (rate.to_owned(), loss(percent), copies.to_owned());
        // The row at 3 s changes nothing, and that at 99 s comes after the trial.
        let expected = [
            (2.0, state("4mbit", 1.0, "0%")),
            (2.5, state("4mbit", 1.0, "1%")),
            (4.0, state("3mbit", 0.0, "1%")),
        ];
        assert_eq!(seen, expected);
        assert_eq!(cell.links[1].directions[0].rate.map(|rate| rate.to_string()), Some("8mbit".to_owned()));
        // Delays of a table are those of the round trip at the start.
        let delays = scenario(&with("{ csv = \"delays.csv\" }"));
        assert_eq!(delays.schedule.len(), 1);
        assert_eq!(delays.schedule[0].links[0].1[0].delay.mean, Duration::from_micros(7_500));
        let late = SOUND.to_owned() + &change("1s", "\"link.bottleneck.rate\" = { csv = \"steps.csv\" }");
        refused(&late, &[], "holds from the start", "from the start");
    }
}
