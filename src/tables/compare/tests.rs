//! Tables of folders that a model made.

use std::path::PathBuf;

use super::*;
use crate::facts::Measure;
use crate::report::testing::{Model, fill, study, with_measure};
use crate::report::{ReportError, beside};

const MODEL: Model = Model { seed: 1, congestion: "reno", loss: 0.01, flows: 1, chat: false, seconds: 3 };

/// The table of these folders; a scenario says nothing of what they set.
fn compared(dirs: &[PathBuf], by: Option<&str>) -> Result<String, ReportError> {
    Ok(beside(dirs, &|_, _| None)?.0.side_by_side(by, Format::Table))
}

/// A folder called like its scenario.
fn folder(root: &tempfile::TempDir, mut study: Study, name: &str, trials: u32) -> PathBuf {
    name.clone_into(&mut study.name);
    study.trials = trials;
    let dir = root.path().join(name);
    fill(&dir, &study, |_, _| MODEL);
    dir
}

/// The table's first block of columns.
fn block(text: &str) -> &str {
    text.split("\n\n").next().expect("a block")
}

/// The first words of each line.
fn words(text: &str, count: usize) -> Vec<String> {
    text.lines().map(|line| line.split_whitespace().take(count).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn folders_stand_beside_one_another_grouped_by_a_key() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dirs = ["a", "b"].map(|name| folder(&root, study(&[("link.a.loss", &["0%", "1%"])]), name, 1));
    let of = |by| words(block(&compared(&dirs, by).expect("a table")), 2);
    let (heading, units) = ("scenario loss", "Mbit/s %");
    assert_eq!(of(None), [heading, units, "a 0%", "a 1%", "b 0%", "b 1%"]);
    assert_eq!(of(Some("scenario")), [heading, units, "a 0%", "b 0%", "a 1%", "b 1%"]);
}

#[test]
fn runs_of_one_scenario_are_told_apart_by_their_folders() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dirs = ["s1", "s2"].map(|name| {
        let dir = root.path().join(name);
        fill(&dir, &Study { trials: 1, ..study(&[]) }, |_, _| MODEL);
        dir
    });
    let text = compared(&dirs, None).expect("a table");
    for dir in &dirs {
        assert_eq!(block(&text).matches(&format!("sample ({}) ", dir.display())).count(), 1, "{text}");
    }
}

#[test]
fn a_folder_without_a_finished_trial_is_refused() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dirs = [folder(&root, study(&[]), "done", 1), folder(&root, study(&[]), "begun", 0)];
    let error = compared(&dirs, None).expect_err("nothing to compare");
    assert!(error.to_string().contains("begun") && error.to_string().contains("no finished trial"));
}

#[test]
fn what_was_set_differently_is_as_good_as_an_axis() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let set = |name: &str, overrides: &[&str]| {
        let mut study = study(&[("link.a.loss", &["1%"])]);
        study.overrides = overrides.iter().map(|&change| change.to_owned()).collect();
        folder(&root, study, name, 1)
    };
    let dirs = [set("c", &["tcp.mss=500", "trials=1"]), set("d", &["tcp.mss=1000", "seed=1"])];
    let text = compared(&dirs, None).expect("a table");
    let names: Vec<&str> = block(&text).lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    assert_eq!((names[0], &names[2..]), ("segment", &["500", "1000"][..]), "{text}");
    let beside = beside(&dirs, &|_, _| None).expect("folders").0;
    assert_eq!(beside.keys(), ["scenario", "link.a.loss", "tcp.mss"]);
    let names = ["tcp.mss", "mss", "segment size", "size"].map(|name| beside.key(name));
    assert_eq!(names, [Some("tcp.mss"), Some("tcp.mss"), Some("tcp.mss"), None]);
}

