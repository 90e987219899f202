//! `mystic up`: the whole stack, until Ctrl-C.

use clap::Args;
use mystic_process::ConfigArgs;

use crate::checkout::Checkout;
use crate::error::{Result, sentence};
use crate::setup::{self, Scope};
use crate::signals::Signals;
use crate::stack::{self, Site, Stack};

/// How the stack is started.
#[derive(Debug, Args)]
pub struct Up {
    /// Take what is built and downloaded already as it is
    #[arg(long)]
    no_setup: bool,
}

/// Sets up, starts everything, and stops all of it on the first signal.
///
/// # Errors
/// Something does not start, or ends by itself.
pub async fn up(flags: &ConfigArgs, up: &Up) -> Result<()> {
    let config = flags.load()?;
    let checkout = Checkout::find()?;
    if !up.no_setup {
        setup::set_up(
            &checkout,
            &checkout.root().join(&config.models.dir),
            Scope::Run,
        )?;
    }
    let mut signals = Signals::take()?;
    let site = Site::of(&checkout, config.api.listen);
    if let Some(running) = stack::running(&site.dir) {
        return sentence(format!(
            "process {} already runs the stack of this checkout at {}",
            running.pid, running.url
        ));
    }
    if let Err(error) = std::net::TcpListener::bind(site.listen) {
        return sentence(format!(
            "the API cannot listen on {}: {error}; api.listen or MYSTIC_API__LISTEN names another address",
            site.listen
        ));
    }
    let stack = tokio::select! {
        stack = Stack::start(&checkout, flags, &config, &site) => stack?,
        () = signals.next() => return sentence("interrupted"),
    };
    println!("{}", stack.url());
    eprintln!(
        "Logs are in {}; Ctrl-C stops everything",
        site.dir.join("logs").display()
    );
    let death = tokio::select! {
        death = stack.first_death() => Some(death),
        () = signals.next() => None,
    };
    eprintln!("Stopping; once more to wait no longer for running jobs");
    stack.stop(signals.next()).await;
    match death {
        Some(death) => sentence(death),
        None => Ok(()),
    }
}
