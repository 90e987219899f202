//! Engine children that do as they are told: for tests of what stands above them.

use std::io;
use std::path::{Path, PathBuf};

pub use fake_engine::{Fault, Script, Then, When};
use tempfile::TempDir;

const PROGRAM: &str = "fake-engine";

/// A program to configure as `worker.engine_binary`, with a script of its own.
#[derive(Debug)]
pub struct FakeEngine {
    folder: TempDir,
}

impl FakeEngine {
    /// Children that behave as the script says.
    ///
    /// # Errors
    /// The program was not built, or the temporary folder is not writable.
    pub fn new(script: Script) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        script.write(folder.path())?;
        std::os::unix::fs::symlink(crate::program(PROGRAM)?, folder.path().join(PROGRAM))?;
        Ok(Self { folder })
    }

    /// Lets the children note each picture that they begin and end; the file that they note it in. A line holds when,
    /// in seconds since the machine's start, which process, `begin` or `end`, and the name of the pixels' file.
    ///
    /// # Errors
    /// The file can't be made.
    pub fn keep_journal(&self) -> io::Result<PathBuf> {
        fake_engine::start_journal(self.folder.path())
    }

    /// The program to start.
    #[must_use]
    pub fn program(&self) -> PathBuf {
        self.folder.path().join(PROGRAM)
    }

    /// A worker's setting that makes it start this program.
    #[must_use]
    pub fn setting(&self) -> String {
        format!("worker.engine_binary={}", self.program().display())
    }

    /// Changes how children behave from now on: what takes less time ends sooner.
    ///
    /// # Errors
    /// The script can't be replaced.
    pub fn set(&self, script: Script) -> io::Result<()> {
        script.write(self.folder.path())
    }

    /// Lets the next command of its sort go wrong, once, whichever child it comes to.
    ///
    /// # Errors
    /// The fault can't be written.
    pub fn fail(&self, when: When, then: Then) -> io::Result<()> {
        Fault { when, then }.put(self.folder.path())
    }
}

/// A program of this workspace, as cargo built it beside the test's own executable.
///
/// # Errors
/// It was not built.
pub fn program(name: &str) -> io::Result<PathBuf> {
    let executable = std::env::current_exe()?;
    let mut folders = executable.ancestors().skip(1).take(2);
    let found = folders.find_map(|folder: &Path| Some(folder.join(name)).filter(|p| p.is_file()));
    found.ok_or_else(|| {
        let message = format!(
            "no {name} above {}: cargo build --workspace",
            executable.display()
        );
        io::Error::new(io::ErrorKind::NotFound, message)
    })
}

/// A shared library of this workspace that is a dependency of this crate, as cargo built it: beside the test's own
/// executable in `target/<profile>/deps`, or in `deps` below a program in `target/<profile>`.
///
/// # Errors
/// It was not built.
pub fn library(name: &str) -> io::Result<PathBuf> {
    let executable = std::env::current_exe()?;
    let folder = executable.parent().unwrap_or(Path::new("."));
    let mut places = [folder.join("deps").join(name), folder.join(name)].into_iter();
    places.find(|path| path.is_file()).ok_or_else(|| {
        let message = format!("no {name} in {} or its deps", folder.display());
        io::Error::new(io::ErrorKind::NotFound, message)
    })
}
