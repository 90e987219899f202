//! A file of this machine becomes a model of the library.

use std::fs;
use std::path::{Path, PathBuf};

use mystic_domain::{InvalidField, is_pickle};

use crate::catalog::{Catalog, IMPORTED, Model, ModelFile, Source, check_name, check_path};
use crate::error::{At, LibraryError, Result};
use crate::fetch::{Progress, check, copy, part_of, place, unfinished};
use crate::state::{State, hash, verify_telling};

/// A file of this machine that is to be a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The file.
    pub from: PathBuf,
    /// Its path below the models directory.
    pub path: String,
    /// Its name in the catalogue.
    pub name: String,
    /// SPDX name of its licence.
    pub licence: String,
}

impl Import {
    /// Whether its name and its path are allowed and free.
    ///
    /// # Errors
    /// The field, its value and what is allowed.
    pub fn check(&self, dir: &Path, catalog: &Catalog) -> Result<(), InvalidField> {
        check_name(&self.name)?;
        check_path("path", &self.path)?;
        if catalog.model(&self.name).is_some() {
            let allowed = "a name that no model of the library has";
            return Err(InvalidField::new("name", &self.name, allowed));
        }
        let known = catalog.files().any(|file| file.path == self.path);
        if known || dir.join(&self.path).exists() {
            let allowed = "a path at which no file of the library is";
            return Err(InvalidField::new("path", &self.path, allowed));
        }
        Ok(())
    }

    /// Copies the file into the models directory, and notes it in the catalogue of what was imported. A call that broke
    /// off may be made again.
    ///
    /// # Errors
    /// The file is no model's, whatever its name says; another model has the name or the path; there is no room; or it
    /// was stopped. Then nothing is left of it.
    pub fn run(&self, dir: &Path, progress: Progress<'_>) -> Result<Model> {
        let model = self.describe(progress)?;
        let file = &model.files[0];
        let target = dir.join(&file.path);
        self.note(dir, &model)?;
        let part = part_of(&target);
        let brought = self.bring(&part, &target, file, progress);
        // Another program's are not ours to take away.
        if matches!(&brought, Err(error) if !matches!(error, LibraryError::Busy(_))) {
            // Why it is not brought is what is told.
            let _ = fs::remove_file(&part);
            Catalog::change_imported(dir, |models| {
                models.retain(|it| it.name != model.name);
                Ok(())
            })?;
        }
        brought?;
        Ok(model)
    }

    fn describe(&self, progress: Progress<'_>) -> Result<Model> {
        let from = &self.from;
        if is_pickle(&from.to_string_lossy()) {
            let problem =
                "it may hold a pickle, and to read one is to run it; allowed: GGUF, safetensors";
            return Err(LibraryError::no_model(from, problem));
        }
        let header = mystic_weights::read(from)
            .map_err(|error| LibraryError::no_model(from, error.problem))?;
        let architecture = header.architecture().map_or_else(
            || header.kind().to_string(),
            |architecture| architecture.to_string(),
        );
        Ok(Model {
            name: self.name.clone(),
            architecture,
            licence: self.licence.clone(),
            files: vec![ModelFile {
                path: self.path.clone(),
                size: fs::metadata(from).at(from)?.len(),
                sha256: hash(from, &mut |_| progress(0))?,
                source: Source::Local(std::path::absolute(from).at(from)?),
            }],
        })
    }

    /// Notes the model before its file is there: what breaks off between the two is a model whose file is missing, which
    /// can be pulled or deleted.
    fn note(&self, dir: &Path, model: &Model) -> Result<()> {
        fs::create_dir_all(dir).at(dir)?;
        Catalog::change_imported(dir, |models| {
            if models.contains(model) {
                return Ok(());
            }
            self.check(dir, &Catalog::read(dir)?)
                .map_err(|source| LibraryError::Invalid {
                    path: dir.join(IMPORTED),
                    model: self.name.clone(),
                    source,
                })?;
            models.push(model.clone());
            Ok(())
        })
    }

    fn bring(
        &self,
        part: &Path,
        target: &Path,
        file: &ModelFile,
        progress: Progress<'_>,
    ) -> Result<()> {
        let folder = target.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).at(folder)?;
        if verify_telling(target, file, &mut |_| progress(0))? == State::Good {
            return Ok(());
        }
        let mut growing = unfinished(part)?;
        growing.set_len(0).at(part)?;
        copy(&self.from, &mut growing, part, progress)?;
        check(part, file, &self.from.display().to_string(), progress)?;
        place(part, target)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::state::verify;

    fn import(dir: &Path, from: &Path, path: &str, name: &str) -> Result<Model> {
        let import = Import {
            from: from.to_owned(),
            path: path.to_owned(),
            name: name.to_owned(),
            licence: "MIT".to_owned(),
        };
        import.run(dir, &mut |_| ControlFlow::Continue(()))
    }

    fn painter() -> std::path::PathBuf {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
        models.join("demo/demo-painter-q8_0.gguf")
    }

    #[test]
    fn what_was_imported_is_in_the_catalogue_and_verified_like_any() {
        let dir = tempfile::tempdir().expect("a directory");
        let model = import(dir.path(), &painter(), "mine/a.gguf", "mine").expect("taken in");
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
            import(dir.path(), &painter(), path, name).expect_err(path);
        }
        assert_eq!(Catalog::read(dir.path()).expect("read"), catalog);
    }

    #[test]
    fn a_pickle_is_refused_by_its_name_and_by_its_content() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["a.ckpt", "a.safetensors"] {
            let file = dir.path().join(name);
            fs::write(&file, b"\x80\x02}q\x00(X\x05\x00\x00\x00state").expect("written");
            let error = import(dir.path(), &file, "a.safetensors", "a").expect_err(name);
            assert!(matches!(error, LibraryError::NoModel { .. }), "{error}");
        }
    }

    #[test]
    fn an_import_that_is_stopped_leaves_nothing_and_one_that_died_is_gone_on_with() {
        let dir = tempfile::tempdir().expect("a directory");
        let asked = Import {
            from: painter(),
            path: "a.gguf".to_owned(),
            name: "a".to_owned(),
            licence: "MIT".to_owned(),
        };
        let mut stop = |bytes| match bytes {
            0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        };
        let error = asked.run(dir.path(), &mut stop).expect_err("stopped");
        assert!(matches!(error, LibraryError::Stopped), "{error}");
        assert_eq!(Catalog::read(dir.path()).expect("read").models, []);
        let left: Vec<_> = fs::read_dir(dir.path()).expect("read").flatten().collect();
        assert!(left.iter().all(|it| it.file_name() == IMPORTED), "{left:?}");

        // As if the process had died after it had noted the model.
        let mut on = |_| ControlFlow::Continue(());
        let model = asked.describe(&mut on).expect("described");
        asked.note(dir.path(), &model).expect("noted");
        assert_eq!(asked.run(dir.path(), &mut on).expect("taken in"), model);
        assert!(dir.path().join("a.gguf").exists());
    }

    #[test]
    fn two_imports_at_once_are_both_in_the_catalogue() {
        let dir = tempfile::tempdir().expect("a directory");
        std::thread::scope(|scope| {
            for name in ["a", "b", "c", "d"] {
                let dir = dir.path();
                let path = format!("{name}.gguf");
                scope.spawn(move || import(dir, &painter(), &path, name).expect("taken in"));
            }
        });
        assert_eq!(Catalog::read(dir.path()).expect("read").models.len(), 4);
    }
}
