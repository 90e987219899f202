//! How the native library's threads wait for each other.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Turns of the loop in which a thread of the OpenMP runtime waits before it sleeps.
///
/// By default it spins for milliseconds. Where another process wants the same cores, as a diffusion engine on the
/// same processor does, the waiting thread then keeps the working one from its core: tagging was seen to take 20
/// seconds instead of 0.2. With a thousand turns an idle machine is hardly slower.
const SPIN_COUNT: (&str, &str) = ("GOMP_SPINCOUNT", "1000");

/// Starts this program anew, in the same process, with threads that sleep soon; returns at once where it has been or
/// where whoever started the process has set how threads wait.
///
/// The runtime reads its environment before `main`, so that nothing later can change it.
pub fn wait_without_spinning() {
    #[expect(
        clippy::disallowed_methods,
        reason = "a setting of the OpenMP runtime and none of ours: it has no other interface"
    )]
    let set = [SPIN_COUNT.0, "OMP_WAIT_POLICY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    if set {
        return;
    }
    let error = match std::env::current_exe() {
        Ok(program) => Command::new(program)
            .args(std::env::args_os().skip(1))
            .env(SPIN_COUNT.0, SPIN_COUNT.1)
            .exec(),
        Err(error) => error,
    };
    eprintln!("threads of this engine wait spinning, which is slow on busy processors: {error}");
}
