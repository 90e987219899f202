//! Tags in their one written form.

/// Longest tag in characters.
pub const MAX_TAG_CHARS: usize = 64;

/// Brings tags into the form in which they are stored and searched: lower case, single spaces, no punctuation at
/// the ends, no commas, since these separate tags in a list, none twice, none empty or longer than [`MAX_TAG_CHARS`], at most `most`.
#[must_use]
pub fn normalise<'a>(raw: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in raw {
        let words = tag
            .split(|c: char| c.is_whitespace() || c == '_' || c == ',')
            .filter(|word| !word.is_empty());
        let tag = words.collect::<Vec<_>>().join(" ").to_lowercase();
        let tag = tag.trim_matches(|c: char| !c.is_alphanumeric());
        if !tag.is_empty() && tag.chars().count() <= MAX_TAG_CHARS && !tags.iter().any(|t| t == tag)
        {
            tags.push(tag.to_owned());
        }
        if tags.len() == most {
            break;
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn one_form_and_none_twice() {
        let tags = normalise(
            ["Red  Circle", "red_circle.", "", "  ", "blue background"],
            8,
        );
        assert_eq!(tags, ["red circle", "blue background"]);
    }

    #[test]
    fn no_more_than_asked_for() {
        assert_eq!(normalise(["a", "b", "c"], 2), ["a", "b"]);
    }
}
