//! `scenarios/reference.toml` says nothing with a number in it that is not so: each such line belongs to
//! a test here, and each default that it states is the real one.

mod inner;
mod links;
mod people;
mod queues;
mod sizes;
mod workloads;

use crate::support::{finish, goodput, plan, run, scenario, upload, watch, world};
use testbed::facts::Direction;
use testbed::link::config::Capacity;
use testbed::rng::Seed;
use testbed::scenario::Hop;
use testbed::tcp::Config;
use testbed::time::Duration;
use testbed::units::{Bytes, Probability, Rate};

const REFERENCE: &str = include_str!("../../../scenarios/reference.toml");

/// Words of the file, and the test that holds it to them.
const CLAIMS: &[(&str, fn())] = &[
    (
        "times \"200us\", \"25ms\", \"1.5s\", \"2min\"; rates \"64kbit\", \"10mbit\",",
        quantities_have_these_units,
    ),
    (
        "\"1gbit\" (bits per second); chances \"0.5%\"; sizes \"200B\", \"64KiB\", \"1MB\".",
        quantities_have_these_units,
    ),
    ("of trial 0; trial k has seed + k, in every cell", trial_k_has_seed_plus_k),
    (
        "short for { mean = \"20ms\" }; one way, so the round trip has it twice",
        short_forms_mean_the_long_ones,
    ),
    (
        "default \"0s\": one standard deviation, or half the width of \"uniform\"",
        links::jitter_is_one_deviation_or_half_a_width,
    ),
    ("short for { chance = \"0.5%\" }", short_forms_mean_the_long_ones),
    ("With a larger gap, gap − 1 packets keep the", links::one_packet_in_eight_skips_the_delay),
    (
        "of 1 / (gap − 1 + 1 / chance) does: of \"25%\" and 5, one in 8",
        links::one_packet_in_eight_skips_the_delay,
    ),
    ("default \"100%\": the chance of loss while bad", links::states_of_the_channel_have_their_chances),
    ("default \"0%\": the chance of loss while good", links::states_of_the_channel_have_their_chances),
    ("the long form of \"0.5%\"", short_forms_mean_the_long_ones),
    ("short for { limit = \"1bdp\" }; also \"100 packets\" or \"64KiB\"", short_forms_mean_the_long_ones),
    (
        "default \"1000 packets\", the one in transmission included. 1 bdp is the rate",
        links::a_limit_counts_the_packet_in_transmission,
    ),
    ("in packets of 1500 bytes,", links::a_bdp_is_of_the_longest_round_trip_in_packets_of_1500_bytes),
    ("payload of a full segment in bytes, 64 to 9000", sizes::segments_have_64_to_9000_bytes),
    (
        "(12 bytes) and the headers (40), SACK blocks take from the payload",
        sizes::packets_have_headers_of_40_bytes,
    ),
    (
        "RFC 8985, as Linux; \"sack\" (RFC 6675) or \"newreno\" (RFC 6582)",
        inner::inner_parts_have_tests_of_their_own,
    ),
    ("with rack the window comes down in proportion (RFC 9937)", inner::inner_parts_have_tests_of_their_own),
    ("with duplicates counted twice, as in ns-3", inner::inner_parts_have_tests_of_their_own),
    ("without what arrived or was lost (ns-3's TcpNewReno)", inner::inner_parts_have_tests_of_their_own),
    (
        "longer than the retransmission timeout, and after a duplicate (16 each time)",
        inner::inner_parts_have_tests_of_their_own,
    ),
    ("pairs of segments at 2 windows a round trip", inner::inner_parts_have_tests_of_their_own),
    ("below half of ssthresh, at 1.2 beyond", inner::inner_parts_have_tests_of_their_own),
    ("on the first two duplicate acknowledgments", inner::inner_parts_have_tests_of_their_own),
    ("windows beyond 64 KiB", windows_are_64_kib_without_scaling),
    ("Their connections are called <name>-1, <name>-2, …", members_are_named_from_one),
    ("messages of each person, on average: \"1/s\", \"30/min\"; required", people::people_keep_their_rates),
    ("rate counts bursts: here 150 messages a", people::people_keep_their_rates),
    ("{ distribution = \"exponential\", mean = \"120B\" }; or \"fixed\"", people::sizes_have_their_means),
    ("the 17th data segment of the flow, when it is first sent", listed_segments_are_dropped_when_listed),
    ("default 0: its kth repetition", listed_segments_are_dropped_when_listed),
    (
        "steps of 1, 2 and 5, where the first trials of all cells would have more",
        sizes::unasked_series_stay_small,
    ),
    (
        "than a million rows together (70 MB), but 480 samples are kept for pictures",
        sizes::unasked_series_stay_small,
    ),
    (
        "codel, fq_codel: default \"5ms\", the queueing delay that is tolerated",
        queues::queues_have_the_stated_parameters,
    ),
    ("default \"100ms\", for how long it may be longer", queues::queues_have_the_stated_parameters),
    ("default \"1514B\", what a flow may send in its turn", queues::queues_have_the_stated_parameters),
    ("fq_codel: default 1024 queues", queues::queues_have_the_stated_parameters),
    ("pie: default \"150ms\"", queues::queues_have_the_stated_parameters),
    ("down  = { queue = { kind = \"pie\"", queues::queues_have_the_stated_parameters),
    ("codel, fq_codel: default \"0s\", never; packets that wait", queues::queues_have_the_stated_parameters),
    (
        "\"codel\", \"fq_codel\", \"pie\", \"red\" and \"dualpi2\" drop while",
        queues::queues_have_the_stated_parameters,
    ),
    ("two queues, one for L4S, in the words of tc-dualpi2(8)", queues::queues_have_the_stated_parameters),
    ("dualpi2: default \"15ms\", the wait of the classic queue", queues::queues_have_the_stated_parameters),
    ("default \"16ms\", between two changes of the probability", queues::queues_have_the_stated_parameters),
    ("default 2: L4S packets are marked with so many times", queues::queues_have_the_stated_parameters),
    ("marks the others (RFC 9332)", queues::queues_have_the_stated_parameters),
    (
        "default \"1ms\": L4S packets that wait longer are all marked",
        queues::queues_have_the_stated_parameters,
    ),
    ("default true: L4S packets are dropped as well once all", queues::queues_have_the_stated_parameters),
    (
        "default \"10%\", of the rate for the classic queue at least",
        queues::queues_have_the_stated_parameters,
    ),
    ("every mark (RFC 9768): dctcp and prague need it", queues::controllers_of_marks_begin_with_accurate_ecn),
    ("the sender of L4S", queues::controllers_of_marks_begin_with_accurate_ecn),
    ("ms: shorter round trips grow and shrink as if", queues::controllers_of_marks_begin_with_accurate_ecn),
    ("from so many round trips after slow start on", queues::controllers_of_marks_begin_with_accurate_ecn),
    ("fq_codel: default true; the others false. Marks packets", queues::queues_have_the_stated_parameters),
    ("in the words of tc-red(8)", queues::queues_have_the_stated_parameters),
    ("default \"0B\", which means a third of max and a quarter", queues::queues_have_the_stated_parameters),
    ("default \"2%\", the chance just below max", queues::queues_have_the_stated_parameters),
    ("default \"1000B\", in which a limit in packets is counted", queues::queues_have_the_stated_parameters),
    ("default 0: (2 min + max) / (3 avpkt); so many", queues::queues_have_the_stated_parameters),
    ("Without the key they are called 1, 2 and 3", queues::classes_are_one_two_and_three_by_default),
    ("in a turn; 1 for those that are not listed", queues::classes_are_one_two_and_three_by_default),
    ("default \"10mbit\": while nothing waits", queues::queues_have_the_stated_parameters),
    ("congestion is also heard from marks (RFC 3168), once in a", inner::inner_parts_have_tests_of_their_own),
    ("report what arrived twice (RFC 2883), and take back", inner::inner_parts_have_tests_of_their_own),
    ("F-RTO (RFC 5682): new data after a timeout show", inner::inner_parts_have_tests_of_their_own),
    ("lost SYNs leave initial_window as it is (RFC 6928, Linux;", inner::inner_parts_have_tests_of_their_own),
    ("\"flight\": what is in flight (RFC 5681)", inner::inner_parts_have_tests_of_their_own),
    ("half the window for each timeout that it lasted", inner::inner_parts_have_tests_of_their_own),
    ("\"initial\": the initial one at once (RFC 5681)", inner::inner_parts_have_tests_of_their_own),
    (
        "each line is a millisecond at which 1500 bytes may leave",
        links::a_trace_lets_1500_bytes_leave_at_each_line,
    ),
    ("default true: it begins anew behind its last line", links::a_trace_lets_1500_bytes_leave_at_each_line),
    ("default \"0s\", how far into it a trial begins;", links::a_trace_lets_1500_bytes_leave_at_each_line),
    ("short for { rate = \"10mbit\" }; with a burst it is a token bucket", short_forms_mean_the_long_ones),
    ("and 8192 stands for one jitter above the mean", inner::inner_parts_have_tests_of_their_own),
    ("the second half of each period has another rate", inner::inner_parts_have_tests_of_their_own),
    ("which TCP the other settings begin as", inner::inner_parts_have_tests_of_their_own),
    // Defaults and nothing else.
    ("left out of the figures; default \"0s\"", stated_defaults_are_the_real_ones),
    ("repetitions of each cell; default 1", stated_defaults_are_the_real_ones),
    ("default \"0%\": how much each draw resembles the last", stated_defaults_are_the_real_ones),
    ("each packet on its own; default \"0%\".", stated_defaults_are_the_real_ones),
    ("default 1: any packet may, with this chance.", stated_defaults_are_the_real_ones),
    ("= \"0.1%\"     # default \"0%\"", stated_defaults_are_the_real_ones),
    ("# default 1; 0 leaves the group out\n", stated_defaults_are_the_real_ones),
    ("when the first member starts; default \"0s\"", stated_defaults_are_the_real_ones),
    (
        "each member starts so much later than the one before; default \"0s\"",
        stated_defaults_are_the_real_ones,
    ),
    (
        "and later by a random part of this, anew in each trial; default \"0s\"",
        stated_defaults_are_the_real_ones,
    ),
    ("default \"200B\", the length of the text;", stated_defaults_are_the_real_ones),
    ("default 1; people are spread over them in turn", people::people_sit_in_rooms_in_turn),
];

