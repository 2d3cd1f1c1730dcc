//! Parts of the page that lead to the same run once more, and to another.

use base64::Engine as _;
use maud::{Markup, html};

use super::manifest::Manifest;
use crate::units::quoted;

/// The scenario to take away, and the page in which it runs with sliders. Nothing where the page would not be this
/// run's: it has no real time, and no controllers of a program around this one.
pub fn change(manifest: &Manifest) -> Markup {
    let study = &manifest.study;
    if study.live || manifest.program.is_some() {
        return Markup::default();
    }
    let file = file(manifest);
    let name = file.rsplit('/').next().unwrap_or_default();
    let mut command = format!("testbed page {}", quoted(name));
    for change in &study.overrides {
        command += &set(change);
    }
    let text = base64::engine::general_purpose::STANDARD.encode(&study.scenario);
    html! {
        h2 { "Change it yourself" }
        p {
            "Save the scenario, "
            a download=(name) href=(format!("data:text/plain;base64,{text}")) { (name) }
            @if !study.files.is_empty() { ", and the files that it names," }
            ", and let testbed make one page of it, which needs neither a network nor an installation: the same \
             network runs in the browser there, and every condition is a slider."
        }
        pre { (command) " > page.html" }
        p { "Where that lies beside this report, it opens from here: " a href="page.html" { "page.html" } "." }
    }
}

/// The command that gives the same figures, and all that it needs.
pub fn repeat(manifest: &Manifest) -> Markup {
    let study = &manifest.study;
    let file = quoted(&file(manifest));
    let mut command =
        format!("{} run {file} --seed {} --trials {}", manifest.program(), study.seed, study.trials);
    for (key, value) in study.changes() {
        command += &set(&format!("{key}={value}"));
    }
    if study.live {
        command.push_str(" --live");
    }
    let promise = if study.live {
        "It ran in real time, so that another run gives other figures, and another machine may"
    } else {
        "The same scenario, seed and version give the same figures on any machine"
    };
    html! {
        h2 { "How to repeat it" }
        pre { (command) }
        p {
            "testbed " (manifest.made_by()) ", results " (manifest.results) ", seed " (study.seed)
            ", random numbers by " (manifest.generator) ". " (promise) "; " code { "manifest.json" }
            " has a checksum of every file."
        }
        p.lead { "The scenario:" }
        pre { (study.scenario) }
    }
}

/// The scenario's file; manifests of earlier versions do not have it.
fn file(manifest: &Manifest) -> String {
    if manifest.file.is_empty() { format!("{}.toml", manifest.study.name) } else { manifest.file.clone() }
}

/// A change as an argument.
fn set(change: &str) -> String {
    format!(" --set {}", quoted(change))
}
