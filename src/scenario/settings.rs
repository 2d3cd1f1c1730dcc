//! The settings of TCP: those of a group, over `[tcp]`, over the defaults.

use std::sync::LazyLock;

use super::describe::described;
use super::form::{Controller, Flag, Form as _, OfController, Whole, Words};
use super::kind::Kind;
use super::problem::fails_at;
use super::quantity::{PositiveSpan, Size, Span};
use super::reader::Reader;
use super::tree::Node;
use super::visit::Visitor;
use crate::congestion::{Choice, Marking};
use crate::tcp::{Config, DelayedAck, EcnMode, IdleWindow, Profile, PrrMode, Recovery, ReduceFrom, RtoFloor};
use crate::time::Duration;

/// The keys of `[tcp]`.
pub(super) static TCP: LazyLock<Kind> = LazyLock::new(|| described(|v| keys(v, &mut Config::default())));

/// `[tcp]` by itself: every group reads it beneath its own settings, and may override what is wrong
/// with it.
pub(super) fn defaults(v: &mut impl Visitor) {
    keys(v, &mut Config::default());
}

/// Declares the settings of TCP.
pub(super) fn keys(v: &mut impl Visitor, tcp: &mut Config) {
    let mut profile = Profile::default();
    v.key("profile", &mut profile, Words(PROFILES), "which TCP the other settings begin as");
    *tcp = profile.config();
    v.key("congestion", &mut tcp.congestion, Controller, "the congestion controller");
    v.check(|reader| parameters(&mut tcp.congestion, reader.root));
    v.check(|_| tcp.ecn = default_ecn(tcp));
    let mss = "largest payload of a segment in bytes, timestamps deducted";
    v.key("mss", &mut tcp.mss, Whole(LEAST_MSS, 9000), mss);
    v.key("initial_window", &mut tcp.initial_window, Whole(1, 10_000), "in segments (RFC 6928)");
    let recovery =
        "how losses are found and repaired: RFC 6675, with RACK (RFC 8985) like Linux, or RFC 6582";
    v.key("recovery", &mut tcp.recovery, Words(RECOVERIES), recovery);
    let prr = "where the window comes down in proportion (PRR, RFC 9937): with RACK (Linux), with SACK, nowhere, or with \
        SACK and duplicates counted twice (ns-3)";
    v.key("prr", &mut tcp.prr, Words(PRR_MODES), prr);
    let delayed = tcp.delayed_ack.or(Config::default().delayed_ack).expect("Linux's acknowledgments wait");
    let may_wait = "whether acknowledgments may wait (RFC 9293)";
    v.switch("delayed_ack", &mut tcp.delayed_ack, delayed, may_wait, delayed_ack);
    let quickack = "Linux's quick-ACK mode: at the start, after a pause, after a duplicate";
    v.key("quickack", &mut tcp.quickack, Flag, quickack);
    let pacing = "TCP-internal pacing, as Linux with fq; some controllers pace anyway";
    v.key("pacing", &mut tcp.pacing, Flag, pacing);
    let byte_counting = "windows grow by bytes acknowledged (RFC 3465), not by ACKs";
    v.key("byte_counting", &mut tcp.byte_counting, Flag, byte_counting);
    let carried = "growth outlives a loss: progress is kept, and the end of a recovery counts whole (ns-3)";
    v.key("carried_growth", &mut tcp.carried_growth, Flag, carried);
    v.key("min_rto", &mut tcp.min_rto, PositiveSpan, "lower bound of the retransmission timeout");
    let floor = "what min_rto bounds: the variance term (Linux) or the timeout (RFC 6298)";
    v.key("rto_floor", &mut tcp.rto_floor, Words(RTO_FLOORS), floor);
    v.key("max_rto", &mut tcp.max_rto, PositiveSpan, "upper bound of the timeout, back-off included");
    let tick = "the tick of the timers, on Linux's timer wheel: waits end up to two ticks or an eighth late; \"0s\": exact";
    v.key("tick", &mut tcp.tick, Span, tick);
    v.key("nagle", &mut tcp.nagle, Flag, "Nagle's algorithm: hold back small segments");
    v.key("timestamps", &mut tcp.timestamps, Flag, "offer timestamps (RFC 7323)");
    v.key("sack", &mut tcp.sack, Flag, "offer selective acknowledgments (RFC 2018)");
    let dsack = "report what arrived twice (RFC 2883), and take back repeats that were not needed";
    v.key("dsack", &mut tcp.dsack, Flag, dsack);
    let compression = "beyond the third duplicate, one ACK for what arrives out of order within 1 ms (Linux)";
    v.key("sack_compression", &mut tcp.sack_compression, Flag, compression);
    let frto = "find spurious timeouts by sending new data after them (F-RTO, RFC 5682)";
    v.key("frto", &mut tcp.frto, Flag, frto);
    let linear = "lost SYNs after which the timer does not back off yet, beyond the first (Linux)";
    v.key("syn_linear_timeouts", &mut tcp.syn_linear_timeouts, Whole(0, 127), linear);
    let tolerated = "lost SYNs that leave the initial window as it is; one more makes it one segment";
    v.key("tolerated_syns", &mut tcp.tolerated_syns, Whole(0, 127), tolerated);
    let from = "what a loss reduces: the congestion window (Linux), what is in flight (RFC 5681), or what of that is in the network still (ns-3)";
    v.key("reduce_from", &mut tcp.reduce_from, Words(REDUCE_FROM), from);
    let idle = "the window after a pause: halved for each timeout (Linux) or the initial one (RFC 5681)";
    v.key("idle_window", &mut tcp.idle_window, Words(IDLE_WINDOWS), idle);
    v.key("window_scale", &mut tcp.window_scale, Flag, "offer windows beyond 64 KiB (RFC 7323)");
    let limited = "new data on the first two duplicate ACKs (RFC 3042)";
    v.key("limited_transmit", &mut tcp.limited_transmit, Flag, limited);
    let ecn = "explicit congestion notification: RFC 3168, or accurate (RFC 9768), which dctcp and prague begin with";
    v.key("ecn", &mut tcp.ecn, Words(ECN_MODES), ecn);
    v.key("receive_window", &mut tcp.receive_window, BUFFER, "the largest window a receiver offers");
    let buffer = "how much a sender holds until it is acknowledged";
    v.key("send_buffer", &mut tcp.send_buffer, BUFFER, buffer);
    v.check(|reader| check(tcp, reader));
}

