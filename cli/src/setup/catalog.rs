//! The catalogue of model files: what each must hash to and where it comes from.

use serde::Deserialize;

use crate::error::{Result, Tried};

const CATALOG: &str = include_str!("../../../models/catalog.toml");

/// A model file of the catalogue.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Path below the models directory.
    pub file: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// SPDX name of its licence.
    pub licence: String,
    /// The Python wheel that holds it; without one it lies in the source tree.
    pub wheel: Option<Wheel>,
}

/// A file inside a Python wheel.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wheel {
    /// Name of the Python package.
    pub package: String,
    /// Its exact version.
    pub version: String,
    /// Path of the file inside.
    pub member: String,
}

#[derive(Deserialize)]
struct Catalog {
    models: Vec<ModelFile>,
}

/// The model files of the catalogue.
///
/// # Errors
/// The catalogue is malformed.
pub fn model_files() -> Result<Vec<ModelFile>> {
    let catalog: Catalog = toml::from_str(CATALOG).tried(|| "models/catalog.toml is malformed")?;
    Ok(catalog.models)
}

#[cfg(test)]
mod tests {
    use mystic_domain::Preset;

    use super::*;

    #[test]
    fn every_file_of_a_preset_is_in_the_catalogue() {
        #[derive(Deserialize)]
        struct Presets {
            preset: Vec<Preset>,
        }
        let presets: Presets =
            toml::from_str(include_str!("../../../models/presets.toml")).unwrap();
        let files = model_files().unwrap();
        assert!(!presets.preset.is_empty());
        for preset in presets.preset {
            for path in preset.paths() {
                assert!(
                    files.iter().any(|file| file.file == path),
                    "{}: {path}",
                    preset.name
                );
            }
        }
    }

    #[test]
    fn every_checksum_is_one() {
        for file in model_files().unwrap() {
            assert_eq!(
                hex::decode(&file.sha256).unwrap().len(),
                32,
                "{}",
                file.file
            );
        }
    }
}
