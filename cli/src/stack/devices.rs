//! The devices that get a pair of workers each.

use mystic_gpu::{InventoryConfig, detect, host_id};
use mystic_process::Config;

use crate::error::{Result, Tried, sentence};

/// Ids of this host's devices, or the one that is configured.
///
/// # Errors
/// The inventory cannot be read or is empty.
pub async fn device_ids(config: &Config) -> Result<Vec<String>> {
    if let Some(device) = &config.worker.device {
        return Ok(vec![device.clone()]);
    }
    let host = host_id(config.worker.host.as_deref()).tried(|| "this host has no name")?;
    let source = detect(&InventoryConfig {
        nvml_library: config.gpu.nvml_library.clone(),
        cpu_budget: config.gpu.cpu_budget,
        ..InventoryConfig::for_host(host)
    })
    .await
    .tried(|| "the devices of this host cannot be listed")?;
    let ids: Vec<String> = source
        .devices()
        .iter()
        .map(|device| device.id.to_string())
        .collect();
    if ids.is_empty() {
        return sentence("this host has no device: set gpu.cpu_budget_mib to use its processor");
    }
    Ok(ids)
}
