//! A drawing as pixels.

use std::collections::BTreeSet;

use resvg::{tiny_skia, usvg};

use super::style;

/// Inches in a metre.
const INCHES: f32 = 1.0 / 0.0254;

/// Pixels per inch of SVG.
const SVG_DPI: f32 = 96.0;

/// The picture as PNG, one pixel per unit of the SVG's width and height, and the characters that the font
/// has no glyph for, which are boxes in it.
pub fn rasterise(svg: &str) -> Result<(Vec<u8>, BTreeSet<char>), String> {
    let tree = parse(svg)?;
    Ok((png(&tree, None)?, boxes(&tree)))
}

/// The drawing with our font.
pub fn parse(svg: &str) -> Result<usvg::Tree, String> {
    let mut options = usvg::Options { font_family: style::FONT_NAME.to_owned(), ..usvg::Options::default() };
    let fonts = options.fontdb_mut();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    usvg::Tree::from_str(svg, &options).map_err(|error| error.to_string())
}

/// A drawing as PNG with so many dots per inch, which the file then says; else one per pixel of the SVG.
pub fn png(tree: &usvg::Tree, dpi: Option<f32>) -> Result<Vec<u8>, String> {
    let scale = dpi.map_or(1.0, |dpi| dpi / SVG_DPI);
    let size = match dpi {
        None => tree.size().to_int_size(),
        Some(_) => {
            let [width, height] = [tree.size().width(), tree.size().height()].map(|length| length * scale);
            tiny_skia::IntSize::from_wh(width.round() as u32, height.round() as u32)
                .ok_or("an empty picture")?
        }
    };
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height()).ok_or("an empty picture")?;
    pixels.fill(tiny_skia::Color::WHITE);
    resvg::render(tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixels.as_mut());
    let png = pixels.encode_png().map_err(|error| error.to_string())?;
    Ok(match dpi {
        Some(dpi) => with_density(&png, (dpi * INCHES).round() as u32),
        None => png,
    })
}

/// A PNG with its pixels per metre (PNG specification §11.3.4.3).
fn with_density(png: &[u8], per_metre: u32) -> Vec<u8> {
    /// Signature and the whole header, which other chunks follow.
    const HEADER: usize = 8 + 25;
    let mut chunk = b"pHYs".to_vec();
    chunk.extend(per_metre.to_be_bytes().repeat(2));
    // The unit is the metre.
    chunk.push(1);
    let mut crc = flate2::Crc::new();
    crc.update(&chunk);
    let length = u32::try_from(chunk.len() - 4).unwrap_or(0).to_be_bytes();
    let (header, rest) = png.split_at(HEADER.min(png.len()));
    [header, length.as_slice(), chunk.as_slice(), crc.sum().to_be_bytes().as_slice(), rest].concat()
}

/// The characters that the font has no glyph for.
pub fn boxes(tree: &usvg::Tree) -> BTreeSet<char> {
    let mut boxes = BTreeSet::new();
    collect_boxes(tree.root(), &mut boxes);
    boxes
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
