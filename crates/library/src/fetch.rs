//! Brings a file into the models directory. What came stays beside its place until it is whole and right.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::{Agent, AgentBuilder, Response};

use crate::catalog::{ModelFile, Source};
use crate::error::{At, LibraryError, Result};
use crate::state::{State, verify_telling};
use crate::wheel;

/// A connection that brings nothing for so long is given up and taken up again.
const SILENCE: Duration = Duration::from_secs(30);
/// Tries in a row that bring nothing.
const TRIES: u32 = 4;
/// Before another try; longer after each that brought nothing.
const PAUSE: Duration = Duration::from_millis(250);
/// Bytes of a file of this machine that are copied between two looks at whether to go on.
const CHUNK: u64 = 16 << 20;

/// Directories that files come from and go to.
#[derive(Clone, Debug)]
pub struct Places {
    /// The models directory.
    pub models: PathBuf,
    /// What local sources are relative to.
    pub sources: PathBuf,
    /// Where what came inside a wheel is kept for every models directory of the user; where nowhere, it is not kept.
    pub cache: Option<PathBuf>,
}

/// Is told how many of a file's bytes are there, and says whether to go on.
pub type Progress<'a> = &'a mut dyn FnMut(u64) -> ControlFlow<()>;

/// Tells how far it is.
pub(crate) fn tell(progress: Progress<'_>, bytes: u64) -> Result<()> {
    match progress(bytes) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(LibraryError::Stopped),
    }
}

/// Makes a file be in the models directory, whole and right. What an earlier call left unfinished is gone on with.
///
/// # Errors
/// The source can't be reached or has another file, the file is no model's, there is no room, or it was stopped.
pub fn fetch(places: &Places, file: &ModelFile, progress: Progress<'_>) -> Result<()> {
    let target = places.models.join(&file.path);
    if verify_telling(&target, file, &mut |_| progress(0))? == State::Good {
        return tell(progress, file.size);
    }
    let dir = target.parent().unwrap_or(&places.models);
    fs::create_dir_all(dir).at(dir)?;
    match &file.source {
        Source::Url(url) => {
            let part = part_of(&target);
            let unfinished = download(url, &part, file, progress)?;
            let checked = check(&part, file, url, progress);
            if matches!(
                checked,
                Err(LibraryError::Other { .. } | LibraryError::NoModel { .. })
            ) {
                // It would be the same after another try.
                fs::remove_file(&part).at(&part)?;
            }
            checked?;
            place(&part, &target)?;
            drop(unfinished);
        }
        Source::Local(path) => bring(&places.sources.join(path), &target, file, progress)?,
        Source::Wheel(wheel) => {
            let scratch;
            let cache = if let Some(cache) = &places.cache {
                cache
            } else {
                scratch = tempfile::tempdir_in(dir).at(dir)?;
                scratch.path()
            };
            let cached = wheel::cached(cache, file, wheel, progress)?;
            bring(&cached, &target, file, progress)?;
        }
    }
    tell(progress, file.size)
}

/// Where a file grows until it is whole.
pub(crate) fn part_of(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Takes a file of this machine: a hard link where that works, else a copy.
fn bring(source: &Path, target: &Path, file: &ModelFile, progress: Progress<'_>) -> Result<()> {
    let dir = target.parent().unwrap_or(Path::new("."));
    fs::metadata(source).at(source)?;
    let scratch = tempfile::tempdir_in(dir).at(dir)?;
    let whole = scratch.path().join("model");
    if fs::hard_link(source, &whole).is_err() {
        let mut copied = File::create(&whole).at(&whole)?;
        copy(source, &mut copied, &whole, progress)?;
    }
    check(&whole, file, &source.display().to_string(), progress)?;
    place(&whole, target)
}

/// Copies a file of this machine.
pub(crate) fn copy(
    source: &Path,
    target: &mut File,
    path: &Path,
    progress: Progress<'_>,
) -> Result<()> {
    let mut from = File::open(source).at(source)?;
    let mut there = 0;
    loop {
        let n = io::copy(&mut (&mut from).take(CHUNK), target).at(path)?;
        if n == 0 {
            return Ok(());
        }
        there += n;
        tell(progress, there)?;
    }
}

/// That what came is what the catalogue names, and a model's file whatever its name says.
pub(crate) fn check(
    path: &Path,
    file: &ModelFile,
    source_name: &str,
    progress: Progress<'_>,
) -> Result<()> {
    let problem = match verify_telling(path, file, &mut |_| progress(file.size))? {
        State::Good => {
            mystic_weights::read(path)
                .map_err(|error| LibraryError::no_model(Path::new(&file.path), error.problem))?;
            return Ok(());
        }
        State::Missing => "it is gone again".to_owned(),
        State::Corrupt(problem) => problem,
    };
    Err(LibraryError::Other {
        file: file.path.clone(),
        source_name: source_name.to_owned(),
        problem,
    })
}

/// Gives a whole file its name, for good.
pub(crate) fn place(whole: &Path, target: &Path) -> Result<()> {
    File::open(whole)
        .and_then(|file| file.sync_all())
        .at(whole)?;
    fs::rename(whole, target).at(target)?;
    let dir = target.parent().unwrap_or(Path::new("."));
    File::open(dir).and_then(|dir| dir.sync_all()).at(dir)
}

/// What one answer of the server brought.
enum Brought {
    /// All that was missing.
    Whole,
    /// So many bytes before it broke off, and why.
    Some(u64, String),
}

/// The file that grows, locked for as long as it is open.
pub(crate) fn unfinished(part: &Path) -> Result<File> {
    let mut options = File::options();
    let file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(part)
        .at(part)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LibraryError::Busy(part.to_owned())),
        Err(TryLockError::Error(error)) => Err(error).at(part),
    }
}

