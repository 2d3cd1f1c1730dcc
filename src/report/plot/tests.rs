use super::*;
use crate::facts::{Measure, Outcome, Series};
use crate::report::testing::{Model, chat_outcome, fill, run, study, with_chat, with_measure};
use crate::report::{Manifest, Mode, ResultFolder, finish};
use crate::scenario::PlotSpec;
use crate::tables::{Study, TrialRow};

const MODEL: Model = Model { seed: 1, congestion: "reno", loss: 0.02, flows: 2, chat: true, seconds: 3 };

/// Width and height in a PNG's header (PNG specification §11.2.2).
fn png_size(bytes: &[u8]) -> (u32, u32) {
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    (number(16), number(20))
}

/// Checks all pictures of a folder and returns their names.
fn check(dir: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for path in existing(dir, &Manifest::read(dir).expect("a manifest").study) {
        let svg = fs::read_to_string(dir.join(&path)).expect("a drawing");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{path:?}");
        resvg::usvg::roxmltree::Document::parse(&svg).expect("well-formed");
        let png = fs::read(dir.join(path.with_extension("png"))).expect("a picture");
        let (width, height) = png_size(&png);
        assert!(width == 1400 && height > 400 && png.len() > 4000, "{path:?}: {width} x {height}");
        names.push(path.file_stem().expect("a name").to_string_lossy().into_owned());
    }
    names
}

/// Draws what one trial per cell leaves, after `change`.
fn draw_changed(mut study: Study, change: impl Fn(&mut Outcome)) -> Vec<String> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    study.trials = 1;
    study = with_chat(study);
    let mut folder = ResultFolder::open(dir.path(), &study, &run(), Mode::Fresh).expect("opened");
    for cell in 0..study.cells() {
        let mut outcome = chat_outcome(1, 0.05);
        change(&mut outcome);
        folder
            .append(&TrialRow { cell, trial: 1, seed: 1, outcome: &outcome, wall_s: 0.1 })
            .expect("written");
    }
    finish(dir.path(), "later", true).expect("finished");
    check(dir.path())
}

#[test]
fn a_sweep_with_chat_has_all_pictures_and_they_are_repeatable() {
    let mut study = study(&[("tcp.congestion", &["none", "reno"]), ("link.a.loss", &["0%", "0.1%", "10%"])]);
    study = with_measure(with_chat(study), Measure::Probes, "ping");
    study.trials = 2;
    let draw = || {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fill(dir.path(), &study, |cell, trial| Model {
            seed: u64::from(trial),
            congestion: ["none", "bbr"][cell / 3],
            ..MODEL
        });
        finish(dir.path(), "later", true).expect("finished");
        assert_eq!(check(dir.path()).len(), named::of_page().count());
        // The manifest has the checksums of all files.
        fs::read_to_string(dir.path().join("manifest.json")).expect("a manifest")
    };
    assert_eq!(draw(), draw());
}

#[test]
fn a_picture_stays_where_files_that_it_was_drawn_from_are_gone() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut study = study(&[("link.a.loss", &["0%", "1%"])]);
    study = with_measure(with_chat(study), Measure::Probes, "ping");
    let model = Model { congestion: "bbr", ..MODEL };
    fill(dir.path(), &study, |_, trial| Model { seed: u64::from(trial), ..model });
    finish(dir.path(), "later", true).expect("finished");
    let file = |name: &str| dir.path().join(name);
    let read = |name: &str| fs::read(file(name)).expect("a file");
    let before = ["plots/cwnd.png", "plots/latency_cdf.png", "latency/1.hgrm"].map(read);
    // The series of one cell, the latencies of one trial, and a drawing.
    fs::remove_dir_all(file("series/1")).expect("removed");
    fs::remove_file(file("latency/1/trial-2.hlog")).expect("removed");
    fs::remove_file(file("plots/latency_cdf.svg")).expect("removed");
    fs::write(file("plots/compare.png"), "old").expect("written");
    for _ in 0..2 {
        let report = crate::report::plot(dir.path(), false).expect("drawn");
        assert_eq!(report.pictures.len(), named::of_page().count());
        let kept: Vec<_> =
            report.findings.warnings.iter().filter(|warning| warning.text.contains("as they were")).collect();
        assert!(
            kept.len() == 1 && kept[0].text.contains("trial-2.hlog and 3 more are not here: cwnd,"),
            "{kept:?}"
        );
        assert_eq!(["plots/cwnd.png", "plots/latency_cdf.png", "latency/1.hgrm"].map(read), before);
        assert!(read("plots/compare.png").len() > 4000);
        let page = fs::read_to_string(file("report.html")).expect("a page");
        assert_eq!(page.matches("<figure").count(), named::of_page().count());
    }
}