/// All of them.
fn claims() -> impl Iterator<Item = &'static (&'static str, fn())> {
    CLAIMS.iter().chain(workloads::CLAIMS)
}

/// Values that stand in the file as examples of what their key takes, beside a comment without numbers.
const WINDOW: u64 = 20;

/// Text written by hand: the list of keys behind it comes from their declarations, as a test of theirs shows.
fn written() -> &'static str {
    REFERENCE.split_once("# ---- All keys").expect("the list of keys").0
}

#[test]
fn every_line_with_a_number_has_a_test() {
    for (words, _) in claims() {
        assert!(written().contains(words), "the file does not say {words:?} any more");
    }
    for line in written().split_inclusive('\n') {
        // The first # is no part of a text: none of the file's has one.
        let comment = line.split_once('#').map_or("", |(_, comment)| comment);
        let counts = ["twice", "half", "one in", "first two"].iter().any(|word| comment.contains(word));
        if counts || comment.contains(|c: char| c.is_ascii_digit()) {
            assert!(claims().any(|(words, _)| line.contains(words)), "no test for {line:?}");
        }
    }
}

#[test]
fn stated_defaults_are_the_real_ones() {
    // Keys that state one, in the order of the file: an entry more or less is seen.
    let key = |line: &str| {
        let (before, comment) = line.split_once('#')?;
        let (_, value) = comment.split_once("default ")?;
        let value = value.split([',', ';', ':', '\n']).next()?.trim_end_matches('.').trim();
        let value = value.split(". ").next()?;
        let written =
            value.starts_with('"') || ["true", "false"].contains(&value) || value.parse::<u32>().is_ok();
        let key = if before.trim().is_empty() {
            comment.split_whitespace().next()
        } else {
            before.split([' ', '=']).next()
        };
        written.then(|| format!("{} {value}", key.unwrap_or_default().trim_start_matches("app.")))
    };
    let stated: Vec<String> = written().lines().filter_map(key).collect();
    let expected = "warmup \"0s\"|trials 1|per_client false|jitter \"0s\"|distribution \"normal\"|correlation \"0%\"|\
                    reorder false|loss \"0%\"|gap 1|duplicate \"0%\"|corrupt \"0%\"|1-h \"100%\"|1-k \"0%\"|\
                    kind \"droptail\"|limit \"1000 packets\"|target \"5ms\"|interval \"100ms\"|quantum \"1514B\"|ecn true|ce_threshold \"0s\"|burst \"150ms\"|\
                    min, \"0B\"|probability \"2%\"|avpkt \"1000B\"|burst 0|bandwidth \"10mbit\"|adaptive false|\
                    target \"15ms\"|tupdate \"16ms\"|coupling_factor 2|step_thresh \"1ms\"|c_protection \"10%\"|drop_on_overload true|\
                    loop true|offset \"0s\"|count 1|start \"0s\"|stagger \"0s\"|start_spread \"0s\"|\
                    arrivals \"poisson\"|size \"200B\"|to \"everyone\"|rooms 1|direction \"up\"|rate \"1/s\"|arrivals \"periodic\"|size \"56B\"|\
                    size \"1472B\"|arrivals \"periodic\"|direction \"up\"|lengths \"exponential\"|playout \"60ms\"|\
                    arrivals \"poisson\"|size \"10000B\"|direction \"down\"|connection \"new\"|header \"400B\"|block \"1000000B\"|jitter \"0s\"|\
                    chunk \"4s\"|buffer \"30s\"|startup \"4s\"|rule \"bba\"|\
                    retransmission 0";
    assert_eq!(stated.join("|"), expected);

    let text = |link: [&str; 5], group: &str, app: &str, direction: &str, entry: &str| {
        let [of_trial, of_link, delay, channel, queue] = link;
        format!(
            "duration = \"9s\"\n{of_trial}[link.a]\nrate = \"1mbit\"\n{of_link}delay = {{ mean = \"1ms\"{delay} }}\n\
             reorder = {{ chance = \"1%\"{queue} }}\n\
             [link.b]\ndelay = \"1ms\"\nloss = {{ model = \"gilbert-elliott\", p = \"1%\", r = \"1%\"{channel} }}\n\
             [[clients]]\nname = \"u\"\npath = [\"a\", \"b\"]\n{group}app = {{ kind = \"bulk\"{direction} }}\n\
             [[clients]]\nname = \"c\"\ncount = 2\npath = [\"a\"]\napp = {{ kind = \"chat\", rate = \"1/s\"{app} }}\n\
             [[clients]]\nname = \"r\"\npath = [\"a\"]\napp = {{ kind = \"chat\", rate = \"1/s\", to = \"room\"{entry} }}\n\
             [[drop]]\nflow = \"u-1\"\nsegments = [{{ segment = 3{} }}]\n",
            if entry.is_empty() { "" } else { ", retransmission = 0" }
        )
    };
    let silent = text(["", "", "", "", ""], "", "", "", "");
    let said = text(
        [
            "warmup = \"0s\"\ntrials = 1\n",
            "per_client = false\nloss = \"0%\"\nduplicate = \"0%\"\ncorrupt = \"0%\"\n\
             queue = { kind = \"droptail\", limit = \"1000 packets\" }\n",
            ", jitter = \"0ms\", distribution = \"normal\", correlation = \"0%\", reorder = false",
            ", 1-h = \"100%\", 1-k = \"0%\"",
            ", gap = 1",
        ],
        "count = 1\nstart = \"0s\"\nstagger = \"0s\"\nstart_spread = \"0s\"\n",
        ", arrivals = \"poisson\", size = \"200B\", to = \"everyone\"",
        ", direction = \"up\"",
        ", rooms = 1",
    );
    assert_eq!(scenario(&said), scenario(&silent));
    // The block of [tcp] gives every default as its value, and so does [record].
    let reference = plan(REFERENCE).base;
    let robot = reference.groups.iter().find(|group| group.name == "robot").expect("a group of that name");
    assert_eq!(robot.tcp, Config::default());
    assert_eq!(reference.record, scenario(&silent).record);
    assert_eq!(reference.record.interval, Duration::from_millis(10));
}

