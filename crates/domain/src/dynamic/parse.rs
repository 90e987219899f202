//! From text to choices.

/// Braces inside braces that are looked into; what lies deeper is text.
const MAX_NESTING: usize = 64;

/// A part of a prompt.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// Stays as it is.
    Text(String),
    /// Some of several.
    Choice(Choice),
    /// A line of the wildcard of this name.
    Wildcard(String),
}

/// Some of several options.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) separator: String,
    pub(super) options: Vec<Weighted>,
}

/// An option with how often it is to come, against the others.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Weighted {
    /// In thousandths, so that no rounding decides.
    pub(super) weight: u32,
    pub(super) nodes: Vec<Node>,
}

/// The parts of a prompt.
pub(super) fn nodes(text: &str) -> Vec<Node> {
    within(text, 0)
}

fn within(text: &str, nesting: usize) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '{', '_']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let found = match rest.as_bytes()[0] {
            b'\\' => {
                let escaped = rest[1..].chars().next().filter(|c| "{}_|".contains(*c));
                plain.push(escaped.unwrap_or('\\'));
                rest = &rest[1 + usize::from(escaped.is_some())..];
                continue;
            }
            b'{' if nesting < MAX_NESTING => {
                closing(rest).and_then(|end| Some((choice(&rest[1..end], nesting)?, end + 1)))
            }
            b'_' => wildcard(rest),
            _ => None,
        };
        if let Some((node, length)) = found {
            if !plain.is_empty() {
                nodes.push(Node::Text(std::mem::take(&mut plain)));
            }
            nodes.push(node);
            rest = &rest[length..];
        } else {
            plain.push_str(&rest[..1]);
            rest = &rest[1..];
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        nodes.push(Node::Text(plain));
    }
    nodes
}

/// Where the brace closes that the text begins with.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'{' => open += 1,
            b'}' => {
                open -= 1;
                if open == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// What stands between braces, if it offers a choice.
fn choice(inside: &str, nesting: usize) -> Option<Node> {
    let (least, most, separator, options) = counted(inside).unwrap_or((1, 1, ", ", inside));
    let options = split(options);
    if options.len() == 1 && options[0].len() == inside.len() {
        return None;
    }
    let options = options.into_iter().map(|option| {
        let (weight, option) = weight(option).unwrap_or((1000, option));
        Weighted {
            weight,
            nodes: within(option, nesting + 1),
        }
    });
    Some(Node::Choice(Choice {
        least,
        most,
        separator: separator.to_owned(),
        options: options.collect(),
    }))
}

/// `2$$`, `1-3$$`, with a separator and another `$$` behind it, or not.
fn counted(inside: &str) -> Option<(usize, usize, &str, &str)> {
    let (count, rest) = inside.split_once("$$")?;
    let (least, most) = count.split_once('-').unwrap_or((count, count));
    let (least, most) = (least.parse().ok()?, most.parse().ok()?);
    let (separator, options) = match rest.split_once("$$") {
        Some((separator, options)) if !separator.contains(['{', '|']) => (separator, options),
        _ => (", ", rest),
    };
    (least <= most).then_some((least, most, separator, options))
}

/// At the bars that stand in no inner brace.
fn split(options: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut from, mut open, mut escaped) = (0, 0_usize, false);
    for (at, byte) in options.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'{' => open += 1,
            b'}' => open = open.saturating_sub(1),
            b'|' if open == 0 => {
                parts.push(&options[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&options[from..]);
    parts
}

/// `2::` or `0.5::` before an option.
fn weight(option: &str) -> Option<(u32, &str)> {
    let (weight, rest) = option.split_once("::")?;
    let (whole, part) = weight.trim().split_once('.').unwrap_or((weight.trim(), ""));
    if part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part: u32 = format!("{part:0<3}").parse().ok()?;
    let whole: u32 = whole.parse().ok()?;
    Some((whole.checked_mul(1000)?.checked_add(part)?, rest))
}

/// `__name__` at the beginning: letters, digits, single underscores, hyphens, and slashes between folders.
fn wildcard(text: &str) -> Option<(Node, usize)> {
    let rest = text.strip_prefix("__")?;
    let end = rest.find("__")?;
    let name = &rest[..end];
    let fine = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    name.split('/')
        .all(fine)
        .then(|| (Node::Wildcard(name.to_owned()), end + 4))
}
