//! The small picture beside each picture: the same bytes of the same pixels, whether a worker has drawn them or the API
//! imports them. Who imports an outputs directory sends its thumbnails too, which are known by their content.

use std::ops::Deref;

use image::{ImageBuffer, Rgb, imageops};
use png::{BitDepth, ColorType, Encoder, EncodingError};

/// Longest side in pixels.
const SIDE: u32 = 384;

/// The thumbnail's PNG file.
///
/// # Errors
/// A picture without pixels.
pub fn thumbnail(
    picture: &ImageBuffer<Rgb<u8>, impl Deref<Target = [u8]>>,
) -> Result<Vec<u8>, EncodingError> {
    let (width, height) = within(picture.dimensions(), SIDE);
    if (width, height) == picture.dimensions() {
        return encode(picture.as_raw(), width, height);
    }
    let small = imageops::thumbnail(picture, width, height);
    encode(small.as_raw(), width, height)
}

/// Width and height of a picture of this size once no side of it is longer than `longest` pixels.
#[must_use]
pub fn within((width, height): (u32, u32), longest: u32) -> (u32, u32) {
    let from = width.max(height);
    if from <= longest {
        return (width, height);
    }
    let side = |side: u32| {
        let scaled = u64::from(side) * u64::from(longest) / u64::from(from);
        u32::try_from(scaled).unwrap_or(1).max(1)
    };
    (side(width), side(height))
}

fn encode(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, EncodingError> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(file)
}
