//! The models of the simulated fleet, with the sizes of real ones.

use mystic_domain::{EngineKind, Mib, Plan, need};

/// A model as it is deployed.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// For tables.
    pub name: &'static str,
    /// Which engine serves it.
    pub engine: EngineKind,
    /// MiB of its files.
    pub weights: i64,
    /// Seconds per megapixel at 30 steps (images), or per job (text), on a card of speed 1.
    pub seconds: f64,
    /// Side lengths that people ask it for.
    pub sizes: &'static [(u32, u32)],
}

const SMALL: &[(u32, u32)] = &[(512, 512), (512, 768), (768, 768)];
const LARGE: &[(u32, u32)] = &[(768, 768), (1024, 1024), (832, 1216), (1536, 1024)];

const fn image(
    name: &'static str,
    weights: i64,
    seconds: f64,
    sizes: &'static [(u32, u32)],
) -> Model {
    Model {
        name,
        engine: EngineKind::Sd,
        weights,
        seconds,
        sizes,
    }
}

/// 12 for images: SD 1.5 in half precision 2.0 GiB, with a video or depth branch more; SDXL 6.5 GiB; SD 3.5 medium
/// and Flux quantised with their text encoders.
pub const IMAGES: [Model; 12] = [
    image("sd15-a", 2034, 4.0, SMALL),
    image("sd15-b", 2034, 4.0, SMALL),
    image("sd15-c", 2034, 4.0, SMALL),
    image("sd15-fp32", 4068, 4.5, SMALL),
    image("sdxl-base", 6617, 4.0, LARGE),
    image("sdxl-photo", 6617, 4.0, LARGE),
    image("sdxl-anime", 6617, 4.0, LARGE),
    image("sdxl-lightning", 6617, 1.1, LARGE),
    image("sdxl-q8", 3900, 4.5, LARGE),
    image("sd35-medium-q5", 6300, 6.0, LARGE),
    image("flux-schnell-q4", 9700, 2.2, LARGE),
    image("flux-dev-q4", 10_000, 15.0, LARGE),
];

/// 2 for text: 1.5 billion parameters at 4 bits 1.1 GiB, 8 billion 4.9 GiB, with their caches.
pub const TEXTS: [Model; 2] = [
    Model {
        name: "text-1.5b-q4",
        engine: EngineKind::Llm,
        weights: 1126,
        seconds: 1.0,
        sizes: &[],
    },
    Model {
        name: "text-8b-q4",
        engine: EngineKind::Llm,
        weights: 5018,
        seconds: 2.0,
        sizes: &[],
    },
];

/// Presets: images first, then texts.
pub const COUNT: usize = IMAGES.len() + TEXTS.len();

/// The preset's model.
#[must_use]
pub fn model(preset: usize) -> Model {
    if preset < IMAGES.len() {
        IMAGES[preset]
    } else {
        TEXTS[preset - IMAGES.len()]
    }
}

impl Model {
    /// MiB while it is loaded: weights, process, and for text the cache and the graph.
    #[must_use]
    pub fn resident(&self) -> Mib {
        let beside = match self.engine {
            EngineKind::Sd => 0,
            EngineKind::Llm => 384,
        };
        Mib(self.weights) + need::PROCESS_OVERHEAD + Mib(beside)
    }

    /// From the order to a loaded model.
    #[must_use]
    pub fn load_seconds(&self) -> f64 {
        2.0 + gib(self.weights) / 1.5
    }

    /// MiB that a job's peak adds, by the formulae of `mystic_domain::need`.
    #[must_use]
    pub fn working(&self, (width, height): (u32, u32), plan: Plan) -> f64 {
        let pixels = f64::from(width) * f64::from(height);
        match (self.engine, plan) {
            (EngineKind::Llm, _) => 16.0,
            (EngineKind::Sd, Plan::Full) => pixels * 6656.0 / MIB,
            (EngineKind::Sd, _) => {
                let tile = 256.0 * 256.0 * 6656.0 * 1.25 / MIB;
                let sampling = pixels / 64.0 * 2.0 * 0.01 * 2.0;
                tile.max(sampling)
            }
        }
    }
}

const MIB: f64 = 1_048_576.0;

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn gib(mib: i64) -> f64 {
    mib as f64 / 1024.0
}

/// The rungs that are simulated: those that need no other load.
pub const RUNGS: [Plan; 2] = [Plan::Full, Plan::VaeTiling];

/// How much longer a job takes with this plan.
#[must_use]
pub fn slowdown(plan: Plan) -> f64 {
    match plan {
        Plan::Full => 1.0,
        _ => 1.02,
    }
}
