//! What a language model writes: tags for a picture, or a prompt.

use mystic_domain::{EnhanceParams, Enhanced, Failure, Phase, PhaseTimes, TagParams};
use mystic_engine::{Command, Event, Said};
use mystic_store::{Claimed, Outcome};

use super::peak::Watch;
use super::progress::Reporter;
use super::{Bench, Halt, defect};
use crate::engine::EngineChild;
use crate::held::{Holding, Lease};
use crate::measure;

/// Asks for tags.
pub(super) fn tags(bench: &Bench, holding: &Holding<Lease>, params: &TagParams) -> Command {
    Command::Tag {
        order: format!("{}-{}-tags", holding.job, holding.fence),
        prompt: params.prompt.clone(),
        instructions: bench.tagging.clone(),
    }
}

/// Asks for a prompt, written out.
pub(super) fn prompt(bench: &Bench, holding: &Holding<Lease>, params: &EnhanceParams) -> Command {
    Command::Enhance {
        order: format!("{}-{}-prompt", holding.job, holding.fence),
        prompt: params.prompt.clone(),
        seed: params.seed,
        instructions: bench.enhancing.clone(),
    }
}

/// Gives the language model its command and waits for the answer.
pub(super) async fn run(
    bench: &Bench,
    holding: &Holding<Lease>,
    claimed: &Claimed,
    command: Command,
    child: &mut EngineChild,
    watch: &Watch,
    times: &mut PhaseTimes,
) -> Result<Outcome, Halt> {
    let reporter = Reporter::start(bench, holding.job);
    let report = reporter.of(0, claimed.job.attempt);
    child.send(&command).await?;
    let (outcome, said) = loop {
        let event = tokio::select! {
            event = child.next(bench.paces.floor()) => event?,
            why = holding.stopping() => return Err(Halt::Stopped(why)),
        };
        match event {
            Event::Progress { phase, step, of } => report(phase, step, of),
            Event::Buffer {
                module,
                size,
                in_ram,
            } => watch.buffer(&module, size, in_ram),
            Event::Tags { tags, said } => {
                let tags = tags.into_iter().map(|tag| (tag.tag, tag.confidence));
                break (Outcome::Tagged(tags.collect()), said);
            }
            Event::Enhanced { prompt, said } => {
                break (Outcome::Enhanced(Enhanced { prompt }), said);
            }
            Event::Failed { kind, message } => {
                return Err(Halt::Failed(Failure::new(kind, message)));
            }
            other => return Err(defect(format!("the engine answers with {other:?}"))),
        }
    };
    let Said {
        times: spent,
        reused_tokens,
        read_tokens,
        written_tokens,
    } = said;
    tracing::debug!(reused_tokens, read_tokens, written_tokens, "answered");
    report(Phase::Saving, 0, 0);
    measure::phases(&claimed.preset.name, &spent);
    times.add(spent);
    Ok(outcome)
}
