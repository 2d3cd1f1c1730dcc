//! Each forgery of a log is found, and a sound log is not faulted.

use std::cell::RefCell;
use std::rc::Rc;

use super::terms;
use crate::audit::{Audit, Auditor, Rule, Terms};
use crate::facts::{Content, Entry, Fate, Outcome, Scene, Sighting, Spot};
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
        let text = format!(
            "duration = \"4s\"\nwarmup = \"1s\"\n[link.wire]\n{link}\n\
             [[clients]]\nname = \"bulk\"\ncount = 2\npath = [\"wire\"]\napp = {{ kind = \"bulk\" }}\n\
             [[clients]]\nname = \"people\"\ncount = 3\npath = [\"wire\"]\napp = {{ kind = \"chat\", rate = \"5/s\" }}\n"
        );
        let plan = Plan::parse("case.toml", &text, &[]).unwrap_or_else(|error| panic!("{error}"));
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

/// A forged log: in words, the rules that it breaks, and the hand that forges it.
type Forgery<'a> = (&'a str, &'a [Rule], &'a dyn Fn(&mut Case));

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_forged_log_is_found() {
    let spot = |seen: &Sighting| match seen.scene {
        Scene::Entered(spot) | Scene::Left(spot) | Scene::Met(spot, _) => spot,
        _ => Spot { place: 9, instance: 9 },
    };
    let forgeries: &[Forgery<'_>] = &[
        ("too early", &[Rule::Delay], &|case| {
            let [entered, left, delivered] = case.crossing(200);
            let at = case.seen(entered).at + MS * 4;
            for place in [left, delivered] {
                case.seen(place).at = at;
            }
        }),
        ("too late", &[Rule::Delay], &|case| {
            let [_, left, delivered] = case.crossing(200);
            let at = case.seen(left).at + MS / 100;
            for place in [left, delivered] {
                case.seen(place).at = at;
            }
        }),
        ("faster than the rate", &[Rule::Rate], &|case| {
            let [_, left, delivered] = case.crossing(200);
            let at = Instant::from_nanos(case.seen(left).at.as_nanos() - 500_000);
            for place in [left, delivered] {
                case.seen(place).at = at;
            }
        }),
        ("more than the queue holds", &[Rule::Buffer], &|case| {
            let refused = case.find(0, |seen| matches!(seen.scene, Scene::Met(_, Fate::Crowded)));
            case.log.remove(refused);
        }),
        ("refused though there is room", &[Rule::Buffer], &|case| case.drop(0, Fate::Crowded)),
        ("dropped by a queue that does not", &[Rule::Queue], &|case| case.drop(200, Fate::Managed)),
        ("policed without a policer", &[Rule::Policer], &|case| case.drop(200, Fate::Policed)),
        ("lost where nothing is", &[Rule::Loss], &|case| case.drop(200, Fate::Lost)),
        ("overtaken", &[Rule::Order], &|case| {
            let ([_, a, b], [_, c, d]) = (case.crossing(200), case.crossing(201));
            let (first, second) = (case.seen(a).clone(), case.seen(c).clone());
            for (place, other) in [(a, &second), (b, &second), (c, &first), (d, &first)] {
                let seen = case.seen(place);
                (seen.packet, seen.flow) = (other.packet, other.flow);
            }
        }),
        ("marked", &[Rule::Queue], &|case| {
            let [entered, ..] = case.crossing(200);
            let mut seen = case.seen(entered).clone();
            seen.scene = Scene::Met(spot(&seen), Fate::Marked);
            case.log.insert(entered + 1, Entry::Seen(seen));
        }),
        ("marked without a note", &[Rule::Queue], &|case| {
            let [_, left, _] = case.crossing(200);
            case.seen(left).ecn = 3;
        }),
        ("doubled", &[Rule::Duplicate], &|case| {
            let [entered, ..] = case.crossing(200);
            let mut seen = case.seen(entered).clone();
            seen.scene = Scene::Met(spot(&seen), Fate::Duplicated);
            case.log.insert(entered + 1, Entry::Seen(seen));
        }),
        ("doubled without a note", &[Rule::Conservation], &|case| {
            let [_, left, delivered] = case.crossing(200);
            let copies: Vec<Entry> = case.log[left..=delivered].to_vec();
            case.log.splice(delivered + 1..=delivered, copies);
        }),
        ("damaged", &[Rule::Damage], &|case| {
            let [_, left, _] = case.crossing(200);
            case.seen(left).damaged = true;
        }),
        ("gone", &[Rule::Order], &|case| {
            let [_, left, delivered] = case.crossing(200);
            case.log.drain(left..=delivered);
        }),
        ("not delivered", &[Rule::Path], &|case| {
            let [_, _, delivered] = case.crossing(200);
            case.log.remove(delivered);
        }),
        ("somewhere else", &[Rule::Path], &|case| {
            let [entered, ..] = case.crossing(200);
            let seen = case.seen(entered);
            let Spot { place, instance } = spot(seen);
            seen.scene = Scene::Entered(Spot { place: place ^ 1, instance });
        }),
        ("other bytes", &[Rule::Bytes], &|case| {
            let is_text = |seen: &Sighting| matches!(&seen.scene, Scene::Delivered(Some(data)) if matches!(data.content, Content::Bytes(_)));
            let place = case.find(5, is_text);
            if let Scene::Delivered(Some(data)) = &mut case.seen(place).scene
                && let Content::Bytes(bytes) = &mut data.content
            {
                bytes[0] ^= 1;
            }
        }),
        ("more read than arrived", &[Rule::Bytes], &|case| {
            let read = case.log.iter_mut().rev().find_map(|entry| match entry {
                Entry::Bytes { read: true, content: Content::Bytes(bytes), .. } => Some(bytes),
                _ => None,
            });
            read.expect("somebody reads").push(b'x');
        }),
        ("a row of another link", &[Rule::Conservation], &|case| {
            case.outcome.links[0].counters.delivered += 1;
        }),
        ("a row of another flow", &[Rule::Bytes], &|case| {
            let up = case.outcome.flows[0].directions[0].as_mut().expect("an upload");
            up.bytes_delivered += 1448;
        }),
    ];
    let sound = Case::of(FULL);
    for (what, rules, forge) in forgeries {
        let Case { terms, log, end, outcome } = &sound;
        let (terms, log, outcome) = (terms.clone(), log.clone(), outcome.clone());
        let mut case = Case { terms, log, end: *end, outcome };
        forge(&mut case);
        let broken = case.broken();
        assert!(rules.iter().all(|rule| broken.contains(rule)), "{what}: {broken:?}");
    }
}

