//! A sound log is not faulted.

mod forgeries;

use std::cell::RefCell;
use std::rc::Rc;

use super::terms;
use crate::audit::{Audit, Auditor, Rule, Terms};
use crate::facts::{Entry, Fate, Outcome, Scene, Sighting};
use crate::scenario::{Plan, build};
use crate::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);

/// A trial's log with what it is held against.
struct Case {
    terms: Terms,
    log: Vec<Entry>,
    end: Instant,
    outcome: Outcome,
}

impl Case {
    /// The first trial of a scenario with this link, two uploads and a chat.
    fn of(link: &str) -> Case {
        Case::with(
            link,
            "[[clients]]\nname = \"bulk\"\ncount = 2\npath = [\"wire\"]\napp = { kind = \"bulk\" }\n\
             [[clients]]\nname = \"people\"\ncount = 3\npath = [\"wire\"]\napp = { kind = \"chat\", rate = \"5/s\" }\n",
        )
    }

    /// The same with these clients.
    fn with(link: &str, clients: &str) -> Case {
        let text = format!("duration = \"4s\"\nwarmup = \"1s\"\n[link.wire]\n{link}\n{clients}");
        let plan = Plan::parse("case.toml", &text, &[]).unwrap_or_else(|error| panic!("{link}: {error}"));
        let scenario = plan.scenario(0).expect("a cell");
        let mut world = build(&scenario, plan.trial(0, 0));
        let log = Rc::new(RefCell::new(Vec::new()));
        let writer = Rc::clone(&log);
        world.log(Box::new(move |entry| writer.borrow_mut().push(entry.clone())));
        let outcome = world.run(&mut || true).expect("a trial");
        let end = world.now();
        drop(world);
        Case { terms: terms(&scenario), log: log.take(), end, outcome }
    }

    fn audit(&self) -> Audit {
        let mut auditor = Auditor::new(self.terms.clone());
        self.log.iter().for_each(|entry| auditor.take(entry));
        auditor.finish(self.end, &self.outcome)
    }

