//! Which part of an image model a tensor belongs to, by the names that stable-diffusion.cpp loads
//! (`name_conversion.cpp`, `model_loader.cpp`).

use std::iter::Sum;
use std::ops::Add;

use crate::header::{Header, Tensor};

/// Bytes of an image model's tensors in a file, by its parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modules {
    /// The network that removes noise.
    pub diffusion: u64,
    /// All text encoders, language models among them.
    pub text_encoders: u64,
    /// The autoencoder, or a tiny one.
    pub autoencoder: u64,
    /// What is none of these or is not known: averages of the training, control networks.
    pub rest: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Module {
    Diffusion,
    TextEncoder,
    Autoencoder,
}
use Module::{Autoencoder, Diffusion, TextEncoder};

/// Names in a file of several parts, and in a diffusers layout.
const PREFIXES: [(&str, Module); 18] = [
    ("model.diffusion_model.", Diffusion),
    ("model.high_noise_diffusion_model.", Diffusion),
    ("diffusion_model.", Diffusion),
    ("unet.", Diffusion),
    ("cond_stage_model.", TextEncoder),
    ("conditioner.", TextEncoder),
    ("text_encoders.", TextEncoder),
    ("text_encoder.", TextEncoder),
    ("text_encoder_2.", TextEncoder),
    ("text_encoder_3.", TextEncoder),
    ("te.", TextEncoder),
    ("te1.", TextEncoder),
    ("te2.", TextEncoder),
    ("te3.", TextEncoder),
    ("first_stage_model.", Autoencoder),
    ("vae.", Autoencoder),
    ("tae.", Autoencoder),
    ("audio_vae.", Autoencoder),
];

/// Names in a file of one part, which tell what the whole file is. The first that any tensor has counts: text encoders
/// call their layers `transformer` too.
const ALONE: [(&str, Module); 50] = [
    ("transformer.resblocks.", TextEncoder),
    ("transformer.text_model.", TextEncoder),
    ("text_model.", TextEncoder),
    ("text_projection", TextEncoder),
    ("vision_model.", TextEncoder),
    ("token_embedding.", TextEncoder),
    ("encoder.block.", TextEncoder),
    ("shared.", TextEncoder),
    ("enc.blk.", TextEncoder),
    ("token_embd.", TextEncoder),
    ("model.embed_tokens.", TextEncoder),
    ("model.language_model.", TextEncoder),
    ("model.layers.", TextEncoder),
    ("post_quant_conv.", Autoencoder),
    ("encoder.down.", Autoencoder),
    ("encoder.down_blocks.", Autoencoder),
    ("encoder.downsamples.", Autoencoder),
    ("encoder.conv_in.", Autoencoder),
    ("encoder.layers.", Autoencoder),
    ("decoder.up.", Autoencoder),
    ("decoder.up_blocks.", Autoencoder),
    ("decoder.upsamples.", Autoencoder),
    ("decoder.conv_in.", Autoencoder),
    ("decoder.layers.", Autoencoder),
    ("input_blocks.", Diffusion),
    ("down_blocks.", Diffusion),
    ("joint_blocks.", Diffusion),
    ("double_blocks.", Diffusion),
    ("single_blocks.", Diffusion),
    ("transformer_blocks.", Diffusion),
    ("single_transformer_blocks.", Diffusion),
    ("cap_embedder.", Diffusion),
    ("x_embedder.", Diffusion),
    ("patch_embedding.", Diffusion),
    ("patchify_proj.", Diffusion),
    ("img_in.", Diffusion),
    ("time_in.", Diffusion),
    ("time_embed.", Diffusion),
    ("time_embedding.", Diffusion),
    ("nerf_final_layer_conv.", Diffusion),
    ("distilled_guidance_layer.", Diffusion),
    ("llm_adapter.", Diffusion),
    ("net.llm_adapter.", Diffusion),
    ("net.blocks.", Diffusion),
    ("blocks.0.cross_attn.", Diffusion),
    ("layers.0.adaLN_sa_ln.", Diffusion),
    ("layers.0.adaLN_modulation.", Diffusion),
    ("adaln_single.", Diffusion),
    ("pos_embed.proj.", Diffusion),
    ("transformer.", Diffusion),
];

impl Header {
    /// Bytes of an image model's tensors, by its parts. A file of one part has names without a prefix; its other tensors
    /// are of that part.
    #[must_use]
    pub fn modules(&self) -> Modules {
        let alone = self.alone();
        let mut modules = Modules::default();
        for tensor in &self.tensors {
            let bytes = match prefixed(tensor).map(|(module, _)| module).or(alone) {
                Some(Diffusion) => &mut modules.diffusion,
                Some(TextEncoder) => &mut modules.text_encoders,
                Some(Autoencoder) => &mut modules.autoencoder,
                None => &mut modules.rest,
            };
            *bytes += tensor.bytes;
        }
        modules
    }

    /// What the file is, where no tensor has a prefix.
    fn alone(&self) -> Option<Module> {
        if self.tensors.iter().any(|tensor| prefixed(tensor).is_some()) {
            return None;
        }
        let told = ALONE.iter().find(|(start, _)| {
            let mut names = self.tensors.iter().map(|tensor| &tensor.name);
            names.any(|name| name.starts_with(start))
        });
        told.map(|(_, module)| *module)
    }

    /// The diffusion network's tensors with their names inside of it.
    pub(crate) fn diffusion(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        let alone = self.alone();
        self.tensors.iter().filter_map(move |tensor| {
            let bare = || {
                let name = tensor.name.strip_prefix("transformer.");
                Some((alone?, name.unwrap_or(&tensor.name)))
            };
            let (module, name) = prefixed(tensor).or_else(bare)?;
            (module == Diffusion).then_some((name, tensor))
        })
    }
}

/// The part that a tensor's prefix names, and its name inside of it.
fn prefixed(tensor: &Tensor) -> Option<(Module, &str)> {
    PREFIXES
        .iter()
        .find_map(|(prefix, module)| Some((*module, tensor.name.strip_prefix(prefix)?)))
}

impl Modules {
    /// All bytes.
    #[must_use]
    pub fn total(self) -> u64 {
        self.diffusion + self.text_encoders + self.autoencoder + self.rest
    }
}

impl Add for Modules {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            diffusion: self.diffusion + other.diffusion,
            text_encoders: self.text_encoders + other.text_encoders,
            autoencoder: self.autoencoder + other.autoencoder,
            rest: self.rest + other.rest,
        }
    }
}

impl Sum for Modules {
    fn sum<I: Iterator<Item = Self>>(files: I) -> Self {
        files.fold(Self::default(), Add::add)
    }
}
