//! Names that people give to what they keep: presets and prompt templates.

use crate::InvalidField;
use crate::invalid::shown;

const LONGEST: usize = 64;

/// Checks a name: short, and the same in a URL, a file and a command line.
///
/// # Errors
/// What is allowed instead.
pub fn check_name(field: &str, name: &str) -> Result<(), InvalidField> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fine = name.bytes().next().is_some_and(plain)
        && name.len() <= LONGEST
        && name
            .bytes()
            .all(|byte| plain(byte) || b"._-".contains(&byte));
    if fine {
        return Ok(());
    }
    Err(InvalidField::new(
        field,
        shown(name),
        format!(
            "1 to {LONGEST} of a to z, 0 to 9, dot, underscore and hyphen, the first a letter or digit"
        ),
    ))
}
