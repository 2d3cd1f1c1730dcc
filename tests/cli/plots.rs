//! Figures that a scenario asks for, as users get them.

#![cfg(unix)]

use std::fs;
use std::path::Path;

use crate::verify::said;

const LAB: &str = "duration = \"3s\"\ntrials = 2\n[link.wire]\ndelay = \"5ms\"\nrate = \"5mbit\"\n[[clients]]\n\
    name = \"bulk\"\npath = [\"wire\"]\napp = { kind = \"bulk\" }\n[sweep]\n\"link.wire.loss\" = [\"0.5%\", \"1%\", \"2%\"]\n\
    [[plot]]\nfigure = \"cwnd\"\ncells = [1]\nwidth = \"8.4cm\"\ntitle = \"A window & its losses\"\nformat = [\"pdf\"]\n\
    [[plot]]\nfigure = \"cwnd\"\ncells = [\"loss=2%\"]\nfrom = \"1s\"\n\
    [[plot]]\nfigure = \"sweep\"\nx = \"loss\"\ny = [\"goodput_mbit\"]\n";

fn write(dir: &Path, text: &str) {
    fs::write(dir.join("lab.toml"), text).expect("written");
}

#[test]
fn a_run_draws_what_its_scenario_asks_for_and_the_page_shows_it() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let dir = dir.path();
    write(dir, LAB);
    said(dir, &["run", "lab.toml", "-q", "--out", "a"], 0);
    let read = |file: &str| fs::read_to_string(dir.join("a").join(file)).expect("a file");
    let first = read("plots/plot-1-cwnd.svg");
    assert!(
        first.starts_with("<svg width=\"8.400cm\"") && first.contains("A window &amp; its losses"),
        "{first:.80}"
    );
    assert!(dir.join("a/plots/plot-1-cwnd.pdf").exists() && !dir.join("a/plots/plot-2-cwnd.pdf").exists());
    assert_ne!(first, read("plots/plot-2-cwnd.svg"));
    let page = read("report.html");
    let captions = page.matches("<figcaption>").count();
    assert_eq!(captions, page.matches("<figure").count());
    let last = format!("<b>Figure {captions}.</b> lab: goodput against loss");
    assert!(page.contains(&last) && page.contains(".</b> A window &amp; its losses: first trial"), "{last}");
    assert!(page.contains("class=\"scroll sized\""));
    // They are files of the run: checked, and drawn again to the same bytes.
    said(dir, &["verify", "a"], 0);
    said(dir, &["plot", "a"], 0);
    assert_eq!(read("plots/plot-1-cwnd.svg"), first);
    // The option asks for the same drawing.
    let options =
        ["--cells", "1", "--width", "8.4cm", "--title", "A window & its losses", "--out", "own.svg"];
    said(dir, &[&["plot", "a", "--figure", "cwnd"][..], &options].concat(), 0);
    assert_eq!(fs::read_to_string(dir.join("own.svg")).expect("a drawing"), first);
    said(dir, &["run", "lab.toml", "-q", "--no-plots", "--force", "--out", "a"], 0);
    assert!(!dir.join("a/plots").exists());
}

