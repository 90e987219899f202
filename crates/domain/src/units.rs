//! Newtypes for units, so that bytes, MiB and pixels can't be mixed up.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Memory in mebibytes (2^20 bytes): the unit of the ledger.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(transparent)]
pub struct Mib(pub i64);

impl Mib {
    /// The bytes rounded up to whole MiB.
    #[must_use]
    pub fn from_bytes(bytes: u64) -> Self {
        Self(i64::try_from(bytes.div_ceil(1 << 20)).unwrap_or(i64::MAX))
    }

    /// The difference, at least 0.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self((self.0 - other.0).max(0))
    }

    /// So many equal parts of it, rounded up to whole MiB.
    #[must_use]
    pub fn parts(self, parts: u32, of: u32) -> Self {
        let (parts, of) = (i64::from(parts), i64::from(of));
        Self((self.0 * parts + of - 1) / of)
    }
}

impl Add for Mib {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Mib {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Sum for Mib {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self(0), Add::add)
    }
}

impl fmt::Display for Mib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB", self.0)
    }
}

/// An image's area: width × height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pixels(pub u64);

impl Pixels {
    /// The area of an image of this size.
    #[must_use]
    pub fn of(width: u32, height: u32) -> Self {
        Self(u64::from(width) * u64::from(height))
    }
}

impl Pixels {
    /// Millions of pixels, for people and for cost caps.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "an image has far fewer than 2^52 pixels"
    )]
    pub fn mega(self) -> f64 {
        self.0 as f64 / 1e6
    }
}
