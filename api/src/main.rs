//! `api`: serves the REST API; `api migrate`, `api openapi` and `api key-create` are its other errands.

use clap::{Parser, Subcommand};
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
    /// Make an API key and print it, once
    KeyCreate {
        /// Whose key it is; jobs made with it belong to this name
        name: String,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    match args.command {
        None => mystic_api::boot::serve(args.config.load()?).await?,
        Some(Command::Migrate) => mystic_api::boot::migrate(&args.config.load()?).await?,
        Some(Command::Openapi) => mystic_api::boot::print_openapi()?,
        Some(Command::KeyCreate { name }) => {
            mystic_api::boot::create_key(&args.config.load()?, &name).await?;
        }
    }
    Ok(())
}
