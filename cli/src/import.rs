//! `mystic images import`: pictures of a folder are sent to the API, which reads no path of anybody's.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::error::{Result, Tried, sentence};
use crate::remote::Connection;

/// Folders in one another that are looked into.
const DEPTH: u32 = 16;

/// Which pictures to import.
#[derive(Debug, Args)]
pub struct Import {
    /// A folder with pictures, or one picture
    folder: PathBuf,
    #[command(flatten)]
    connection: Connection,
}

/// Sends every picture below a folder. One that is refused is told, and the others go on.
///
/// # Errors
/// The folder can't be read, the API is away, or a picture was refused.
pub async fn import(asked: Import) -> Result<()> {
    let client = asked.connection.client()?;
    let (mut new, mut known, mut refused) = (0, 0, 0);
    for path in pictures(&asked.folder)? {
        let file = fs::read(&path).tried(|| format!("cannot read {}", path.display()))?;
        match client.import(file).await? {
            Ok((image, true)) => {
                new += 1;
                println!("{}  {}", image.id, path.display());
            }
            Ok((_, false)) => known += 1,
            Err(why) => {
                refused += 1;
                eprintln!("{}: {why}", path.display());
            }
        }
    }
    println!("{new} imported, {known} were there already, {refused} refused");
    if refused > 0 {
        return sentence("some pictures were refused; the others are imported");
    }
    Ok(())
}

/// The pictures below a folder, by their content, the largest files first: in a directory of ours a picture comes before its
/// thumbnail, which is known then. Links and hidden folders are passed over.
fn pictures(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |path: &Path| format!("cannot read {}", path.display());
    if folder.is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let mut found = Vec::new();
    let mut open = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        for entry in fs::read_dir(&folder).tried(|| unreadable(&folder))? {
            let entry = entry.tried(|| unreadable(&folder))?;
            let kind = entry.file_type().tried(|| unreadable(&entry.path()))?;
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if kind.is_dir() && !hidden && depth < DEPTH {
                open.push((entry.path(), depth + 1));
            } else if kind.is_file()
                && is_picture(&entry.path()).tried(|| unreadable(&entry.path()))?
            {
                let size = entry.metadata().tried(|| unreadable(&entry.path()))?.len();
                found.push((size, entry.path()));
            }
        }
    }
    found.sort_unstable_by(|one, other| other.cmp(one));
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// Whether a file begins as PNG, JPEG or WebP do.
fn is_picture(path: &Path) -> std::io::Result<bool> {
    let mut start = [0; 12];
    match File::open(path)?.read_exact(&mut start) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(false),
        read => read?,
    }
    let png = start.starts_with(b"\x89PNG\r\n\x1a\n");
    let jpeg = start.starts_with(b"\xff\xd8\xff");
    let webp = start.starts_with(b"RIFF") && start.ends_with(b"WEBP");
    Ok(png || jpeg || webp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_found_by_their_content_the_largest_first_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("b/c")).unwrap();
        fs::create_dir(root.join(".hidden")).unwrap();
        let png = b"\x89PNG\r\n\x1a\n0000".as_slice();
        for (path, content) in [
            ("b/c/one.png", png),
            ("a.webp", b"RIFF0000WEBPVP8 "),
            ("b/no-ending", b"\xff\xd8\xff00000000000"),
            ("notes.png", b"just some notes"),
            ("short", b"\x89PNG"),
            (".hidden/two.png", png),
        ] {
            fs::write(root.join(path), content).unwrap();
        }
        std::os::unix::fs::symlink(root.join("a.webp"), root.join("link.webp")).unwrap();
        let found = pictures(root).unwrap();
        assert_eq!(
            found,
            ["a.webp", "b/no-ending", "b/c/one.png"].map(|path| root.join(path))
        );
    }
}
