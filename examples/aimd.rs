//! A congestion controller of one's own with the whole command line:
//! `cargo run --release --example aimd -- run scenarios/loss10.toml --set tcp.congestion=aimd`.

use std::process::ExitCode;

use testbed::cli::Testbed;
use testbed::congestion::{Ack, Algorithm, CongestionController, Loss};

/// Adds `INCREASE` segments for each window acknowledged, and keeps `KEEP` of it after a loss.
#[derive(Debug)]
struct Aimd {
    mss: u64,
    cwnd: u64,
    acknowledged: u64,
}

const INCREASE: u64 = 2;
const KEEP: (u64, u64) = (3, 4);

impl CongestionController for Aimd {
    fn cwnd(&self) -> u64 {
        self.cwnd
    }

    fn on_ack(&mut self, ack: &Ack) {
        // A window that was not full proves nothing; losses under repair are no time to grow.
        if !ack.may_grow() {
            return;
        }
        self.acknowledged += ack.bytes;
        if self.acknowledged >= self.cwnd {
            self.acknowledged -= self.cwnd;
            self.cwnd += INCREASE * self.mss;
        }
    }

    // Once per recovery episode, however many segments it loses.
    fn on_loss(&mut self, _: &Loss) {
        self.cwnd = (self.cwnd * KEEP.0 / KEEP.1).max(2 * self.mss);
    }

    fn on_timeout(&mut self, _: &Loss) {
        self.cwnd = self.mss;
    }
}

static AIMD: Algorithm = Algorithm {
    name: "aimd",
    summary: "adds two segments per window, keeps three quarters of it after a loss",
    parameters: &[],
    build: |path| Box::new(Aimd { mss: path.mss, cwnd: path.initial_window, acknowledged: 0 }),
};

fn main() -> ExitCode {
    Testbed::new().controller(&AIMD).main()
}
