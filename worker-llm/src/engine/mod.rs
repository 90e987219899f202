//! The engine child: one language model that tags prompts. The only code that touches the native library.

mod answer;
mod context;
mod log;
mod model;
mod placement;
mod prompt;
mod sampler;
mod threads;

use std::time::Instant;

use llama_cpp_2::LogOptions;
use mystic_domain::{FailureKind, Phase, PhaseTimes};
use mystic_engine::child::{Engine, EngineError, Events};
use mystic_engine::{Command, Event, LoadModel, ScoredTag, TagInstructions};

use answer::Answer;
use context::KeptContext;
use model::Model;
use placement::Placement;
use prompt::Instructions;
use sampler::Sampler;

pub use threads::wait_without_spinning;

/// Most tags that one command may ask for.
const MAX_TAGS: u32 = 100;

/// Tokens that the longest tags of real prompts take, with quotes and comma.
const TOKENS_PER_TAG: usize = 12;

/// Room that an answer needs at least: fewer tokens hold no useful set of tags.
const MIN_ANSWER_TOKENS: usize = 64;

/// Tags that say nothing new, after which an answer is going in circles.
const MAX_REPEATS: u32 = 3;

/// Tokens between two signs of life.
const TOKENS_PER_PROGRESS: u32 = 16;

self_cell::self_cell!(
    /// The model, and the context that borrows it.
    struct Session {
        owner: Model,
        #[covariant]
        dependent: KeptContext,
    }
);

/// A loaded language model with its context.
pub struct LlmEngine {
    session: Session,
    instructions: Option<Instructions>,
}

impl Engine for LlmEngine {
    fn load(model: LoadModel, events: &Events) -> Result<Self, EngineError> {
        let LoadModel::Llm {
            model,
            threads,
            context,
        } = model
        else {
            return Err(internal("this engine loads language models only"));
        };
        let log = log::install(events).map_err(|error| internal(error.to_string()))?;
        llama_cpp_2::send_logs_to_tracing(LogOptions::default());
        let placement = Placement::of(context, model.layers)?;
        let loaded = Model::load(&model.file, placement, events, &log)?;
        let session = Session::try_new(loaded, |loaded| {
            KeptContext::new(loaded, model.context, placement, threads, &log)
        })?;
        Ok(Self {
            session,
            instructions: None,
        })
    }

    fn run(&mut self, command: Command, events: &Events) -> Result<Event, EngineError> {
        match command {
            Command::Tag {
                order,
                prompt,
                instructions,
            } => {
                // The supervisor keeps a child's last lines with the attempt.
                eprintln!("tagging {order}");
                self.tag(&prompt, instructions, events)
            }
            Command::Load { .. } => Err(internal("a model is loaded already")),
            Command::Generate { .. } => Err(internal("this engine makes no pictures")),
        }
    }
}

impl LlmEngine {
    fn tag(
        &mut self,
        prompt: &str,
        instructions: TagInstructions,
        events: &Events,
    ) -> Result<Event, EngineError> {
        let max_tags = instructions.max_tags;
        if !(1..=MAX_TAGS).contains(&max_tags) {
            return Err(invalid(format!(
                "{max_tags} tags can't be asked for, only 1 to {MAX_TAGS}"
            )));
        }
        let model = self.session.borrow_owner();
        if self
            .instructions
            .as_ref()
            .is_none_or(|kept| !kept.are(&instructions))
        {
            self.instructions = Some(Instructions::new(model, instructions)?);
        }
        let Some(instructions) = &self.instructions else {
            return Err(internal("the instructions are gone"));
        };
        let rest = instructions.finish(model, prompt);
        let sampler = Sampler::new(model, max_tags)?;
        self.session.with_dependent_mut(|model, context| {
            answer(
                model,
                context,
                instructions.head(),
                &rest,
                max_tags,
                sampler,
                events,
            )
        })
    }
}

/// Reads the prompt and writes the answer, one token at a time.
fn answer(
    model: &Model,
    context: &mut KeptContext<'_>,
    head: &[llama_cpp_2::token::LlamaToken],
    rest: &[llama_cpp_2::token::LlamaToken],
    max_tags: u32,
    mut sampler: Sampler,
    events: &Events,
) -> Result<Event, EngineError> {
    let asked = head.len() + rest.len();
    let most = usize::try_from(max_tags).map_or(usize::MAX, |tags| tags * TOKENS_PER_TAG);
    let room = context.tokens().saturating_sub(asked);
    if room < most.min(MIN_ANSWER_TOKENS) {
        return Err(invalid(format!(
            "the prompt with its instructions takes {asked} tokens; the model's context of {} has no room for an answer",
            context.tokens()
        )));
    }

    let started = now();
    let read = context.read(head, rest, |step, of| {
        events.send(&Event::Progress {
            phase: Phase::Encoding,
            step,
            of,
        });
    })?;
    let encoding_ms = milliseconds(started);

    let started = now();
    let mut answer = Answer::default();
    let mut written_tokens = 0;
    while !answer.is_complete() && answer.repeats() < MAX_REPEATS {
        let Some(choice) = sampler.next(context.logits())? else {
            break;
        };
        if model.vocab().is_eog(choice.token) {
            break;
        }
        written_tokens += 1;
        answer.push(&model.piece(choice.token), choice.log_probability);
        if answer.is_complete() || written_tokens as usize >= most.min(room) {
            break;
        }
        context.write(choice.token)?;
        if written_tokens % TOKENS_PER_PROGRESS == 0 {
            events.send(&Event::Progress {
                phase: Phase::Sampling,
                step: written_tokens,
                of: 0,
            });
        }
    }
    let tags: Vec<ScoredTag> = answer.into_tags();
    if tags.is_empty() {
        return Err(internal("the model wrote no tag"));
    }
    Ok(Event::Tags {
        tags,
        times: PhaseTimes {
            encoding_ms,
            sampling_ms: milliseconds(started),
            ..PhaseTimes::default()
        },
        reused_tokens: read.reused,
        read_tokens: read.read,
        written_tokens,
    })
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the time of a native call is measured where no runtime is; nothing is decided by it"
)]
fn now() -> Instant {
    Instant::now()
}

fn invalid(message: impl Into<String>) -> EngineError {
    EngineError::new(FailureKind::InvalidInput, message)
}

fn internal(message: impl Into<String>) -> EngineError {
    EngineError::new(FailureKind::Internal, message)
}
