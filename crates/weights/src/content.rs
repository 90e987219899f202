//! A file's content, all of it: the one thing here that is not its header.

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;

use sha2::{Digest, Sha256};

/// A file's SHA-256, hexadecimal; none where `progress`, which is told how many bytes were read, ended it. It takes about a
/// second for each GB.
///
/// # Errors
/// The file can't be read.
pub fn sha256(
    path: &Path,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> io::Result<Option<String>> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut read = 0;
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok(Some(hex::encode(hash.finalize())));
        }
        hash.update(&buffer[..n]);
        read += n as u64;
        if progress(read).is_break() {
            return Ok(None);
        }
    }
}
