//! Tags as requests write them.

use mystic_domain::{InvalidField, tags};

/// Most tags in one list.
const MAX_NAMES: usize = 20;

/// One tag in the form in which it is stored.
pub fn stored(field: &str, name: &str) -> Result<String, InvalidField> {
    let written = Some(name).filter(|name| !name.contains('\0'));
    let tag = written.and_then(|name| tags::normalise([name], 1).pop());
    tag.ok_or_else(|| {
        let shown: String = name.chars().take(100).collect();
        InvalidField::new(
            field,
            shown.replace('\0', "\u{2400}"),
            "tags of letters and digits, at most 64 characters each",
        )
    })
}

/// Tags in the form in which they are stored, however they are written, each once.
pub fn all_stored(field: &str, given: &[String]) -> Result<Vec<String>, InvalidField> {
    if given.len() > MAX_NAMES {
        let count = format!("{} tags", given.len());
        let allowed = format!("at most {MAX_NAMES} tags");
        return Err(InvalidField::new(field, count, allowed));
    }
    for name in given {
        stored(field, name)?;
    }
    Ok(tags::normalise(given.iter().map(String::as_str), MAX_NAMES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_however_they_are_written() {
        let given = ["Red_Circle".to_owned(), "red circle".to_owned()];
        assert_eq!(
            all_stored("tags", &given),
            Ok(vec!["red circle".to_owned()])
        );
        for odd in ["", "!", "a\0b", &"a".repeat(65)] {
            let refused = all_stored("no_tags", &[odd.to_owned()]).expect_err("no tag");
            assert_eq!(refused.field, "no_tags", "{odd}");
        }
    }
}
