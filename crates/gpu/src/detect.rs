//! Which inventory a host gets.

use std::path::PathBuf;
use std::time::Duration;

use mystic_domain::Mib;
use serde::{Deserialize, Serialize};

use crate::cpu::{CpuError, CpuSource};
use crate::nvml::{NvmlSource, OpenError};
use crate::source::DeviceSource;

/// Which inventory is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceChoice {
    /// NVML where its library loads and shows a card, else the processor.
    #[default]
    Auto,
    /// NVML or nothing.
    Nvml,
    /// The processor, even beside a card.
    Cpu,
}

/// How devices are found.
#[derive(Clone, Debug)]
pub struct InventoryConfig {
    /// Which inventory is wanted.
    pub source: SourceChoice,
    /// The host's name, see [`crate::host_id`].
    pub host: String,
    /// NVML's library; `None` takes `libnvidia-ml.so.1` from the loader's path.
    pub nvml_library: Option<PathBuf>,
    /// How long one query of the driver, or its start, may take before it counts as hung.
    pub query_timeout: Duration,
    /// The processor's budget of system memory; `None` takes all but 2 GiB or three quarters, whichever is less.
    pub cpu_budget: Option<Mib>,
}

impl InventoryConfig {
    /// The defaults for a host: automatic choice, 5 s for the driver, the default budget.
    #[must_use]
    pub fn for_host(host: impl Into<String>) -> Self {
        Self {
            source: SourceChoice::Auto,
            host: host.into(),
            nvml_library: None,
            query_timeout: Duration::from_secs(5),
            cpu_budget: None,
        }
    }
}

/// Why a host has no inventory.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    /// NVML was asked for, or hangs. A hanging driver is not taken for a host without a card.
    #[error("NVML can't be used")]
    Nvml(#[from] OpenError),
    /// The processor can't be a device.
    #[error("the processor can't be used")]
    Cpu(#[from] CpuError),
}

/// Opens the inventory that the configuration chooses.
///
/// # Errors
/// [`DetectError`]: the wanted inventory can't be used, or the driver hangs.
pub async fn detect(config: &InventoryConfig) -> Result<Box<dyn DeviceSource>, DetectError> {
    let cpu = || CpuSource::open(&config.host, config.cpu_budget);
    if config.source == SourceChoice::Cpu {
        return Ok(Box::new(cpu()?));
    }
    match NvmlSource::open(config.nvml_library.clone(), config.query_timeout).await {
        Ok(nvml) => Ok(Box::new(nvml)),
        Err(error @ OpenError::Hung { .. }) => Err(error.into()),
        Err(error) if config.source == SourceChoice::Nvml => Err(error.into()),
        Err(error) => {
            let reason = std::error::Error::source(&error).map(ToString::to_string);
            tracing::info!(%error, reason, "no NVIDIA card is usable, the processor is the device");
            Ok(Box::new(cpu()?))
        }
    }
}
