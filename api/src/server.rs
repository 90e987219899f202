//! The parts of the API put together.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use mystic_process::http::{self, HttpError};
use mystic_process::{Config, Health, Shutdown, Telemetry, health};
use mystic_queue::{Queue, QueueError, QueueOptions};
use mystic_store::StoreError;
use object_store::local::LocalFileSystem;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_swagger_ui::SwaggerUi;

use crate::events::Hub;
use crate::guard::{self, Guard};
use crate::hints::Hints;
use crate::outlook::Outlooks;
use crate::problem::Problem;
use crate::routes::internal;
use crate::state::App;
use crate::{boot, frontend, gauges, measure, openapi, operations};

/// Event streams that may be open at a time.
const MOST_STREAMS: usize = 2048;
/// Uploads that are decoded at a time: each may take hundreds of MiB.
const MOST_DECODERS: usize = 2;
/// The documentation's own scripts set styles; everything else is as strict as the page's.
const DOCS_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Why the API does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database is away, or its schema is not this program's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The Redis URL can't be read.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The address can't be listened on.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The directory of pictures can't be opened.
    #[error("store.outputs: {0}")]
    Outputs(String),
    /// Everybody could come in.
    #[error(
        "api.listen is {0}, which other machines can reach, and there is no API key: make one with `mystic keys create NAME`, or listen on 127.0.0.1"
    )]
    Open(SocketAddr),
}

/// An API that listens but does not serve yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    health: Health,
    shutdown: Shutdown,
    linger: Duration,
}

impl Server {
    /// Connects, checks the schema and the address, and opens the listener. `telemetry` is what `/metrics` shows.
    ///
    /// # Errors
    /// Why the API must not or can't start, in a sentence.
    pub async fn start(
        config: Config,
        telemetry: Telemetry,
        shutdown: Shutdown,
    ) -> Result<Self, StartError> {
        let store = boot::connect(&config)?;
        store.check_schema().await?;
        let listen = config.api.listen;
        if !listen.ip().is_loopback() && !store.any_key().await? {
            return Err(StartError::Open(listen));
        }
        let prefix = config.redis.namespace.clone();
        let queue = Queue::connect_with(
            config.redis.url.expose(),
            QueueOptions {
                prefix,
                ..QueueOptions::default()
            },
        )?;
        let files = open_files(&config)?;
        let listener = http::bind(listen).await?;
        let address = listener.local_addr().map_err(|source| HttpError::Bind {
            address: listen,
            source,
        })?;
        let linger = config.shutdown.linger;
        let app = App {
            hub: Hub::start(store.clone(), &queue, &shutdown),
            hints: Hints::start(queue.clone()),
            guard: Arc::new(Guard::new(address, &config.api)),
            files: Arc::new(files),
            outlooks: Outlooks::default(),
            config: Arc::new(config),
            decoders: Arc::new(Semaphore::new(MOST_DECODERS)),
            streams: Arc::new(Semaphore::new(MOST_STREAMS)),
            shutdown: shutdown.clone(),
            store,
            queue,
        };
        tokio::spawn(operations::resume(app.clone()));
        let health = Health::new("api");
        measure::describe();
        gauges::describe();
        let looking = gauges::look_after(app.clone(), health.clone(), MOST_STREAMS);
        tokio::spawn(shutdown.cut_token().run_until_cancelled_owned(looking));
        Ok(Self {
            listener,
            address,
            router: router(app, health.clone(), telemetry),
            health,
            shutdown,
            linger,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the shutdown.
    ///
    /// # Errors
    /// The server failed.
    pub async fn run(self) -> Result<(), HttpError> {
        let (health, shutdown) = (self.health, self.shutdown.clone());
        tokio::spawn(async move {
            shutdown.draining().await;
            health.leave();
        });
        http::serve(self.listener, self.router, &self.shutdown, self.linger).await
    }
}

fn open_files(config: &Config) -> Result<LocalFileSystem, StartError> {
    let root = &config.store.outputs;
    let failed =
        |error: &dyn std::fmt::Display| StartError::Outputs(format!("{}: {error}", root.display()));
    std::fs::create_dir_all(root).map_err(|error| failed(&error))?;
    // What a worker sends is as safe, once it is answered, as what one puts here itself.
    let files = LocalFileSystem::new_with_prefix(root).map_err(|error| failed(&error))?;
    Ok(files.with_fsync(true))
}

fn router(app: App, health: Health, telemetry: Telemetry) -> Router {
    let (api, document) = openapi::router().split_for_parts();
    let api = api
        .layer(DefaultBodyLimit::max(app.config.api.max_body_bytes))
        .route_layer(from_fn_with_state(app.clone(), guard::find_owner));
    let docs: Router<App> = SwaggerUi::new("/api/docs")
        .url("/api/v1/openapi.json", document)
        .into();
    Router::new()
        .merge(api)
        .merge(internal::router())
        .merge(docs.layer(from_fn(docs_policy)))
        .fallback(frontend::serve)
        .method_not_allowed_fallback(not_allowed)
        .with_state(app.clone())
        .merge(health::router(health, telemetry))
        .layer(from_fn_with_state(app, guard::check_site))
        .layer(from_fn(page_headers))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::internal("The request met a defect of this program; the log says more.")
                .into_response()
        }))
        .layer(from_fn(measure::requests))
}

