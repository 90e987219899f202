//! What lets the model see: pictures become a part of the prompt in its own terms.

use std::ffi::CString;
use std::fs;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::mtmd::{
    MtmdBitmap, MtmdContext, MtmdContextParams, MtmdEvalError, MtmdInputChunks, MtmdInputText,
};
use mystic_domain::FailureKind;
use mystic_engine::Picture;
use mystic_engine::child::EngineError;

use super::log::NativeErrors;
use super::model::{Model, can_be_opened, corrupt, unloadable};
use super::{internal, invalid};

/// Stands for the picture while its part of the prompt is made. No prompt is near it, so none can hold it.
const MARKER: &str = "<__media__>";

/// Longest side of a picture that is taken; whoever sends one has made it smaller.
const LARGEST_SIDE: u32 = 4096;

/// What the library's decode returns when a buffer couldn't be allocated.
const OUT_OF_MEMORY: i32 = -2;

/// What the library's decode returns where the cache has no room.
const NO_ROOM: i32 = 1;

/// A loaded projector. It refers to its model, and is freed before it.
pub struct Sight {
    native: MtmdContext,
}

/// A picture as a part of a prompt.
pub struct Seen {
    chunks: MtmdInputChunks,
}

impl Sight {
    /// Loads the projector in `file`, which was made for this model, onto the model's device.
    ///
    /// # Errors
    /// [`FailureKind::ModelMissing`], [`FailureKind::ModelCorrupt`] or [`FailureKind::OutOfMemory`].
    pub fn load(
        file: &str,
        model: &Model,
        threads: u32,
        log: &NativeErrors,
    ) -> Result<Self, EngineError> {
        can_be_opened("mmproj", file)?;
        let marker = CString::new(MARKER).map_err(|error| internal(error.to_string()))?;
        let params = MtmdContextParams {
            n_threads: i32::try_from(threads).unwrap_or(i32::MAX),
            print_timings: false,
            media_marker: marker,
            ..MtmdContextParams::default()
        };
        let native = MtmdContext::init_from_file(file, model.native(), &params)
            .map_err(|_| unloadable("mmproj", file, log))?;
        if native.support_vision() {
            Ok(Self { native })
        } else {
            Err(corrupt(
                "mmproj",
                file,
                "it is for sounds and not for pictures",
            ))
        }
    }

    /// Takes a picture's pixels apart into what the projector reads.
    ///
    /// # Errors
    /// [`FailureKind::InvalidInput`] where file and size don't agree.
    pub fn take(&self, picture: &Picture) -> Result<Seen, EngineError> {
        let Picture { width, height, .. } = *picture;
        let sides = 1..=LARGEST_SIDE;
        if !sides.contains(&width) || !sides.contains(&height) {
            return Err(invalid(format!(
                "a picture of {width} × {height} pixels can't be looked at, only up to {LARGEST_SIDE} × {LARGEST_SIDE}"
            )));
        }
        let pixels = fs::read(&picture.pixels)
            .map_err(|error| internal(format!("the picture's pixels can't be read: {error}")))?;
        let wanted = 3 * u64::from(width) * u64::from(height);
        if pixels.len() as u64 != wanted {
            return Err(invalid(format!(
                "the picture's pixels take {} bytes, not the {wanted} of {width} × {height}",
                pixels.len()
            )));
        }
        let bitmap = MtmdBitmap::from_image_data(width, height, &pixels)
            .map_err(|error| internal(format!("the picture is refused: {error}")))?;
        let text = MtmdInputText {
            text: MARKER.to_owned(),
            add_special: false,
            parse_special: true,
        };
        let chunks = self
            .native
            .tokenize(text, &[&bitmap])
            .map_err(|error| internal(format!("the picture can't be taken apart: {error}")))?;
        Ok(Seen { chunks })
    }

    /// Reads a picture into a context's cache from a position on; the position behind it.
    ///
    /// # Errors
    /// The library's failure; what is in the cache then is not known.
    pub fn read(
        &mut self,
        seen: &Seen,
        context: &mut LlamaContext<'_>,
        position: i32,
        sequence: i32,
        batch: u32,
    ) -> Result<i32, EngineError> {
        let batch = i32::try_from(batch).unwrap_or(i32::MAX);
        seen.chunks
            .eval_chunks(&mut self.native, context, position, sequence, batch, false)
            .map_err(|MtmdEvalError::EvalFailure(code)| match code {
                NO_ROOM => invalid("the picture doesn't fit the model's context"),
                OUT_OF_MEMORY => {
                    EngineError::new(FailureKind::OutOfMemory, "no memory to read the picture")
                }
                code => internal(format!(
                    "the picture can't be read: the library says {code}"
                )),
            })
    }
}

impl Seen {
    /// How much room it takes in a context.
    pub fn tokens(&self) -> usize {
        self.chunks.total_tokens()
    }
}
