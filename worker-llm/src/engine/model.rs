//! The loaded model.

use std::fs::File;
use std::path::Path;

use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::model::{LlamaChatTemplate, LlamaModel};
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::LlamaVocab;
use mystic_domain::{FailureKind, Phase};
use mystic_engine::Event;
use mystic_engine::child::{EngineError, Events};

use super::internal;
use super::log::NativeErrors;
use super::placement::Placement;

/// A model with its chat template. Freed before the library is shut down: fields drop in this order.
pub struct Model {
    native: LlamaModel,
    template: LlamaChatTemplate,
    backend: LlamaBackend,
}

impl Model {
    /// Loads a GGUF file onto the device if there is one, as far as the placement says.
    ///
    /// # Errors
    /// [`FailureKind::ModelMissing`], [`FailureKind::ModelCorrupt`] or [`FailureKind::OutOfMemory`].
    pub fn load(
        file: &str,
        placement: Placement,
        events: &Events,
        log: &NativeErrors,
    ) -> Result<Self, EngineError> {
        can_be_opened("model", file)?;
        let backend = LlamaBackend::init().map_err(|error| internal(error.to_string()))?;
        let mut reported = 0;
        let events = events.clone();
        let mut params = LlamaModelParams::default();
        if let Some(layers) = placement.gpu_layers {
            params = params.with_n_gpu_layers(layers);
        }
        let params = params.with_progress_callback(move |done| {
            let percent = percent(done);
            if percent >= reported + 5 {
                reported = percent;
                events.send(&Event::Progress {
                    phase: Phase::Loading,
                    step: percent,
                    of: 100,
                });
            }
            true
        });
        let native = LlamaModel::load_from_file(&backend, Path::new(file), &params)
            .map_err(|_| unloadable("model", file, log))?;
        let template = native.chat_template(None).map_err(|_| {
            corrupt(
                "model",
                file,
                "it has no chat template, so it can't be instructed",
            )
        })?;
        Ok(Self {
            native,
            template,
            backend,
        })
    }

    pub(super) fn native(&self) -> &LlamaModel {
        &self.native
    }

    pub(super) fn backend(&self) -> &LlamaBackend {
        &self.backend
    }

    pub(super) fn template(&self) -> &LlamaChatTemplate {
        &self.template
    }

    pub(super) fn vocab(&self) -> LlamaVocab<'_> {
        self.native.vocab()
    }

    /// The bytes of a token; a character of several bytes may span two.
    pub(super) fn piece(&self, token: LlamaToken) -> Vec<u8> {
        self.vocab().token_to_piece(token, false, None)
    }
}

/// [`FailureKind::ModelMissing`] where a file of this kind, as `model` or `mmproj`, can't be opened.
pub(super) fn can_be_opened(kind: &str, file: &str) -> Result<(), EngineError> {
    File::open(file).map(drop).map_err(|error| {
        let message = format!("the {kind} file {file} can't be opened: {error}");
        EngineError::new(FailureKind::ModelMissing, message)
    })
}

/// Why the library did not load a file: memory ran out, or it is not what it should be.
pub(super) fn unloadable(kind: &str, file: &str, log: &NativeErrors) -> EngineError {
    if log.out_of_memory() {
        let message = format!("memory ran out loading {file}: {}", log.reason());
        return EngineError::new(FailureKind::OutOfMemory, message);
    }
    corrupt(kind, file, &log.reason())
}

pub(super) fn corrupt(kind: &str, file: &str, why: &str) -> EngineError {
    let message = format!("the {kind} file {file} can't be loaded: {why}");
    EngineError::new(FailureKind::ModelCorrupt, message)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=100"
)]
fn percent(done: f32) -> u32 {
    (done * 100.0).clamp(0.0, 100.0) as u32
}
