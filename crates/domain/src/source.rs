//! Pictures that a job starts from: what users send, and what other jobs made.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ImageId, UploadId};

/// What an upload is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UploadKind {
    /// Colours, kept as 8-bit RGB.
    #[default]
    Picture,
    /// White where a picture is to be painted anew, kept as 8-bit grey.
    Mask,
}

impl UploadKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Picture, Self::Mask];

    /// The name in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::Mask => "mask",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A picture that a job starts from. Its file is what counts: the ids say where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// An upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<UploadId>,
    /// A finished picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageId>,
    /// SHA-256 of its file in the store.
    pub sha256: String,
}
