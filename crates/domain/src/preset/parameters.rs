//! What a request may say, parameter by parameter, so that a page needs no rules of its own.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::{MAX_CFG, MAX_SEED, Model, Preset, SAMPLERS, SCHEDULERS, SizedSteps};

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

impl Preset {
    /// What a request may say by the parameter's name; of a model that draws alone.
    #[must_use]
    pub fn parameters(&self) -> BTreeMap<&'static str, Parameter> {
        let Model::Sd(model) = &self.model else {
            return BTreeMap::new();
        };
        let (defaults, limits) = (&model.defaults, &model.limits);
        let whole = |default: Option<u32>, minimum: u32, maximum: u32| Parameter {
            default: default.map(Scalar::from),
            minimum: Some(minimum.into()),
            maximum: Some(maximum.into()),
            ..Parameter::default()
        };
        let side = |default| Parameter {
            multiple: Some(limits.multiple),
            ..whole(Some(default), limits.min_side, limits.max_side)
        };
        let chosen = |default: &Option<String>, choices: &[&'static str]| Parameter {
            default: default.clone().map(Scalar::Text),
            choices: Some(choices.to_vec()),
            ..Parameter::default()
        };
        BTreeMap::from([
            ("width", side(defaults.width)),
            ("height", side(defaults.height)),
            (
                "steps",
                Parameter {
                    steps_by_size: defaults.steps_by_size.clone(),
                    ..whole(Some(defaults.steps), 1, limits.max_steps)
                },
            ),
            ("batch", whole(Some(1), 1, limits.max_batch)),
            (
                "cfg",
                Parameter {
                    default: Some(Scalar::Real(defaults.cfg)),
                    minimum: Some(Scalar::Real(0.0)),
                    maximum: Some(Scalar::Real(MAX_CFG)),
                    ..Parameter::default()
                },
            ),
            (
                "seed",
                Parameter {
                    minimum: Some(Scalar::Whole(0)),
                    maximum: Some(Scalar::Whole(MAX_SEED)),
                    ..Parameter::default()
                },
            ),
            ("sampler", chosen(&defaults.sampler, &SAMPLERS)),
            ("scheduler", chosen(&defaults.scheduler, &SCHEDULERS)),
            (
                "negative_prompt",
                Parameter {
                    default: Some(Scalar::Text(defaults.negative_prompt.clone())),
                    ..Parameter::default()
                },
            ),
        ])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
    }
}