/// Downloads what is missing of a file; the open file, locked.
fn download(url: &str, part: &Path, file: &ModelFile, progress: Progress<'_>) -> Result<File> {
    let mut unfinished = unfinished(part)?;
    let agent = AgentBuilder::new()
        .https_only(url.starts_with("https:"))
        .timeout_connect(SILENCE)
        .timeout_read(SILENCE)
        .user_agent(concat!("mystic/", env!("CARGO_PKG_VERSION")))
        .build();
    let mut idle = 0;
    loop {
        let problem = match ask(&agent, url, &mut unfinished, part, file, progress)? {
            Brought::Whole => return Ok(unfinished),
            Brought::Some(0, problem) => {
                idle += 1;
                problem
            }
            Brought::Some(_, problem) => {
                idle = 0;
                problem
            }
        };
        if idle == TRIES {
            return Err(LibraryError::Download {
                url: url.to_owned(),
                problem,
            });
        }
        std::thread::sleep(PAUSE * (idle + 1));
        tell(progress, unfinished.metadata().at(part)?.len())?;
    }
}

/// Asks once for what is missing, and keeps what comes.
fn ask(
    agent: &Agent,
    url: &str,
    unfinished: &mut File,
    part: &Path,
    file: &ModelFile,
    progress: Progress<'_>,
) -> Result<Brought> {
    let mut there = unfinished.metadata().at(part)?.len();
    if there == file.size {
        return Ok(Brought::Whole);
    }
    if there > file.size {
        unfinished.set_len(0).at(part)?;
        there = 0;
    }
    let mut request = agent.get(url).set("Accept-Encoding", "identity");
    if there > 0 {
        request = request.set("Range", &format!("bytes={there}-"));
    }
    let answer = match request.call() {
        Ok(answer) => answer,
        Err(ureq::Error::Status(416, _)) => {
            unfinished.set_len(0).at(part)?;
            return Ok(Brought::Some(
                0,
                "it has less than there is here".to_owned(),
            ));
        }
        Err(ureq::Error::Status(status, _))
            if (400..500).contains(&status) && !matches!(status, 408 | 429) =>
        {
            return Err(LibraryError::Download {
                url: url.to_owned(),
                problem: format!("it answers {status}"),
            });
        }
        Err(error) => return Ok(Brought::Some(0, without(&error, url))),
    };
    if !goes_on(&answer, there) {
        unfinished.set_len(0).at(part)?;
        there = 0;
    }
    unfinished.seek(SeekFrom::Start(there)).at(part)?;
    let began = there;
    let mut body = answer.into_reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = match body.read(&mut buffer) {
            Ok(n) => n,
            Err(error) => return Ok(Brought::Some(there - began, error.to_string())),
        };
        if n == 0 && there == file.size {
            return Ok(Brought::Whole);
        }
        if n == 0 {
            let problem = format!("it broke off after {there} of {} bytes", file.size);
            return Ok(Brought::Some(there - began, problem));
        }
        if there + n as u64 > file.size {
            unfinished.set_len(0).at(part)?;
            return Err(LibraryError::Other {
                file: file.path.clone(),
                source_name: url.to_owned(),
                problem: format!("it is longer than {} bytes", file.size),
            });
        }
        unfinished.write_all(&buffer[..n]).at(part)?;
        there += n as u64;
        tell(progress, there)?;
    }
}

/// Whether an answer goes on where the file ends; otherwise it brings the file from its start.
fn goes_on(answer: &Response, there: u64) -> bool {
    let range = answer.header("Content-Range").unwrap_or_default();
    answer.status() == 206 && range.starts_with(&format!("bytes {there}-"))
}

/// What went wrong, without the URL that the error's own text begins with.
fn without(error: &ureq::Error, url: &str) -> String {
    let text = error.to_string();
    let rest = text.strip_prefix(url).unwrap_or(&text);
    rest.trim_start_matches([':', ' ']).to_owned()
}

#[cfg(test)]
mod tests;
