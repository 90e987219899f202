//! Everything between a fresh machine and a running system; what is there already is left alone.

pub mod build;
pub mod frontend;
pub mod models;
pub mod packages;
pub mod tools;

use std::path::Path;

use crate::checkout::Checkout;
use crate::error::Result;

/// What the machine is set up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Building and running.
    Run,
    /// Also testing.
    Test,
}

/// Installs what is missing, builds the page and all programs, and fetches the demo models into
/// `models`.
///
/// # Errors
/// The first step that fails.
pub fn set_up(checkout: &Checkout, models: &Path, scope: Scope) -> Result<()> {
    packages::install(scope)?;
    frontend::build(checkout)?;
    build::build(checkout)?;
    models::fetch_demo(checkout, models)
}

/// What compiling needs, without compiling: packages and the page that `api` embeds.
///
/// # Errors
/// The first step that fails.
pub fn prepare(checkout: &Checkout, scope: Scope) -> Result<()> {
    packages::install(scope)?;
    frontend::build(checkout)
}
