//! Which presets this worker can serve: their files are below the models directory and whole, and how large they are.

use std::path::{Component, Path, PathBuf};

use mystic_domain::{EngineKind, ImageFiles, InvalidField, Mib, Model, Preset, TextModel};
use mystic_engine::LoadModel;
use mystic_store::{PresetRecord, ServedPreset};
use mystic_weights::Header;

/// What this worker says of each preset of its engine.
pub(crate) fn survey(
    dir: &Path,
    engine: EngineKind,
    presets: &[PresetRecord],
) -> Vec<ServedPreset> {
    presets
        .iter()
        .map(|record| &record.preset)
        .filter(|preset| preset.engine() == engine)
        .map(|preset| {
            let (weights, problem) = match look(dir, preset) {
                Ok(weights) => (weights, None),
                Err(problem) => (Mib(0), Some(problem)),
            };
            ServedPreset {
                preset: preset.name.clone(),
                weights,
                problem,
            }
        })
        .collect()
}

/// Size of a preset's files, or which of them can't be loaded and why. Their headers alone are read.
fn look(dir: &Path, preset: &Preset) -> Result<Mib, String> {
    for name in preset.paths() {
        let header = mystic_weights::read(&below(dir, name)?)
            .map_err(|error| format!("{name}: {}", error.problem))?;
        if let Model::Llm(model) = &preset.model {
            agree(model, &header)?;
        }
    }
    weights(dir, preset)
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

/// Size of a preset's files, or which one is missing.
pub(crate) fn weights(dir: &Path, preset: &Preset) -> Result<Mib, String> {
    let mut bytes = 0;
    for name in preset.paths() {
        let path = below(dir, name)?;
        let file = std::fs::metadata(&path).map_err(|error| format!("{name}: {error}"))?;
        bytes += file.len();
    }
    Ok(Mib::from_bytes(bytes))
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

/// The load command's model, with absolute paths.
pub(crate) fn load(dir: &Path, preset: &Preset, threads: u32) -> Result<LoadModel, String> {
    let dir = std::path::absolute(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let absolute = |name: &String| -> Result<String, String> {
        let path = below(&dir, name)?;
        path.into_os_string()
            .into_string()
            .map_err(|_| format!("the path of {name} is not UTF-8"))
    };
    let each = |name: &Option<String>| name.as_ref().map(absolute).transpose();
    match &preset.model {
        Model::Sd(model) => {
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
            Ok(LoadModel::Sd { files, threads })
        }
        Model::Llm(model) => {
            let mut model = model.clone();
            model.file = absolute(&model.file)?;
            Ok(LoadModel::Llm { model, threads })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use mystic_domain::{EngineKind, Mib, Model, Preset, TextModel};
    use mystic_store::PresetRecord;

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

    /// What is said of one preset: its size, or its problem.
    fn said(dir: &Path, model: Model) -> Result<Mib, String> {
        let preset = Preset {
            name: "one".to_owned(),
            title: String::new(),
            model,
        };
        let engine = preset.engine();
        let workers = Vec::new();
        let served = survey(dir, engine, &[PresetRecord { preset, workers }]).remove(0);
        served.problem.map_or(Ok(served.weights), Err)
    }

    #[test]
    fn the_demo_presets_can_be_served() {
        let files = serde_json::json!({ "model": PAINTER, "taesd": PAINTER });
        assert_eq!(said(models(), painter(&files)), Ok(Mib(17)));
        assert_eq!(said(models(), Model::Llm(tagger())), Ok(Mib(94)));
        assert_eq!(survey(models(), EngineKind::Llm, &[]), []);
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
