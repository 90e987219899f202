//! `mystic demo`: a prompt becomes a tagged picture, from nothing.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use mystic_domain::{PhaseTimes, file_path};
use mystic_process::ConfigArgs;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::checkout::Checkout;
use crate::client::{Client, JobView, NewJob};
use crate::error::{Result, Tried, sentence};
use crate::follow::follow;
use crate::request::{self, Wish};
use crate::setup::{self, Scope};
use crate::signals::Signals;
use crate::stack::{Site, Stack, free_address};

const PRESET: &str = "demo";

/// What the demo draws.
#[derive(Debug, Args)]
pub struct Demo {
    /// What to draw
    #[arg(
        long,
        env = "PROMPT",
        default_value = "a red circle on a blue background"
    )]
    prompt: String,
    #[command(flatten)]
    wish: Wish,
    /// Take what is built and downloaded already as it is
    #[arg(long)]
    no_setup: bool,
}

/// The last line on standard output.
#[derive(Debug, Serialize)]
struct Outcome {
    job: String,
    image: PathBuf,
    width: u32,
    height: u32,
    seed: i64,
    sha256: String,
    tags: Vec<String>,
    seconds: Seconds,
}

/// Time of each phase, in seconds.
#[derive(Debug, PartialEq, Serialize)]
struct Seconds {
    queued: f64,
    loading: f64,
    sampling: f64,
    decoding: f64,
    total: f64,
    tagging: f64,
}

/// Sets up, starts a stack on free ports, draws one picture and stops what it started.
///
/// # Errors
/// Whatever keeps the picture or its tags from being made.
pub async fn demo(flags: &ConfigArgs, demo: &Demo) -> Result<()> {
    let config = flags.load()?;
    let prompt = demo.prompt.trim();
    let params = match demo.wish.params(prompt) {
        Ok(params) => params,
        Err(wrong) => return sentence(wrong),
    };
    request::check(PRESET, &params, config.api.max_cost)?;
    let checkout = Checkout::find()?;
    if !demo.no_setup {
        setup::set_up(
            &checkout,
            &checkout.root().join(&config.models.dir),
            Scope::Run,
        )?;
    }

    let mut signals = Signals::take()?;
    let site = Site::of(&checkout, free_address()?);
    let mut job = request::generate(PRESET, params);
    job.auto_tag = Some(true);
    // Jobs that an interrupted stack left behind may wait.
    job.priority = Some(100);
    let outputs = site.outputs(&checkout, &config);
    let stack = tokio::select! {
        stack = Stack::start(&checkout, flags, &config, &site) => stack?,
        () = signals.next() => return sentence("interrupted"),
    };
    let drawn = tokio::select! {
        drawn = draw(stack.url(), &job, &outputs) => drawn,
        death = stack.first_death() => sentence(death),
        () = signals.next() => sentence("interrupted"),
    };
    stack.stop(signals.next()).await;
    show(&drawn?)
}

async fn draw(url: &str, job: &NewJob, outputs: &Path) -> Result<Outcome> {
    let client = Client::new(url, None)?;
    let accepted = client.submit(job).await?;
    eprintln!("Job {}", accepted.id);
    let job = follow(&client, &accepted.id).await?;
    let Some(image) = job.images.first() else {
        return sentence(format!("job {} succeeded without a picture", job.id));
    };
    let path = outputs.join(file_path(&image.sha256));
    verify(&path, &image.sha256)?;
    Ok(Outcome {
        image: path,
        width: image.width,
        height: image.height,
        seed: image.seed,
        sha256: image.sha256.clone(),
        tags: image.tag_names(),
        seconds: seconds(&job),
        job: job.id,
    })
}

fn verify(path: &Path, sha256: &str) -> Result<()> {
    let bytes = std::fs::read(path)
        .tried(|| format!("the picture is not where it should be, {}", path.display()))?;
    if hex::encode(Sha256::digest(bytes)) == sha256 {
        Ok(())
    } else {
        sentence(format!("the picture {} is damaged", path.display()))
    }
}

fn seconds(job: &JobView) -> Seconds {
    let times = job
        .attempts
        .iter()
        .filter_map(|attempt| attempt.times)
        .fold(PhaseTimes::default(), |mut sum, times| {
            sum.add(times);
            sum
        });
    let tagging = job.tag_jobs.first();
    Seconds {
        queued: between(job.created_at, job.started_at),
        loading: from_ms(times.loading_ms),
        sampling: from_ms(times.sampling_ms),
        decoding: from_ms(times.decoding_ms),
        total: between(job.created_at, job.finished_at),
        tagging: tagging.map_or(0.0, |tag| between(tag.created_at, tag.finished_at)),
    }
}

fn between(from: DateTime<Utc>, to: Option<DateTime<Utc>>) -> f64 {
    to.map_or(TimeDelta::zero(), |to| to - from)
        .max(TimeDelta::zero())
        .as_seconds_f64()
}

#[expect(clippy::cast_precision_loss, reason = "no job lasts 2^53 milliseconds")]
fn from_ms(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}

fn show(outcome: &Outcome) -> Result<()> {
    let seconds = &outcome.seconds;
    println!("picture  {}", outcome.image.display());
    println!("seed     {}", outcome.seed);
    println!("tags     {}", outcome.tags.join(", "));
    println!(
        "seconds  queued {:.2}, loading {:.2}, sampling {:.2}, decoding {:.2}, total {:.2}; tagging {:.2}",
        seconds.queued,
        seconds.loading,
        seconds.sampling,
        seconds.decoding,
        seconds.total,
        seconds.tagging
    );
    let line = serde_json::to_string(outcome).tried(|| "the result cannot be written as JSON")?;
    println!("{line}");
    Ok(())
}
