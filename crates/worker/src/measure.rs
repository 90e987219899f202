//! What a worker counts and times.

use std::time::Duration;

use mystic_domain::{JobState, PhaseTimes};

/// Describes the worker's metrics.
pub(crate) fn describe() {
    metrics::describe_gauge!("mystic_engine_children", "Engine children that live");
    metrics::describe_counter!(
        "mystic_attempts_total",
        "Settled attempts by what became of their job"
    );
    metrics::describe_histogram!(
        "mystic_phase_seconds",
        "Duration of a phase: of loading one model, or of the others for one picture or one set of tags"
    );
}

pub(crate) fn children(living: usize) {
    metrics::gauge!("mystic_engine_children").set(u32::try_from(living).unwrap_or(u32::MAX));
}

pub(crate) fn settled(state: JobState) {
    metrics::counter!("mystic_attempts_total", "state" => state.as_str()).increment(1);
}

/// Times of one model, one picture or one set of tags; a phase that was not is 0 and not counted.
pub(crate) fn phases(preset: &str, times: &PhaseTimes) {
    let PhaseTimes {
        loading_ms,
        encoding_ms,
        sampling_ms,
        decoding_ms,
        saving_ms,
    } = *times;
    for (phase, milliseconds) in [
        ("loading", loading_ms),
        ("encoding", encoding_ms),
        ("sampling", sampling_ms),
        ("decoding", decoding_ms),
        ("saving", saving_ms),
    ] {
        if milliseconds > 0 {
            metrics::histogram!("mystic_phase_seconds", "phase" => phase, "preset" => preset.to_owned())
                .record(Duration::from_millis(milliseconds).as_secs_f64());
        }
    }
}
