//! CUBIC's period on a full queue beside Linux's own (`docs/data/kernel_sawtooth.csv`).

use crate::support::reference::{number, rows};
use crate::support::{losses_after_20_s, run};

/// Times between losses of one flow on a full queue.
fn periods(rtt_ms: u64, queue: u64, pacing: bool) -> Vec<f64> {
    let text = format!(
        "duration = \"120s\"\n[link.neck]\nrate = \"10mbit\"\ndelay = \"{}ms\"\nqueue = \"{queue} packets\"\n\
         [tcp]\ncongestion = \"cubic\"\npacing = {pacing}\n\
         [[clients]]\nname = \"bulk\"\npath = [\"neck\"]\napp = {{ kind = \"bulk\" }}\n",
        rtt_ms / 2
    );
    let series = run(&text, 1).series.expect("the first trial keeps series");
    let losses = losses_after_20_s(&series);
    losses.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// 10 Mbit/s, 50 ms and 42 packets, paced: Linux's period is 2.8 to 2.9 s, the RFC's formulas say 4.3.
#[test]
fn its_period_on_a_full_queue_is_that_of_linux() {
    let periods = periods(50, 42, true);
    let mean = periods.iter().sum::<f64>() / periods.len() as f64;
    assert!((2.6..=3.1).contains(&mean), "{mean:.2} s: {periods:.2?}");
}

/// At 100 ms and 84 packets, unpaced, fast convergence makes short and long periods alternate.
#[test]
fn its_periods_alternate_as_on_linux() {
    let table = rows(include_str!("../../docs/data/kernel_sawtooth.csv"));
    let row = table.iter().find(|row| row["cc"] == "cubic").expect("a row of the table");
    let periods = periods(100, 84, false);
    let (short, long) = periods.iter().fold((f64::MAX, 0.0f64), |(s, l), &p| (s.min(p), l.max(p)));
    let (theirs_short, theirs_long) = (number(row, "period_min_s"), number(row, "period_max_s"));
    println!("{short:.2} and {long:.2} s, Linux {theirs_short} and {theirs_long} s: {periods:.2?}");
    assert!((short / theirs_short - 1.0).abs() < 0.2, "{short:.2} against {theirs_short} s");
    assert!((long / theirs_long - 1.0).abs() < 0.2, "{long:.2} against {theirs_long} s");
}
