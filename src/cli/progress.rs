//! A progress bar: on stderr, if that is a terminal, or of a program around this one.

use indicatif::{ProgressBar, ProgressStyle};

/// Pieces done of all, with the time left.
pub struct Progress<'a> {
    shown: Shown<'a>,
    quiet: bool,
}

enum Shown<'a> {
    Bar(ProgressBar),
    Told(&'a (dyn Fn() + Sync)),
}

impl<'a> Progress<'a> {
    /// None of ours: `tell` is called for each trial that is done.
    pub fn told(tell: &'a (dyn Fn() + Sync)) -> Progress<'a> {
        Progress { shown: Shown::Told(tell), quiet: false }
    }

    /// A bar over `total` pieces, called `what`, of which `done` are there already; hidden when `quiet`.
    pub fn new(name: &str, total: u64, done: u64, what: &str, quiet: bool) -> Progress<'a> {
        if quiet {
            return Progress { shown: Shown::Bar(ProgressBar::hidden()), quiet };
        }
        let bar = ProgressBar::new(total).with_position(done);
        let template =
            format!("{{prefix}} [{{bar:30}}] {{pos}}/{{len}} {what}, {{elapsed}} gone, {{eta}} left");
        let style = ProgressStyle::with_template(&template).expect("a template without mistakes");
        bar.set_style(style.progress_chars("=> "));
        bar.set_prefix(name.to_owned());
        // Trials that were there already took no time.
        bar.reset_eta();
        Progress { shown: Shown::Bar(bar), quiet }
    }

    /// One more trial is done.
    pub fn advance(&self) {
        match &self.shown {
            Shown::Bar(bar) => bar.inc(1),
            Shown::Told(tell) => tell(),
        }
    }

    /// A warning, above the bar; none where only errors are wanted.
    pub fn warn(&self, text: &str) {
        let warn = || eprintln!("warning: {text}");
        match &self.shown {
            _ if self.quiet => {}
            Shown::Bar(bar) => bar.suspend(warn),
            Shown::Told(_) => warn(),
        }
    }

    /// Removes the bar.
    pub fn finish(self) {
        if let Shown::Bar(bar) = self.shown {
            bar.finish_and_clear();
        }
    }
}
