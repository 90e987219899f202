//! The catalogue of presets that comes with the models.

use std::path::{Path, PathBuf};

use mystic_domain::{InvalidField, Preset};
use serde::Deserialize;

/// The catalogue's file in the models directory.
const CATALOGUE: &str = "presets.toml";

/// A catalogue that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PresetsError {
    /// The file can't be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The catalogue.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file isn't a list of presets.
    #[error("{}: {source}", path.display())]
    Parse {
        /// The catalogue.
        path: PathBuf,
        /// Where it goes wrong.
        source: Box<toml::de::Error>,
    },
    /// A preset breaks a rule.
    #[error("{}: preset {name}: {source}", path.display())]
    Invalid {
        /// The catalogue.
        path: PathBuf,
        /// The preset.
        name: String,
        /// The field, its value and what is allowed.
        source: InvalidField,
    },
    /// Two presets have one name.
    #[error("{}: two presets are named {name}", path.display())]
    Twice {
        /// The catalogue.
        path: PathBuf,
        /// The name.
        name: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    #[serde(default)]
    preset: Vec<Preset>,
}

/// The presets of `<models>/presets.toml`.
///
/// # Errors
/// The file can't be read, isn't a list of presets, names one twice, or one breaks a rule.
pub fn load_presets(models: &Path) -> Result<Vec<Preset>, PresetsError> {
    let path = models.join(CATALOGUE);
    let text = std::fs::read_to_string(&path).map_err(|source| PresetsError::Read {
        path: path.clone(),
        source,
    })?;
    let Catalogue { preset: presets } =
        toml::from_str(&text).map_err(|source| PresetsError::Parse {
            path: path.clone(),
            source: Box::new(source),
        })?;
    for preset in &presets {
        if let Err(source) = preset.check() {
            let name = preset.name.clone();
            return Err(PresetsError::Invalid { path, name, source });
        }
    }
    let mut names: Vec<&str> = presets.iter().map(|preset| preset.name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        let name = pair[0].to_owned();
        return Err(PresetsError::Twice { path, name });
    }
    Ok(presets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_that_comes_with_us_has_an_image_model_and_a_tagger() {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
        let presets = load_presets(&models).expect("it can be read");
        let names: Vec<&str> = presets.iter().map(|preset| preset.name.as_str()).collect();
        assert!(
            names.contains(&"demo") && names.contains(&"demo-tagger"),
            "{names:?}"
        );
    }

    #[test]
    fn a_preset_that_breaks_a_rule_is_refused_by_name_and_field() {
        let dir = tempfile::tempdir().expect("a directory");
        let llm = "[[preset]]\nname = \"a\"\ntitle = \"\"\nengine = \"llm\"\nfile = \"a.pt\"\ncontext = 1\nlayers = 1\nkv_heads = 1\nhead_dim = 1\n";
        std::fs::write(dir.path().join(CATALOGUE), llm).expect("written");
        let error = load_presets(dir.path()).expect_err("refused").to_string();
        assert!(
            error.contains("preset a: file is a.pt; allowed:"),
            "{error}"
        );
    }

    #[test]
    fn a_name_given_twice_is_refused_by_name() {
        let dir = tempfile::tempdir().expect("a directory");
        let llm = "[[preset]]\nname = \"a\"\ntitle = \"\"\nengine = \"llm\"\nfile = \"f\"\ncontext = 1\nlayers = 1\nkv_heads = 1\nhead_dim = 1\n";
        std::fs::write(dir.path().join(CATALOGUE), llm.repeat(2)).expect("written");
        let error = load_presets(dir.path()).expect_err("refused");
        assert!(
            matches!(&error, PresetsError::Twice { name, .. } if name == "a"),
            "{error}"
        );
    }
}
