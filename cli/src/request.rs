//! What to draw, from flags and environment, checked before anything is started.

use clap::Args;
use mystic_domain::{GenerateParams, InvalidField, JobKind, Model, Preset};
use serde::Deserialize;

use crate::client::{NewJob, NewParams};
use crate::error::{Result, Tried, sentence};

const PRESETS: &str = include_str!("../../models/presets.toml");
const NUMBER: &str = "a whole number";

/// What to draw. Numbers are read as text, so that a wrong one is refused in our own words.
#[derive(Debug, Clone, Default, Args)]
pub struct Wish {
    /// Seed of the first picture [default: chosen by the service]
    #[arg(long, env = "SEED", value_name = "NUMBER", allow_hyphen_values = true)]
    pub seed: Option<String>,
    /// Diffusion steps [default: the preset's]
    #[arg(long, env = "STEPS", value_name = "NUMBER", allow_hyphen_values = true)]
    pub steps: Option<String>,
    /// Pixels: 128 or 128x96 [default: the preset's]
    #[arg(long, env = "SIZE", value_name = "SIZE", allow_hyphen_values = true)]
    pub size: Option<String>,
}

impl Wish {
    /// The parameters that this asks for.
    ///
    /// # Errors
    /// The first value that is not a number.
    pub fn params(&self, prompt: &str) -> Result<NewParams, InvalidField> {
        let seed = number("SEED", self.seed.as_deref(), NUMBER)?;
        let steps = number("STEPS", self.steps.as_deref(), NUMBER)?;
        let (width, height) = match given(self.size.as_deref()) {
            None => (None, None),
            Some(size) => {
                let (width, height) = side_lengths(size)?;
                (Some(width), Some(height))
            }
        };
        Ok(NewParams {
            prompt: prompt.to_owned(),
            width,
            height,
            steps,
            seed,
            ..NewParams::default()
        })
    }
}

/// A job that makes `params` with a preset.
pub fn generate(preset: &str, params: NewParams) -> NewJob {
    NewJob {
        kind: JobKind::Generate,
        preset: preset.to_owned(),
        params,
        priority: None,
        auto_tag: None,
    }
}

/// Checks parameters against the limits of a preset that comes with us, as the API will.
///
/// # Errors
/// The first field that breaks a rule, or a preset that does not come with us.
pub fn check(preset: &str, params: &NewParams, max_cost: u32) -> Result<()> {
    #[derive(Deserialize)]
    struct Presets {
        preset: Vec<Preset>,
    }
    let known: Presets = toml::from_str(PRESETS).tried(|| "models/presets.toml is malformed")?;
    let found = known.preset.into_iter().find(|known| known.name == preset);
    let Some(Model::Sd(model)) = found.map(|found| found.model) else {
        return sentence(format!(
            "no preset for pictures named {preset} comes with us"
        ));
    };
    if params.prompt.trim().is_empty() {
        return sentence("PROMPT is empty; allowed: what the picture shows, in words");
    }
    let defaults = &model.defaults;
    let complete = GenerateParams {
        prompt: params.prompt.clone(),
        negative_prompt: params.negative_prompt.clone().unwrap_or_default(),
        width: params.width.unwrap_or(defaults.width),
        height: params.height.unwrap_or(defaults.height),
        steps: params.steps.unwrap_or(defaults.steps),
        cfg: params.cfg.unwrap_or(defaults.cfg),
        seed: params.seed.unwrap_or_default(),
        batch: params.batch.unwrap_or(1),
        ..GenerateParams::default()
    };
    match model.check(&complete, f64::from(max_cost)) {
        Ok(()) => Ok(()),
        Err(wrong) => sentence(as_given(wrong)),
    }
}

/// The rule speaks of parameters; here they came under other names.
fn as_given(mut wrong: InvalidField) -> InvalidField {
    let name = match wrong.field.as_str() {
        "params.width" => "SIZE (width)",
        "params.height" => "SIZE (height)",
        "params.steps" => "STEPS",
        "params.seed" => "SEED",
        _ => return wrong,
    };
    name.clone_into(&mut wrong.field);
    wrong
}

/// A variable that is set to nothing is not set.
fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn number<T: std::str::FromStr>(
    field: &str,
    text: Option<&str>,
    allowed: &str,
) -> Result<Option<T>, InvalidField> {
    given(text)
        .map(|text| {
            text.parse()
                .map_err(|_| InvalidField::new(field, text, allowed))
        })
        .transpose()
}

fn side_lengths(size: &str) -> Result<(u32, u32), InvalidField> {
    let wrong = || {
        InvalidField::new(
            "SIZE",
            size,
            "a number of pixels, as 128, or width and height, as 128x96",
        )
    };
    let (width, height) = size.split_once(['x', 'X', '×']).unwrap_or((size, size));
    let pixels = |text: &str| text.trim().parse().map_err(|_| wrong());
    Ok((pixels(width)?, pixels(height)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(seed: &str, steps: &str, size: &str) -> Result<NewParams, InvalidField> {
        Wish {
            seed: Some(seed.to_owned()),
            steps: Some(steps.to_owned()),
            size: Some(size.to_owned()),
        }
        .params("a house")
    }

    #[test]
    fn one_number_is_a_square_and_two_are_width_and_height() {
        let square = wish("7", "4", "128").unwrap();
        assert_eq!((square.width, square.height), (Some(128), Some(128)));
        let wide = wish("7", "4", "128x96").unwrap();
        assert_eq!((wide.width, wide.height), (Some(128), Some(96)));
        assert_eq!((wide.seed, wide.steps), (Some(7), Some(4)));
    }

    #[test]
    fn empty_variables_leave_the_choice_to_the_preset() {
        let params = wish("", " ", "").unwrap();
        assert_eq!(
            params,
            NewParams {
                prompt: "a house".to_owned(),
                ..NewParams::default()
            }
        );
    }

    #[test]
    fn a_wrong_number_is_named_with_its_value_and_what_is_allowed() {
        let error = wish("", "", "abc").unwrap_err().to_string();
        assert!(
            error.starts_with("SIZE is abc; allowed: a number"),
            "{error}"
        );
        let error = wish("1.5", "", "").unwrap_err().to_string();
        assert_eq!(error, "SEED is 1.5; allowed: a whole number");
        let error = wish("", "many", "").unwrap_err().to_string();
        assert_eq!(error, "STEPS is many; allowed: a whole number");
    }

    #[test]
    fn limits_of_the_preset_hold_before_anything_is_started() {
        let params = |steps: &str| wish("", steps, "").unwrap();
        assert!(check("demo", &params("8"), 1000).is_ok());
        let error = check("demo", &params("0"), 1000).unwrap_err().to_string();
        assert!(error.starts_with("STEPS is 0; allowed: 1 to "), "{error}");
        assert!(check("demo-tagger", &params("8"), 1000).is_err());
    }
}
