use std::fmt::Display;
use std::process::ExitStatus;

/// Why a command failed, in a sentence for its user.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What is wrong and how to mend it.
    #[error("{0}")]
    Sentence(String),
    /// Something was tried and the reason lies below.
    #[error("{what}: {source}")]
    Because {
        /// What was tried.
        what: String,
        /// What it gave.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A program that was run did not succeed.
    #[error("{what} failed: {program} ended with {status}")]
    Program {
        /// What it was run for.
        what: String,
        /// Its command line.
        program: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// The private services.
    #[error(transparent)]
    Services(#[from] mystic_services::Error),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] mystic_process::ConfigError),
}

/// Result of this program.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error from a sentence.
pub fn sentence<T>(text: impl Display) -> Result<T> {
    Err(Error::Sentence(text.to_string()))
}

/// Says what was tried when something fails.
pub trait Tried<T> {
    /// Wraps the error with what was tried.
    fn tried<D: Display>(self, what: impl FnOnce() -> D) -> Result<T>;
}

impl<T, E: Into<Box<dyn std::error::Error + Send + Sync>>> Tried<T> for Result<T, E> {
    fn tried<D: Display>(self, what: impl FnOnce() -> D) -> Result<T> {
        self.map_err(|source| Error::Because {
            what: what().to_string(),
            source: source.into(),
        })
    }
}
