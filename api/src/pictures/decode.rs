//! A picture from anywhere is decoded here first: native code and other decoders see what was encoded anew, or whole files.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage, Rgba,
    metadata::Orientation,
};
use mystic_domain::{InvalidField, Pixels};

/// What a decoder may take for each pixel: 16 bits of red, green, blue and alpha.
const BYTES_PER_PIXEL: u64 = 8;
/// What it may take besides.
const OVERHEAD: u64 = 16 << 20;

/// A picture as it is seen.
pub struct Decoded {
    /// Upright, and white where it was transparent.
    pub picture: RgbImage,
    /// What its file is.
    pub format: ImageFormat,
    /// What its file says beside the pixels, as TIFF.
    pub exif: Option<Vec<u8>>,
}

/// A picture's PNG.
pub fn png(picture: &DynamicImage) -> Result<Vec<u8>, InvalidField> {
    let mut png = Vec::new();
    picture
        .write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
        .map_err(|error| broken(&error))?;
    Ok(png)
}

fn broken(error: &ImageError) -> InvalidField {
    InvalidField::new(
        "body",
        format!("broken: {error}"),
        "a whole PNG, JPEG or WebP file",
    )
}

/// Decodes a picture. Its size is looked at before anything is decoded.
pub fn decode(file: &[u8], most: Pixels) -> Result<Decoded, InvalidField> {
    let mut reader = ImageReader::new(Cursor::new(file))
        .with_guessed_format()
        .map_err(|error| broken(&error.into()))?;
    let format = reader.format().filter(|format| {
        use ImageFormat as F;
        matches!(format, F::Png | F::Jpeg | F::WebP)
    });
    let Some(format) = format else {
        let given = if file.is_empty() {
            "empty"
        } else {
            "of no format that is read"
        };
        return Err(InvalidField::new("body", given, "a PNG, JPEG or WebP file"));
    };
    if format == ImageFormat::Jpeg && !is_whole_jpeg(file) {
        // Its decoder would make up the rest.
        return Err(InvalidField::new("body", "cut off", "a whole JPEG file"));
    }
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(most.0 * BYTES_PER_PIXEL + OVERHEAD);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| broken(&error))?;
    let (width, height) = decoder.dimensions();
    if Pixels::of(width, height) > most || width == 0 || height == 0 {
        let allowed = format!("1 to {} pixels (api.max_upload_pixels)", most.0);
        return Err(InvalidField::new(
            "body",
            format!("{width} × {height} pixels"),
            allowed,
        ));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let exif = decoder.exif_metadata().unwrap_or_default();
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| broken(&error))?;
    picture.apply_orientation(orientation);
    Ok(Decoded {
        picture: on_white(picture),
        format,
        exif,
    })
}

fn on_white(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let picture = picture.into_rgba8();
    let mut flat = RgbImage::new(picture.width(), picture.height());
    for (to, Rgba([red, green, blue, alpha])) in flat.pixels_mut().zip(picture.pixels()) {
        let over = |colour: u8| {
            let alpha = u16::from(*alpha);
            let mixed = (u16::from(colour) * alpha + 255 * (255 - alpha) + 127) / 255;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        *to = Rgb([*red, *green, *blue].map(over));
    }
    flat
}

/// Whether the end follows the last scan: inside of one neither marker can occur.
fn is_whole_jpeg(file: &[u8]) -> bool {
    let last = |marker: [u8; 2]| file.windows(2).rposition(|two| two == marker);
    let (scan, end) = (last([0xff, 0xda]), last([0xff, 0xd9]));
    scan.is_some() && end > scan
}
