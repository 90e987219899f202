//! A plan: how a job is fitted into memory.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::EngineKind;

/// One rung of an engine's ladder from fast to frugal. Each keeps what the one above it saves; of two rungs of one
/// ladder the greater is the more frugal.
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
    /// Everything on the device, pictures decoded in one piece.
    #[default]
    Full,
    /// Decoded in tiles; at most 6/255 different from untiled.
    VaeTiling,
    /// The text encoders work in system memory, on the processor.
    TextEncoderOnCpu,
    /// The decoder too.
    VaeOnCpu,
    /// The network's weights lie in system memory and pass through the device, so many MiB at a time.
    Streamed,
    /// A language model's cache in 8 bits.
    KvQuantised,
    /// Half of a language model's layers in system memory, on the processor.
    HalfOffloaded,
}

impl Plan {
    const ALL: [Self; 7] = [
        Self::Full,
        Self::VaeTiling,
        Self::TextEncoderOnCpu,
        Self::VaeOnCpu,
        Self::Streamed,
        Self::KvQuantised,
        Self::HalfOffloaded,
    ];

    /// The rungs of an engine, fastest first.
    #[must_use]
    pub const fn ladder(engine: EngineKind) -> &'static [Self] {
        match engine {
            EngineKind::Sd => &[
                Self::Full,
                Self::VaeTiling,
                Self::TextEncoderOnCpu,
                Self::VaeOnCpu,
                Self::Streamed,
            ],
            EngineKind::Llm => &[Self::Full, Self::KvQuantised, Self::HalfOffloaded],
        }
    }

    /// The name in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::VaeTiling => "vae_tiling",
            Self::TextEncoderOnCpu => "text_encoder_on_cpu",
            Self::VaeOnCpu => "vae_on_cpu",
            Self::Streamed => "streamed",
            Self::KvQuantised => "kv_quantised",
            Self::HalfOffloaded => "half_offloaded",
        }
    }

    /// The plan of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|plan| plan.as_str() == name)
    }

    /// The next more frugal rung of an engine's ladder that is offered.
    #[must_use]
    pub fn lower(self, engine: EngineKind, offered: &[Self]) -> Option<Self> {
        let mut below = Self::ladder(engine).iter().filter(|rung| **rung > self);
        below.find(|rung| offered.contains(rung)).copied()
    }

    /// Whether pictures are decoded in tiles.
    #[must_use]
    pub fn tiles(self) -> bool {
        matches!(
            self,
            Self::VaeTiling | Self::TextEncoderOnCpu | Self::VaeOnCpu | Self::Streamed
        )
    }

    /// What a resident model must have been loaded with to serve this plan.
    /// Tiling is chosen per call, so the first two rungs share one context; every other is a reload.
    #[must_use]
    pub fn context(self) -> ContextPlan {
        match self {
            Self::Full | Self::VaeTiling => ContextPlan::Default,
            Self::TextEncoderOnCpu => ContextPlan::TextEncoderOnCpu,
            Self::VaeOnCpu => ContextPlan::VaeOnCpu,
            Self::Streamed => ContextPlan::Streamed,
            Self::KvQuantised => ContextPlan::KvQuantised,
            Self::HalfOffloaded => ContextPlan::HalfOffloaded,
        }
    }
}

/// Settings that can't change without loading the model again; each is what the plan of its name needs.
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
    /// The text encoders on the processor.
    TextEncoderOnCpu,
    /// The text encoders and the decoder on the processor.
    VaeOnCpu,
    /// These on the processor, and the network's weights streamed to the device.
    Streamed,
    /// A language model's cache in 8 bits.
    KvQuantised,
    /// That, and half of the layers on the processor.
    HalfOffloaded,
}

impl ContextPlan {
    const ALL: [Self; 6] = [
        Self::Default,
        Self::TextEncoderOnCpu,
        Self::VaeOnCpu,
        Self::Streamed,
        Self::KvQuantised,
        Self::HalfOffloaded,
    ];

    /// The name in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::TextEncoderOnCpu => "text_encoder_on_cpu",
            Self::VaeOnCpu => "vae_on_cpu",
            Self::Streamed => "streamed",
            Self::KvQuantised => "kv_quantised",
            Self::HalfOffloaded => "half_offloaded",
        }
    }

    /// The context plan of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|context| context.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rung_is_lower_than_the_one_above_and_known_by_its_name() {
        for engine in EngineKind::ALL {
            let ladder = Plan::ladder(engine);
            assert_eq!(ladder[0], Plan::default());
            assert!(ladder.is_sorted_by(|above, below| above < below));
            for plan in ladder {
                assert_eq!(Plan::parse(plan.as_str()), Some(*plan));
                let context = plan.context();
                assert_eq!(ContextPlan::parse(context.as_str()), Some(context));
            }
        }
    }

    #[test]
    fn a_plan_steps_down_its_own_engines_ladder_over_rungs_that_nobody_offers() {
        let offered = [
            Plan::Full,
            Plan::VaeTiling,
            Plan::Streamed,
            Plan::KvQuantised,
        ];
        let down = |plan: Plan, engine| plan.lower(engine, &offered);
        assert_eq!(down(Plan::Full, EngineKind::Sd), Some(Plan::VaeTiling));
        assert_eq!(down(Plan::VaeTiling, EngineKind::Sd), Some(Plan::Streamed));
        assert_eq!(down(Plan::Streamed, EngineKind::Sd), None);
        assert_eq!(down(Plan::Full, EngineKind::Llm), Some(Plan::KvQuantised));
        assert_eq!(down(Plan::KvQuantised, EngineKind::Llm), None);
    }
}
