//! The worker's device: which one it serves, and what it says of itself at each heartbeat.

use std::time::Duration;

use mystic_domain::{DeviceId, Mib, Need};
use mystic_gpu::{
    Child, DeviceKind, DeviceSource, InventoryConfig, Telemetry, TelemetryError, Xid, detect,
    others,
};
use mystic_process::config::Config;
use mystic_store::{DeviceInfo, DeviceTelemetry};
use tokio::time::timeout;

use crate::WorkerError;
use crate::condition::Sign;

/// A device and its source.
#[derive(Debug)]
pub(crate) struct Device {
    source: Box<dyn DeviceSource>,
    /// How long one reading may take.
    patience: Duration,
    /// As it is registered.
    pub(crate) info: DeviceInfo,
}

/// One reading.
pub(crate) struct Reading {
    /// For the heartbeat.
    pub(crate) telemetry: DeviceTelemetry,
    /// What each of the asked processes takes.
    pub(crate) processes: Vec<(u32, Mib)>,
    /// How the device is.
    pub(crate) sign: Sign,
    /// Its error events since the last reading.
    pub(crate) xids: Vec<Xid>,
}

impl Device {
    /// Finds the configured device, or the first.
    pub(crate) async fn find(config: &Config, host: &str) -> Result<Self, WorkerError> {
        let mut inventory = InventoryConfig::for_host(host);
        inventory.nvml_library.clone_from(&config.gpu.nvml_library);
        inventory.cpu_budget = config.gpu.cpu_budget;
        let source = detect(&inventory).await?;
        let wanted = config.worker.device.as_deref();
        let found = source
            .devices()
            .iter()
            .find(|device| wanted.is_none_or(|id| device.id.0 == id));
        let Some(found) = found else {
            let ids: Vec<&str> = source
                .devices()
                .iter()
                .map(|device| device.id.0.as_str())
                .collect();
            return Err(WorkerError::NoSuchDevice {
                device: wanted.unwrap_or("unset").to_owned(),
                there: ids.join(", "),
            });
        };
        let capacity = found.total.saturating_sub(config.gpu.headroom);
        if capacity == Mib(0) {
            return Err(WorkerError::NoCapacity {
                device: found.id.0.clone(),
                headroom: config.gpu.headroom,
                total: found.total,
            });
        }
        let info = DeviceInfo {
            id: found.id.clone(),
            kind: match found.kind {
                DeviceKind::Cuda => "cuda".to_owned(),
                DeviceKind::Cpu => "cpu".to_owned(),
            },
            name: found.name.clone(),
            total: found.total,
            capacity,
            turns: i32::try_from(config.gpu.compute_turns).unwrap_or(i32::MAX),
        };
        Ok(Self {
            source,
            patience: config.lease_times().heartbeat() / 2,
            info,
        })
    }

    /// Its id.
    pub(crate) fn id(&self) -> &DeviceId {
        &self.info.id
    }

    /// Begins to count the most that a process holds of it; false where nobody counts it.
    pub(crate) fn count_most(&self, pid: u32) -> bool {
        self.source.count_most(pid)
    }

    /// What a process holds of it: the most where that is `counted`, otherwise now. None where nobody tells in time.
    pub(crate) async fn held(&self, pid: u32, counted: bool) -> Option<Mib> {
        let asked = self.source.held(&self.info.id, pid, counted);
        timeout(self.patience, asked).await.ok()?
    }

    /// Bounds what a process that rests may take from now on to what is booked, as far as the system can.
    pub(crate) fn bound(&self, pid: u32, booked: Need) {
        if let Err(error) = self.source.bound(pid, booked) {
            tracing::warn!(pid, %error, "the engine can't be kept from taking more than is booked");
        }
    }

    /// Reads the device, within half a heartbeat: a driver that hangs must not keep its worker from beating. `children`
    /// are the engine children of every worker on it, with what is booked for those that are ready.
    pub(crate) async fn read(&self, children: &[(u32, Option<Mib>)]) -> Reading {
        let pids: Vec<u32> = children.iter().map(|(pid, _)| *pid).collect();
        let asked = self.source.telemetry(&self.info.id, &pids);
        let reading = match timeout(self.patience, asked).await {
            Ok(Ok(read)) => reading(read, children),
            Ok(Err(TelemetryError::Lost { device, xids })) => {
                tracing::warn!(%device, "the device is lost: it fell off the bus or must be reset");
                unread(Sign::Gone, xids)
            }
            Ok(Err(error)) => {
                tracing::warn!(device = %self.info.id, %error, "the device can't be read");
                unread(Sign::Silent, Vec::new())
            }
            Err(_) => {
                tracing::warn!(device = %self.info.id, within = ?self.patience, "the device does not answer");
                unread(Sign::Silent, Vec::new())
            }
        };
        for xid in &reading.xids {
            tracing::warn!(device = %self.info.id, xid = xid.0, class = ?xid.class(), "the card reports an error");
        }
        reading
    }
}

fn reading(read: Telemetry, children: &[(u32, Option<Mib>)]) -> Reading {
    let ours: Vec<Child> = children
        .iter()
        .map(|&(pid, ready_booking)| Child { pid, ready_booking })
        .collect();
    let strangers = others(&read, &ours);
    Reading {
        telemetry: DeviceTelemetry {
            used: Some(read.used),
            others: strangers.used,
            others_estimated: strangers.estimated,
            utilisation: read.utilisation_percent.and_then(|p| i32::try_from(p).ok()),
            temperature: read.temperature_celsius.and_then(|t| i32::try_from(t).ok()),
            power: read.power_watts.and_then(|watts| i32::try_from(watts).ok()),
            ..DeviceTelemetry::default()
        },
        processes: read
            .processes
            .iter()
            .filter_map(|process| Some((process.pid, process.used?)))
            .collect(),
        sign: Sign::Well,
        xids: read.xids,
    }
}

fn unread(sign: Sign, xids: Vec<Xid>) -> Reading {
    Reading {
        telemetry: DeviceTelemetry {
            unread: true,
            ..DeviceTelemetry::default()
        },
        processes: Vec::new(),
        sign,
        xids,
    }
}
