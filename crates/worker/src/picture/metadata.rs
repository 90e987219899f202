//! The parameters inside the PNG: the text that other tools read, and our JSON.
//!
//! Neither holds an id, a time or a host, so that equal settings give equal bytes.

use mystic_domain::{GenerateParams, LoraUse, Plan};
use serde::Serialize;

/// What made a picture.
#[derive(Debug)]
pub(crate) enum Recipe<'a> {
    /// A model that draws.
    Drawn(Drawing<'a>),
    /// A network that enlarges.
    Enlarged(Enlarging<'a>),
}

/// What drew a picture.
#[derive(Debug, Serialize)]
pub(crate) struct Drawing<'a> {
    /// The job's parameters.
    #[serde(flatten)]
    pub(crate) params: &'a GenerateParams,
    /// The picture's own seed.
    #[serde(rename = "image_seed")]
    pub(crate) seed: i64,
    /// The model.
    pub(crate) preset: &'a str,
    /// How it was fitted into memory.
    pub(crate) plan: Plan,
}

/// What enlarged a picture.
#[derive(Debug, Serialize)]
pub(crate) struct Enlarging<'a> {
    /// SHA-256 of the file that was enlarged.
    pub(crate) source: &'a str,
    /// How much larger each side became.
    pub(crate) scale: u32,
    /// The network.
    pub(crate) preset: &'a str,
}

impl Recipe<'_> {
    /// The `parameters` text that other tools read.
    pub(crate) fn parameters(&self) -> String {
        match self {
            Self::Drawn(drawing) => drawing.parameters(),
            Self::Enlarged(Enlarging { scale, preset, .. }) => {
                format!("Postprocess upscale by: {scale}, Postprocess upscaler: {preset}")
            }
        }
    }

    /// All of it as JSON. A picture that it was made from is named by its content, not by an id.
    pub(crate) fn json(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::Drawn(drawing) => drawing.json(),
            Self::Enlarged(enlarging) => {
                serde_json::to_string(&serde_json::json!({ "upscale": enlarging }))
            }
        }
    }
}

impl Drawing<'_> {
    /// The `parameters` text of the web UI that began the custom, on its three lines.
    fn parameters(&self) -> String {
        let params = self.params;
        let mut text = params.prompt.clone();
        if !params.negative_prompt.is_empty() {
            text.push_str("\nNegative prompt: ");
            text.push_str(&params.negative_prompt);
        }
        let sampler = params.sampler.as_deref().unwrap_or("default");
        let scheduler = params
            .scheduler
            .as_ref()
            .map(|name| format!(", Schedule type: {name}"))
            .unwrap_or_default();
        format!(
            "{text}\nSteps: {}, Sampler: {sampler}{scheduler}, CFG scale: {}, Seed: {}, Size: {}x{}, Model: {}{}, Version: MystiCanvas",
            params.steps,
            params.cfg,
            self.seed,
            params.width,
            params.height,
            self.preset,
            self.further()
        )
    }

    /// What goes beyond a prompt, in the same custom's words.
    fn further(&self) -> String {
        let params = self.params;
        let strength = params.strength;
        let strength = strength.map(|strength| format!(", Denoising strength: {strength}"));
        let hires = params.hires.as_ref().map(|hires| {
            format!(
                ", Hires upscale: {}, Hires steps: {}, Hires upscaler: {}",
                hires.scale, hires.steps, hires.upscaler
            )
        });
        let loras = params.loras.iter();
        let loras = loras.map(|LoraUse { name, weight }| format!(", Lora {name}: {weight}"));
        strength.into_iter().chain(hires).chain(loras).collect()
    }

    /// All of it as JSON, without the ids of what it started from.
    fn json(&self) -> Result<String, serde_json::Error> {
        let mut params = self.params.clone();
        for source in [&mut params.init, &mut params.mask].into_iter().flatten() {
            (source.upload, source.image) = (None, None);
        }
        let params = &params;
        serde_json::to_string(&Drawing { params, ..*self })
    }
}