#[test]
fn a_figure_that_cannot_be_is_refused_before_the_run_with_its_line() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let dir = dir.path();
    for (old, new, says, mend) in [
        ("figure = \"sweep\"", "figure = \"sweap\"", "no figure is called", "there are compare, cwnd"),
        ("cells = [1]", "cells = [3]", "there is no cell 3", "numbers 0 to 2"),
        ("loss=2%", "loss=3%", "no cell has link.wire.loss = 3%", "its values are 0.5%, 1%, 2%"),
        ("width = \"8.4cm\"", "width = \"3cm\"", "3 cm is too narrow", "make the width 6.4cm or more"),
        ("from = \"1s\"", "from = \"9s\"", "no time from 9s", "0s to 3s"),
        ("x = \"loss\"", "x = \"delay\"", "no axis is called", "link.wire.loss"),
        ("\"goodput_mbit\"", "\"goodput\"", "no figure \"goodput\"", "goodput_mbit"),
        ("x = \"loss\"", "from = \"1s\"", "`from` says nothing to sweep", "it goes with"),
        (
            "figure = \"sweep\"\nx = \"loss\"\ny",
            "figure = \"time-sequence\"\nflows",
            "needs a capture",
            "pcap = ",
        ),
    ] {
        write(dir, &LAB.replacen(old, new, 1));
        let text = said(dir, &["run", "lab.toml", "-q"], 2);
        assert!(text.contains(says) && text.contains(mend) && text.contains("lab.toml:"), "{new}: {text}");
        assert!(!dir.join("results").exists());
    }
    // A cell that `--set` takes away is no mistake of the file.
    write(dir, LAB);
    let text = said(dir, &["run", "lab.toml", "--set", "link.wire.loss=1%", "--out", "b"], 0);
    assert!(text.contains("plot-2-cwnd is not drawn: no cell has link.wire.loss = 2%"), "{text}");
}

#[test]
fn curves_of_models_stand_beside_the_goodput_where_they_have_a_say() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let dir = dir.path();
    let plain = LAB.split("[[plot]]").next().expect("a scenario");
    write(dir, plain);
    said(dir, &["run", "lab.toml", "-q", "--no-plots", "--out", "a"], 0);
    let plot = |more: &[&str], code: i32| {
        let words = ["plot", "a", "--figure", "sweep", "--out", "own.svg"];
        said(dir, &[&words[..], more].concat(), code)
    };
    plot(&["--y", "goodput_mbit", "--model", "mathis,padhye"], 0);
    let svg = fs::read_to_string(dir.join("own.svg")).expect("a drawing");
    for words in ["model of Mathis et al. (1997)", "model of Padhye et al. (1998)"] {
        assert!(svg.contains(words), "{words}");
    }
    for (more, says) in [
        (&["--y", "goodput_mbit", "--model", "mathews"][..], "there are mathis, padhye, cubic"),
        (&["--y", "utilisation", "--model", "mathis"], "models are of the goodput"),
    ] {
        let text = plot(more, 2);
        assert!(text.contains(says), "{text}");
    }
    write(dir, &plain.replace("\"0.5%\", \"1%\", \"2%\"", "\"0%\""));
    said(dir, &["run", "lab.toml", "-q", "--no-plots", "--force", "--out", "a"], 0);
    plot(&["--y", "goodput_mbit", "--model", "mathis"], 2);
}

/// Heights of the middles of markers in this colour, in the order of the drawing: the legend's first.
fn heights(svg: &str, colour: &str) -> Vec<i64> {
    let markers = svg.lines().filter(|line| line.starts_with("<polygon") && line.contains(colour));
    let points = markers.filter_map(|line| line.split("points=\"").nth(1)?.split('"').next());
    let middle = |points: &str| {
        let all = points.split_whitespace().filter_map(|point| point.split_once(','));
        let heights: Vec<i64> = all.map(|(_, y)| y.parse().expect("a number")).collect();
        i64::midpoint(*heights.iter().min().expect("a corner"), *heights.iter().max().expect("a corner"))
    };
    points.map(middle).collect()
}

