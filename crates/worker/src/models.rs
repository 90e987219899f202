//! Which presets this worker can serve: their files are below the models directory and whole, and how large they are.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use mystic_domain::{
    ContextPlan, EngineKind, ImageFiles, ImageModel, InvalidField, MAX_LORAS, Mib, Model, Preset,
    TextModel, Weights, need,
};
use mystic_engine::LoadModel;
use mystic_store::{DeviceInfo, PresetRecord, ServedPreset};
use mystic_weights::Header;

use crate::plans;

/// What this worker says of each preset of its engine.
pub(crate) fn survey(
    dir: &Path,
    engine: EngineKind,
    device: &DeviceInfo,
    presets: &[PresetRecord],
) -> Vec<ServedPreset> {
    presets
        .iter()
        .map(|record| &record.preset)
        .filter(|preset| preset.engine() == engine)
        .map(|preset| {
            let (weights, problem) = match weights(dir, preset) {
                Ok(weights) => (weights, None),
                Err(problem) => (Weights::default(), Some(problem)),
            };
            ServedPreset {
                preset: preset.name.clone(),
                weights,
                plans: plans::offered(device, preset),
                problem,
            }
        })
        .collect()
}

/// Size of a preset's weights by what they are for, or which file can't be loaded and why. Headers alone are read.
pub(crate) fn weights(dir: &Path, preset: &Preset) -> Result<Weights, String> {
    let mut counted = BTreeSet::new();
    let mut sizes = [0; 3];
    for (role, names) in parts(preset).iter().enumerate() {
        for name in names.iter().filter(|name| counted.insert(**name)) {
            let header = mystic_weights::read(&below(dir, name)?)
                .map_err(|error| format!("{name}: {}", error.problem))?;
            let modules = header.modules();
            match &preset.model {
                Model::Llm(model) => {
                    agree(model, &header)?;
                    sizes[role] += modules.total();
                }
                // A checkpoint that holds everything is told apart by its tensors.
                Model::Sd(_) if role == 0 => {
                    sizes[0] += modules.diffusion + modules.rest;
                    sizes[1] += modules.text_encoders;
                    sizes[2] += modules.autoencoder;
                }
                Model::Sd(_) => sizes[role] += modules.total(),
            }
        }
    }
    if let Model::Sd(model) = &preset.model {
        sizes[0] += loras(dir, model)?;
    }
    let [network, text_encoders, decoder] = sizes.map(Mib::from_bytes);
    Ok(Weights {
        network,
        text_encoders,
        decoder,
    })
}

/// Bytes of as many of a model's largest LoRAs as a job may ask for.
fn loras(dir: &Path, model: &ImageModel) -> Result<u64, String> {
    let sizes = model.loras.iter().map(|lora| {
        let header = mystic_weights::read(&below(dir, &lora.file)?)
            .map_err(|error| format!("{}: {}", lora.file, error.problem))?;
        Ok(header.modules().total())
    });
    let mut sizes = sizes.collect::<Result<Vec<u64>, String>>()?;
    sizes.sort_unstable_by(|one, other| other.cmp(one));
    Ok(sizes.into_iter().take(MAX_LORAS).sum())
}

/// A preset's files by what they are for: network, text encoders, decoder.
fn parts(preset: &Preset) -> [Vec<&str>; 3] {
    match &preset.model {
        Model::Sd(model) => model.files.parts(),
        Model::Llm(model) => [vec![&*model.file], Vec::new(), Vec::new()],
    }
}

/// Holds what a preset says of its language model against the file: its memory is estimated from that.
fn agree(model: &TextModel, header: &Header) -> Result<(), String> {
    let file = &model.file;
    let there = header
        .language_model()
        .map_err(|problem| format!("{file}: {problem}"))?;
    for (field, value, there) in [
        ("layers", model.layers, there.layers),
        ("kv_heads", model.kv_heads, there.kv_heads),
        ("head_dim", model.head_dim, there.head_dim),
    ] {
        if value != there {
            let allowed = format!("{there}, as {file} says");
            return Err(InvalidField::new(field, value, allowed).to_string());
        }
    }
    if !(1..=there.context).contains(&model.context) {
        let allowed = format!("1 to {}, which {file} was trained for", there.context);
        return Err(InvalidField::new("context", model.context, allowed).to_string());
    }
    Ok(())
}

/// The path of a preset's file; a name that leaves the models directory is refused.
fn below(dir: &Path, name: &str) -> Result<PathBuf, String> {
    let plain = Path::new(name)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if !plain || name.is_empty() {
        return Err(format!("{name} does not lie in the models directory"));
    }
    Ok(dir.join(name))
}

