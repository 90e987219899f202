//! One picture's settings, checked and in the library's terms.

use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};

use diffusion_rs::api::{SampleMethod, Scheduler};
use mystic_domain::{FailureKind, GenerateParams, Hires, Pixels, Plan};
use mystic_engine::child::EngineError;
use mystic_engine::{LoraFile, Start};

use super::context::{HiresUpscaler, hires_upscaler};
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
    pub(super) start: Option<StartPixels>,
    pub(super) strength: f32,
    pub(super) loras: Vec<(CString, f32)>,
    pub(super) hires: Option<SecondPass>,
    /// Steps that each pass takes.
    pub(super) passes: [u32; 2],
    /// Where previews go; none where absent.
    pub(super) preview: Option<PathBuf>,
}

/// What a picture starts from, of exactly its size.
#[derive(Clone, Debug)]
pub(super) struct StartPixels {
    /// RGB.
    pub(super) rgb: Vec<u8>,
    /// Grey: white where it is painted over.
    pub(super) mask: Option<Vec<u8>>,
}

/// A second pass in the library's terms.
#[derive(Clone, Copy, Debug)]
pub(super) struct SecondPass {
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) steps: i32,
    pub(super) strength: f32,
    pub(super) upscaler: HiresUpscaler,
}

/// A decoder tile as fractions of the picture's width and height: these hold whatever the autoencoder's scale is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tile {
    pub(super) width: f32,
    pub(super) height: f32,
}

impl Settings {
    /// Turns a job's parameters into the library's terms, and reads the pixels that the picture starts from.
    ///
    /// # Errors
    /// `InvalidInput` where the library has no such value, or what the picture starts from is not there or of another
    /// size.
    pub fn new(
        params: &GenerateParams,
        seed: i64,
        plan: Plan,
        start: Option<&Start>,
        loras: &[LoraFile],
    ) -> Result<Self, EngineError> {
        if seed < 0 {
            return Err(refused("seed", seed, "0 or more"));
        }
        if params.init.is_some() != start.is_some()
            || params.mask.is_some() != start.is_some_and(|start| start.mask.is_some())
        {
            let given = "there without its pixels, or they without it";
            return Err(refused("init", given, "both"));
        }
        let (width, height) = params.final_size();
        Ok(Self {
            start: start.map(|start| pixels(start, params)).transpose()?,
            strength: params.strength.unwrap_or(1.0),
            loras: loras
                .iter()
                .map(|lora| Ok((text("lora", &lora.path)?, lora.weight)))
                .collect::<Result<_, EngineError>>()?,
            hires: params.hires.as_ref().map(second_pass).transpose()?,
            passes: [
                params.first_steps(),
                params.all_steps() - params.first_steps(),
            ],
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
            tile: plan.tiles().then(|| Tile::of(width, height)),
            preview: None,
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
            start: None,
            strength: 1.0,
            loras: Vec::new(),
            hires: None,
            passes: [1, 0],
            preview: None,
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

fn pixels(start: &Start, params: &GenerateParams) -> Result<StartPixels, EngineError> {
    let area = Pixels::of(params.width, params.height).0;
    Ok(StartPixels {
        rgb: read("init", &start.pixels, 3 * area)?,
        mask: start
            .mask
            .as_ref()
            .map(|mask| read("mask", mask, area))
            .transpose()?,
    })
}

/// A file of exactly so many bytes: the library believes the size that it is told.
pub(super) fn read(field: &str, path: &Path, size: u64) -> Result<Vec<u8>, EngineError> {
    let allowed = format!("a file of {size} bytes");
    let unreadable = |error: io::Error| refused(field, error, &allowed);
    let there = std::fs::metadata(path).map_err(unreadable)?.len();
    if there != size {
        return Err(refused(field, format!("{there} bytes long"), &allowed));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    if bytes.len() as u64 != size {
        return Err(refused(
            field,
            format!("{} bytes long", bytes.len()),
            &allowed,
        ));
    }
    Ok(bytes)
}

fn second_pass(hires: &Hires) -> Result<SecondPass, EngineError> {
    if !(0.01..=1.0).contains(&hires.strength) {
        return Err(refused("hires.strength", hires.strength, "0.01 to 1"));
    }
    let upscaler = named("hires.upscaler", Some(&hires.upscaler), hires_upscaler)?;
    Ok(SecondPass {
        width: count("hires.width", hires.width)?,
        height: count("hires.height", hires.height)?,
        steps: count("hires.steps", hires.steps)?,
        strength: hires.strength,
        upscaler: upscaler.ok_or_else(|| refused("hires.upscaler", "none", "a name"))?,
    })
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

    fn settings(params: &GenerateParams, seed: i64) -> Result<Settings, EngineError> {
        Settings::new(params, seed, Plan::Full, None, &[])
    }

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
            ..GenerateParams::default()
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
            ("a seed below 0 is random there", settings(&params(), -1)),
            (
                "an unknown sampler is the default there",
                settings(
                    &GenerateParams {
                        sampler: Some("eulr".into()),
                        ..params()
                    },
                    1,
                ),
            ),
            (
                "a prompt ends at NUL there",
                settings(
                    &GenerateParams {
                        prompt: "a\0b".into(),
                        ..params()
                    },
                    1,
                ),
            ),
        ];
        for (why, settings) in wrong {
            let kind = settings.map(|_| ()).map_err(|error| error.kind);
            assert_eq!(kind, Err(FailureKind::InvalidInput), "{why}");
        }
        assert!(settings(&params(), 1).is_ok());
    }

    #[test]
    fn pixels_of_another_size_than_they_are_said_to_have_never_reach_the_library() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, size: usize| {
            let path = folder.path().join(name);
            std::fs::write(&path, vec![0; size]).expect("written");
            path
        };
        let area = 128 * 128;
        let source = |_: &PathBuf| mystic_domain::Source {
            upload: None,
            image: None,
            sha256: String::new(),
        };
        let try_out = |pixels: Option<PathBuf>, mask: Option<PathBuf>| {
            let params = GenerateParams {
                init: pixels.as_ref().map(source),
                mask: mask.as_ref().map(source),
                strength: Some(0.5),
                ..params()
            };
            let start = pixels.map(|pixels| Start { pixels, mask });
            let settings = Settings::new(&params, 1, Plan::Full, start.as_ref(), &[]);
            settings.map(|_| ()).map_err(|error| error.kind)
        };
        let (whole, grey) = (file("whole", 3 * area), file("grey", area));
        assert_eq!(try_out(Some(whole.clone()), Some(grey)), Ok(()));
        for (pixels, mask) in [
            (file("short", 3 * area - 1), None),
            (file("long", 3 * area + 1), None),
            (folder.path().join("none"), None),
            (whole.clone(), Some(file("short-mask", area - 1))),
            (whole.clone(), Some(file("rgb-mask", 3 * area))),
        ] {
            let refused = try_out(Some(pixels), mask);
            assert_eq!(refused, Err(FailureKind::InvalidInput));
        }
        let untold = Start {
            pixels: whole,
            mask: None,
        };
        assert!(Settings::new(&params(), 1, Plan::Full, Some(&untold), &[]).is_err());
    }
}