#[test]
fn quantities_have_these_units() {
    let nanos =
        ["200us", "25ms", "1.5s", "2min"].map(|text| text.parse::<Duration>().map(Duration::as_nanos));
    assert_eq!(nanos, [Ok(200_000), Ok(25_000_000), Ok(1_500_000_000), Ok(120_000_000_000)]);
    let bits = ["64kbit", "10mbit", "1gbit"].map(|text| text.parse::<Rate>().map(Rate::bits_per_second));
    assert_eq!(bits, [Ok(64_000), Ok(10_000_000), Ok(1_000_000_000)]);
    assert!("0.5%".parse::<Probability>().is_ok_and(|chance| (chance.as_f64() - 0.005).abs() < 1e-12));
    let bytes = ["200B", "64KiB", "1MB"].map(str::parse::<Bytes>);
    assert_eq!(bytes, [Ok(Bytes(200)), Ok(Bytes(65_536)), Ok(Bytes(1_000_000))]);
}

#[test]
fn trial_k_has_seed_plus_k() {
    let plan = plan(&REFERENCE.replace("seed     = 1 ", "seed     = 40 "));
    assert_eq!(plan.cells(), 4);
    let seeds = |cell| [0, 1].map(|k| plan.trial(cell, k).seed);
    assert!((0..4).all(|cell| seeds(cell) == [Seed(40), Seed(41)]));
}

