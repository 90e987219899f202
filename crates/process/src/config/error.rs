//! What can be wrong with a configuration, said so that it can be mended: key, source, value, what is allowed.

use std::fmt::{self, Display};
use std::path::PathBuf;

use serde::de::{Expected, Unexpected};

use crate::LeaseTimesError;

/// Keys whose values are never shown.
const SECRET_KEYS: [&str; 3] = ["database.url", "redis.url", "worker.join_key"];

/// A configuration that no process starts with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is missing or unreadable.
    #[error("cannot read the configuration {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no TOML. The offending line isn't shown: it may hold a password.
    #[error("{path} line {line} is not TOML: {reason}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What the parser said.
        reason: String,
    },
    /// A key that nothing reads, most likely misspelt.
    #[error("unknown key `{key}` in {origin}; allowed: {allowed}")]
    UnknownKey {
        /// The key with its section.
        key: String,
        /// Where it stands.
        origin: String,
        /// The keys that may stand there.
        allowed: String,
    },
    /// A value of the wrong type or out of its bounds.
    #[error("{key} = {value} from {origin} is refused; allowed: {allowed}")]
    Value {
        /// The key with its section.
        key: String,
        /// The value, hidden when it is secret.
        value: String,
        /// Where it stands.
        origin: String,
        /// What it may be.
        allowed: String,
    },
    /// An environment variable looks like a key but isn't one.
    #[error("{name} is no configuration key; {hint}")]
    Variable {
        /// The variable.
        name: String,
        /// What to write instead.
        hint: String,
    },
    /// A `--set` flag isn't `section.key=value`. The flag isn't repeated: it may hold a password.
    #[error("--set wants section.key=value, for instance --set api.max_cost=500")]
    Flag,
    /// A key is set that means nothing without another.
    #[error("{given} is set and {missing} is not: set both, or neither")]
    Alone {
        /// The key that is set.
        given: &'static str,
        /// The key that is missing.
        missing: &'static str,
    },
    /// The lease times contradict each other.
    #[error(transparent)]
    LeaseTimes(#[from] LeaseTimesError),
    /// A fault that has not met its key yet.
    #[doc(hidden)]
    #[error("{0}")]
    Unplaced(Fault),
}

/// What serde says before the key is known.
#[derive(Debug)]
pub struct Fault {
    unknown: Option<String>,
    allowed: String,
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.allowed)
    }
}

impl ConfigError {
    pub(super) fn alone(given: &'static str, missing: &'static str) -> Self {
        Self::Alone { given, missing }
    }

    /// Names the key that a fault happened at.
    pub(super) fn at(self, path: &str, origin: &str, value: impl Display) -> Self {
        match self {
            Self::Unplaced(Fault {
                unknown: Some(field),
                allowed,
            }) => Self::UnknownKey {
                key: join(path, &field),
                origin: origin.into(),
                allowed,
            },
            Self::Unplaced(Fault {
                unknown: None,
                allowed,
            }) => Self::Value {
                key: path.into(),
                value: if SECRET_KEYS.contains(&path) {
                    "(hidden)".into()
                } else {
                    value.to_string()
                },
                origin: origin.into(),
                allowed,
            },
            placed => placed,
        }
    }
}

/// `section.key`, or the key alone at the top.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.into()
    } else {
        format!("{path}.{key}")
    }
}

impl serde::de::Error for ConfigError {
    fn custom<T: Display>(message: T) -> Self {
        Self::Unplaced(Fault {
            unknown: None,
            allowed: message.to_string(),
        })
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(expected)
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(expected)
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(expected.join(", "))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::Unplaced(Fault {
            unknown: Some(field.into()),
            allowed: expected.join(", "),
        })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format_args!("a table that also has `{field}`"))
    }
}
