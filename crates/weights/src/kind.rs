//! What a file is for, guessed from its header.

use std::fmt;

use crate::header::Header;

/// What a file is for, as far as its header tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A language model.
    LanguageModel,
    /// What lets a language model see.
    Projector,
    /// Changes to another model's weights.
    Adapter,
    /// A diffusion network with what reads and what draws.
    Checkpoint,
    /// A diffusion network alone.
    DiffusionModel,
    /// A text encoder.
    TextEncoder,
    /// An autoencoder, or a tiny one.
    Autoencoder,
    /// None of these, or one that is not known.
    Unknown,
}

impl Header {
    /// What the file is for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        let mut names = self.tensors.iter().map(|tensor| tensor.name.as_str());
        if names.any(|name| name.contains("lora_")) {
            return Kind::Adapter;
        }
        match self.named_architecture() {
            Some("clip") => return Kind::Projector,
            Some(name) if name.starts_with("t5") => return Kind::TextEncoder,
            Some(_) if self.language_model().is_ok() => return Kind::LanguageModel,
            _ => {}
        }
        let parts = self.modules();
        match (
            parts.diffusion > 0,
            parts.text_encoders > 0,
            parts.autoencoder > 0,
        ) {
            (true, false, false) => Kind::DiffusionModel,
            (true, _, _) => Kind::Checkpoint,
            (false, true, false) => Kind::TextEncoder,
            (false, false, true) => Kind::Autoencoder,
            _ => Kind::Unknown,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LanguageModel => "language model",
            Self::Projector => "projector",
            Self::Adapter => "adapter",
            Self::Checkpoint => "checkpoint",
            Self::DiffusionModel => "diffusion model",
            Self::TextEncoder => "text encoder",
            Self::Autoencoder => "autoencoder",
            Self::Unknown => "unknown",
        })
    }
}
