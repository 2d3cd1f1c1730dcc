//! A progress bar on stderr, if that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// Pieces done of all, with the time left.
pub struct Progress {
    bar: ProgressBar,
    quiet: bool,
}

impl Progress {
    /// A bar over `total` pieces, called `what`, of which `done` are there already; hidden when `quiet`.
    pub fn new(name: &str, total: u64, done: u64, what: &str, quiet: bool) -> Progress {
        if quiet {
            return Progress { bar: ProgressBar::hidden(), quiet };
        }
        let bar = ProgressBar::new(total).with_position(done);
        let template =
            format!("{{prefix}} [{{bar:30}}] {{pos}}/{{len}} {what}, {{elapsed}} gone, {{eta}} left");
        let style = ProgressStyle::with_template(&template).expect("a template without mistakes");
        bar.set_style(style.progress_chars("=> "));
        bar.set_prefix(name.to_owned());
        // What was there already took no time.
        bar.reset_eta();
        Progress { bar, quiet }
    }

    /// One more trial is done.
    pub fn advance(&self) {
        self.bar.inc(1);
    }

    /// A warning, above the bar; none where only errors are wanted.
    pub fn warn(&self, text: &str) {
        if !self.quiet {
            self.bar.suspend(|| eprintln!("warning: {text}"));
        }
    }

    /// Removes the bar.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}
