//! Which family an image model is of, guessed from telltale tensors as stable-diffusion.cpp does
//! (`ModelLoader::get_sd_version`).

use std::fmt;

use crate::header::Header;

/// A family of diffusion networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// Stable Diffusion 1.
    Sd1,
    /// Stable Diffusion 2.
    Sd2,
    /// Stable Diffusion XL.
    Sdxl,
    /// Stable Diffusion 3 and 3.5.
    Sd3,
    /// Stable Video Diffusion.
    Svd,
    /// FLUX.1.
    Flux,
    /// FLUX.2.
    Flux2,
    /// Chroma.
    Chroma,
    /// Ovis-Image.
    OvisImage,
    /// Qwen-Image.
    QwenImage,
    /// Z-Image.
    ZImage,
    /// ERNIE-Image.
    ErnieImage,
    /// Anima.
    Anima,
    /// Wan 2.
    Wan,
    /// LTX video.
    Ltx,
}
use Architecture::{
    Anima, Chroma, ErnieImage, Flux, Flux2, Ltx, OvisImage, QwenImage, Sd1, Sd2, Sd3, Sdxl, Svd,
    Wan, ZImage,
};

/// How names of the diffusion network's tensors begin; the first that any has counts, since families build on others.
const TELLTALES: [(&str, Architecture); 17] = [
    ("nerf_final_layer_conv.", Chroma),
    ("distilled_guidance_layer.", Chroma),
    ("joint_blocks.", Sd3),
    ("transformer_blocks.0.img_mod.1.", QwenImage),
    ("llm_adapter.blocks.0.cross_attn.q_proj.", Anima),
    ("net.llm_adapter.blocks.0.cross_attn.q_proj.", Anima),
    ("double_stream_modulation_img.lin.", Flux2),
    ("double_blocks.0.img_mlp.gate_proj.", OvisImage),
    ("cap_embedder.0.", ZImage),
    ("layers.0.adaLN_sa_ln.", ErnieImage),
    ("adaln_single.emb.timestep_embedder.linear_1.", Ltx),
    ("blocks.0.cross_attn.norm_k.", Wan),
    ("double_blocks.", Flux),
    ("single_transformer_blocks.", Flux),
    ("pos_embed.proj.", Sd3),
    ("input_blocks.8.0.time_mixer.", Svd),
    ("down_blocks.0.resnets.0.temporal_res_block.", Svd),
];

/// What a U-Net attends to: keys of the text's width.
const KEYS: &str = ".attn2.to_k.weight";
const WIDTHS: [(u64, Architecture); 3] = [(768, Sd1), (1024, Sd2), (2048, Sdxl)];

impl Header {
    /// The family of the file's diffusion network; none where it has no such network, or an unknown one.
    #[must_use]
    pub fn architecture(&self) -> Option<Architecture> {
        let told = TELLTALES
            .iter()
            .find(|(start, _)| self.diffusion().any(|(name, _)| name.starts_with(start)));
        if let Some((_, architecture)) = told {
            return Some(*architecture);
        }
        let (_, keys) = self.diffusion().find(|(name, _)| name.ends_with(KEYS))?;
        let width = keys.shape.last()?;
        let known = WIDTHS.iter().find(|(known, _)| known == width);
        known.map(|(_, architecture)| *architecture)
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Sd1 => "Stable Diffusion 1",
            Sd2 => "Stable Diffusion 2",
            Sdxl => "Stable Diffusion XL",
            Sd3 => "Stable Diffusion 3",
            Svd => "Stable Video Diffusion",
            Flux => "FLUX.1",
            Flux2 => "FLUX.2",
            Chroma => "Chroma",
            OvisImage => "Ovis-Image",
            QwenImage => "Qwen-Image",
            ZImage => "Z-Image",
            ErnieImage => "ERNIE-Image",
            Anima => "Anima",
            Wan => "Wan 2",
            Ltx => "LTX",
        })
    }
}
