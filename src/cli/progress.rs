//! A progress bar: on stderr, if that is a terminal, or of a program around this one.

use indicatif::{ProgressBar, ProgressStyle};

/// Pieces done of all, with the time left.
pub struct Progress<'a>(Shown<'a>);

enum Shown<'a> {
    Bar(ProgressBar),
    Told(&'a (dyn Fn() + Sync)),
}

impl<'a> Progress<'a> {
    /// None of ours: `tell` is called for each trial that is done.
    pub fn told(tell: &'a (dyn Fn() + Sync)) -> Progress<'a> {
        Progress(Shown::Told(tell))
    }

    /// A bar over `total` pieces, called `what`, of which `done` are there already; hidden when `quiet`.
    pub fn new(name: &str, total: u64, done: u64, what: &str, quiet: bool) -> Progress<'a> {
        if quiet {
            return Progress(Shown::Bar(ProgressBar::hidden()));
        }
        let bar = ProgressBar::new(total).with_position(done);
        let template =
            format!("{{prefix}} [{{bar:30}}] {{pos}}/{{len}} {what}, {{elapsed}} gone, {{eta}} left");
        let style = ProgressStyle::with_template(&template).expect("a template without mistakes");
        bar.set_style(style.progress_chars("=> "));
        bar.set_prefix(name.to_owned());
        // What was there already took no time.
        bar.reset_eta();
        Progress(Shown::Bar(bar))
    }

    /// One more trial is done.
    pub fn advance(&self) {
        match &self.0 {
            Shown::Bar(bar) => bar.inc(1),
            Shown::Told(tell) => tell(),
        }
    }

    /// Removes the bar.
    pub fn finish(self) {
        if let Shown::Bar(bar) = self.0 {
            bar.finish_and_clear();
        }
    }
}
