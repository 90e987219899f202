//! The engine child: one language model that tags prompts or pictures, and writes prompts out. The only code that touches the native library.

mod answer;
mod context;
mod line;
mod log;
mod model;
mod placement;
mod prompt;
mod sampler;
mod sight;
mod threads;

use std::time::Instant;

use llama_cpp_2::LogOptions;
use mystic_domain::{FailureKind, Phase, PhaseTimes};
use mystic_engine::child::{Engine, EngineError, Events};
use mystic_engine::{
    Command, EnhanceInstructions, Event, LoadModel, Picture, Said, ScoredTag, TagInstructions,
};

use answer::Answer;
use context::KeptContext;
use line::Line;
use model::Model;
use placement::Placement;
use prompt::{Chat, Instructions};
use sampler::{Chooser, Tags, Words};
use sight::{Seen, Sight};

pub use threads::wait_without_spinning;

/// Most tags that one command may ask for.
const MAX_TAGS: u32 = 100;

/// Most tokens that a prompt may be written out in.
const MAX_PROMPT_TOKENS: u32 = 1024;

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
            let sight = model.mmproj.as_deref();
            let sight = sight.map(|file| Sight::load(file, loaded, threads, &log));
            let sight = sight.transpose()?;
            KeptContext::new(loaded, model.context, placement, threads, sight, &log)
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
                picture,
                instructions,
            } => {
                // The supervisor keeps a child's last lines with the attempt.
                eprintln!("tagging {order}");
                self.tag(&prompt, picture.as_ref(), &instructions, events)
            }
            Command::Enhance {
                order,
                prompt,
                seed,
                instructions,
            } => {
                eprintln!("writing out {order}");
                self.enhance(&prompt, seed, &instructions, events)
            }
            Command::Load { .. } => Err(internal("a model is loaded already")),
            Command::Generate { .. } | Command::Upscale { .. } => {
                Err(internal("this engine makes no pictures"))
            }
        }
    }
}

impl LlmEngine {
    fn tag(
        &mut self,
        prompt: &str,
        picture: Option<&Picture>,
        instructions: &TagInstructions,
        events: &Events,
    ) -> Result<Event, EngineError> {
        let max_tags = instructions.max_tags;
        if !(1..=MAX_TAGS).contains(&max_tags) {
            return Err(invalid(format!(
                "{max_tags} tags can't be asked for, only 1 to {MAX_TAGS}"
            )));
        }
        let sampler = Tags::new(self.session.borrow_owner(), max_tags)?;
        let most = usize::try_from(max_tags).map_or(usize::MAX, |tags| tags * TOKENS_PER_TAG);
        let mut answer = Answer::default();
        let question = Question {
            chat: instructions.into(),
            prompt,
            picture,
            most,
        };
        let (said, _) = self.ask(question, sampler, events, |token| {
            answer.push(token.bytes, token.log_probability);
            !answer.is_complete() && answer.repeats() < MAX_REPEATS
        })?;
        let tags: Vec<ScoredTag> = answer.into_tags();
        if tags.is_empty() {
            return Err(internal("the model wrote no tag"));
        }
        Ok(Event::Tags { tags, said })
    }

    fn enhance(
        &mut self,
        prompt: &str,
        seed: i64,
        instructions: &EnhanceInstructions,
        events: &Events,
    ) -> Result<Event, EngineError> {
        let max_tokens = instructions.max_tokens;
        if !(1..=MAX_PROMPT_TOKENS).contains(&max_tokens) {
            return Err(invalid(format!(
                "{max_tokens} tokens can't be asked for, only 1 to {MAX_PROMPT_TOKENS}"
            )));
        }
        let sampler = Words::new(self.session.borrow_owner(), seed);
        let most = max_tokens as usize;
        let mut line = Line::default();
        let question = Question {
            chat: instructions.into(),
            prompt,
            picture: None,
            most,
        };
        let (said, whole) = self.ask(question, sampler, events, |token| {
            line.push(token.bytes);
            !line.is_complete()
        })?;
        let prompt = line
            .into_words(whole)
            .ok_or_else(|| internal("the model wrote nothing"))?;
        Ok(Event::Enhanced { prompt, said })
    }

    /// Reads the question and writes the answer. `take` gets each token and says whether to go on. With what it took comes
    /// whether the answer came to an end by itself.
    fn ask(
        &mut self,
        question: Question<'_>,
        mut chooser: impl Chooser,
        events: &Events,
        mut take: impl FnMut(Token<'_>) -> bool,
    ) -> Result<(Said, bool), EngineError> {
        let Question {
            chat,
            prompt,
            picture,
            most,
        } = question;
        let model = self.session.borrow_owner();
        if self
            .instructions
            .as_ref()
            .is_none_or(|kept| !kept.are(&chat))
        {
            self.instructions = Some(Instructions::new(model, chat)?);
        }
        let Some(instructions) = &self.instructions else {
            return Err(internal("the instructions are gone"));
        };
        let rest = instructions.finish(model, prompt, picture.is_some());
        self.session.with_dependent_mut(|model, context| {
            let picture = picture.map(|picture| context.look(picture)).transpose()?;
            let of_picture = picture.as_ref().map_or(0, Seen::tokens);
            let asked = instructions.head().len() + of_picture + rest.len();
            let room = context.tokens().saturating_sub(asked);
            if room < most.min(MIN_ANSWER_TOKENS) {
                return Err(invalid(format!(
                    "the prompt with its instructions takes {asked} tokens, {of_picture} of them for a picture; the model's context of {} has no room for an answer",
                    context.tokens()
                )));
            }
            let started = now();
            let read = context.read(instructions.head(), picture.as_ref(), &rest, |step, of| {
                events.send(&Event::Progress {
                    phase: Phase::Encoding,
                    step,
                    of,
                });
            })?;
            let encoding_ms = milliseconds(started);
            let started = now();
            let (mut written_tokens, mut ended) = (0, true);
            while let Some(choice) = chooser.next(context.logits())? {
                if model.vocab().is_eog(choice.token) {
                    break;
                }
                written_tokens += 1;
                let bytes = model.piece(choice.token);
                let token = Token {
                    bytes: &bytes,
                    log_probability: choice.log_probability,
                };
                if !take(token) {
                    break;
                }
                if written_tokens as usize >= most.min(room) {
                    ended = false;
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
            let said = Said {
                times: PhaseTimes {
                    encoding_ms,
                    sampling_ms: milliseconds(started),
                    ..PhaseTimes::default()
                },
                reused_tokens: read.reused,
                read_tokens: read.read,
                written_tokens,
            };
            Ok((said, ended))
        })
    }
}

/// What is asked of the model.
struct Question<'a> {
    /// What comes before the prompt.
    chat: Chat,
    prompt: &'a str,
    /// What comes between the two.
    picture: Option<&'a Picture>,
    /// Most tokens of the answer.
    most: usize,
}

/// A token of an answer.
struct Token<'a> {
    bytes: &'a [u8],
    /// Natural logarithm of its probability, where the chooser tells.
    log_probability: f64,
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