#[test]
fn folders_are_laid_over_one_another_on_the_same_axes() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let dir = dir.path();
    let plain = LAB.split("[[plot]]").next().expect("a scenario");
    write(dir, plain);
    for (name, rate) in [("slow", "link.wire.rate=2mbit"), ("fast", "link.wire.rate=5mbit")] {
        let run = ["run", "lab.toml", "-q", "--no-plots", "--trials", "3", "--set", rate, "--out", name];
        said(dir, &run, 0);
    }
    let read = |file: &str| fs::read_to_string(dir.join(file)).expect("a drawing");
    let draw = |folders: [&str; 2], more: &[&str]| {
        let words = ["compare", folders[0], folders[1], "--plot", "own.svg", "--y", "goodput_mbit"];
        let text = said(dir, &[&words[..], more].concat(), 0);
        (read("own.svg"), text)
    };
    let (svg, text) = draw(["slow", "fast"], &["--width", "8.4cm", "--no-title"]);
    assert!(svg.starts_with("<svg width=\"8.400cm\"") && text.contains("goodput against loss"), "{text}");
    let (svg, text) = draw(["slow", "fast"], &[]);
    for name in ["lab (slow)", "lab (fast)"] {
        assert!(text.contains(name) && svg.contains(&format!("{name}, rate ")), "{name}: {svg}");
    }
    // One curve a folder with its legend and a marker at each loss; the fast link has the higher goodput throughout.
    let colours = ["#0072B2", "#D55E00"];
    let [slow, fast] = colours.map(|colour| heights(&svg, colour));
    assert_eq!((slow.len(), fast.len()), (4, 4), "{svg}");
    assert!(slow[1..].iter().zip(&fast[1..]).all(|(slow, fast)| slow > fast), "{slow:?} {fast:?}");
    // The axes do not depend on which folder comes first.
    let (other, _) = draw(["fast", "slow"], &[]);
    let mut swapped = colours.map(|colour| heights(&other, colour));
    swapped.reverse();
    assert_eq!([slow, fast], swapped);
    // Differences stand about a line at zero, as the table of pairs has them: more goodput is above it.
    let (svg, text) = draw(["slow", "fast"], &["--paired", "scenario"]);
    assert!(text.contains("rose") && svg.contains("Difference: goodput (Mbit/s)"), "{text}");
    assert!(svg.contains("lab (slow) → lab (fast)"), "{svg}");
    let differences = heights(&svg, colours[0]);
    let (back, _) = draw(["fast", "slow"], &["--paired", "scenario"]);
    let zero = |svg: &str| {
        let line = svg.lines().find(|line| line.starts_with("<polyline") && line.contains("#1E1E1E"));
        let end =
            line.and_then(|line| line.split("points=\"").nth(1)?.split([',', ' ']).nth(1)?.parse().ok());
        end.expect("a line at zero")
    };
    assert!(differences.len() == 4 && differences[1..].iter().all(|y| *y < zero(&svg)), "{svg}");
    assert!(heights(&back, colours[0])[1..].iter().all(|y| *y > zero(&back)), "{back}");
}

#[test]
fn folders_that_cannot_be_laid_over_one_another_are_refused_with_a_mend() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let dir = dir.path();
    let plain = LAB.split("[[plot]]").next().expect("a scenario");
    write(dir, plain);
    fs::write(dir.join("other.toml"), plain.replace("link.wire.loss", "link.wire.delay").replace('%', "ms"))
        .expect("written");
    for (file, name) in [("lab.toml", "a"), ("lab.toml", "b"), ("other.toml", "c")] {
        said(dir, &["run", file, "-q", "--no-plots", "--trials", "1", "--out", name], 0);
    }
    for (words, says, mend) in [
        (&["a", "b", "--plot", "own.gif"][..], "own.gif is no name of a picture", ".svg, .png or .pdf"),
        (&["a", "--plot", "own.svg"], "one folder has nothing to be laid over", "name a second one"),
        (&["a", "a", "--plot", "own.svg"], "a is named twice", "name each folder once"),
        (&["a", "c", "--plot", "own.svg"], "lab and other have no cell in common", "with the same axes"),
        (&["a", "b", "--plot", "own.svg", "--y", "speed"], "no figure \"speed\"", "goodput_mbit"),
        (&["a", "b", "--plot", "own.svg", "--paired", "scenario"], "no difference to show", "needs 3 trials"),
        (&["a", "b", "--plot", "own.svg", "--width", "3cm"], "3 cm is too narrow", "6.4cm or more"),
    ] {
        let text = said(dir, &[&["compare"], words].concat(), 2);
        assert!(text.contains(says) && text.contains(mend), "{words:?}: {text}");
    }
    assert!(!dir.join("own.svg").exists());
    fs::write(dir.join("own.svg"), "another file").expect("written");
    said(dir, &["compare", "a", "b", "--plot", "own.svg"], 0);
    assert!(fs::read_to_string(dir.join("own.svg")).expect("a drawing").starts_with("<svg"));
}

