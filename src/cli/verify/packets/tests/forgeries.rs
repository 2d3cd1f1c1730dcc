//! Each forgery of a log is found.

use super::{Case, FULL, MS};
use crate::audit::Rule;
use crate::facts::{Content, Entry, Fate, Scene, Sighting, Spot};
use crate::time::Instant;

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
    find_all(&Case::of(FULL), forgeries);
}

/// Fails unless each forgery of a sound log breaks its rules.
fn find_all(sound: &Case, forgeries: &[Forgery<'_>]) {
    let missed: Vec<String> = forgeries
        .iter()
        .filter_map(|(what, rules, forge)| {
            let Case { terms, log, end, outcome } = sound;
            let (terms, log, outcome) = (terms.clone(), log.clone(), outcome.clone());
            let mut case = Case { terms, log, end: *end, outcome };
            forge(&mut case);
            let broken = case.broken();
            (!rules.iter().all(|rule| broken.contains(rule))).then(|| format!("{what}: {broken:?}"))
        })
        .collect();
    assert!(missed.is_empty(), "{missed:#?}");
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

/// A queue that manages, in front of a second link that each client has for itself.
const ROUGH: &str = "delay = \"5ms\"\nrate = \"5mbit\"\nqueue = { kind = \"fq_codel\" }\n\
                     [link.far]\ndelay = \"3ms\"\nper_client = true";
const BOTH: &str = "[[clients]]\nname = \"bulk\"\ncount = 2\npath = [\"wire\", \"far\"]\napp = { kind = \"bulk\" }\n\
     [[clients]]\nname = \"web\"\ncount = 2\npath = [\"far\", \"wire\"]\napp = { kind = \"web\", rate = \"5/s\" }\n";

/// The nth full packet at a point of its way.
fn full(case: &Case, n: usize, is: impl Fn(&Scene) -> bool) -> usize {
    case.find(n, |seen| seen.size > 1400 && is(&seen.scene))
}

fn at_rough(scene: &Scene) -> bool {
    matches!(scene, Scene::Left(spot) if spot.place == 0)
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn forgeries_behind_a_managed_queue_and_between_links_are_found() {
    let delivered = |scene: &Scene| matches!(scene, Scene::Delivered(Some(_)));
    let entered_far = |scene: &Scene| matches!(scene, Scene::Entered(spot) if spot.place == 2);
    // Both sights of a packet between two links at another time.
    let move_by = |case: &mut Case, n: usize, by: i64| {
        let left = full(case, n, at_rough);
        let at = Instant::from_nanos(case.seen(left).at.as_nanos().checked_add_signed(by).expect("later"));
        (case.seen(left).at, case.seen(left + 1).at) = (at, at);
    };
    let forgeries: &[Forgery<'_>] = &[
        ("too early", &[Rule::Delay], &|case| {
            let left = full(case, 200, at_rough);
            let packet = case.seen(left).packet;
            let entered =
                case.find(0, |seen| seen.packet == packet && matches!(seen.scene, Scene::Entered(_)));
            let early = case.seen(entered).at + MS * 4;
            let by = early.as_nanos().cast_signed() - case.seen(left).at.as_nanos().cast_signed();
            move_by(case, 200, by);
        }),
        ("faster than the rate", &[Rule::Rate], &|case| move_by(case, 200, -500_000)),
        ("never leaves the second link", &[Rule::Path], &|case| {
            let entered = full(case, 200, entered_far);
            case.log.remove(entered);
        }),
        ("damaged between two links", &[Rule::Path], &|case| {
            let entered = full(case, 200, entered_far);
            case.seen(entered).damaged = true;
        }),
        ("another size between two links", &[Rule::Path], &|case| {
            let entered = full(case, 200, entered_far);
            case.seen(entered).size -= 1;
        }),
        ("another mark between two links", &[Rule::Path], &|case| {
            let entered = full(case, 200, entered_far);
            case.seen(entered).ecn = 1;
        }),
        ("damaged on the way to its host", &[Rule::Path], &|case| {
            let place = full(case, 200, delivered);
            case.seen(place).damaged = true;
        }),
        ("another size at its host", &[Rule::Path], &|case| {
            let place = full(case, 200, delivered);
            case.seen(place).size += 1;
        }),
        ("of another flow at its host", &[Rule::Path], &|case| {
            let place = full(case, 200, delivered);
            case.seen(place).flow ^= 1;
        }),
        ("the other way at its host", &[Rule::Path], &|case| {
            let place = full(case, 200, delivered);
            let seen = case.seen(place);
            seen.direction = seen.direction.reverse();
        }),
        ("other numbers at its host", &[Rule::Bytes], &|case| {
            let place = full(case, 200, delivered);
            if let Scene::Delivered(Some(data)) = &mut case.seen(place).scene {
                data.seq = data.seq.wrapping_sub(1448);
            }
        }),
        ("more data at its host", &[Rule::Bytes], &|case| {
            let place = full(case, 200, delivered);
            if let Scene::Delivered(Some(data)) = &mut case.seen(place).scene {
                data.content = Content::Zeros(data.content.len() + 1448);
            }
        }),
        ("other bytes in place of zeros", &[Rule::Bytes], &|case| {
            let downwards = |seen: &Sighting| seen.direction == crate::facts::Direction::Down;
            let is_body = |seen: &Sighting| matches!(&seen.scene, Scene::Delivered(Some(data)) if matches!(data.content, Content::Zeros(_)));
            let place = case.find(20, |seen| downwards(seen) && is_body(seen));
            if let Scene::Delivered(Some(data)) = &mut case.seen(place).scene {
                data.content = Content::Bytes(vec![7; data.content.len() as usize]);
            }
        }),
        ("a number that is sent twice", &[Rule::Path], &|case| {
            let place = full(case, 200, |scene| matches!(scene, Scene::Sent(_)));
            let other = full(case, 199, |scene| matches!(scene, Scene::Sent(_)));
            let packet = case.seen(other).packet;
            for at in [place, place + 1] {
                case.seen(at).packet = packet;
            }
        }),
        ("a flow that is not introduced", &[Rule::Path], &|case| {
            case.log.retain(|entry| !matches!(entry, Entry::Opened { flow: 0, .. }));
        }),
        ("a flow of a group that is not there", &[Rule::Path], &|case| {
            for entry in &mut case.log {
                if let Entry::Opened { group, .. } = entry {
                    "nobody".clone_into(group);
                }
            }
        }),
        ("a row of a flow without packets", &[Rule::Bytes], &|case| {
            let mut row = case.outcome.flows[0].clone();
            row.directions[0].as_mut().expect("an upload").bytes_delivered = 1_000_000;
            "bulk-9".clone_into(&mut row.name);
            case.outcome.flows.push(row);
        }),
        ("over the link of another client", &[Rule::Path], &|case| {
            // All of one packet's way through its second link.
            let entered = full(case, 200, entered_far);
            let (packet, own) = (case.seen(entered).packet, instance(case.seen(entered)));
            let foreign = case.find(0, |seen| entered_far(&seen.scene) && instance(seen) != own);
            let other = instance(case.seen(foreign));
            for entry in &mut case.log {
                if let Entry::Seen(Sighting {
                    packet: number,
                    scene: Scene::Entered(spot) | Scene::Left(spot),
                    ..
                }) = entry
                    && *number == packet
                    && spot.place == 2
                {
                    spot.instance = other;
                }
            }
        }),
    ];
    let sound = Case::with(ROUGH, BOTH);
    assert!(sound.audit().findings.is_empty(), "{:#?}", sound.audit());
    find_all(&sound, forgeries);
}

fn instance(seen: &Sighting) -> u32 {
    match seen.scene {
        Scene::Entered(spot) | Scene::Left(spot) | Scene::Met(spot, _) => spot.instance,
        _ => u32::MAX,
    }
}

#[test]
fn a_crossing_beside_those_that_go_ahead_takes_the_delay_and_no_more() {
    let forgeries: &[Forgery<'_>] = &[
        ("too late", &[Rule::Delay], &|case| {
            let [_, left, delivered] = case.crossing(200);
            let at = case.seen(left).at + MS;
            (case.seen(left).at, case.seen(delivered).at) = (at, at);
        }),
        ("never", &[Rule::Conservation], &|case| {
            let [_, left, delivered] = case.crossing(200);
            case.log.drain(left..=delivered);
        }),
    ];
    let sound = Case::of("delay = \"8ms\"\nreorder = \"5%\"\n[tcp]\nreceive_window = \"64KiB\"");
    assert!(sound.audit().findings.is_empty(), "{:#?}", sound.audit());
    find_all(&sound, forgeries);
}

#[test]
fn losses_in_bursts_that_are_not_the_scenarios_are_found() {
    let of = |p: &str, r: &str| {
        format!("delay = \"5ms\"\nloss = {{ model = \"gilbert-elliott\", p = \"{p}\", r = \"{r}\" }}")
    };
    let sound = Case::of(&of("4%", "60%"));
    for (p, r) in [("12%", "60%"), ("1%", "60%"), ("4%", "10%")] {
        let Case { log, outcome, .. } = &sound;
        let case = Case {
            terms: Case::of(&of(p, r)).terms,
            log: log.clone(),
            end: sound.end,
            outcome: outcome.clone(),
        };
        assert!(case.broken().contains(&Rule::Loss), "{p} {r}: {:#?}", case.audit().findings);
    }
}
