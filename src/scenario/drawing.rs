//! Drawings of problems for a terminal: the line of each, however long it is, without anything that the terminal
//! would obey.

use std::ops::Range;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, MietteError, MietteSpanContents,
    NamedSource, SourceCode, SourceSpan, SpanContents,
};

use super::problem::{Problem, Severity, Source, Texts, is_obeyed, words};

/// The problems with the lines that they are in, the place under each, and the mend.
pub(super) fn draw(texts: &Texts, problems: &[Problem], colour: bool) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(100)
        .with_context_lines(1)
        .without_syntax_highlighting();
    let mut out = String::new();
    for (n, problem) in problems.iter().enumerate() {
        if n > 0 {
            out.push('\n');
        }
        // Writing to a string cannot fail.
        let _ = handler.render_report(&mut out, report(texts, problem).as_ref());
    }
    out
}

/// A problem as miette draws it.
fn report(texts: &Texts, problem: &Problem) -> miette::Report {
    let Problem { severity, message, help, place } = problem;
    let mut diagnostic = MietteDiagnostic::new(words(message)).with_severity(match severity {
        Severity::Error => miette::Severity::Error,
        Severity::Warning => miette::Severity::Warning,
    });
    if !help.is_empty() {
        diagnostic = diagnostic.with_help(words(help));
    }
    let text = texts.of(place.source);
    if text.is_empty() {
        // A file that could not be read, or an empty one, has no line to show.
        return miette::Report::new(diagnostic);
    }
    let name = match place.source {
        Source::File => texts.file.as_str(),
        Source::Set(_) => "--set",
    };
    let marked = marked(text, place.start..place.end);
    miette::Report::new(diagnostic.with_label(LabeledSpan::underline(marked)))
        .with_source_code(NamedSource::new(name, Excerpt::of(text)))
}

/// A text of which long lines are shown around their mark only. The drawing counts columns in sixteen bits.
#[derive(Debug)]
struct Excerpt(String);

impl Excerpt {
    /// `text` with what a terminal would obey replaced, byte for byte, so that places stay right.
    fn of(text: &str) -> Excerpt {
        let mut shown = String::with_capacity(text.len());
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            let is_line_end = c == '\n' || c == '\r' && rest.peek() == Some(&'\n');
            match c.len_utf8() {
                _ if is_line_end || c == '\t' || !is_obeyed(c) => shown.push(c),
                1 => shown.push('?'),
                2 => shown.push('\u{bf}'),
                _ => shown.push('\u{fffd}'),
            }
        }
        Excerpt(shown)
    }

    /// The line around `at`, cut to what is near.
    fn near(&self, at: Range<usize>) -> Range<usize> {
        let line_start = self.0[..at.start].rfind('\n').map_or(0, |end| end + 1);
        let line_end = self.0[at.end..].find('\n').map_or(self.0.len(), |length| at.end + length);
        let start = boundary(&self.0, at.start.saturating_sub(AROUND).max(line_start));
        start..boundary(&self.0, (at.end + AROUND).min(line_end))
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let contents = self.0.as_str().read_span(span, before, after)?;
        if contents.data().split(|&byte| byte == b'\n').all(|line| line.len() <= LONGEST_LINE) {
            return Ok(contents);
        }
        let at = span.offset()..span.offset() + span.len();
        let line = self.0[..at.start].matches('\n').count();
        // Without context, only the position of the mark is asked for.
        let shown = if before + after == 0 { at } else { self.near(at) };
        let column = shown.start - self.0[..shown.start].rfind('\n').map_or(0, |end| end + 1);
        let place = SourceSpan::from(shown.clone());
        Ok(Box::new(MietteSpanContents::new(&self.0.as_bytes()[shown], place, line, column, 1)))
    }
}

/// Underlined part of a place: at least one character, and of a long stretch only its beginning.
fn marked(text: &str, place: Range<usize>) -> Range<usize> {
    // Text missing at the end is shown at the last character.
    let last = text.char_indices().next_back().map_or(0, |(at, _)| at);
    let start = boundary(text, place.start.min(last));
    let end = if start == last { text.len() } else { place.end.clamp(start + 1, text.len()) };
    let stretch = &text.as_bytes()[start..end];
    let line = stretch.iter().position(|&byte| byte == b'\n').unwrap_or(stretch.len());
    let is_long = stretch.len() > LONGEST_LINE || stretch.split(|&byte| byte == b'\n').count() > MOST_LINES;
    let end = if is_long { start + line.clamp(1, LONGEST_MARK) } else { end };
    // Up to a whole character.
    start..(end..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len())
}

/// The start of the character at `at`.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// Bytes of a line that is shown whole.
const LONGEST_LINE: usize = 400;
/// Bytes of a longer line that are shown on each side of the mark.
const AROUND: usize = 60;
/// Bytes that are underlined in a longer stretch.
const LONGEST_MARK: usize = 40;
/// Lines that a mark may reach over.
const MOST_LINES: usize = 10;

#[cfg(test)]
mod tests {
    use super::super::testing::{and, errors};
    use super::*;

    #[test]
    fn a_problem_far_along_a_line_is_shown_with_its_surroundings() {
        let values: Vec<String> = (0..20_000).map(|n| format!("{}", 64 + n % 8000)).collect();
        let line = format!("\"tcp.mss\" = [{}, \"x\"]", values.join(", "));
        let (error, found) = errors(&and(&format!("[sweep]\n{line}\n")), &[]);
        let bad =
            found.iter().find(|problem| error.texts.at(problem.place) == "\"x\"").expect("the bad value");
        let only = super::super::ScenarioError { problems: vec![bad.clone()], ..error };
        let shown = only.render(false);
        assert!(shown.contains(&format!("[dir/test.toml:22:{}]", line.len() - 3)), "{shown}");
        assert!(shown.contains(", \"x\"]\n") && shown.contains("·") && shown.len() < 1000, "{shown}");
    }

    #[test]
    fn a_long_stretch_is_marked_at_its_beginning() {
        let text = format!("k = [{}]\n", "1, ".repeat(30_000));
        assert_eq!(marked(&text, 4..text.len() - 1), 4..4 + LONGEST_MARK);
        let lines = format!("k = [\n{}]\n", "1,\n".repeat(30));
        assert_eq!(marked(&lines, 4..lines.len() - 1), 4..5);
        assert_eq!(marked("é", 0..0), 0..2);
        assert_eq!(marked("aé", 7..9), 1..3);
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_shown() {
        for bad in ["\u{1b}[2J", "\u{9b}2J", "\u{202e}", "\0", "\r"] {
            for text in [format!("a = 1 # {bad} x\nb = ]\n"), format!("\"k{bad}\" = 1\n")] {
                let shown = errors(&text, &[]).0.render(false);
                assert!(!shown.contains(bad), "{shown:?}");
                assert_eq!(Excerpt::of(&text).0.len(), text.len());
            }
        }
        assert_eq!(Excerpt::of("a\r\n\tb").0, "a\r\n\tb");
    }
}
