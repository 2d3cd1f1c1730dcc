//! The second pass over the settings of TCP: those of a group, over `[tcp]`, over the defaults.

use super::groups::small;
use super::leaf;
use super::problem::{Problem, fails_at};
use super::schema::{LEAST_MSS, TCP};
use super::tree::Node;
use crate::congestion::{Choice, Values};
use crate::tcp::{Config, DelayedAck, Recovery, RtoFloor};
use crate::time::Duration;

/// What `layers` say, the nearest first. What does not fit its kind was reported by the first pass.
pub(super) fn read(root: &Node, layers: &[Option<&Node>], problems: &mut Vec<Problem>) -> Config {
    Layers { root, layers: layers.iter().copied().flatten().collect() }.read(problems)
}

/// Checks `[tcp]` by itself, since every group may override what is wrong with it.
pub(super) fn check_defaults(root: &Node, problems: &mut Vec<Problem>) {
    read(root, &[root.get("tcp")], problems);
}

/// The settings of TCP, the nearest layer first.
struct Layers<'a> {
    root: &'a Node,
    layers: Vec<&'a Node>,
}

impl<'a> Layers<'a> {
    fn get(&self, key: &str) -> Option<&'a Node> {
        self.layers.iter().find_map(|layer| layer.get(key))
    }

    fn flag(&self, key: &str, default: bool) -> bool {
        self.get(key).and_then(|node| leaf::flag(node).ok()).unwrap_or(default)
    }

    fn time(&self, key: &str, default: Duration) -> Duration {
        self.get(key).and_then(|node| leaf::positive_duration(node).ok()).unwrap_or(default)
    }

    fn bytes(&self, key: &str, default: u64) -> u64 {
        self.get(key).and_then(|node| leaf::bytes(node, LEAST_MSS, u64::MAX).ok()).unwrap_or(default)
    }

    fn integer(&self, key: &str) -> Option<u64> {
        self.get(key).and_then(|node| leaf::integer(node, 1, u64::MAX).ok())
    }

    fn read(&self, problems: &mut Vec<Problem>) -> Config {
        let default = Config::default();
        let word = |key| self.get(key).and_then(Node::text);
        let config = Config {
            congestion: self.congestion().unwrap_or(default.congestion),
            mss: self.integer("mss").and_then(|n| u16::try_from(n).ok()).unwrap_or(default.mss),
            initial_window: self.integer("initial_window").map_or(default.initial_window, small),
            recovery: match word("recovery") {
                Some("sack") => Recovery::Sack,
                Some("newreno") => Recovery::NewReno,
                Some("rack") => Recovery::Rack,
                _ => default.recovery,
            },
            delayed_ack: self.delayed_ack(default.delayed_ack),
            byte_counting: self.flag("byte_counting", default.byte_counting),
            min_rto: self.time("min_rto", default.min_rto),
            rto_floor: match word("rto_floor") {
                Some("variance") => RtoFloor::Variance,
                Some("rto") => RtoFloor::Rto,
                _ => default.rto_floor,
            },
            max_rto: self.time("max_rto", default.max_rto),
            quickack: self.flag("quickack", default.quickack),
            pacing: self.flag("pacing", default.pacing),
            nagle: self.flag("nagle", default.nagle),
            timestamps: self.flag("timestamps", default.timestamps),
            sack: self.flag("sack", default.sack),
            window_scale: self.flag("window_scale", default.window_scale),
            limited_transmit: self.flag("limited_transmit", default.limited_transmit),
            receive_window: self.bytes("receive_window", default.receive_window),
            send_buffer: self.bytes("send_buffer", default.send_buffer),
        };
        self.check(&config, problems);
        config
    }

    /// Whether a setting of TCP could not be read, or is misspelt.
    fn is_faulty(&self, problems: &[Problem]) -> bool {
        self.layers.iter().flat_map(|layer| layer.entries()).any(|entry| {
            let is_setting = TCP.iter().any(|key| key.name == entry.key);
            fails_at(problems, entry.place) || is_setting && entry.node.is_faulty(problems)
        })
    }

    fn congestion(&self) -> Option<Choice> {
        let algorithm = leaf::controller(self.get("congestion")?).ok()?;
        let mut choice = algorithm.with_defaults();
        let table = self.root.get("congestion").and_then(|table| table.get(algorithm.name));
        for parameter in algorithm.parameters {
            let Some(node) = table.and_then(|table| table.get(parameter.name)) else { continue };
            let said = match parameter.values {
                Values::Range(min, max) => leaf::number(node, min, max).ok(),
                Values::Words(words) => node
                    .text()
                    .and_then(|word| words.iter().position(|other| *other == word))
                    .map(|place| place as f64),
            };
            if let Some(value) = said {
                choice.parameters.set(parameter.name, value);
            }
        }
        Some(choice)
    }

    /// `true`, `false`, or a table that fills up from `default`.
    fn delayed_ack(&self, default: Option<DelayedAck>) -> Option<DelayedAck> {
        let Some(node) = self.get("delayed_ack") else { return default };
        if leaf::flag(node) == Ok(false) {
            return None;
        }
        let mut delayed = default?;
        if let Some(n) = node.get("segments").and_then(|node| leaf::integer(node, 1, u64::MAX).ok()) {
            delayed.segments = small(n);
        }
        if let Some(timeout) = node.get("timeout").and_then(|node| leaf::positive_duration(node).ok()) {
            delayed.timeout = timeout;
        }
        if let Some(stretch) = node.get("stretch").and_then(|node| leaf::flag(node).ok()) {
            delayed.stretch = stretch;
        }
        Some(delayed)
    }

    fn check(&self, config: &Config, problems: &mut Vec<Problem>) {
        if self.is_faulty(problems) {
            return;
        }
        if let Some(node) = self.get("min_rto").or_else(|| self.get("max_rto"))
            && config.min_rto > config.max_rto
        {
            let message = format!("min_rto ({}) is larger than max_rto ({})", config.min_rto, config.max_rto);
            problems.push(Problem::error(node.place, message, "lower the one or raise the other"));
        }
        if config.recovery == Recovery::Rack
            && !config.sack
            && let Some(node) = self.get("recovery")
        {
            let message =
                "`rack` learns of losses from SACK; while `sack` is off, it is RFC 6582 (`newreno`)";
            problems.push(Problem::warning(node.place, message, "leave `sack` on, or write \"newreno\""));
        }
        for (key, bytes) in [("receive_window", config.receive_window), ("send_buffer", config.send_buffer)] {
            if let Some(node) = self.get(key).or_else(|| self.get("mss"))
                && bytes < u64::from(config.mss)
            {
                let message = format!("`{key}` does not hold one segment of {} bytes", config.mss);
                let help = format!("write at least \"{}B\", or lower `mss`", config.mss);
                problems.push(Problem::error(node.place, message, help));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SOUND, defaults, refused, scenario, with};
    use super::*;

    #[test]
    fn a_group_overrides_tcp_key_by_key() {
        let text = with(
            "count = 2",
            "count = 2\ncongestion = \"fixed\"\ntcp = { min_rto = \"1s\", delayed_ack = false }",
        );
        let scenario = scenario(&format!("{}[congestion.fixed]\nwindow = 7\n", text.replace("1448", "1000")));
        let [upload, people] = [&scenario.groups[0].tcp, &scenario.groups[1].tcp];
        assert_eq!(
            (upload.congestion.algorithm.name, upload.congestion.parameters.number("window")),
            ("fixed", 7.0)
        );
        assert_eq!((upload.min_rto, upload.delayed_ack, upload.mss), (Duration::from_secs(1), None, 1000));
        assert_eq!(*people, Config { mss: 1000, ..Config::default() });
        refused(&with("count = 2", "mss = 500\ntcp.mss = 600"), 15, "mss", "`mss` is said twice", "keep one");
    }

    #[test]
    fn bounds_that_contradict_each_other_are_refused() {
        refused(
            &with("mss = 1448", "min_rto = \"3s\"\nmax_rto = \"2s\""),
            11,
            "\"3s\"",
            "larger than max_rto (2s)",
            "lower",
        );
        refused(
            &with("mss = 1448", "receive_window = \"1KiB\""),
            11,
            "\"1KiB\"",
            "does not hold one segment of 1448",
            "at least \"1448B\"",
        );
        let text = with("mss = 1448", "receive_window = \"10B\"");
        refused(&text, 11, "\"10B\"", "\"10B\" is out of range", "from \"64B\" to \"1GiB\"");
    }

    #[test]
    fn the_schema_states_the_real_defaults() {
        let table = format!("[tcp]\n{}", defaults(TCP));
        let said = scenario(&SOUND.replace("[tcp]\nmss = 1448\n", &table));
        assert_eq!(said.groups[0].tcp, Config::default());
    }
}
