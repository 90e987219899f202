//! The rules that a preset itself has to keep, whoever wrote it.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Component, Path};

use super::{
    ImageDefaults, ImageFiles, ImageLimits, ImageMemory, ImageModel, MAX_CFG, Model, Preset,
    SAMPLERS, SCHEDULERS, TextModel, one_of,
};
use crate::invalid::shown;
use crate::{InvalidField, check_name};

/// Endings of files that hold, or may hold, Python's pickles: to read one is to run it.
const PICKLES: [&str; 7] = ["ckpt", "pt", "pth", "bin", "pkl", "pickle", "npy"];

const LONGEST_NAME: usize = 64;
const LONGEST_TITLE: usize = 200;
const LONGEST_PATH: usize = 512;
const LONGEST_PROMPT: usize = 8192;
/// Pixels of a side that no model draws.
pub(super) const LARGEST_SIDE: u32 = 16_384;
/// Seeds of a job count up, and those of a preset's largest job have to stay below 2^53.
const MOST_PICTURES: u32 = 1024;

impl Preset {
    /// Checks the preset itself: what is named, and that defaults lie within limits. Whether its files are there and say
    /// the same is a matter of each machine.
    ///
    /// # Errors
    /// The first field that breaks a rule, with its value and what is allowed.
    pub fn check(&self) -> Result<(), InvalidField> {
        check_name("name", &self.name)?;
        if self.title.contains(char::is_control) || self.title.chars().count() > LONGEST_TITLE {
            let allowed = format!("one line of up to {LONGEST_TITLE} characters");
            return Err(InvalidField::new("title", shown(&self.title), allowed));
        }
        match &self.model {
            Model::Sd(model) => model.check_rules(),
            Model::Llm(model) => model.check_rules(),
            Model::Upscaler(model) => model.check_rules(),
        }
    }
}

impl ImageModel {
    fn check_rules(&self) -> Result<(), InvalidField> {
        self.files.check()?;
        self.memory.check()?;
        self.limits.check(&self.memory)?;
        self.defaults.check(&self.limits)?;
        for (at, lora) in self.loras.iter().enumerate() {
            let field = |part| format!("loras[{at}].{part}");
            file(&field("file"), &lora.file)?;
            let named = lora
                .name
                .chars()
                .all(|c| c.is_alphanumeric() || "._- ".contains(c));
            if lora.name.trim().is_empty() || lora.name.len() > LONGEST_NAME || !named {
                let allowed =
                    format!("up to {LONGEST_NAME} letters, digits, spaces, `.`, `_` and `-`");
                return Err(InvalidField::new(
                    &field("name"),
                    shown(&lora.name),
                    allowed,
                ));
            }
            if self.loras[..at].iter().any(|other| other.name == lora.name) {
                return Err(InvalidField::new(
                    &field("name"),
                    &lora.name,
                    "each name once",
                ));
            }
        }
        Ok(())
    }
}

impl ImageFiles {
    fn check(&self) -> Result<(), InvalidField> {
        if self.model.is_none() && self.diffusion_model.is_none() {
            return Err(InvalidField::new(
                "files",
                "without a network",
                "model or diffusion_model",
            ));
        }
        self.named()
            .try_for_each(|named| file(named.field, named.path))
    }
}

impl ImageMemory {
    fn check(&self) -> Result<(), InvalidField> {
        within(
            "memory.decode_bytes_per_pixel",
            self.decode_bytes_per_pixel,
            1..=1 << 20,
        )?;
        within("memory.tile_side", self.tile_side, 1..=LARGEST_SIDE)?;
        within("memory.latent_scale", self.latent_scale, 1..=128)?;
        within(
            "memory.activation_factor",
            self.activation_factor,
            0.0..=1000.0,
        )
    }
}

