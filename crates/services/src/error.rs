use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// What can go wrong while a private service is found, started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program that must be installed was not found.
    #[error("{program} was not found: install the Debian package {package}")]
    ProgramMissing {
        /// Name of the program.
        program: &'static str,
        /// Debian package that holds it.
        package: &'static str,
    },
    /// The data was written by a version whose programs are not installed.
    #[error(
        "the data in {} was written by PostgreSQL {version}, which is not installed any more: \
         install it again or move the directory away",
        data.display()
    )]
    VersionMissing {
        /// Directory of the cluster.
        data: PathBuf,
        /// Major version that wrote it.
        version: String,
    },
    /// Another process uses this directory.
    #[error("process {pid} already runs the private services of {}: stop it first", dir.display())]
    AlreadyRunning {
        /// The process that holds the directory.
        pid: u32,
        /// The directory.
        dir: PathBuf,
    },
    /// Root cannot run Postgres and no unprivileged user exists.
    #[error("Postgres does not run as root, and there is neither a user «postgres» nor «nobody»")]
    NoUnprivilegedUser,
    /// No directory was found in which the unprivileged user can keep data.
    #[error("the user {user} can reach neither {} nor /var/lib", dir.display())]
    NoReachableDirectory {
        /// The unprivileged user.
        user: String,
        /// The directory that was asked for.
        dir: PathBuf,
    },
    /// A program ended, though it should have gone on or succeeded.
    #[error("{program} ended with {status}; its last lines:\n{log}")]
    Ended {
        /// Name of the program.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The last lines it wrote.
        log: String,
    },
    /// A service did not become ready in time.
    #[error("{program} was not ready after {seconds} s; its last lines:\n{log}")]
    NotReady {
        /// Name of the program.
        program: &'static str,
        /// How long it was waited for, in seconds.
        seconds: u64,
        /// The last lines it wrote.
        log: String,
    },
    /// A directory for sockets exists, but belongs to somebody else.
    #[error("{} exists, but is not a directory that only its owner may enter", path.display())]
    Unsafe {
        /// The directory.
        path: PathBuf,
    },
    /// An operation on a file failed.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

pub(crate) trait At<T> {
    fn at(self, what: &'static str, path: &Path) -> Result<T>;
}

impl<T, E: Into<std::io::Error>> At<T> for std::result::Result<T, E> {
    fn at(self, what: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io {
            what,
            path: path.to_owned(),
            source: source.into(),
        })
    }
}
