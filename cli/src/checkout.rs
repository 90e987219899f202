//! Where things are: the source tree, its private directory, the programs beside this one.

use std::path::{Path, PathBuf};

use crate::error::{Result, Tried, sentence};

/// The source tree that this program works on.
#[derive(Debug, Clone)]
pub struct Checkout {
    root: PathBuf,
}

impl Checkout {
    /// The tree around the working directory, or the one this program was built from.
    ///
    /// # Errors
    /// There is neither.
    pub fn find() -> Result<Self> {
        let here = std::env::current_dir().tried(|| "the working directory is not there")?;
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
        here.ancestors()
            .chain(built)
            .find(|dir| {
                dir.join("models/catalog.toml").is_file() && dir.join("Cargo.toml").is_file()
            })
            .map(|root| Self { root: root.into() })
            .map_or_else(
                || sentence("this is not a checkout of MystiCanvas: change into one first"),
                Ok,
            )
    }

    /// The tree's top directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory with everything that running makes: data, pictures, logs.
    pub fn private(&self) -> PathBuf {
        self.root.join(".mystic")
    }

    /// The user interface's sources.
    pub fn frontend(&self) -> PathBuf {
        self.root.join("frontend")
    }
}

/// The directory that holds this program and, since one build makes them all, the services.
///
/// # Errors
/// The system does not say which program this is.
pub fn programs() -> Result<PathBuf> {
    let own = std::env::current_exe().tried(|| "this program's own path is unknown")?;
    match own.parent() {
        Some(dir) => Ok(dir.to_owned()),
        None => sentence("this program's own path has no directory"),
    }
}

/// The user's cache directory for files that every checkout shares.
///
/// # Errors
/// Neither `XDG_CACHE_HOME` nor `HOME` is set.
#[expect(
    clippy::disallowed_methods,
    reason = "the cache belongs to the user, not to the configuration of a service"
)]
pub fn cache() -> Result<PathBuf> {
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("mystic"))
        .map_or_else(
            || sentence("no place for downloads is known: set HOME or XDG_CACHE_HOME"),
            Ok,
        )
}