    /// The rules that it breaks.
    fn broken(&self) -> Vec<Rule> {
        let mut rules: Vec<Rule> = self.audit().findings.iter().map(|finding| finding.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// The place in the log of the nth sighting that is so.
    fn find(&self, n: usize, is: impl Fn(&Sighting) -> bool) -> usize {
        let mut places = self.log.iter().enumerate().filter(|(_, entry)| seen(entry).is_some_and(&is));
        places.nth(n).expect("a sighting").0
    }

    fn seen(&mut self, place: usize) -> &mut Sighting {
        match &mut self.log[place] {
            Entry::Seen(seen) => seen,
            other => panic!("{other:?} is no sighting"),
        }
    }

    /// The nth full packet that goes up and crosses the link: the places of its entrance, exit and delivery.
    fn crossing(&self, n: usize) -> [usize; 3] {
        let is_full = |seen: &Sighting| seen.size > 1400 && matches!(seen.scene, Scene::Left(_));
        let left = self.find(n, is_full);
        let packet = seen(&self.log[left]).expect("found").packet;
        let entered = self.find(0, |seen| seen.packet == packet && matches!(seen.scene, Scene::Entered(_)));
        [entered, left, left + 1]
    }

    /// Another fate for a packet that crossed the link.
    fn drop(&mut self, n: usize, fate: Fate) {
        let [entered, left, delivered] = self.crossing(n);
        let mut seen = seen(&self.log[entered]).expect("an entrance").clone();
        let Scene::Entered(spot) = seen.scene else { panic!("an entrance") };
        seen.scene = Scene::Met(spot, fate);
        self.log.drain(left..=delivered);
        self.log.insert(entered + 1, Entry::Seen(seen));
    }
}

fn seen(entry: &Entry) -> Option<&Sighting> {
    if let Entry::Seen(seen) = entry { Some(seen) } else { None }
}

const FULL: &str = "delay = \"5ms\"\nrate = \"5mbit\"\nqueue = \"20 packets\"";

#[test]
fn sound_logs_of_every_kind_of_link_are_not_faulted() {
    for link in [
        FULL,
        "delay = \"5ms\"\nrate = { rate = \"5mbit\", burst = \"30KiB\" }\nqueue = \"40KiB\"",
        "delay = \"5ms\"\nrate = \"20mbit\"\npolicer = { rate = \"5mbit\", burst = \"30KiB\" }",
        "delay = \"5ms\"\nrate = \"5mbit\"\nqueue = { kind = \"fq_codel\" }\nloss = \"1%\"",
        "delay = \"5ms\"\nrate = \"5mbit\"\nqueue = { kind = \"red\", limit = \"60 packets\" }",
        "delay = \"5ms\"\nrate = \"5mbit\"\nqueue = { kind = \"dualpi2\" }\nup = { corrupt = \"1%\" }",
        "delay = \"5ms\"\nkind = { law = \"step\", period = \"1s\", rate = \"2mbit\", loss = \"5%\" }\nrate = \"9mbit\"",
        "delay = { mean = \"8ms\", jitter = \"4ms\", distribution = \"uniform\" }\nduplicate = \"2%\"",
        "delay = \"8ms\"\nreorder = \"5%\"\nloss = { model = \"gilbert-elliott\", p = \"1%\", r = \"20%\" }",
        "kind = \"leo\"\ndelay = \"20ms\"\nrate = \"8mbit\"",
        "kind = \"wifi\"\nrate = \"20mbit\"\ndelay = \"1ms\"",
    ] {
        let audit = Case::of(link).audit();
        assert!(audit.findings.is_empty() && audit.packets > 500, "{link}: {audit:#?}");
    }
}

/// Uploads that keep a link busy, but lose nothing.
const WINDOW: &str = "\n[tcp]\nreceive_window = \"64KiB\"";
const BULK: &str = "[[clients]]\nname = \"bulk\"\ncount = 2\npath = [\"wire\"]\napp = { kind = \"bulk\" }\n";

/// Fails unless none of these is faulted; each has this number of packets at least.
fn are_sound(cases: impl IntoIterator<Item = (String, String)>, packets: u64) {
    let faulted: Vec<String> = cases
        .into_iter()
        .filter_map(|(link, clients)| {
            let audit = Case::with(&link, &clients).audit();
            let sound = audit.findings.is_empty() && audit.packets > packets;
            (!sound).then(|| format!("{link} {clients}: {audit:#?}"))
        })
        .collect();
    assert!(faulted.is_empty(), "{}", faulted.join("\n"));
}

#[test]
fn links_that_change_are_not_faulted() {
    let links = [
        // Drift of a fraction of a nanosecond at each change.
        "rate = \"7mbit\"\nqueue = \"300 packets\"\nkind = { law = \"step\", period = \"50ms\", rate = \"11mbit\" }",
        // A rate that is lifted while packets wait.
        "queue = \"20 packets\"\nkind = { law = \"step\", period = \"300ms\", rate = \"1mbit\" }",
        // A transmission at a rate that holds neither at the entrance nor at the far end.
        "up = { delay = \"200ms\" }\nrate = \"1mbit\"\nqueue = { kind = \"fq_codel\" }\nkind = { law = \"step\", period = \"100ms\", rate = \"10mbit\" }",
        "rate = \"7mbit\"\nqueue = { kind = \"codel\" }\nkind = { law = \"step\", period = \"50ms\", rate = \"11mbit\" }",
    ];
    are_sound(links.map(|link| (format!("delay = \"5ms\"\n{link}{WINDOW}"), BULK.to_owned())), 200);
    // A bucket whose debt is of the old rate, and a policer that is changed to and fro.
    let links = [
        "rate = { rate = \"9mbit\", burst = \"30KiB\" }\nkind = { law = \"step\", period = \"500ms\", rate = \"2mbit\" }",
        "rate = { rate = \"9mbit\", burst = \"30KiB\" }\nqueue = { kind = \"codel\" }\nkind = { law = \"step\", period = \"100ms\", rate = \"2mbit\" }",
        "rate = \"20mbit\"\npolicer = { rate = \"5mbit\", burst = \"30KiB\" }\nkind = { law = \"step\", period = \"50ms\", rate = \"2mbit\" }",
    ];
    are_sound(links.map(|link| (format!("delay = \"5ms\"\n{link}"), BULK.to_owned())), 500);
}

#[test]
fn bursts_of_loss_from_a_good_state_on_are_not_faulted() {
    let link = |loss: &str| {
        format!(
            "delay = \"5ms\"\nper_client = true\nloss = {{ model = \"gilbert-elliott\", p = \"1%\"{loss} }}"
        )
    };
    let models =
        [", r = \"0%\"", ", r = \"100%\"", ", r = \"10%\"", ", r = \"10%\", 1-h = \"30%\", 1-k = \"1%\""];
    are_sound(models.map(|loss| (link(loss), BULK.to_owned())), 10);
    // Many short chains are in the good state for most of their packets.
    let many = BULK.replace("count = 2", "count = 400").replace("\"bulk\" }", "\"bulk\", size = \"20KB\" }");
    are_sound([(link(", r = \"10%\""), many)], 5_000);
}

#[test]
fn copies_of_damaged_packets_paths_lists_and_other_programs_are_not_faulted() {
    let copies = "delay = \"5ms\"\nrate = \"2mbit\"\nduplicate = \"20%\"\ncorrupt = \"5%\"\nqueue = { kind = \"fq_codel\", limit = \"10 packets\" }";
    are_sound([(copies.to_owned(), BULK.to_owned())], 500);
    let list = "[[drop]]\nflow = \"bulk-1\"\nsegments = [31, 32, 90]\n";
    are_sound([(FULL.to_owned(), BULK.to_owned() + list)], 500);
    let kinds = [
        "\"bulk\"",
        "\"ping\"",
        "\"udp\", rate = \"1mbit\"",
        "\"voip\"",
        "\"web\", rate = \"5/s\"",
        "\"incast\", servers = 3",
        "\"video\"",
        "\"chat\", rate = \"5/s\"",
    ];
    let two = |kind: &str| {
        format!(
            "[link.far]\ndelay = \"3ms\"\nper_client = true\nduplicate = \"1%\"\n\
             [[clients]]\nname = \"them\"\ncount = 4\npath = [\"wire\", \"far\"]\napp = {{ kind = {kind} }}\n"
        )
    };
    are_sound(kinds.map(|kind| (FULL.to_owned(), two(kind))), 10);
}
