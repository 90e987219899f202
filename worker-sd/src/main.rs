//! `worker-sd` runs diffusion jobs; its hidden subcommand `engine` is the child that owns the native library.

use worker_sd::engine::SdEngine;

fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("engine") => Ok(mystic_engine::child::serve::<SdEngine>()?),
        _ => anyhow::bail!("the only command is `engine`, which a worker runs as its child"),
    }
}
