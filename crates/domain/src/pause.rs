//! What an operator has stopped: queued jobs that a pause covers wait, what runs goes on.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::DeviceId;

/// What a pause covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(tag = "scope", content = "name", rename_all = "snake_case")]
pub enum Pause {
    /// Every job.
    Queue,
    /// The jobs of one owner.
    Owner(String),
    /// The jobs that ask for one preset.
    Preset(String),
    /// One device: it gets no job and loads no model.
    Device(DeviceId),
}

impl Pause {
    /// The scope's name in the database and on the wire.
    #[must_use]
    pub fn scope(&self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Owner(_) => "owner",
            Self::Preset(_) => "preset",
            Self::Device(_) => "device",
        }
    }

    /// Which owner, preset or device; empty for the queue.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Queue => "",
            Self::Owner(name) | Self::Preset(name) => name,
            Self::Device(device) => &device.0,
        }
    }

    /// Whether a queued job of this owner for this preset waits, on whichever device.
    #[must_use]
    pub fn covers(&self, owner: &str, preset: &str) -> bool {
        match self {
            Self::Queue => true,
            Self::Owner(name) => name == owner,
            Self::Preset(name) => name == preset,
            // Others may be open.
            Self::Device(_) => false,
        }
    }

    /// The pause of this scope and name.
    #[must_use]
    pub fn parse(scope: &str, name: &str) -> Option<Self> {
        Some(match scope {
            "queue" => Self::Queue,
            "owner" => Self::Owner(name.to_owned()),
            "preset" => Self::Preset(name.to_owned()),
            "device" => Self::Device(DeviceId(name.to_owned())),
            _ => return None,
        })
    }
}
