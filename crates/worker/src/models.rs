//! Which presets this worker can serve: their files are below the models directory, and how large they are.

use std::path::{Component, Path, PathBuf};

use mystic_domain::{EngineKind, ImageFiles, Mib, Model, Preset};
use mystic_engine::LoadModel;
use mystic_store::{PresetRecord, ServedPreset};

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
            let (weights, problem) = match weights(dir, preset) {
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

/// Size of a preset's files, or which one is missing.
pub(crate) fn weights(dir: &Path, preset: &Preset) -> Result<Mib, String> {
    let mut bytes = 0;
    for name in preset.paths() {
        let path = below(dir, name)?;
        let file = std::fs::metadata(&path).map_err(|error| format!("{name}: {error}"))?;
        if !file.is_file() {
            return Err(format!("{name} is no file"));
        }
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
    use super::below;
    use std::path::Path;

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
