//! Wildcards: text files in one directory, a line each for what `__name__` in a prompt may stand for.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use mystic_domain::dynamic::Wildcards;
use serde::Serialize;
use utoipa::ToSchema;

/// The largest file that is read, in bytes; what lies behind is left out.
const MAX_BYTES: u64 = 1 << 20;

/// The longest line that is taken, in bytes: as long as a prompt may be.
const MAX_LINE: usize = 8192;

/// The most files that are listed.
const MAX_FILES: usize = 1000;

/// Folders inside folders that are looked into.
const MAX_DEPTH: usize = 3;

/// A wildcard.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct Wildcard {
    /// What stands between the underscores; a slash for each folder.
    #[schema(example = "colour")]
    pub name: String,
    /// What it may stand for.
    pub lines: usize,
}

/// The directory of wildcards. Each file is read once.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    read: HashMap<String, Option<Vec<String>>>,
}

impl Folder {
    /// This directory, which need not be there.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            read: HashMap::new(),
        }
    }

    /// The names of all, in order. No file is read.
    ///
    /// # Errors
    /// A directory can't be read, for another reason than that it isn't there.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        collect(&self.root, "", 0, &mut names)?;
        names.sort_unstable();
        Ok(names)
    }

    /// Every wildcard, by name.
    ///
    /// # Errors
    /// A directory can't be read, for another reason than that it isn't there.
    pub fn list(&mut self) -> io::Result<Vec<Wildcard>> {
        let listed = self.names()?.into_iter().map(|name| Wildcard {
            lines: self.lines(&name).map_or(0, <[String]>::len),
            name,
        });
        Ok(listed.collect())
    }
}

impl Wildcards for Folder {
    /// Names come from prompts: the domain lets through letters, digits, hyphens, underscores and single slashes, none
    /// of which leads out of the directory.
    fn lines(&mut self, name: &str) -> Option<&[String]> {
        if !self.read.contains_key(name) {
            let lines = read(&self.root.join(format!("{name}.txt")));
            self.read.insert(name.to_owned(), lines);
        }
        self.read.get(name)?.as_deref()
    }
}

fn read(path: &Path) -> Option<Vec<String>> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes))
        .ok()?;
    let text = String::from_utf8_lossy(&bytes).replace('\0', "");
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#') && line.len() <= MAX_LINE);
    Some(lines.map(str::to_owned).collect())
}

fn collect(folder: &Path, prefix: &str, depth: usize, names: &mut Vec<String>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound && depth == 0 => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if entry.file_type()?.is_dir() {
            if depth < MAX_DEPTH {
                collect(&entry.path(), &format!("{prefix}{name}/"), depth + 1, names)?;
            }
        } else if let Some(name) = name.strip_suffix(".txt")
            && names.len() < MAX_FILES
        {
            names.push(format!("{prefix}{name}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_wildcards_and_their_lines_what_they_stand_for() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path().join("wildcards");
        assert_eq!(Folder::new(&root).list().expect("nothing is there"), []);
        fs::create_dir_all(root.join("places")).expect("made");
        fs::write(root.join("colour.txt"), "# colours\nred\n\n  blue \r\n").expect("written");
        fs::write(root.join("places/sea.txt"), "a bay").expect("written");
        fs::write(root.join("notes.md"), "no").expect("written");
        fs::write(dir.path().join("secret.txt"), "no").expect("written");
        let mut folder = Folder::new(&root);
        let listed = folder.list().expect("read");
        let listed: Vec<(&str, usize)> = listed
            .iter()
            .map(|wildcard| (wildcard.name.as_str(), wildcard.lines))
            .collect();
        assert_eq!(listed, [("colour", 2), ("places/sea", 1)]);
        let lines = folder.lines("colour").expect("there");
        assert_eq!(lines, ["red", "blue"]);
        assert_eq!(folder.lines("notes"), None);
    }
}