/// One bulk transfer over one link, whose window is constant.
fn fixed(head: &str, link: &str, window: u64) -> String {
    format!(
        "{head}\ntcp = {{ congestion = \"fixed\", delayed_ack = false }}\n[congestion.fixed]\nwindow = {window}\n\
         [link.a]\n{link}\n[link.b]\n\
         [[clients]]\nname = \"x\"\npath = [\"a\", \"b\"]\napp = {{ kind = \"bulk\" }}\n[record]\ntrials = \"none\"\n"
    )
}

#[test]
fn short_forms_mean_the_long_ones() {
    let with = |link: &str| scenario(&fixed("duration = \"1s\"", link, 1));
    let delay = "delay = \"20ms\"";
    assert_eq!(with(delay), with("delay = { mean = \"20ms\" }"));
    assert_eq!(with(delay).base_rtt(&[Hop { link: 0, backwards: false }]), Duration::from_millis(40));
    for (short, long) in [
        ("reorder = \"0.5%\"", "reorder = { chance = \"0.5%\" }"),
        ("loss = \"0.5%\"", "loss = { model = \"independent\", chance = \"0.5%\" }"),
        ("rate = \"1mbit\"\nqueue = \"1bdp\"", "rate = \"1mbit\"\nqueue = { limit = \"1bdp\" }"),
        ("rate = \"10mbit\"", "rate = { rate = \"10mbit\" }"),
    ] {
        assert_eq!(with(&format!("{delay}\n{short}")), with(&format!("{delay}\n{long}")));
    }
    let queue = |limit: &str| {
        let scenario = with(&format!("{delay}\nrate = \"1mbit\"\nqueue = \"{limit}\""));
        scenario.links[0].directions[0].queue.capacity
    };
    assert_eq!([queue("100 packets"), queue("64KiB")], [Capacity::Packets(100), Capacity::Bytes(65_536)]);
}

