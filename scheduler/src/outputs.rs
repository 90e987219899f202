//! The directory of pictures as this host sees it, with what its writers leave behind in it.

use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use mystic_domain::file_path;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{Error, ObjectStoreExt};
use tokio::fs::{self, OpenOptions};

/// The file that says which database the directory belongs to.
const MARK: &str = ".database";

/// A directory of files by their content; clones share it.
#[derive(Clone, Debug)]
pub struct Outputs {
    root: PathBuf,
    files: Arc<LocalFileSystem>,
}

/// What tells a file that changes from one that stands still. The time is the file's own mark: it is compared with
/// itself, never with a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    bytes: u64,
    modified: SystemTime,
}

impl Stamp {
    fn of(found: &Metadata) -> io::Result<Self> {
        Ok(Self {
            bytes: found.len(),
            modified: found.modified()?,
        })
    }
}

/// A name among the pictures.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Entry {
    /// A file in its place, by the SHA-256 of its content.
    Stored(String),
    /// An upload that has not got its name yet.
    Unfinished(String),
}

impl Entry {
    /// Nothing where the name is not one that a writer of ours gives.
    fn read(folder: &str, name: &str) -> Option<Self> {
        let (sha256, rest) = name.split_at_checked(64)?;
        let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if !sha256.bytes().all(hexadecimal) || !sha256.starts_with(folder) {
            return None;
        }
        match rest.strip_prefix(".png")? {
            "" => Some(Self::Stored(sha256.to_owned())),
            // As `object_store` names them: `<name>#<number>`.
            unfinished => {
                let number = unfinished.strip_prefix('#')?;
                (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
                    .then(|| Self::Unfinished(name.to_owned()))
            }
        }
    }
}

impl Outputs {
    /// Opens the directory; makes it where it is not there.
    ///
    /// # Errors
    /// The file system's.
    pub fn open(root: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(root)?;
        let files = LocalFileSystem::new_with_prefix(root).map_err(io::Error::other)?;
        Ok(Self {
            root: root.to_owned(),
            files: Arc::new(files),
        })
    }

    fn images(&self) -> PathBuf {
        self.root.join("images")
    }

    /// Whether any picture was ever put here, as far as this host can see: else the directory is new, not mounted, or
    /// not the one that workers write to, and says nothing about any file.
    pub(crate) async fn has_pictures(&self) -> bool {
        fs::try_exists(self.images()).await.unwrap_or(false)
    }

    /// The database that the directory is marked with; nothing where it bears no mark.
    pub(crate) async fn mark(&self) -> io::Result<Option<String>> {
        there(fs::read_to_string(self.root.join(MARK)).await)
    }

