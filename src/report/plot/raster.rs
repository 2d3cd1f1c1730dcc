//! A drawing as pixels.

use std::collections::BTreeSet;

use resvg::{tiny_skia, usvg};

use super::style;

/// The picture as PNG, one pixel per unit of the SVG's width and height, and the characters that the font
/// has no glyph for, which are boxes in it.
pub fn rasterise(svg: &str) -> Result<(Vec<u8>, BTreeSet<char>), String> {
    let mut options = usvg::Options { font_family: style::FONT_NAME.to_owned(), ..usvg::Options::default() };
    let fonts = options.fontdb_mut();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    let tree = usvg::Tree::from_str(svg, &options).map_err(|error| error.to_string())?;
    let size = tree.size().to_int_size();
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height()).ok_or("an empty picture")?;
    pixels.fill(tiny_skia::Color::WHITE);
    resvg::render(&tree, tiny_skia::Transform::identity(), &mut pixels.as_mut());
    let png = pixels.encode_png().map_err(|error| error.to_string())?;
    let mut boxes = BTreeSet::new();
    collect_boxes(tree.root(), &mut boxes);
    Ok((png, boxes))
}

/// The characters drawn with glyph 0, the box that a font has in place of what it lacks.
fn collect_boxes(group: &usvg::Group, boxes: &mut BTreeSet<char>) {
    for node in group.children() {
        match node {
            usvg::Node::Group(group) => collect_boxes(group, boxes),
            usvg::Node::Text(text) => {
                let glyphs = text.layouted().iter().flat_map(|span| &span.positioned_glyphs);
                boxes.extend(glyphs.filter(|glyph| glyph.id.0 == 0).flat_map(|glyph| glyph.text.chars()));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::rasterise;

    #[test]
    fn characters_that_the_font_lacks_are_named() {
        let svg = |text: &str| {
            let head = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"200\" height=\"20\">";
            format!("{head}<text x=\"1\" y=\"15\" font-size=\"12\">{text}</text></svg>")
        };
        let boxes = |text: &str| rasterise(&svg(text)).expect("drawn").1.into_iter().collect::<String>();
        assert_eq!(boxes("Überlast \u{62e5}\u{585e} \u{1f680} a"), "\u{585e}\u{62e5}\u{1f680}");
        assert_eq!(boxes("e\u{301} αβγ Ж \u{0627}\u{0644}\u{0639} \u{5d0} ± … − \u{2009}"), "");
    }
}
