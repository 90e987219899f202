use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use image::DynamicImage;
use mystic_domain::{Pixels, UploadId, UploadKind};
use mystic_store::{NewUpload, UploadRecord};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use crate::extract::Query;
use crate::files;
use crate::guard::Owner;
use crate::openapi::Problems;
use crate::pictures::{self, PUT_AGAIN, PUTS, decode, png};
use crate::problem::Problem;
use crate::state::App;

/// How to keep what is sent.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UploadQuery {
    /// A picture is kept in colours, a mask in grey.
    #[serde(default)]
    kind: UploadKind,
}

/// A picture or mask that jobs may start from.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Upload {
    /// Its id, for `params.init` and the like.
    id: UploadId,
    /// What it is for.
    kind: UploadKind,
    /// Pixels.
    width: i32,
    /// Pixels.
    height: i32,
    /// SHA-256 of the PNG that is kept.
    sha256: String,
    /// When it came.
    created_at: DateTime<Utc>,
}

impl From<UploadRecord> for Upload {
    fn from(record: UploadRecord) -> Self {
        Self {
            id: record.id,
            kind: record.kind,
            width: record.width,
            height: record.height,
            sha256: record.sha256,
            created_at: record.created_at,
        }
    }
}

/// Upload a picture or a mask
///
/// The body is the file: PNG, JPEG or WebP. It is decoded, turned upright, put on white where it is transparent, and kept
/// as a PNG for a day, or for as long as a job that starts from it is there.
#[utoipa::path(
    post,
    path = "/api/v1/uploads",
    tag = "uploads",
    operation_id = "add_upload",
    params(UploadQuery),
    request_body(content = [u8], content_type = "application/octet-stream", description = "The file, whatever its declared type"),
    responses(
        (status = 201, description = "Kept", body = Upload),
        (status = 413, description = "More bytes than `api.max_upload_bytes`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "No picture, a broken or a too large one", body = Problem, content_type = "application/problem+json"),
        Problems,
    )
)]
pub async fn add(
    State(app): State<App>,
    Extension(Owner(owner)): Extension<Owner>,
    Query(UploadQuery { kind }): Query<UploadQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Upload>), Problem> {
    files::check_room(&app)?;
    let file = pictures::receive(&app, &headers, body).await?;
    let most = Pixels(app.config.api.max_upload_pixels);
    let decoded = pictures::in_turn(&app, move || {
        let picture = DynamicImage::from(decode(&file, most)?.picture);
        let picture = match kind {
            UploadKind::Picture => picture,
            UploadKind::Mask => picture.into_luma8().into(),
        };
        Ok((picture.width(), picture.height(), png(&picture)?))
    });
    let (width, height, png) = decoded.await?;
    let record = keep(&app, owner, kind, (width, height), png.into()).await?;
    tracing::info!(upload = %record.id, owner = record.owner, kind = kind.as_str(), "upload kept");
    Ok((StatusCode::CREATED, Json(record.into())))
}

