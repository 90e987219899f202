//! How much memory a model and a job take, in MiB.
//!
//! The figures behind the formulae were measured on stable-diffusion.cpp and llama.cpp; `ARCHITECTURE.md` has the table.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{GenerateParams, ImageModel, JobParams, Mib, Model, Pixels, Plan, Preset, TextModel};

/// What an engine process takes before any model: code, runtime, buffers of the library.
pub const PROCESS_OVERHEAD: Mib = Mib(96);

/// What a language model's graph takes beside weights and cache.
const TEXT_COMPUTE: Mib = Mib(128);

/// Memory in two parts, as the ledger books it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Need {
    /// For as long as the model is loaded.
    pub resident: Mib,
    /// For the life of one job's lease.
    pub working: Mib,
}

/// The need of a job with this preset and plan; `weights` is the size of the preset's files.
#[must_use]
pub fn estimate(preset: &Preset, weights: Mib, params: &JobParams, plan: Plan) -> Need {
    let working = match (&preset.model, params) {
        (Model::Sd(model), JobParams::Generate(params)) => image_working(model, params, plan),
        _ => Mib(16),
    };
    Need {
        resident: resident(preset, weights),
        working,
    }
}

/// What the loaded model takes with no job on it.
#[must_use]
pub fn resident(preset: &Preset, weights: Mib) -> Mib {
    match &preset.model {
        Model::Sd(_) => weights + PROCESS_OVERHEAD,
        Model::Llm(model) => weights + PROCESS_OVERHEAD + cache(model) + TEXT_COMPUTE,
    }
}

/// The key-value cache: 2 · layers · heads · head size · context · 2 B (f16).
fn cache(model: &TextModel) -> Mib {
    let cells = [model.layers, model.kv_heads, model.head_dim, model.context];
    Mib::from_bytes(4 * cells.into_iter().map(u64::from).product::<u64>())
}

/// The largest of the phases' buffers, since they follow one another.
fn image_working(model: &ImageModel, params: &GenerateParams, plan: Plan) -> Mib {
    let memory = &model.memory;
    let pixels = Pixels::of(params.width, params.height);
    let decoded = match plan {
        Plan::Full => pixels.0 * memory.decode_bytes_per_pixel,
        Plan::VaeTiling => {
            let tile = Pixels::of(
                memory.tile_side.min(params.width),
                memory.tile_side.min(params.height),
            );
            (tile.0 * memory.decode_bytes_per_pixel).min(pixels.0 * memory.decode_bytes_per_pixel)
                / 4
                * 5
        }
    };
    let latent = Pixels::of(
        params.width / memory.latent_scale,
        params.height / memory.latent_scale,
    );
    // Activations with flash attention: latent area × bytes of f16 × 0.01 × the architecture's factor, in MiB.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a latent has far fewer than 2^52 cells"
    )]
    let sampled = latent.0 as f64 * 2.0 * 0.01 * memory.activation_factor;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "limits keep the area far below 2^53"
    )]
    let sampled = Mib(sampled.ceil() as i64);
    Mib::from_bytes(decoded).max(sampled).max(Mib(16))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ImageDefaults, ImageFiles, ImageLimits, ImageMemory};

    fn preset() -> Preset {
        Preset {
            name: "sd15".into(),
            title: "SD 1.5".into(),
            model: Model::Sd(ImageModel {
                files: ImageFiles {
                    model: Some("sd15.safetensors".into()),
                    ..Default::default()
                },
                defaults: ImageDefaults {
                    width: 512,
                    height: 512,
                    steps: 20,
                    cfg: 7.0,
                    sampler: None,
                    scheduler: None,
                    negative_prompt: String::new(),
                },
                limits: ImageLimits {
                    multiple: 8,
                    min_side: 64,
                    max_side: 2048,
                    max_steps: 100,
                    max_batch: 16,
                },
                memory: ImageMemory::default(),
            }),
        }
    }

    fn params(side: u32) -> JobParams {
        JobParams::Generate(GenerateParams {
            prompt: "a house".into(),
            negative_prompt: String::new(),
            width: side,
            height: side,
            steps: 20,
            cfg: 7.0,
            seed: 1,
            batch: 1,
            sampler: None,
            scheduler: None,
            tag_preset: None,
        })
    }

    #[test]
    fn decoding_512_untiled_takes_the_measured_1664_mib() {
        let need = estimate(&preset(), Mib(2000), &params(512), Plan::Full);
        assert_eq!(
            need,
            Need {
                resident: Mib(2096),
                working: Mib(1664)
            }
        );
    }

    #[test]
    fn tiling_leaves_what_the_network_takes() {
        let full = estimate(&preset(), Mib(2000), &params(1024), Plan::Full).working;
        let tiled = estimate(&preset(), Mib(2000), &params(1024), Plan::VaeTiling).working;
        assert_eq!(full, Mib(6656));
        assert_eq!(tiled, Mib(656));
    }
}
