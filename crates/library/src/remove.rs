//! A model leaves the models directory.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::catalog::{Catalog, Model};
use crate::error::{At, Result};
use crate::fetch::part_of;

/// Deletes a model's files, unfinished ones too, but for those that another model has as well; the paths that went. What
/// was imported is in no catalogue from then on.
///
/// # Errors
/// A file can't be deleted.
pub fn remove(dir: &Path, catalog: &Catalog, model: &Model) -> Result<Vec<String>> {
    let mut gone = Vec::new();
    for file in &model.files {
        let mut others = catalog.models.iter().filter(|it| it.name != model.name);
        if others.any(|other| other.files.iter().any(|it| it.path == file.path)) {
            continue;
        }
        let target = dir.join(&file.path);
        for path in [part_of(&target), target] {
            match fs::remove_file(&path) {
                Ok(()) => gone.push(file.path.clone()),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error).at(&path),
            }
        }
    }
    gone.dedup();
    Catalog::change_imported(dir, |models| {
        models.retain(|it| it.name != model.name);
        Ok(())
    })?;
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::import::Import;

    #[test]
    fn what_is_removed_is_neither_on_disk_nor_in_the_catalogue() {
        let dir = tempfile::tempdir().expect("a directory");
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
        let painter = models.join("demo/demo-painter-q8_0.gguf");
        let import = Import {
            from: painter,
            path: "a.gguf".to_owned(),
            name: "mine".to_owned(),
            licence: "MIT".to_owned(),
        };
        let model = import.run(dir.path(), &mut |_| ControlFlow::Continue(()));
        let model = model.expect("taken in");
        let catalog = Catalog::read(dir.path()).expect("read");
        let gone = remove(dir.path(), &catalog, &model).expect("removed");
        assert_eq!(gone, ["a.gguf"]);
        assert!(!dir.path().join("a.gguf").exists());
        assert_eq!(Catalog::read(dir.path()).expect("read").models, []);
        assert!(
            remove(dir.path(), &catalog, &model)
                .expect("again")
                .is_empty()
        );
    }
}