    /// Marks the directory with a database, unless another was quicker.
    pub(crate) async fn set_mark(&self, database: &str) -> io::Result<()> {
        // Under a name of its own first, so that nobody reads half a mark.
        let unfinished = self.root.join(format!("{MARK}.{database}"));
        fs::write(&unfinished, database).await?;
        let set = fs::hard_link(&unfinished, self.root.join(MARK)).await;
        fs::remove_file(&unfinished).await?;
        match set {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    /// The folders that pictures are spread over, in order.
    pub(crate) async fn folders(&self) -> io::Result<Vec<String>> {
        let mut folders = names(&self.images()).await?;
        folders.retain(|name| name.len() == 2);
        folders.sort_unstable();
        Ok(folders)
    }

    /// What one of them holds.
    pub(crate) async fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        let names = names(&self.images().join(folder)).await?;
        let entries = names.iter().filter_map(|name| Entry::read(folder, name));
        Ok(entries.collect())
    }

    /// The file as it is now; nothing where it is gone.
    pub(crate) async fn stamp(&self, entry: &Entry) -> io::Result<Option<Stamp>> {
        let found = there(fs::symlink_metadata(self.place(entry)).await)?;
        let found = found.filter(Metadata::is_file);
        found.as_ref().map(Stamp::of).transpose()
    }

    /// The size of a file in its place, bytes; nothing where it is not there.
    pub(crate) async fn size(&self, sha256: &str) -> io::Result<Option<u64>> {
        let path = self.root.join(file_path(sha256));
        Ok(there(fs::metadata(path).await)?.map(|found| found.len()))
    }

    fn place(&self, entry: &Entry) -> PathBuf {
        match entry {
            Entry::Stored(sha256) => self.root.join(file_path(sha256)),
            Entry::Unfinished(name) => self.images().join(&name[..2]).join(name),
        }
    }

    /// Deletes a file from its place, if it is there. Its row has to be locked.
    pub(crate) async fn delete(&self, sha256: &str) -> Result<(), Error> {
        let path = ObjectPath::from(file_path(sha256));
        match self.files.delete(&path).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Deletes an upload that nobody finishes any more, if it is there.
    pub(crate) async fn delete_unfinished(&self, name: &str) -> io::Result<()> {
        let place = self.place(&Entry::Unfinished(name.to_owned()));
        there(fs::remove_file(place).await).map(drop)
    }

    /// The seats that left a directory for unfinished pixels.
    pub(crate) async fn seats(&self) -> io::Result<Vec<String>> {
        names(&self.root.join(".scratch")).await
    }

    /// A seat's directory as if it were one file.
    pub(crate) async fn scratch(&self, seat: &str) -> io::Result<Option<Stamp>> {
        let folder = self.root.join(".scratch").join(seat);
        let Some(found) = there(fs::symlink_metadata(&folder).await)? else {
            return Ok(None);
        };
        let mut whole = Stamp::of(&found)?;
        for name in names(&folder).await? {
            if let Some(file) = there(fs::symlink_metadata(folder.join(name)).await)? {
                whole.bytes += file.len();
                whole.modified = whole.modified.max(file.modified()?);
            }
        }
        Ok(Some(whole))
    }

    /// Deletes the unfinished pixels of a seat that nobody holds; false where somebody does. Who takes it meanwhile
    /// waits for the lock; the lock's file stays, or two could hold two of the same name.
    pub(crate) async fn clear_scratch(&self, seat: &str) -> io::Result<bool> {
        let lock = self.root.join(".locks").join(seat);
        let mut options = OpenOptions::new();
        let Some(lock) = there(options.read(true).write(true).open(lock).await)? else {
            return Ok(false);
        };
        let lock = lock.into_std().await;
        if lock.try_lock().is_err() {
            return Ok(false);
        }
        let folder = self.root.join(".scratch").join(seat);
        Ok(there(fs::remove_dir_all(folder).await)?.is_some())
    }
}

/// The names in a directory; none where it is not there. Those that are not UTF-8 are not ours.
async fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    if let Some(mut entries) = there(fs::read_dir(folder).await)? {
        while let Some(entry) = entries.next_entry().await? {
            names.extend(entry.file_name().into_string());
        }
    }
    Ok(names)
}

/// Nothing where what was asked for is not there; every other error remains one.
fn there<T>(answer: io::Result<T>) -> io::Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::Entry;

    #[test]
    fn only_names_that_our_writers_give_are_read() {
        let sha256 = "ab".repeat(32);
        let read = |folder: &str, rest: &str| Entry::read(folder, &format!("{sha256}{rest}"));
        assert_eq!(read("ab", ".png"), Some(Entry::Stored(sha256.clone())));
        let unfinished = format!("{sha256}.png#12");
        assert_eq!(read("ab", ".png#12"), Some(Entry::Unfinished(unfinished)));
        for rest in ["", ".jpg", ".png#", ".png#x", ".png#1#", ".pngs"] {
            assert_eq!(read("ab", rest), None, "{rest}");
        }
        assert_eq!(read("cd", ".png"), None, "not its folder");
        assert_eq!(Entry::read("AB", &format!("{}.png", "AB".repeat(32))), None);
        assert_eq!(Entry::read("no", "notes.txt"), None);
    }
}
