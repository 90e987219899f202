//! Which presets this worker can serve: their files are below the models directory and whole, and how large they are.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use mystic_domain::{ContextPlan, ImageFiles, Model, Preset, UsedFile, Weights, need};
use mystic_engine::LoadModel;
use mystic_store::{DeviceInfo, ServedPreset};

use crate::plans;

/// What this worker says of each of these presets. Headers alone are read.
pub(crate) fn survey(dir: &Path, device: &DeviceInfo, presets: &[Preset]) -> Vec<ServedPreset> {
    presets
        .iter()
        .map(|preset| {
            let (weights, problem) = match mystic_weights::of_preset(dir, preset) {
                Ok(weights) => (weights, None),
                Err(misfit) => (Weights::default(), Some(misfit.to_string())),
            };
            ServedPreset {
                preset: preset.name.clone(),
                signature: preset.signature(),
                weights,
                plans: plans::offered(device, preset),
                problem,
            }
        })
        .collect()
}

/// The absolute path of a preset's file.
pub(crate) fn file(dir: &Path, name: &str) -> Result<String, String> {
    let dir = std::path::absolute(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let path = mystic_weights::below(&dir, name).map_err(|misfit| misfit.to_string())?;
    path.into_os_string()
        .into_string()
        .map_err(|_| format!("the path of {name} is not UTF-8"))
}

/// A model file as it is now.
pub(crate) fn used(dir: &Path, role: &str, name: &str) -> std::io::Result<UsedFile> {
    let there = std::fs::metadata(dir.join(name))?;
    Ok(UsedFile {
        role: role.to_owned(),
        path: name.to_owned(),
        bytes: there.len(),
        modified_ns: there.mtime() * 1_000_000_000 + there.mtime_nsec(),
    })
}

/// A preset's files as they are now. One that can't be asked for is left out: its load says why.
pub(crate) fn files(dir: &Path, preset: &Preset) -> Vec<UsedFile> {
    let files = preset.files().into_iter();
    files
        .filter_map(|file| used(dir, file.field, file.path).ok())
        .collect()
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
            let flags = model.flags;
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
                flags,
                threads,
                context,
                stream_budget,
            })
        }
        Model::Upscaler(model) => {
            let mut model = model.clone();
            model.file = absolute(&model.file)?;
            Ok(LoadModel::Upscaler { model, threads })
        }
        Model::Llm(model) => {
            let mut model = model.clone();
            model.file = absolute(&model.file)?;
            model.mmproj = each(&model.mmproj)?;
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

    use mystic_domain::{DeviceId, Mib, Model, Preset, TextModel, Weights};
    use mystic_store::DeviceInfo;

    use super::survey;

    const TAGGER: &str = "demo-tagger/smollm2-135m-instruct-q4_1.gguf";
    const PAINTER: &str = "demo/demo-painter-q8_0.gguf";

    fn models() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models"))
    }

    fn tagger() -> TextModel {
        TextModel {
            file: TAGGER.to_owned(),
            mmproj: None,
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
        let served = survey(dir, &device(), &[preset]).remove(0);
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
}