#[test]
fn a_scenario_without_chat_or_sweep_has_only_its_own_pictures() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fill(dir.path(), &study(&[]), |_, trial| Model { seed: u64::from(trial), chat: false, ..MODEL });
    finish(dir.path(), "later", true).expect("finished");
    assert_eq!(check(dir.path()), ["cwnd", "throughput", "queue"]);
}

#[test]
fn phases_and_rates_are_shown_of_controllers_that_have_them() {
    for (congestion, has) in [("bbr", true), ("reno", false)] {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fill(dir.path(), &study(&[]), |_, _| Model { congestion, ..MODEL });
        finish(dir.path(), "later", true).expect("finished");
        let window = fs::read_to_string(dir.path().join(svg_name("cwnd"))).expect("a drawing");
        for label in ["probing bandwidth", "bandwidth × least round trip"] {
            assert_eq!(window.contains(label), has, "{congestion}: {label}");
        }
        assert_eq!(dir.path().join(svg_name("rates")).exists(), has, "{congestion}");
    }
}

#[test]
fn poor_input_is_drawn_or_left_out_but_never_panics() {
    let one_sample = |series: &mut Series| {
        series.flows.truncate(1);
        series.links.truncate(1);
        series.events.truncate(1);
    };
    let names = draw_changed(study(&[]), |outcome| outcome.series.iter_mut().for_each(one_sample));
    assert_eq!(names, ["latency_cdf", "latency_histogram"]);
    let names = draw_changed(study(&[]), |outcome| outcome.series = Some(Series::default()));
    assert_eq!(names, ["latency_cdf", "latency_histogram"]);
    let names = draw_changed(study(&[]), |outcome| {
        for sample in &mut outcome.series.as_mut().expect("a series").flows {
            (sample.sender.cwnd, sample.sender.ssthresh, sample.sender.flight) = (0, None, 0);
            (sample.delivered, sample.arrived) = (0, 0);
        }
        for sample in &mut outcome.series.as_mut().expect("a series").links {
            (sample.backlog_bytes, sample.backlog_packets, sample.drops) = (0, 0, 0);
        }
        let messages = outcome.messages.as_mut().expect("a chat");
        messages.latency.reset();
        messages.deliveries = 0;
    });
    assert_eq!(names, ["cwnd"]);
    draw_changed(study(&[]), |outcome| {
        let messages = outcome.messages.as_mut().expect("a chat");
        messages.latency.reset();
        messages.latency.record(0).expect("zero fits");
    });
}

#[test]
fn pictures_choose_among_the_cells_that_have_something_to_show() {
    let losses: Vec<String> = (0..11).map(|n| format!("{n}%")).collect();
    let losses: Vec<&str> = losses.iter().map(String::as_str).collect();
    let mut study = study(&[("link.a.loss", &losses)]);
    study = with_chat(study);
    study.trials = 1;
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut folder = ResultFolder::open(dir.path(), &study, &run(), Mode::Fresh).expect("opened");
    for cell in 0..study.cells() {
        let mut outcome = chat_outcome(1, 0.05);
        // Among these are the last one and others that an even choice of eight would take.
        if matches!(cell, 1 | 5 | 10) {
            outcome.series = Some(Series::default());
            let messages = outcome.messages.as_mut().expect("a chat");
            messages.latency.reset();
            messages.deliveries = 0;
        }
        folder
            .append(&TrialRow { cell, trial: 1, seed: 1, outcome: &outcome, wall_s: 0.1 })
            .expect("written");
    }
    finish(dir.path(), "later", true).expect("finished");
    for name in ["cwnd", "throughput", "latency_cdf", "latency_histogram"] {
        let svg = fs::read_to_string(dir.path().join(svg_name(name))).expect("a drawing");
        assert!(!svg.contains("cells shown") && svg.contains(" in 3 of 11 cells"), "{name}");
        for (cell, loss) in losses.iter().enumerate() {
            let label = format!("loss {}", loss.replace('%', " %"));
            let is = |line: &str| {
                line.strip_prefix(&label).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
            };
            assert_eq!(svg.lines().any(is), !matches!(cell, 1 | 5 | 10), "{name}: {loss}");
        }
    }
}

#[test]
fn lines_of_the_comparison_run_from_the_least_value_to_the_largest() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let study = study(&[("link.a.rate", &["1gbit", "500kbit", "2mbit", "900mbit"])]);
    fill(dir.path(), &study, |cell, trial| Model { seed: u64::from(trial) + 9 * cell as u64, ..MODEL });
    finish(dir.path(), "later", true).expect("finished");
    let svg = fs::read_to_string(dir.path().join(svg_name("compare"))).expect("a drawing");
    let document = resvg::usvg::roxmltree::Document::parse(&svg).expect("well-formed");
    let lines = document.descendants().filter(|node| node.has_tag_name("polyline")).map(|line| {
        let points = line.attribute("points").unwrap_or_default().split_whitespace();
        points.map(|point| point.split(',').next().and_then(|x| x.parse().ok()).expect("a place")).collect()
    });
    let lines: Vec<Vec<i32>> = lines.filter(|places: &Vec<i32>| places.len() == 4).collect();
    assert!(!lines.is_empty() && lines.iter().all(|places| places.is_sorted()), "{lines:?}");
}

