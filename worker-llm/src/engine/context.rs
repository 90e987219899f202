//! The context, whose cache keeps the instructions between commands.

use std::num::NonZeroU32;

use llama_cpp_2::DecodeError;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;
use mystic_domain::FailureKind;
use mystic_engine::Picture;
use mystic_engine::child::EngineError;

use super::log::NativeErrors;
use super::model::Model;
use super::placement::Placement;
use super::sight::{Seen, Sight};
use super::{internal, invalid};

/// Tokens read at a time.
const BATCH: u32 = 256;

/// All that this engine keeps in the cache is one sequence.
const SEQUENCE: i32 = 0;

/// What the library's decode returns when a buffer couldn't be allocated.
const DECODE_OUT_OF_MEMORY: i32 = -2;

/// A context and what its cache holds.
///
/// The head of a prompt is read in batches of its own and reused whole or not at all. So every prompt is read in the
/// same batches whether the head was kept or not, and the same prompt gives the same tags to the last bit: sums in
/// batches of other sizes round differently. A picture comes behind the head.
pub struct KeptContext<'model> {
    native: LlamaContext<'model>,
    sight: Option<Sight>,
    batch: LlamaBatch<'static>,
    head: Vec<LlamaToken>,
    /// The next token's position: how many are in the cache, where no picture counts its own otherwise.
    filled: usize,
    tokens: usize,
}

/// How a prompt was read, in tokens.
pub struct Read {
    /// Kept from the last command.
    pub reused: u32,
    /// Read now.
    pub read: u32,
}

impl<'model> KeptContext<'model> {
    /// Makes a context of this many tokens, of a model that sees where there is a projector.
    ///
    /// # Errors
    /// [`FailureKind::InvalidInput`] for a size or number of threads that can't be, else
    /// [`FailureKind::OutOfMemory`].
    pub fn new(
        model: &'model Model,
        tokens: u32,
        placement: Placement,
        threads: u32,
        sight: Option<Sight>,
        log: &NativeErrors,
    ) -> Result<Self, EngineError> {
        let (Some(size), Ok(threads @ 1..)) = (NonZeroU32::new(tokens), i32::try_from(threads))
        else {
            let message = format!("a context of {tokens} tokens with {threads} threads can't be");
            return Err(invalid(message));
        };
        let params = LlamaContextParams::default()
            .with_n_ctx(Some(size))
            .with_n_batch(BATCH)
            .with_n_ubatch(BATCH)
            .with_n_threads(threads)
            .with_n_threads_batch(threads)
            .with_type_k(placement.cache)
            .with_type_v(placement.cache)
            .with_no_perf(true);
        let native = model
            .native()
            .new_context(model.backend(), params)
            .map_err(|_| {
                let message = format!("no memory for {tokens} tokens of context: {}", log.reason());
                EngineError::new(FailureKind::OutOfMemory, message)
            })?;
        Ok(Self {
            native,
            sight,
            batch: LlamaBatch::new(BATCH as usize, 1),
            head: Vec::new(),
            filled: 0,
            tokens: tokens as usize,
        })
    }

    /// Tokens that fit.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// Takes a picture apart into what the model reads.
    ///
    /// # Errors
    /// [`FailureKind::InvalidInput`] where the model does not see, or file and size don't agree.
    pub fn look(&self, picture: &Picture) -> Result<Seen, EngineError> {
        let Some(sight) = &self.sight else {
            return Err(invalid("the model has no mmproj, so it sees no picture"));
        };
        sight.take(picture)
    }

