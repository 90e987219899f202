//! A plan: how a job is fitted into memory.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One rung of the ladder from fast to frugal.
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
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// Everything on the device, decoded in one piece.
    #[default]
    Full,
    /// Decoded in tiles; at most 6/255 different from untiled.
    VaeTiling,
}

impl Plan {
    /// The rungs, fastest first.
    pub const LADDER: [Self; 2] = [Self::Full, Self::VaeTiling];

    /// The name in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::VaeTiling => "vae_tiling",
        }
    }

    /// The plan of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::LADDER.into_iter().find(|plan| plan.as_str() == name)
    }

    /// The next more frugal rung.
    #[must_use]
    pub fn lower(self) -> Option<Self> {
        Self::LADDER.into_iter().find(|rung| *rung > self)
    }

    /// What a resident model must have been loaded with to serve this plan.
    /// Tiling is chosen per call, so both rungs share one context.
    #[must_use]
    pub fn context(self) -> ContextPlan {
        match self {
            Self::Full | Self::VaeTiling => ContextPlan::Default,
        }
    }
}

/// Settings that can't change without loading the model again.
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
#[serde(rename_all = "snake_case")]
pub enum ContextPlan {
    /// The library's own placement: everything on the device.
    #[default]
    Default,
}

impl ContextPlan {
    /// The name in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
        }
    }

    /// The context plan of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        (name == Self::Default.as_str()).then_some(Self::Default)
    }
}
