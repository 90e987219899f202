//! The size of a model's weights by what they are for: a plan moves one part or another off the device.

use crate::Mib;

/// The size of a model's weights in three parts, each of which a plan can put elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weights {
    /// The diffusion network, with whatever can't be told apart from it; of a language model all that is no projector.
    pub network: Mib,
    /// What reads the prompt. Of a language model what reads pictures, with the buffer that it does so in: the library takes
    /// that with the weights and keeps it.
    pub text_encoders: Mib,
    /// What makes pixels of latents.
    pub decoder: Mib,
}

impl Weights {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> Mib {
        self.network + self.text_encoders + self.decoder
    }
}

/// Weights that can't be told apart.
impl From<Mib> for Weights {
    fn from(network: Mib) -> Self {
        Self {
            network,
            ..Self::default()
        }
    }
}
