//! `scheduler`: leases queued jobs to workers, and takes back what stood still.

use clap::Parser;
use mystic_process::ConfigArgs;

#[derive(Parser)]
#[command(version, about = "The VRAM-aware scheduler of MystiCanvas")]
struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Args::parse().config.load()?;
    let telemetry = mystic_process::telemetry::init("scheduler", &config.log)?;
    let shutdown = mystic_process::Shutdown::on_signals(config.shutdown.deadline)?;
    let services = mystic_scheduler::boot::connect(&config)?;
    Ok(mystic_scheduler::boot::run(services, &config, telemetry, shutdown).await?)
}
