//! `/internal/v1/blobs`

pub mod get;
pub mod put;

use crate::problem::Problem;

fn check_name(sha256: &str) -> Result<(), Problem> {
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if sha256.len() == 64 && sha256.bytes().all(hexadecimal) {
        return Ok(());
    }
    Err(
        Problem::invalid_field("A file's name is its SHA-256.").about(
            "sha256",
            Some(sha256.chars().take(200).collect()),
            Some("64 hexadecimal digits in lower case".into()),
        ),
    )
}
