//! Text for a terminal: aligned columns, and sentences in lines.

/// Pads the columns: the first `left` to the left, the others to the right. What does not fit beside
/// them into [`WIDTH`] columns of a terminal follows in a block of its own, with the first `left`
/// repeated.
pub fn align(rows: &[Vec<String>], left: usize) -> String {
    let count = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..count)
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let names: usize = widths[..left].iter().map(|width| width + GAP).sum();
    let room = WIDTH.max(names + LEAST_ROOM);
    let mut blocks: Vec<Vec<usize>> = vec![Vec::new()];
    let mut used = names;
    for (column, width) in widths.iter().enumerate().skip(left) {
        if used + width > room && blocks.last().is_some_and(|block| !block.is_empty()) {
            blocks.push(Vec::new());
            used = names;
        }
        used += width + GAP;
        blocks.last_mut().expect("there is one").push(column);
    }
    let texts: Vec<String> = blocks.iter().map(|block| block_of(rows, &widths, left, block)).collect();
    texts.join("\n")
}

/// The text in lines of at most 100 characters, all but the first indented.
pub fn wrapped(text: &str, indent: usize) -> String {
    textwrap::fill(&glued(text), wrapping(100).subsequent_indent(&" ".repeat(indent))).replace(GLUE, " ")
}

/// Space at which no line is broken.
const GLUE: &str = "\u{a0}";

/// The text with numbers that keep their per cent sign at the end of a line.
pub fn glued(text: &str) -> String {
    text.replace(" %", &format!("{GLUE}%"))
}

/// Lines of at most `width` characters, broken at spaces only: commands and names stay whole.
pub fn wrapping<'a>(width: usize) -> textwrap::Options<'a> {
    textwrap::Options::new(width)
        .break_words(false)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit)
}

/// The first `left` columns and those of a block.
fn block_of(rows: &[Vec<String>], widths: &[usize], left: usize, block: &[usize]) -> String {
    let mut text = String::new();
    for row in rows {
        let field = |column: usize| {
            let (field, width) = (&row[column], widths[column]);
            if column < left { format!("{field:<width$}") } else { format!("{field:>width$}") }
        };
        let fields: Vec<String> = (0..left).chain(block.iter().copied()).map(field).collect();
        text.push_str(fields.join(&" ".repeat(GAP)).trim_end());
        text.push('\n');
    }
    text
}

/// Columns of a terminal that a table uses at most.
const WIDTH: usize = 80;

/// Between two columns of a table.
const GAP: usize = 2;

/// For figures, however long the names beside them are.
const LEAST_ROOM: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".to_owned(), "10".to_owned()], vec!["long".to_owned(), "9 ± 1".to_owned()]];
        assert_eq!(align(&rows, 1), "a        10\nlong  9 ± 1\n");
    }

    #[test]
    fn a_number_and_its_per_cent_sign_stand_in_one_line() {
        let text = format!("{} 12.5 % of it", "word ".repeat(19).trim_end());
        let lines = wrapped(&text, 2);
        assert_eq!(lines.lines().nth(1), Some("  12.5 % of it"));
        assert_eq!(lines.replace("\n ", ""), text);
    }

    #[test]
    fn columns_that_do_not_fit_follow_in_a_block_of_their_own() {
        let rows: Vec<Vec<String>> = [["name", "a", "b"], ["x", "1", "2"]]
            .iter()
            .map(|row| row.map(|f| format!("{f:_<35}")).into())
            .collect();
        let text = align(&rows, 1);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        let starts: Vec<&str> = text.lines().map(|line| line.split('_').next().unwrap_or("")).collect();
        assert_eq!(starts, ["name", "x", "", "name", "x"]);
    }
}
