use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use futures::StreamExt;
use mystic_domain::file_path;
use mystic_process::disk;
use object_store::{MultipartUpload, ObjectStoreExt};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use super::super::{living, sent};
use super::check_name;
use crate::files;
use crate::problem::Problem;
use crate::state::App;

/// How long nothing may come before the sender counts as gone.
const SILENCE: Duration = Duration::from_secs(30);
/// What is read of a file after it was refused, bytes: who is still sending does not hear the answer.
const READ_ON: usize = 64 << 20;

/// Takes a file of the store that a worker has announced. What is answered with success is on disk under its name, and a
/// repeat changes nothing; whatever breaks off leaves nothing.
pub async fn put(
    State(app): State<App>,
    Path(sha256): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let mut content = body.into_data_stream();
    if let Err(problem) = take(&app, &sha256, &headers, &mut content).await {
        read_on(&mut content).await;
        return Err(problem);
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn take(
    app: &App,
    sha256: &str,
    headers: &HeaderMap,
    content: &mut BodyDataStream,
) -> Result<(), Problem> {
    let worker = living(app.store.token_bearer(sent(headers)?).await?)?;
    check_name(sha256)?;
    let size = announced(app, sha256).await?;
    files::check_room(app)?;
    let path = object_store::path::Path::from(file_path(sha256));
    let mut upload = app
        .files
        .put_multipart(&path)
        .await
        .map_err(|error| unwritable(&error))?;
    let written = async {
        write(upload.as_mut(), content, size, sha256).await?;
        // Whoever sweeps may have begun to delete it meanwhile.
        announced(app, sha256).await?;
        upload.complete().await.map_err(|error| unwritable(&error))
    }
    .await;
    if let Err(problem) = written {
        if let Err(error) = upload.abort().await {
            tracing::debug!(%error, "an unfinished file can't be removed");
        }
        return Err(problem);
    }
    tracing::debug!(%worker, sha256, size_bytes = size, "file taken");
    Ok(())
}

/// The size that the file was announced with, bytes.
async fn announced(app: &App, sha256: &str) -> Result<u64, Problem> {
    app.store.expected_file(sha256).await?.ok_or_else(|| {
        Problem::file_not_expected(
            "This file was not announced, or one with the same content is being deleted: announce it again.",
        )
    })
}

async fn write(
    upload: &mut dyn MultipartUpload,
    content: &mut BodyDataStream,
    size: u64,
    sha256: &str,
) -> Result<(), Problem> {
    let mut hash = Sha256::new();
    let mut missing = size;
    loop {
        let Ok(chunk) = timeout(SILENCE, content.next()).await else {
            return Err(Problem::too_slow(format!(
                "Nothing came for {} s.",
                SILENCE.as_secs()
            )));
        };
        let Some(chunk) = chunk else { break };
        let chunk =
            chunk.map_err(|error| Problem::malformed(format!("The file broke off: {error}.")))?;
        missing = missing.checked_sub(chunk.len() as u64).ok_or_else(|| {
            Problem::too_large(format!("The file is longer than the {size} B announced."))
        })?;
        hash.update(&chunk);
        let written = upload.put_part(chunk.into()).await;
        written.map_err(|error| unwritable(&error))?;
    }
    let came = hex::encode(hash.finalize());
    if missing > 0 || came != sha256 {
        let detail = format!("{} of {size} B came, with another SHA-256.", size - missing);
        let problem = Problem::other_content(detail);
        return Err(problem.about("sha256", Some(came), Some(sha256.to_owned())));
    }
    Ok(())
}

fn unwritable(error: &object_store::Error) -> Problem {
    if disk::is_full(error) {
        return Problem::store_full("The disk of the store is full.");
    }
    tracing::error!(%error, "the store can't be written");
    Problem::unavailable("The store can't be written at the moment.")
}

async fn read_on(content: &mut BodyDataStream) {
    let mut read = 0;
    while read < READ_ON
        && let Ok(Some(Ok(chunk))) = timeout(SILENCE, content.next()).await
    {
        read += chunk.len();
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use mystic_domain::{Mib, file_path};
    use mystic_testkit::wait_until;
    use reqwest::Response;
    use sha2::{Digest, Sha256};
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpStream;

    use crate::routes::internal::testing::{Machine, send, token};
    use crate::testing::{TestApi, body, problem};

    /// An API with a worker on another machine.
    struct World {
        api: TestApi,
        token: String,
    }

    impl World {
        async fn new() -> Self {
            let api = TestApi::start().await;
            let machine = Machine::new(&api, None).await;
            let given = body(machine.ask(&api, api.worker().await.worker).await).await;
            let token = token(&given).to_owned();
            Self { api, token }
        }

        async fn announce(&self, content: &[u8]) -> String {
            let sha256 = hex::encode(Sha256::digest(content));
            let announced = self.api.store.stage_file(&sha256, content.len() as u64);
            assert!(announced.await.expect("announced"));
            sha256
        }

        async fn send(&self, sha256: &str, content: &[u8]) -> Response {
            send(&self.api, &self.token, sha256, content.to_vec()).await
        }

        fn path(&self, sha256: &str) -> PathBuf {
            self.api.config.store.outputs.join(file_path(sha256))
        }

        /// Names of all that lies where this file goes, finished or not.
        fn beside(&self, sha256: &str) -> Vec<String> {
            let path = self.path(sha256);
            let folder = std::fs::read_dir(path.parent().expect("a folder"));
            let names = folder.into_iter().flatten().flatten();
            names
                .map(|file| file.file_name().to_string_lossy().into_owned())
                .collect()
        }
    }

    /// Longer than any limit of other bodies.
    fn large() -> Vec<u8> {
        (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect()
    }

    #[tokio::test]
    async fn a_file_is_taken_whole_whatever_its_size_and_again_with_no_effect() {
        let world = World::new().await;
        let content = large();
        assert!(content.len() > world.api.config.api.max_body_bytes);
        let sha256 = world.announce(&content).await;
        for _ in 0..2 {
            assert_eq!(world.send(&sha256, &content).await.status(), 204);
            assert_eq!(std::fs::read(world.path(&sha256)).expect("read"), content);
            assert_eq!(world.beside(&sha256), [format!("{sha256}.png")]);
        }
    }

    #[tokio::test]
    async fn what_is_not_the_announced_file_is_refused_and_leaves_nothing() {
        let world = World::new().await;
        let content = large();
        let sha256 = world.announce(&content).await;
        let short = &content[1..];
        let mut longer = content.clone();
        longer.push(0);
        let mut other = content.clone();
        other[0] ^= 1;
        for (sent, status, kind) in [
            (short, 422, "other_content"),
            (&other, 422, "other_content"),
            (&[], 422, "other_content"),
            (&longer, 413, "too_large"),
        ] {
            let refused = problem(world.send(&sha256, sent).await, status).await;
            assert_eq!(refused["type"], format!("urn:mystic:problem:{kind}"));
            assert_eq!(world.beside(&sha256), Vec::<String>::new());
        }
        assert_eq!(world.send(&sha256, &content).await.status(), 204);
    }

    #[tokio::test]
    async fn a_file_that_nobody_announced_or_that_is_being_deleted_is_refused() {
        let world = World::new().await;
        let sha256 = hex::encode(Sha256::digest(b"a file"));
        problem(world.send(&sha256, b"a file").await, 409).await;
        let staged = world.announce(b"a file").await;
        assert_eq!(staged, sha256);
        let swept = world.api.store.sweep_files(Duration::ZERO).await;
        assert_eq!(swept.expect("swept"), std::slice::from_ref(&sha256));
        let refused = problem(world.send(&sha256, b"a file").await, 409).await;
        assert_eq!(refused["type"], "urn:mystic:problem:file_not_expected");
        assert_eq!(world.beside(&sha256), Vec::<String>::new());
        for name in ["x", "..%2F..%2Fsecret", &sha256.to_uppercase()] {
            let refused = problem(world.send(name, b"a file").await, 422).await;
            assert_eq!(refused["field"], "sha256");
        }
    }

    #[tokio::test]
    async fn a_file_is_refused_without_a_token_and_the_sender_of_much_hears_it() {
        let world = World::new().await;
        let content = large();
        let sha256 = world.announce(&content).await;
        for wrong in ["", "mystic_token_0000"] {
            let refused = send(&world.api, wrong, &sha256, content.clone()).await;
            problem(refused, 401).await;
        }
        assert_eq!(world.beside(&sha256), Vec::<String>::new());
    }

    #[tokio::test]
    async fn without_room_a_file_is_refused() {
        let api = TestApi::with(|config| config.store.min_free = Mib(16_777_216)).await;
        let machine = Machine::new(&api, None).await;
        let given = body(machine.ask(&api, api.worker().await.worker).await).await;
        assert_eq!(machine.put(&api, token(&given), b"a file").await, 507);
    }

    #[tokio::test]
    async fn an_upload_that_is_cut_in_the_middle_leaves_nothing() {
        let world = World::new().await;
        let content = large();
        let sha256 = world.announce(&content).await;
        let address = world.api.url.trim_start_matches("http://");
        let mut half = TcpStream::connect(address).await.expect("connected");
        let head = format!(
            "PUT /internal/v1/blobs/{sha256} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
             content-length: {}\r\n\r\n",
            world.token,
            content.len()
        );
        half.write_all(head.as_bytes()).await.expect("sent");
        let sent = half.write_all(&content[..content.len() / 2]).await;
        sent.expect("sent");
        wait_until("the file to begin", || async {
            world.beside(&sha256) == [format!("{sha256}.png#1")]
        })
        .await;
        drop(half);
        wait_until("the beginning to be gone", || async {
            world.beside(&sha256).is_empty()
        })
        .await;
        assert_eq!(world.send(&sha256, &content).await.status(), 204);
    }
}
