//! How much memory a model and a job take, in MiB.
//!
//! The figures behind the formulae were measured on stable-diffusion.cpp and llama.cpp; `ARCHITECTURE.md` has the table.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ContextPlan, ImageModel, JobParams, Mib, Model, Pixels, Plan, Preset, TextModel, UpscaleModel,
    Weights,
};

/// What an engine process takes before any model: code, runtime, buffers of the library.
pub const PROCESS_OVERHEAD: Mib = Mib(96);

/// What a language model's graph takes beside weights and cache.
const TEXT_COMPUTE: Mib = Mib(128);

/// What every job takes at least.
pub(crate) const LEAST: Mib = Mib(16);

/// Memory in two parts, as the ledger books it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Need {
    /// For as long as the model is loaded.
    pub resident: Mib,
    /// For the life of one job's lease.
    pub working: Mib,
}

/// What a job with this preset and plan takes of its device. What the plan puts into system memory is not counted.
#[must_use]
pub fn estimate(preset: &Preset, weights: &Weights, params: &JobParams, plan: Plan) -> Need {
    let working = match (&preset.model, params) {
        (Model::Sd(model), JobParams::Generate(params)) => {
            image_working(model, weights, params.final_size(), plan)
        }
        (Model::Upscaler(model), JobParams::Upscale(params)) => {
            enlarging(model, params.width, params.height)
        }
        _ => LEAST,
    };
    Need {
        resident: resident(preset, weights, plan.context()),
        working,
    }
}

/// What a job of the preset's own size takes.
#[must_use]
pub fn usual(preset: &Preset, weights: &Weights, plan: Plan) -> Need {
    let working = match &preset.model {
        Model::Sd(model) => {
            let size = (model.defaults.width, model.defaults.height);
            image_working(model, weights, size, plan)
        }
        Model::Upscaler(model) => enlarging(model, model.tile, model.tile),
        Model::Llm(_) => LEAST,
    };
    Need {
        resident: resident(preset, weights, plan.context()),
        working,
    }
}

/// What the loaded model takes of its device with no job on it.
#[must_use]
pub fn resident(preset: &Preset, weights: &Weights, context: ContextPlan) -> Mib {
    let held = match &preset.model {
        Model::Sd(_) => match context {
            ContextPlan::TextEncoderOnCpu => weights.network + weights.decoder,
            ContextPlan::VaeOnCpu => weights.network,
            ContextPlan::Streamed => Mib(0),
            _ => weights.total(),
        },
        Model::Llm(model) => TEXT_COMPUTE + text_resident(model, weights, context),
        Model::Upscaler(_) => weights.total(),
    };
    held + PROCESS_OVERHEAD
}

/// A projector lies on the device whatever the plan: no rung moves it, and it is small beside its model.
fn text_resident(model: &TextModel, weights: &Weights, context: ContextPlan) -> Mib {
    let (sight, weights) = (weights.text_encoders, weights.network);
    let cache = cache(model);
    // 32 values of 16 bits become 32 of 8 with a scale of 16.
    let quantised = cache.parts(17, 32);
    let held = match context {
        ContextPlan::KvQuantised => weights + quantised,
        // The output layer stays on the device and is as large as many others in a small model.
        ContextPlan::HalfOffloaded => weights.parts(5, 8) + quantised.parts(1, 2),
        _ => weights + cache,
    };
    held + sight
}

/// The key-value cache: 2 · layers · heads · head size · context · 2 B (f16).
fn cache(model: &TextModel) -> Mib {
    let cells = [model.layers, model.kv_heads, model.head_dim, model.context];
    Mib::from_bytes(4 * cells.into_iter().map(u64::from).product::<u64>())
}

/// The largest of the phases' buffers on the device, since they follow one another: of the second pass where there is one,
/// which is the larger. Encoding a picture to start from takes less than decoding one of its size.
fn image_working(
    model: &ImageModel,
    weights: &Weights,
    (width, height): (u32, u32),
    plan: Plan,
) -> Mib {
    let sampled = sampled(model, width, height);
    let decoded = decoded(model, (width, height), plan.tiles());
    match plan.context() {
        ContextPlan::VaeOnCpu => sampled.max(LEAST),
        ContextPlan::Streamed => stream_budget(model, weights).max(window(weights) + sampled),
        _ => decoded.max(sampled).max(LEAST),
    }
}