#[test]
fn folders_are_laid_over_one_another_in_time_as_well() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let dir = dir.path();
    write(dir, LAB);
    said(dir, &["run", "lab.toml", "-q", "--no-plots", "--out", "a"], 0);
    said(dir, &["run", "lab.toml", "-q", "--no-plots", "--set", "link.wire.delay=20ms", "--out", "b"], 0);
    let overlay = ["compare", "a", "b", "--plot", "t.svg"];
    let over_time = |more: &[&str], code| said(dir, &[&overlay[..], more].concat(), code);
    over_time(&["--over-time", "--cells", "1", "--from", "1s"], 0);
    let svg = fs::read_to_string(dir.join("t.svg")).expect("a drawing");
    let has = |text: &str| svg.lines().any(|line| line == text);
    assert!(
        ["window (segments)", "round trip (ms)", "throughput (Mbit/s)", "1.0"].iter().all(|text| has(text))
    );
    assert!(
        has("a, loss 1 %: bulk-1") && has("b, loss 1 %: bulk-1") && !svg.contains("loss 2 %"),
        "{svg:.3000}"
    );
    assert!(over_time(&["--over-time", "--cells", "7"], 2).contains("there is no cell 7"));
    assert!(over_time(&["--cells", "1"], 2).contains("add --over-time"));
    // Folders that end alike, and one without series.
    said(dir, &["run", "lab.toml", "-q", "--no-plots", "--set", "record.trials=none", "--out", "c/b"], 0);
    let third = over_time(&["c/b", "--over-time", "--cells", "1"], 0);
    assert!(
        third.contains("warning: c/b has no series of flows in the chosen cells, and is not drawn"),
        "{third}"
    );
}

#[test]
fn datagrams_stand_in_the_throughput_by_their_mean_and_the_page_draws_the_paths() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let dir = dir.path();
    write(
        dir,
        "duration = \"3s\"\n[link.wire]\ndelay = \"5ms\"\nrate = \"5mbit\"\n[[clients]]\nname = \"bulk\"\npath = [\"wire\"]\n\
         app = { kind = \"bulk\" }\n[[clients]]\nname = \"noise\"\npath = [\"<wire\"]\n\
         app = { kind = \"udp\", rate = \"1mbit\" }\n",
    );
    said(dir, &["run", "lab.toml", "-q", "--out", "a"], 0);
    let svg = fs::read_to_string(dir.join("a/plots/throughput.svg")).expect("a drawing");
    assert!(svg.lines().any(|line| line == "noise: mean of its datagrams"), "{svg:.3000}");
    let page = fs::read_to_string(dir.join("a/report.html")).expect("a page");
    let texts =
        [">bulk: 1 client, bulk up, reno<", ">rate 5 Mbit/s<", ">delay 5 ms<", ">noise: 1 client, udp up<"];
    for text in texts {
        // Once for wide screens, and once for narrow ones.
        assert_eq!(page.matches(text).count(), 2, "{text}");
    }
    let first = page.find("<b>Figure 1.</b> Paths").expect("a caption");
    assert!(first < page.find("<b>Figure 2.</b>").expect("another"));
    // Datagrams alone have the picture too, from their start on.
    write(
        dir,
        "duration = \"3s\"\n[link.wire]\ndelay = \"5ms\"\nrate = \"5mbit\"\n[[clients]]\nname = \"noise\"\npath = [\"wire\"]\n\
         start = \"1.5s\"\napp = { kind = \"udp\", rate = \"1mbit\" }\n",
    );
    said(dir, &["run", "lab.toml", "-q", "--out", "b"], 0);
    let svg = fs::read_to_string(dir.join("b/plots/throughput.svg")).expect("a drawing");
    assert!(
        svg.contains("of datagrams, means over the measured time") && !svg.contains("bins of"),
        "{svg:.3000}"
    );
}
