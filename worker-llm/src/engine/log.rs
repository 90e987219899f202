//! The native library's log: errors go to standard error, buffer sizes become events, the rest is noise.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use mystic_domain::Mib;
use mystic_engine::Event;
use mystic_engine::child::Events;
use tracing::field::{Field, Visit};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// The target under which the binding reports what the library logs.
const TARGET: &str = "llama-cpp-2";

/// Error lines that are kept to explain a failure: the first says why, those after it that it failed.
const KEPT_ERRORS: usize = 8;

/// What the library says when memory runs out.
const OUT_OF_MEMORY: [&str; 4] = [
    "failed to allocate",
    "unable to allocate",
    "out of memory",
    "bad_alloc",
];

/// The errors that the library has logged.
#[derive(Clone, Default)]
pub struct NativeErrors(Arc<Mutex<Vec<String>>>);

impl NativeErrors {
    /// Why it failed, in the library's words.
    pub fn reason(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .first()
            .cloned()
            .unwrap_or_else(|| "the library gives no reason".to_owned())
    }

    /// Whether it failed for want of memory.
    pub fn out_of_memory(&self) -> bool {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .iter()
            .any(|line| OUT_OF_MEMORY.iter().any(|words| line.contains(words)))
    }

    fn keep(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < KEPT_ERRORS {
            lines.push(line.to_owned());
        }
    }
}

/// Takes over the library's log for the rest of the process.
///
/// # Errors
/// Somebody has taken it already.
pub fn install(events: &Events) -> Result<NativeErrors, TryInitError> {
    let errors = NativeErrors::default();
    let layer = NativeLog {
        events: events.clone(),
        errors: errors.clone(),
    };
    tracing_subscriber::registry().with(layer).try_init()?;
    Ok(errors)
}

struct NativeLog {
    events: Events,
    errors: NativeErrors,
}

impl<S: Subscriber> Layer<S> for NativeLog {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target() == TARGET && *metadata.level() <= Level::INFO
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut message = Message::default();
        event.record(&mut message);
        let line = message.0.trim();
        if *event.metadata().level() == Level::ERROR {
            eprintln!("{line}");
            self.errors.keep(line);
        } else if let Some((module, size)) = buffer(line) {
            // Such as `CPU`, `CPU_Mapped` and `CUDA_Host`.
            let in_ram = module.starts_with("CPU") || module.contains("_Host");
            self.events.send(&Event::Buffer {
                module,
                size,
                in_ram,
            });
        }
    }
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

/// Reads a line such as `CPU KV buffer size =    45.00 MiB`.
fn buffer(line: &str) -> Option<(String, Mib)> {
    let (module, size) = line.split_once(" buffer size = ")?;
    let size: f64 = size.trim().strip_suffix(" MiB")?.parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a buffer has far fewer than 2^53 MiB"
    )]
    let size = Mib(size.ceil() as i64);
    let module = module.split_whitespace().collect::<Vec<_>>().join(" ");
    Some((module, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_line_gives_its_module_and_its_size_rounded_up() {
        assert_eq!(
            buffer("       CPU  output buffer size =     0.19 MiB"),
            Some(("CPU output".to_owned(), Mib(1)))
        );
        assert_eq!(
            buffer("CPU_Mapped model buffer size =    92.84 MiB"),
            Some(("CPU_Mapped model".to_owned(), Mib(93)))
        );
    }

    #[test]
    fn other_lines_give_nothing() {
        assert_eq!(buffer("n_ctx = 2048"), None);
        assert_eq!(buffer("CPU compute buffer size = unknown"), None);
    }

    #[test]
    fn a_failed_allocation_is_told_from_a_broken_file() {
        let errors = NativeErrors::default();
        errors.keep("invalid magic characters: 'not ', expected 'GGUF'");
        assert!(!errors.out_of_memory());
        errors
            .keep("ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 9");
        assert!(errors.out_of_memory());
        assert_eq!(
            errors.reason(),
            "invalid magic characters: 'not ', expected 'GGUF'"
        );
    }
}
