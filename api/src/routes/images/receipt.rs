use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use mystic_domain::{
    DeviceModel, GenerateParams, ImageId, Plan, Provenance, UpscaleParams, UsedFile,
};
use mystic_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

use super::show::{drawn, record};
use crate::extract::Id;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// All that a picture's pixels follow from.
#[derive(Debug, Serialize, ToSchema)]
pub struct Receipt {
    /// The picture.
    image: ImageId,
    /// SHA-256 of its PNG file.
    sha256: String,
    /// SHA-256 of its RGB pixels.
    pixels_sha256: String,
    /// The model.
    preset: String,
    /// How it was fitted into memory.
    plan: Plan,
    /// Its own seed.
    seed: i64,
    /// Its job's parameters, every default filled in, with the SHA-256 of the files that it started from; of an enlarged
    /// picture those of the one that it was made from.
    params: GenerateParams,
    /// What it was enlarged from, with the SHA-256 of that file; of a drawn picture absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    upscale: Option<UpscaleParams>,
    /// With what it was made; null for a picture from before this was noted.
    made_with: Option<MadeWith>,
}

/// With what a picture was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeWith {
    /// Version of the engine's program.
    version: String,
    /// Versions of its native libraries by their names, as far as they say.
    libraries: BTreeMap<String, String>,
    /// The device.
    device: DeviceModel,
    /// The sampler, also where the job left it to the model; null where nothing is sampled.
    sampler: Option<String>,
    /// The noise schedule, also where the job left it to the model.
    scheduler: Option<String>,
    /// The model's files.
    files: Vec<HashedFile>,
    /// The LoRAs that were put on top.
    loras: Vec<HashedFile>,
}

/// A model file as it was when it was used.
#[derive(Debug, Serialize, ToSchema)]
pub struct HashedFile {
    /// The preset's field, or the LoRA's name.
    role: String,
    /// Relative to the models directory.
    path: String,
    /// Its size.
    bytes: u64,
    /// Its SHA-256. Null while its worker has not had the time to read it, and for good where it was changed before that.
    sha256: Option<String>,
}

/// Show all that a picture's pixels follow from
///
/// Two pictures with the same receipt have the same pixels. `POST /api/v1/images/{id}/verify` draws it again.
#[utoipa::path(
    get,
    path = "/api/v1/images/{id}/receipt",
    tag = "images",
    operation_id = "show_receipt",
    params(("id" = ImageId, Path, description = "The picture")),
    responses(
        (status = 200, description = "Its receipt", body = Receipt),
        (status = 409, description = "It was imported", body = Problem, content_type = "application/problem+json"),
        Problems,
    )
)]
pub async fn receipt(
    State(app): State<App>,
    Id(id): Id<ImageId>,
) -> Result<Json<Receipt>, Problem> {
    let image = record(&app, id).await?;
    let (job, plan) = drawn(&image)?;
    let drawer = image.drawn_by.unwrap_or(job);
    let made_with = match app.store.provenance(drawer, image.attempt).await? {
        Some(provenance) => Some(made_with(&app, provenance).await?),
        None => None,
    };
    Ok(Json(Receipt {
        image: id,
        sha256: image.sha256,
        pixels_sha256: image.pixels_sha256,
        preset: image.preset,
        plan,
        seed: image.seed,
        params: image.params,
        upscale: image.upscale,
        made_with,
    }))
}

async fn made_with(app: &App, provenance: Provenance) -> Result<MadeWith, StoreError> {
    let Provenance {
        version,
        libraries,
        host,
        device,
        sampler,
        scheduler,
        files,
        loras,
    } = provenance;
    Ok(MadeWith {
        version,
        libraries,
        device,
        sampler,
        scheduler,
        files: hashed(app, &host, files).await?,
        loras: hashed(app, &host, loras).await?,
    })
}

async fn hashed(
    app: &App,
    host: &str,
    files: Vec<UsedFile>,
) -> Result<Vec<HashedFile>, StoreError> {
    let mut hashed = Vec::with_capacity(files.len());
    for file in files {
        hashed.push(HashedFile {
            sha256: app.store.file_sha256(host, &file).await?,
            role: file.role,
            path: file.path,
            bytes: file.bytes,
        });
    }
    Ok(hashed)
}

#[cfg(test)]
mod tests {
    use mystic_domain::{ImageId, UsedFile};

    use crate::testing::{TestApi, problem};

    #[tokio::test]
    async fn a_receipt_says_what_is_known_and_what_is_not() {
        let api = TestApi::start().await;
        let image = api.picture("a red circle").await;
        let path = format!("/api/v1/images/{image}/receipt");
        let receipt = api.shown(&path).await;
        assert_eq!(receipt["params"]["prompt"], "a red circle");
        assert_eq!(receipt["made_with"]["device"]["name"], "a processor");
        let [file] = &receipt["made_with"]["files"].as_array().expect("a list")[..] else {
            panic!("{receipt}")
        };
        assert!(file["sha256"].is_null(), "nobody has read it");

        let mut read: UsedFile = mystic_testkit::provenance().files.remove(0);
        let sha256 = "ab".repeat(32);
        for (bytes, known) in [(read.bytes + 1, false), (read.bytes, true)] {
            read.bytes = bytes;
            let noted = api.store.note_file_sha256("host", &read, &sha256).await;
            noted.expect("noted");
            let file = &api.shown(&path).await["made_with"]["files"][0];
            assert_eq!(file["sha256"] == sha256.as_str(), known, "{file}");
        }
        let none = format!("/api/v1/images/{}/receipt", ImageId::generate());
        problem(api.get(&none).send().await.expect("an answer"), 404).await;
    }
}
