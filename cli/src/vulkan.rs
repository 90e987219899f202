//! `mystic test-vulkan`: every rung of the plans on a device that is none, mesa's software driver.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::checkout::Checkout;
use crate::error::{Result, Tried, sentence};
use crate::run::run;
use crate::setup::{models, packages, tools};

/// The extension that both native libraries use without asking whether the headers have it.
const NEWEST: &str = "VK_EXT_layer_settings";
/// Where drivers say that they are there.
const DRIVERS: &str = "/usr/share/vulkan/icd.d";

/// Runs every plan on a Vulkan driver.
#[derive(Args)]
pub struct TestVulkan {
    /// Directory with `include/vulkan`, where the system's headers are too old
    #[arg(long)]
    sdk: Option<PathBuf>,
    /// A driver's description (`*_icd.json`); mesa's software driver by default
    #[arg(long)]
    driver: Option<PathBuf>,
}

/// Builds the workers with the feature `vulkan` into a target directory of their own, which takes a while, and runs
/// each rung through the real engine children. Prints which the libraries accept, and how far pictures are from the
/// first rung's.
///
/// # Errors
/// Something is missing, which is named and not installed; the build or a rung fails.
pub fn test(asked: &TestVulkan) -> Result<()> {
    let missing = packages::missing_for_vulkan();
    if !missing.is_empty() {
        return sentence(format!(
            "please install what Debian calls {}, then run this again",
            missing.join(", ")
        ));
    }
    let sdk = asked.sdk.as_deref().unwrap_or(Path::new("/usr"));
    // Build scripts and tests run in directories of their own.
    let sdk = std::path::absolute(sdk).tried(|| sdk.display().to_string())?;
    let headers = sdk.join("include/vulkan/vulkan_core.h");
    let text = fs::read_to_string(&headers).tried(|| headers.display().to_string())?;
    if !text.contains(NEWEST) {
        return sentence(format!(
            "{} is too old: the engines need {NEWEST}, which libvulkan-dev has in Debian 13. Unpack that somewhere \
             and name its usr directory: make test-vulkan SDK=…/usr",
            headers.display()
        ));
    }
    let driver = match &asked.driver {
        Some(driver) => std::path::absolute(driver).tried(|| driver.display().to_string())?,
        None => lavapipe()?,
    };
    let checkout = Checkout::find()?;
    models::fetch_demo(&checkout, &checkout.root().join("models"))?;
    let mut cargo = tools::cargo_with_tools(&checkout)?;
    cargo
        .args(["test", "--locked", "--target-dir", "target/vulkan"])
        .args(["--package", "worker-sd", "--package", "worker-llm"])
        .args(["--features", "worker-sd/vulkan,worker-llm/vulkan"])
        .args(["--no-fail-fast", "--test", "rungs"])
        .args(["--", "--nocapture", "--test-threads", "1"])
        .env("VK_ICD_FILENAMES", driver)
        // The libraries pass over a device that is a processor unless it is named.
        .env("GGML_VK_VISIBLE_DEVICES", "0");
    if asked.sdk.is_some() {
        cargo.env("VULKAN_SDK", sdk);
    }
    run("the rungs on Vulkan", &mut cargo)
}

/// Where mesa's software driver describes itself.
fn lavapipe() -> Result<PathBuf> {
    let drivers = fs::read_dir(DRIVERS).tried(|| DRIVERS.to_owned())?;
    let found = drivers
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| {
            let name = path.file_name().unwrap_or_default();
            name.as_encoded_bytes().starts_with(b"lvp_icd")
        });
    match found {
        Some(driver) => Ok(driver),
        None => sentence(format!(
            "{DRIVERS} has no lvp_icd.json of mesa's software driver"
        )),
    }
}
