//! The trait behind which every kind of inventory sits, and what it tells.

use std::fmt::Debug;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use mystic_domain::{DeviceId, Mib, Need};
use nvml_wrapper::error::NvmlError;
use serde::{Deserialize, Serialize};

use crate::cpu::CpuError;
use crate::xid::Xid;

/// What computes on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// An NVIDIA card.
    Cuda,
    /// The host's processor with a budget of system memory.
    Cpu,
}

/// A device as it was found when its source was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// The card's NVML UUID or `<host>/cpu`.
    pub id: DeviceId,
    /// What its maker calls it.
    pub name: String,
    /// What computes on it.
    pub kind: DeviceKind,
    /// The card's memory; for the processor its budget of system memory.
    pub total: Mib,
}

/// The device memory that one process holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessUse {
    /// The process, as the driver numbers it: the host's numbering even inside a container.
    pub pid: u32,
    /// What it holds; `None` where the driver doesn't tell. On the processor its resident set.
    pub used: Option<Mib>,
    /// The part of `used` that the kernel can drop and read again (mapped model files); 0 on a card.
    pub reclaimable: Mib,
}

/// One reading of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telemetry {
    /// As in [`DeviceInfo::total`].
    pub total: Mib,
    /// What is taken by anyone, including what the driver keeps for itself. On the processor this is all of the
    /// system's taken memory, so it can exceed `total - free`.
    pub used: Mib,
    /// What could be allocated now, at most `total`.
    pub free: Mib,
    /// Memory outside `total` that strangers may take before they count: the system's memory less the processor's
    /// budget; 0 on a card.
    pub reserve: Mib,
    /// On a card every process that the driver shows, on the processor those of the asked ones that live.
    pub processes: Vec<ProcessUse>,
    /// Share of time in which the card computed, in percent.
    pub utilisation_percent: Option<u32>,
    /// Temperature of the chip in °C.
    pub temperature_celsius: Option<u32>,
    /// Power drawn, in watts rounded down.
    pub power_watts: Option<u32>,
    /// Error events since the last reading that reached its caller.
    pub xids: Vec<Xid>,
}

/// Why a device could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The driver did not answer in time; a query that hangs is never waited for longer than this.
    #[error("the driver did not answer for {device} within {after:?}")]
    Hung {
        /// The device that was asked for.
        device: DeviceId,
        /// The configured bound.
        after: Duration,
    },
    /// The card fell off the bus, needs a reset, or is no longer shown: nothing on it runs any more.
    #[error("{device} is lost: it fell off the bus or needs a reset")]
    Lost {
        /// The lost card.
        device: DeviceId,
        /// Error events since the last reading that reached its caller.
        xids: Vec<Xid>,
    },
    /// This source has no such device.
    #[error("this host has no device {0}")]
    UnknownDevice(DeviceId),
    /// The thread that talks to the driver has ended.
    #[error("the driver's thread has ended")]
    Stopped,
    /// NVML refused the query.
    #[error("NVML failed for {device}")]
    Nvml {
        /// The device that was asked for.
        device: DeviceId,
        /// What NVML said.
        source: NvmlError,
    },
    /// The kernel's figures could not be read.
    #[error(transparent)]
    Cpu(#[from] CpuError),
}

/// A reading in progress.
pub type TelemetryFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Telemetry, TelemetryError>> + Send + 'a>>;

/// What a process holds, being asked; `None` where nobody tells.
pub type HeldFuture<'a> = Pin<Box<dyn Future<Output = Option<Mib>> + Send + 'a>>;

/// An inventory: the devices of one kind on this host and their readings.
pub trait DeviceSource: Debug + Send + Sync {
    /// The devices that were usable when the source was opened.
    fn devices(&self) -> &[DeviceInfo];

    /// Reads a device. `children` are the processes whose memory is wanted where the source can't list all.
    ///
    /// # Errors
    /// [`TelemetryError`]: the device is unknown, lost, or its driver hangs or fails.
    fn telemetry<'a>(&'a self, device: &'a DeviceId, children: &'a [u32]) -> TelemetryFuture<'a>;

    /// Begins to count the most that a process holds; false where nobody counts it.
    fn count_most(&self, pid: u32) -> bool;

    /// What a process holds of a device: the most since [`Self::count_most`] where that is `counted`, otherwise now.
    /// It costs little and takes no error event from the next reading.
    fn held<'a>(&'a self, device: &'a DeviceId, pid: u32, counted: bool) -> HeldFuture<'a>;

    /// Bounds what a process that rests may take from now on to what is booked for its model and its job, as far as the
    /// system can: an allocation beyond that fails in it. A card has no such bounds.
    ///
    /// # Errors
    /// The system refuses; the process may take what it likes.
    fn bound(&self, _pid: u32, _booked: Need) -> io::Result<()> {
        Ok(())
    }
}
