//! Brings the demo models into the models directory.

use std::ops::ControlFlow;
use std::path::Path;

use mystic_library::{Catalog, ModelFile, Places, State, fetch, look};

use crate::checkout::{self, Checkout};
use crate::error::{Result, Tried, sentence};

/// What the demo, the tests and a first look need.
const DEMO: [&str; 2] = ["demo-painter", "demo-tagger"];

/// Where models of this checkout, or of none, come from and go to.
///
/// # Errors
/// There is no place for downloads.
pub fn places(checkout: Option<&Checkout>, models: &Path) -> Result<Places> {
    let sources = checkout.map(|checkout| checkout.root().join("models"));
    Ok(Places {
        models: models.to_owned(),
        sources: sources.unwrap_or_else(|| models.to_owned()),
        cache: Some(checkout::cache()?.join("models")),
    })
}

/// The demo models' files, with their licences.
///
/// # Errors
/// The catalogue is malformed or lacks one.
pub fn demo_files(checkout: &Checkout) -> Result<Vec<(ModelFile, String)>> {
    let catalog = Catalog::read(&checkout.root().join("models"))
        .tried(|| "the catalogue of models can't be used")?;
    let mut files = Vec::new();
    for name in DEMO {
        let Some(model) = catalog.model(name) else {
            return sentence(format!("the catalogue has no model {name}"));
        };
        let licence = |file: &ModelFile| (file.clone(), model.licence.clone());
        files.extend(model.files.iter().map(licence));
    }
    Ok(files)
}

/// Makes every file of the demo models be in `models` with the right content.
///
/// # Errors
/// A file can't be had, or what was fetched has another checksum.
pub fn fetch_demo(checkout: &Checkout, models: &Path) -> Result<()> {
    let places = places(Some(checkout), models)?;
    for (file, licence) in demo_files(checkout)? {
        let path = models.join(&file.path);
        if look(&path, &file).tried(|| "the models can't be looked at")? != State::Good {
            eprintln!("Fetching {} ({licence})", file.path);
        }
        fetch(&places, &file, &mut |_| ControlFlow::Continue(())).tried(|| {
            format!(
                "{} can't be had; what lies in the source tree is restored with git",
                file.path
            )
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use mystic_domain::Preset;
    use serde::Deserialize;

    use super::*;

    #[test]
    fn every_file_of_a_preset_is_in_the_catalogue() {
        #[derive(Deserialize)]
        struct Presets {
            preset: Vec<Preset>,
        }
        let checkout = Checkout::find().unwrap();
        let presets: Presets =
            toml::from_str(include_str!("../../../models/presets.toml")).unwrap();
        let files = demo_files(&checkout).unwrap();
        assert!(!presets.preset.is_empty());
        for preset in presets.preset {
            for path in preset.paths() {
                assert!(
                    files.iter().any(|(file, _)| file.path == path),
                    "{}: {path}",
                    preset.name
                );
            }
        }
    }
}
