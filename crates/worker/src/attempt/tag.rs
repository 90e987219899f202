//! Tags for one picture.

use mystic_domain::{Failure, Phase, PhaseTimes, Progress, TagParams};
use mystic_engine::{Command, Event};
use mystic_store::{Claimed, Outcome};

use super::peak::Watch;
use super::progress::Reporter;
use super::{Bench, Halt, defect};
use crate::engine::EngineChild;
use crate::held::{Holding, Lease};
use crate::measure;

/// Asks the language model for tags.
pub(super) async fn run(
    bench: &Bench,
    holding: &Holding<Lease>,
    claimed: &Claimed,
    params: &TagParams,
    child: &mut EngineChild,
    watch: &Watch,
    times: &mut PhaseTimes,
) -> Result<Outcome, Halt> {
    let reporter = Reporter::start(bench, holding.job);
    let command = Command::Tag {
        order: format!("{}-{}-tags", holding.job, holding.fence),
        prompt: params.prompt.clone(),
        instructions: bench.instructions.clone(),
    };
    child.send(&command).await?;
    loop {
        let event = tokio::select! {
            event = child.next(bench.paces.floor()) => event?,
            why = holding.stopping() => return Err(Halt::Stopped(why)),
        };
        match event {
            Event::Progress { phase, step, of } => {
                reporter.report(Progress {
                    phase,
                    step,
                    of,
                    index: 0,
                    attempt: claimed.job.attempt,
                });
            }
            Event::Buffer {
                module,
                size,
                in_ram,
            } => watch.buffer(&module, size, in_ram),
            Event::Tags {
                tags,
                times: spent,
                reused_tokens,
                read_tokens,
                written_tokens,
            } => {
                tracing::debug!(reused_tokens, read_tokens, written_tokens, "tags found");
                reporter.report(Progress {
                    phase: Phase::Saving,
                    step: 0,
                    of: 0,
                    index: 0,
                    attempt: claimed.job.attempt,
                });
                measure::phases(&claimed.preset.name, &spent);
                times.add(spent);
                return Ok(Outcome::Tagged(
                    tags.into_iter()
                        .map(|tag| (tag.tag, tag.confidence))
                        .collect(),
                ));
            }
            Event::Failed { kind, message } => {
                return Err(Halt::Failed(Failure::new(kind, message)));
            }
            other => return Err(defect(format!("the engine answers a tag with {other:?}"))),
        }
    }
}
