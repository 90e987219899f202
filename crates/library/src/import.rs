//! A file of this machine becomes a model of the library.

use std::fs;
use std::path::Path;

use mystic_domain::is_pickle;

use crate::catalog::{Catalog, IMPORTED, Model, ModelFile, Source};
use crate::error::{At, LibraryError, Result};
use crate::fetch::place;

/// Copies a file into the models directory under `path`, and notes it in the catalogue of what was imported.
///
/// # Errors
/// The file is no model's, whatever its name says; another model has the name or the path; or there is no room.
pub fn import(dir: &Path, from: &Path, path: &str, name: &str, licence: &str) -> Result<Model> {
    if is_pickle(&from.to_string_lossy()) {
        let problem =
            "it may hold a pickle, and to read one is to run it; allowed: GGUF, safetensors";
        return Err(LibraryError::no_model(from, problem));
    }
    let header =
        mystic_weights::read(from).map_err(|error| LibraryError::no_model(from, error.problem))?;
    let source = std::path::absolute(from).at(from)?;
    let architecture = header.architecture().map_or_else(
        || header.kind().to_string(),
        |architecture| architecture.to_string(),
    );
    let model = Model {
        name: name.to_owned(),
        architecture,
        licence: licence.to_owned(),
        files: vec![ModelFile {
            path: path.to_owned(),
            size: fs::metadata(from).at(from)?.len(),
            sha256: mystic_weights::sha256(from).at(from)?,
            source: Source::Local(source),
        }],
    };
    let imported = dir.join(IMPORTED);
    let invalid = |source| LibraryError::Invalid {
        path: imported.clone(),
        model: name.to_owned(),
        source,
    };
    model.files[0].check().map_err(invalid)?;
    let taken = Catalog::read(dir)?;
    let there = taken.files().any(|file| file.path == path);
    if there || taken.model(name).is_some() || dir.join(path).exists() {
        let problem = format!("model {name} or file {path} is in the library already");
        return Err(LibraryError::Catalogue {
            path: imported,
            problem,
        });
    }
    let target = dir.join(path);
    let folder = target.parent().unwrap_or(dir);
    fs::create_dir_all(folder).at(folder)?;
    let scratch = tempfile::tempdir_in(folder).at(folder)?;
    let whole = scratch.path().join("model");
    fs::copy(from, &whole).at(&whole)?;
    place(&whole, &target)?;
    let mut catalog = Catalog::default();
    if imported.exists() {
        let text = fs::read_to_string(&imported).at(&imported)?;
        catalog = Catalog::parse(&text, &imported)?;
    }
    catalog.models.push(model.clone());
    catalog.write(&imported)?;
    Ok(model)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{State, verify};

    fn painter() -> std::path::PathBuf {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
        models.join("demo/demo-painter-q8_0.gguf")
    }

    #[test]
    fn what_was_imported_is_in_the_catalogue_and_verified_like_any() {
        let dir = tempfile::tempdir().expect("a directory");
        let model = import(dir.path(), &painter(), "mine/a.gguf", "mine", "MIT").expect("taken in");
        let catalog = Catalog::read(dir.path()).expect("read");
        assert_eq!(catalog.models, std::slice::from_ref(&model));
        let file = &model.files[0];
        let path = dir.path().join(&file.path);
        assert_eq!(verify(&path, file).expect("looked"), State::Good);
        for (path, name) in [
            ("mine/a.gguf", "other"),
            ("mine/b.gguf", "mine"),
            ("../b.gguf", "b"),
            ("b.ckpt", "b"),
        ] {
            import(dir.path(), &painter(), path, name, "MIT").expect_err(path);
        }
        assert_eq!(Catalog::read(dir.path()).expect("read"), catalog);
    }

    #[test]
    fn a_pickle_is_refused_by_its_name_and_by_its_content() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["a.ckpt", "a.safetensors"] {
            let file = dir.path().join(name);
            fs::write(&file, b"\x80\x02}q\x00(X\x05\x00\x00\x00state").expect("written");
            let error = import(dir.path(), &file, "a.safetensors", "a", "MIT").expect_err(name);
            assert!(matches!(error, LibraryError::NoModel { .. }), "{error}");
        }
    }
}