/// The absolute path of a preset's file.
pub(crate) fn file(dir: &Path, name: &str) -> Result<String, String> {
    let dir = std::path::absolute(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    below(&dir, name)?
        .into_os_string()
        .into_string()
        .map_err(|_| format!("the path of {name} is not UTF-8"))
}

/// The load command's model, with absolute paths.
pub(crate) fn load(
    dir: &Path,
    preset: &Preset,
    weights: &Weights,
    context: ContextPlan,
    threads: u32,
) -> Result<LoadModel, String> {
    let absolute = |name: &String| file(dir, name);
    let each = |name: &Option<String>| name.as_ref().map(absolute).transpose();
    match &preset.model {
        Model::Sd(model) => {
            let stream_budget = need::stream_budget(model, weights);
            let ImageFiles {
                model,
                diffusion_model,
                vae,
                taesd,
                clip_l,
                clip_g,
                t5xxl,
                llm,
            } = &model.files;
            let files = ImageFiles {
                model: each(model)?,
                diffusion_model: each(diffusion_model)?,
                vae: each(vae)?,
                taesd: each(taesd)?,
                clip_l: each(clip_l)?,
                clip_g: each(clip_g)?,
                t5xxl: each(t5xxl)?,
                llm: each(llm)?,
            };
            Ok(LoadModel::Sd {
                files,
                threads,
                context,
                stream_budget,
            })
        }
        Model::Llm(model) => {
            let mut model = model.clone();
            model.file = absolute(&model.file)?;
            Ok(LoadModel::Llm {
                model,
                threads,
                context,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use mystic_domain::{DeviceId, EngineKind, Mib, Model, Preset, TextModel, Weights};
    use mystic_store::{DeviceInfo, PresetRecord};

    use super::{below, survey};

    const TAGGER: &str = "demo-tagger/smollm2-135m-instruct-q4_1.gguf";
    const PAINTER: &str = "demo/demo-painter-q8_0.gguf";

    fn models() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models"))
    }

    fn tagger() -> TextModel {
        TextModel {
            file: TAGGER.to_owned(),
            context: 2048,
            layers: 30,
            kv_heads: 3,
            head_dim: 64,
        }
    }

    fn painter(files: &serde_json::Value) -> Model {
        let side = 128;
        let model = serde_json::json!({
            "engine": "sd", "files": files,
            "defaults": { "width": side, "height": side, "steps": 8, "cfg": 3.0 },
            "limits": {
                "multiple": 8, "min_side": side, "max_side": side, "max_steps": 50, "max_batch": 1,
            },
        });
        serde_json::from_value(model).expect("a model")
    }

    fn device() -> DeviceInfo {
        DeviceInfo {
            id: DeviceId("host/cpu".into()),
            kind: "cpu".into(),
            name: String::new(),
            total: Mib(1000),
            capacity: Mib(1000),
            turns: 1,
        }
    }

    /// What is said of one preset: its size, or its problem.
    fn said(dir: &Path, model: Model) -> Result<Weights, String> {
        let preset = Preset {
            name: "one".to_owned(),
            title: String::new(),
            model,
        };
        let engine = preset.engine();
        let workers = Vec::new();
        let served = survey(dir, engine, &device(), &[PresetRecord { preset, workers }]).remove(0);
        served.problem.map_or(Ok(served.weights), Err)
    }

    #[test]
    fn the_demo_presets_can_be_served() {
        let files = serde_json::json!({ "model": PAINTER, "taesd": PAINTER });
        // One file holds all of it, told apart by its tensors.
        let whole = said(models(), painter(&files)).expect("it can be served");
        let parts = [whole.network, whole.text_encoders, whole.decoder];
        assert!(parts.iter().all(|part| *part > Mib(0)), "{whole:?}");
        assert!((17..=19).contains(&whole.total().0), "{whole:?}");
        assert_eq!(said(models(), Model::Llm(tagger())), Ok(Mib(93).into()));
        assert_eq!(survey(models(), EngineKind::Llm, &device(), &[]), []);
    }

    #[test]
    fn a_preset_that_says_another_model_than_its_file_is_a_problem() {
        let changed = |change: fn(&mut TextModel)| {
            let mut model = tagger();
            change(&mut model);
            said(models(), Model::Llm(model)).expect_err("a problem")
        };
        assert_eq!(
            changed(|model| model.layers = 28),
            format!("layers is 28; allowed: 30, as {TAGGER} says")
        );
        assert_eq!(
            changed(|model| model.kv_heads = 9),
            format!("kv_heads is 9; allowed: 3, as {TAGGER} says")
        );
        assert_eq!(
            changed(|model| model.head_dim = 128),
            format!("head_dim is 128; allowed: 64, as {TAGGER} says")
        );
        for context in [0, 8193] {
            let mut model = tagger();
            model.context = context;
            assert_eq!(
                said(models(), Model::Llm(model)),
                Err(format!(
                    "context is {context}; allowed: 1 to 8192, which {TAGGER} was trained for"
                ))
            );
        }
        assert_eq!(
            changed(|model| PAINTER.clone_into(&mut model.file)),
            format!("{PAINTER}: metadata z_image.block_count is missing; allowed: 1 to 1024")
        );
    }

    #[test]
    fn a_file_that_is_missing_cut_off_or_of_no_known_format_is_a_problem() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = serde_json::json!({ "model": "a.gguf" });
        let said = || said(dir.path(), painter(&file)).expect_err("a problem");
        assert_eq!(said(), "a.gguf: No such file or directory (os error 2)");

        let path = dir.path().join("a.gguf");
        let whole = fs::read(models().join(PAINTER)).expect("the demo model");
        fs::write(&path, &whole[..whole.len() - 1]).expect("a file");
        assert_eq!(
            said(),
            "a.gguf: it is cut off: tensor tae.encoder.layers.14.bias ends at byte 17399072, the file at 17399071"
        );
        fs::write(&path, "a picture").expect("a file");
        assert!(said().starts_with(
            "a.gguf: it is neither GGUF nor safetensors: it starts with \"a picture\""
        ));
        fs::remove_file(&path).expect("gone");
        fs::create_dir(&path).expect("a directory");
        assert_eq!(said(), "a.gguf: it is no regular file");
    }

    #[test]
    fn a_preset_cannot_leave_the_models_directory() {
        for name in ["../secret", "/etc/passwd", "a/../../b", "", "./a"] {
            assert!(below(Path::new("models"), name).is_err(), "{name}");
        }
        assert_eq!(
            below(Path::new("models"), "demo/a.gguf"),
            Ok("models/demo/a.gguf".into())
        );
    }
}
