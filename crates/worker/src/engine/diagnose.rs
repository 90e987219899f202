//! Why a child died, from its exit status and its last lines.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use mystic_domain::FailureKind;

/// What native libraries write when an allocation fails.
const ALLOCATION_FAILED: [&str; 7] = [
    "out of memory",
    "failed to allocate",
    "cannot allocate memory",
    "std::bad_alloc",
    "cudamalloc failed",
    "erroroutofdevicememory",
    "alloc_tensor_range: failed",
];

/// The type of a death, and a sentence about it.
pub(super) fn diagnose(status: Option<ExitStatus>, tail: &[String]) -> (FailureKind, String) {
    let starved = tail.iter().rev().find(|line| {
        let line = line.to_lowercase();
        ALLOCATION_FAILED.iter().any(|sign| line.contains(sign))
    });
    if let Some(line) = starved {
        return (
            FailureKind::OutOfMemory,
            format!("the engine ran out of memory: {line}"),
        );
    }
    let how = match status {
        Some(status) => match (status.signal(), status.code()) {
            (Some(signal), _) => format!("was ended by signal {signal}"),
            (None, Some(code)) => format!("exited with status {code}"),
            (None, None) => "ended".to_owned(),
        },
        None => "ended".to_owned(),
    };
    (FailureKind::EngineCrashed, format!("the engine {how}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allocation_that_failed_is_out_of_memory() {
        let tail = [
            "[INFO ] sampling".to_owned(),
            "ggml_backend_cuda_buffer_type_alloc_buffer: cudaMalloc failed: out of memory"
                .to_owned(),
            "GGML_ASSERT(buffer) failed".to_owned(),
        ];
        let aborted = Some(ExitStatus::from_raw(6));
        assert_eq!(diagnose(aborted, &tail).0, FailureKind::OutOfMemory);
    }

    #[test]
    fn an_abort_for_another_reason_is_a_crash_with_its_signal() {
        let tail = ["GGML_ASSERT(n_dims <= 4) failed".to_owned()];
        let (kind, message) = diagnose(Some(ExitStatus::from_raw(6)), &tail);
        assert_eq!(kind, FailureKind::EngineCrashed);
        assert_eq!(message, "the engine was ended by signal 6");
    }
}