#[test]
fn other_scenarios_get_a_table_of_their_own_and_values_are_short() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let ge = "{ model = \"gilbert-elliott\", p = \"1.0204%\", r = \"50%\" }";
    let dirs = [
        folder(&root, study(&[("link.a.loss", &["1%", ge])]), "bursts", 2),
        folder(&root, study(&[("link.b.queue", &["1bdp"])]), "queue", 2),
        folder(&root, study(&[("link.a.loss", &["2%"])]), "more", 2),
    ];
    let text = compared(&dirs, None).expect("tables");
    let tables: Vec<Vec<String>> = text.split("\n\n").map(|table| words(table, 2)).collect();
    assert_eq!(tables[0][2..], ["bursts 1%", "bursts GE", "more 2%"], "{text}");
    let queue = |table: &&Vec<String>| table[0] == "scenario queue";
    assert_eq!(tables.iter().find(queue).expect("a table")[2], "queue 1bdp");
    let footer =
        format!("means over trials ± half the 95 % interval; goodput: {}", table::place(&Measured::Alike));
    assert_eq!(text.lines().last(), Some(footer.as_str()));
    assert!(text.contains("GE p=1.02% r=50%") && !text.contains('–'), "{text}");
}

#[test]
fn folders_with_the_same_seeds_are_compared_by_pairs_of_trials() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let of = |name: &str, loss: f64, seed: u64| {
        let dir = root.path().join(name);
        let study = Study { seed, ..study(&[("link.b.delay", &["10ms", "2ms"])]) };
        fill(&dir, &study, |_, trial| Model { loss, seed: u64::from(trial), ..MODEL });
        dir
    };
    let dirs = [of("few", 0.001, 1), of("many", 0.2, 1), of("other", 0.2, 7)];
    let text = compared(&dirs, None).expect("a table");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (few, many) = (dirs[0].display(), dirs[1].display());
    let words =
        format!("At one-way delay 10 ms, with sample ({many}) instead of sample ({few}), goodput fell by");
    assert!(text.contains(&words), "{text}");
    // Trials of another seed met other chances.
    assert!(!text.contains(&format!("with sample ({})", dirs[2].display())), "{text}");
}

#[test]
fn pairs_of_trials_are_tested_together() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let of = |name: &str, loss: f64| {
        let dir = root.path().join(name);
        let study =
            Study { name: name.to_owned(), trials: 5, ..study(&[("link.b.delay", &["10ms", "2ms"])]) };
        fill(&dir, &study, |_, trial| Model { loss, seed: u64::from(trial), ..MODEL });
        dir
    };
    let dirs = [of("few", 0.001), of("many", 0.2), of("again", 0.001)];
    let (beside, _) = beside(&dirs, &|_, _| None).expect("folders");
    let pairing = |base| beside.pairing("scenario", base).expect("pairs");
    let csv = beside.paired(&pairing(None), Format::Csv);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let head = reader.headers().expect("a head").clone();
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("rows");
    let get = |row: &csv::StringRecord, name: &str| {
        row[head.iter().position(|column| column == name).expect("a column")].to_owned()
    };
    let of = |to: &str, figure: &str| {
        let is_it = |row: &&csv::StringRecord| get(row, "to") == to && get(row, "figure") == figure;
        rows.iter().find(is_it).expect("a row")
    };
    let (many, again) = (of("many", "goodput_mbit"), of("again", "goodput_mbit"));
    assert_eq!([get(many, "n"), get(many, "verdict")], ["5", "fell"]);
    assert_eq!(get(again, "verdict"), "the same");
    let number = |name: &str| get(many, name).parse::<f64>().expect("a number");
    assert!((number("to_mean") - number("from_mean") - number("difference")).abs() < 1e-5, "{csv}");
    let [low, ratio, high] = ["ratio_low", "ratio", "ratio_high"].map(number);
    assert!(low < ratio && ratio < high && high < 1.0, "{csv}");
    let text = beside.paired(&pairing(None), Format::Table);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("few → many") && words.contains("by Holm's method for all"), "{text}");
    assert!(number("p_holm") > 0.0, "{csv}");
    assert!(text.contains("base: scenario = few; mean over pairs"), "{text}");
    // By its name or by its folder another one is the base.
    let path = dirs[1].display().to_string() + "/";
    for base in ["many", path.as_str()] {
        let text = beside.paired(&pairing(Some(base)), Format::Table);
        assert!(text.contains("many → few") && text.contains("many → again"), "{text}");
        assert!(!text.contains("few → ") && text.contains("base: scenario = many; "), "{text}");
    }
    let [problem, help] = beside.pairing("scenario", Some("none")).expect_err("no such folder");
    assert_eq!(
        (problem.as_str(), help.as_str()),
        ("no cell has scenario = none", "its values are few, many, again")
    );
    let [few, _, again] = dirs;
    let (beside, _) = self::beside(&[few, again], &|_, _| None).expect("folders");
    let alike = beside.paired(&beside.pairing("scenario", None).expect("pairs"), Format::Table);
    assert!(alike.contains("every figure is the same in all pairs of trials"), "{alike}");
    assert!(alike.contains("no difference") && !alike.contains("+0 "), "{alike}");
}

