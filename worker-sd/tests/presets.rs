//! The presets that come with the project.

mod support;

use mystic_domain::{JobParams, Mib, Model, Plan, Preset, need};
use serde::Deserialize;
use support::demo_params;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Presets {
    preset: Vec<Preset>,
}

fn text() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/presets.toml");
    std::fs::read_to_string(path).unwrap()
}

fn presets() -> Vec<Preset> {
    toml::from_str::<Presets>(&text()).unwrap().preset
}

#[test]
fn a_misspelt_key_is_refused_in_every_kind_of_preset() {
    for key in ["title = ", "[preset.limits]", "max_batch = ", "context = "] {
        let misspelt = text().replace(key, &key.replace('t', "tt"));
        assert_ne!(misspelt, text(), "{key}");
        assert!(toml::from_str::<Presets>(&misspelt).is_err(), "{key}");
    }
    for engine in ["engine = \"sd\"", "engine = \"llm\""] {
        let added = text().replace(engine, &format!("colour = 1\n{engine}"));
        assert_ne!(added, text());
        assert!(toml::from_str::<Presets>(&added).is_err(), "{engine}");
    }
}

#[test]
fn the_demo_preset_names_files_that_are_there_and_accepts_its_own_settings() {
    let preset = presets()
        .into_iter()
        .find(|preset| preset.name == "demo")
        .unwrap();
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/../models");
    let weights = preset
        .paths()
        .into_iter()
        .map(|path| std::fs::metadata(format!("{models}/{path}")).unwrap().len())
        .sum();
    let Model::Sd(model) = &preset.model else {
        panic!("the demo draws");
    };
    let params = demo_params(1);
    model.check(&params, 100.0).unwrap();
    assert_eq!(
        (params.width, params.height),
        (model.defaults.width, model.defaults.height)
    );
    assert_eq!(params.steps, model.defaults.steps);
    assert_eq!(params.sampler, model.defaults.sampler);

    let params = JobParams::Generate(params);
    let weights = Mib::from_bytes(weights).into();
    let full = need::estimate(&preset, &weights, &params, Plan::Full);
    let tiled = need::estimate(&preset, &weights, &params, Plan::VaeTiling);
    assert!(tiled.working < full.working, "{tiled:?} {full:?}");
}

#[test]
fn the_demo_tagger_is_a_language_model() {
    let preset = presets()
        .into_iter()
        .find(|preset| preset.name == "demo-tagger")
        .unwrap();
    assert!(matches!(preset.model, Model::Llm(_)));
}
