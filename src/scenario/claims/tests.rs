use crate::scenario::testing::{and, errors, plan, refused};
use crate::scenario::{Claim, ClaimNames, Plan};

const SWEPT: &str = "[sweep]\n\"tcp.mss\" = [500, 1000]\n\"link.access.loss\" = [\"0%\", \"1%\"]\n";

fn claims(text: &str) -> Vec<Claim> {
    plan(text).claims
}

fn claim(lines: &str) -> String {
    and(&format!("[[claim]]\n{lines}\n{SWEPT}"))
}

#[test]
fn a_claim_names_cells_by_axes_and_values_however_they_are_written() {
    let quoted =
        "figure = \"goodput_mbit\"\nat_least = 8\nwhere = { \"tcp.mss\" = 500, link.access.loss = \"0.01\" }";
    let [claim] = &claims(&claim(&quoted.replace("0.01", "1.0%")))[..] else { panic!("one claim") };
    let own = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(claim.cells, [own("tcp.mss", "500"), own("link.access.loss", "1%")]);
    assert_eq!((claim.bounds(), claim.group.as_deref()), ([Some(8.0), None], None));
    assert!(claim.ratio_to.is_empty());
}

#[test]
fn a_claim_finds_a_table_among_an_axis_values_however_it_is_written() {
    let text = "[[claim]]\nfigure = \"goodput_mbit\"\nat_least = 8\n\
        where = { \"link.access.queue\" = { limit = \"9 packets\", kind = \"codel\" } }\n\
        [sweep]\n\"link.access.queue\" = [{kind=\"codel\",limit=\"9 packets\"}, { kind = \"droptail\" }]\n";
    let [claim] = &claims(&and(text))[..] else { panic!("one claim") };
    assert_eq!(claim.cells[0].1, "{kind=\"codel\",limit=\"9 packets\"}");
}

#[test]
fn claims_that_mean_nothing_are_refused_with_line_and_mend() {
    let lines = |more: &str| claim(&format!("figure = \"goodput_mbit\"\n{more}"));
    refused(&lines("where = { \"tcp.mss\" = 500 }"), 21, "[[claim]]", "no bound", "at_least");
    refused(&lines("at_least = 3\nat_most = 2"), 21, "[[claim]]", "at least 3 and at most 2", "exchange");
    refused(&lines("at_least = \"3\""), 23, "\"3\"", "a number is needed", "");
    refused(&lines("at_leest = 3"), 23, "at_leest", "unknown key `at_leest`", "did you mean `at_least`?");
    refused(&claim("at_least = 3"), 21, "[[claim]]", "no `figure`", "add `figure");
    let no_axis = lines("at_least = 3\nwhere = { \"tcp.mms\" = 500 }");
    refused(&no_axis, 24, "\"tcp.mms\"", "`tcp.mms` is no axis", "did you mean `tcp.mss`?");
    let no_value = lines("at_least = 3\nwhere = { \"tcp.mss\" = 501 }");
    refused(&no_value, 24, "501", "`tcp.mss` has no value 501", "500");
    let no_value = lines("at_least = 3\nratio_to = { link.access.loss = \"2%\" }");
    refused(&no_value, 24, "\"2%\"", "`link.access.loss` has no value 2%", "1%");
    let itself = lines("at_least = 3\nwhere = { \"tcp.mss\" = 500 }\nratio_to = { \"tcp.mss\" = 500 }");
    refused(&itself, 25, "{ \"tcp.mss\" = 500 }", "to itself", "another value");
    refused(&lines("at_least = 3\nratio_to = { }"), 24, "{ }", "to itself", "another value");
    let no_group = lines("at_least = 3\ngroup = \"uplod\"");
    refused(&no_group, 24, "\"uplod\"", "no group \"uplod\"", "did you mean `upload`?");
    let alone = and("[[claim]]\nfigure = \"goodput_mbit\"\nat_least = 3\nwhere = { \"tcp.mss\" = 500 }\n");
    refused(&alone, 24, "\"tcp.mss\"", "is no axis", "no [sweep]");
}

#[test]
fn a_ratio_needs_the_group_in_both_cells() {
    let text = |counts: &str, other: u32, group: &str| {
        let claim = format!(
            "[[claim]]\nfigure = \"goodput_mbit\"\nat_least = 3\ngroup = \"{group}\"\n\
             ratio_to = {{ \"clients.upload.count\" = {other} }}\n"
        );
        and(&format!("{claim}[sweep]\n\"clients.upload.count\" = {counts}\n"))
    };
    let node = |other: u32| format!("{{ \"clients.upload.count\" = {other} }}");
    refused(&text("[0, 1]", 1, "upload"), 25, &node(1), "no clients in one cell of each pair", "both cells");
    refused(&text("[0, 1, 2]", 0, "upload"), 25, &node(0), "no clients in one cell", "both cells");
    assert_eq!(claims(&text("[0, 1, 2]", 1, "upload")).len(), 1);
    assert_eq!(claims(&text("[0, 1]", 0, "people")).len(), 1, "the harm to others");
}

#[test]
fn what_is_known_of_figures_is_said_by_the_caller() {
    let text = claim("figure = \"goodput\"\nat_least = 3\n[[claim]]\nfigure = \"share\"\nat_least = 0.5");
    let plan = plan(&text);
    let check = |figures: &[&str], of_groups: &[&str]| {
        let missing = |_: &str| None;
        plan.check_claims(&ClaimNames { figures, of_groups, shares: &["share"], missing: &missing })
    };
    assert!(check(&["goodput", "share"], &[]).is_ok());
    let error = check(&["goodput_mbit"], &["share"]).expect_err("unknown figures");
    let lines: Vec<usize> = error.problems.iter().map(|problem| error.texts.line(problem.place)).collect();
    assert_eq!(lines, [22, 25]);
    assert!(error.problems[0].message.contains("no figure `goodput`"), "{error}");
    assert!(error.problems[0].help.contains("goodput_mbit"), "{error}");
    assert!(error.problems[1].help.contains("`group`"), "{error}");
}

#[test]
fn a_value_that_a_set_took_away_is_no_mistake_of_the_file() {
    let text = claim("figure = \"goodput_mbit\"\nat_least = 3\nwhere = { \"tcp.mss\" = 500 }");
    let plan = Plan::parse("x.toml", &text, &["tcp.mss=700".to_owned()]).expect("sound");
    assert_eq!(plan.claims[0].cells, [("tcp.mss".to_owned(), "500".to_owned())]);
    let typo = text.replace("500 }", "501 }");
    assert!(Plan::parse("x.toml", &typo, &["link.access.loss=3%".to_owned()]).is_err());
    assert_eq!(errors(&typo, &[]).1.len(), 1);
}
