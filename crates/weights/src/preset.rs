//! A preset held against its files: they are there and whole, are what the preset takes them for, and how large they are.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use mystic_domain::{
    ImageModel, InvalidField, MAX_LORAS, Mib, Model, NamedFile, Part, Preset, TextModel, Weights,
};

use crate::modules::Modules;
use crate::{Header, Problem, read};

/// Why a preset can't be served from a models directory.
#[derive(Debug, thiserror::Error)]
pub enum Misfit {
    /// The path leaves the directory.
    #[error("{0} does not lie in the models directory")]
    Outside(String),
    /// A file is not there, or can't be used.
    #[error("{file}: {problem}")]
    File {
        /// The preset's field that names it.
        field: &'static str,
        /// Its path in the preset.
        file: String,
        /// What is wrong with it.
        problem: Problem,
    },
    /// A file holds another part of a model.
    #[error("{file}: it holds {found}; allowed: {allowed}, as {field} needs")]
    Part {
        /// The preset's field that names it.
        field: &'static str,
        /// Its path in the preset.
        file: String,
        /// What is in it.
        found: String,
        /// What should be.
        allowed: &'static str,
    },
    /// The preset says otherwise of its model than the file.
    #[error(transparent)]
    Field(#[from] InvalidField),
}

impl Misfit {
    /// The file that is not in this directory; another machine's may have it.
    #[must_use]
    pub fn missing(&self) -> Option<&str> {
        match self {
            Self::File {
                file,
                problem: Problem::Io(error),
                ..
            } if error.kind() == ErrorKind::NotFound => Some(file),
            _ => None,
        }
    }
}

impl From<Misfit> for InvalidField {
    fn from(misfit: Misfit) -> Self {
        match misfit {
            Misfit::Field(invalid) => invalid,
            Misfit::Outside(path) => Self::new("files", path, "a path below the models directory"),
            Misfit::File {
                field,
                file,
                problem,
            } => Self::new(field, file, format!("a whole model file: {problem}")),
            Misfit::Part {
                field,
                file,
                found,
                allowed,
            } => Self::new(
                field,
                file,
                format!("a file with {allowed}; it holds {found}"),
            ),
        }
    }
}

/// Size of a preset's weights by what they are for. Headers alone are read.
///
/// # Errors
/// The first file that is not below `dir`, can't be used, or is another than the preset says.
pub fn of_preset(dir: &Path, preset: &Preset) -> Result<Weights, Misfit> {
    let mut headers: BTreeMap<&str, Header> = BTreeMap::new();
    let (mut network, mut text_encoders, mut decoder) = (0, 0, 0);
    for named in preset.files() {
        let (header, first) = match headers.entry(named.path) {
            Entry::Occupied(there) => (&*there.into_mut(), false),
            Entry::Vacant(free) => {
                let path = below(dir, named.path)?;
                let header = read(&path).map_err(|error| Misfit::File {
                    field: named.field,
                    file: named.path.to_owned(),
                    problem: error.problem,
                })?;
                (&*free.insert(header), true)
            }
        };
        let modules = header.modules();
        match &preset.model {
            Model::Llm(_) if named.part == Part::Projector => {
                let projector = header.projector().map_err(|problem| Misfit::File {
                    field: named.field,
                    file: named.path.to_owned(),
                    problem,
                })?;
                text_encoders += projector.bytes + projector.buffer;
                continue;
            }
            Model::Llm(model) => agree(model, header)?,
            Model::Sd(_) => fits(named, modules)?,
            Model::Upscaler(_) => enlarges(named, header)?,
        }
        // A file that is named twice is loaded for both and counted once.
        if !first {
            continue;
        }
        match (&preset.model, named.part) {
            (Model::Llm(_) | Model::Upscaler(_), _) | (_, Part::Projector) => {
                network += modules.total();
            }
            // A checkpoint that holds everything is told apart by its tensors.
            (Model::Sd(_), Part::Network) => {
                network += modules.diffusion + modules.rest;
                text_encoders += modules.text_encoders;
                decoder += modules.autoencoder;
            }
            (Model::Sd(_), Part::TextEncoder) => text_encoders += modules.total(),
            (Model::Sd(_), Part::Decoder) => decoder += modules.total(),
        }
    }
    if let Model::Sd(model) = &preset.model {
        network += loras(dir, model)?;
    }
    Ok(Weights {
        network: Mib::from_bytes(network),
        text_encoders: Mib::from_bytes(text_encoders),
        decoder: Mib::from_bytes(decoder),
    })
}

/// Bytes of as many of a model's largest LoRAs as a job may ask for.
fn loras(dir: &Path, model: &ImageModel) -> Result<u64, Misfit> {
    let sizes = model.loras.iter().map(|lora| {
        let header = read(&below(dir, &lora.file)?).map_err(|error| Misfit::File {
            field: "loras",
            file: lora.file.clone(),
            problem: error.problem,
        })?;
        Ok(header.modules().total())
    });
    let mut sizes = sizes.collect::<Result<Vec<u64>, Misfit>>()?;
    sizes.sort_unstable_by(|one, other| other.cmp(one));
    Ok(sizes.into_iter().take(MAX_LORAS).sum())
}

/// That a file is an ESRGAN network, by its first layer's name in either of the two customs.
fn enlarges(named: NamedFile<'_>, header: &Header) -> Result<(), Misfit> {
    let first = ["conv_first.weight", "model.0.weight"];
    let mut tensors = header.tensors.iter();
    if tensors.any(|tensor| first.contains(&tensor.name.as_str())) {
        return Ok(());
    }
    Err(Misfit::Part {
        field: named.field,
        file: named.path.to_owned(),
        found: "another model".to_owned(),
        allowed: "an ESRGAN network",
    })
}

/// That a file is not known to be another part of a model than it is named for. What is not known may be it.
fn fits(named: NamedFile<'_>, modules: Modules) -> Result<(), Misfit> {
    let parts = [
        (Part::Network, modules.diffusion, "a diffusion network"),
        (Part::TextEncoder, modules.text_encoders, "a text encoder"),
        (Part::Decoder, modules.autoencoder, "an autoencoder"),
    ];
    let others = parts.iter().filter(|(_, bytes, _)| *bytes > 0);
    let found: Vec<&str> = others.map(|(_, _, what)| *what).collect();
    let wanted = parts.iter().find(|(part, _, _)| *part == named.part);
    match wanted {
        Some((_, 0, allowed)) if modules.rest == 0 && !found.is_empty() => Err(Misfit::Part {
            field: named.field,
            file: named.path.to_owned(),
            found: found.join(" and "),
            allowed,
        }),
        _ => Ok(()),
    }
}

/// Holds what a preset says of its language model against the file: its memory is estimated from that.
fn agree(model: &TextModel, header: &Header) -> Result<(), Misfit> {
    let file = &model.file;
    let there = header.language_model().map_err(|problem| Misfit::File {
        field: "file",
        file: file.clone(),
        problem,
    })?;
    for (field, value, there) in [
        ("layers", model.layers, there.layers),
        ("kv_heads", model.kv_heads, there.kv_heads),
        ("head_dim", model.head_dim, there.head_dim),
    ] {
        if value != there {
            let allowed = format!("{there}, as {file} says");
            return Err(InvalidField::new(field, value, allowed).into());
        }
    }
    if !(1..=there.context).contains(&model.context) {
        let allowed = format!("1 to {}, which {file} was trained for", there.context);
        return Err(InvalidField::new("context", model.context, allowed).into());
    }
    Ok(())
}

/// The path of a preset's file.
///
/// # Errors
/// The name leaves the models directory.
pub fn below(dir: &Path, name: &str) -> Result<PathBuf, Misfit> {
    let plain = Path::new(name)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if !plain || name.is_empty() {
        return Err(Misfit::Outside(name.to_owned()));
    }
    Ok(dir.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preset_cannot_leave_the_models_directory() {
        for name in ["../secret", "/etc/passwd", "a/../../b", "", "./a"] {
            assert!(below(Path::new("models"), name).is_err(), "{name}");
        }
        let path = below(Path::new("models"), "demo/a.gguf").expect("below");
        assert_eq!(path, Path::new("models/demo/a.gguf"));
    }

    #[test]
    fn a_file_of_another_part_is_refused_and_one_that_nobody_knows_is_not() {
        let named = |part| NamedFile {
            part,
            field: "files.vae",
            path: "a.safetensors",
        };
        let network = Modules {
            diffusion: 1,
            ..Modules::default()
        };
        let misfit = fits(named(Part::Decoder), network).expect_err("no autoencoder");
        assert_eq!(
            misfit.to_string(),
            "a.safetensors: it holds a diffusion network; allowed: an autoencoder, as files.vae needs"
        );
        fits(named(Part::Network), network).expect("it is one");
        let unknown = Modules {
            rest: 1,
            ..Modules::default()
        };
        fits(named(Part::Decoder), unknown).expect("it may be one");
    }
}