/// The smallest segment.
const LEAST_MSS: u64 = 64;

/// The longest tick.
const LONGEST_TICK: Duration = Duration::from_secs(1);

/// Holds a segment at least.
const BUFFER: Size = Size(LEAST_MSS, 1 << 30);

const PROFILES: &[(&str, Profile)] = &[
    ("linux", Profile::Linux),
    ("rfc", Profile::Rfc),
    ("textbook", Profile::Textbook),
    ("ns3", Profile::Ns3),
];

const RECOVERIES: &[(&str, Recovery)] =
    &[("sack", Recovery::Sack), ("rack", Recovery::Rack), ("newreno", Recovery::NewReno)];

const PRR_MODES: &[(&str, PrrMode)] = &[
    ("rack", PrrMode::Rack),
    ("always", PrrMode::Always),
    ("never", PrrMode::Never),
    ("doubled", PrrMode::Doubled),
];

const ECN_MODES: &[(&str, EcnMode)] =
    &[("off", EcnMode::Off), ("classic", EcnMode::Classic), ("accecn", EcnMode::Accurate)];

/// The profile's, but for controllers that need to hear of each mark.
fn default_ecn(tcp: &Config) -> EcnMode {
    if tcp.congestion.marking() == Marking::Classic { tcp.ecn } else { EcnMode::Accurate }
}

const REDUCE_FROM: &[(&str, ReduceFrom)] =
    &[("window", ReduceFrom::Window), ("flight", ReduceFrom::Flight), ("pipe", ReduceFrom::Pipe)];

const IDLE_WINDOWS: &[(&str, IdleWindow)] = &[("halve", IdleWindow::Halve), ("initial", IdleWindow::Initial)];

const RTO_FLOORS: &[(&str, RtoFloor)] = &[("variance", RtoFloor::Variance), ("rto", RtoFloor::Rto)];

