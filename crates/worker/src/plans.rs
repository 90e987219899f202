//! Which rungs of its engine's ladder this worker offers for a preset.

use mystic_domain::{Model, Plan, Preset};
use mystic_store::DeviceInfo;

/// Values that llama.cpp's 8-bit cache keeps in one block: it refuses heads that are no multiple of it.
const KV_BLOCK: u32 = 32;

/// The rungs, fastest first. On a processor the memory that a rung moves things to is the device's own, so only those
/// that save memory itself are offered. Left out is what a card's library refuses, and `streamed`: stable-diffusion.cpp takes
/// it, but a network that it has cut draws another picture (`make test-vulkan` shows whether it still does).
pub(crate) fn offered(device: &DeviceInfo, preset: &Preset) -> Vec<Plan> {
    if matches!(preset.model, Model::Upscaler(_)) {
        // It has neither a text encoder nor a decoder, and its tiles are the preset's.
        return vec![Plan::Full];
    }
    let kept = |plan: &Plan| match plan {
        Plan::Full | Plan::VaeTiling => true,
        Plan::KvQuantised => quantises(preset),
        Plan::HalfOffloaded => !device.is_processor() && quantises(preset),
        Plan::TextEncoderOnCpu | Plan::VaeOnCpu => !device.is_processor(),
        Plan::Streamed => false,
    };
    let ladder = Plan::ladder(preset.engine()).iter().copied();
    ladder.filter(kept).collect()
}

fn quantises(preset: &Preset) -> bool {
    match &preset.model {
        Model::Llm(model) => model.head_dim.is_multiple_of(KV_BLOCK),
        Model::Sd(_) | Model::Upscaler(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use mystic_domain::{DeviceId, EngineKind, Mib};

    use super::*;

    fn device(kind: &str) -> DeviceInfo {
        DeviceInfo {
            id: DeviceId("host/0".into()),
            kind: kind.into(),
            name: String::new(),
            total: Mib(1),
            capacity: Mib(1),
            turns: 1,
        }
    }

    fn preset(engine: EngineKind, head_dim: u32) -> Preset {
        let preset = match engine {
            EngineKind::Sd => serde_json::json!({
                "name": "a", "title": "A", "engine": "sd", "files": {},
                "defaults": {"width": 8, "height": 8, "steps": 1, "cfg": 1.0},
                "limits": {"multiple": 8, "min_side": 8, "max_side": 8, "max_steps": 1, "max_batch": 1},
            }),
            EngineKind::Llm => serde_json::json!({
                "name": "a", "title": "A", "engine": "llm", "file": "a.gguf", "context": 512,
                "layers": 2, "kv_heads": 1, "head_dim": head_dim,
            }),
        };
        serde_json::from_value(preset).expect("a preset")
    }

    #[test]
    fn a_card_offers_all_that_draws_the_same_and_a_processor_what_saves_its_own_memory() {
        let offers = |kind: &str, engine| offered(&device(kind), &preset(engine, 64));
        let mut drawn = Plan::ladder(EngineKind::Sd).to_vec();
        drawn.retain(|plan| *plan != Plan::Streamed);
        assert_eq!(offers("cuda", EngineKind::Sd), drawn);
        let text = Plan::ladder(EngineKind::Llm);
        assert_eq!(offers("cuda", EngineKind::Llm), text);
        assert_eq!(offers("cpu", EngineKind::Sd), [Plan::Full, Plan::VaeTiling]);
        assert_eq!(
            offers("cpu", EngineKind::Llm),
            [Plan::Full, Plan::KvQuantised]
        );
    }

    #[test]
    fn a_cache_whose_heads_are_no_whole_blocks_stays_in_16_bits() {
        let odd = offered(&device("cuda"), &preset(EngineKind::Llm, 80));
        assert_eq!(odd, [Plan::Full]);
    }
}