/// What a streamed network may take of its device while it works: weights that pass through, and the activations of a
/// picture of the preset's own size. It is set when the model is loaded, so it is the same for every job; a larger
/// picture's activations come on top.
#[must_use]
pub fn stream_budget(model: &ImageModel, weights: &Weights) -> Mib {
    let own = sampled(model, model.defaults.width, model.defaults.height);
    (window(weights) + own).max(LEAST)
}

/// Weights that are on the device at a time: a quarter, which leaves the transfer of the next ones something to overlap
/// with and is larger than the largest single block of any network that is known.
fn window(weights: &Weights) -> Mib {
    weights.network.parts(1, 4)
}

/// Decoding: all pixels at once, or a tile's × 1.25.
fn decoded(model: &ImageModel, (width, height): (u32, u32), tiled: bool) -> Mib {
    let memory = &model.memory;
    let bytes = |area: Pixels| area.0 * memory.decode_bytes_per_pixel;
    if !tiled {
        return Mib::from_bytes(bytes(Pixels::of(width, height)));
    }
    let side = |side: u32| memory.tile_side.min(side);
    let tile = bytes(Pixels::of(side(width), side(height)));
    Mib::from_bytes(tile / 4 * 5)
}

/// Enlarging a picture: of a tile at its final size two sets of 64 features in f32 and the 3 × 3 neighbours of one in f16,
/// of the whole picture its values in f32, those of the tiles put together, and its pixels.
fn enlarging(model: &UpscaleModel, width: u32, height: u32) -> Mib {
    let area = u64::from(model.scale).pow(2);
    let tile = Pixels::of(model.tile.min(width), model.tile.min(height)).0 * area;
    let whole = Pixels::of(width, height).0 * area;
    Mib::from_bytes(tile * 64 * (2 * 4 + 9 * 2) + whole * (12 + 12 + 3)).max(LEAST)
}

