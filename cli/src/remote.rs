//! Commands for an API that runs already.

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::checkout::{self, Checkout};
use crate::client::{Client, JobView};
use crate::error::{Result, Tried, sentence};
use crate::follow::{follow, waiting};
use crate::request::{self, Wish};
use crate::stack;

const DEFAULT_URL: &str = "http://127.0.0.1:8787";

/// Which API is asked.
#[derive(Debug, Args)]
pub struct Connection {
    /// The API's address [default: the stack of this checkout, else port 8787 of this machine]
    #[arg(long, env = "MYSTIC_URL", value_name = "URL")]
    url: Option<String>,
    /// The API key, where one is needed
    #[arg(long, env = "MYSTIC_KEY", value_name = "KEY", hide_env_values = true)]
    key: Option<String>,
}

impl Connection {
    /// A client of it.
    ///
    /// # Errors
    /// The HTTP client cannot be set up.
    pub fn client(&self) -> Result<Client> {
        let running = || {
            let checkout = Checkout::find().ok()?;
            Some(stack::running(&checkout.private())?.url)
        };
        let url = self
            .url
            .clone()
            .or_else(running)
            .unwrap_or_else(|| DEFAULT_URL.to_owned());
        Client::new(&url, self.key.clone())
    }
}

/// A job to submit.
#[derive(Debug, Args)]
pub struct Submit {
    /// What to draw
    prompt: String,
    /// The model
    #[arg(long, default_value = "demo")]
    preset: String,
    #[command(flatten)]
    wish: Wish,
    /// What to avoid
    #[arg(long, value_name = "TEXT")]
    negative: Option<String>,
    /// Guidance scale
    #[arg(long, value_name = "NUMBER")]
    cfg: Option<f32>,
    /// Pictures to make, each with the next seed
    #[arg(long, value_name = "NUMBER")]
    batch: Option<u32>,
    /// −100 to 100; higher runs first
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    priority: Option<i16>,
    /// Leave the pictures without tags
    #[arg(long)]
    no_tags: bool,
    /// Show how far it is, until it is done
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Submits a job and prints its id.
///
/// # Errors
/// The API refuses or is away, or with `--watch` the job fails.
pub async fn submit(submit: Submit) -> Result<()> {
    let mut params = match submit.wish.params(&submit.prompt) {
        Ok(params) => params,
        Err(wrong) => return sentence(wrong),
    };
    params.negative_prompt = submit.negative;
    params.cfg = submit.cfg;
    params.batch = submit.batch;
    let mut job = request::generate(&submit.preset, params);
    job.priority = submit.priority;
    job.auto_tag = submit.no_tags.then_some(false);
    let client = submit.connection.client()?;
    let accepted = client.submit(&job).await?;
    println!("{}", accepted.id);
    if submit.watch {
        show_end(&client, &follow(&client, &accepted.id).await?);
    } else {
        eprintln!("{}", client.link(&accepted.url));
    }
    Ok(())
}

/// A job to watch.
#[derive(Debug, Args)]
pub struct Watch {
    /// The job's id
    job: String,
    #[command(flatten)]
    connection: Connection,
}

/// Shows how far a job is until it is done.
///
/// # Errors
/// The job fails, or the API is away.
pub async fn watch(watch: Watch) -> Result<()> {
    let client = watch.connection.client()?;
    show_end(&client, &follow(&client, &watch.job).await?);
    Ok(())
}

fn show_end(client: &Client, job: &JobView) {
    for image in &job.images {
        println!(
            "{}  {}",
            client.link(&image.file_url),
            tags(&image.tag_names())
        );
    }
}

/// Which jobs to list.
#[derive(Debug, Args)]
pub struct Jobs {
    /// Only these states, separated by commas
    #[arg(long, value_name = "STATES")]
    state: Option<String>,
    /// Only this preset
    #[arg(long)]
    preset: Option<String>,
    /// How many, newest first
    #[arg(long, default_value_t = 20)]
    limit: u16,
    #[command(flatten)]
    connection: Connection,
}

/// Lists jobs.
///
/// # Errors
/// The API refuses or is away.
pub async fn jobs(jobs: Jobs) -> Result<()> {
    let query = query(jobs.limit, [("state", jobs.state), ("preset", jobs.preset)]);
    for job in jobs.connection.client()?.jobs(&query).await? {
        let state = match job.state {
            mystic_domain::JobState::Queued => waiting(job.wait_reason.as_ref()),
            state => state.as_str().to_owned(),
        };
        println!(
            "{}  {:9}  {:12}  {:>3}/{:<3}  {:10}  {state}  {}",
            job.id,
            job.kind.as_str(),
            job.preset,
            job.images_done,
            job.images_total,
            job.owner,
            job.params
                .get("prompt")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        );
    }
    Ok(())
}

/// Which pictures to list.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Images {
    /// What else is done with pictures
    #[command(subcommand)]
    pub errand: Option<ImagesErrand>,
    /// Only with all of these tags, separated by commas
    #[arg(long)]
    tags: Option<String>,
    /// Only of this job
    #[arg(long)]
    job: Option<String>,
    /// How many, newest first
    #[arg(long, default_value_t = 20)]
    limit: u16,
    #[command(flatten)]
    connection: Connection,
}

