//! The model files below a directory, by their headers.

use std::fs;
use std::io;
use std::path::Path;

use crate::{Header, Problem, read};

/// Directories in one another that are looked into.
const DEPTH: u32 = 8;
/// Files that are looked at.
const FILES: usize = 10_000;

/// A file whose name says that it is a model's.
#[derive(Debug)]
pub struct Found {
    /// Its path below the directory.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its header, or what is wrong with it.
    pub header: Result<Header, Problem>,
}

/// The model files below a directory, in the order of their paths. Links are not followed into other directories, and
/// hidden ones are passed over: what is just coming lies there.
///
/// # Errors
/// The directory can't be read; one inside of it that can't be is passed over.
pub fn scan(dir: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut open = vec![(dir.to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if depth == 0 => return Err(error),
            entries => entries.into_iter().flatten().flatten(),
        };
        for entry in entries {
            let path = entry.path();
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_dir && entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            if is_dir && depth < DEPTH {
                open.push((path, depth + 1));
                continue;
            }
            let ending = path.extension().and_then(|ending| ending.to_str());
            let below = path.strip_prefix(dir).ok().and_then(|path| path.to_str());
            let (Some("gguf" | "safetensors"), Some(below)) = (ending, below) else {
                continue;
            };
            if found.len() < FILES {
                found.push(Found {
                    path: below.to_owned(),
                    bytes: fs::metadata(&path).map_or(0, |there| there.len()),
                    header: read(&path).map_err(|error| error.problem),
                });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Architecture, Kind};

    #[test]
    fn the_demo_models_are_told_apart_and_a_broken_file_says_why() {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
        let dir = tempfile::tempdir().expect("a directory");
        let inside = dir.path().join("a/b");
        fs::create_dir_all(&inside).expect("made");
        let painter = models.join("demo/demo-painter-q8_0.gguf");
        fs::copy(painter, inside.join("painter.gguf")).expect("copied");
        fs::write(dir.path().join("broken.safetensors"), "PK").expect("written");
        fs::write(dir.path().join("notes.txt"), "none").expect("written");
        let found = scan(dir.path()).expect("read");
        let paths: Vec<&str> = found.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["a/b/painter.gguf", "broken.safetensors"]);
        let painter = found[0].header.as_ref().expect("whole");
        assert_eq!(painter.kind(), Kind::Checkpoint);
        assert_eq!(painter.architecture(), Some(Architecture::ZImage));
        assert!(found[1].header.is_err());
        scan(&dir.path().join("nowhere")).expect_err("it is not there");
    }
}
