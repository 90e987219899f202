//! What children did and when, where somebody wants to know: appended to `journal`, if that is there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const JOURNAL: &str = "journal";

/// Begins a journal in `folder`, empty.
///
/// # Errors
/// The file can't be made.
pub fn start_journal(folder: &Path) -> io::Result<PathBuf> {
    let path = folder.join(JOURNAL);
    File::create(&path)?;
    Ok(path)
}

/// Notes in one write, which other children's don't interrupt.
pub(crate) fn note(folder: &Path, what: &str, order: &str) -> io::Result<()> {
    let journal = File::options().append(true).open(folder.join(JOURNAL));
    let mut journal = match journal {
        Ok(journal) => journal,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    // Unlike the wall clock this one does not jump, and unlike `Instant` it can be written down.
    let uptime = fs::read_to_string("/proc/uptime")?;
    let uptime = uptime.split(' ').next().unwrap_or_default();
    let line = format!("{uptime} {} {what} {order}\n", std::process::id());
    journal.write_all(line.as_bytes())
}
