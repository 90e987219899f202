//! Whether a file is what the catalogue says.

use std::fs;
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::Path;

use crate::catalog::ModelFile;
use crate::error::{At, LibraryError, Result};
use crate::fetch::Progress;

/// State of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// There and what it should be.
    Good,
    /// Not there.
    Missing,
    /// There, and another.
    Corrupt(String),
}

/// Compares a file's size with its catalogue entry.
///
/// # Errors
/// The file system can't be asked.
pub fn look(path: &Path, wanted: &ModelFile) -> Result<State> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(State::Missing),
        Err(error) => Err(error).at(path),
        Ok(there) if !there.is_file() => Ok(State::Corrupt("it is no file".to_owned())),
        Ok(there) if there.len() != wanted.size => Ok(State::Corrupt(format!(
            "it has {} bytes, the catalogue's has {}",
            there.len(),
            wanted.size
        ))),
        Ok(_) => Ok(State::Good),
    }
}

/// Compares all of a file with its catalogue entry.
///
/// # Errors
/// It is there, but can't be read.
pub fn verify(path: &Path, wanted: &ModelFile) -> Result<State> {
    verify_telling(path, wanted, &mut |_| ControlFlow::Continue(()))
}

/// Compares all of a file with its catalogue entry, telling how many bytes it has read.
///
/// # Errors
/// It is there, but can't be read, or it was stopped.
pub fn verify_telling(path: &Path, wanted: &ModelFile, progress: Progress<'_>) -> Result<State> {
    let looked = look(path, wanted)?;
    if looked != State::Good {
        return Ok(looked);
    }
    let sha256 = hash(path, progress)?;
    if sha256.eq_ignore_ascii_case(&wanted.sha256) {
        return Ok(State::Good);
    }
    Ok(State::Corrupt(format!(
        "its SHA-256 is {sha256}, the catalogue's is {}",
        wanted.sha256
    )))
}

/// A file's SHA-256, hexadecimal.
pub(crate) fn hash(path: &Path, progress: Progress<'_>) -> Result<String> {
    let sha256 = mystic_weights::sha256(path, progress).at(path)?;
    sha256.ok_or(LibraryError::Stopped)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::catalog::Source;

    #[test]
    fn damaged_file_is_told_from_a_missing_and_a_good_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("model.gguf");
        let wanted = ModelFile {
            path: "model.gguf".to_owned(),
            size: 7,
            sha256: hex::encode(Sha256::digest("weights")),
            source: Source::Local("model.gguf".into()),
        };
        let state = || verify(&path, &wanted).expect("looked");
        assert_eq!(state(), State::Missing);
        fs::write(&path, "weightz").expect("written");
        assert!(matches!(state(), State::Corrupt(why) if why.contains("SHA-256")));
        assert_eq!(look(&path, &wanted).expect("looked"), State::Good);
        fs::write(&path, "weight").expect("written");
        assert!(matches!(state(), State::Corrupt(why) if why.contains("6 bytes")));
        fs::write(&path, "weights").expect("written");
        assert_eq!(state(), State::Good);
    }
}
