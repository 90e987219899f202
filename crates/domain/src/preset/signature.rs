//! What of a preset is in an engine once it is loaded: a change of it takes a load, any other change does not.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{ImageFiles, ImageFlags, Model, Preset, TextModel};

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Loaded<'a> {
    Sd(&'a ImageFiles, ImageFlags),
    Llm(&'a TextModel),
    /// File, scale and tile.
    Upscaler(&'a str, u32, u32),
}

impl Preset {
    /// A hash over files and flags. Limits, defaults and words are no part of it.
    #[must_use]
    pub fn signature(&self) -> String {
        let loaded = match &self.model {
            Model::Sd(model) => Loaded::Sd(&model.files, model.flags),
            Model::Llm(model) => Loaded::Llm(model),
            Model::Upscaler(model) => Loaded::Upscaler(&model.file, model.scale, model.tile),
        };
        // Names, numbers and nothing else: there is always a text of them.
        let text = serde_json::to_vec(&loaded).unwrap_or_default();
        hex::encode(&Sha256::digest(text)[..16])
    }
}

#[cfg(test)]
mod tests {
    use crate::preset::tests::{painter, tagger};
    use crate::{ImageModel, Model, Preset, TextModel};

    #[test]
    fn files_and_flags_take_a_load_limits_defaults_and_words_do_not() {
        let of = |change: fn(&mut Preset, &mut ImageModel)| {
            let mut preset = painter();
            let Model::Sd(mut model) = preset.model.clone() else {
                panic!("it draws")
            };
            change(&mut preset, &mut model);
            preset.model = Model::Sd(model);
            preset.signature()
        };
        let before = of(|_, _| ());
        for same in [
            of(|preset, _| preset.title.push('!')),
            of(|_, model| model.limits.max_side *= 2),
            of(|_, model| model.defaults.steps += 1),
            of(|_, model| model.memory.tile_side += 8),
        ] {
            assert_eq!(same, before);
        }
        for other in [
            of(|_, model| model.files.vae = Some("vae.safetensors".into())),
            of(|_, model| model.flags.mmap = true),
            of(|_, model| model.flags.flash_attention = Some(false)),
            // The same file for another purpose.
            of(|_, model| std::mem::swap(&mut model.files.model, &mut model.files.diffusion_model)),
        ] {
            assert_ne!(other, before);
        }
    }

    #[test]
    fn a_language_models_context_and_what_lets_it_see_take_a_load() {
        let of = |change: fn(&mut TextModel)| {
            let mut preset = tagger();
            let Model::Llm(model) = &mut preset.model else {
                panic!("it writes")
            };
            change(model);
            preset.signature()
        };
        let before = of(|_| ());
        assert_ne!(before, of(|model| model.context *= 2));
        assert_ne!(before, of(|model| model.mmproj = Some("eye.gguf".into())));
    }
}
