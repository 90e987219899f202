//! NVIDIA's error events and whom they blame.

use serde::{Deserialize, Serialize};

/// An error event of NVIDIA's driver, by its number in NVIDIA's "XID Errors" catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Xid(pub u64);

/// What an [`Xid`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum XidClass {
    /// Nothing: the card noted something and works on.
    Notice,
    /// A program on the card has to start again; the card goes on.
    Application,
    /// The card can't be trusted before it was reset.
    Device,
}

impl Xid {
    /// What the event asks for, after the "immediate action" of NVIDIA's Xid catalogue. The application's numbers are
    /// those with the action `RESTART_APP` that a diffusion or language model can meet, and those that NVIDIA's device
    /// plugin for Kubernetes ignores when it judges a card's health. A contained memory error (94) ends one program
    /// only, but its page stays bad until a reset, so it counts against the card. An unknown number blames the card.
    #[must_use]
    pub fn class(self) -> XidClass {
        match self.0 {
            // A row to be remapped at the next reset; many corrected single-bit errors; another recovery action.
            63 | 92 | 154 => XidClass::Notice,
            8 | 11 | 13 | 31 | 41 | 43 | 45 | 68 | 109 => XidClass::Application,
            _ => XidClass::Device,
        }
    }
}