async fn keep(
    app: &App,
    owner: String,
    kind: UploadKind,
    (width, height): (u32, u32),
    png: Bytes,
) -> Result<UploadRecord, Problem> {
    let new = NewUpload {
        id: UploadId::generate(),
        owner,
        kind,
        width,
        height,
        sha256: hex::encode(Sha256::digest(&png)),
    };
    for _ in 0..PUTS {
        if pictures::put(app, &png, &new.sha256).await?
            && let Some(record) = app.store.add_upload(&new).await?
        {
            return Ok(record);
        }
        tokio::time::sleep(PUT_AGAIN).await;
    }
    Err(pictures::being_deleted())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::time::Duration;

    use image::{DynamicImage, GenericImageView, ImageFormat, Rgba, RgbaImage};
    use mystic_domain::file_path;
    use reqwest::Response;

    use crate::testing::{TestApi, body, problem};

    /// Red above, transparent below.
    fn picture() -> DynamicImage {
        RgbaImage::from_fn(40, 20, |_, y| {
            Rgba([255, 0, 0, if y < 10 { 255 } else { 0 }])
        })
        .into()
    }

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut file = Vec::new();
        let written = picture.write_to(&mut Cursor::new(&mut file), format);
        written.expect("encoded");
        file
    }

    async fn send(api: &TestApi, query: &str, file: Vec<u8>) -> Response {
        let sent = api.post(&format!("/api/v1/uploads{query}")).body(file);
        sent.send().await.expect("an answer")
    }

    #[tokio::test]
    async fn each_format_is_kept_as_png_on_white_and_a_mask_in_grey() {
        let api = TestApi::start().await;
        let rgb = DynamicImage::from(picture().to_rgb8());
        for (format, picture) in [
            (ImageFormat::Png, &picture()),
            (ImageFormat::WebP, &picture()),
            (ImageFormat::Jpeg, &rgb),
        ] {
            for (query, channels) in [("", 3), ("?kind=picture", 3), ("?kind=mask", 1)] {
                let answer = send(&api, query, encoded(picture, format)).await;
                assert_eq!(answer.status(), 201, "{format:?}");
                let upload = body(answer).await;
                assert_eq!(
                    (&upload["width"], &upload["height"]),
                    (&40.into(), &20.into())
                );
                let sha256 = upload["sha256"].as_str().expect("a hash");
                let file = api.config.store.outputs.join(file_path(sha256));
                let kept = image::open(file).expect("a picture");
                assert_eq!(kept.color().channel_count(), channels);
                if picture.color().has_alpha() {
                    let [_, green, ..] = kept.get_pixel(20, 15).0;
                    assert_eq!(green, 255, "white below");
                    let [_, green, ..] = kept.get_pixel(20, 5).0;
                    assert!(green < 100, "red above");
                }
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_picture_or_lies_about_itself_is_refused_by_name_and_leaves_nothing() {
        let api = TestApi::with(|config| config.api.max_upload_pixels = 4096).await;
        let png = encoded(&picture(), ImageFormat::Png);
        let jpeg = encoded(&picture().to_rgb8().into(), ImageFormat::Jpeg);
        let webp = encoded(&picture(), ImageFormat::WebP);
        let large = encoded(&DynamicImage::new_rgb8(65, 64), ImageFormat::Png);
        let wrong = [
            ("nothing", Vec::new()),
            ("text", b"not a picture".to_vec()),
            ("a GIF", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec()),
            ("half a PNG", png[..png.len() / 2].to_vec()),
            ("a PNG's signature", png[..8].to_vec()),
            ("half a JPEG", jpeg[..jpeg.len() / 2].to_vec()),
            ("a JPEG without its end", jpeg[..jpeg.len() - 2].to_vec()),
            ("half a WebP", webp[..webp.len() / 2].to_vec()),
            ("a PNG whose pixels are changed", changed(&png)),
            (
                "a PNG that claims 100,000 × 100,000",
                claiming(100_000, 100_000, &png),
            ),
            ("a PNG that claims no width", claiming(0, 20, &png)),
            (
                "a PNG that claims more rows than it has",
                claiming(40, 40, &png),
            ),
            ("more pixels than are allowed", large),
        ];
        for (what, file) in wrong {
            let refused = problem(send(&api, "", file).await, 422).await;
            assert_eq!(refused["field"], "body", "{what}: {refused}");
            assert!(refused["allowed"].is_string(), "{what}: {refused}");
        }
        let refused = problem(send(&api, "?kind=film", png.clone()).await, 422).await;
        assert_eq!(refused["field"], "kind");
        let refused = problem(send(&api, "?as=mask", png).await, 422).await;
        assert_eq!(refused["field"], "as");
        let swept = api.store.sweep_files(Duration::ZERO).await;
        assert_eq!(swept.expect("swept"), Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_bomb_is_refused_before_it_is_decoded_and_too_many_bytes_before_they_are_read() {
        let api = TestApi::with(|config| config.api.max_upload_bytes = 4096).await;
        let bomb = encoded(&DynamicImage::new_luma8(8_192, 8_192), ImageFormat::Png);
        let refused = problem(send(&api, "", bomb).await, 413).await;
        assert_eq!(refused["field"], "body");

        let api = TestApi::start().await;
        // 67 million pixels in a few KiB.
        let bomb = encoded(&DynamicImage::new_luma8(8_192, 8_192), ImageFormat::Png);
        assert!(bomb.len() < 1 << 20, "{}", bomb.len());
        let refused = problem(send(&api, "", bomb).await, 422).await;
        assert_eq!(refused["field"], "body");
        assert_eq!(refused["value"], "8192 × 8192 pixels");
    }

    #[tokio::test]
    async fn an_upload_keeps_its_file_until_it_is_old() {
        let api = TestApi::start().await;
        let png = encoded(&picture(), ImageFormat::Png);
        let upload = body(send(&api, "", png).await).await;
        let file = upload["sha256"].as_str().expect("a hash").to_owned();
        let swept = async || api.store.sweep_files(Duration::ZERO).await.expect("swept");
        assert_eq!(swept().await, Vec::<String>::new());
        let forgotten = async |age| api.store.sweep_uploads(age).await.expect("swept");
        assert_eq!(forgotten(Duration::from_hours(24)).await, 0);
        assert_eq!(forgotten(Duration::ZERO).await, 1);
        assert_eq!(swept().await, [file]);
    }

    /// A PNG with another size in its header, whose checksum is right.
    fn claiming(width: u32, height: u32, png: &[u8]) -> Vec<u8> {
        let mut file = png.to_vec();
        file[16..20].copy_from_slice(&width.to_be_bytes());
        file[20..24].copy_from_slice(&height.to_be_bytes());
        let crc = crc(&file[12..29]);
        file[29..33].copy_from_slice(&crc.to_be_bytes());
        file
    }

    /// A PNG with a byte of its pixels changed.
    fn changed(png: &[u8]) -> Vec<u8> {
        let mut file = png.to_vec();
        let at = file.windows(4).position(|name| name == b"IDAT");
        file[at.expect("pixels") + 12] ^= 0xff;
        file
    }

    /// The checksum of PNG's chunks.
    fn crc(bytes: &[u8]) -> u32 {
        let step = |crc: u32| (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
        !bytes.iter().fold(!0, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc))
        })
    }
}
