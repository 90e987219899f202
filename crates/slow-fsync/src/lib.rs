//! A disk that is slow to confirm, for a process that preloads this library: `fsync` and `fdatasync` take
//! `SLOW_FSYNC_MS` longer, and the process dies in its `SLOW_FSYNC_DIE_AT`th, as `kill -9` does: a file that is written
//! and has no name yet.
//!
//! Only tests load it; no shipped code links it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use libc::{SYS_fdatasync, SYS_fsync, c_int, c_long};

/// `fsync(2)`, later.
#[unsafe(no_mangle)]
pub extern "C" fn fsync(file: c_int) -> c_int {
    confirm(SYS_fsync, file)
}

/// `fdatasync(2)`, later.
#[unsafe(no_mangle)]
pub extern "C" fn fdatasync(file: c_int) -> c_int {
    confirm(SYS_fdatasync, file)
}

fn confirm(call: c_long, file: c_int) -> c_int {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    static DELAY: OnceLock<Option<u64>> = OnceLock::new();
    static DEATH: OnceLock<Option<u64>> = OnceLock::new();
    let number = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    if let Some(milliseconds) = DELAY.get_or_init(|| variable("SLOW_FSYNC_MS")) {
        std::thread::sleep(Duration::from_millis(*milliseconds));
    }
    if *DEATH.get_or_init(|| variable("SLOW_FSYNC_DIE_AT")) == Some(number) {
        // SAFETY: raise takes a number and touches no memory of ours.
        unsafe { libc::raise(libc::SIGKILL) };
    }
    // SAFETY: the calls take a descriptor and touch no memory; a wrong descriptor is an error value.
    let result = unsafe { libc::syscall(call, file) };
    c_int::try_from(result).unwrap_or(-1)
}

fn variable(name: &str) -> Option<u64> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a preloaded library has no configuration but the environment"
    )]
    let text = std::env::var(name).ok()?;
    text.parse().ok()
}
