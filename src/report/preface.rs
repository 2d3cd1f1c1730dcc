//! Beginning of the page: the words of the author.

use maud::{Markup, html};

/// Comment of the author above the first key of the scenario, mostly the question: in paragraphs, and its indented
/// lines, mostly commands, as they are.
pub fn of(scenario: &str) -> Markup {
    let comment = scenario.lines().map(str::trim).take_while(|line| line.starts_with('#'));
    let lines = comment.map(|line| line.trim_start_matches('#'));
    // An editor's schema line is not for readers.
    let lines: Vec<&str> = lines.filter(|line| !line.starts_with(":schema")).collect();
    let is_code = |line: &str| line.starts_with("   ") && !line.trim().is_empty();
    let kind = |line: &str| (is_code(line), line.trim().is_empty());
    let blocks = lines.chunk_by(|one, next| kind(one) == kind(next)).map(|block| {
        let is_code = is_code(block[0]);
        let lines: Vec<&str> = block.iter().map(|line| line.trim()).collect();
        (is_code, lines.join(if is_code { "\n" } else { " " }))
    });
    let blocks = blocks.filter(|(_, text)| !text.trim().is_empty());
    html! { @for (is_code, text) in blocks { @if is_code { pre { (text) } } @else { p { (words(&text)) } } } }
}

/// Words, and what stands between backticks as code.
fn words(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    let has_code = parts.len() % 2 == 1;
    html! {
        @for (n, part) in parts.iter().enumerate() {
            @if n % 2 == 1 && has_code {
                code { (part) }
            } @else {
                @if n > 0 && !has_code { "`" }
                (part)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_above_the_first_key_are_no_part_of_a_paragraph() {
        let text = "#:schema x.json\n# Who?\n#\n# Hand in: `one`\n# and two.\n#   testbed run <x>\n#   testbed list\n\n# not";
        let page = "<p>Who?</p><p>Hand in: <code>one</code> and two.</p><pre>testbed run &lt;x&gt;\ntestbed list</pre>";
        assert_eq!(of(text).into_string(), page);
        assert_eq!(words("a ` b").into_string(), "a ` b");
    }
}
