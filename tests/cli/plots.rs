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
    // What `--set` takes away is no mistake of the file.
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
