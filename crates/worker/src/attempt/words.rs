//! What a language model writes: tags for a picture, or a prompt.

use mystic_domain::{
    EnhanceParams, Enhanced, Failure, FailureKind, Model, Phase, PhaseTimes, TagParams,
};
use mystic_engine::{Command, Event, Picture, Said};
use mystic_store::{Claimed, Outcome};

use super::peak::Watch;
use super::picture;
use super::progress::Reporter;
use super::{Bench, Halt, defect};
use crate::engine::EngineChild;
use crate::held::{Holding, Lease};
use crate::measure;

/// Longest side in pixels of a picture that a model looks at: what search tags name is seen in that, and the models that
/// read pictures of any size read as many tokens as there is area.
const LONGEST_SIDE: u32 = 768;

/// Asks for tags: of a model that sees with the picture, unless its file is gone.
pub(super) async fn tags(
    bench: &Bench,
    holding: &Holding<Lease>,
    claimed: &Claimed,
    params: &TagParams,
) -> Result<Command, Halt> {
    let sees = matches!(&claimed.preset.model, Model::Llm(model) if model.mmproj.is_some());
    let picture = if sees {
        look(bench, holding, params).await?
    } else {
        None
    };
    let instructions = match &picture {
        Some(_) => &bench.seeing,
        None => &bench.tagging,
    };
    Ok(Command::Tag {
        order: format!("{}-{}-tags", holding.job, holding.fence),
        prompt: params.prompt.clone(),
        picture,
        instructions: instructions.clone(),
    })
}

/// Brings the picture's pixels before the engine. None where its file is gone for good: its prompt is there, and tags by
/// that are what a model that sees nothing finds.
async fn look(
    bench: &Bench,
    holding: &Holding<Lease>,
    params: &TagParams,
) -> Result<Option<Picture>, Halt> {
    let image = params.image;
    let kept = persist!(
        bench.leaving,
        holding,
        "image_file",
        bench.store.image_file(image)
    );
    let Some(kept) = kept else {
        return Err(match holding.stopped() {
            Some(why) => Halt::Stopped(why),
            None => defect("the picture can't be asked for"),
        });
    };
    if let Some(sha256) = kept {
        let pixels = picture::unfinished(bench, holding, "look.rgb");
        let size = picture::look(bench, holding, &sha256, LONGEST_SIDE, &pixels).await?;
        if let Some((width, height)) = size {
            return Ok(Some(Picture {
                pixels,
                width,
                height,
            }));
        }
    }
    if params.prompt.trim().is_empty() {
        let message = format!("the file of picture {image} is gone, and it has no prompt");
        return Err(Halt::Failed(Failure::new(
            FailureKind::InvalidInput,
            message,
        )));
    }
    tracing::warn!(%image, "the picture's file is gone: it is tagged by its prompt alone");
    Ok(None)
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
    let sees = matches!(
        &command,
        Command::Tag {
            picture: Some(_),
            ..
        }
    );
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
                let found = if sees { Outcome::Seen } else { Outcome::Tagged };
                break (found(tags.collect()), said);
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
