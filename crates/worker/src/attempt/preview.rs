//! What a picture is becoming, shown over Redis: the newest counts, so a slow Redis skips some and delays nothing.

use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::{ImageError, RgbImage, imageops};
use mystic_domain::JobId;
use tokio::sync::watch;

use super::Bench;
use super::progress::Reporter;

/// Longest side of a preview in pixels.
const LONGEST: u32 = 256;
/// JPEG quality, of 100.
const QUALITY: u8 = 80;

/// Shows the previews of one attempt until it is dropped.
#[derive(Debug)]
pub(super) struct Previews {
    newest: watch::Sender<Option<(u32, u32)>>,
    path: PathBuf,
}

/// Why a preview is not shown.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("it can't be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("another has taken its place")]
    Replaced,
    #[error("it can't be encoded: {0}")]
    Jpeg(#[from] ImageError),
    #[error("its encoder met a defect")]
    Encoder,
    #[error(transparent)]
    Redis(#[from] mystic_queue::QueueError),
}

impl Previews {
    /// Starts to show what an engine puts at this path; `reporter` tells that there is one.
    pub(super) fn start(bench: &Bench, job: JobId, path: PathBuf, reporter: Reporter) -> Self {
        let (newest, mut sizes) = watch::channel(None);
        let (queue, shown) = (bench.queue.clone(), path.clone());
        tokio::spawn(async move {
            while sizes.changed().await.is_ok() {
                let size: Option<(u32, u32)> = *sizes.borrow_and_update();
                let Some(size) = size else { continue };
                let kept = async {
                    let jpeg = jpeg(&shown, size).await?;
                    Ok(queue.keep_preview(job, &jpeg).await?)
                };
                match kept.await {
                    Ok(()) => reporter.shown(),
                    Err::<(), Lost>(error) => tracing::debug!(%job, %error, "a preview is lost"),
                }
            }
        });
        Self { newest, path }
    }

    /// Where the engine puts them.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// There is a newer one, of this width and height.
    pub(super) fn show(&self, size: (u32, u32)) {
        self.newest.send_replace(Some(size));
    }
}

/// An engine's raw preview as a JPEG of at most [`LONGEST`] pixels a side.
async fn jpeg(path: &Path, (width, height): (u32, u32)) -> Result<Vec<u8>, Lost> {
    let pixels = tokio::fs::read(path).await?;
    let encoded = tokio::task::spawn_blocking(move || {
        let mut picture = RgbImage::from_raw(width, height, pixels)
            .filter(|picture| {
                picture.as_raw().len() as u64 == 3 * u64::from(width) * u64::from(height)
            })
            .ok_or(Lost::Replaced)?;
        let (small_width, small_height) = mystic_thumbnail::within((width, height), LONGEST);
        if (small_width, small_height) != (width, height) {
            picture = imageops::thumbnail(&picture, small_width, small_height);
        }
        let mut file = Vec::new();
        JpegEncoder::new_with_quality(&mut file, QUALITY).encode_image(&picture)?;
        Ok(file)
    });
    encoded.await.map_err(|_| Lost::Encoder)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_preview_is_a_small_jpeg_and_a_torn_one_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("preview");
        std::fs::write(&path, [200, 40, 40].repeat(512 * 384)).expect("written");
        let file = jpeg(&path, (512, 384)).await.expect("a JPEG");
        let picture = image::load_from_memory(&file).expect("decoded").into_rgb8();
        assert_eq!(picture.dimensions(), (256, 192));
        let [red, green, blue] = picture.get_pixel(100, 100).0;
        assert!(red.abs_diff(200) < 4 && green.abs_diff(40) < 4 && blue.abs_diff(40) < 4);
        for other in [(512, 385), (512, 383)] {
            assert!(matches!(jpeg(&path, other).await, Err(Lost::Replaced)));
        }
    }
}