#[test]
fn a_base_is_the_value_that_is_named_wherever_it_stands() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path().join("run");
    let study = Study {
        trials: 3,
        ..study(&[("link.b.delay", &["2ms", "9ms"]), ("link.a.loss", &["0%", "1%", "5%"])])
    };
    fill(&dir, &study, |cell, trial| Model {
        loss: [0.001, 0.01, 0.05][cell % 3],
        seed: u64::from(trial),
        ..MODEL
    });
    let (beside, _) = beside(&[dir], &|_, _| None).expect("a folder");
    let rows = |base| {
        let text = beside.paired(&beside.pairing("link.a.loss", base).expect("pairs"), Format::Csv);
        let changes = text.lines().skip(1).filter(|line| line.contains("goodput_mbit"));
        changes.map(|line| line.split(',').skip(1).take(3).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    assert_eq!(rows(None), ["2ms 0% 1%", "2ms 0% 5%", "9ms 0% 1%", "9ms 0% 5%"]);
    // As tables and titles write it, too.
    for base in ["1%", "1 %"] {
        assert_eq!(rows(Some(base)), ["2ms 1% 0%", "2ms 1% 5%", "9ms 1% 0%", "9ms 1% 5%"]);
    }
}

#[test]
fn what_no_cells_share_is_one_error_with_its_mend() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let set = |name: &str, change: &str| {
        let study =
            Study { overrides: vec![change.to_owned()], ..study(&[("link.b.delay", &["2ms", "9ms"])]) };
        folder(&root, study, name, 3)
    };
    let dirs = [set("c", "tcp.mss=500"), set("d", "tcp.mss=1000")];
    let (beside, _) = beside(&dirs, &|_, _| None).expect("folders");
    let [problem, help] = beside.pairing("tcp.mss", None).expect_err("different folders");
    assert_eq!(problem, "no two cells agree in all but tcp.mss");
    assert!(help.contains("`scenario` in place of the axis"), "{help}");
    assert!(beside.pairing("scenario", None).is_ok() && beside.pairing("link.b.delay", None).is_ok());
    let (alone, _) = self::beside(&dirs[..1], &|_, _| None).expect("a folder");
    let [problem, help] = alone.pairing("scenario", None).expect_err("one folder");
    assert_eq!(problem, "no two cells agree in all but their folders");
    assert!(help.contains("one value of scenario; name a further folder"), "{help}");
}

#[test]
fn a_table_without_goodput_says_nothing_of_it() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let mut bare = study(&[]);
    bare.measures.clear();
    let study = with_measure(bare, Measure::Probes, "ping");
    let dir = folder(&root, study, "pings", 1);
    let text = compared(&[dir], None).expect("a table");
    assert!(!text.contains("goodput"), "{text}");
}

#[test]
fn no_probability_is_written_as_zero() {
    for (p, written) in [(0.25, "0.250000"), (1.2344e-14, "0.00000000000001234"), (0.0, "0.000000")] {
        assert_eq!(format!("{p:.*}", contrast::decimals_of_p(p)), written);
    }
}

