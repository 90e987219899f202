use std::io::ErrorKind;
use std::path::Path;

use axum::Json;
use axum::extract::State;
use mystic_domain::Preset;
use mystic_library::{Catalog, LibraryError};
use mystic_store::ModelOperation;
use mystic_weights::Found;
use serde::Serialize;
use utoipa::ToSchema;

use super::read;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// The models directory of the API's host.
#[derive(Debug, Serialize, ToSchema)]
pub struct Models {
    /// The model files that lie in it, by their paths.
    files: Vec<FoundFile>,
    /// What its catalogue has.
    catalogue: Vec<CatalogueModel>,
    /// The model files of the import directory, which `POST /api/v1/models/import` takes.
    importable: Vec<FoundFile>,
    /// The last operation of each model that is in no catalogue yet.
    importing: Vec<ModelOperation>,
}

/// A model file.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundFile {
    /// Its path below the models directory.
    path: String,
    /// Its size in bytes.
    size: u64,
    /// What it is for, guessed from its header.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// The family of its diffusion network, or of its language model, where it has one that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    architecture: Option<String>,
    /// Why it can't be used; absent where its header is whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// The presets that name it.
    presets: Vec<String>,
    /// The model of the catalogue that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
}

/// A model of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub struct CatalogueModel {
    /// Its name.
    name: String,
    /// Its family.
    architecture: String,
    /// SPDX name of its licence.
    licence: String,
    /// Its size in bytes.
    size: u64,
    /// How each of its files is.
    files: Vec<CatalogueFile>,
    /// What is done with it, or was last.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<ModelOperation>,
}

/// A file of a model of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub struct CatalogueFile {
    /// Its path below the models directory.
    path: String,
    /// By its size alone: checksums are for `POST /api/v1/models/{name}/verify`.
    state: FileState,
}

/// How a file is.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// It is there.
    Here,
    /// It is not.
    Missing,
    /// Another is.
    Corrupt,
}

/// List models
///
/// What lies in the models directory of the API's host, by the files' headers, what the catalogue there has, and what is
/// just done with it.
#[utoipa::path(
    get,
    path = "/api/v1/models",
    tag = "fleet",
    operation_id = "list_models",
    responses((status = 200, description = "The models", body = Models), Problems)
)]
pub async fn list(State(app): State<App>) -> Result<Json<Models>, Problem> {
    let presets = app.store.presets().await?;
    let presets: Vec<Preset> = presets.into_iter().map(|record| record.preset).collect();
    let operations = app.store.operations().await?;
    let import_dir = app.config.models.import_dir.clone();
    let models = read(&app, move |dir| {
        let catalog = Catalog::read(dir)?;
        let described = |found| describe(found, &presets, &catalog);
        let importable = match import_dir {
            Some(import_dir) => scan(&import_dir)?,
            None => Vec::new(),
        };
        let (known, importing) = operations
            .into_iter()
            .partition(|operation| catalog.model(&operation.model).is_some());
        Ok::<_, LibraryError>(Models {
            files: scan(dir)?.into_iter().map(described).collect(),
            importable: importable
                .into_iter()
                .map(|found| describe(found, &[], &Catalog::default()))
                .collect(),
            importing,
            catalogue: catalogued(dir, catalog, known)?,
        })
    });
    Ok(Json(models.await?))
}

/// The model files below a directory; none where there is no directory.
pub(super) fn scan(dir: &Path) -> Result<Vec<Found>, LibraryError> {
    match mystic_weights::scan(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        found => found.map_err(|source| LibraryError::Io {
            path: dir.to_owned(),
            source,
        }),
    }
}

fn describe(found: Found, presets: &[Preset], catalog: &Catalog) -> FoundFile {
    let naming = presets
        .iter()
        .filter(|preset| preset.paths().contains(&found.path.as_str()));
    let mut models = catalog.models.iter();
    let model = models.find(|model| model.files.iter().any(|it| it.path == found.path));
    let header = found.header.as_ref().ok();
    let written = || header?.language_model().ok().map(|it| it.architecture);
    let drawn = header.and_then(mystic_weights::Header::architecture);
    FoundFile {
        presets: naming.map(|preset| preset.name.clone()).collect(),
        model: model.map(|model| model.name.clone()),
        kind: header.map(|header| header.kind().to_string()),
        architecture: drawn.map(|it| it.to_string()).or_else(written),
        problem: found.header.as_ref().err().map(ToString::to_string),
        size: found.bytes,
        path: found.path,
    }
}

fn catalogued(
    dir: &Path,
    catalog: Catalog,
    mut operations: Vec<ModelOperation>,
) -> Result<Vec<CatalogueModel>, LibraryError> {
    let mut catalogue = Vec::new();
    for model in catalog.models {
        let mut states = Vec::new();
        for file in &model.files {
            let state = match mystic_library::look(&dir.join(&file.path), file)? {
                mystic_library::State::Good => FileState::Here,
                mystic_library::State::Missing => FileState::Missing,
                mystic_library::State::Corrupt(_) => FileState::Corrupt,
            };
            let path = file.path.clone();
            states.push(CatalogueFile { path, state });
        }
        let last = operations
            .iter()
            .position(|operation| operation.model == model.name);
        catalogue.push(CatalogueModel {
            size: model.files.iter().map(|file| file.size).sum(),
            files: states,
            operation: last.map(|at| operations.swap_remove(at)),
            name: model.name,
            architecture: model.architecture,
            licence: model.licence,
        });
    }
    Ok(catalogue)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde_json::json;

    use crate::testing::TestApi;

    #[tokio::test]
    async fn what_lies_in_the_models_directory_is_listed_with_its_presets_and_its_catalogue() {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
        let dir = tempfile::tempdir().expect("a directory");
        let painter = "demo/demo-painter-q8_0.gguf";
        fs::create_dir(dir.path().join("demo")).expect("made");
        for file in [painter, "catalog.toml"] {
            fs::copy(models.join(file), dir.path().join(file)).expect("copied");
        }
        fs::write(dir.path().join("broken.gguf"), "PK").expect("written");
        let api = TestApi::with(|config| config.models.dir = dir.path().to_owned()).await;
        let shown = api.shown("/api/v1/models").await;
        let [broken, drawn] = &shown["files"].as_array().expect("a list")[..] else {
            panic!("{shown}")
        };
        assert_eq!(broken["path"], "broken.gguf");
        assert!(
            broken["problem"]
                .as_str()
                .expect("why")
                .contains("neither GGUF")
        );
        assert_eq!(
            *drawn,
            json!({
                "path": painter, "size": 17_399_072, "kind": "checkpoint", "architecture": "Z-Image",
                "presets": ["demo"], "model": "demo-painter",
            })
        );
        let states: Vec<_> = shown["catalogue"]
            .as_array()
            .expect("a list")
            .iter()
            .collect();
        assert_eq!(states[0]["files"][0]["state"], "here");
        assert_eq!(states[1]["files"][0]["state"], "missing");
    }
}
