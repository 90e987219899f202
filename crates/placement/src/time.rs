//! Time as the placement sees it: whole milliseconds of one clock, whichever the caller has.

use std::ops::{Add, Sub};

/// A point in time, or a length of it, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub i64);

impl Millis {
    /// A length given in whole seconds.
    #[must_use]
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds * 1000)
    }

    /// This length as a multiple of another.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "lengths stay far below 2^52 ms")]
    pub fn ratio(self, of: Self) -> f64 {
        self.0.max(0) as f64 / of.0.max(1) as f64
    }

    /// A share of this length.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "lengths stay far below 2^52 ms"
    )]
    pub fn times(self, factor: f64) -> Self {
        Self((self.0 as f64 * factor) as i64)
    }
}

impl Add for Millis {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Millis {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}
