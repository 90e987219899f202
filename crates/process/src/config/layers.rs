//! Merging the sources into one tree in which every value remembers where it came from.

use std::path::Path;

use super::ConfigError;
use super::error::join;
use super::tree::{Kind, Tree};

/// The sources so far; what is added later wins.
#[derive(Default)]
pub(super) struct Layers(Tree);

impl Layers {
    /// Adds a file's text.
    pub(super) fn add_toml(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let table: toml::Table = toml::from_str(text).map_err(|error| ConfigError::Syntax {
            path: path.into(),
            line: error.span().map_or(1, |span| {
                text[..span.start.min(text.len())].matches('\n').count() + 1
            }),
            reason: error.message().into(),
        })?;
        let origin = path.display().to_string();
        merge(&mut self.0, planted("", &origin, toml::Value::Table(table)));
        Ok(())
    }

    /// Adds one value that came as text: from the environment or a flag. Empty text leaves the key as it was.
    pub(super) fn add_text(&mut self, keys: &[&str], origin: &str, text: &str) {
        if text.is_empty() {
            return;
        }
        let mut node = Tree {
            path: keys.join("."),
            origin: origin.into(),
            kind: Kind::Text(text.into()),
        };
        for depth in (0..keys.len()).rev() {
            node = Tree {
                path: keys[..depth].join("."),
                origin: origin.into(),
                kind: Kind::Table([(keys[depth].to_owned(), node)].into()),
            };
        }
        merge(&mut self.0, node);
    }

    pub(super) fn into_tree(self) -> Tree {
        self.0
    }
}

pub(super) fn planted(path: &str, origin: &str, value: toml::Value) -> Tree {
    let kind = match value {
        toml::Value::Table(table) => Kind::Table(
            table
                .into_iter()
                .map(|(key, value)| {
                    let node = planted(&join(path, &key), origin, value);
                    (key, node)
                })
                .collect(),
        ),
        toml::Value::Array(items) => Kind::List(
            items
                .into_iter()
                .enumerate()
                .map(|(at, value)| planted(&format!("{path}[{at}]"), origin, value))
                .collect(),
        ),
        value => Kind::Value(value),
    };
    Tree {
        path: path.into(),
        origin: origin.into(),
        kind,
    }
}

fn merge(below: &mut Tree, above: Tree) {
    match (&mut below.kind, above.kind) {
        (Kind::Table(below), Kind::Table(above)) => {
            for (key, node) in above {
                match below.get_mut(&key) {
                    Some(there) => merge(there, node),
                    None => {
                        below.insert(key, node);
                    }
                }
            }
        }
        (_, kind) => *below = Tree { kind, ..above },
    }
}
