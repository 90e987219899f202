//! The page that `api` serves: built before `api`, and only when its sources changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::checkout::Checkout;
use crate::error::{Result, Tried};
use crate::run::run;

/// Directories that are made from the sources.
const MADE: [&str; 4] = ["node_modules", "dist", "test-results", "playwright-report"];

/// Builds `frontend/dist`, unless it was built from the same sources already.
///
/// # Errors
/// npm fails or a file cannot be read.
pub fn build(checkout: &Checkout) -> Result<()> {
    let frontend = checkout.frontend();
    install(&frontend)?;
    let stamp = frontend.join("node_modules/.mystic-built");
    let hash = hash_of_sources(&frontend)?;
    let built = frontend.join("dist/index.html").is_file();
    if built && fs::read_to_string(&stamp).is_ok_and(|seen| seen == hash) {
        return Ok(());
    }
    eprintln!("Building the page");
    run(
        "the build of the page",
        npm(&frontend).args(["run", "build"]),
    )?;
    fs::write(&stamp, hash).tried(|| format!("cannot write {}", stamp.display()))
}

/// npm in the page's directory.
pub fn npm(frontend: &Path) -> Command {
    let mut command = Command::new("npm");
    command.current_dir(frontend).arg("--silent");
    command
}

/// Installs the page's dependencies, unless the same lock file was installed already.
fn install(frontend: &Path) -> Result<()> {
    let lock = frontend.join("package-lock.json");
    let text = fs::read(&lock).tried(|| format!("cannot read {}", lock.display()))?;
    let hash = hex::encode(Sha256::digest(text));
    let stamp = frontend.join("node_modules/.mystic-installed");
    if fs::read_to_string(&stamp).is_ok_and(|seen| seen == hash) {
        return Ok(());
    }
    eprintln!("Installing the page's dependencies");
    run(
        "the installation of the page's dependencies",
        npm(frontend).args(["ci", "--no-audit", "--no-fund"]),
    )?;
    fs::write(&stamp, hash).tried(|| format!("cannot write {}", stamp.display()))
}

fn hash_of_sources(frontend: &Path) -> Result<String> {
    let mut files = Vec::new();
    collect(frontend, &mut files).tried(|| format!("cannot read {}", frontend.display()))?;
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let text = fs::read(&file).tried(|| format!("cannot read {}", file.display()))?;
        let name = file.strip_prefix(frontend).unwrap_or(&file);
        hash.update(name.as_os_str().as_encoded_bytes());
        hash.update([0]);
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    }
    Ok(hex::encode(hash.finalize()))
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if MADE.iter().any(|made| entry.file_name() == *made) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_follows_the_sources_and_not_what_is_made_from_them() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("src/main.ts", "one");
        let first = hash_of_sources(dir.path()).unwrap();
        write("dist/index.html", "made");
        write("node_modules/vue/index.js", "installed");
        assert_eq!(hash_of_sources(dir.path()).unwrap(), first);
        write("src/main.ts", "two");
        assert_ne!(hash_of_sources(dir.path()).unwrap(), first);
    }
}