#[test]
fn a_title_that_the_font_lacks_is_warned_of() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut study = study(&[]);
    study.title = "Überlast \u{62e5}\u{585e}".to_owned();
    fill(dir.path(), &study, |_, _| MODEL);
    let notice = finish(dir.path(), "later", true).expect("finished").notice.expect("a notice");
    assert!(notice.contains("U+585E") && notice.contains("queue.png"), "{notice}");
    assert_eq!(crate::report::plot(dir.path(), true).expect("drawn").notice, Some(notice));
}

#[test]
fn a_picture_names_what_was_set_and_is_no_axis_in_one_line() {
    let mut study = study(&[("link.a.loss", &["0%", "1%"]), ("tcp.congestion", &["cubic"])]);
    study.overrides =
        ["tcp.congestion=cubic", "link.a.loss=[\"0%\", \"1%\"]", "trials=2"].map(str::to_owned).to_vec();
    assert_eq!(data::departure(&study), "with tcp.congestion = cubic");
    study.trials = 1;
    study.overrides.push(format!("title={}", "very ".repeat(100)));
    let dir = tempfile::tempdir().expect("a temporary folder");
    fill(dir.path(), &study, |_, _| MODEL);
    finish(dir.path(), "later", true).expect("finished");
    for path in existing(dir.path(), &Manifest::read(dir.path()).expect("a manifest").study) {
        let svg = fs::read_to_string(dir.path().join(&path)).expect("a drawing");
        let line = svg.lines().find(|line| line.contains("with tcp.congestion = cubic"));
        assert!(line.is_some_and(|line| line.ends_with('…')), "{path:?}");
    }
}

#[test]
fn long_labels_and_odd_axes_are_drawn() {
    let long = "{ kind = \"droptail\", limit = \"1bdp\" }, and much more that no label has room for <&>";
    let axes: [(&str, &[&str]); 4] = [
        (long, &[long, "x"]),
        ("link.a.loss", &["0%", "0%", "1%"]),
        ("link.a.delay", &["1ms", "1ms"]),
        ("tcp.initial_window", &["-3", "10", "100000"]),
    ];
    for axis in axes {
        let names = draw_changed(study(&[axis]), |outcome| outcome.series = None);
        assert!(names.contains(&"compare".to_owned()), "{axis:?}");
    }
}

#[test]
fn a_run_without_a_finished_trial_gives_a_page_without_pictures() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    ResultFolder::open(dir.path(), &study(&[]), &run(), Mode::Fresh).expect("opened");
    let report = finish(dir.path(), "later", true).expect("finished");
    let is_there = dir.path().join("report.html").exists();
    assert!(report.pictures.is_empty() && report.findings.verdict.is_empty() && is_there);
}

#[test]
fn figures_for_slides_fit_these_and_say_which_cells_they_leave_out() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut study = study(&[("tcp.congestion", &["none", "reno"]), ("link.a.loss", &["0%", "0.1%", "10%"])]);
    study = with_measure(with_chat(study), Measure::Probes, "ping");
    study.trials = 1;
    fill(dir.path(), &study, |_, trial| Model { seed: u64::from(trial), ..MODEL });
    finish(dir.path(), "later", false).expect("finished");
    let file = dir.path().join("slide.svg");
    let draw = |name: &str, cells: &[&str]| {
        let spec = PlotSpec {
            figure: name.to_owned(),
            cells: cells.iter().map(|&cell| cell.to_owned()).collect(),
            width: Some(24.0),
            font: Some(16.0),
            title: Some(String::new()),
            ..PlotSpec::default()
        };
        let drawn = crate::report::draw(dir.path(), &spec, Some(&file), false).expect("drawn");
        let svg = fs::read_to_string(&file).expect("a drawing");
        let height =
            svg.split("height=\"").nth(1).and_then(|rest| rest.split("cm").next()).expect("a height");
        (height.parse::<f64>().expect("a length"), drawn.caption)
    };
    for name in ["cwnd", "throughput", "queue", "probes", "latency_histogram", "four-panel"] {
        let (height, caption) = draw(name, &[]);
        assert!(height < 19.8, "{name}: {height} cm");
        let said = caption.contains("4 of 6 cells");
        assert!(said || name == "four-panel", "{name}: {caption}");
    }
    let (height, caption) = draw("probes", &["0,1,2,3,4,5"]);
    assert!(height > 19.8 && !caption.contains("of 6 cells"), "{height} cm: {caption}");
}
