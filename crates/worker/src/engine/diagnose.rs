//! Why a child died, from its exit status and its last lines.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use mystic_domain::FailureKind;
use nix::sys::signal::Signal;

use super::oom_kills::OomKills;

/// What native libraries write when an allocation fails.
const ALLOCATION_FAILED: [&str; 8] = [
    "out of memory",
    "failed to allocate",
    "cannot allocate memory",
    "std::bad_alloc",
    // Rust's, of so many bytes.
    "memory allocation of",
    "cudamalloc failed",
    "erroroutofdevicememory",
    "alloc_tensor_range: failed",
];

/// The type of a death, and a sentence about it. `before` is from before the child's start.
pub(super) fn diagnose(
    status: Option<ExitStatus>,
    tail: &[String],
    before: OomKills,
) -> (FailureKind, String) {
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
    let killed = status.and_then(|status| status.signal()) == Some(Signal::SIGKILL as i32);
    if killed && before.went_on() {
        return (
            FailureKind::OutOfMemory,
            "the kernel ended the engine for want of memory".to_owned(),
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
    use std::path::{Path, PathBuf};
    use std::process::Command;

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
        let (kind, _) = diagnose(aborted, &tail, OomKills::now());
        assert_eq!(kind, FailureKind::OutOfMemory);
    }

    #[test]
    fn each_library_s_words_for_a_failed_allocation_are_known() {
        let aborted = Some(ExitStatus::from_raw(6));
        for said in [
            "ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 1744830464",
            "terminate called after throwing an instance of 'std::bad_alloc'",
            "memory allocation of 2097152000 bytes failed",
        ] {
            let (kind, _) = diagnose(aborted, &[said.to_owned()], OomKills::now());
            assert_eq!(kind, FailureKind::OutOfMemory, "{said}");
        }
    }

    /// A limit on memory as a container has it, for the processes that enter it; none where we may not make one.
    struct Limit(PathBuf);

    impl Limit {
        fn new() -> std::io::Result<Self> {
            let name = format!("mystic-test-{}", std::process::id());
            let (folder, file) = if Path::new("/sys/fs/cgroup/memory").is_dir() {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            } else {
                ("/sys/fs/cgroup", "memory.max")
            };
            let limit = Self(Path::new(folder).join(name));
            std::fs::create_dir(&limit.0)?;
            std::fs::write(limit.0.join(file), "33554432")?;
            Ok(limit)
        }
    }

    impl Drop for Limit {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir(&self.0);
        }
    }

    #[test]
    fn a_process_that_the_kernel_ends_for_want_of_memory_ran_out_of_memory() {
        let limit = match Limit::new() {
            Ok(limit) => limit,
            Err(error) => {
                eprintln!("no limit on memory can be set here, so this is not shown: {error}");
                return;
            }
        };
        let before = OomKills::now();
        // It looks for the end of an endless line, and keeps what it has read.
        let greedy = "echo $$ > \"$0/cgroup.procs\" && exec tail /dev/zero";
        let status = Command::new("sh")
            .args(["-c", greedy])
            .arg(&limit.0)
            .status();
        let (kind, message) = diagnose(status.ok(), &[], before);
        assert_eq!(kind, FailureKind::OutOfMemory, "{message}");
    }

    #[test]
    fn a_process_that_somebody_kills_crashed() {
        let killed = Some(ExitStatus::from_raw(9));
        let (kind, _) = diagnose(killed, &[], OomKills::now());
        assert_eq!(kind, FailureKind::EngineCrashed);
    }

    #[test]
    fn an_abort_for_another_reason_is_a_crash_with_its_signal() {
        let tail = ["GGML_ASSERT(n_dims <= 4) failed".to_owned()];
        let (kind, message) = diagnose(Some(ExitStatus::from_raw(6)), &tail, OomKills::now());
        assert_eq!(kind, FailureKind::EngineCrashed);
        assert_eq!(message, "the engine was ended by signal 6");
    }
}
