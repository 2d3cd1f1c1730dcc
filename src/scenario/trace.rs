//! The text of a mahimahi trace: one line for each delivery opportunity, with its milliseconds since the start.

use super::files::{at_line, lines};
use super::leaf::Fault;
use super::problem::words;
use crate::link::config::Trace;
use crate::units::LONGEST;

const FORM: &str =
    "a mahimahi trace has one line for each 1500 bytes that may leave: the milliseconds since its start";

/// Reads a trace as it is.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Trace, Fault> {
    let most = LONGEST.as_nanos() / 1_000_000;
    let mut times: Vec<u32> = vec![];
    for (number, line) in lines(name, bytes)? {
        let wrong = |message: &str, help: &str| at_line(name, number, message, help);
        if line.trim().is_empty() {
            return Err(wrong("the line is empty", FORM));
        }
        let digits = line.trim_end();
        let millis = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>());
        let millis = match millis {
            None => return Err(wrong(&format!("\"{digits}\" is no whole number"), FORM)),
            Some(Ok(millis)) if millis <= most => millis as u32,
            Some(_) => {
                let message =
                    format!("{digits} ms is later than {} hours", LONGEST.as_nanos() / 3_600_000_000_000);
                return Err(wrong(&message, "times count from the start of the trace, in milliseconds"));
            }
        };
        if let Some(before) = times.last().filter(|before| **before > millis) {
            let message = format!("{millis} comes after {before}");
            return Err(wrong(&message, "times never decrease; sort the lines"));
        }
        times.push(millis);
    }
    let count = times.len();
    Trace::new(times).ok_or_else(|| {
        let message = match count {
            0 => format!("{} is empty", words(name)),
            _ => format!("{}, line {count}: the trace ends at 0 ms, so it has no length", words(name)),
        };
        Fault { message, help: FORM.to_owned() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_are_read_as_they_are() {
        let read = |text: &str| read("a.up", text.as_bytes());
        let trace = Trace::new(vec![0, 3, 3, 10]);
        assert_eq!(read("0\n3\n3\n10\n").ok(), trace);
        // Without the last line end, and from Windows.
        assert_eq!(read("0\n3\n3\n10").ok(), trace);
        assert_eq!(read("0\r\n3\r\n3\r\n10\r\n").ok(), trace);
    }

    #[test]
    fn what_is_wrong_with_a_trace_names_its_line() {
        for (text, says) in [
            (&b"1\n2x\n"[..], "dir/a.up, line 2: \"2x\" is no whole number"),
            (b"1\n-2\n", "dir/a.up, line 2: \"-2\" is no whole number"),
            (b"1.5\n", "dir/a.up, line 1: \"1.5\" is no whole number"),
            (b"+1\n", "dir/a.up, line 1: \"+1\" is no whole number"),
            (b"time_s,rate_mbit\n0,5\n", "dir/a.up, line 1: \"time_s,rate_mbit\" is no whole number"),
            (b"1\n\n2\n", "dir/a.up, line 2: the line is empty"),
            (b"1\n2\n\n", "dir/a.up, line 3: the line is empty"),
            (b"5\n9\n8\n", "dir/a.up, line 3: 8 comes after 9"),
            (b"0\n0\n", "dir/a.up, line 2: the trace ends at 0 ms"),
            (b"99999999999\n", "dir/a.up, line 1: 99999999999 ms is later than 1000 hours"),
            (b"99999999999999999999999\n", "dir/a.up, line 1: 99999999999999999999999 ms is later"),
            (b"", "dir/a.up is empty"),
            (b"1\n\xff\n", "dir/a.up is no text: see line 2"),
        ] {
            let fault = read("dir/a.up", text).expect_err(says);
            assert!(fault.message.starts_with(says) && !fault.help.is_empty(), "{fault:?}");
        }
    }
}
