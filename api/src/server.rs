//! The parts of the API put together.

use std::net::SocketAddr;
use std::sync::Arc;

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
use crate::problem::Problem;
use crate::state::App;
use crate::{boot, frontend, gauges, measure, openapi};

/// Event streams that may be open at a time.
const MOST_STREAMS: usize = 512;
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
    shutdown: Shutdown,
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
        let app = App {
            hub: Hub::start(store.clone(), &shutdown),
            hints: Hints::start(queue.clone()),
            guard: Arc::new(Guard::new(address, &config.api)),
            files: Arc::new(files),
            config: Arc::new(config),
            streams: Arc::new(Semaphore::new(MOST_STREAMS)),
            shutdown: shutdown.clone(),
            store,
            queue,
        };
        let health = Health::new("api");
        measure::describe();
        gauges::describe();
        let looking = gauges::look_after(app.clone(), health.clone(), MOST_STREAMS);
        tokio::spawn(shutdown.cut_token().run_until_cancelled_owned(looking));
        Ok(Self {
            listener,
            address,
            router: router(app, health, telemetry),
            shutdown,
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
        http::serve(self.listener, self.router, &self.shutdown).await
    }
}

fn open_files(config: &Config) -> Result<LocalFileSystem, StartError> {
    let root = &config.store.outputs;
    let failed =
        |error: &dyn std::fmt::Display| StartError::Outputs(format!("{}: {error}", root.display()));
    std::fs::create_dir_all(root).map_err(|error| failed(&error))?;
    LocalFileSystem::new_with_prefix(root).map_err(|error| failed(&error))
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
