//! Readers of single values: each says what it allows, so that an error can.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::time::Duration;

use mystic_domain::Mib;
use serde::Deserializer;
use serde::de::{Error, Unexpected, Visitor};
use tracing_subscriber::EnvFilter;
use url::Url;

/// Longest time that can be configured: past any use, short of an overflow.
const YEAR_S: f64 = 365.0 * 86_400.0;

/// A whole number from `MIN` to `MAX`.
pub(super) fn whole<'de, const MIN: i64, const MAX: i64, T, D>(value: D) -> Result<T, D::Error>
where
    T: TryFrom<i64>,
    D: Deserializer<'de>,
{
    value.deserialize_i64(Whole::<MIN, MAX, T>(PhantomData))
}

struct Whole<const MIN: i64, const MAX: i64, T>(PhantomData<T>);

impl<const MIN: i64, const MAX: i64, T: TryFrom<i64>> Visitor<'_> for Whole<MIN, MAX, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {MIN} to {MAX}")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        let refused = || E::invalid_value(Unexpected::Signed(number), &self);
        if (MIN..=MAX).contains(&number) {
            T::try_from(number).map_err(|_| refused())
        } else {
            Err(refused())
        }
    }
}

/// Seconds, fractions allowed.
pub(super) fn seconds<'de, D: Deserializer<'de>>(value: D) -> Result<Duration, D::Error> {
    value.deserialize_f64(Seconds)
}

struct Seconds;

impl Visitor<'_> for Seconds {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds, more than 0 and at most a year")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Duration, E> {
        u32::try_from(number)
            .map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
            .and_then(|number| self.visit_f64(f64::from(number)))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Duration, E> {
        let duration = Duration::try_from_secs_f64(number).unwrap_or_default();
        if number <= YEAR_S && !duration.is_zero() {
            Ok(duration)
        } else {
            Err(E::invalid_value(Unexpected::Float(number), &self))
        }
    }
}

/// Whole milliseconds, up to a day.
pub(super) fn milliseconds<'de, D: Deserializer<'de>>(value: D) -> Result<Duration, D::Error> {
    whole::<1, 86_400_000, _, _>(value).map(Duration::from_millis)
}

/// Whole MiB, up to 16 TiB.
pub(super) fn mib<'de, D: Deserializer<'de>>(value: D) -> Result<Mib, D::Error> {
    whole::<0, 16_777_216, _, _>(value).map(Mib)
}

/// Whole MiB of a key that may be left out.
pub(super) fn some_mib<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Mib>, D::Error> {
    mib(value).map(Some)
}

/// A directory's path, plain or as a `file://` URL.
pub(super) fn directory<'de, D: Deserializer<'de>>(value: D) -> Result<PathBuf, D::Error> {
    text(value, "a directory or a file:// URL", |text| {
        if text.contains("://") {
            let url = Url::parse(text).ok()?;
            (url.scheme() == "file").then(|| url.to_file_path().ok())?
        } else {
            (!text.is_empty()).then(|| PathBuf::from(text))
        }
    })
}

/// A directory of a key that may be left out.
pub(super) fn some_directory<'de, D: Deserializer<'de>>(
    value: D,
) -> Result<Option<PathBuf>, D::Error> {
    directory(value).map(Some)
}

/// The address of a web page, with nothing after its path.
pub(super) fn http_url<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Url>, D::Error> {
    text(value, "an http:// or https:// URL", |text| {
        let url = Url::parse(text).ok()?;
        matches!(url.scheme(), "http" | "https").then_some(Some(url))
    })
}

/// The address of our own API, as one of our programs reaches it: they speak no TLS.
pub(super) fn plain_http_url<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Url>, D::Error> {
    text(value, "an http:// URL", |text| {
        let url = Url::parse(text).ok()?;
        (url.scheme() == "http").then_some(Some(url))
    })
}

/// A name that is safe inside Redis keys and ledger ids.
pub(super) fn host_name<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    text(value, "1 to 64 letters, digits, '-', '_' or '.'", |text| {
        let fits = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        fits.then(|| text.to_owned())
    })
}

/// `tracing` filter directives.
pub(super) fn filter<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    text(
        value,
        "directives such as info,mystic_store=debug",
        |text| EnvFilter::try_new(text).ok().map(|_| text.to_owned()),
    )
}

/// A string that `read` understands; `allowed` says which those are.
pub(super) fn text<'de, D, T>(
    value: D,
    allowed: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    value.deserialize_str(Text { allowed, read })
}

struct Text<F> {
    allowed: &'static str,
    read: F,
}

impl<T, F: FnOnce(&str) -> Option<T>> Visitor<'_> for Text<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.allowed)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let allowed = self.allowed;
        (self.read)(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &allowed))
    }
}
