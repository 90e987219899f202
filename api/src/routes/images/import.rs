use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use bytes::Bytes;
use mystic_domain::{ImageId, InvalidField, Pixels};
use mystic_store::{Imported, NewImport};
use sha2::{Digest, Sha256};

use super::show::record;
use crate::files;
use crate::guard::Owner;
use crate::openapi::Problems;
use crate::pictures::{self, PUT_AGAIN, PUTS, decode, format_name};
use crate::problem::Problem;
use crate::recipe;
use crate::state::App;
use crate::wire::Image;

/// The model of a picture whose file names none.
const NO_MODEL: &str = "unknown";

/// Import a picture
///
/// The body is the file: PNG, JPEG or WebP, of this server or of another tool. Its bytes are kept as they are. What it says of
/// its making is read: our own JSON, or the `parameters` text in a PNG's chunks or in the user's comment of Exif. A file that
/// is there already gives the picture that has it, as its own or as its thumbnail (200).
#[utoipa::path(
    post,
    path = "/api/v1/images/import",
    tag = "images",
    operation_id = "import_image",
    request_body(content = [u8], content_type = "application/octet-stream", description = "The file, whatever its declared type"),
    responses(
        (status = 200, description = "The picture that has this file already, in the bin or not", body = Image),
        (status = 201, description = "Imported", body = Image),
        (status = 413, description = "More bytes than `api.max_upload_bytes`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "No picture, a broken or a too large one", body = Problem, content_type = "application/problem+json"),
        Problems,
    )
)]
pub async fn import(
    State(app): State<App>,
    Extension(Owner(owner)): Extension<Owner>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Image>), Problem> {
    files::check_room(&app)?;
    let file = pictures::receive(&app, &headers, body).await?;
    let sha256 = hex::encode(Sha256::digest(&file));
    if let Some(there) = app.store.image_of_file(&sha256).await? {
        let there = record(&app, there).await?;
        return Ok((StatusCode::OK, Json(there.into())));
    }
    let most = Pixels(app.config.api.max_upload_pixels);
    let longest = app.config.api.max_prompt_bytes;
    let read = file.clone();
    let looked = pictures::in_turn(&app, move || look(&read, most, longest, owner, sha256));
    let (new, thumb) = looked.await?;
    let (status, id) = keep(&app, new, &file, &thumb).await?;
    tracing::info!(image = %id, bytes = file.len(), new = status == StatusCode::CREATED, "picture imported");
    Ok((status, Json(record(&app, id).await?.into())))
}

/// All that is to be known of a file, and its thumbnail.
fn look(
    file: &[u8],
    most: Pixels,
    longest_prompt: usize,
    owner: String,
    sha256: String,
) -> Result<(NewImport, Bytes), InvalidField> {
    let decoded = decode(file, most)?;
    let recipe = recipe::read(file, &decoded, longest_prompt);
    let picture = &decoded.picture;
    let thumb = mystic_thumbnail::thumbnail(picture).map_err(|error| {
        InvalidField::new(
            "body",
            format!("broken: {error}"),
            "a picture that can be scaled",
        )
    })?;
    let new = NewImport {
        id: ImageId::generate(),
        owner,
        preset: recipe.model.unwrap_or_else(|| NO_MODEL.to_owned()),
        params: recipe.params,
        width: picture.width(),
        height: picture.height(),
        format: format_name(decoded.format),
        sha256,
        thumb_sha256: hex::encode(Sha256::digest(&thumb)),
        pixels_sha256: hex::encode(Sha256::digest(picture.as_raw())),
    };
    Ok((new, thumb.into()))
}

async fn keep(
    app: &App,
    new: NewImport,
    file: &Bytes,
    thumb: &Bytes,
) -> Result<(StatusCode, ImageId), Problem> {
    for _ in 0..PUTS {
        if pictures::put(app, file, &new.sha256).await?
            && pictures::put(app, thumb, &new.thumb_sha256).await?
        {
            match app.store.import_image(&new).await? {
                Imported::New => return Ok((StatusCode::CREATED, new.id)),
                Imported::Already(there) => return Ok((StatusCode::OK, there)),
                Imported::FilesGone => {}
            }
        }
        tokio::time::sleep(PUT_AGAIN).await;
    }
    Err(pictures::being_deleted())
}

#[cfg(test)]
mod tests;
