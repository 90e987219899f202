//! Room on the disk that pictures go to.

use std::error::Error;
use std::io;
use std::path::Path;

use mystic_domain::Mib;
use nix::sys::statvfs::statvfs;

/// What an unprivileged user may still write below `path`, or below its nearest ancestor that exists.
///
/// # Errors
/// The file system can't be asked.
pub fn free(path: &Path) -> io::Result<Mib> {
    let path = std::path::absolute(path)?;
    let there = path.ancestors().find(|path| path.exists());
    let stat = statvfs(there.unwrap_or(&path))?;
    let bytes = stat.blocks_available() * stat.fragment_size();
    Ok(Mib(i64::try_from(bytes >> 20).unwrap_or(i64::MAX)))
}

/// Whether an error, or what it came from, says that the disk or a quota is full.
#[must_use]
pub fn is_full(error: &(dyn Error + 'static)) -> bool {
    use io::ErrorKind as K;
    let mut source = Some(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return matches!(error.kind(), K::StorageFull | K::QuotaExceeded);
        }
        source = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{free, is_full};
    use std::io;

    use mystic_domain::Mib;

    #[test]
    fn a_full_disk_is_known_below_what_a_library_says_of_it() {
        #[derive(Debug, thiserror::Error)]
        #[error("it failed")]
        struct Library(#[source] io::Error);
        assert!(is_full(&Library(io::ErrorKind::StorageFull.into())));
        assert!(!is_full(&Library(io::ErrorKind::NotFound.into())));
    }

    #[test]
    fn a_directory_that_is_not_there_yet_has_the_room_of_the_one_it_will_be_in() {
        let folder = tempfile::tempdir().expect("a folder");
        let room = free(&folder.path().join("not/there")).expect("a file system");
        assert!(room > Mib(0));
    }
}
