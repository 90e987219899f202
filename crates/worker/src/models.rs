//! Which presets this worker can serve: their files are below the models directory, and how large they are.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use mystic_domain::{ContextPlan, EngineKind, ImageFiles, Mib, Model, Preset, Weights, need};
use mystic_engine::LoadModel;
use mystic_store::{DeviceInfo, PresetRecord, ServedPreset};

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

/// Size of a preset's files by what they are for, or which one is missing. A checkpoint that holds everything counts as
/// the network: nothing of it is then reckoned to be off the device that is not.
pub(crate) fn weights(dir: &Path, preset: &Preset) -> Result<Weights, String> {
    let parts = match &preset.model {
        Model::Sd(model) => model.files.parts(),
        Model::Llm(model) => [vec![&*model.file], Vec::new(), Vec::new()],
    };
    let mut counted = BTreeSet::new();
    let mut sizes = [Mib(0); 3];
    for (names, size) in parts.iter().zip(&mut sizes) {
        let mut bytes = 0;
        for name in names.iter().filter(|name| counted.insert(**name)) {
            let path = below(dir, name)?;
            let file = std::fs::metadata(&path).map_err(|error| format!("{name}: {error}"))?;
            if !file.is_file() {
                return Err(format!("{name} is no file"));
            }
            bytes += file.len();
        }
        *size = Mib::from_bytes(bytes);
    }
    let [network, text_encoders, decoder] = sizes;
    Ok(Weights {
        network,
        text_encoders,
        decoder,
    })
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
pub(crate) fn load(
    dir: &Path,
    preset: &Preset,
    weights: &Weights,
    context: ContextPlan,
    threads: u32,
) -> Result<LoadModel, String> {
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
    use std::path::Path;

    use mystic_domain::{ImageFiles, Mib, Preset, Weights};

    use super::{below, weights};

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

    #[test]
    fn each_file_counts_once_and_for_what_it_is_for() {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, mib) in [("all", 5), ("clip", 2), ("t5", 3), ("ae", 1)] {
            let file = std::fs::File::create(dir.path().join(name)).expect("a file");
            file.set_len(mib << 20).expect("its size");
        }
        let name = |name: &str| Some(name.to_owned());
        let preset = |files: ImageFiles| -> Preset {
            serde_json::from_value(serde_json::json!({
                "name": "a", "title": "A", "engine": "sd", "files": files,
                "defaults": {"width": 8, "height": 8, "steps": 1, "cfg": 1.0},
                "limits": {"multiple": 8, "min_side": 8, "max_side": 8, "max_steps": 1, "max_batch": 1},
            }))
            .expect("a preset")
        };
        let parts = preset(ImageFiles {
            diffusion_model: name("all"),
            clip_l: name("clip"),
            t5xxl: name("t5"),
            vae: name("ae"),
            ..ImageFiles::default()
        });
        let sizes = Weights {
            network: Mib(5),
            text_encoders: Mib(5),
            decoder: Mib(1),
        };
        assert_eq!(weights(dir.path(), &parts), Ok(sizes));
        let whole = preset(ImageFiles {
            model: name("all"),
            taesd: name("all"),
            ..ImageFiles::default()
        });
        assert_eq!(weights(dir.path(), &whole), Ok(Mib(5).into()));
    }
}
