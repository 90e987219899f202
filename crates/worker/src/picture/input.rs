//! What a picture starts from: a file of the store as raw pixels of the picture's size, as engines take them.

use std::io::Cursor;
use std::path::Path;

use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageReader};
use mystic_domain::{Failure, FailureKind};
use sha2::{Digest, Sha256};

use super::{SaveError, Shelf};

/// What is kept of each pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colours {
    Rgb,
    Grey,
}

/// Why a picture can't be started from.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    #[error("the picture to start from can't be fetched: {0}")]
    Fetch(#[from] SaveError),
    #[error("the picture to start from is not the one that was meant: its SHA-256 is {0}")]
    Other(String),
    #[error("the picture to start from can't be decoded: {0}")]
    Decode(#[from] ImageError),
    #[error("the picture to start from can't be put before the engine: {0}")]
    Write(#[from] std::io::Error),
    #[error("the picture to start from met a defect of its decoder")]
    Decoder,
}

impl InputError {
    /// Whether the same may work later.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Fetch(error) if error.is_passing())
    }

    /// As the job's failure.
    pub(crate) fn failure(&self) -> Failure {
        let kind = match self {
            Self::Write(_) if mystic_process::disk::is_full(self) => FailureKind::DiskFull,
            Self::Other(_) | Self::Decode(_) => FailureKind::InvalidInput,
            _ => FailureKind::Internal,
        };
        Failure::new(kind, self.to_string())
    }
}

/// Writes a file of the store as raw pixels: scaled until it covers the size, and cropped around its middle.
pub(crate) async fn bring(
    shelf: &Shelf,
    sha256: &str,
    size: (u32, u32),
    colours: Colours,
    path: &Path,
) -> Result<(), InputError> {
    let file = shelf.get(sha256).await?;
    let there = hex::encode(Sha256::digest(&file));
    if there != sha256 {
        return Err(InputError::Other(there));
    }
    let pixels = tokio::task::spawn_blocking(move || pixels(&file, size, colours)).await;
    let pixels = pixels.map_err(|_| InputError::Decoder)??;
    Ok(tokio::fs::write(path, pixels).await?)
}

/// A picture's raw pixels at a size. Every file of the store was decoded before it was kept, and its decoder's limits hold
/// all the same. One that was imported may lie on its side.
fn pixels(
    file: &[u8],
    (width, height): (u32, u32),
    colours: Colours,
) -> Result<Vec<u8>, ImageError> {
    let reader = ImageReader::new(Cursor::new(file)).with_guessed_format()?;
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    let picture = match colours {
        Colours::Rgb => DynamicImage::ImageRgb8(picture.into_rgb8()),
        Colours::Grey => DynamicImage::ImageLuma8(picture.into_luma8()),
    };
    if (picture.width(), picture.height()) == (width, height) {
        return Ok(picture.into_bytes());
    }
    let fitted = picture.resize_to_fill(width, height, FilterType::CatmullRom);
    Ok(fitted.into_bytes())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

    use super::{Colours, pixels};

    /// Left half black, right half white, with a red border above and below.
    fn file(width: u32, height: u32, border: u32) -> Vec<u8> {
        let picture = RgbImage::from_fn(width, height, |x, y| {
            if y < border || y >= height - border {
                Rgb([255, 0, 0])
            } else if x < width / 2 {
                Rgb([0; 3])
            } else {
                Rgb([255; 3])
            }
        });
        let mut file = Vec::new();
        let picture = DynamicImage::from(picture);
        let written = picture.write_to(&mut Cursor::new(&mut file), ImageFormat::Png);
        written.expect("encoded");
        file
    }

    #[test]
    fn a_picture_of_the_right_size_is_not_touched() {
        let there = pixels(&file(8, 8, 0), (8, 8), Colours::Rgb).expect("decoded");
        let row = [[0; 12], [255; 12]].concat();
        assert_eq!(there, row.repeat(8));
    }

    #[test]
    fn another_size_is_covered_and_cropped_around_the_middle() {
        let there = pixels(&file(64, 128, 30), (32, 32), Colours::Rgb).expect("decoded");
        assert_eq!(there.len(), 32 * 32 * 3);
        let at = |x: usize, y: usize| &there[(y * 32 + x) * 3..][..3];
        for y in [1, 16, 30] {
            assert_eq!((at(4, y), at(28, y)), (&[0; 3][..], &[255; 3][..]));
        }
        let grey = pixels(&file(64, 128, 30), (32, 32), Colours::Grey).expect("decoded");
        assert_eq!((grey.len(), grey[4], grey[28]), (32 * 32, 0, 255));
    }
}
