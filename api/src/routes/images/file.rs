use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use mystic_domain::ImageId;

use super::show::record;
use crate::extract::Id;
use crate::files;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// Get a picture's file
///
/// A PNG with the parameters that made it in its text chunks, or what was imported, as it came. Never changes: the `ETag` is the file's SHA-256. Ranges are served.
#[utoipa::path(
    get,
    path = "/api/v1/images/{id}/file",
    tag = "images",
    operation_id = "get_image_file",
    params(("id" = ImageId, Path, description = "The picture")),
    responses(
        (status = 200, description = "The file", body = [u8], content_type = "image/png"),
        (status = 206, description = "A part of it", body = [u8], content_type = "image/png"),
        (status = 304, description = "The client has it"),
        Problems,
    )
)]
pub async fn file(
    State(app): State<App>,
    Id(id): Id<ImageId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let image = record(&app, id).await?;
    files::serve(&app.files, &image.sha256, &image.format, &headers).await
}

#[cfg(test)]
mod tests {
    use mystic_domain::ImageId;
    use reqwest::Response;
    use sha2::{Digest, Sha256};

    use crate::testing::{TestApi, problem};

    const BYTES: &[u8] = b"not really a picture, but bytes all the same";

    async fn picture(api: &TestApi) -> ImageId {
        let job = api.accepted().await;
        let worker = api.worker().await;
        let fence = worker.take(job).await;
        worker.picture(job, fence, 0, BYTES).await
    }

    async fn ask(api: &TestApi, path: &str, headers: &[(&'static str, &str)]) -> Response {
        let request = headers
            .iter()
            .fold(api.get(path), |request, (name, value)| {
                request.header(*name, *value)
            });
        request.send().await.expect("an answer")
    }

    #[tokio::test]
    async fn a_file_is_named_by_its_content_and_fetched_once() {
        let api = TestApi::start().await;
        let image = picture(&api).await;
        for what in ["file", "thumb"] {
            let path = format!("/api/v1/images/{image}/{what}");
            let answer = ask(&api, &path, &[]).await;
            assert_eq!(answer.status(), 200);
            let etag = answer.headers()["etag"].to_str().expect("text").to_owned();
            assert_eq!(etag, format!("\"{}\"", hex::encode(Sha256::digest(BYTES))));
            assert_eq!(answer.headers()["content-type"], "image/png");
            assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
            assert!(
                answer.headers()["cache-control"]
                    .to_str()
                    .expect("text")
                    .contains("immutable")
            );
            assert_eq!(answer.bytes().await.expect("a body"), BYTES);
            let again = ask(&api, &path, &[("if-none-match", &etag)]).await;
            assert_eq!(again.status(), 304);
            assert_eq!(again.headers()["etag"], etag);
            assert!(again.bytes().await.expect("a body").is_empty());
        }
    }

    #[tokio::test]
    async fn a_part_is_served_and_one_outside_is_refused() {
        let api = TestApi::start().await;
        let path = format!("/api/v1/images/{}/file", picture(&api).await);
        let part = ask(&api, &path, &[("range", "bytes=4-9")]).await;
        assert_eq!(part.status(), 206);
        assert_eq!(
            part.headers()["content-range"],
            format!("bytes 4-9/{}", BYTES.len())
        );
        assert_eq!(part.headers()["content-length"], "6");
        assert_eq!(part.bytes().await.expect("a body"), &BYTES[4..=9]);
        let outside = ask(&api, &path, &[("range", "bytes=1000-")]).await;
        assert_eq!(
            outside.headers()["content-range"],
            format!("bytes */{}", BYTES.len())
        );
        problem(outside, 416).await;
        let changed = ask(
            &api,
            &path,
            &[("range", "bytes=4-9"), ("if-range", "\"other\"")],
        )
        .await;
        assert_eq!(changed.status(), 200);
    }

    #[tokio::test]
    async fn pictures_are_found_by_id_only() {
        let api = TestApi::start().await;
        for path in [
            format!("/api/v1/images/{}/file", ImageId::generate()),
            "/api/v1/images/..%2F..%2Fetc%2Fpasswd/file".into(),
            format!(
                "/api/v1/images/{}/thumb",
                hex::encode(Sha256::digest(BYTES))
            ),
        ] {
            problem(ask(&api, &path, &[]).await, 404).await;
        }
    }

    #[tokio::test]
    async fn a_row_without_its_file_is_said() {
        let api = TestApi::start().await;
        let image = picture(&api).await;
        std::fs::remove_dir_all(api.config.store.outputs.join("images")).expect("removed");
        let answer = ask(&api, &format!("/api/v1/images/{image}/file"), &[]).await;
        let problem = problem(answer, 404).await;
        assert!(
            problem["detail"]
                .as_str()
                .expect("text")
                .contains("not in the store"),
            "{problem}"
        );
    }
}
