//! Where a file lies in the store.

/// The path of a file below the outputs root, by the SHA-256 of its content in hexadecimal.
#[must_use]
pub fn file_path(sha256: &str) -> String {
    let folder = sha256.get(..2).unwrap_or("__");
    format!("images/{folder}/{sha256}.png")
}