#[test]
fn chance_that_is_not_the_scenarios_is_found() {
    // The same log against twice and half the chance, and against a policer that lets less pass.
    for (link, other, rule) in [
        ("delay = \"5ms\"\nloss = \"4%\"", "delay = \"5ms\"\nloss = \"8%\"", Rule::Loss),
        ("delay = \"5ms\"\nloss = \"4%\"", "delay = \"5ms\"\nloss = \"2%\"", Rule::Loss),
        ("delay = \"5ms\"\nduplicate = \"4%\"", "delay = \"5ms\"\nduplicate = \"8%\"", Rule::Duplicate),
        ("delay = \"5ms\"\ncorrupt = \"4%\"", "delay = \"5ms\"\ncorrupt = \"8%\"", Rule::Damage),
        (
            "delay = \"5ms\"\npolicer = { rate = \"5mbit\", burst = \"30KiB\" }",
            "delay = \"5ms\"\npolicer = { rate = \"4mbit\", burst = \"30KiB\" }",
            Rule::Policer,
        ),
        (
            "delay = \"5ms\"\nrate = { rate = \"5mbit\", burst = \"30KiB\" }",
            "delay = \"5ms\"\nrate = { rate = \"4mbit\", burst = \"30KiB\" }",
            Rule::Rate,
        ),
        (
            "delay = \"5ms\"\nrate = \"5mbit\"\nqueue = { kind = \"fq_codel\" }",
            "delay = \"5ms\"\nrate = \"4.9mbit\"\nqueue = { kind = \"fq_codel\" }",
            Rule::Rate,
        ),
    ] {
        let case = Case { terms: Case::of(other).terms, ..Case::of(link) };
        assert!(case.broken().contains(&rule), "{other}: {:#?}", case.audit().findings);
    }
}
