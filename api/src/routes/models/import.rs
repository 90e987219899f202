use std::path::Path;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use mystic_domain::InvalidField;
use mystic_library::{Catalog, LibraryError};
use mystic_store::{ModelOperation, NewOperation, OperationKind};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{list, read};
use crate::extract::{JsonBody, typed};
use crate::openapi::Problems;
use crate::operations::{self, ImportRequest};
use crate::problem::Problem;
use crate::state::App;

/// Most names that a refusal tells.
const NAMED: usize = 20;
/// Longest name, path or licence, bytes.
const LONGEST: usize = 200;

/// A model file that is to be taken in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportModel {
    /// One of `importable` of `GET /api/v1/models`.
    file: String,
    /// Its path below the models directory; absent: the file's own name.
    path: Option<String>,
    /// Its name in the catalogue; absent: the file's own name without the ending.
    name: Option<String>,
    /// SPDX name of its licence.
    #[serde(default = "unknown")]
    licence: String,
}

fn unknown() -> String {
    "unknown".to_owned()
}

/// Import a model
///
/// A file of the import directory (`models.import_dir`) is copied into the models directory and noted in its catalogue.
/// Only what is listed there can be named. `GET /api/v1/models` says how far it is.
#[utoipa::path(
    post,
    path = "/api/v1/models/import",
    tag = "fleet",
    operation_id = "import_model",
    request_body = ImportModel,
    responses(
        (status = 202, description = "It is copied", body = ModelOperation),
        (status = 409, description = "Something else is done with a model of this name or path", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The file can't be taken in so", body = Problem, content_type = "application/problem+json"),
        Problems,
    )
)]
pub async fn import(
    State(app): State<App>,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<ModelOperation>), Problem> {
    let asked: ImportModel = typed(body)?;
    let Some(import_dir) = app.config.models.import_dir.clone() else {
        let allowed = "none: models.import_dir is not set";
        return Err(InvalidField::new("file", asked.file, allowed).into());
    };
    let own = Path::new(&asked.file);
    let text =
        |part: Option<&std::ffi::OsStr>| part.and_then(|part| part.to_str()).map(str::to_owned);
    let path = asked
        .path
        .or_else(|| text(own.file_name()))
        .unwrap_or_default();
    let name = asked
        .name
        .or_else(|| text(own.file_stem()))
        .unwrap_or_default();
    for (field, given) in [
        ("name", &name),
        ("path", &path),
        ("licence", &asked.licence),
    ] {
        if given.is_empty() || given.len() > LONGEST || given.contains(char::is_control) {
            let allowed = format!("1 to {LONGEST} bytes of text without control characters");
            return Err(InvalidField::new(field, given.escape_debug(), allowed).into());
        }
    }
    let request = ImportRequest {
        file: asked.file,
        path,
        licence: asked.licence,
    };
    let import = request.of(&name, &import_dir);
    let file = request.file.clone();
    // Nothing but what a look at the directory finds is ever opened.
    let checked = read(&app, move |models| {
        let found = list::scan(&import_dir)?;
        let Some(found) = found.iter().find(|found| found.path == file) else {
            let names: Vec<&str> = found
                .iter()
                .map(|it| it.path.as_str())
                .take(NAMED)
                .collect();
            let allowed = match names[..] {
                [] => "none: models.import_dir has no model files".to_owned(),
                _ => format!("one of importable: {}", names.join(", ")),
            };
            return Ok(Err(InvalidField::new("file", file, allowed)));
        };
        if let Err(problem) = &found.header {
            let given = format!("{file} ({problem})");
            return Ok(Err(InvalidField::new(
                "file",
                given,
                "a whole GGUF or safetensors file",
            )));
        }
        let catalog = Catalog::read(models)?;
        Ok::<_, LibraryError>(import.check(models, &catalog).map(|()| found.bytes))
    });
    let total = checked.await??;
    let request_as_json = serde_json::to_value(&request).map_err(|error| {
        tracing::error!(%error, "an import can't be written down");
        Problem::internal("The import can't be written down; the log says why.")
    })?;
    let new = NewOperation {
        model: name,
        kind: OperationKind::Import,
        paths: vec![request.path],
        request: Some(request_as_json),
        total,
    };
    let begun = operations::begin(&app, &new).await?;
    tokio::spawn(operations::carry_out(app, begun.clone()));
    Ok((StatusCode::ACCEPTED, Json(begun)))
}
