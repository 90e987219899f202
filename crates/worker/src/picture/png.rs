//! A PNG file from RGB pixels.

use super::SaveError;
use super::metadata::Recipe;

/// The picture's file, with its recipe inside.
pub(super) fn encode(
    pixels: &[u8],
    width: u32,
    height: u32,
    recipe: &Recipe<'_>,
) -> Result<Vec<u8>, SaveError> {
    let mut file = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut file, width, height);
    encoder.set_color(::png::ColorType::Rgb);
    encoder.set_depth(::png::BitDepth::Eight);
    for (keyword, text) in [
        ("parameters", recipe.parameters()),
        ("mysticanvas", recipe.json()?),
    ] {
        // The plain chunk is the one that other tools expect; it holds Latin-1 only.
        if text.chars().all(|c| u32::from(c) < 256) {
            encoder.add_text_chunk(keyword.to_owned(), text)?;
        } else {
            encoder.add_itxt_chunk(keyword.to_owned(), text)?;
        }
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(file)
}
