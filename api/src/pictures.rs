//! Pictures that are sent: read whole within limits, decoded one or two at a time, put into the store by their content.

mod decode;

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures::StreamExt;
use image::ImageFormat;
use mystic_domain::{InvalidField, file_path};
use mystic_process::disk;
use object_store::{ObjectStoreExt, PutPayload};
use tokio::time::timeout;

use crate::extract::header_text;
use crate::problem::Problem;
use crate::state::App;

pub use decode::{Decoded, decode, png};

/// How long nothing may come before the sender counts as gone.
const SILENCE: Duration = Duration::from_secs(30);
/// How often a file is put again whose twin was just being deleted, and after which pause.
pub const PUTS: u32 = 10;
pub const PUT_AGAIN: Duration = Duration::from_millis(200);

/// The body, at most `api.max_upload_bytes` of it.
pub async fn receive(app: &App, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let most = app.config.api.max_upload_bytes;
    let too_large = || {
        Problem::too_large(format!(
            "The file is larger than {most} bytes (api.max_upload_bytes)."
        ))
        .about("body", None, Some(format!("up to {most} bytes")))
    };
    let declared = header_text(headers, header::CONTENT_LENGTH.as_str());
    if declared.is_some_and(|length| length.parse().is_ok_and(|length: usize| length > most)) {
        return Err(too_large());
    }
    let mut content = body.into_data_stream();
    let mut file = Vec::new();
    loop {
        let Ok(chunk) = timeout(SILENCE, content.next()).await else {
            let silence = SILENCE.as_secs();
            return Err(Problem::too_slow(format!("Nothing came for {silence} s.")));
        };
        let Some(chunk) = chunk else {
            return Ok(file.into());
        };
        let chunk =
            chunk.map_err(|error| Problem::malformed(format!("The file broke off: {error}.")))?;
        if file.len() + chunk.len() > most {
            return Err(too_large());
        }
        file.extend_from_slice(&chunk);
    }
}

/// Does something with pixels when it is this request's turn: decoders take hundreds of MiB.
pub async fn in_turn<T: Send + 'static>(
    app: &App,
    work: impl FnOnce() -> Result<T, InvalidField> + Send + 'static,
) -> Result<T, Problem> {
    let turn = app.decoders.acquire().await;
    let done = tokio::task::spawn_blocking(work).await;
    drop(turn);
    let done = done.map_err(|error| {
        tracing::error!(%error, "a decoder panicked");
        Problem::internal("The picture met a defect of its decoder; the log says more.")
    })?;
    Ok(done?)
}

/// Puts a file of this SHA-256 into the store; false where one with the same content is just being deleted.
pub async fn put(app: &App, file: &Bytes, sha256: &str) -> Result<bool, Problem> {
    if !app.store.stage_file(sha256, file.len() as u64).await? {
        return Ok(false);
    }
    let path = object_store::path::Path::from(file_path(sha256));
    let put = app.files.put(&path, PutPayload::from_bytes(file.clone()));
    put.await.map_err(|error| unwritable(&error))?;
    Ok(true)
}

/// The refusal where a file could not be put again and again.
pub fn being_deleted() -> Problem {
    Problem::unavailable("A file with the same content is being deleted; try again in a moment.")
}

/// The name of a format in the database.
pub fn format_name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Jpeg => "jpeg",
        ImageFormat::WebP => "webp",
        _ => "png",
    }
}

fn unwritable(error: &object_store::Error) -> Problem {
    if disk::is_full(error) {
        return Problem::store_full("The disk of the store is full.");
    }
    tracing::error!(%error, "the store can't be written");
    Problem::unavailable("The store can't be written at the moment.")
}