#[test]
fn windows_are_64_kib_without_scaling() {
    let sent = |scale: bool| {
        let text =
            fixed("duration = \"30s\"\nwarmup = \"5s\"\ntcp.window_scale = SCALE", "delay = \"100ms\"", 1000)
                .replace("tcp.window_scale = SCALE\ntcp = {", &format!("tcp = {{ window_scale = {scale},"));
        goodput(&run(&text, 1), 0) * 1e6 / 8.0 * 0.2
    };
    let (without, with) = (sent(false), sent(true));
    assert!((0.95..1.001).contains(&(without / 65_535.0)), "{without} bytes a round trip");
    assert!((with / (1000.0 * 1448.0) - 1.0).abs() < 0.02, "{with} bytes a round trip");
}

#[test]
fn a_constant_window_is_in_segments_and_so_is_the_initial_one() {
    assert!(REFERENCE.contains(&format!("window = {WINDOW}                     # in segments")));
    let outcome = run(&fixed("duration = \"30s\"\nwarmup = \"5s\"", "delay = \"50ms\"", WINDOW), 1);
    let a_round_trip = goodput(&outcome, 0) * 1e6 / 8.0 * 0.1 / 1448.0;
    assert!((a_round_trip / WINDOW as f64 - 1.0).abs() < 0.01, "{a_round_trip} segments");
    // The handshake takes one round trip of 100 ms; nothing is acknowledged before the second is over.
    assert!(REFERENCE.contains("initial_window   = 10           # in segments"));
    let text = fixed("duration = \"190ms\"", "delay = \"50ms\"", 1).replace("\"fixed\"", "\"reno\"");
    assert_eq!(upload(&run(&text, 1), 0).segments_sent, 10);
}