/// Activations with flash attention: latent area × bytes of f16 × 0.01 × the architecture's factor, in MiB.
fn sampled(model: &ImageModel, width: u32, height: u32) -> Mib {
    let memory = &model.memory;
    let latent = Pixels::of(width / memory.latent_scale, height / memory.latent_scale);
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
    sampled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GenerateParams, ImageDefaults, ImageFiles, ImageFlags, ImageLimits, ImageMemory};

    fn preset() -> Preset {
        Preset {
            name: "sd15".into(),
            title: "SD 1.5".into(),
            model: Model::Sd(ImageModel {
                files: ImageFiles {
                    model: Some("sd15.safetensors".into()),
                    ..Default::default()
                },
                flags: ImageFlags::default(),
                defaults: ImageDefaults {
                    width: 512,
                    height: 512,
                    steps: 20,
                    steps_by_size: Vec::new(),
                    cfg: 7.0,
                    sampler: None,
                    scheduler: None,
                    negative_prompt: String::new(),
                },
                limits: ImageLimits {
                    multiple: 8,
                    min_side: 64,
                    max_side: 2048,
                    max_hires_side: None,
                    max_steps: 100,
                    max_batch: 16,
                },
                memory: ImageMemory::default(),
                loras: Vec::new(),
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
            ..GenerateParams::default()
        })
    }

    const WEIGHTS: Weights = Weights {
        network: Mib(1700),
        text_encoders: Mib(240),
        decoder: Mib(60),
    };

    #[test]
    fn decoding_512_untiled_takes_the_measured_1664_mib() {
        let need = estimate(&preset(), &WEIGHTS, &params(512), Plan::Full);
        assert_eq!(
            need,
            Need {
                resident: Mib(2096),
                working: Mib(1664)
            }
        );
    }

    #[test]
    fn a_second_pass_takes_what_a_picture_of_its_size_takes() {
        let JobParams::Generate(mut first) = params(512) else {
            panic!("it draws")
        };
        first.hires = Some(crate::Hires {
            scale: 2.0,
            width: 1024,
            height: 1024,
            strength: 0.5,
            steps: 10,
            upscaler: "Latent".into(),
        });
        let takes = |params: &JobParams| {
            let rungs = Plan::ladder(preset().engine()).iter();
            let needs = rungs.map(|plan| estimate(&preset(), &WEIGHTS, params, *plan));
            needs.collect::<Vec<Need>>()
        };
        assert_eq!(takes(&JobParams::Generate(first)), takes(&params(1024)));
    }

    #[test]
    fn tiling_leaves_what_the_network_takes() {
        let full = estimate(&preset(), &WEIGHTS, &params(1024), Plan::Full).working;
        let tiled = estimate(&preset(), &WEIGHTS, &params(1024), Plan::VaeTiling).working;
        assert_eq!(full, Mib(6656));
        assert_eq!(tiled, Mib(656));
    }

    #[test]
    fn what_a_plan_puts_on_the_processor_is_not_on_the_card() {
        let resident = |plan: Plan| resident(&preset(), &WEIGHTS, plan.context());
        let [full, tiled, encoder, decoder, streamed] = [
            Plan::Full,
            Plan::VaeTiling,
            Plan::TextEncoderOnCpu,
            Plan::VaeOnCpu,
            Plan::Streamed,
        ]
        .map(resident);
        assert_eq!(tiled, full);
        assert_eq!(full - encoder, WEIGHTS.text_encoders);
        assert_eq!(encoder - decoder, WEIGHTS.decoder);
        assert_eq!(decoder - streamed, WEIGHTS.network);
        assert_eq!(streamed, PROCESS_OVERHEAD);
    }

    #[test]
    fn a_streamed_network_takes_its_budget_and_a_larger_picture_its_activations_on_top() {
        let Model::Sd(model) = preset().model else {
            panic!("it draws")
        };
        // A quarter of the weights, and 64 × 64 cells.
        let budget = stream_budget(&model, &WEIGHTS);
        assert_eq!(budget, Mib(425 + 164));
        let working = |side| estimate(&preset(), &WEIGHTS, &params(side), Plan::Streamed).working;
        assert_eq!([working(256), working(512)], [budget, budget]);
        assert_eq!(working(1024), Mib(425 + 656));
    }

    #[test]
    fn each_rung_takes_less_of_the_device_than_the_one_above() {
        let text = Preset {
            model: Model::Llm(TextModel {
                file: "7b.gguf".into(),
                mmproj: None,
                context: 8192,
                layers: 32,
                kv_heads: 8,
                head_dim: 128,
            }),
            ..preset()
        };
        let prompt = JobParams::Tag(crate::TagParams {
            image: crate::ImageId::generate(),
            prompt: "a house".into(),
        });
        for (preset, params) in [
            (preset(), params(512)),
            (preset(), params(1024)),
            (text, prompt),
        ] {
            let takes = |plan: &Plan| {
                let need = estimate(&preset, &WEIGHTS, &params, *plan);
                need.resident + need.working
            };
            let rungs: Vec<Mib> = Plan::ladder(preset.engine()).iter().map(takes).collect();
            assert!(
                rungs.is_sorted_by(|above, below| above > below),
                "{rungs:?}"
            );
        }
    }

    #[test]
    fn a_language_models_cache_shrinks_to_its_8_bits_and_half_of_it_leaves_the_card() {
        let model = TextModel {
            file: "7b.gguf".into(),
            mmproj: None,
            context: 8192,
            layers: 32,
            kv_heads: 8,
            head_dim: 128,
        };
        let weights = Mib(4000);
        let resident = |context| text_resident(&model, &weights.into(), context);
        assert_eq!(resident(ContextPlan::Default), weights + Mib(1024));
        assert_eq!(resident(ContextPlan::KvQuantised), weights + Mib(544));
        assert_eq!(resident(ContextPlan::HalfOffloaded), Mib(2500 + 272));
        let seeing = Weights {
            text_encoders: Mib(600),
            ..weights.into()
        };
        for context in [
            ContextPlan::Default,
            ContextPlan::KvQuantised,
            ContextPlan::HalfOffloaded,
        ] {
            let takes = text_resident(&model, &seeing, context);
            assert_eq!(takes - resident(context), Mib(600), "whatever the plan");
        }
    }
}
