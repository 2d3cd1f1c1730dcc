//! Mistakes of scenario files and what is said of them.

use super::super::testing::{SOUND, and, errors, refused, with};

#[test]
fn an_unknown_key_names_the_nearest_and_all_others() {
    let text = with("delay = \"10ms\"", "dellay = \"10ms\"");
    refused(
        &text,
        4,
        "dellay",
        "unknown key `dellay` in `link.access`",
        "did you mean `delay`? allowed: per_client, ",
    );
    refused(&with("warmup", "warm_up"), 2, "warm_up", "unknown key", "did you mean `warmup`?");
    let text = with("kind = \"bulk\"", "kind = \"bulk\", rate = \"1/s\"");
    refused(&text, 16, "rate", "unknown key `rate` in `clients.app`", "allowed: kind, direction, size");
}

#[test]
fn a_key_of_the_whole_scenario_below_a_table_is_to_be_moved_up() {
    let help = "`warmup` is of the whole scenario: move it up, before the first [table]";
    refused(&and("warmup = \"1s\"\n"), 21, "warmup", "unknown key `warmup` in `clients`", help);
    refused(&and("[record]\nsweep = 1\n"), 22, "sweep", "unknown key `sweep` in `record`", "allowed: ");
}

#[test]
fn a_wrong_unit_names_the_right_ones() {
    refused(&with("10mbit", "10Mbps"), 7, "\"10Mbps\"", "bytes per second to iproute2", "\"10mbit\"");
    refused(&with("10mbit", "10ms"), 7, "\"10ms\"", "\"ms\" is no unit of a rate", "\"64kbit\"");
    refused(&with("\"5ms\"", "\"5\""), 8, "\"5\"", "has no unit", "\"25ms\"");
}

#[test]
fn a_wrong_type_says_what_is_needed() {
    let needed = "`rate`: this is an integer, but a rate is needed";
    refused(&with("\"10mbit\"", "10"), 7, "10", needed, "write a rate with its unit, such as \"10mbit\"");
    refused(&with("1448", "\"1448\""), 11, "\"1448\"", "a whole number is needed", "without quotes");
    refused(
        &with("[\"bottleneck\"]", "\"bottleneck\""),
        19,
        "\"bottleneck\"",
        "a list is needed",
        "brackets",
    );
    refused(&and("[record]\ntrials = 1\n"), 22, "1", "a word is needed", "\"first\", \"all\", \"none\"");
    refused("duration = \"1s\"\n[clients]\n", 2, "[clients]", "a list is needed", "[[clients]]");
    refused(&and("[link]\nx = 3\n"), 22, "3", "a table is needed", "[link.x]");
}

#[test]
fn a_text_that_is_no_word_lists_the_words() {
    let text = with("mss = 1448", "recovery = \"sak\"");
    refused(
        &text,
        11,
        "\"sak\"",
        "`recovery`: \"sak\" is not one",
        "did you mean `sack`? allowed: sack, rack, newreno",
    );
}

#[test]
fn impossible_durations_are_refused() {
    refused(&with("10s", "0s"), 1, "\"0s\"", "`duration`: a duration of zero", "longer than zero");
    refused(&with("10s", "-1s"), 1, "\"-1s\"", "is negative", "\"25ms\"");
    refused(&with("10s", "9999999999h"), 1, "\"9999999999h\"", "is too large", "up to \"1000h\"");
    refused(&with("10s", "2000h"), 1, "\"2000h\"", "is too large", "up to \"1000h\"");
    refused(
        &and("[record]\ninterval = \"0ms\"\n"),
        22,
        "\"0ms\"",
        "`interval`: a duration of zero",
        "longer than zero",
    );
}

#[test]
fn impossible_chances_and_rates_are_refused() {
    refused(&with("\"1%\"", "\"-1%\""), 5, "\"-1%\"", "is not a probability", "between \"0%\" and \"100%\"");
    refused(&with("\"1%\"", "\"101%\""), 5, "\"101%\"", "is not a probability", "between");
    refused(&with("10mbit", "0mbit"), 7, "\"0mbit\"", "a rate of zero", "leave `rate` out");
    refused(
        &with("10mbit", "99999999999tbit"),
        7,
        "\"99999999999tbit\"",
        "too large",
        "up to \"9000000tbit\"",
    );
}

#[test]
fn numbers_out_of_range_say_the_range() {
    refused(&with("1448", "63"), 11, "63", "`mss`: 63 is out of range", "from 64 to 9000");
    refused(&with("1448", "9001"), 11, "9001", "`mss`: 9001 is out of range", "from 64 to 9000");
    refused(&with("mss = 1448", "initial_window = 0"), 11, "0", "`initial_window`: 0 is", "from 1 to");
    refused(&with("count = 2", "count = -1"), 14, "-1", "`count`: -1 is out of range", "from 0 to 100000");
    refused(&with("count = 2", "count = 200_000"), 14, "200_000", "out of range", "from 0 to 100000");
    refused(&format!("trials = 0\n{SOUND}"), 1, "0", "`trials`: 0 is out of range", "from 1 to");
    refused(
        &with("count = 2", "tcp.receive_window = \"2GiB\""),
        14,
        "\"2GiB\"",
        "out of range",
        "from \"64B\" to \"1GiB\"",
    );
}

#[test]
fn missing_keys_are_named_with_their_meaning() {
    refused(&with("duration = \"10s\"", ""), 1, "\n", "`duration` is missing", "virtual time of one trial");
    refused(&with("name = \"upload\"\n", ""), 12, "[[clients]]", "`clients` has no `name`", "add `name = …`");
    refused(&with("app = { kind = \"bulk\" }", ""), 12, "[[clients]]", "has no `app`", "add `app = { … }`");
    refused("duration = \"1s\"\n", 1, "d", "`clients` is missing", "add [[clients]]");
    let text = with("kind = \"bulk\"", "direction = \"up\"");
    refused(&text, 16, "app", "`clients.app` has no `kind`", "add `kind = …`");
}

#[test]
fn controllers_and_their_parameters_come_from_the_table() {
    let text = with("mss = 1448", "congestion = \"renno\"");
    refused(
        &text,
        11,
        "\"renno\"",
        "no congestion controller \"renno\"",
        "did you mean `reno`? allowed: none, fixed,",
    );
    refused(&and("[congestion.fixt]\n"), 21, "fixt", "no congestion controller", "did you mean `fixed`?");
    refused(&and("[congestion.fixed]\nwindov = 3\n"), 22, "windov", "unknown key", "did you mean `window`?");
    refused(
        &and("[congestion.fixed]\nwindow = 0\n"),
        22,
        "0",
        "`window`: 0 is out of range",
        "from 1 to 1000000",
    );
    refused(
        &and("[congestion.fixed]\nwindow = \"3\"\n"),
        22,
        "\"3\"",
        "a number is needed",
        "without quotes",
    );
}

#[test]
fn all_problems_of_a_file_are_shown_at_once() {
    let text = SOUND
        .replace("\"10mbit\"", "10")
        .replace("warmup = \"1s\"", "warmup = \"20s\"")
        .replace("mss", "msss")
        .replace("[\"bottleneck\"]", "[\"bottelneck\"]");
    let (error, found) = errors(&text, &[]);
    let lines: Vec<usize> = found.iter().map(|problem| error.texts.line(problem.place)).collect();
    // The queue in BDPs of line 9 says nothing about the bad rate of line 7.
    assert_eq!(lines, [2, 7, 11, 19], "{error}");
}
