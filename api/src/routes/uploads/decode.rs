//! A picture from anywhere becomes one of ours: what native code and other decoders see is what was encoded here.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage, Rgba,
    metadata::Orientation,
};
use mystic_domain::{InvalidField, Pixels, UploadKind};

/// What a decoder may take for each pixel: 16 bits of red, green, blue and alpha.
const BYTES_PER_PIXEL: u64 = 8;
/// What it may take besides.
const OVERHEAD: u64 = 16 << 20;

/// An upload as it is kept.
pub(super) struct Decoded {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) png: Vec<u8>,
}

/// Decodes an upload and encodes it anew. Its size is looked at before anything is decoded; it is turned upright, and what
/// is transparent becomes white.
pub(super) fn decode(file: &[u8], kind: UploadKind, most: Pixels) -> Result<Decoded, InvalidField> {
    let broken = |error: ImageError| {
        InvalidField::new(
            "body",
            format!("broken: {error}"),
            "a whole PNG, JPEG or WebP file",
        )
    };
    let mut reader = ImageReader::new(Cursor::new(file))
        .with_guessed_format()
        .map_err(|error| broken(error.into()))?;
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
    let mut decoder = reader.into_decoder().map_err(broken)?;
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
    let mut picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    picture.apply_orientation(orientation);
    let picture = on_white(picture);
    let picture = match kind {
        UploadKind::Picture => DynamicImage::ImageRgb8(picture),
        UploadKind::Mask => DynamicImage::ImageRgb8(picture).into_luma8().into(),
    };
    let mut png = Vec::new();
    picture
        .write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
        .map_err(broken)?;
    Ok(Decoded {
        width: picture.width(),
        height: picture.height(),
        png,
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