    /// Reads a prompt whose head may still be in the cache, with a picture behind the head; `progress` gets the tokens
    /// done and the tokens to do.
    ///
    /// # Errors
    /// The library's failure, after which the cache is empty.
    pub fn read(
        &mut self,
        head: &[LlamaToken],
        picture: Option<&Seen>,
        rest: &[LlamaToken],
        mut progress: impl FnMut(u32, u32),
    ) -> Result<Read, EngineError> {
        let reused = if self.keep(head) { head.len() } else { 0 };
        let of_picture = picture.map_or(0, Seen::tokens);
        let unread = head.len() - reused + of_picture + rest.len();
        let mut done = 0;
        let mut tell = |more: usize| {
            done += more;
            progress(count(done), count(unread));
        };
        self.decode_all(&head[reused..], &mut tell)?;
        if let Some(picture) = picture {
            // The library says nothing until it has read all of it.
            tell(0);
            self.see(picture)?;
            tell(of_picture);
        }
        self.decode_all(rest, &mut tell)?;
        head.clone_into(&mut self.head);
        Ok(Read {
            reused: count(reused),
            read: count(unread),
        })
    }

    /// Adds a token of the answer.
    ///
    /// # Errors
    /// The library's failure, after which the cache is empty.
    pub fn write(&mut self, token: LlamaToken) -> Result<(), EngineError> {
        self.decode(&[token])
    }

    /// How likely each token of the vocabulary comes next, before softmax.
    pub fn logits(&self) -> &[f32] {
        self.native.get_logits_ith(-1)
    }

    /// Cuts the cache back to the head, or empties it where it holds another one.
    fn keep(&mut self, head: &[LlamaToken]) -> bool {
        let kept = !head.is_empty()
            && self.head == head
            && u32::try_from(head.len()).is_ok_and(|length| {
                self.native
                    .kv_cache_seq_rm(SEQUENCE, Some(length), None)
                    .is_ok()
            });
        if kept {
            self.filled = head.len();
        } else {
            self.clear();
        }
        kept
    }

    fn clear(&mut self) {
        self.native.clear_kv_cache();
        self.head.clear();
        self.filled = 0;
    }

    fn see(&mut self, picture: &Seen) -> Result<(), EngineError> {
        let Some(sight) = &mut self.sight else {
            return Err(internal("the projector is gone"));
        };
        let position = i32::try_from(self.filled)
            .map_err(|_| invalid("the prompt is longer than any context"))?;
        let read = sight.read(picture, &mut self.native, position, SEQUENCE, BATCH);
        let next = read.and_then(|next| {
            usize::try_from(next).map_err(|_| internal("the picture ends before it begins"))
        });
        match next {
            Ok(next) => {
                self.filled = next;
                Ok(())
            }
            Err(error) => {
                self.clear();
                Err(error)
            }
        }
    }

    /// Reads tokens in batches; `tell` gets the size of each.
    fn decode_all(
        &mut self,
        tokens: &[LlamaToken],
        mut tell: impl FnMut(usize),
    ) -> Result<(), EngineError> {
        for chunk in tokens.chunks(BATCH as usize) {
            self.decode(chunk)?;
            tell(chunk.len());
        }
        Ok(())
    }

    fn decode(&mut self, tokens: &[LlamaToken]) -> Result<(), EngineError> {
        let result = self.try_decode(tokens);
        if result.is_err() {
            self.clear();
        }
        result
    }

    fn try_decode(&mut self, tokens: &[LlamaToken]) -> Result<(), EngineError> {
        self.batch.clear();
        for (index, token) in tokens.iter().enumerate() {
            let position = i32::try_from(self.filled + index)
                .map_err(|_| invalid("the prompt is longer than any context"))?;
            let last = index + 1 == tokens.len();
            self.batch
                .add(*token, position, &[SEQUENCE], last)
                .map_err(|error| internal(error.to_string()))?;
        }
        self.native
            .decode(&mut self.batch)
            .map_err(|error| match error {
                DecodeError::NoKvCacheSlot => invalid("the prompt doesn't fit the model's context"),
                DecodeError::Unknown(DECODE_OUT_OF_MEMORY) => {
                    EngineError::new(FailureKind::OutOfMemory, "no memory to read the prompt")
                }
                error => internal(error.to_string()),
            })?;
        self.filled += tokens.len();
        Ok(())
    }
}

fn count(tokens: usize) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX)
}
