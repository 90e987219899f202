//! PNG files from RGB pixels.

use image::{ImageBuffer, Rgb, imageops};

use super::SaveError;
use super::metadata::Recipe;

/// Longest side of a thumbnail in pixels.
const THUMB_SIDE: u32 = 384;

/// The picture's file, with its recipe inside.
pub(super) fn encode(
    pixels: &[u8],
    width: u32,
    height: u32,
    recipe: Option<&Recipe<'_>>,
) -> Result<Vec<u8>, SaveError> {
    let mut file = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut file, width, height);
    encoder.set_color(::png::ColorType::Rgb);
    encoder.set_depth(::png::BitDepth::Eight);
    if let Some(recipe) = recipe {
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
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(file)
}

/// The thumbnail's file.
pub(super) fn thumbnail(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, SaveError> {
    let longest = width.max(height);
    if longest <= THUMB_SIDE {
        return encode(pixels, width, height, None);
    }
    let side = |side: u32| {
        u32::try_from(u64::from(side) * u64::from(THUMB_SIDE) / u64::from(longest))
            .unwrap_or(1)
            .max(1)
    };
    let picture: ImageBuffer<Rgb<u8>, &[u8]> =
        ImageBuffer::from_raw(width, height, pixels).ok_or(SaveError::Pixels)?;
    let small = imageops::thumbnail(&picture, side(width), side(height));
    encode(small.as_raw(), small.width(), small.height(), None)
}