/// What else is done with pictures.
#[derive(Debug, Subcommand)]
pub enum ImagesErrand {
    /// Import the pictures of a folder: of this program's outputs, or of another tool's
    Import(crate::import::Import),
}

/// Lists pictures.
///
/// # Errors
/// The API refuses or is away.
pub async fn images(images: Images) -> Result<()> {
    let query = query(images.limit, [("tags", images.tags), ("job", images.job)]);
    let client = images.connection.client()?;
    for image in client.images(&query).await? {
        println!(
            "{}  {}×{}  seed {:<16}  {}  {}",
            image.id,
            image.width,
            image.height,
            image.seed,
            client.link(&image.file_url),
            tags(&image.tag_names()),
        );
    }
    Ok(())
}

fn query<const N: usize>(
    limit: u16,
    filters: [(&'static str, Option<String>); N],
) -> Vec<(&'static str, String)> {
    filters
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .chain([("limit", limit.to_string())])
        .collect()
}

fn tags(names: &[String]) -> String {
    names.join(", ")
}

/// API keys.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Make a key and print it, once
    Create {
        /// Whose key it is; jobs made with it belong to this name
        name: String,
    },
    /// Let nobody in with a key any more
    Revoke {
        /// Whose key it is
        name: String,
    },
    /// List the keys that were ever made
    List,
}

/// Makes a key, revokes one or lists them.
///
/// # Errors
/// No database is known, or `api` refuses.
pub fn keys(config: &mystic_process::Config, keys: &Keys) -> Result<()> {
    let arguments = match keys {
        Keys::Create { name } => vec!["create", name],
        Keys::Revoke { name } => vec!["revoke", name],
        Keys::List => vec!["list"],
    };
    let arguments = ["keys"].into_iter().chain(arguments);
    errand(config, &arguments.map(str::to_owned).collect::<Vec<_>>())
}

/// Machines that share no directory with the API.
#[derive(Debug, Args)]
pub struct WorkerAccess {
    /// `grant NAME`, `revoke NAME` or `list`; `grant --help` says more
    #[arg(required = true, allow_hyphen_values = true, trailing_var_arg = true)]
    errand: Vec<String>,
}

/// Lets a machine in, sends one away or lists them.
///
/// # Errors
/// No database is known, or `api` refuses.
pub fn worker_access(config: &mystic_process::Config, access: WorkerAccess) -> Result<()> {
    let mut arguments = vec!["worker-access".to_owned()];
    arguments.extend(access.errand);
    errand(config, &arguments)
}

/// Lets `api` do something in the database of the running stack, or in the configured one.
fn errand(config: &mystic_process::Config, arguments: &[String]) -> Result<()> {
    let mut api = std::process::Command::new(checkout::programs()?.join("api"));
    api.args(arguments).env("RUST_LIB_BACKTRACE", "0");
    let configured = config.database != mystic_process::config::Database::default();
    if !configured {
        let checkout = Checkout::find()?;
        let Some(database) = stack::running(&checkout.private()).and_then(|stack| stack.database)
        else {
            return sentence(
                "no stack runs here and DATABASE_URL names no database: start one with `mystic up`",
            );
        };
        api.env("MYSTIC_DATABASE__URL", database);
    }
    let output = api.output().tried(|| "api cannot be started")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return sentence(said.trim().trim_start_matches("Error: "));
    }
    print!("{}", String::from_utf8_lossy(&output.stdout));
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
