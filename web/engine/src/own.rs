//! A controller that the page decides for: `own`, in JavaScript.

use std::cell::Cell;

use testbed::congestion::{Ack, Algorithm, CongestionController, Loss, Path};
use testbed::time::{Duration, Instant};

#[link(wasm_import_module = "page")]
unsafe extern "C" {
    /// New window in bytes after an event of a sender: 0 an acknowledgment that may make it grow, 1 a loss, 2 a
    /// timeout. Times are in seconds, below zero where they are not known.
    safe fn decide(
        event: u32,
        sender: u32,
        now: f64,
        cwnd: f64,
        mss: f64,
        bytes: f64,
        flight: f64,
        srtt: f64,
        min_rtt: f64,
    ) -> f64;
}

/// Line of the controller.
pub static OWN: Algorithm = Algorithm {
    name: "own",
    summary: "the controller that is written on this page",
    parameters: &[],
    build: |path| Box::new(Own::new(path)),
};

/// Most bytes of a window.
const MOST: f64 = (1u64 << 30) as f64;

thread_local! {
    static SENDERS: Cell<u32> = const { Cell::new(0) };
}

#[derive(Debug)]
struct Own {
    sender: u32,
    mss: u64,
    cwnd: u64,
    times: (f64, f64),
}

impl Own {
    fn new(path: &Path) -> Own {
        let sender = SENDERS.get();
        SENDERS.set(sender.wrapping_add(1));
        Own { sender, mss: path.mss, cwnd: path.initial_window, times: (-1.0, -1.0) }
    }

    fn ask(&mut self, event: u32, now: Instant, bytes: u64, flight: u64) {
        let (mss, (srtt, min_rtt)) = (self.mss as f64, self.times);
        let now = now.as_secs_f64();
        let cwnd = decide(
            event,
            self.sender,
            now,
            self.cwnd as f64,
            mss,
            bytes as f64,
            flight as f64,
            srtt,
            min_rtt,
        );
        // The page has refused and shown what is no window; here it must not do harm.
        if cwnd.is_finite() {
            self.cwnd = cwnd.clamp(mss, MOST) as u64;
        }
    }
}

impl CongestionController for Own {
    fn cwnd(&self) -> u64 {
        self.cwnd
    }

    fn on_ack(&mut self, ack: &Ack) {
        let known = |span: Duration| if span == Duration::MAX { -1.0 } else { span.as_secs_f64() };
        self.times = (known(ack.srtt), known(ack.min_rtt));
        if ack.may_grow() {
            self.ask(0, ack.now, ack.bytes, ack.flight);
        }
    }

    fn on_loss(&mut self, loss: &Loss) {
        self.ask(1, loss.now, loss.bytes, loss.flight);
    }

    fn on_timeout(&mut self, loss: &Loss) {
        self.ask(2, loss.now, loss.bytes, loss.flight);
    }
}
