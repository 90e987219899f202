//! What a request may say, parameter by parameter, so that a page needs no rules of its own.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    HIRES_STRENGTH, HIRES_UPSCALERS, ImageLimits, MAX_CFG, MAX_LORA_WEIGHT, MAX_SEED,
    MIN_HIRES_STRENGTH, Model, Preset, SAMPLERS, SCHEDULERS, STRENGTH, SizedSteps,
};

/// What a request may say of one parameter; what is absent is not limited.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Parameter {
    /// What is used where a request leaves it out; chance or the model's own where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Scalar>,
    /// The least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Scalar>,
    /// The most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<Scalar>,
    /// It is a multiple of this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multiple: Option<u32>,
    /// It is one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<&'static str>>,
    /// Other defaults for larger pictures, smallest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps_by_size: Vec<SizedSteps>,
}

/// A parameter's value.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// A whole number.
    Whole(i64),
    /// A number.
    Real(f32),
    /// Text.
    Text(String),
}

impl From<u32> for Scalar {
    fn from(number: u32) -> Self {
        Self::Whole(number.into())
    }
}

impl Parameter {
    fn whole(default: Option<u32>, minimum: u32, maximum: u32) -> Self {
        Self {
            default: default.map(Scalar::from),
            minimum: Some(minimum.into()),
            maximum: Some(maximum.into()),
            ..Self::default()
        }
    }

    fn real(default: Option<f32>, minimum: f32, maximum: f32) -> Self {
        Self {
            default: default.map(Scalar::Real),
            minimum: Some(Scalar::Real(minimum)),
            maximum: Some(Scalar::Real(maximum)),
            ..Self::default()
        }
    }

    fn chosen(default: Option<&str>, choices: &[&'static str]) -> Self {
        Self {
            default: default.map(|name| Scalar::Text(name.to_owned())),
            choices: Some(choices.to_vec()),
            ..Self::default()
        }
    }
}

impl Preset {
    /// What a request may say by the parameter's name, those of a part as `part.name`; of a model that draws alone. Parts that
    /// the model can't have are absent.
    #[must_use]
    pub fn parameters(&self) -> BTreeMap<&'static str, Parameter> {
        let Model::Sd(model) = &self.model else {
            return BTreeMap::new();
        };
        let (defaults, limits) = (&model.defaults, &model.limits);
        let side = |default| Parameter {
            multiple: Some(limits.multiple),
            ..Parameter::whole(Some(default), limits.min_side, limits.max_side)
        };
        let steps = Parameter {
            steps_by_size: defaults.steps_by_size.clone(),
            ..Parameter::whole(Some(defaults.steps), 1, limits.max_steps)
        };
        let seed = Parameter {
            minimum: Some(Scalar::Whole(0)),
            maximum: Some(Scalar::Whole(MAX_SEED)),
            ..Parameter::default()
        };
        let negative_prompt = Parameter {
            default: Some(Scalar::Text(defaults.negative_prompt.clone())),
            ..Parameter::default()
        };
        let mut parameters = BTreeMap::from([
            ("width", side(defaults.width)),
            ("height", side(defaults.height)),
            ("steps", steps),
            ("batch", Parameter::whole(Some(1), 1, limits.max_batch)),
            ("cfg", Parameter::real(Some(defaults.cfg), 0.0, MAX_CFG)),
            ("seed", seed),
            (
                "sampler",
                Parameter::chosen(defaults.sampler.as_deref(), &SAMPLERS),
            ),
            (
                "scheduler",
                Parameter::chosen(defaults.scheduler.as_deref(), &SCHEDULERS),
            ),
            ("negative_prompt", negative_prompt),
            ("strength", Parameter::real(Some(STRENGTH), 0.0, 1.0)),
        ]);
        if !model.loras.is_empty() {
            let weight = Parameter::real(Some(1.0), -MAX_LORA_WEIGHT, MAX_LORA_WEIGHT);
            parameters.insert("loras.weight", weight);
        }
        if limits.largest_hires_side() > limits.min_side {
            parameters.extend(limits.second_pass());
        }
        parameters
    }
}

impl ImageLimits {
    /// What a second pass may be; how much larger it may make a picture is the more the smaller that is.
    fn second_pass(&self) -> [(&'static str, Parameter); 4] {
        #[expect(
            clippy::cast_precision_loss,
            reason = "sides are thousands of pixels at most"
        )]
        let most = self.largest_hires_side() as f32 / self.min_side as f32;
        let strength = Parameter::real(Some(HIRES_STRENGTH), MIN_HIRES_STRENGTH, 1.0);
        let upscaler = Parameter::chosen(Some(HIRES_UPSCALERS[0]), &HIRES_UPSCALERS);
        [
            ("hires.scale", Parameter::real(None, 1.0, most)),
            ("hires.strength", strength),
            ("hires.steps", Parameter::whole(None, 1, self.max_steps)),
            ("hires.upscaler", upscaler),
        ]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::Model;
    use crate::preset::tests::{painter, tagger};

    #[test]
    fn a_page_is_told_each_limit_and_default() {
        let told = serde_json::to_value(painter().parameters()).expect("JSON");
        assert_eq!(
            told["width"],
            json!({"default": 512, "minimum": 64, "maximum": 2048, "multiple": 8})
        );
        assert_eq!(
            told["steps"],
            json!({"default": 20, "minimum": 1, "maximum": 100, "steps_by_size": [{"above": 1024, "steps": 30}]})
        );
        assert_eq!(
            told["cfg"],
            json!({"default": 7.5, "minimum": 0.0, "maximum": 30.0})
        );
        assert_eq!(told["sampler"]["choices"][0], "euler");
        assert_eq!(told["sampler"].get("default"), None);
        assert!(tagger().parameters().is_empty());
        // Of numbers their text counts: a value would be one of 64 bits.
        let text = |name| serde_json::to_string(&painter().parameters().get(name)).expect("JSON");
        assert_eq!(
            text("strength"),
            r#"{"default":0.75,"minimum":0.0,"maximum":1.0}"#
        );
        assert_eq!(text("hires.scale"), r#"{"minimum":1.0,"maximum":32.0}"#);
        assert_eq!(
            text("hires.strength"),
            r#"{"default":0.7,"minimum":0.01,"maximum":1.0}"#
        );
        assert_eq!(told["hires.steps"], json!({"minimum": 1, "maximum": 100}));
        assert_eq!(told["hires.upscaler"]["default"], "Latent");
        assert_eq!(text("loras.weight"), "null", "it has none");
    }

    #[test]
    fn what_a_model_can_t_have_is_not_told() {
        let mut preset = painter();
        let Model::Sd(model) = &mut preset.model else {
            panic!("it draws");
        };
        model.limits.max_side = model.limits.min_side;
        model.loras = serde_json::from_value(json!([{"name": "ink", "file": "ink.safetensors"}]))
            .expect("a LoRA");
        let told = preset.parameters();
        assert!(!told.keys().any(|name| name.starts_with("hires")));
        assert!(told.contains_key("loras.weight"));
    }
}