impl ImageLimits {
    fn check(&self, memory: &ImageMemory) -> Result<(), InvalidField> {
        let scale = memory.latent_scale;
        let multiple = self.multiple;
        if multiple == 0 || multiple > LARGEST_SIDE || !multiple.is_multiple_of(scale) {
            return Err(InvalidField::new(
                "limits.multiple",
                multiple,
                format!("a multiple of memory.latent_scale, {scale}, up to {LARGEST_SIDE}"),
            ));
        }
        for (field, side, least) in [
            ("limits.min_side", self.min_side, multiple),
            ("limits.max_side", self.max_side, self.min_side),
        ] {
            if !(least..=LARGEST_SIDE).contains(&side) || !side.is_multiple_of(multiple) {
                let allowed = format!("a multiple of {multiple} from {least} to {LARGEST_SIDE}");
                return Err(InvalidField::new(field, side, allowed));
            }
        }
        if let Some(side) = self.max_hires_side {
            within("limits.max_hires_side", side, self.max_side..=LARGEST_SIDE)?;
        }
        within("limits.max_steps", self.max_steps, 1..=1000)?;
        within("limits.max_batch", self.max_batch, 1..=MOST_PICTURES)
    }
}

impl ImageDefaults {
    fn check(&self, limits: &ImageLimits) -> Result<(), InvalidField> {
        limits.check_side("defaults.width", self.width)?;
        limits.check_side("defaults.height", self.height)?;
        within("defaults.steps", self.steps, 1..=limits.max_steps)?;
        let mut least = 0;
        for (at, sized) in self.steps_by_size.iter().enumerate() {
            let field = |name: &str| format!("defaults.steps_by_size[{at}].{name}");
            within(&field("above"), sized.above, least..=limits.max_side)?;
            within(&field("steps"), sized.steps, 1..=limits.max_steps)?;
            least = sized.above + 1;
        }
        within("defaults.cfg", self.cfg, 0.0..=MAX_CFG)?;
        one_of("defaults.sampler", self.sampler.as_deref(), &SAMPLERS)?;
        one_of("defaults.scheduler", self.scheduler.as_deref(), &SCHEDULERS)?;
        let prompt = &self.negative_prompt;
        if prompt.len() > LONGEST_PROMPT || prompt.contains('\0') {
            let allowed = format!("up to {LONGEST_PROMPT} bytes without NUL");
            return Err(InvalidField::new(
                "defaults.negative_prompt",
                shown(prompt),
                allowed,
            ));
        }
        Ok(())
    }
}

impl TextModel {
    fn check_rules(&self) -> Result<(), InvalidField> {
        file("file", &self.file)?;
        if let Some(projector) = &self.mmproj {
            file("mmproj", projector)?;
        }
        // So bounded, the cache's size is a number.
        within("context", self.context, 1..=1 << 24)?;
        within("layers", self.layers, 1..=1024)?;
        within("kv_heads", self.kv_heads, 1..=1024)?;
        within("head_dim", self.head_dim, 1..=4096)
    }
}

/// Checks the path of a model's file: below the models directory, and of no format that runs what it reads.
pub(super) fn file(field: &str, path: &str) -> Result<(), InvalidField> {
    let below = |path: &Path| {
        let mut parts = path.components();
        parts.all(|part| matches!(part, Component::Normal(_)))
    };
    if path.is_empty()
        || path.len() > LONGEST_PATH
        || path.contains(char::is_control)
        || !below(Path::new(path))
    {
        let allowed = format!("a path of up to {LONGEST_PATH} bytes below the models directory");
        return Err(InvalidField::new(field, shown(path), allowed));
    }
    if is_pickle(path) {
        return Err(InvalidField::new(
            field,
            path,
            "a .gguf or .safetensors file; PyTorch's formats run what they hold",
        ));
    }
    Ok(())
}

/// Whether a file's name says that it may hold a pickle.
#[must_use]
pub fn is_pickle(path: &str) -> bool {
    let ending = Path::new(path).extension().and_then(|it| it.to_str());
    ending.is_some_and(|it| PICKLES.iter().any(|pickle| it.eq_ignore_ascii_case(pickle)))
}

pub(super) fn within<T: PartialOrd + Display>(
    field: &str,
    value: T,
    allowed: RangeInclusive<T>,
) -> Result<(), InvalidField> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let allowed = format!("{} to {}", allowed.start(), allowed.end());
    Err(InvalidField::new(field, value, allowed))
}

#[cfg(test)]
mod tests {
    use crate::preset::tests::{painter, tagger};
    use crate::{ImageModel, InvalidField, Model, Preset, SizedSteps, TextModel};