async fn not_allowed() -> Problem {
    Problem::method_not_allowed("There is something here, but not for this method; see /api/docs.")
}

async fn docs_policy(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(DOCS_POLICY),
    );
    response
}

async fn page_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    headers.insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("same-origin"),
    );
    response
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use mystic_process::config::SecretUrl;
    use mystic_services::{Durability, Home};
    use mystic_testkit::{Postgres, wait_until};

    use super::*;
    use crate::testing::{TestApi, metrics, problem};

    #[tokio::test]
    async fn every_refusal_has_one_shape() {
        let api = TestApi::start().await;
        let ask = async |path: &str| api.get(path).send().await.expect("an answer");
        problem(ask("/api/v1/nothing").await, 404).await;
        problem(ask("/api").await, 404).await;
        problem(ask("/missing.js").await, 404).await;
        let delete = api
            .client
            .delete(format!("{}/api/v1/jobs", api.url))
            .send()
            .await
            .expect("an answer");
        let allow = delete.headers()["allow"].to_str().expect("text").to_owned();
        assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
        problem(delete, 405).await;
        problem(api.post("/").send().await.expect("an answer"), 405).await;
    }

    #[tokio::test]
    async fn the_document_and_its_page_are_served_under_a_policy() {
        let api = TestApi::start().await;
        assert_eq!(
            api.shown("/api/v1/openapi.json").await["info"]["title"],
            "MystiCanvas"
        );
        let page = api.get("/api/docs/").send().await.expect("an answer");
        assert_eq!(page.status(), 200);
        let policy = page.headers()["content-security-policy"]
            .to_str()
            .expect("text")
            .to_owned();
        assert!(
            policy.contains("default-src 'self'") && !policy.contains("script-src"),
            "{policy}"
        );
        let html = page.text().await.expect("text");
        assert!(html.contains("swagger-ui"));
        assert!(!html.contains("<script>"), "an inline script would not run");
    }

    #[tokio::test]
    async fn health_follows_redis_and_metrics_name_routes() {
        let mut api = TestApi::start().await;
        let status = async |api: &TestApi| {
            let answer = api.get("/health").send().await.expect("an answer");
            (answer.status().as_u16(), crate::testing::body(answer).await)
        };
        wait_until("the API to be healthy", || async {
            status(&api).await.0 == 200
        })
        .await;
        api.accepted().await;
        let metrics = api
            .get("/metrics")
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("text");
        let counted = |line: &&str| {
            line.starts_with("mystic_http_requests_total")
                && line.contains("route=\"/api/v1/jobs\"")
        };
        assert!(metrics.lines().any(|line| counted(&line)), "{metrics}");
        drop(api.redis.take());
        wait_until("the API to say that Redis is away", || async {
            let (status, body) = status(&api).await;
            status == 503
                && body["failures"]["redis"].is_string()
                && body["failures"].get("database").is_none()
        })
        .await;
    }

    #[tokio::test]
    async fn a_database_that_goes_away_is_a_503_that_says_when_to_come_back() {
        let dir = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .expect("a directory");
        let home = Home::open(dir.path()).expect("a home");
        let postgres =
            mystic_services::Postgres::start(&home, Durability::Disposable).expect("Postgres");
        let mut config = Config::default();
        config.database.url = SecretUrl::new(postgres.url("postgres"));
        config.store.outputs = dir.path().join("outputs");
        config.models.dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
        config.api.listen = "127.0.0.1:0".parse().expect("an address");
        boot::migrate(&config).await.expect("migrated");
        let server = Server::start(config, metrics(), Shutdown::new())
            .await
            .expect("it starts");
        let url = format!("http://{}/api/v1/presets", server.address());
        tokio::spawn(server.run());
        assert_eq!(reqwest::get(&url).await.expect("an answer").status(), 200);
        drop(postgres);
        let answer = reqwest::get(&url).await.expect("an answer");
        assert_eq!(answer.headers()["retry-after"], "2");
        problem(answer, 503).await;
        home.remove().expect("removed");
    }

    #[tokio::test]
    async fn a_database_without_our_schema_is_refused_with_a_sentence() {
        let postgres = Postgres::empty().await;
        let config =
            Config::from_toml(&format!("[database]\nurl = \"{}\"", postgres.url())).expect("valid");
        let started = Server::start(config, metrics(), Shutdown::new()).await;
        let Err(error) = started else {
            panic!("it starts")
        };
        assert!(error.to_string().contains("api migrate"), "{error}");
    }
}