#[test]
fn members_are_named_from_one() {
    let names: Vec<String> = plan(REFERENCE).base.flow_names().collect();
    assert_eq!([&names[0], &names[19], &names[20]], ["talkers-1", "talkers-20", "visitors-1"]);
}

#[test]
fn listed_segments_are_dropped_when_listed() {
    let dropped = |segments: &str| {
        let text = fixed("duration = \"20s\"", "delay = \"10ms\"\nrate = \"10mbit\"", 4)
            + &format!("[[drop]]\nflow = \"x-1\"\nsegments = [{segments}]\n");
        let mut world = world(&text, 1);
        let seen = watch(&mut world, 0);
        let outcome = finish(world);
        let up = outcome.links.iter().find(|link| link.direction == Direction::Up).expect("a link");
        let seventeenth = 16 * 1448;
        let seen = seen.lock().expect("notes");
        let first = seen.iter().filter(|packet| packet.identity.1 > 0).map(|packet| packet.identity.0).min();
        let of_it = |packet: &&crate::support::Sighting| {
            packet.identity.1 > 0 && packet.identity.0 == first.expect("data").wrapping_add(seventeenth)
        };
        (up.counters.dropped_loss, seen.iter().filter(of_it).count())
    };
    // It is sent as often as it is dropped, and once more.
    assert_eq!(dropped("17"), (1, 2));
    assert_eq!(dropped("17, { segment = 17, retransmission = 1 }"), (2, 3));
    assert_eq!(
        dropped("{ segment = 17, retransmission = 1 }").0,
        0,
        "there is no repetition of what arrives"
    );
}
