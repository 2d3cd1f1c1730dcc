//! Names that the readers of our tables would take for something else.

use super::problem::{Place, Problem};

/// Checks the name of a group or of a link: an error if tables with it read as if the field were empty,
/// a warning if they read as numbers or truth values.
pub(super) fn check(name: &str, place: Place, problems: &mut Vec<Problem>) {
    if is_missing(name) {
        let message = format!("pandas and R read the name \"{name}\" as a missing value");
        problems.push(Problem::error(place, message, format!("write another name, such as \"x-{name}\"")));
    } else if is_number(name) {
        let message =
            format!("programs that read the tables take the name \"{name}\" for a number or a truth value");
        problems.push(Problem::warning(place, message, format!("write another name, such as \"x-{name}\"")));
    }
}

/// Names that [`is_missing`] finds, as a regular expression.
pub(super) const MISSING: &str = "^(?:None|-?[nN][aA][nN]|[nN][aA]|[nN][uU][lL][lL])$";

/// True for names that `pandas.read_csv`, R's `read.csv` and `fread` read as missing, as far as names
/// can be written so. Numbers are read in any case, so `nan` is too; `none` is a controller's name, and only `None` is
/// missing.
fn is_missing(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let bare = lower.strip_prefix('-').unwrap_or(&lower);
    name == "None" || bare == "nan" || ["na", "null"].contains(&lower.as_str())
}

/// True if a column of such names would be read as numbers that look different, or as truth values.
fn is_number(name: &str) -> bool {
    let as_written = name.parse::<i64>().is_ok_and(|n| n.to_string() == name);
    let truth = ["true", "false"].contains(&name.to_ascii_lowercase().as_str());
    truth || name.parse::<f64>().is_ok() && !as_written
}

#[cfg(test)]
mod tests {
    use super::super::testing::{and, plan, refused, with};

    #[test]
    fn names_that_read_as_missing_are_refused() {
        for word in ["NA", "na", "null", "NULL", "Null", "nan", "NaN", "-nan", "-NaN", "None"] {
            let text = with("\"people\"", &format!("\"{word}\""));
            let says = format!("pandas and R read the name \"{word}\" as a missing value");
            refused(&text, 18, &format!("\"{word}\""), &says, &format!("\"x-{word}\""));
            // Once where the link is described, not where paths name it.
            let text = super::super::testing::SOUND.replace("bottleneck", word);
            refused(&text, 6, word, &says, &format!("\"x-{word}\""));
        }
        // The other words of pandas' list are no names in the first place.
        for word in ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "1.#QNAN", "<NA>", "N/A", "n/a"] {
            refused(
                &with("\"people\"", &format!("\"{word}\"")),
                18,
                &format!("\"{word}\""),
                "is no name",
                "letters",
            );
        }
    }

    #[test]
    fn names_that_read_as_numbers_are_warned_of() {
        let warned = |name: &str| {
            plan(&and(&format!("[link.{name}]\n"))).render_warnings(false).contains("take the name")
        };
        for name in ["1e5", "007", "inf", "-0", "TRUE", "false"] {
            assert!(warned(name), "{name}");
        }
        for name in ["1", "-5", "none", "no", "e5", "t", "nano", "null-1", "banana"] {
            assert!(!warned(name), "{name}");
        }
    }
}
