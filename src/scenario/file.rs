//! A scenario file as it stands, before names are resolved.

use super::claims;
use super::drops::Listed;
use super::form::{Axes, Dialect, Each, Flag, Line, Maybe, Parameters, Placed, Text, Whole, Words};
use super::groups::ClientEntry;
use super::kind::Reach;
use super::plots::PlotSpec;
use super::quantity::{PositiveSpan, Size, Span};
use super::schedule::Entry;
use super::visit::{At, Visitor, optional, required};
use super::{LinkSpec, RecordTrials, links, settings};
use crate::chat::protocol::JSON_LINES;
use crate::time::Duration;

/// Everything that a file may say.
#[derive(Debug)]
pub(super) struct File {
    pub title: Option<String>,
    pub expect: String,
    pub seed: u64,
    pub duration: Option<Duration>,
    pub warmup: Duration,
    pub trials: u32,
    pub links: Vec<LinkSpec>,
    pub dialect: &'static str,
    pub clients: Vec<ClientEntry>,
    pub schedule: Vec<Entry>,
    pub drops: Vec<Listed>,
    pub claims: Vec<claims::Listed>,
    pub record: Record,
}

/// Records kept besides the figures.
#[derive(Debug)]
pub(super) struct Record {
    pub interval: Option<Duration>,
    pub trials: RecordTrials,
    pub pcap: Vec<At<String>>,
    pub pcap_limit: u64,
    pub qlog: bool,
    pub flows: Vec<At<String>>,
}

impl Default for Record {
    fn default() -> Record {
        let (interval, trials) = (None, RecordTrials::default());
        Record { interval, trials, pcap: vec![], pcap_limit: 64 << 20, qlog: false, flows: vec![] }
    }
}

impl Default for File {
    fn default() -> File {
        File {
            title: None,
            expect: String::new(),
            seed: 1,
            duration: None,
            warmup: Duration::ZERO,
            trials: 1,
            links: vec![],
            dialect: JSON_LINES.name(),
            clients: vec![],
            schedule: vec![],
            drops: vec![],
            claims: vec![],
            record: Record::default(),
        }
    }
}

impl File {
    /// Declares the keys of a whole file.
    pub fn keys(&mut self, v: &mut impl Visitor) {
        let set = |name| optional(name).within(Reach::CommandLine);
        let swept = |name| optional(name).within(Reach::Axis);
        let fixed = |name| optional(name).within(Reach::File);
        let title = "what the scenario is about, in one line; without it, the file's name";
        v.key(set("title"), &mut self.title, Maybe(Line), title);
        v.key(set("expect"), &mut self.expect, Text, "what one should see, as a sentence");
        v.key(
            set("seed"),
            &mut self.seed,
            Whole(0, u64::MAX),
            "of trial 0; trial k of every cell has seed + k",
        );
        let duration = required("duration").within(Reach::Axis);
        v.key(duration, &mut self.duration, Maybe(PositiveSpan), "virtual time of one trial");
        let warmup = "left out of the figures, at the start; shorter than duration";
        v.key(swept("warmup"), &mut self.warmup, Span, warmup);
        v.key(set("trials"), &mut self.trials, Whole(1, 100_000), "repetitions of each cell");
        links::keys(v, &mut self.links);
        v.table(swept("tcp"), "the settings of every connection", settings::defaults);
        let parameters = "parameters of the congestion controllers";
        v.key(swept("congestion"), &mut (), Parameters, parameters);
        v.table(swept("chat"), "what holds for the chat as a whole", |v| {
            v.key("dialect", &mut self.dialect, Dialect, "what is spoken on the wire");
        });
        let clients = required("clients").within(Reach::Axis);
        v.list(clients, &mut self.clients, "", "a group of clients that are alike", ClientEntry::read);
        let schedule = "link conditions that change during a trial";
        v.list(fixed("schedule"), &mut self.schedule, "", schedule, Entry::read);
        v.list(fixed("drop"), &mut self.drops, "", "data segments to drop, by list", Listed::read);
        let claim = "a bound on a figure, which a run is held against";
        v.list(fixed("claim"), &mut self.claims, "", claim, claims::Listed::read);
        let plot =
            "a figure that a run draws beside those of its page; the keys are options of `testbed plot`, too";
        // They are read apart: of the text alone, again wherever it is drawn.
        v.list(fixed("plot"), &mut vec![], "", plot, PlotSpec::read);
        v.table(set("record"), "what is kept besides the figures", |v| self.record.keys(v));
        let sweep = "the grid: every combination of these values is a cell";
        v.key(fixed("sweep"), &mut (), Axes, sweep);
    }
}

impl Record {
    fn keys(&mut self, v: &mut impl Visitor) {
        v.key(
            "interval",
            &mut self.interval,
            Maybe(PositiveSpan),
            "time between two samples of the series; by default 10ms, or more where a run would write a million rows",
        );
        let trials = "which trials of a cell keep their series, captures and qlogs";
        v.key("trials", &mut self.trials, Words(RECORDED), trials);
        let pcap = "points at which packets are captured, each in a file: upload-1, upload-1@server, upload-*, link.neck";
        v.key("pcap", &mut self.pcap, Each(Placed(Line)), pcap);
        let limit = "size of all captures of a trial together, and of all its qlogs";
        v.key("pcap_limit", &mut self.pcap_limit, Size(1 << 10, 4 << 30), limit);
        let qlog = "whether the events of each sender are kept in the format qlog";
        v.key("qlog", &mut self.qlog, Flag, qlog);
        let flows = "flows whose senders these are: upload-1, upload-*; all if none is named";
        v.key("flows", &mut self.flows, Each(Placed(Line)), flows);
    }
}

const RECORDED: &[(&str, RecordTrials)] =
    &[("first", RecordTrials::First), ("all", RecordTrials::All), ("none", RecordTrials::None)];

#[cfg(test)]
mod tests {
    use super::super::describe::kind_of;
    use super::super::testing::{and, defaults, scenario};

    #[test]
    fn what_is_not_said_is_the_default() {
        let silent = and("[link.plain]\n[record]\n[chat]\n");
        let of = |kind| defaults(&kind_of(kind).keys());
        let said = and(&format!("[record]\n{}[chat]\n{}", of("record"), of("chat")));
        let super::super::kind::Kind::Named(link) = kind_of("link") else { panic!("links have names") };
        let said = format!("{said}[link.plain]\n{}", defaults(&link.keys()));
        let people = "kind = \"chat\", rate = \"1/s\"";
        let more = "arrivals = \"poisson\", size = \"200B\", to = \"everyone\"";
        let said = said.replace(people, &format!("{people}, {more}"));
        let said = format!("seed = 1\ntrials = 1\ntitle = \"test\"\n{said}");
        let said = said.replace("\"bulk\"", "\"bulk\", direction = \"up\"");
        assert_eq!(scenario(&said), scenario(&silent));
    }
}
