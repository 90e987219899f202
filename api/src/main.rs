//! `api`: serves the REST API; `api migrate`, `api openapi`, `api keys` and `api worker-access` are its other
//! errands.

use clap::{Parser, Subcommand};
use mystic_api::boot::{self, Keys, WorkerAccess};
use mystic_process::ConfigArgs;

#[derive(Parser)]
#[command(
    version,
    about = "The REST API of MystiCanvas. Without a command it serves."
)]
struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Bring the database's schema and presets up to this program's version
    Migrate,
    #[command(about = "Print the OpenAPI document")]
    Openapi,
    /// Make, revoke or list API keys
    #[command(subcommand)]
    Keys(Keys),
    /// Let machines in that share no directory with this one, or send them away
    #[command(subcommand)]
    WorkerAccess(WorkerAccess),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    match args.command {
        None => boot::serve(args.config.load()?).await?,
        Some(Command::Migrate) => boot::migrate(&args.config.load()?).await?,
        Some(Command::Openapi) => boot::print_openapi()?,
        Some(Command::Keys(errand)) => boot::keys(&args.config.load()?, &errand).await?,
        Some(Command::WorkerAccess(access)) => {
            boot::worker_access(&args.config.load()?, &access).await?;
        }
    }
    Ok(())
}
