//! The cards.

/// GB of each card.
pub const SIZES: [f64; 6] = [8.0, 8.0, 12.0, 12.0, 24.0, 24.0];

/// How fast each is.
pub const SPEEDS: [f64; 6] = [0.5, 0.5, 0.7, 0.7, 1.0, 1.0];

/// MiB of a card that the ledger leaves alone: its own use, and what estimates are short of.
pub const HEADROOM: f64 = 512.0;

/// What is booked for a job's estimate: the error's 99th percentile at a deviation of 8 %.
pub const P99: f64 = 1.19;
