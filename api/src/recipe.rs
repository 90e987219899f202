//! What a picture's file says of its making: our own JSON, or the `parameters` text of the web UI that began the custom. It
//! is somebody's claim, so nothing of it is believed further than it can be shown.

mod exif;
mod parameters;
mod text;

use image::ImageFormat;
use mystic_domain::{GenerateParams, MAX_SEED};
use serde_json::Value;

use crate::pictures::Decoded;

/// Most steps that are believed.
const MAX_STEPS: u32 = 10_000;
/// Longest name of a model, sampler or schedule, bytes.
const MAX_NAME: usize = 120;
/// Longest side that is believed, pixels.
const MAX_SIDE: u32 = 65_535;

/// What a file says of its making.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recipe {
    /// The parameters, and 0 or nothing where it says nothing.
    pub params: GenerateParams,
    /// What it names as its model.
    pub model: Option<String>,
}

/// What the file of this picture says, with prompts of at most so many bytes.
pub fn read(file: &[u8], decoded: &Decoded, max_prompt: usize) -> Recipe {
    let (own, parameters) = match decoded.format {
        ImageFormat::Png => text::chunks(file),
        _ => (None, decoded.exif.as_deref().and_then(exif::user_comment)),
    };
    let recipe = own.as_deref().and_then(ours);
    let recipe = recipe.or_else(|| parameters.as_deref().map(parameters::parse));
    let mut recipe = recipe.unwrap_or_default();
    let (width, height) = decoded.picture.dimensions();
    bound(&mut recipe, (width, height), max_prompt);
    recipe
}

/// What we wrote into a picture ourselves. The pictures that it started from are not here, or not under these ids.
fn ours(json: &str) -> Option<Recipe> {
    let mut value: Value = serde_json::from_str(json).ok()?;
    let object = value.as_object_mut()?;
    let seed = object.remove("image_seed")?.as_i64()?;
    let model = object.remove("preset")?.as_str().map(str::to_owned);
    for name in ["plan", "init", "mask", "strength", "tag_preset", "asked"] {
        object.remove(name);
    }
    let mut params: GenerateParams = serde_json::from_value(value).ok()?;
    (params.seed, params.batch) = (seed, 1);
    Some(Recipe { params, model })
}

/// Makes of a claim what can be kept and shown.
fn bound(recipe: &mut Recipe, (width, height): (u32, u32), max_prompt: usize) {
    let params = &mut recipe.params;
    cut(&mut params.prompt, max_prompt);
    cut(&mut params.negative_prompt, max_prompt);
    for name in [
        &mut params.sampler,
        &mut params.scheduler,
        &mut recipe.model,
    ] {
        if let Some(text) = name {
            cut(text, MAX_NAME);
        }
        name.take_if(|text| text.is_empty());
    }
    if !(1..=MAX_SIDE).contains(&params.width) || !(1..=MAX_SIDE).contains(&params.height) {
        (params.width, params.height) = (width, height);
    }
    params.batch = 1;
    if params.steps > MAX_STEPS {
        params.steps = 0;
    }
    if !(0..=MAX_SEED).contains(&params.seed) {
        params.seed = 0;
    }
    if !(0.0..=1000.0).contains(&params.cfg) {
        params.cfg = 0.0;
    }
    let few = params.loras.len() <= mystic_domain::MAX_LORAS;
    let plain = |name: &str| name.len() <= MAX_NAME && !name.contains('\0');
    if !few
        || !params
            .loras
            .iter()
            .all(|it| it.weight.is_finite() && plain(&it.name))
    {
        params.loras.clear();
    }
    params.hires.take_if(|hires| {
        let numbers = [hires.scale, hires.strength];
        !numbers.iter().all(|number| number.is_finite()) || !plain(&hires.upscaler)
    });
}

/// Takes out what Postgres' texts can't hold, and what is too long, between two characters.
fn cut(text: &mut String, most: usize) {
    text.retain(|c| c != '\0');
    let end = (0..=most.min(text.len())).rfind(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or(0));
    text.truncate(text.trim_end().len());
}

#[cfg(test)]
mod tests;
