//! Follows a job to its end and shows how far it is.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use mystic_domain::{JobState, Pause, Phase, WaitReason};
use tokio::time::Instant;

use crate::client::{Client, JobView};
use crate::error::{Result, sentence};

const POLL: Duration = Duration::from_millis(50);
/// A model may take minutes to load; a job of which nothing is heard for longer is stuck.
const SILENT_FOR: Duration = Duration::from_mins(5);

/// Follows a job until it has ended and, where it has tagging jobs, until those have.
///
/// # Errors
/// The job fails or is cancelled, nothing is heard of it for 5 minutes, or the API is away.
pub async fn follow(client: &Client, id: &str) -> Result<JobView> {
    let mut bars = Bars::default();
    let mut last = String::new();
    let mut heard = Instant::now();
    loop {
        let job = client.job(id).await?;
        let now = describe(&job);
        let key = format!("{now:?}");
        if key != last {
            heard = Instant::now();
            last = key;
        }
        bars.show(&now);
        if let Some(end) = end_of(&job) {
            bars.finish();
            return end.map(|()| job);
        }
        if heard.elapsed() > SILENT_FOR {
            bars.finish();
            return sentence(format!(
                "nothing was heard of job {id} for {} s; it was last {}",
                SILENT_FOR.as_secs(),
                now.title
            ));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// `None` while the job or its tagging goes on.
fn end_of(job: &JobView) -> Option<Result<()>> {
    let failed = std::iter::once(job)
        .chain(&job.tag_jobs)
        .find(|job| matches!(job.state, JobState::Failed | JobState::Cancelled));
    if let Some(failed) = failed {
        return Some(sentence(ended_badly(failed)));
    }
    let done = job.state == JobState::Succeeded
        && job.images.iter().all(|image| image.tags_state != "pending");
    done.then_some(Ok(()))
}

fn ended_badly(job: &JobView) -> String {
    let what = format!("the {} job {}", job.kind.as_str(), job.id);
    match &job.error {
        Some(error) => format!("{what} failed: {}", error.message),
        None => format!("{what} was {}", job.state.as_str()),
    }
}

/// What a job does right now.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Now {
    title: String,
    step: u32,
    of: u32,
}

fn describe(job: &JobView) -> Now {
    let plain = |title: &str| Now {
        title: title.to_owned(),
        step: 0,
        of: 0,
    };
    match job.state {
        JobState::Queued => plain(&waiting(job.wait_reason.as_ref())),
        JobState::Leased => plain("starting"),
        JobState::Running => match job.progress {
            None => plain("starting"),
            Some(progress) => {
                let mut title = phase(progress.phase).to_owned();
                if job.images_total > 1 {
                    let n = progress.index + 1;
                    title = format!("picture {n} of {}: {title}", job.images_total);
                }
                Now {
                    title,
                    step: progress.step,
                    of: progress.of,
                }
            }
        },
        _ => plain("tagging"),
    }
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Loading => "loading the model",
        Phase::Encoding => "encoding the prompt",
        Phase::Sampling => "sampling",
        Phase::Decoding => "decoding",
        Phase::Saving => "saving",
    }
}

/// Why a job waits, in words.
pub fn waiting(reason: Option<&WaitReason>) -> String {
    match reason {
        None => "queued".to_owned(),
        Some(WaitReason::NoWorker { preset }) => {
            format!("queued: no worker serves {preset} yet")
        }
        Some(WaitReason::DeviceLost { device }) => {
            format!("queued: {device} is lost until it is reset or answers again")
        }
        Some(WaitReason::VramShort { device, need, free }) => format!(
            "queued: needs {} MiB, {} MiB are free on {device}",
            need.0, free.0
        ),
        Some(WaitReason::TooLarge { device, need, most }) => format!(
            "queued: needs {} MiB, and {device}, which comes nearest, has {} MiB at most",
            need.0, most.0
        ),
        Some(WaitReason::ModelLoading {
            device,
            preset,
            percent,
        }) => {
            let far = percent.map_or_else(String::new, |percent| format!(", {percent} % so far"));
            format!("queued: {preset} is being loaded on {device}{far}")
        }
        Some(WaitReason::Behind { n }) => format!("queued: {n} jobs come first"),
        Some(WaitReason::NotBefore) => "queued for a later time".to_owned(),
        Some(WaitReason::Paused { by }) => match by {
            Pause::Queue => "queued: the queue is paused".to_owned(),
            by => format!("queued: {} {} is paused", by.scope(), by.name()),
        },
    }
}

/// One progress bar per phase on a terminal, one line per phase elsewhere.
#[derive(Default)]
struct Bars {
    current: Option<(String, ProgressBar)>,
}

impl Bars {
    fn show(&mut self, now: &Now) {
        let same = self
            .current
            .as_ref()
            .is_some_and(|(title, _)| *title == now.title);
        if !same {
            self.finish();
            let bar = ProgressBar::new(1).with_message(now.title.clone());
            if bar.is_hidden() {
                eprintln!("{}", now.title);
            }
            bar.set_style(style(now.of > 0));
            bar.enable_steady_tick(Duration::from_millis(100));
            self.current = Some((now.title.clone(), bar));
        }
        if let Some((_, bar)) = &self.current
            && now.of > 0
        {
            bar.set_style(style(true));
            bar.set_length(now.of.into());
            bar.set_position(now.step.into());
        }
    }

    fn finish(&mut self) {
        if let Some((_, bar)) = self.current.take() {
            bar.set_position(bar.length().unwrap_or(1));
            bar.abandon();
        }
    }
}

fn style(steps: bool) -> ProgressStyle {
    let template = if steps {
        "{elapsed:>4} {msg:<40!} [{bar:24}] {pos}/{len}"
    } else {
        "{elapsed:>4} {msg:<40!} {spinner}"
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}