    fn drawn(change: impl FnOnce(&mut ImageModel)) -> Result<(), InvalidField> {
        let mut preset = painter();
        if let Model::Sd(model) = &mut preset.model {
            change(model);
        }
        preset.check()
    }

    fn written(change: impl FnOnce(&mut TextModel)) -> Result<(), InvalidField> {
        let mut preset = tagger();
        if let Model::Llm(model) = &mut preset.model {
            change(model);
        }
        preset.check()
    }

    #[track_caller]
    fn refused(checked: Result<(), InvalidField>, field: &str) {
        assert_eq!(checked.expect_err(field).field, field);
    }

    #[test]
    fn each_broken_rule_is_told_by_its_field() {
        painter().check().expect("as it is");
        tagger().check().expect("as it is");
        for name in ["", "-a", "A", "a b", "a/b", &"a".repeat(65)] {
            let name = name.to_owned();
            refused(Preset { name, ..painter() }.check(), "name");
        }
        let title = "two\nlines".to_owned();
        refused(Preset { title, ..painter() }.check(), "title");
        refused(drawn(|it| it.files.model = None), "files");
        refused(drawn(|it| it.limits.multiple = 0), "limits.multiple");
        refused(drawn(|it| it.limits.multiple = 12), "limits.multiple");
        refused(drawn(|it| it.limits.min_side = 0), "limits.min_side");
        refused(drawn(|it| it.limits.min_side = 68), "limits.min_side");
        refused(drawn(|it| it.limits.max_side = 56), "limits.max_side");
        refused(drawn(|it| it.limits.max_side = 1 << 20), "limits.max_side");
        refused(drawn(|it| it.limits.max_steps = 0), "limits.max_steps");
        refused(drawn(|it| it.limits.max_batch = 1025), "limits.max_batch");
        refused(drawn(|it| it.defaults.width = 4096), "defaults.width");
        refused(drawn(|it| it.defaults.height = 513), "defaults.height");
        refused(drawn(|it| it.defaults.steps = 101), "defaults.steps");
        refused(drawn(|it| it.defaults.cfg = f32::NAN), "defaults.cfg");
        refused(
            drawn(|it| it.defaults.sampler = Some("magic".into())),
            "defaults.sampler",
        );
        refused(
            drawn(|it| it.defaults.scheduler = Some("magic".into())),
            "defaults.scheduler",
        );
        refused(
            drawn(|it| it.defaults.negative_prompt = "\0".into()),
            "defaults.negative_prompt",
        );
        refused(
            drawn(|it| it.memory.latent_scale = 0),
            "memory.latent_scale",
        );
        refused(
            drawn(|it| it.memory.activation_factor = -1.0),
            "memory.activation_factor",
        );
        refused(written(|it| it.layers = 0), "layers");
        refused(written(|it| it.context = u32::MAX), "context");
    }

    #[test]
    fn steps_by_size_grow_in_size_and_stay_within_the_limits() {
        let sized = |above, steps| SizedSteps { above, steps };
        let with = |list: &[SizedSteps]| drawn(|it| it.defaults.steps_by_size = list.to_vec());
        with(&[sized(512, 25), sized(1024, 30)]).expect("in order");
        let second = "defaults.steps_by_size[1].above";
        refused(with(&[sized(512, 25), sized(512, 30)]), second);
        let steps = "defaults.steps_by_size[0].steps";
        refused(with(&[sized(512, 101)]), steps);
    }

    #[test]
    fn no_path_leaves_the_models_directory_and_no_pickle_is_named() {
        for path in [
            "",
            "../a.gguf",
            "/a.gguf",
            "a/../../b.gguf",
            "./a",
            "a\n",
            "a.ckpt",
            "a.PT",
            "b/a.pth",
            "a.bin",
        ] {
            refused(drawn(|it| it.files.vae = Some(path.into())), "files.vae");
            refused(written(|it| it.file = path.into()), "file");
            refused(written(|it| it.mmproj = Some(path.into())), "mmproj");
        }
        written(|it| it.file = "a/b.c/d.gguf".into()).expect("below");
    }
}