fn delayed_ack<V: Visitor>(v: &mut V, delayed: &mut DelayedAck) {
    let segments = "acknowledge at the latest every so many segments";
    v.key("segments", &mut delayed.segments, Whole(1, 1000), segments);
    v.key("timeout", &mut delayed.timeout, PositiveSpan, "acknowledge at the latest after this time");
    let adaptive = "let the timeout follow the gaps between segments, from `timeout` up to 200 ms (Linux)";
    v.key("adaptive", &mut delayed.adaptive, Flag, adaptive);
    let stretch = "one acknowledgment for what arrives at one instant (Linux)";
    v.key("stretch", &mut delayed.stretch, Flag, stretch);
}

/// Parameters of a controller in `[congestion.<name>]`.
fn parameters(choice: &mut Choice, root: &Node) {
    let table = root.get("congestion").and_then(|table| table.get(choice.algorithm.name));
    for parameter in choice.algorithm.parameters {
        let said = table.and_then(|table| table.get(parameter.name));
        if let Some(value) = said.and_then(|node| OfController(parameter).read(node).ok()) {
            choice.parameters.set(parameter.name, value);
        }
    }
}

/// True if a setting of TCP could not be read, or is misspelt.
fn is_faulty(reader: &Reader) -> bool {
    reader.entries().any(|entry| {
        fails_at(reader.problems, entry.place)
            || TCP.key(&entry.key).is_some() && entry.node.is_faulty(reader.problems)
    })
}

fn check(config: &Config, reader: &mut Reader) {
    if is_faulty(reader) {
        return;
    }
    if let Some(node) = reader.get("min_rto").or_else(|| reader.get("max_rto"))
        && config.min_rto > config.max_rto
    {
        let message = format!("min_rto ({}) is larger than max_rto ({})", config.min_rto, config.max_rto);
        reader.error(node.place, message, "lower the one or raise the other");
    }
    if config.tick > LONGEST_TICK
        && let Some(node) = reader.get("tick")
    {
        let message = format!("a tick of {} is longer than {LONGEST_TICK}", config.tick);
        reader.error(node.place, message, "Linux has \"1ms\", \"4ms\" or \"10ms\"");
    }
    if config.recovery == Recovery::Rack
        && !config.sack
        && let Some(node) = reader.get("recovery")
    {
        let message = "`rack` learns of losses from SACK; while `sack` is off, it is RFC 6582 (`newreno`)";
        reader.warning(node.place, message, "leave `sack` on, or write \"newreno\"");
    }
    if config.ecn != EcnMode::Accurate
        && config.congestion.marking() != Marking::Classic
        && let Some(node) = reader.get("ecn").or_else(|| reader.get("congestion"))
    {
        let name = config.congestion.algorithm.name;
        let message = format!("`{name}` counts marks, of which it hears by accurate ECN only");
        let help = "write ecn = \"accecn\" beside that controller, or leave `ecn` out there";
        reader.error(node.place, message, help);
    }
    for (key, bytes) in [("receive_window", config.receive_window), ("send_buffer", config.send_buffer)] {
        if let Some(node) = reader.get(key).or_else(|| reader.get("mss"))
            && bytes < u64::from(config.mss)
        {
            let message = format!("`{key}` does not hold one segment of {} bytes", config.mss);
            let help = format!("write at least \"{}B\", or lower `mss`", config.mss);
            reader.error(node.place, message, help);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SOUND, defaults as written, refused, scenario, with};
    use super::*;
    use crate::time::Duration;

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
    fn settings_begin_as_their_profile_and_may_differ() {
        let text = with("mss = 1448\n", "profile = \"ns3\"\nnagle = true\n");
        let text = text.replace("count = 2", "count = 2\ntcp = { profile = \"textbook\", min_rto = \"2s\" }");
        let scenario = scenario(&text);
        let [upload, people] = [&scenario.groups[0].tcp, &scenario.groups[1].tcp];
        let textbook = Config { nagle: true, min_rto: Duration::from_secs(2), ..Profile::Textbook.config() };
        assert_eq!(*upload, textbook, "a key of [tcp] holds in every group, whatever its profile");
        assert_eq!(*people, Config { nagle: true, ..Profile::Ns3.config() });
    }

    #[test]
    fn what_is_not_said_is_the_default() {
        let table = format!("[tcp]\n{}", written(&TCP.keys()));
        let said = scenario(&SOUND.replace("[tcp]\nmss = 1448\n", &table));
        assert_eq!(said.groups[0].tcp, Config::default());
    }
}
