//! Directories of private servers that live as long as a test.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use mystic_services::Home;

const PREFIX: &str = "mystic-testkit-";

/// A directory that is gone, with what its services kept elsewhere, when this value is dropped.
pub(crate) struct Place {
    home: Option<Home>,
}

impl Place {
    /// A new directory; what killed test processes left behind is removed on the way.
    pub(crate) fn new() -> Self {
        let root = std::env::temp_dir();
        remove_leftovers(&root);
        let dir = tempfile::Builder::new()
            .prefix(&format!("{PREFIX}{}-", std::process::id()))
            .permissions(Permissions::from_mode(0o755))
            .tempdir_in(&root)
            .expect("a temporary directory can be made")
            .keep();
        Self {
            home: Some(Home::open(&dir).expect("a fresh directory can be opened")),
        }
    }

    pub(crate) fn home(&self) -> &Home {
        self.home
            .as_ref()
            .expect("the directory is there until it is dropped")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            let _ = home.remove();
        }
    }
}

fn remove_leftovers(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let owner = entry
            .file_name()
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok());
        let Some(pid) = owner else { continue };
        let gone = |pid: u32| !PathBuf::from(format!("/proc/{pid}")).exists();
        if gone(pid)
            && let Ok(home) = Home::open(&entry.path())
        {
            let _ = home.remove();
        }
    }
}
