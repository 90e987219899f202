//! What a picture starts from, or a model looks at: a file of the store as raw pixels, as engines take them.

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

/// How large a picture becomes, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Of this width and height: scaled until it covers them, and cropped around its middle.
    Cover((u32, u32)),
    /// All of it, scaled down where a side is longer than this.
    Within(u32),
}

/// Why a picture can't be put before an engine.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    #[error("the job's picture can't be fetched: {0}")]
    Fetch(#[from] SaveError),
    #[error("the job's picture is not the one that was meant: its SHA-256 is {0}")]
    Other(String),
    #[error("the job's picture can't be decoded: {0}")]
    Decode(#[from] ImageError),
    #[error("the job's picture can't be put before the engine: {0}")]
    Write(#[from] std::io::Error),
    #[error("the job's picture met a defect of its decoder")]
    Decoder,
}

impl InputError {
    /// Whether the same may work later.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Fetch(error) if error.is_passing())
    }

    /// Whether there is no such file.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Self::Fetch(error) if error.is_gone())
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

/// Writes a file of the store as raw pixels; their width and height.
pub(crate) async fn bring(
    shelf: &Shelf,
    sha256: &str,
    fit: Fit,
    colours: Colours,
    path: &Path,
) -> Result<(u32, u32), InputError> {
    let file = shelf.get(sha256).await?;
    let there = hex::encode(Sha256::digest(&file));
    if there != sha256 {
        return Err(InputError::Other(there));
    }
    let decoded = tokio::task::spawn_blocking(move || decode(&file, fit, colours)).await;
    let picture = decoded.map_err(|_| InputError::Decoder)??;
    let size = (picture.width(), picture.height());
    tokio::fs::write(path, picture.into_bytes()).await?;
    Ok(size)
}

/// A picture at a size. Every file of the store was decoded before it was kept, and its decoder's limits hold
/// all the same. One that was imported may lie on its side.
fn decode(file: &[u8], fit: Fit, colours: Colours) -> Result<DynamicImage, ImageError> {
    let reader = ImageReader::new(Cursor::new(file)).with_guessed_format()?;
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    let picture = match colours {
        Colours::Rgb => DynamicImage::ImageRgb8(picture.into_rgb8()),
        Colours::Grey => DynamicImage::ImageLuma8(picture.into_luma8()),
    };
    let there = (picture.width(), picture.height());
    Ok(match fit {
        Fit::Cover(size) if size == there => picture,
        Fit::Cover((width, height)) => {
            picture.resize_to_fill(width, height, FilterType::CatmullRom)
        }
        Fit::Within(side) if there.0.max(there.1) <= side => picture,
        Fit::Within(side) => picture.resize(side, side, FilterType::CatmullRom),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

    use super::{Colours, Fit, decode};

    fn pixels(file: &[u8], size: (u32, u32), colours: Colours) -> Vec<u8> {
        let picture = decode(file, Fit::Cover(size), colours).expect("decoded");
        picture.into_bytes()
    }

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
        let there = pixels(&file(8, 8, 0), (8, 8), Colours::Rgb);
        let row = [[0; 12], [255; 12]].concat();
        assert_eq!(there, row.repeat(8));
    }

    #[test]
    fn another_size_is_covered_and_cropped_around_the_middle() {
        let there = pixels(&file(64, 128, 30), (32, 32), Colours::Rgb);
        assert_eq!(there.len(), 32 * 32 * 3);
        let at = |x: usize, y: usize| &there[(y * 32 + x) * 3..][..3];
        for y in [1, 16, 30] {
            assert_eq!((at(4, y), at(28, y)), (&[0; 3][..], &[255; 3][..]));
        }
        let grey = pixels(&file(64, 128, 30), (32, 32), Colours::Grey);
        assert_eq!((grey.len(), grey[4], grey[28]), (32 * 32, 0, 255));
    }

    #[test]
    fn what_is_looked_at_keeps_its_shape_and_is_never_made_larger() {
        let size = |file: &[u8], side| {
            let picture = decode(file, Fit::Within(side), Colours::Rgb).expect("decoded");
            (picture.width(), picture.height())
        };
        let tall = file(64, 128, 30);
        assert_eq!(size(&tall, 32), (16, 32));
        assert_eq!(size(&tall, 128), (64, 128));
        assert_eq!(size(&tall, 768), (64, 128));
        assert_eq!(size(&file(600, 2, 0), 32), (32, 1), "no side is nothing");
    }
}
