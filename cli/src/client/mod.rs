//! The REST API as this program uses it.

mod view;

use std::time::Duration;

use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use view::{HashedFile, ImageView, JobView, MadeWith, NewJob, NewParams, Receipt};

use crate::error::{Result, Tried, sentence};
use crate::models::PresetFiles;
use view::{Page, Problem};

/// A connection to one API.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    key: Option<String>,
}

impl Client {
    /// A client of the API at `url`, showing `key` where one is given.
    ///
    /// # Errors
    /// The HTTP client cannot be set up.
    pub fn new(url: &str, key: Option<String>) -> Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_mins(1))
            .no_proxy()
            .build()
            .tried(|| "the HTTP client cannot be set up")?;
        Ok(Self {
            http,
            url: url.trim_end_matches('/').to_owned(),
            key,
        })
    }

    /// Submits a job.
    ///
    /// # Errors
    /// The API refuses or is away.
    pub async fn submit(&self, job: &NewJob) -> Result<JobView> {
        self.post("/api/v1/jobs", job).await
    }

    /// A job with its attempts, pictures and tagging jobs.
    ///
    /// # Errors
    /// The API refuses or is away.
    pub async fn job(&self, id: &str) -> Result<JobView> {
        self.get(&format!("/api/v1/jobs/{id}"), &[]).await
    }

    /// Jobs, newest first.
    ///
    /// # Errors
    /// The API refuses or is away.
    pub async fn jobs(&self, query: &[(&str, String)]) -> Result<Vec<JobView>> {
        let page: Page = self.get("/api/v1/jobs", query).await?;
        Ok(page.jobs)
    }

    /// Pictures, newest first.
    ///
    /// # Errors
    /// The API refuses or is away.
    pub async fn images(&self, query: &[(&str, String)]) -> Result<Vec<ImageView>> {
        let page: Page = self.get("/api/v1/images", query).await?;
        Ok(page.images)
    }

    /// Sends a picture's file to be imported: the picture, and whether it is new; or why it is refused.
    ///
    /// # Errors
    /// The API refuses all requests or is away.
    pub async fn import(
        &self,
        file: Vec<u8>,
    ) -> Result<std::result::Result<(ImageView, bool), String>> {
        let request = self.http.post(self.link("/api/v1/images/import"));
        let answer = self.ask(request.body(file)).await?;
        match answer.status() {
            StatusCode::UNPROCESSABLE_ENTITY | StatusCode::PAYLOAD_TOO_LARGE => {
                Ok(Err(refusal(answer).await))
            }
            status => Ok(Ok((
                self.read(answer).await?,
                status == StatusCode::CREATED,
            ))),
        }
    }

    /// All that a picture's pixels follow from.
    ///
    /// # Errors
    /// The API refuses or is away.
    pub async fn receipt(&self, image: &str) -> Result<Receipt> {
        self.get(&format!("/api/v1/images/{image}/receipt"), &[])
            .await
    }

    /// Has a picture drawn again; the job.
    ///
    /// # Errors
    /// The API refuses or is away.
    pub async fn verify(&self, image: &str) -> Result<JobView> {
        self.post(&format!("/api/v1/images/{image}/verify"), &())
            .await
    }

    /// A picture's PNG file.
    ///
    /// # Errors
    /// The API refuses or is away.
    pub async fn file(&self, image: &str) -> Result<Vec<u8>> {
        let path = format!("/api/v1/images/{image}/file");
        let answer = self.answered(self.http.get(self.link(&path))).await?;
        let file = answer.bytes().await;
        Ok(file
            .tried(|| format!("the file of picture {image} broke off"))?
            .into())
    }

    /// Deletes a picture for good that is in the bin.
    ///
    /// # Errors
    /// The API refuses or is away.
    pub async fn delete_for_good(&self, image: &str) -> Result<()> {
        let path = format!("/api/v1/images/{image}?for_good=true");
        self.answered(self.http.delete(self.link(&path))).await?;
        Ok(())
    }

    /// The presets, with the files that each needs.
    ///
    /// # Errors
    /// The API refuses or is away.
    pub async fn presets(&self) -> Result<Vec<PresetFiles>> {
        self.get("/api/v1/presets", &[]).await
    }

    /// The path of a resource as a full URL.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<T> {
        self.send(self.http.get(self.link(path)).query(query)).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.send(self.http.post(self.link(path)).json(body)).await
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        self.read(self.ask(request).await?).await
    }

    async fn ask(&self, request: RequestBuilder) -> Result<Response> {
        let request = match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        request.send().await.tried(|| {
            format!(
                "the API at {} cannot be reached (`mystic up` starts one, --url names another)",
                self.url
            )
        })
    }

    /// An answer that says that it was done.
    async fn answered(&self, request: RequestBuilder) -> Result<Response> {
        let answer = self.ask(request).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        sentence(refusal(answer).await)
    }

    async fn read<T: DeserializeOwned>(&self, answer: Response) -> Result<T> {
        if !answer.status().is_success() {
            return sentence(refusal(answer).await);
        }
        answer
            .json()
            .await
            .tried(|| format!("the API at {} gave an answer that is not known", self.url))
    }
}

async fn refusal(answer: Response) -> String {
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    match serde_json::from_str::<Problem>(&text) {
        Ok(problem) => problem.to_string(),
        Err(_) => format!("the API answered {status}: {}", text.trim()),
    }
}