#[test]
fn a_key_that_a_folder_does_not_set_has_the_value_of_its_scenario() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let set = |name: &str, overrides: &[&str]| {
        let overrides = overrides.iter().map(|&change| change.to_owned()).collect();
        folder(&root, Study { overrides, ..study(&[]) }, name, 1)
    };
    let dirs = [set("c", &["tcp.mss=500"]), set("d", &[])];
    let stated = |_: &Study, key: &str| (key == "tcp.mss").then(|| "1448".to_owned());
    let text = beside(&dirs, &stated).expect("folders").0.side_by_side(None, Format::Csv);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("scenario,tcp.mss,trials,goodput_mbit_mean,"), "{text}");
    assert!(lines[1].starts_with("c,500,1,") && lines[2].starts_with("d,1448,1,"), "{text}");
}

#[test]
fn harm_is_the_lost_share_of_each_groups_figures_over_pairs_of_trials() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path().join("run");
    let study = Study { trials: 4, ..study(&[("clients.rival.count", &["0", "1"])]) };
    fill(&dir, &study, |cell, trial| Model {
        loss: [0.001, 0.2][cell],
        seed: u64::from(trial),
        chat: false,
        seconds: 20,
        ..MODEL
    });
    let (beside, _) = beside(&[dir], &|_, _| None).expect("a folder");
    let pairing = beside.pairing("clients.rival.count", None).expect("pairs");
    let text = beside.harm(&pairing, Format::Csv).expect("a table");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let heads: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let of = |figure: &str, column: &str| -> f64 {
        let at = heads.iter().position(|head| head == column).expect("a column");
        let row = rows.iter().find(|row| row.iter().any(|field| field == figure)).expect("a figure");
        row[at].parse().expect("a number")
    };
    let (alone, beside_it) = (of("goodput_mbit", "alone_mean"), of("goodput_mbit", "beside_mean"));
    assert!(beside_it < alone / 2.0, "{text}");
    let harm = of("goodput_mbit", "harm");
    // A mean of shares is about the share of the means.
    assert!((harm - (1.0 - beside_it / alone)).abs() < 0.1, "{text}");
    assert!(of("goodput_mbit", "harm_low") < harm && harm < of("goodput_mbit", "harm_high"), "{text}");
    assert!(!rows.iter().any(|row| row.iter().any(|field| field == "share")), "{text}");
    let words = beside.harm(&pairing, Format::Table).expect("a table");
    assert!(words.contains("upload") && words.contains("0 → 1") && words.contains("Ware et al."), "{words}");
}

#[test]
fn a_figure_without_pairs_names_the_side_that_lacks_it() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let of = |name: &str, seed: u64, chat: bool| {
        let dir = root.path().join(name);
        let mut study = Study { name: name.to_owned(), trials: 3, seed, ..study(&[]) };
        if chat {
            study = with_measure(study, Measure::Latency, "talkers");
        }
        fill(&dir, &study, |_, trial| Model { seed: u64::from(trial), chat, ..MODEL });
        dir
    };
    let dirs = [of("talk", 1, true), of("mute", 1, false), of("later", 50, false)];
    let verdicts = |dirs: &[PathBuf], figure: &str| -> Vec<String> {
        let beside = beside(dirs, &|_, _| None).expect("folders").0;
        let csv = beside.paired(&beside.pairing("scenario", None).expect("pairs"), Format::Csv);
        let of_figure = csv.lines().filter(|line| line.split(',').nth(2) == Some(figure));
        of_figure.map(|line| line.rsplit(',').next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(verdicts(&dirs[..2], "latency_p50_ms"), ["no pairs: not measured in mute"]);
    assert_eq!(verdicts(&dirs[1..], "goodput_mbit"), ["no pairs: no seed in common"]);
    assert_eq!(verdicts(&dirs[..2], "goodput_mbit"), ["the same"]);
}
