//! The text of a netem table (iproute2's `normal.dist` and its like): whole numbers, any number in a line, and
//! comments behind `#` at the beginning of a line. A number of 8192 is one jitter above the mean delay.

use super::files::{at_line, lines};
use super::leaf::Fault;
use super::problem::words;
use crate::link::config::JitterTable;

const FORM: &str =
    "a netem table has whole numbers, of which 8192 stands for one jitter, and lines that begin with #";

/// Most numbers of a table: `MAX_DIST` of tc.
const MOST: usize = 16_384;

/// Reads a table.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<JitterTable, Fault> {
    let mut values: Vec<i16> = vec![];
    for (number, line) in lines(name, bytes)?.filter(|(_, line)| !line.starts_with('#')) {
        for word in line.split_whitespace() {
            let value = word
                .parse::<i64>()
                .map_err(|_| at_line(name, number, &format!("\"{word}\" is no whole number"), FORM))?;
            // tc would cut off the upper bits.
            let value = i16::try_from(value).map_err(|_| {
                let help = "write numbers from -32768 to 32767: four jitters below the mean to four above";
                at_line(name, number, &format!("{value} is out of range"), help)
            })?;
            if values.len() == MOST {
                let message = format!("there are more than {MOST} numbers");
                return Err(at_line(name, number, &message, "write fewer: netem takes no more"));
            }
            values.push(value);
        }
    }
    JitterTable::new(values)
        .ok_or_else(|| Fault { message: format!("{} has no numbers", words(name)), help: FORM.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_as_tc_reads_them() {
        let table = |text: &str| read("a.dist", text.as_bytes()).ok();
        let sorted = JitterTable::new(vec![-8192, 0, 7, 8192]);
        assert!(sorted.is_some());
        assert_eq!(table("# made by hand\n -8192 0\t7\n\n# and\n8192\n"), sorted);
        // One is drawn anew each time, so their order says nothing.
        assert_eq!(table("8192 7\r\n0 -8192"), sorted);
    }

    #[test]
    fn what_is_wrong_with_a_table_names_its_line() {
        let many = "1 ".repeat(MOST) + "\n2\n";
        for (text, says) in [
            ("", "d/a.dist has no numbers"),
            ("# nothing\n\n", "d/a.dist has no numbers"),
            ("1 2\n3 x\n", "d/a.dist, line 2: \"x\" is no whole number"),
            ("1\n2 # two\n", "d/a.dist, line 2: \"#\" is no whole number"),
            ("1.5\n", "d/a.dist, line 1: \"1.5\" is no whole number"),
            ("0\n-32769\n", "d/a.dist, line 2: -32769 is out of range"),
            ("99999999999999999999\n", "d/a.dist, line 1: \"99999999999999999999\" is no whole number"),
            (&many, "d/a.dist, line 2: there are more than 16384 numbers"),
        ] {
            let fault = read("d/a.dist", text.as_bytes()).expect_err(says);
            assert!(fault.message.starts_with(says) && !fault.help.is_empty(), "{fault:?}");
        }
    }
}
