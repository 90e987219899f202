//! A small disk for pictures, which can be filled.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::Uid;

/// Room for a run's pictures, and little more.
const SIZE: &str = "size=48m";
/// What is left where the disk is not filled to the last byte: less than the services keep back.
const LEFT: u64 = 4 << 20;
/// What the services are told to keep back, MiB.
pub(super) const MIN_FREE_MIB: u32 = 8;

/// The directory of pictures, on a file system of its own where we may make one.
pub(super) struct Disk {
    pub(super) path: PathBuf,
    mounted: bool,
}

impl Disk {
    /// Whether this process may mount one.
    pub(super) fn may_be_small() -> bool {
        Uid::effective().is_root()
            && tempfile::tempdir()
                .is_ok_and(|folder| Self::open(folder.path().join("disk"), true).mounted)
    }

    /// Makes the directory, small where that is asked for and possible.
    pub(super) fn open(path: PathBuf, small: bool) -> Self {
        fs::create_dir_all(&path).expect("a directory");
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", SIZE, "mystic-chaos"])
            .arg(&path);
        let mounted = small && mount.output().is_ok_and(|done| done.status.success());
        Self { path, mounted }
    }

    fn filling(&self) -> PathBuf {
        self.path.join("filling")
    }

    /// Leaves no room, or too little to start anything.
    pub(super) fn fill(&self, to_the_last_byte: bool) {
        let zeros = vec![0; 64 << 10];
        let Ok(mut file) = File::create(self.filling()) else {
            return;
        };
        let room = || {
            let free = nix::sys::statvfs::statvfs(&self.path).expect("a file system");
            free.blocks_available() * free.fragment_size()
        };
        while (to_the_last_byte || room() > LEFT) && file.write_all(&zeros).is_ok() {}
    }

    /// Gives the room back.
    pub(super) fn clear(&self) {
        let _ = fs::remove_file(self.filling());
    }

    /// Copies what lies there, for whoever looks at a failed run.
    pub(super) fn keep(&self, at: &Path) {
        let _ = Command::new("cp")
            .arg("-a")
            .arg(&self.path)
            .arg(at)
            .output();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            let _ = Command::new("umount")
                .arg("--lazy")
                .arg(&self.path)
                .output();
        }
    }
}
