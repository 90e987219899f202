//! One picture's settings, checked and in the library's terms.

use std::ffi::CString;

use diffusion_rs::api::{SampleMethod, Scheduler};
use mystic_domain::{FailureKind, GenerateParams, Plan};
use mystic_engine::child::EngineError;

use super::{sampler, scheduler};

/// Largest side of a decoder tile in pixels: 32 latent cells of an 8 × 8 autoencoder, the library's own choice.
const TILE_SIDE: u16 = 256;

/// One picture's settings, checked and in the library's terms.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) prompt: CString,
    pub(super) negative_prompt: CString,
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) steps: i32,
    pub(super) cfg: f32,
    pub(super) seed: i64,
    pub(super) sampler: SampleMethod,
    pub(super) scheduler: Scheduler,
    pub(super) tile: Option<Tile>,
}

/// A decoder tile as fractions of the picture's width and height: these hold whatever the autoencoder's scale is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tile {
    pub(super) width: f32,
    pub(super) height: f32,
}

impl Settings {
    /// Turns a job's parameters into the library's terms.
    ///
    /// # Errors
    /// `InvalidInput` where the library has no such value.
    pub fn new(params: &GenerateParams, seed: i64, plan: Plan) -> Result<Self, EngineError> {
        if seed < 0 {
            return Err(refused("seed", seed, "0 or more"));
        }
        Ok(Self {
            prompt: text("prompt", &params.prompt)?,
            negative_prompt: text("negative_prompt", &params.negative_prompt)?,
            width: count("width", params.width)?,
            height: count("height", params.height)?,
            steps: count("steps", params.steps)?,
            cfg: params.cfg,
            seed,
            sampler: named("sampler", params.sampler.as_deref(), sampler)?
                .unwrap_or(SampleMethod::SAMPLE_METHOD_COUNT),
            scheduler: named("scheduler", params.scheduler.as_deref(), scheduler)?
                .unwrap_or(Scheduler::SCHEDULER_COUNT),
            tile: plan.tiles().then(|| Tile::of(params.width, params.height)),
        })
    }

    /// The cheapest picture that still goes through text encoder, diffusion and decoder.
    pub(super) fn one_small_step() -> Self {
        Self {
            prompt: CString::default(),
            negative_prompt: CString::default(),
            width: 64,
            height: 64,
            steps: 1,
            cfg: 1.0,
            seed: 0,
            sampler: SampleMethod::SAMPLE_METHOD_COUNT,
            scheduler: Scheduler::SCHEDULER_COUNT,
            tile: None,
        }
    }
}

impl Tile {
    /// At most three quarters of the picture along each side, and at most [`TILE_SIDE`].
    ///
    /// Halves of the demo model's small pictures differ by up to 17/255 from untiled, three quarters by up to 3/255.
    fn of(width: u32, height: u32) -> Self {
        let along = |side: u32| {
            let side = u16::try_from(side).map_or(f32::MAX, f32::from);
            (f32::from(TILE_SIDE) / side).min(0.75)
        };
        Self {
            width: along(width),
            height: along(height),
        }
    }
}

fn text(field: &str, value: &str) -> Result<CString, EngineError> {
    CString::new(value).map_err(|_| refused(field, "text with a NUL character", "text without one"))
}

fn count(field: &str, value: u32) -> Result<i32, EngineError> {
    match i32::try_from(value) {
        Ok(count @ 1..) => Ok(count),
        _ => Err(refused(field, value, "1 or more")),
    }
}

fn named<T>(
    field: &str,
    name: Option<&str>,
    find: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, EngineError> {
    name.map(|name| find(name).ok_or_else(|| refused(field, name, "a name that the library knows")))
        .transpose()
}

fn refused(field: &str, value: impl std::fmt::Display, allowed: &str) -> EngineError {
    EngineError::new(
        FailureKind::InvalidInput,
        format!("{field} is {value}; allowed: {allowed}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params() -> GenerateParams {
        GenerateParams {
            prompt: "a red circle".into(),
            negative_prompt: String::new(),
            width: 128,
            height: 128,
            steps: 8,
            cfg: 3.0,
            seed: 1,
            batch: 1,
            sampler: Some("euler".into()),
            scheduler: None,
            tag_preset: None,
            asked: None,
        }
    }

    #[test]
    fn a_tile_is_three_quarters_of_a_small_picture_and_256_pixels_of_a_large_one() {
        assert_eq!(
            Tile::of(128, 2048),
            Tile {
                width: 0.75,
                height: 0.125
            }
        );
    }

    #[test]
    fn what_the_library_would_replace_silently_is_refused() {
        let wrong = [
            (
                "a seed below 0 is random there",
                Settings::new(&params(), -1, Plan::Full),
            ),
            (
                "an unknown sampler is the default there",
                Settings::new(
                    &GenerateParams {
                        sampler: Some("eulr".into()),
                        ..params()
                    },
                    1,
                    Plan::Full,
                ),
            ),
            (
                "a prompt ends at NUL there",
                Settings::new(
                    &GenerateParams {
                        prompt: "a\0b".into(),
                        ..params()
                    },
                    1,
                    Plan::Full,
                ),
            ),
        ];
        for (why, settings) in wrong {
            let kind = settings.map(|_| ()).map_err(|error| error.kind);
            assert_eq!(kind, Err(FailureKind::InvalidInput), "{why}");
        }
        assert!(Settings::new(&params(), 1, Plan::Full).is_ok());
    }
}
