//! Why a model's file could not be had, kept or looked at.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use mystic_domain::InvalidField;

/// What a call returns.
pub type Result<T, E = LibraryError> = std::result::Result<T, E>;

/// Why a model's file could not be had, kept or looked at.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The system refuses.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// A catalogue that can't be used.
    #[error("{}: {problem}", path.display())]
    Catalogue {
        /// The catalogue.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A model whose entry breaks a rule.
    #[error("{}: model {model}: {source}", path.display())]
    Invalid {
        /// The catalogue.
        path: PathBuf,
        /// The model.
        model: String,
        /// The field, its value and what is allowed.
        source: InvalidField,
    },
    /// A download that did not come to its end, however often it was taken up again.
    #[error("{url}: {problem}; what came is kept, and the next try goes on from there")]
    Download {
        /// From where.
        url: String,
        /// What went wrong.
        problem: String,
    },
    /// The source has another file than the catalogue says.
    #[error("{file}: {source_name} has another file than the catalogue names: {problem}")]
    Other {
        /// The file.
        file: String,
        /// Where it came from.
        source_name: String,
        /// What differs.
        problem: String,
    },
    /// A file that is no model's, whatever its name says.
    #[error("{}: {problem}", path.display())]
    NoModel {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Somebody else fetches the same file now.
    #[error("{}: another program is just fetching it", .0.display())]
    Busy(PathBuf),
    /// Whoever asked for it wants it no more.
    #[error("it was stopped; what came is kept, and the next try goes on from there")]
    Stopped,
    /// A program that is needed failed.
    #[error("{what} failed: {problem}")]
    Program {
        /// What it was run for.
        what: String,
        /// What it said.
        problem: String,
    },
}

impl LibraryError {
    pub(crate) fn no_model(path: &Path, problem: impl Display) -> Self {
        Self::NoModel {
            path: path.to_owned(),
            problem: problem.to_string(),
        }
    }
}

/// Names the file that an error of the system is about.
pub(crate) trait At<T> {
    fn at(self, path: &Path) -> Result<T>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|source| LibraryError::Io {
            path: path.to_owned(),
            source,
        })
    }
}
