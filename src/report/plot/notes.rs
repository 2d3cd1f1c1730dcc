//! Words on pictures that are not as they should be.

use std::collections::BTreeSet;

use crate::tables::Warning;

/// That pictures are those of the run, because `missing` files forbid to draw them anew.
pub fn kept_warning(kept: &[String], missing: &[String]) -> Option<Warning> {
    let (first, kept) = (missing.first()?, Some(kept.join(", ")).filter(|names| !names.is_empty())?);
    let more = if missing.len() > 1 { format!(" and {} more", missing.len() - 1) } else { String::new() };
    let text = format!("pictures left as they were, because the run's {first}{more} are not here: {kept}");
    Some(Warning { text, cells: Vec::new() })
}

/// That characters of a title are boxes in these pictures.
pub fn boxes(characters: &BTreeSet<char>, pictures: &[String]) -> Option<String> {
    const LISTED: usize = 12;
    let listed: Vec<String> = (characters.iter().take(LISTED))
        .map(|&c| {
            let code = format!("U+{:04X}", u32::from(c));
            if c.is_control() { code } else { format!("{c} ({code})") }
        })
        .collect();
    let more = characters.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let pictures = pictures.iter().map(|name| format!("{name}.png")).collect::<Vec<_>>().join(", ");
    (!characters.is_empty()).then(|| {
        format!(
            "the pictures' font has no {}{more}, so that they are boxes in {pictures}; a viewer of the SVG may \
             have another font for them",
            listed.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_are_boxes_are_named_with_their_pictures() {
        let text =
            boxes(&"拥🚀\u{7}".chars().collect(), &["cwnd", "queue"].map(str::to_owned)).expect("a warning");
        assert!(
            text.contains("no U+0007, 拥 (U+62E5), 🚀 (U+1F680), so")
                && text.contains("in cwnd.png, queue.png;"),
            "{text}"
        );
        assert_eq!(boxes(&BTreeSet::new(), &[]), None);
    }
}
