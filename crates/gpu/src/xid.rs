//! NVIDIA's error events and whom they blame.

use serde::{Deserialize, Serialize};

/// An error event of NVIDIA's driver, by its number in NVIDIA's "XID Errors" catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Xid(pub u64);

/// Whom an [`Xid`] blames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum XidClass {
    /// The program on the card: its job fails, the card goes on.
    Application,
    /// The card's memory: an ECC error or a retired row.
    Memory,
    /// The card or its firmware: it may need a reset.
    Device,
    /// The card fell off the bus.
    Lost,
}

impl Xid {
    /// Whom the event blames. The application's numbers are those that NVIDIA's device plugin for Kubernetes
    /// ignores when it judges a card's health; an unknown number blames the card.
    #[must_use]
    pub fn class(self) -> XidClass {
        match self.0 {
            13 | 31 | 43 | 45 | 68 | 109 => XidClass::Application,
            48 | 63 | 64 | 92 | 94 | 95 => XidClass::Memory,
            79 => XidClass::Lost,
            _ => XidClass::Device,
        }
    }
}
