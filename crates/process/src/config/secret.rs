//! Keys, and URLs that may hold a password: nothing prints them.

use std::fmt;

use serde::Deserializer;
use url::Url;

use super::values::text;

/// What replaces a secret wherever it would be shown.
const HIDDEN: &str = "***";

/// Parts of a URL's query that are safe to show.
const HARMLESS_QUERY: [&str; 7] = [
    "host", "port", "dbname", "db", "user", "sslmode", "protocol",
];

/// A connection URL. `Debug` and `Display` hide its password; [`SecretUrl::expose`] doesn't.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(String);

impl SecretUrl {
    /// Wraps a URL, for tests and programs that make their own.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The whole URL, for the library that connects.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(mut url) = Url::parse(&self.0) else {
            return f.write_str(HIDDEN);
        };
        if url.password().is_some() && url.set_password(Some(HIDDEN)).is_err() {
            return f.write_str(HIDDEN);
        }
        let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        if !query.is_empty() {
            url.query_pairs_mut()
                .clear()
                .extend_pairs(query.iter().map(|(key, value)| {
                    let harmless = HARMLESS_QUERY.contains(&key.as_str());
                    (key.as_str(), if harmless { value.as_str() } else { HIDDEN })
                }));
        }
        url.fmt(f)
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// A key. `Debug` hides it; [`SecretText::expose`] doesn't.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// The key itself, for whom it is meant.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{HIDDEN}\"")
    }
}

pub(super) fn join_key<'de, D: Deserializer<'de>>(
    value: D,
) -> Result<Option<SecretText>, D::Error> {
    text(
        value,
        "a join key as `mystic worker-access grant NAME` prints it",
        |key| {
            let plain = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
            plain.then(|| Some(SecretText(key.to_owned())))
        },
    )
}

pub(super) fn postgres_url<'de, D: Deserializer<'de>>(value: D) -> Result<SecretUrl, D::Error> {
    url_of(
        value,
        &["postgres", "postgresql"],
        "a URL such as postgres://user:password@host:5432/database or postgres:///database?host=/socket/directory",
    )
}

pub(super) fn redis_url<'de, D: Deserializer<'de>>(value: D) -> Result<SecretUrl, D::Error> {
    url_of(
        value,
        &["redis", "rediss", "redis+unix", "unix"],
        "a URL such as redis://:password@host:6379/0, rediss://host or redis+unix:///path/to/socket",
    )
}

fn url_of<'de, D: Deserializer<'de>>(
    value: D,
    schemes: &[&str],
    allowed: &'static str,
) -> Result<SecretUrl, D::Error> {
    text(value, allowed, |url| {
        let parsed = Url::parse(url).ok()?;
        schemes
            .contains(&parsed.scheme())
            .then(|| SecretUrl::new(url))
    })
}
