//! Files by their content: the row first (`staged`), then the file, then the picture's row.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use image::{ImageBuffer, Rgb};
use mystic_domain::{Failure, FailureKind, Mib, file_path};
use mystic_process::{disk, fault};
use mystic_store::Store;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStoreExt, PutPayload};
use sha2::{Digest, Sha256};

use super::metadata::Recipe;
use super::png;
use super::{Uplink, UplinkError};
use crate::WorkerError;

/// Where pictures go.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    store: Store,
    place: Place,
    outputs: PathBuf,
    min_free: Mib,
}

/// Where files lie in the end.
#[derive(Clone, Debug)]
enum Place {
    /// The outputs directory, which the API shares.
    Directory(Arc<LocalFileSystem>),
    /// The API's own.
    Api(Arc<Uplink>),
}

/// Why a picture can't be saved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SaveError {
    #[error("the engine's pixels don't have the size that it says")]
    Pixels,
    #[error("the engine's pixels can't be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("the PNG can't be written: {0}")]
    Png(#[from] ::png::EncodingError),
    #[error("the recipe can't be written: {0}")]
    Recipe(#[from] serde_json::Error),
    #[error("the store refuses: {0}")]
    Files(#[from] object_store::Error),
    #[error(transparent)]
    Database(#[from] mystic_store::StoreError),
    #[error("a file with the same content is being deleted")]
    Deleting,
    #[error(transparent)]
    Uplink(UplinkError),
    #[error("{free} are free for pictures, and {min_free} are kept back (store.min_free_mib)")]
    Full { free: Mib, min_free: Mib },
}

/// A picture whose files are in place and staged.
#[derive(Clone, Debug)]
pub(crate) struct StoredPicture {
    pub(crate) sha256: String,
    pub(crate) thumb_sha256: String,
    pub(crate) pixels_sha256: String,
}

impl SaveError {
    /// As the job's failure.
    pub(crate) fn failure(&self) -> Failure {
        let kind = if self.is_disk_full() {
            FailureKind::DiskFull
        } else {
            FailureKind::Internal
        };
        Failure::new(kind, self.to_string())
    }

    fn is_disk_full(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Uplink(UplinkError::Full(_)))
            || disk::is_full(self)
    }

    /// Whether there is no such file.
    pub(crate) fn is_gone(&self) -> bool {
        match self {
            Self::Files(error) => matches!(error, object_store::Error::NotFound { .. }),
            Self::Uplink(error) => error.is_gone(),
            _ => false,
        }
    }

    /// Whether the same may work later.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Database(error) => error.is_unavailable(),
            Self::Uplink(error) => error.is_passing(),
            _ => false,
        }
    }
}

impl Shelf {
    /// Opens the outputs directory; files go there, synced before they get their name, or over the uplink where there
    /// is one.
    pub(crate) fn open(
        store: Store,
        outputs: &Path,
        min_free: Mib,
        uplink: Option<Uplink>,
    ) -> Result<Self, WorkerError> {
        std::fs::create_dir_all(outputs).map_err(WorkerError::file(outputs))?;
        let place = if let Some(uplink) = uplink {
            Place::Api(uplink.into())
        } else {
            let files = LocalFileSystem::new_with_prefix(outputs)?.with_fsync(true);
            Place::Directory(files.into())
        };
        Ok(Self {
            store,
            place,
            outputs: outputs.to_owned(),
            min_free,
        })
    }

    /// Asks to be let in, where pictures are sent.
    pub(crate) async fn join(&self) -> Result<(), UplinkError> {
        match &self.place {
            Place::Directory(_) => Ok(()),
            Place::Api(uplink) => uplink.join().await,
        }
    }

    /// Whether there is room to start; a disk that can't be asked has some, or the write says so.
    pub(crate) fn check_room(&self) -> Result<(), SaveError> {
        match disk::free(&self.outputs) {
            Ok(free) if free < self.min_free => Err(SaveError::Full {
                free,
                min_free: self.min_free,
            }),
            _ => Ok(()),
        }
    }

    /// Encodes and stores a picture with its thumbnail.
    pub(crate) async fn save(
        &self,
        pixels: &Path,
        width: u32,
        height: u32,
        recipe: &Recipe<'_>,
    ) -> Result<StoredPicture, SaveError> {
        let pixels = tokio::fs::read(pixels).await?;
        if pixels.len() as u64 != 3 * mystic_domain::Pixels::of(width, height).0 {
            return Err(SaveError::Pixels);
        }
        let drawn: ImageBuffer<Rgb<u8>, &[u8]> =
            ImageBuffer::from_raw(width, height, &pixels[..]).ok_or(SaveError::Pixels)?;
        let picture = png::encode(&pixels, width, height, recipe)?;
        let thumb = mystic_thumbnail::thumbnail(&drawn)?;
        Ok(StoredPicture {
            sha256: self.put(picture).await?,
            thumb_sha256: self.put(thumb).await?,
            pixels_sha256: hex::encode(Sha256::digest(&pixels)),
        })
    }

    /// A file of the store, by its content.
    pub(crate) async fn get(&self, sha256: &str) -> Result<Bytes, SaveError> {
        match &self.place {
            Place::Directory(files) => {
                let path = ObjectPath::from(file_path(sha256));
                Ok(files.get(&path).await?.bytes().await?)
            }
            Place::Api(uplink) => uplink.get(sha256).await.map_err(SaveError::Uplink),
        }
    }

    async fn put(&self, file: Vec<u8>) -> Result<String, SaveError> {
        let sha256 = hex::encode(Sha256::digest(&file));
        if !self.store.stage_file(&sha256, file.len() as u64).await? {
            return Err(SaveError::Deleting);
        }
        fault::point(fault::Point::FileStaged);
        let file = Bytes::from(file);
        match &self.place {
            Place::Directory(files) => {
                let path = ObjectPath::from(file_path(&sha256));
                files.put(&path, PutPayload::from_bytes(file)).await?;
            }
            Place::Api(uplink) => match uplink.put(&sha256, file).await {
                Ok(()) => {}
                Err(UplinkError::NotExpected(_)) => return Err(SaveError::Deleting),
                Err(error) => return Err(SaveError::Uplink(error)),
            },
        }
        fault::point(fault::Point::FileNamed);
        Ok(sha256)
    }
}

#[cfg(test)]
mod tests;
